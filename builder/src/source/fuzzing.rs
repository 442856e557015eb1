//! What must hold for every archive, for fuzz targets and property tests.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{SourceLimits, SourceTree};

/// Small, so that they are reached.
const LIMITS: SourceLimits = SourceLimits {
    archive_bytes_max: 4000,
    expanded_bytes_max: 3000,
    file_bytes_max: 2000,
    files_max: 5,
    entries_max: 8,
    expansion_ratio_max: 20,
    expansion_free_bytes: 1000,
};

/// Reads bytes as an archive: either what comes out keeps to the limits and survives packing, or an error that can be shown.
///
/// # Panics
/// If neither is so.
pub fn check(archive: &[u8]) {
    let tree = match SourceTree::from_archive(archive, &LIMITS) {
        Ok(tree) => tree,
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.len() < 2000 && !shown.contains(char::is_control), "{shown:?}");
            return;
        }
    };
    assert!(tree.size_bytes() <= LIMITS.expanded_bytes_max && tree.files() as u64 <= LIMITS.files_max);
    assert!(tree.iter().all(|(_, content)| content.len() as u64 <= LIMITS.file_bytes_max));
    let again = SourceTree::from_archive(&tree.to_tar_gz()[..], &SourceLimits::default());
    assert_eq!(again.expect("what was read can be packed").digest(), tree.digest());
}

/// A gzip stream of these bytes, to reach what lies behind its checksum.
///
/// # Panics
/// Never: a vector takes everything.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).and_then(|()| gzip.finish()).expect("a vector takes everything")
}
