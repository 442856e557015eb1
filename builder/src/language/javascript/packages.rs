//! Which packages a function wants.
//!
//! From registries only: what `package.json` could name besides (repositories, addresses) would make the installer open any
//! address that this machine reaches, and has no hash that one could check.

use hks_protocol::Manifest;
use serde_json::{Map, Value};

use super::lock;
use crate::Error;
use crate::source::SourceTree;

/// What npm is given.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    /// The text of a `package.json` that has no scripts.
    pub(super) package: Value,
    /// The text of a `package-lock.json` that fits it.
    pub(super) lock: Option<Value>,
}

/// Where `package.json` names what a function needs when it runs.
const FIELDS: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

/// What must be installed: packages of the manifest, and those of `package.json` unless the manifest says otherwise.
pub(super) fn wanted(source: &SourceTree, manifest: &Manifest) -> Result<Option<Wanted>, Error> {
    let own = match source.get("package.json") {
        Some(bytes) if manifest.build().dependencies => object("package.json", bytes)?,
        _ => Map::new(),
    };
    for field in FIELDS {
        check_field(&own, field)?;
    }
    let added = manifest.packages();
    if added.is_empty() && ["dependencies", "optionalDependencies"].iter().all(|field| names(&own, field) == 0) {
        return Ok(None);
    }
    let mut package = own;
    // npm runs none of them, but there is no need to hand them over
    package.remove("scripts");
    package.remove("workspaces");
    package.entry("name").or_insert_with(|| "function".into());
    let lock = match source.get("package-lock.json") {
        Some(bytes) if manifest.build().dependencies && added.is_empty() => {
            Some(lock::without_addresses(object("package-lock.json", bytes)?)?)
        }
        _ => None,
    };
    if lock.is_none() {
        // a lock must fit them; without one they would only be resolved for nothing
        package.remove("devDependencies");
    }
    for spec in added {
        add(&mut package, spec.as_str())?;
    }
    Ok(Some(Wanted { package: Value::Object(package), lock }))
}

fn object(file: &str, bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    // editors of Windows put a byte order mark there, and npm reads over it
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        Error::Refused(format!("{file}:{}:{}: is not a JSON object: {error}", error.line(), error.column()))
    })
}

fn names(package: &Map<String, Value>, field: &str) -> usize {
    package.get(field).and_then(Value::as_object).map_or(0, Map::len)
}

fn check_field(package: &Map<String, Value>, field: &str) -> Result<(), Error> {
    let refused = |reason: String| Err(Error::Refused(format!("package.json: {field}: {reason}")));
    let specs = match package.get(field) {
        None => return Ok(()),
        Some(Value::Object(specs)) => specs,
        Some(_) => return refused("must be an object of names and versions".into()),
    };
    for (name, spec) in specs {
        if !is_name(name) {
            return refused(format!("{name:?} is not the name of a package"));
        }
        if !spec.as_str().is_some_and(is_from_registry) {
            return refused(format!("{name}: {spec} is not a version; packages come from the registry only"));
        }
    }
    Ok(())
}

/// Adds `zod`, `zod@^4` or `@scope/name@1.2`.
fn add(package: &mut Map<String, Value>, spec: &str) -> Result<(), Error> {
    let at = spec.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let (name, version) = at.map_or((spec, "*"), |at| (&spec[..at], &spec[at + 1..]));
    if !is_name(name) || !is_from_registry(version) {
        let reason = format!("packages in function.yaml: {spec:?} is not a package of npm's registry, such as zod@^4");
        return Err(Error::Refused(reason));
    }
    let dependencies = package.entry("dependencies").or_insert_with(|| Map::new().into());
    let dependencies = dependencies.as_object_mut().expect("it was checked, or made here");
    dependencies.insert(name.to_owned(), version.into());
    if let Some(optional) = package.get_mut("optionalDependencies").and_then(Value::as_object_mut) {
        optional.remove(name);
    }
    Ok(())
}

