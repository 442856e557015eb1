//! Packages that have wheels with native code only, and do without it.
//!
//! Each, or the one package that needs it, tries to import a native module that makes it faster, and goes on in Python if there
//! is none. Its wheel for Linux has
//! all of the Python, so that is what is installed, without the native module; building the package from its source
//! would run foreign code. Whether a package is one of these cannot be told from outside, so each was looked at, and
//! `tests/packages.rs` runs them. None needs other packages, which `uv.rs` tells the resolver.

/// Normalised names.
pub(super) const FALLBACKS: [&str; 5] = ["markupsafe", "msgpack", "pyyaml", "ruamel-yaml-clib", "zope-interface"];

/// Whether it is one of them.
pub(super) fn has_fallback(name: &str) -> bool {
    FALLBACKS.contains(&name)
}

/// Whether a file is native code that Python would import.
pub(super) fn is_native(path: &str) -> bool {
    [".so", ".pyd", ".dll", ".dylib"].iter().any(|ending| path.ends_with(ending)) || path.contains(".so.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_modules_are_known_by_their_endings() {
        for path in ["a/_x.cpython-314-x86_64-linux-gnu.so", "a/x.abi3.so", "x.libs/libgomp.so.1", "x.pyd"] {
            assert!(is_native(path), "{path}");
        }
        for path in ["a/so.py", "a/x.sol", "a/_speedups.c"] {
            assert!(!is_native(path), "{path}");
        }
    }
}
