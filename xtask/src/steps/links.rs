//! Links between the documents lead somewhere: every relative link in a Markdown file names a file of the checkout.
//!
//! Addresses on the web are not followed: whether they answer depends on the network, not on the change under test.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Passed;
use crate::ui;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Result<Passed> {
    let mut documents = Vec::new();
    collect(&workspace.path(""), &mut documents)?;
    let mut broken = 0;
    for document in &documents {
        let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
        for (line, target) in
            relative_links(&text).into_iter().filter(|(_, target)| !document.with_file_name(target).exists())
        {
            ui::warn(&format!("{}:{line}: there is no {target}", workspace.shown(document)));
            broken += 1;
        }
    }
    ensure!(broken == 0, "{broken} broken links between documents, see above");
    Ok(Passed::Fully)
}

/// Markdown files of ours, not those of dependencies and builds.
fn collect(folder: &Path, documents: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(&path, documents)?;
        } else if name.ends_with(".md") {
            documents.push(path);
        }
    }
    Ok(())
}

/// Line numbers and targets of inline links that name a file, without their fragments. Code is skipped.
fn relative_links(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    lines.flat_map(|(index, line)| links(line).map(move |target| (index + 1, target))).collect()
}

fn links(line: &str) -> impl Iterator<Item = &str> {
    let prose = line.split('`').step_by(2);
    let targets = prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next());
    let paths = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    paths.filter_map(|target| target.split('#').next()).filter(|target| !target.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_found_with_their_lines() {
        let text = "# A\n[a](docs/a.md) and ![b](b.png \"title\")\n\n- [c](../c.md#part)\n";
        assert_eq!(relative_links(text), [(2, "docs/a.md"), (2, "b.png"), (4, "../c.md")]);
    }

    #[test]
    fn the_web_fragments_and_code_are_left_alone() {
        let text = "[a](https://example.org) [b](#part) [c](mailto:a@b)\n`[d](d.md)`\n```\n[e](e.md)\n```\n[f](f.md)\n";
        assert_eq!(relative_links(text), [(6, "f.md")]);
    }
}
