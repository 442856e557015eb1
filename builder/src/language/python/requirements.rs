//! `requirements.txt`: the part of it that says which packages, and by lines why the rest is refused.
//!
//! Other files of the function may be included (`-r`, `-c`), files elsewhere may not. Where packages come from and how they are
//! built is the operator's, so options about that are refused rather than ignored.

use std::collections::BTreeSet;

use super::requirement::Requirement;
use crate::Error;
use crate::source::SourceTree;

/// Lists of hashes are long: 100 packages with 100 files each take 1 MiB.
const BYTES_MAX: usize = 4 << 20;
/// A lock of everything that anyone has installed has some hundred.
pub(super) const COUNT_MAX: usize = 1_000;
/// Files that include files.
const DEPTH_MAX: usize = 8;

/// What requirements files ask for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Requirements {
    pub(super) wanted: Vec<Requirement>,
    /// Versions of packages if something else wants them.
    pub(super) constraints: Vec<Requirement>,
}

/// Whether lines want packages or bound their versions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wanted,
    Constraints,
}

impl Requirements {
    /// Reads a file of the tree and all that it includes.
    ///
    /// # Errors
    /// [`Error::Refused`] with the file and the line.
    pub(super) fn read(source: &SourceTree, file: &str) -> Result<Self, Error> {
        let mut reader = Reader { source, found: Self::default(), open: Vec::new(), seen: BTreeSet::new() };
        reader.read(file, Kind::Wanted)?;
        Ok(reader.found)
    }
}

struct Reader<'a> {
    source: &'a SourceTree,
    found: Requirements,
    /// Files that are being read, each included by the one before.
    open: Vec<String>,
    /// Files that were read.
    seen: BTreeSet<String>,
}

impl Reader<'_> {
    fn read(&mut self, file: &str, kind: Kind) -> Result<(), Error> {
        if self.open.len() == DEPTH_MAX || self.open.iter().any(|open| open == file) {
            return Err(Error::Refused(format!(
                "{file}: includes itself, or files that do more than {DEPTH_MAX} deep"
            )));
        }
        if !self.seen.insert(file.to_owned()) {
            return Ok(());
        }
        let content = self.source.get(file).filter(|content| content.len() <= BYTES_MAX);
        let text = content.and_then(|content| str::from_utf8(content).ok()).ok_or_else(|| {
            Error::Refused(format!("{file}: is not there, not UTF-8, or has more than {} MiB", BYTES_MAX >> 20))
        })?;
        self.open.push(file.to_owned());
        for (number, line) in lines(text) {
            let refused = |reason: String| Error::Refused(format!("{file}:{number}: `{}` {reason}", shown(&line)));
            match included(&line) {
                Some((kind, name)) => {
                    let inner = beside(file, name).ok_or_else(|| {
                        refused("leads out of the function's folder; include files of the function only".into())
                    })?;
                    if self.source.get(&inner).is_none() {
                        return Err(refused(format!("includes {inner}, which is not there")));
                    }
                    self.read(&inner, kind)?;
                }
                None => self.line(&line, kind).map_err(refused)?,
            }
        }
        self.open.pop();
        Ok(())
    }

    fn line(&mut self, line: &str, kind: Kind) -> Result<(), String> {
        if line.starts_with('-') {
            return option(line);
        }
        if line.contains("${") {
            return Err("asks for a variable, and there are none when packages are installed; write its value".into());
        }
        let requirement = Requirement::parse(line)?;
        let list = if kind == Kind::Wanted { &mut self.found.wanted } else { &mut self.found.constraints };
        if list.len() == COUNT_MAX {
            return Err(format!("is one package more than {COUNT_MAX}"));
        }
        list.push(requirement);
        Ok(())
    }
}

/// Lines with their numbers, without comments and empty ones; a backslash at the end goes on in the next.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let is_comment = line.trim_start().starts_with('#');
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) if !is_comment => (part, true),
            _ => (line, false),
        };
        let (number, mut joined) = pending.take().unwrap_or((number + 1, String::new()));
        if !is_comment {
            joined += part;
        }
        if goes_on {
            pending = Some((number, joined));
        } else {
            found.push((number, joined));
        }
    }
    found.extend(pending);
    let bare = found.into_iter().map(|(number, line)| (number, without_comment(&line).trim().to_owned()));
    bare.filter(|(_, line)| !line.is_empty()).collect()
}

fn without_comment(line: &str) -> &str {
    let is_start = |at: usize| line[..at].ends_with(char::is_whitespace) || at == 0;
    line.match_indices('#').map(|(at, _)| at).find(|&at| is_start(at)).map_or(line, |at| &line[..at])
}

fn included(line: &str) -> Option<(Kind, &str)> {
    const OPTIONS: [(&str, Kind); 4] = [
        ("--requirement", Kind::Wanted),
        ("--constraint", Kind::Constraints),
        ("-r", Kind::Wanted),
        ("-c", Kind::Constraints),
    ];
    let (kind, rest) = OPTIONS.iter().find_map(|(option, kind)| Some((*kind, line.strip_prefix(option)?)))?;
    Some((kind, rest.trim_start_matches(['=', ' ', '\t']).trim()))
}

