//! The one place where Rust errors become Python exceptions.

use pyo3::{PyErr, import_exception};

import_exception!(hks_sdk.errors, GuestNotFoundError);
import_exception!(hks_sdk.errors, InfrastructureError);
import_exception!(hks_sdk.errors, InvalidArgumentError);
import_exception!(hks_sdk.errors, OverloadedError);

/// Everything that can go wrong in this module.
#[derive(Debug)]
pub(crate) enum Error {
    Protocol(hks_protocol::Error),
    Engine(hks_engine::Error),
    Runtime(hks_runtime::Error),
    NoGuest(String),
    Packages(String),
    Snapshot(String),
    Stopped,
}

impl From<hks_protocol::Error> for Error {
    fn from(error: hks_protocol::Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<hks_engine::Error> for Error {
    fn from(error: hks_engine::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<hks_runtime::Error> for Error {
    fn from(error: hks_runtime::Error) -> Self {
        Self::Runtime(error)
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match error {
            Error::Protocol(error) | Error::Runtime(hks_runtime::Error::Invalid(error)) => {
                InvalidArgumentError::new_err(error.to_string())
            }
            Error::Runtime(error @ hks_runtime::Error::Overloaded { .. }) => {
                OverloadedError::new_err(error.to_string())
            }
            Error::Runtime(error) => InfrastructureError::new_err(error.to_string()),
            Error::Engine(error) => InfrastructureError::new_err(error.to_string()),
            Error::Packages(reason) => InvalidArgumentError::new_err(format!("packages: {reason}")),
            Error::Snapshot(reason) => InvalidArgumentError::new_err(reason),
            Error::NoGuest(reason) => GuestNotFoundError::new_err(reason),
            Error::Stopped => InfrastructureError::new_err("the runtime stopped before the execution ended"),
        }
    }
}
