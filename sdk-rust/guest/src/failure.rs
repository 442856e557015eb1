//! Any error as the failure that callers see.

use std::any::type_name;
use std::error::Error;

use crate::__private::Failure;

/// Sources that are followed: errors that contain themselves end somewhere.
const SOURCES_MAX: usize = 32;

pub(crate) fn failure(name: &str, value: impl Into<String>) -> Failure {
    Failure { name: name.into(), value: value.into(), traceback: String::new() }
}

/// Of an error that has a type.
pub(crate) fn of_error(name: &str, error: &(dyn Error + 'static)) -> Failure {
    let value = error.to_string();
    let sources = std::iter::successors(error.source(), |source: &&(dyn Error + 'static)| (*source).source());
    let mut lines = vec![format!("{name}: {value}")];
    lines.extend(sources.take(SOURCES_MAX).map(|source| format!("Caused by: {source}")));
    let traceback = if lines.len() > 1 { lines.join("\n") } else { String::new() };
    Failure { name: name.into(), value, traceback }
}

/// `ParseIntError` of `core::num::error::ParseIntError`, `Error` of what has no name of its own.
pub(crate) fn name_of<E: ?Sized>() -> &'static str {
    let path = type_name::<E>();
    let path = path.split('<').next().unwrap_or(path);
    match path.rsplit("::").next() {
        Some(name) if name.starts_with(|c: char| c.is_ascii_uppercase()) && !["Box", "String"].contains(&name) => name,
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_named_as_their_type() {
        assert_eq!(name_of::<std::num::ParseIntError>(), "ParseIntError");
        assert_eq!(name_of::<std::sync::PoisonError<Vec<u8>>>(), "PoisonError");
        assert_eq!(name_of::<std::io::Error>(), "Error");
        assert_eq!(name_of::<Box<dyn Error>>(), "Error");
        assert_eq!(name_of::<&str>(), "Error");
        assert_eq!(name_of::<String>(), "Error");
    }
}
