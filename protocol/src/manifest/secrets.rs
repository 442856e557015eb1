use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::environment::VariableName;
use super::text::text;
use crate::Error;

text! {
    /// The name of a secret of the project.
    SecretName { field: "secrets", bytes_max: 128, check: check_secret, pattern: "^[A-Za-z_][A-Za-z0-9_.-]*$" }
}

/// A mistake here may be the secret itself, so no error shows what was written.
fn check_secret(text: &str) -> Result<(), String> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if starts_well && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
        return Ok(());
    }
    Err("not the name of a secret, which has letters, digits, and _.- inside; its value does not belong in this file"
        .into())
}

/// Secrets of the project that the function sees, by the environment variables that hold them. Written as such a map,
/// or as a list of names where both are the same. The values are never in a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Secrets(BTreeMap<VariableName, SecretName>);

impl Secrets {
    /// Each is fetched and decrypted when an instance starts.
    pub const COUNT_MAX: usize = 64;

    /// Variables and what they hold, in the order of the variables.
    pub fn iter(&self) -> impl Iterator<Item = (&VariableName, &SecretName)> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, variable: VariableName, secret: SecretName) -> Result<(), Error> {
        if self.0.len() == Self::COUNT_MAX {
            return Err(Error::new("secrets", format!("more than {} entries", Self::COUNT_MAX)));
        }
        if self.0.insert(variable, secret).is_some() {
            return Err(Error::new("secrets", "a name is there twice"));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretsVisitor)
    }
}

struct SecretsVisitor;

impl<'de> Visitor<'de> for SecretsVisitor {
    type Value = Secrets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of secrets or a map of variables and secrets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Secrets, A::Error> {
        let mut secrets = Secrets::default();
        while let Some(SameName(variable, secret)) = names.next_element()? {
            secrets.insert(variable, secret).map_err(|error| A::Error::custom(error.reason()))?;
        }
        Ok(secrets)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Secrets, A::Error> {
        let mut secrets = Secrets::default();
        while let Some((variable, secret)) = pairs.next_entry()? {
            secrets.insert(variable, secret).map_err(|error| A::Error::custom(error.reason()))?;
        }
        Ok(secrets)
    }
}

/// An entry of a list: the variable has the name of the secret.
#[derive(Deserialize)]
#[serde(try_from = "SecretName")]
struct SameName(VariableName, SecretName);

impl TryFrom<SecretName> for SameName {
    type Error = Error;

    fn try_from(secret: SecretName) -> Result<Self, Error> {
        let variable = VariableName::try_from(secret.as_str().to_string())
            .map_err(|error| Error::new("secrets", error.reason()))?;
        Ok(Self(variable, secret))
    }
}

#[cfg(test)]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{SecretName, Secrets};

    impl JsonSchema for Secrets {
        fn schema_name() -> Cow<'static, str> {
            "Secrets".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let name = generator.subschema_for::<SecretName>();
            let count = Secrets::COUNT_MAX;
            json_schema!({
                "description": "Secrets of the project that the function sees, by the environment variables that hold them; or a \
                    list of names where both are the same. The values are never in a manifest.",
                "anyOf": [
                    { "type": "array", "items": name, "maxItems": count, "uniqueItems": true },
                    { "type": "object", "additionalProperties": name, "maxProperties": count },
                ],
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Secrets, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_is_a_map_of_equal_names() {
        let list = parse(r#"["API_KEY", "db.password"]"#).unwrap();
        assert_eq!(list, parse(r#"{"API_KEY": "API_KEY", "db.password": "db.password"}"#).unwrap());
    }

    #[test]
    fn a_value_in_the_place_of_a_name_is_not_repeated() {
        let error = parse(r#"{"API_KEY": "s3cret/value=="}"#).unwrap_err();
        assert!(error.contains("does not belong") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn names_that_the_runtime_sets_are_refused() {
        assert!(parse(r#"["HKS_PROJECT_NAME"]"#).unwrap_err().contains("set by the runtime"));
        assert!(parse(r#"["A", "A"]"#).unwrap_err().contains("twice"));
    }
}
