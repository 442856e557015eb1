//! The packages that a function was deployed with: read into memory once, handed to guests by name.
//!
//! Guests open no files for them, so that an interpreter which has imported some can become a snapshot.

use std::collections::HashMap;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::bindings::hks::function::packages;
use crate::host::Guest;

/// Where packages are said to lie: what tracebacks and `__file__` show.
const ROOT: &str = "/packages";

/// More than this is no function's dependencies: they are read into memory.
const BYTES_MAX: u64 = 256 << 20;
const FILES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 32;

/// Python packages: modules by dotted name, data files by path.
#[derive(Debug, Default)]
pub struct Packages {
    modules: HashMap<String, Module>,
    files: HashMap<String, Vec<u8>>,
    bytes: u64,
}

#[derive(Debug)]
struct Module {
    path: String,
    is_package: bool,
    content: Vec<u8>,
}

impl Packages {
    /// Reads what an installer put into `folder` (`pip install --target`): `*.py` are modules, everything else is data.
    /// Symbolic links, bytecode caches and native modules are left out.
    ///
    /// # Errors
    /// The folder cannot be read, or holds more than 256 MiB, 20,000 files or 32 levels.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        let mut packages = Self::default();
        packages.read_folder(folder, "", 0)?;
        Ok(packages)
    }

    /// Modules and data files in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modules.len() + self.files.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read_folder(&mut self, folder: &Path, inside: &str, depth: usize) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type()?;
            let path = format!("{inside}/{name}");
            if kind.is_dir() && name != "__pycache__" {
                if depth == DEPTH_MAX {
                    return Err(refused(folder, format!("more than {DEPTH_MAX} folders deep")));
                }
                self.read_folder(&entry.path(), &path, depth + 1)?;
            } else if kind.is_file() && !name.ends_with(".pyc") && !name.ends_with(".so") {
                self.read_file(&entry.path(), &path)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, file: &Path, inside: &str) -> std::io::Result<()> {
        self.bytes += fs::metadata(file)?.len();
        if self.bytes > BYTES_MAX || self.len() == FILES_MAX {
            return Err(refused(file, format!("more than {} MiB or {FILES_MAX} files", BYTES_MAX >> 20)));
        }
        let content = fs::read(file)?;
        let path = format!("{ROOT}{inside}");
        match module_name(inside) {
            Some((name, is_package)) => drop(self.modules.insert(name, Module { path, is_package, content })),
            None => drop(self.files.insert(path, content)),
        }
        Ok(())
    }
}

fn refused(path: &Path, reason: String) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{}: {reason}", path.display()))
}

/// `/jinja2/ext.py` is the module `jinja2.ext`, `/jinja2/__init__.py` the package `jinja2`.
fn module_name(path: &str) -> Option<(String, bool)> {
    let path = path.strip_prefix('/')?.strip_suffix(".py")?;
    let (path, is_package) = path.strip_suffix("/__init__").map_or((path, false), |package| (package, true));
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    path.split('/').all(is_name).then(|| (path.replace('/', "."), is_package))
}

impl packages::Host for Guest {
    fn find(&mut self, name: String) -> wasmtime::Result<Option<packages::Module>> {
        Ok(self.packages.modules.get(&name).map(|module| packages::Module {
            path: module.path.clone(),
            is_package: module.is_package,
            content: module.content.clone(),
            is_compiled: false,
        }))
    }

    fn read(&mut self, path: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.packages.files.get(&path).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut names: Vec<_> =
            packages.modules.iter().map(|(name, module)| (name.as_str(), module.is_package)).collect();
        names.sort_unstable();
        assert_eq!(names, [("jinja2", true), ("jinja2.ext", false), ("six", false)]);
        let mut files: Vec<_> = packages.files.keys().map(String::as_str).collect();
        files.sort_unstable();
        assert_eq!(files, ["/packages/jinja2-3.dist-info/METADATA", "/packages/jinja2/data.txt"]);
        assert_eq!(packages.modules["six"].path, "/packages/six.py");
    }

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
        assert!(Packages::read(folder.path()).unwrap().is_empty());
    }
}
