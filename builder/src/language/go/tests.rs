use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::child::ChildLimits;
use crate::language::testing::{Program, Trial};

fn trial() -> Trial {
    Trial::new(build)
}

fn text(value: &str) -> Value {
    serde_json::from_str(value).unwrap()
}

const DOUBLE: &str = r#"package main

import (
	"fmt"
	"hks"
)

type Event struct{ Input int `json:"input"` }

func main() {
	hks.Handle(func(ctx hks.Context, event Event) (map[string]any, error) {
		fmt.Println("doubling", event.Input)
		if event.Input < 0 {
			return nil, hks.Failf("Negative", "%d is less than nothing", event.Input)
		}
		if event.Input == 0 {
			var none map[string]int
			none["a"] = 1
		}
		return map[string]any{"result": event.Input * 2, "execution": ctx.ExecutionID}, nil
	})
}
"#;

static DOUBLER: LazyLock<Program> = LazyLock::new(|| Program::new(trial().wasm(&[("main.go", DOUBLE)])));

#[test]
fn a_single_file_is_a_function() {
    let ran = DOUBLER.run(r#"{"input": 21}"#, Some(r#"{"execution_id": "exe_1", "deadline_ms": 99999999999999}"#));
    assert_eq!((ran.exit, text(&ran.value)), (0, json!({"result": 42, "execution": "exe_1"})));
    assert_eq!((ran.logs.as_str(), ran.failure), ("doubling 21\n", None));
}

#[test]
fn its_errors_are_failures_with_a_name() {
    let ran = DOUBLER.run(r#"{"input": -1}"#, None);
    let failure = ran.failure.unwrap();
    assert_eq!((ran.exit, ran.value.as_str(), ran.logs.as_str()), (70, "", "doubling -1\n"));
    assert_eq!((&failure["name"], &failure["value"]), (&json!("Negative"), &json!("-1 is less than nothing")));

    let failure = DOUBLER.run(r#"{"input": "x"}"#, None).failure.unwrap();
    assert_eq!(failure["name"], "InvalidEventError");
}

#[test]
fn a_panic_says_where() {
    let failure = DOUBLER.run("{}", None).failure.unwrap();
    assert_eq!((&failure["name"], &failure["value"]), (&json!("Panic"), &json!("assignment to entry in nil map")));
    let traceback = failure["traceback"].as_str().unwrap();
    assert!(traceback.starts_with("main.main.func1\n\tfunction/main.go:18\n"), "{traceback}");
}

/// Go's heap grows through all that lies behind it; the adapter's memory must not.
#[test]
fn a_large_heap_and_the_adapter_do_not_meet() {
    let main = "package main\n\nimport (\n\t\"fmt\"\n\t\"hks\"\n\t\"os\"\n\t\"runtime\"\n\t\"time\"\n)\n\nfunc main() {\n\thks.Handle(\
        func(_ hks.Context, rounds int) (int, error) {\n\t\tvar all [][]byte\n\t\tfor i := range rounds {\n\t\t\t\
        block := make([]byte, 1<<20)\n\t\t\tfor j := range block {\n\t\t\t\tblock[j] = 0xff\n\t\t\t}\n\t\t\t\
        all = append(all, block)\n\t\t\tfmt.Println(i, os.Getenv(\"HKS_CONTEXT\"), time.Now().IsZero())\n\t\t\t\
        if i%8 == 0 {\n\t\t\t\truntime.GC()\n\t\t\t}\n\t\t}\n\t\tsum := 0\n\t\tfor _, block := range all {\n\t\t\t\
        for _, b := range block {\n\t\t\t\tif b != 0xff {\n\t\t\t\t\tpanic(\"overwritten\")\n\t\t\t\t}\n\t\t\t}\n\t\t\t\
        sum++\n\t\t}\n\t\treturn sum, nil\n\t})\n}\n";
    let ran = trial().answer(&[("main.go", main)], "48");
    assert_eq!((ran.exit, ran.value.as_str(), ran.logs.lines().count()), (0, "48", 48), "{ran:?}");
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let (first, second) = (trial().wasm(&[("main.go", DOUBLE)]), trial().wasm(&[("main.go", DOUBLE)]));
    assert!(first == second);
    let holds = |path: &str| first.windows(path.len()).any(|bytes| bytes == path.as_bytes());
    assert!(!holds(std::env::temp_dir().to_str().unwrap()), "a path of the build is in it");
}

#[test]
fn a_build_without_a_warm_cache_gives_the_same_bytes() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = crate::testing::toolchains().require("go").unwrap().program;
    let path = std::env::join_paths([program.parent().unwrap().into()].into_iter().chain(std::env::split_paths(&path)));
    let cold = Trial { toolchains: crate::toolchain::Toolchains::new(None, path.unwrap()), ..trial() };
    assert!(cold.wasm(&[("main.go", DOUBLE)]) == trial().wasm(&[("main.go", DOUBLE)]));
}

#[test]
fn mistakes_have_their_file_and_line() {
    let refusal = trial().refusal(&[("main.go", "package main\n\nfunc main() {\n\tx := 1\n}\n")]);
    assert!(refusal.contains("\n./main.go:4:2: declared and not used: x"), "{refusal}");
    let refusal = trial()
        .refusal(&[("main.go", "package main\n\nimport \"github.com/google/uuid\"\n\nfunc main() { uuid.New() }\n")]);
    assert!(refusal.contains("main.go:3:8: cannot find module providing package github.com/google/uuid"), "{refusal}");
}

const MODULE: &str = "module example.com/shop\n\ngo 1.20\n\nreplace hks => /etc\n";
const SHOP: &str = "package main\n\nimport (\n\t\"example.com/shop/price\"\n\t\"hks\"\n)\n\nfunc main() {\n\thks.Handle(\
    func(_ hks.Context, n int) (int, error) { return price.Of(n), nil })\n}\n";
const PRICE: &str = "package price\n\nfunc Of(n int) int { return n * 3 }\n";

#[test]
fn a_module_has_packages_and_its_program_where_the_manifest_says() {
    let files = [("go.mod", MODULE), ("cmd/shop/main.go", SHOP), ("price/price.go", PRICE)];
    let trial = Trial { manifest: "name: shop\nhandler: cmd/shop/main.go", ..trial() };
    let ran = trial.answer(&files, "14");
    assert_eq!((ran.exit, ran.value.as_str()), (0, "42"), "{ran:?}");

    let refusal = Trial::new(build).refusal(&files);
    assert!(refusal.contains("no Go file at the top"), "{refusal}");
    let library = Trial { manifest: "name: shop\nhandler: price/price.go", ..Trial::new(build) };
    assert!(library.refusal(&files).contains("./price is a library"));
}

#[test]
fn handlers_are_files_that_are_there() {
    for (manifest, expected) in [
        ("name: a\nhandler: main.go:handle", "calls hks.Handle(handle); name the file alone"),
        ("name: a\nhandler: other.go", "there is no Go file \"other.go\""),
    ] {
        let refusal = Trial { manifest, ..trial() }.refusal(&[("main.go", DOUBLE)]);
        assert!(refusal.contains(expected), "{refusal}");
    }
}

const WITH_UUID: &str = "module function\n\ngo 1.24\n\nrequire github.com/google/uuid v1.6.0\n";
const UUID_SUM: &str = "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n\
    github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n";
const UUID: &str = "package main\n\nimport (\n\t\"github.com/google/uuid\"\n\t\"hks\"\n)\n\nfunc main() {\n\thks.Handle(\
    func(_ hks.Context, name string) (string, error) {\n\t\treturn uuid.NewSHA1(uuid.Nil, []byte(name)).String(), nil\n\t})\n}\n";

#[test]
fn dependencies_are_fetched_and_locked() {
    let built = trial().build(&[("go.mod", WITH_UUID), ("main.go", UUID)]);
    let (wasm, lock) = built.result.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(lock.as_deref(), Some(UUID_SUM));
    assert_eq!(Program::new(wasm.clone()).run("\"a\"", None).value.len(), 38);

    let (again, lock) =
        trial().build(&[("go.mod", WITH_UUID), ("go.sum", UUID_SUM), ("main.go", UUID)]).result.unwrap();
    assert!(again == wasm && lock.as_deref() == Some(UUID_SUM));
}

#[test]
fn a_dependency_with_another_hash_is_refused() {
    let forged = UUID_SUM.replace("NIva", "AAAA");
    let refusal = trial().refusal(&[("go.mod", WITH_UUID), ("go.sum", &forged), ("main.go", UUID)]);
    assert!(refusal.contains("checksum mismatch") && refusal.starts_with("fetch modules: "), "{refusal}");
}

#[test]
fn dependencies_that_are_off_or_not_named_are_explained() {
    let off = Trial { manifest: "name: a\nbuild: {dependencies: false}", ..trial() };
    let refusal = off.refusal(&[("go.mod", WITH_UUID), ("main.go", UUID)]);
    assert!(refusal.contains("build.dependencies is off"), "{refusal}");
}

#[test]
fn a_vendored_module_needs_no_network() {
    let files = [
        ("go.mod", "module a\n\ngo 1.24\n\nrequire example.com/three v1.0.0\n"),
        ("vendor/modules.txt", "# example.com/three v1.0.0\n## explicit; go 1.24\nexample.com/three\n"),
        ("vendor/example.com/three/three.go", "package three\n\nconst Three = 3\n"),
        ("main.go", "package main\n\nimport \"example.com/three\"\n\nfunc main() { println(three.Three) }\n"),
    ];
    let ran = trial().answer(&files, "null");
    assert_eq!((ran.exit, ran.logs.as_str()), (0, "3\n"));
}

/// What lies outside of the function's folder, as foreign source would have it.
#[test]
fn files_of_the_machine_are_out_of_reach() {
    let secret = tempfile::Builder::new().prefix("hks-secret").tempdir().unwrap();
    std::fs::write(secret.path().join("secret.txt"), "hks-canary").unwrap();
    std::fs::write(secret.path().join("go.mod"), "module secret.example/a\n\ngo 1.24\n").unwrap();
    std::fs::write(secret.path().join("a.go"), "package a\n\nconst Text = \"hks-canary\"\n").unwrap();

    let up = "../".repeat(12) + secret.path().join("secret.txt").to_str().unwrap().trim_start_matches('/');
    for pattern in [up.as_str(), secret.path().join("secret.txt").to_str().unwrap()] {
        let main = format!(
            "package main\n\nimport _ \"embed\"\n\n//go:embed {pattern}\nvar text string\n\nfunc main() {{ println(text) }}\n"
        );
        let refusal = trial().refusal(&[("main.go", &main)]);
        assert!(refusal.contains("invalid pattern syntax") && !refusal.contains("hks-canary"), "{refusal}");
    }

    let replaced = format!(
        "module a\n\ngo 1.24\n\nrequire secret.example/a v1.0.0\n\nreplace secret.example/a => {}\n",
        secret.path().display()
    );
    let main = "package main\n\nimport \"secret.example/a\"\n\nfunc main() { println(a.Text) }\n";
    let refusal = trial().refusal(&[("go.mod", &replaced), ("main.go", main)]);
    assert!(refusal.contains("permission denied") && !refusal.contains("hks-canary"), "{refusal}");
}

#[test]
fn no_code_runs_while_it_is_built() {
    let cgo = "package main\n\n// #cgo CFLAGS: -fplugin=./evil.so\n// #include \"/etc/hostname\"\nimport \"C\"\n\nfunc main() {}\n";
    let refusal = trial().refusal(&[("main.go", cgo)]);
    assert!(refusal.contains("hint: files with `import \"C\"` are left out"), "{refusal}");

    let generate =
        "package main\n\n//go:generate sh -c \"echo > generated.go\"\n\nfunc main() { println(generated) }\n";
    assert!(trial().refusal(&[("main.go", generate)]).contains("undefined: generated"));

    let newer = trial().refusal(&[("go.mod", "module a\n\ngo 1.99\n\ntoolchain go1.99.1\n"), ("main.go", DOUBLE)]);
    assert!(newer.contains("requires go >= 1.99"), "{newer}");
}

#[test]
fn a_program_that_is_too_large_ends_the_build() {
    let limits = ChildLimits { memory_bytes_max: 400 << 20, ..ChildLimits::default() };
    let trial = Trial { limits, ..trial() };
    let main = "package main\n\nvar table = [1 << 28]string{1 << 27: \"x\"}\n\nfunc main() { println(table[0]) }\n";
    let built = trial.build(&[("main.go", main)]);
    assert!(matches!(built.result, Err(Error::Tool(_))), "{:?}", built.log);
}

#[test]
fn versions_of_go_are_told_apart() {
    for version in ["go1.24", "go1.24.3", "go1.27rc1", "devel go1.28-0123456 Mon Nov 1"] {
        assert!(is_new_enough(version), "{version}");
    }
    for version in ["go1.23.9", "go1.9", "go2", "", "gccgo"] {
        assert!(!is_new_enough(version), "{version}");
    }
}
