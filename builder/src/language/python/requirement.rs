//! One requirement (PEP 508): enough of it to know its package, and to refuse what is no name in the index.
//!
//! Versions and markers are for the resolver. What may reach its command line or its files is checked here.

use std::fmt;

/// No requirement is longer; more is a mistake, or an attack on the resolver.
const BYTES_MAX: usize = 1024;

/// A package of the index, with the versions, extras and conditions that it is wanted for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Requirement {
    /// Normalised, as in `ruamel-yaml`.
    pub(super) name: String,
    /// All of it in one line, without hashes.
    pub(super) text: String,
    /// SHA-256 of files that may be installed, in hexadecimal digits; none if it lists none.
    pub(super) hashes: Vec<String>,
}

impl Requirement {
    /// Reads a requirement with its `--hash` options. The error says what is wrong with it, and what to do.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX && !text.contains("--hash") {
            return Err(format!("is longer than {BYTES_MAX} bytes"));
        }
        let mut words = text.split(" --");
        let wanted = words.next().unwrap_or_default().trim();
        let hashes = words.map(|option| hash(option.trim())).collect::<Result<_, _>>()?;
        if let Some(reason) = elsewhere(wanted) {
            return Err(reason);
        }
        let name = name_of(wanted).ok_or("is no requirement; write it as in jinja2>=3.1")?;
        let wanted: String = wanted.split_whitespace().collect::<Vec<_>>().join(" ");
        if wanted.len() > BYTES_MAX {
            return Err(format!("is longer than {BYTES_MAX} bytes"));
        }
        Ok(Self { name: normalised(name), text: wanted, hashes })
    }

    /// Whether it names one version, so that the resolver has nothing to choose.
    pub(super) fn is_pinned(&self) -> bool {
        let versions = self.text.split(';').next().unwrap_or_default();
        versions.contains("==") && !versions.contains('*')
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name as the index knows it (PEP 503): in lower case, with one dash for each run of `-`, `_` and `.`.
pub(super) fn normalised(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn name_of(text: &str) -> Option<&str> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = text.find(|c| !is_inner(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_end = |c: char| c.is_ascii_alphanumeric();
    if !name.starts_with(is_end) || !name.ends_with(is_end) {
        return None;
    }
    let starts_well = |c: char| c.is_whitespace() || matches!(c, '[' | '<' | '>' | '=' | '!' | '~' | ';' | '(');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " \t[](),.<>=!~;*+-_'\"|&:/".contains(c);
    ((rest.is_empty() || rest.starts_with(starts_well)) && rest.chars().all(is_plain)).then_some(name)
}

/// Why a requirement that names a place and not a package of the index is refused.
fn elsewhere(text: &str) -> Option<String> {
    const ONLY_INDEX: &str = "packages are installed by name from the index of this server only";
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    if scheme.is_some_and(|scheme| scheme.contains("git+") || scheme.contains("hg+") || scheme.contains("svn+")) {
        return Some(format!(
            "comes from a repository, and {ONLY_INDEX}; publish it, or put its modules into the function"
        ));
    }
    if scheme.is_some() || text.split(';').next().is_some_and(|wanted| wanted.contains('@')) {
        return Some(format!("comes from an address, and {ONLY_INDEX}; name a version, as in jinja2==3.1.6"));
    }
    let is_path = text.starts_with(['.', '/', '~']) || text.ends_with(".whl") || text.ends_with(".tar.gz");
    if is_path || text.split([';', ' ']).next().is_some_and(|wanted| wanted.contains('/')) {
        return Some(format!("is a file or a folder, and {ONLY_INDEX}; put its modules into the function"));
    }
    None
}

fn hash(option: &str) -> Result<String, String> {
    let digits = option.strip_prefix("hash").map(|rest| rest.trim_start_matches(['=', ' ']));
    let Some(digits) = digits else {
        let option = option.split(['=', ' ']).next().unwrap_or_default();
        return Err(format!("has the option --{option}, and only --hash is understood behind a package; take it away"));
    };
    match digits.strip_prefix("sha256:") {
        Some(digits) if is_sha256(digits) => Ok(digits.to_ascii_lowercase()),
        _ => Err("has a hash that is not sha256: and 64 hexadecimal digits; make it anew with SHA-256".into()),
    }
}

/// Whether it is the text of a SHA-256.
pub(super) fn is_sha256(digits: &str) -> bool {
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_the_index_does() {
        for (text, name) in [
            ("jinja2", "jinja2"),
            ("Jinja2 >= 3.1, < 4", "jinja2"),
            ("ruamel.yaml==0.18", "ruamel-yaml"),
            ("zope__Interface~=5.0", "zope-interface"),
            ("requests[socks]>=2.8.1;python_version<'3.15' and sys_platform == \"wasi\"", "requests"),
            ("requests (>=2)", "requests"),
        ] {
            assert_eq!(Requirement::parse(text).unwrap().name, name, "{text}");
        }
    }

    #[test]
    fn hashes_are_taken_off() {
        let digits = "AB".repeat(32);
        let wanted = Requirement::parse(&format!("six==1.16 --hash=sha256:{digits} --hash=sha256:{digits}")).unwrap();
        assert_eq!((wanted.text.as_str(), wanted.hashes.len()), ("six==1.16", 2));
        assert_eq!(wanted.hashes[0], digits.to_lowercase());
        for text in ["six --hash=md5:00", "six --hash=sha256:12", "six --config-settings=x"] {
            assert!(Requirement::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_in_the_index_is_refused_with_a_reason() {
        for (text, reason) in [
            ("git+https://example.com/x.git", "comes from a repository"),
            ("x @ git+https://example.com/x.git@main", "comes from a repository"),
            ("https://example.com/x-1-py3-none-any.whl", "comes from an address"),
            ("x @ file:///etc/passwd", "comes from an address"),
            ("x@ ./x", "comes from an address"),
            ("./lib", "is a file or a folder"),
            ("/opt/x", "is a file or a folder"),
            ("wheels/x-1-py3-none-any.whl", "is a file or a folder"),
            ("", "is no requirement"),
            ("-x", "is no requirement"),
            ("x$(id)", "is no requirement"),
            ("x==1\u{0}", "is no requirement"),
            ("x ${HOME}", "is no requirement"),
        ] {
            let refused = Requirement::parse(text).unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }

    #[test]
    fn one_version_is_a_pin() {
        for (text, pinned) in [("a==1", true), ("a==1.*", false), ("a>=1", false), ("a; python_version == '3'", false)]
        {
            assert_eq!(Requirement::parse(text).unwrap().is_pinned(), pinned, "{text}");
        }
    }
}
