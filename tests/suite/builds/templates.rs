//! Every template is built and run exactly as it stands.

use hks_builder::{Template, TemplateKind};
use hks_protocol::Outcome;
use serde_json::{Value, json};

use crate::harness::Workbench;

fn event(kind: TemplateKind) -> Value {
    match kind {
        TemplateKind::Http => json!({
            "httpMethod": "GET", "path": "/hello/Ada", "headers": {"host": "localhost"},
            "queryStringParameters": null, "pathParameters": {"name": "Ada"},
            "body": null, "isBase64Encoded": false, "requestContext": {},
        }),
        TemplateKind::Scheduled => json!({"regions": {"north": 12, "south": 30}}),
        TemplateKind::Event => json!({"items": [{"price": "9.90", "count": 2}]}),
    }
}

fn run(kind: TemplateKind) {
    let bench = Workbench::new();
    for template in Template::all().filter(|template| template.kind == kind) {
        let (built, log) = bench.build_tree(template.files(&"hello".to_owned().try_into().unwrap()).unwrap());
        let built = built.unwrap_or_else(|error| panic!("{template:?}: {error}\n{log:#?}"));
        let report = bench.call(&built).event(event(kind).to_string()).report();
        assert_eq!(report.outcome, Outcome::Succeeded, "{template:?}: {:?}", report.error);
        let value: Value = serde_json::from_str(report.value.as_str()).unwrap();
        match kind {
            TemplateKind::Http => {
                assert_eq!(value["statusCode"], 200, "{template:?}: {value}");
                assert!(value["body"].as_str().unwrap().contains("Hello, Ada!"), "{template:?}: {value}");
            }
            TemplateKind::Scheduled => assert!(!value.is_null(), "{template:?}"),
            TemplateKind::Event => assert_eq!(value["total"], "19.80", "{template:?}: {value}"),
        }
    }
}

#[test]
fn http() {
    run(TemplateKind::Http);
}

#[test]
fn scheduled() {
    run(TemplateKind::Scheduled);
}

#[test]
fn event_driven() {
    run(TemplateKind::Event);
}
