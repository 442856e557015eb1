//! Environment variables as a manifest writes them, one checked name and value at a time, so that a mistake is found
//! where it stands. [`Environment`] is what they become.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::text;
use crate::attempt::check_variable_name;
use crate::{Environment, Error};

/// Environment variables by their names.
pub type Variables = BTreeMap<VariableName, VariableValue>;

text! {
    /// The name of an environment variable.
    VariableName {
        field: "environment",
        bytes_max: 256,
        check: |text| check_variable_name("environment", text).map_err(|error| error.reason().to_string()),
        pattern: "^[^=]+$"
    }
}

/// The value of an environment variable. Values may be secrets: neither `Debug` nor an error ever shows one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct VariableValue(String);

impl TryFrom<String> for VariableValue {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        if text.contains('\0') {
            return Err(Error::new("environment", "the value holds a NUL"));
        }
        Ok(Self(text))
    }
}

impl From<VariableValue> for String {
    fn from(value: VariableValue) -> Self {
        value.0
    }
}

impl fmt::Debug for VariableValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

pub(super) fn environment(variables: Variables) -> Result<Environment, Error> {
    let plain: BTreeMap<String, String> =
        variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    Environment::try_from(plain)
}

pub(super) fn variables(environment: Environment) -> Variables {
    let variables = BTreeMap::<String, String>::from(environment);
    let checked = |name| VariableName::try_from(name).expect("an environment of a manifest was made of checked names");
    variables.into_iter().map(|(name, value)| (checked(name), VariableValue(value))).collect()
}