/// The path of a file that another one names; `None` if it lies elsewhere.
fn beside(file: &str, name: &str) -> Option<String> {
    if name.contains("://") || name.starts_with(['/', '~']) || name.contains('\\') {
        return None;
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Options that change nothing here are taken; the error says why another one is not.
fn option(line: &str) -> Result<(), String> {
    let name = line.split(['=', ' ', '\t']).next().unwrap_or_default();
    let value = line[name.len()..].trim_start_matches(['=', ' ', '\t']);
    match name {
        // Only wheels are installed anyway, and hashes are always checked.
        "--require-hashes" | "--prefer-binary" | "--use-feature" => Ok(()),
        "--only-binary" => Ok(()),
        "-e" | "--editable" => {
            Err("is installed from a folder, and packages come from the index only; put its modules into the function"
                .into())
        }
        "-i" | "--index-url" | "--extra-index-url" | "--no-index" | "-f" | "--find-links" | "--trusted-host" => {
            Err("says where packages come from, which is for the operator of this server; take it away".into())
        }
        "--pre" => Err("takes any pre-release; name the one that is wanted, as in package==2.0rc1".into()),
        "--no-binary" => Err("builds packages from their source, and only wheels are installed; take it away".into()),
        _ if value.is_empty() => Err("is an option that is not understood here; take it away".into()),
        _ => Err(format!("has the option {name}, which is not understood here; take it away")),
    }
}

/// The line in a message: some are very long.
fn shown(line: &str) -> String {
    let line = without_credentials(line);
    let cut: String = line.chars().filter(|c| !c.is_control()).take(80).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// Addresses of private indexes have passwords in them, and logs are read by others.
fn without_credentials(line: &str) -> String {
    match line.split_once("://").and_then(|(before, rest)| Some((before, rest.split_once('@')?))) {
        Some((before, (who, rest))) if !who.contains(['/', ' ']) => format!("{before}://…@{rest}"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceLimits;

    fn read(files: &[(&'static str, &'static str)]) -> Result<Requirements, String> {
        let tree = SourceTree::from_files(files.iter().copied(), &SourceLimits::default()).unwrap();
        Requirements::read(&tree, files[0].0).map_err(|error| error.to_string())
    }

    fn texts(requirements: &[Requirement]) -> Vec<&str> {
        requirements.iter().map(|requirement| requirement.text.as_str()).collect()
    }

    #[test]
    fn lines_comments_and_continuations() {
        let hash = "--hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let text = format!("\u{feff}# all\n\njinja2 >= 3 # text\r\nsix==1.16 \\\n    {hash} \\\n    {hash}\nidna#x\n");
        let found = read(&[("requirements.txt", text.leak())]);
        assert_eq!(found.unwrap_err(), "requirements.txt:7: `idna#x` is no requirement; write it as in jinja2>=3.1");
        let found = read(&[("requirements.txt", "--require-hashes\n--only-binary :all:\na # b\n\\\nc\\\n")]).unwrap();
        assert_eq!(texts(&found.wanted), ["a", "c"]);
    }

    #[test]
    fn files_of_the_function_are_included() {
        let found = read(&[
            ("requirements.txt", "-r requirements/base.txt\n-c requirements/../bounds.txt\nattrs\n"),
            ("requirements/base.txt", "-rmore.txt\njinja2\n"),
            ("requirements/more.txt", "-c ../bounds.txt\nidna\n"),
            ("bounds.txt", "idna<4\n"),
        ])
        .unwrap();
        assert_eq!(texts(&found.wanted), ["idna", "jinja2", "attrs"]);
        assert_eq!(texts(&found.constraints), ["idna<4"]);
    }

    #[test]
    fn files_elsewhere_are_not() {
        for line in ["-r ../secret", "-r /etc/passwd", "--requirement=https://a.example/x", "-c ~/x", "-r a\\b"] {
            let refused = read(&[("requirements.txt", format!("six\n{line}\n").leak())]).unwrap_err();
            assert!(refused.starts_with("requirements.txt:2: ") && refused.contains("leads out"), "{refused}");
        }
        let refused = read(&[("requirements.txt", "-r none.txt")]).unwrap_err();
        assert_eq!(refused, "requirements.txt:1: `-r none.txt` includes none.txt, which is not there");
        let refused = read(&[("a.txt", "-r b.txt"), ("b.txt", "-r a.txt")]).unwrap_err();
        assert!(refused.starts_with("a.txt: includes itself"), "{refused}");
    }

    #[test]
    fn options_are_refused_by_line_and_reason_without_their_passwords() {
        for (line, reason) in [
            ("-e .", "put its modules into the function"),
            ("--index-url https://user:pass@example.com/simple", "for the operator"),
            ("--extra-index-url=https://example.com", "for the operator"),
            ("--find-links x", "for the operator"),
            ("--no-binary :all:", "only wheels"),
            ("--pre", "pre-release"),
            ("--install-option=--x", "not understood"),
            ("--what", "not understood"),
            ("x==${VERSION}", "variable"),
            ("git+https://user:pass@example.com/x.git", "repository"),
        ] {
            let refused = read(&[("requirements.txt", format!("\n{line}").leak())]).unwrap_err();
            assert!(refused.starts_with("requirements.txt:2: ") && refused.contains(reason), "{refused}");
            assert!(!refused.contains("pass@"), "{refused}");
        }
    }
}
