//! The sources of `hks-sdk`, as they lie in `sdk-rust/`: the builder has them with it, because no registry does.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::Error;

/// What cargo knows the crate as.
pub(super) const NAME: &str = "hks-sdk";

/// Where it lies in the function's own folder: cargo names crates by their path within the workspace, and by the absolute one
/// otherwise, and then no two builds would be the same.
pub(super) const FOLDER: &str = ".hks-sdk";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk-rust/", $path)))),*]
    };
}

/// All that is needed to compile it.
pub(super) const FILES: &[(&str, &str)] = files![
    "guest/Cargo.toml",
    "guest/src/bindings.rs",
    "guest/src/block_on.rs",
    "guest/src/call.rs",
    "guest/src/context.rs",
    "guest/src/display.rs",
    "guest/src/failure.rs",
    "guest/src/http.rs",
    "guest/src/lib.rs",
    "guest/src/panic.rs",
    "guest/src/returned.rs",
    "macros/Cargo.toml",
    "macros/src/handler.rs",
    "macros/src/lib.rs",
    "macros/src/signature.rs",
];

/// Older than anything that was compiled from it: cargo compares times.
const MODIFIED: Duration = Duration::from_secs(1_000_000_000);

/// Writes it below the function's folder.
pub(super) fn unpack(function: &Path) -> Result<(), Error> {
    let failed = || Error::host("write the Rust SDK");
    for (path, text) in FILES {
        let file = function.join(FOLDER).join(path);
        let folder = file.parent().expect("every file lies in a folder");
        fs::create_dir_all(folder).map_err(failed())?;
        fs::write(&file, text).map_err(failed())?;
        let open = File::options().write(true).open(&file).map_err(failed())?;
        open.set_modified(SystemTime::UNIX_EPOCH + MODIFIED).map_err(failed())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn list(root: &Path, folder: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                list(root, &path, found);
            } else {
                found.insert(path);
            }
        }
    }

    #[test]
    fn every_source_is_with_the_builder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-rust");
        let mut found = BTreeSet::from(["guest/Cargo.toml".to_owned(), "macros/Cargo.toml".to_owned()]);
        list(&root, "guest/src", &mut found);
        list(&root, "macros/src", &mut found);
        let shipped: BTreeSet<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(shipped, found);
    }
}
