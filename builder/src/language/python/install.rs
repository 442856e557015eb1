//! What uv unpacked, as a tree that is the same whoever unpacks it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::fallback::{has_fallback, is_native};
use super::lock::Lock;
use super::requirement::normalised;
use super::uv::Uv;
use crate::source::{SourceLimits, SourceTree};
use crate::{Error, Workshop};

/// As much as the runtime takes to its memory.
const LIMITS: SourceLimits = SourceLimits {
    archive_bytes_max: 256 << 20,
    expanded_bytes_max: 256 << 20,
    file_bytes_max: 64 << 20,
    files_max: 20_000,
    entries_max: 80_000,
    expansion_ratio_max: 200,
    expansion_free_bytes: 1 << 20,
};
const DEPTH_MAX: usize = 32;
const SUFFIX: &str = ".dist-info";
/// What an installer writes about itself, and where things lay on its machine.
const OF_INSTALLER: [&str; 6] =
    ["RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"];

/// Installs the files of a lock. `None` if there are none.
///
/// # Errors
/// A package with native code that is not known to do without, or files that are no [`SourceTree`].
pub(super) fn install(lock: &Lock, uv: &Uv, workshop: &mut Workshop<'_>) -> Result<Option<SourceTree>, Error> {
    if lock.packages().is_empty() {
        return Ok(None);
    }
    let target = uv.install(&lock.to_string(), workshop)?;
    tree(&target).map(Some)
}

fn tree(target: &Path) -> Result<SourceTree, Error> {
    let mut found = Found::default();
    found.collect(target, "", 0)?;
    let files = found.files;
    let owners = owners(&files);
    let mut kept = Vec::new();
    for (path, content) in files {
        if is_native(&path) {
            check_native(&path, &owners)?;
        } else if is_kept(&path) {
            kept.push((path, content));
        }
    }
    Ok(SourceTree::from_files(kept, &LIMITS)?)
}

/// Native code is left out where a package does without, and a reason to refuse everywhere else.
fn check_native(path: &str, owners: &BTreeMap<String, String>) -> Result<(), Error> {
    let owner = owners.get(path).map_or("a package", String::as_str);
    if has_fallback(owner) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "{owner} has native code ({path}), which the sandbox cannot run; deploy the function with `runtime: container`, or do \
         without it"
    )))
}

/// Scripts for a shell are not reached from a function, and the rest would make two installations differ.
fn is_kept(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let in_metadata = path.split('/').next().is_some_and(|top| top.ends_with(SUFFIX));
    !(path.starts_with("bin/")
        || path == ".lock"
        || path.ends_with(".pyc")
        || path.split('/').any(|part| part == "__pycache__")
        || (in_metadata && OF_INSTALLER.contains(&name)))
}

/// Files with their contents, as far as the limits go.
#[derive(Default)]
struct Found {
    files: Vec<(String, Vec<u8>)>,
    bytes: u64,
}

impl Found {
    fn collect(&mut self, folder: &Path, inside: &str, depth: usize) -> Result<(), Error> {
        let failed = Error::host::<std::io::Error>("read installed packages");
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
        for entry in entries {
            let name = entry.file_name();
            let name = name
                .to_str()
                .ok_or_else(|| Error::Refused(format!("a package has a file name that is not UTF-8: {name:?}")))?;
            let path = if inside.is_empty() { name.to_owned() } else { format!("{inside}/{name}") };
            let metadata = entry.metadata().map_err(Error::host("read installed packages"))?;
            if metadata.is_dir() && depth < DEPTH_MAX {
                self.collect(&entry.path(), &path, depth + 1)?;
            } else if metadata.is_file() && self.has_room(metadata.len()) {
                self.files.push((path, fs::read(entry.path()).map_err(Error::host("read installed packages"))?));
            } else {
                return Err(Error::Refused(format!(
                    "the packages hold {path:?}, which is no file, too deep, or more than {} MiB or {} files together",
                    LIMITS.expanded_bytes_max >> 20,
                    LIMITS.files_max
                )));
            }
        }
        Ok(())
    }

    fn has_room(&mut self, bytes: u64) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        self.bytes <= LIMITS.expanded_bytes_max && (self.files.len() as u64) < LIMITS.files_max
    }
}

/// Which distribution each native file belongs to, as their RECORDs say.
fn owners(files: &[(String, Vec<u8>)]) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for (path, content) in files {
        let Some(folder) = path.strip_suffix("/RECORD").and_then(|folder| folder.strip_suffix(SUFFIX)) else {
            continue;
        };
        let name = normalised(folder.split('-').next().unwrap_or_default());
        let text = String::from_utf8_lossy(content);
        let listed = text.lines().filter_map(|line| line.split(',').next()).filter(|file| is_native(file));
        owners.extend(listed.map(|file| (file.trim_matches('"').to_owned(), name.clone())));
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let tree = tree(folder.path()).map_err(|error| error.to_string())?;
        Ok(tree.iter().map(|(path, _)| path.as_str().to_owned()).collect())
    }

    #[test]
    fn what_differs_between_installations_is_left_out() {
        let kept = installed(&[
            (".lock", ""),
            ("bin/tool", ""),
            ("a/__init__.py", ""),
            ("a/bin/x.txt", ""),
            ("a/RECORD", ""),
            ("a/__pycache__/b.cpython-314.pyc", ""),
            ("a-1.dist-info/METADATA", ""),
            ("a-1.dist-info/RECORD", ""),
            ("a-1.dist-info/INSTALLER", ""),
            ("a-1.dist-info/REQUESTED", ""),
            ("a-1.dist-info/direct_url.json", ""),
            ("a-1.dist-info/licenses/LICENSE", ""),
        ])
        .unwrap();
        let expected =
            ["a-1.dist-info/METADATA", "a-1.dist-info/licenses/LICENSE", "a/RECORD", "a/__init__.py", "a/bin/x.txt"];
        assert_eq!(kept, expected);
    }

    #[test]
    fn native_code_is_left_out_only_where_it_is_not_needed() {
        let markup = ("markupsafe/__init__.py", "");
        let native = ("markupsafe/_speedups.so", "");
        let record =
            ("MarkupSafe-3.dist-info/RECORD", "markupsafe/__init__.py,,\nmarkupsafe/_speedups.so,sha256=x,1\n");
        assert_eq!(installed(&[markup, native, record]).unwrap(), ["markupsafe/__init__.py"]);
        let record = ("numpy-3.dist-info/RECORD", "markupsafe/_speedups.so,sha256=x,1\n");
        let refused = installed(&[markup, native, record]).unwrap_err();
        assert!(refused.starts_with("numpy has native code (markupsafe/_speedups.so)"), "{refused}");
        assert!(installed(&[markup, native]).unwrap_err().starts_with("a package has native code"));
    }

    #[test]
    fn links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd")).unwrap();
        assert!(tree(folder.path()).unwrap_err().to_string().contains("passwd"));
    }
}
