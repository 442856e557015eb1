//! `hks_sdk._hks`: the embedded runtime for Python, behind three classes.
//!
//! This module only carries texts across: requests come in as plain values, reports go out as JSON. What users see, with its
//! types, checks and words, is the Python package around it, whose `_hks.pyi` describes this file.
//!
//! Nothing here holds the interpreter lock while it waits, and no thread of guests ever takes it.

mod call;
mod errors;
mod execution;
mod function;
mod guests;
mod notifier;
mod runtime;

use pyo3::prelude::*;

#[pymodule]
fn _hks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<runtime::Runtime>()?;
    module.add_class::<function::Function>()?;
    module.add_class::<execution::Execution>()
}
