//! What a handler may return: a value, or a `Result` of one and of any error.
//!
//! Which of the traits below is meant by `(&&&&&Returned(value)).finish()` is settled by how many references the compiler
//! must take off until one fits: the most exact comes first. So `Result` is known for what it is under any name, and errors
//! may be what they like, among them the ones of `anyhow` and boxed ones, which are none in terms of `std`.

use std::error::Error;
use std::fmt::Display;

use serde::Serialize;

use crate::__private::Failure;
use crate::failure::{failure, name_of, of_error};

type Finished = Result<String, Failure>;

/// What the handler returned.
pub struct Returned<T>(pub T);

/// An error that has a type.
pub trait OfError {
    /// The value or the failure, as the host takes it.
    fn finish(&self) -> Finished;
}

impl<U: Serialize, E: Error + 'static> OfError for &&&&Returned<Result<U, E>> {
    fn finish(&self) -> Finished {
        self.0.as_ref().map_err(|error| of_error(name_of::<E>(), error)).and_then(value)
    }
}

/// An error that hides one that may be sent, as `anyhow::Error` and `Box<dyn Error + Send + Sync>` do.
pub trait OfShared {
    /// As above.
    fn finish(&self) -> Finished;
}

impl<U: Serialize, E: AsRef<dyn Error + Send + Sync + 'static>> OfShared for &&&Returned<Result<U, E>> {
    fn finish(&self) -> Finished {
        self.0.as_ref().map_err(|error| of_error(name_of::<E>(), error.as_ref())).and_then(value)
    }
}

/// An error that hides one, as `Box<dyn Error>` does.
pub trait OfDynamic {
    /// As above.
    fn finish(&self) -> Finished;
}

impl<U: Serialize, E: AsRef<dyn Error + 'static>> OfDynamic for &&Returned<Result<U, E>> {
    fn finish(&self) -> Finished {
        self.0.as_ref().map_err(|error| of_error(name_of::<E>(), error.as_ref())).and_then(value)
    }
}

/// What can only be shown, as a `String`.
pub trait OfDisplay {
    /// As above.
    fn finish(&self) -> Finished;
}

impl<U: Serialize, E: Display> OfDisplay for &Returned<Result<U, E>> {
    fn finish(&self) -> Finished {
        self.0.as_ref().map_err(|error| failure(name_of::<E>(), error.to_string())).and_then(value)
    }
}

/// What is no `Result`.
pub trait OfValue {
    /// As above.
    fn finish(&self) -> Finished;
}

impl<U: Serialize> OfValue for Returned<U> {
    fn finish(&self) -> Finished {
        value(&self.0)
    }
}

fn value(value: &impl Serialize) -> Finished {
    serde_json::to_string(value).map_err(|error| {
        // such as a map whose keys are no texts
        failure("InvalidResultError", format!("what the handler returned is no JSON: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the order has no number")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn outer() -> Outer {
        Outer("x".parse::<u8>().unwrap_err())
    }

    macro_rules! finish {
        ($value:expr) => {
            (&&&&&Returned($value)).finish()
        };
    }

    const SOURCE: &str = "Caused by: invalid digit found in string";

    #[test]
    fn values_of_all_kinds_are_json() {
        assert_eq!(finish!("a").unwrap(), r#""a""#);
        assert_eq!(finish!(()).unwrap(), "null");
        assert_eq!(finish!(Ok::<_, Outer>(vec![1, 2])).unwrap(), "[1,2]");
        assert_eq!(finish!(Ok::<_, Box<dyn Error>>(true)).unwrap(), "true");
        assert_eq!(finish!(Ok::<_, String>(Some(1.5))).unwrap(), "1.5");
    }

    #[test]
    fn an_error_has_its_name_and_its_sources() {
        let failure = finish!(Err::<(), _>(outer())).unwrap_err();
        assert_eq!((failure.name.as_str(), failure.value.as_str()), ("Outer", "the order has no number"));
        assert_eq!(failure.traceback, format!("Outer: the order has no number\n{SOURCE}"));
    }

    #[test]
    fn boxed_errors_keep_their_sources() {
        let failures = [
            finish!(Err::<(), Box<dyn Error>>(outer().into())).unwrap_err(),
            finish!(Err::<(), Box<dyn Error + Send + Sync>>(outer().into())).unwrap_err(),
        ];
        for failure in failures {
            assert_eq!(failure.name, "Error");
            assert!(failure.traceback.ends_with(SOURCE), "{}", failure.traceback);
        }
    }

    #[test]
    fn a_text_is_an_error_too() {
        let failure = finish!(Err::<(), _>("no stock")).unwrap_err();
        assert_eq!((failure.name.as_str(), failure.value.as_str()), ("Error", "no stock"));
        assert_eq!(finish!(Err::<(), _>(String::from("none"))).unwrap_err().value, "none");
    }

    #[test]
    fn what_is_no_json_is_a_failure() {
        let failure = finish!(BTreeMap::from([((1, 2), 3)])).unwrap_err();
        assert_eq!(failure.name, "InvalidResultError");
        assert!(failure.value.contains("key must be a string"), "{}", failure.value);
    }
}
