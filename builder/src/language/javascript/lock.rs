//! `package-lock.json`: what comes in, and what is kept.
//!
//! A lock says for each package where it was fetched, and npm goes there. Whose lock it is decides where we connect to, so the
//! addresses are taken out: npm then asks the operator's registry for the same version, and checks the same hash.

use serde_json::{Map, Value};

use crate::Error;

/// Lists in lists; a tree of packages has a handful.
const DEPTH_MAX: usize = 64;

/// A lock of the sender's, without addresses.
pub(super) fn without_addresses(lock: Map<String, Value>) -> Result<Value, Error> {
    let mut lock = Value::Object(lock);
    clean("", &mut lock, 0)?;
    Ok(lock)
}

fn clean(name: &str, value: &mut Value, depth: usize) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(Error::Refused("package-lock.json: is nested too deeply".into()));
    }
    let Value::Object(fields) = value else { return Ok(()) };
    if let Some(Value::String(address)) = fields.get("resolved") {
        let is_registry =
            fields.get("integrity").is_some() && (address.starts_with("http:") || address.starts_with("https:"));
        if !is_registry && fields.get("link") != Some(&Value::Bool(true)) {
            return Err(from_elsewhere(name, address));
        }
        if is_registry {
            fields.remove("resolved");
        }
    }
    fields.iter_mut().try_for_each(|(name, value)| clean(name, value, depth + 1))
}

/// Refuses what npm fetched from somewhere else than the registry, for a package that asks for it.
pub(super) fn check(lock: &Value) -> Result<(), Error> {
    for (path, package) in packages(lock) {
        let address = package.get("resolved").and_then(Value::as_str);
        if let Some(address) = address.filter(|address| address.contains(':')) {
            return Err(from_elsewhere(path, address));
        }
    }
    Ok(())
}

/// Whether the package at a path, such as `node_modules/a`, may be missing.
pub(super) fn is_optional(lock: &Value, path: &str) -> bool {
    packages(lock).any(|(known, package)| known == path && package.get("optional") == Some(&Value::Bool(true)))
}

fn packages(lock: &Value) -> impl Iterator<Item = (&String, &Value)> {
    lock.get("packages").and_then(Value::as_object).into_iter().flatten()
}

fn from_elsewhere(path: &str, address: &str) -> Error {
    let name = path.rsplit_once("node_modules/").map_or(path, |(_, name)| name);
    Error::Refused(format!("package {name:?} comes from {address:?}; packages come from the registry only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> Result<String, String> {
        let lock = serde_json::from_str(text).unwrap();
        without_addresses(lock).map(|lock| lock.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_go_and_hashes_stay() {
        let text = r#"{"packages":{"node_modules/a":{"version":"1","resolved":"http://10.0.0.1/a.tgz","integrity":"sha512-x"}}}"#;
        assert_eq!(cleaned(text).unwrap(), r#"{"packages":{"node_modules/a":{"integrity":"sha512-x","version":"1"}}}"#);
    }

    #[test]
    fn what_has_no_hash_or_is_a_repository_is_refused() {
        for address in ["git+ssh://git@github.com/a/b.git#1", "https://example.com/a.tgz", "file:../a.tgz"] {
            let text = format!(r#"{{"dependencies":{{"a":{{"resolved":"{address}"}}}}}}"#);
            assert!(cleaned(&text).unwrap_err().contains("packages come from the registry only"));
        }
    }

    #[test]
    fn a_lock_that_is_only_brackets_is_refused() {
        let text = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
        assert!(cleaned(&text).unwrap_err().contains("nested too deeply"));
    }

    #[test]
    fn what_was_fetched_from_elsewhere_is_found() {
        let lock =
            serde_json::json!({"packages": {"": {}, "node_modules/a/node_modules/b": {"resolved": "git+ssh://x"}}});
        assert!(check(&lock).unwrap_err().to_string().starts_with("package \"b\" comes from \"git+ssh://x\""));
        let lock = serde_json::json!({"packages": {"node_modules/a": {"resolved": "lib/a", "link": true}}});
        check(&lock).unwrap();
    }
}
