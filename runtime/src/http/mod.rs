//! Components of `wasi:http/incoming-handler`, which answer requests.
//!
//! [`exchange`] hands one request to an instance, and its response to whoever takes it. [`request`] and [`response`] are for
//! executions: the event becomes the request, the response becomes the value. A server that has a request already, and
//! somebody who reads the response while it is written, needs only the first.

pub(crate) mod exchange;
mod pairs;
pub(crate) mod request;
pub(crate) mod response;

use crate::bindings::hks::function::types::Failure;

fn failure(name: &str, value: impl Into<String>) -> Failure {
    Failure { name: name.into(), value: value.into(), traceback: String::new() }
}
