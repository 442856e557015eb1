//! The modules and packages that a function was deployed with: kept in memory, handed to guests one by one.
//!
//! Guests open no files for them, so that an interpreter which has imported some can become a snapshot.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;

use bytes::Bytes;

use crate::bindings::hks::function::packages;
use crate::host::Guest;

/// More than this is no function's dependencies: they are read into memory.
const BYTES_MAX: u64 = 256 << 20;
const FILES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 32;

/// What an interpreter can import: `*.py` are modules, everything else is data.
#[derive(Debug, Default)]
pub struct Packages {
    /// By path without the ending.
    modules: HashMap<String, Module>,
    /// By path, sources of modules among them.
    files: HashMap<String, Bytes>,
    /// What is in each folder; names of folders end with a slash.
    folders: HashMap<String, BTreeSet<String>>,
    bytes: u64,
}

#[derive(Debug)]
struct Module {
    path: String,
    is_package: bool,
    compiled: Option<Bytes>,
}

/// One file for [`Packages::from_files`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Where it seems to lie: below [`Packages::CODE`] or [`Packages::INSTALLED`].
    pub path: String,
    /// What is in it.
    pub content: Bytes,
    /// What the very same build of the interpreter made of it, if it is a module.
    pub compiled: Option<Bytes>,
}

impl Packages {
    /// Where a function's own modules are said to lie: what tracebacks and `__file__` show.
    pub const CODE: &str = "/code";
    /// Where packages are said to lie.
    pub const INSTALLED: &str = "/packages";

    /// Reads what an installer put into `folder` (`pip install --target`). Symbolic links, bytecode caches and native
    /// modules are left out.
    ///
    /// # Errors
    /// The folder cannot be read, or holds more than 256 MiB, 20,000 files or 32 levels.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        let mut packages = Self::default();
        packages.read_folder(folder, Self::INSTALLED, 0)?;
        Ok(packages)
    }

    /// Takes files as they are, in any order.
    ///
    /// # Errors
    /// A path outside the two folders or one that is not plain, one that comes twice, or more than 256 MiB, 20,000 files or
    /// 32 levels.
    pub fn from_files(files: impl IntoIterator<Item = PackageFile>) -> std::io::Result<Self> {
        let mut packages = Self::default();
        for PackageFile { path, content, compiled } in files {
            check_path(&path)?;
            packages.count(&path, content.len() as u64 + compiled.as_ref().map_or(0, |bytes| bytes.len() as u64))?;
            packages.insert(path, content, compiled)?;
        }
        Ok(packages)
    }

    /// Modules and data files in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read_folder(&mut self, folder: &Path, shown: &str, depth: usize) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type()?;
            let path = format!("{shown}/{name}");
            if kind.is_dir() && name != "__pycache__" {
                if depth == DEPTH_MAX {
                    return Err(refused(&folder.display(), format!("more than {DEPTH_MAX} folders deep")));
                }
                self.read_folder(&entry.path(), &path, depth + 1)?;
            } else if kind.is_file() && !name.ends_with(".pyc") && !name.ends_with(".so") {
                self.count(&entry.path().display(), entry.metadata()?.len())?;
                self.insert(path, fs::read(entry.path())?.into(), None)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, subject: &dyn std::fmt::Display, bytes: u64) -> std::io::Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > BYTES_MAX || self.len() == FILES_MAX {
            return Err(refused(subject, format!("more than {} MiB or {FILES_MAX} files", BYTES_MAX >> 20)));
        }
        Ok(())
    }

    fn insert(&mut self, path: String, content: Bytes, compiled: Option<Bytes>) -> std::io::Result<()> {
        if self.files.contains_key(&path) {
            return Err(refused(&path, "comes twice".into()));
        }
        self.list(&path);
        if let Some((place, is_package)) = place(&path) {
            // As in CPython, a package comes before a module of the same name.
            if is_package || !self.modules.contains_key(place) {
                self.modules.insert(place.into(), Module { path: path.clone(), is_package, compiled });
            }
        }
        self.files.insert(path, content);
        Ok(())
    }

    /// Enters a file into its folder, and that into its own.
    fn list(&mut self, path: &str) {
        let (mut below, mut slash) = (path, "");
        while let Some((folder, name)) = below.rsplit_once('/') {
            let entries = self.folders.entry(folder.into()).or_default();
            if !entries.insert(format!("{name}{slash}")) {
                break;
            }
            (below, slash) = (folder, "/");
        }
    }

    fn found(&self, place: &str) -> Option<packages::Module> {
        let Some(Module { path, is_package, compiled }) = self.modules.get(place) else {
            let namespace =
                || packages::Module { path: place.into(), is_package: true, content: Vec::new(), is_compiled: false };
            return self.folders.contains_key(place).then(namespace);
        };
        let content = compiled.as_ref().or_else(|| self.files.get(path))?;
        Some(packages::Module {
            path: path.clone(),
            is_package: *is_package,
            content: content.to_vec(),
            is_compiled: compiled.is_some(),
        })
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        match path.strip_suffix('/') {
            None => self.files.get(path).map(|content| content.to_vec()),
            Some(folder) => {
                let names = self.folders.get(folder)?;
                Some(names.iter().map(String::as_str).collect::<Vec<_>>().join("\n").into_bytes())
            }
        }
    }
}

