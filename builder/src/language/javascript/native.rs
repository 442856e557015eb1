//! Packages with code for this machine's processor, which no sandbox runs.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// More than any limit on the folder lets through; here so that this ends by itself.
const ENTRIES_MAX: usize = 1_000_000;

/// Packages below `node_modules` that have compiled addons, or sources of some: paths such as `a` or `a/node_modules/@b/c`.
pub(super) fn find(node_modules: &Path) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![String::new()];
    let mut entries = 0;
    while let Some(folder) = folders.pop() {
        let listed = match fs::read_dir(node_modules.join(&folder)) {
            // packages that need nothing leave no folder
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.is_empty() => return Ok(found),
            listed => listed?,
        };
        for entry in listed {
            let entry = entry?;
            entries += 1;
            if entries > ENTRIES_MAX {
                return Err(io::Error::other("there are too many files"));
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && (name.ends_with(".node") || name == "binding.gyp") {
                found.extend(package_of(&path));
            }
        }
    }
    Ok(found)
}

/// `a/node_modules/@b/c` of `a/node_modules/@b/c/build/x.node`.
fn package_of(path: &str) -> Option<String> {
    let start = path.rfind("node_modules/").map_or(0, |at| at + "node_modules/".len());
    let mut parts = path[start..].split('/');
    let first = parts.next()?;
    let length = if first.starts_with('@') { first.len() + 1 + parts.next()?.len() } else { first.len() };
    Some(path[..start + length].to_owned())
}

/// What to say of one.
pub(super) fn refusal(name: &str) -> String {
    format!(
        "package {name:?} has native code, which cannot run in the sandbox; use a package in plain JavaScript, or \
         runtime: container in function.yaml"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_of_an_addon_is_found() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a/x.js", "a/node_modules/@b/c/build/x.node", "d/binding.gyp", "@e/f/g/h.node"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("/", folder.path().join("root")).unwrap();
        let found = find(folder.path()).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["@e/f", "a/node_modules/@b/c", "d"]);
        assert!(find(&folder.path().join("none")).unwrap().is_empty());
    }
}
