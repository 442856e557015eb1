//! The function's own environment variables. The host's are out of reach: nothing here reads them.

use hks_protocol::Attempt;

use crate::bindings::hks::function::environment;
use crate::host::Guest;

/// Holds the `context` that a handler would get, for guests that are not called with one.
pub(crate) const CONTEXT: &str = "HKS_CONTEXT";

/// What the guest sees: the variables of the function, and who it is.
pub(crate) fn variables(attempt: &Attempt) -> Vec<(String, String)> {
    let own = own_variables(attempt);
    let identity = [
        ("HKS_FUNCTION_NAME", attempt.function.name.clone()),
        ("HKS_FUNCTION_VERSION", attempt.function.version.clone()),
        ("HKS_PROJECT_NAME", attempt.function.project.to_string()),
        ("HKS_EXECUTION_ID", attempt.execution_id.to_string()),
    ];
    own.into_iter().chain(identity.map(|(name, value)| (name.to_owned(), value))).collect()
}

/// The same without what differs from one attempt to the next.
pub(crate) fn own_variables(attempt: &Attempt) -> Vec<(String, String)> {
    attempt.environment.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl environment::Host for Guest {
    fn variables(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.environment.clone())
    }
}