fn check_path(path: &str) -> std::io::Result<()> {
    let inside = [Packages::CODE, Packages::INSTALLED]
        .iter()
        .find_map(|folder| path.strip_prefix(folder)?.strip_prefix('/'))
        .ok_or_else(|| refused(&path, "not below /code or /packages".into()))?;
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
    if !inside.split('/').all(is_plain) || inside.split('/').count() > DEPTH_MAX + 1 {
        return Err(refused(&path, format!("not a plain path of at most {DEPTH_MAX} folders")));
    }
    Ok(())
}

fn refused(subject: &dyn std::fmt::Display, reason: String) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{subject}: {reason}"))
}

/// What a module is asked for by, and whether it is a package: `/packages/jinja2` of `/packages/jinja2/__init__.py`.
fn place(path: &str) -> Option<(&str, bool)> {
    let path = path.strip_suffix(".py")?;
    Some(path.strip_suffix("/__init__").map_or((path, false), |package| (package, true)))
}

impl packages::Host for Guest {
    fn find(&mut self, place: String) -> wasmtime::Result<Option<packages::Module>> {
        Ok(self.packages.found(&place))
    }

    fn read(&mut self, path: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.packages.content(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str, compiled: Option<&'static str>) -> PackageFile {
        let content = content.to_owned().into();
        PackageFile { path: path.into(), content, compiled: compiled.map(Bytes::from) }
    }

    fn listed(packages: &Packages, folder: &str) -> String {
        String::from_utf8(packages.content(folder).unwrap()).unwrap()
    }

    #[test]
    fn files_become_modules_and_data() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write("six.py", "six = 6");
        write("jinja2/__init__.py", "");
        write("jinja2/ext.py", "");
        write("jinja2/data.txt", "data");
        write("jinja2/__pycache__/ext.cpython-314.pyc", "");
        write("jinja2-3.dist-info/METADATA", "Name: jinja2");
        write("fast/_speedups.so", "");
        let packages = Packages::read(folder.path()).unwrap();
        let mut places: Vec<_> =
            packages.modules.iter().map(|(place, module)| (place.as_str(), module.is_package)).collect();
        places.sort_unstable();
        assert_eq!(places, [("/packages/jinja2", true), ("/packages/jinja2/ext", false), ("/packages/six", false)]);
        assert_eq!(packages.len(), 5);
        assert_eq!(packages.content("/packages/jinja2/data.txt").unwrap(), b"data");
        assert_eq!(packages.found("/packages/six").unwrap().content, b"six = 6");
        assert_eq!(listed(&packages, "/packages/"), "jinja2-3.dist-info/\njinja2/\nsix.py");
        assert_eq!(listed(&packages, "/packages/jinja2/"), "__init__.py\ndata.txt\next.py");
        assert!(packages.content("/packages/six/").is_none());
    }

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
        assert!(Packages::read(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn compiled_modules_keep_their_source_beside() {
        let files = [file("/code/app.py", "x = 1", Some("bytes")), file("/packages/app.py", "y = 2", None)];
        let packages = Packages::from_files(files).unwrap();
        let found = packages.found("/code/app").unwrap();
        assert_eq!(
            (found.content.as_slice(), found.is_compiled, found.path.as_str()),
            (&b"bytes"[..], true, "/code/app.py")
        );
        assert_eq!(packages.content("/code/app.py").unwrap(), b"x = 1");
        assert_eq!(packages.found("/packages/app").unwrap().content, b"y = 2");
    }

    #[test]
    fn a_folder_without_init_is_a_namespace_and_a_package_comes_before_a_module() {
        let files = ["/packages/google/auth/__init__.py", "/packages/google/auth.py", "/packages/google/cloud/x.py"];
        let packages = Packages::from_files(files.map(|path| file(path, "", None))).unwrap();
        let namespace = packages.found("/packages/google").unwrap();
        assert_eq!((namespace.path.as_str(), namespace.is_package), ("/packages/google", true));
        assert_eq!(packages.found("/packages/google/auth").unwrap().path, "/packages/google/auth/__init__.py");
        assert!(packages.found("/packages/google/none").is_none());
    }

    #[test]
    fn paths_that_are_not_plain_are_refused() {
        let deep = format!("/code/{}x.py", "a/".repeat(DEPTH_MAX + 1));
        for path in ["/etc/passwd", "/code", "/code/", "/code/../x", "/codes/x", "/code//x", "/code/a\nb", &deep] {
            assert!(Packages::from_files([file(path, "", None)]).is_err(), "{path:?}");
        }
        assert!(Packages::from_files(["/code/a"; 2].map(|path| file(path, "", None))).is_err());
    }
}
