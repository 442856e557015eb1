//! A function's own failure has a name in every language.

use hks_protocol::Outcome;

use crate::harness::Workbench;

const GO: &str = r#"package main

import (
	"fmt"
	"os"

	"hks"
)

func main() {
	hks.Handle(func(ctx hks.Context, event string) (string, error) {
		fmt.Fprintln(os.Stderr, "looking")
		if event == "panic" {
			panic("as asked")
		}
		return "", hks.Failf("OutOfStock", "only %d left", 2)
	})
}
"#;

const C: &str = r#"#include "hks.h"

int main(void) {
    fputs("looking\n", stderr);
    hks_fail("OutOfStock", "only %d left", 2);
}
"#;

const RUST: &str = r#"
#[derive(Debug)]
struct OutOfStock(u32);

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "only {} left", self.0)
    }
}

impl std::error::Error for OutOfStock {}

#[hks_sdk::handler]
fn handler(event: String) -> Result<String, OutOfStock> {
    eprintln!("looking");
    if event == "panic" {
        panic!("as asked");
    }
    Err(OutOfStock(2))
}
"#;

#[test]
fn errors_are_told_by_name() {
    let bench = Workbench::new();
    for (runtime, code) in [("go", GO), ("c", C), ("rust", RUST)] {
        let built = bench.build_text(runtime, code).unwrap_or_else(|error| panic!("{runtime}: {error}"));
        let report = bench.call(&built).event(r#""tea""#).report();
        let error = report.error.unwrap_or_else(|| panic!("{runtime} did not fail"));
        assert_eq!(report.outcome, Outcome::Failed, "{runtime}: {error:?}");
        assert_eq!((error.name.as_str(), error.value.as_str()), ("OutOfStock", "only 2 left"), "{runtime}: {error:?}");
        assert_eq!(report.logs.stderr, ["looking"], "{runtime}");
        if runtime == "c" {
            continue;
        }
        let error = bench.call(&built).event(r#""panic""#).report().error.unwrap();
        assert_eq!(error.name, "Panic", "{runtime}: {error:?}");
        assert!(error.value.contains("as asked"), "{runtime}: {error:?}");
        let error = bench.call(&built).event("[1]").report().error.unwrap();
        assert_eq!(error.name, "InvalidEventError", "{runtime}: {error:?}");
    }
}
