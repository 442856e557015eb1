//! Rust on the PATH, if it compiles to WebAssembly.
//!
//! What lies there is mostly not a compiler but rustup's stand-in for many, which reads the home of its user. A build's child
//! has another, so the compiler itself is asked for.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Toolchain, is_executable};

const TARGET: &str = "wasm32-wasip2";

/// The first of the PATH that has the target's standard library.
pub(super) fn on_path(path: &OsStr) -> Option<Toolchain> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let compilers = folders.map(|folder| folder.join("rustc")).filter(|file| is_executable(file));
    compilers.filter_map(|compiler| sysroot(&compiler)).find_map(|sysroot| in_sysroot(&sysroot))
}

/// Where a compiler keeps its libraries. It is the operator's own, run as the operator.
fn sysroot(compiler: &Path) -> Option<PathBuf> {
    let mut command = Command::new(compiler);
    // A file of the folder that we happen to be in does not choose another.
    command.args(["--print", "sysroot"]).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
    let printed = command.output().ok().filter(|output| output.status.success())?;
    let sysroot = PathBuf::from(std::str::from_utf8(&printed.stdout).ok()?.trim_end());
    sysroot.is_absolute().then_some(sysroot)
}

fn in_sysroot(sysroot: &Path) -> Option<Toolchain> {
    let (program, compiler) = (sysroot.join("bin/cargo"), sysroot.join("bin/rustc"));
    let has_target = sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir();
    if !(has_target && is_executable(&program) && is_executable(&compiler)) {
        return None;
    }
    let environment = BTreeMap::from([("RUSTC".to_owned(), compiler.to_str()?.to_owned())]);
    Some(Toolchain { program, arguments: Vec::new(), environment, readable: vec![sysroot.to_path_buf()] })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(file: &Path, text: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_stand_in_leads_to_the_compiler_that_has_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let sysroot = folder.path().join("toolchain");
        program(&folder.path().join("bin/rustc"), &format!("#!/bin/sh\necho '{}'\n", sysroot.display()));
        program(&sysroot.join("bin/rustc"), "");
        program(&sysroot.join("bin/cargo"), "");
        let path = folder.path().join("bin").into_os_string();
        assert_eq!(on_path(&path), None);
        fs::create_dir_all(sysroot.join("lib/rustlib/wasm32-wasip2/lib")).unwrap();
        let found = on_path(&path).unwrap();
        assert_eq!(found.program, sysroot.join("bin/cargo"));
        assert_eq!(found.environment["RUSTC"], sysroot.join("bin/rustc").to_str().unwrap());
        assert_eq!(found.readable, [sysroot]);
    }

    #[test]
    fn what_does_not_run_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        program(&folder.path().join("rustc"), "#!/bin/sh\nexit 1\n");
        assert_eq!(on_path(folder.path().as_os_str()), None);
        assert_eq!(on_path(OsStr::new("")), None);
    }
}