/// `name` or `@scope/name`; capitals are there in old names.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let first_fits = part.starts_with(|c: char| c.is_ascii_alphanumeric() || "-~_".contains(c));
        first_fits && part.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
    };
    let parts = name.strip_prefix('@').map_or(("scope", name), |rest| rest.split_once('/').unwrap_or(("", "")));
    name.len() <= 214 && is_part(parts.0) && is_part(parts.1)
}

/// A version, a range or a tag, also of a package of another name (`npm:`).
fn is_from_registry(spec: &str) -> bool {
    if let Some(alias) = spec.strip_prefix("npm:") {
        let at = alias.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
        let (name, version) = at.map_or((alias, "*"), |at| (&alias[..at], &alias[at + 1..]));
        return is_name(name) && !version.starts_with("npm:") && is_from_registry(version);
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .^~<>=|*+-_".contains(c);
    spec.len() <= 256 && spec.chars().all(is_plain) && !spec.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::javascript::tests::{manifest, tree};

    fn want(files: &[(&str, &str)], yaml: &str) -> Result<Option<Wanted>, String> {
        wanted(&tree(files), &manifest(yaml)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_installed_for_nothing() {
        assert_eq!(want(&[], "").unwrap(), None);
        let package = r#"{"devDependencies": {"typescript": "5"}, "dependencies": {}}"#;
        assert_eq!(want(&[("package.json", package)], "").unwrap(), None);
        let package = r#"{"dependencies": {"zod": "4"}}"#;
        assert_eq!(want(&[("package.json", package)], "build: {dependencies: false}").unwrap(), None);
    }

    #[test]
    fn packages_of_the_manifest_come_on_top() {
        let package =
            r#"{"dependencies": {"zod": "^3"}, "devDependencies": {"x": "1"}, "scripts": {"install": "rm -rf /"}}"#;
        let files = [("package.json", package), ("package-lock.json", "{}")];
        let wanted = want(&files, "packages: ['zod@^4', '@scope/a', dayjs]").unwrap().unwrap();
        let expected = r#"{"dependencies":{"@scope/a":"*","dayjs":"*","zod":"^4"},"name":"function"}"#;
        assert_eq!(wanted.package.to_string(), expected);
        assert_eq!(wanted.lock, None);
    }

    #[test]
    fn only_registries_are_asked() {
        for spec in [
            "git+https://example.com/a.git",
            "github:a/b",
            "a/b",
            "https://example.com/a.tgz",
            "file:../a",
            "link:a",
            "workspace:*",
            "../a",
            "./a",
            "/etc",
            "~/a",
            "npm:git+ssh://a",
            "npm:npm:a",
        ] {
            let package = format!(r#"{{"dependencies": {{"a": "{spec}"}}}}"#);
            let error = want(&[("package.json", &package)], "").unwrap_err();
            assert!(error.contains("packages come from the registry only"), "{spec}: {error}");
        }
        for spec in ["^1.2.3", "~1.0", ">=1 <2 || 3.x", "*", "latest", "", "1.0.0-beta.1+b", "npm:@b/c@^1", "npm:b"] {
            let package = format!(r#"{{"dependencies": {{"a": "{spec}"}}}}"#);
            assert!(want(&[("package.json", &package)], "").is_ok(), "{spec}");
        }
        for spec in ["./a", "a/b", "https://example.com/a.tgz", "a@file:b", "a@git+https://b", "@a", "a b"] {
            let error = want(&[], &format!("packages: ['{spec}']")).unwrap_err();
            assert!(error.contains("is not a package of npm's registry"), "{spec}: {error}");
        }
    }

    #[test]
    fn a_package_json_that_is_none_is_refused_with_its_line() {
        assert!(
            want(&[("package.json", "{\n  'a': 1}")], "")
                .unwrap_err()
                .starts_with("package.json:2:3: is not a JSON object")
        );
        let package = r#"{"dependencies": ["zod"]}"#;
        let error = want(&[("package.json", package)], "").unwrap_err();
        assert_eq!(error, "package.json: dependencies: must be an object of names and versions");
    }
}
