use super::text::{check_visible, text};

text! {
    /// A package to install: a requirement of pip such as `requests>=2.32` (PEP 508), or a spec of npm such as `zod@^4`.
    Package { field: "packages", bytes_max: 256, check: check_package, pattern: "^[^-\\s]" }
}

impl Package {
    /// More belongs into the function's own `requirements.txt` or `package.json`.
    pub const COUNT_MAX: usize = 100;
}

/// A text that starts with a dash would be an option of the installer, not a package.
fn check_package(text: &str) -> Result<(), String> {
    check_visible(text)?;
    if text.starts_with('-') {
        return Err(format!("{text:?} is an option, not a package"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_an_installer_are_not_packages() {
        for bad in ["", "-r", "--index-url=https://evil.example", " a", "a\n-r", "a\0"] {
            assert!(Package::try_from(bad.to_string()).is_err(), "{bad:?}");
        }
        for good in ["requests", "requests[socks]>=2.32; python_version > '3'", "@scope/name@^1.2"] {
            assert!(Package::try_from(good.to_string()).is_ok(), "{good:?}");
        }
    }
}
