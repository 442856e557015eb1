use super::RelativePath;

/// What operating systems and archivers add by themselves. No [`SourceTree`](super::SourceTree) holds any of it, so that a
/// digest does not depend on who packed the files:
///
/// - below `__MACOSX/`, and names that start with `._`: what macOS keeps beside files (AppleDouble)
/// - `.DS_Store`, `Thumbs.db`, `desktop.ini`: how a folder is shown
/// - `pax_global_header` at the top: what a program that does not know pax headers makes of the one of `git archive`
///
/// Left out, but not unread: a link or a bad name among them is refused as everywhere.
pub const SKIPPED: [&str; 6] = ["__MACOSX/", "._*", ".DS_Store", "Thumbs.db", "desktop.ini", "/pax_global_header"];

/// Whether [`SKIPPED`] has it.
pub(super) fn is_skipped(path: &RelativePath) -> bool {
    matches!(path.file_name(), ".DS_Store" | "Thumbs.db" | "desktop.ini")
        || path.file_name().starts_with("._")
        || path.components().rev().skip(1).any(|name| name == "__MACOSX")
        || path.as_str() == "pax_global_header"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_wrote_is_skipped() {
        for name in [
            "__MACOSX/a",
            "a/__MACOSX/b",
            "._a",
            "a/._b",
            "a/.DS_Store",
            "Thumbs.db",
            "desktop.ini",
            "pax_global_header",
        ] {
            assert!(is_skipped(&name.parse().unwrap()), "{name}");
        }
        for name in ["__MACOSX", "_a", ".a", "a/pax_global_header", "DS_Store"] {
            assert!(!is_skipped(&name.parse().unwrap()), "{name}");
        }
    }
}
