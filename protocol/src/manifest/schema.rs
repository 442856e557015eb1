//! The JSON Schema of `function.yaml`, which editors read. It is made from the types and their comments, and committed,
//! so that nothing that is shipped has to make it.

use schemars::Schema;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use super::ManifestSpec;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/function.schema.json");

fn generated() -> String {
    let mut schema = schemars::schema_for!(ManifestSpec);
    schema.insert("title".into(), "function.yaml of HKS Functions".into());
    RecursiveTransform(unwrap_lines).transform(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// Where a comment breaks its lines says nothing to a reader of the schema.
fn unwrap_lines(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    let generated = generated();
    if std::env::var_os("HKS_BLESS").is_some() {
        std::fs::write(FILE, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        committed == generated,
        "docs/function.schema.json is out of date; write it anew with\n    HKS_BLESS=1 cargo test -p hks-protocol schema"
    );
}

#[test]
fn every_key_has_a_description() {
    let schema: Value = serde_json::from_str(&generated()).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value));
    for (name, definition) in definitions.chain([("function.yaml", &schema)]) {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{key}");
        }
    }
}
