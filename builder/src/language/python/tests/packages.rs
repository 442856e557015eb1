//! Packages of the real index.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde_json::json;

use super::shop::{Built, Form, built, built_from, refused, run_as, run_behind_snapshot, run_on, value, value_of};
use crate::source::{SourceLimits, SourceTree};

const VERSIONS: &str = "
import importlib, importlib.metadata
def handler(event):
    return {name: importlib.metadata.version(name).split('.')[0] for name in NAMES}
";

#[test]
fn jinja2_is_resolved_installed_and_found_in_both_forms() {
    let main = "import importlib.metadata, jinja2\ndef handler(event):\n    return [jinja2.Template('{{ a }}<').render(a=1), \
                importlib.metadata.version('markupsafe'), [d.name for d in importlib.metadata.distributions()]]\n";
    let files =
        [("main.py", main), ("requirements.txt", "Jinja2==3.1.6\nMarkupSafe==3.0.3 ; sys_platform == 'wasi'\n")];
    let one = built(&files, "").unwrap();
    assert!(one.log.contains("install packages: "), "{}", one.log);
    for form in [Form::Source, Form::Compiled] {
        assert_eq!(value_of(&run_as(form, &one.function)), json!(["1<", "3.0.3", ["Jinja2", "MarkupSafe"]]));
    }

    // Nothing of that looks for a file, so that the function can start from a snapshot.
    let ahead = main.replace("def handler", "version = importlib.metadata.version('jinja2')\ndef handler");
    let ahead = built(&[("main.py", &ahead), files[1]], "").unwrap().function;
    assert_eq!(value_of(&run_behind_snapshot(&ahead)), json!(["1<", "3.0.3", ["Jinja2", "MarkupSafe"]]));

    let lock = one.function.lock.clone().unwrap();
    assert!(lock.contains("\njinja2==3.1.6 --hash=sha256:"), "{lock}");
    assert!(!lock.contains("://") && !lock.contains('/'), "{lock}");
    let two = built(&files, "").unwrap().function;
    assert_eq!(two.lock.as_deref(), Some(lock.as_str()));
    let digest = one.function.packages.as_ref().unwrap().digest();
    assert_eq!(two.packages.unwrap().digest(), digest);

    let mut locked = files.to_vec();
    locked.push(("hks.lock", &lock));
    let three = built(&locked, "").unwrap();
    assert!(!three.log.contains("resolve packages"), "{}", three.log);
    assert_eq!((three.function.packages.unwrap().digest(), three.function.lock), (digest, Some(lock.clone())));

    locked[1].1 = "jinja2\n";
    assert!(refused(&locked, "").starts_with("hks.lock:1: made for other packages than requirements.txt asks for"));
}

/// Fuel is the same on every machine.
#[test]
fn compiled_modules_cost_a_fraction_of_their_sources() {
    let main = "import jinja2\ndef handler(event): pass\n";
    let function = built(&[("main.py", main)], "packages: [jinja2==3.1.6]").unwrap().function;
    let [source, compiled] = [Form::Source, Form::Compiled].map(|form| run_as(form, &function).usage.fuel);
    assert!(compiled * 5 < source, "{source} units of fuel, {compiled} compiled");
}

/// What `fallback.rs` says of packages that have native code.
#[test]
fn packages_with_a_fallback_do_without_native_code() {
    let main = "
import io, markupsafe, msgpack, ruamel.yaml, yaml, zope.interface
def handler(event):
    class ITea(zope.interface.Interface):
        pass
    @zope.interface.implementer(ITea)
    class Tea:
        pass
    return [str(markupsafe.escape('<')), msgpack.unpackb(msgpack.packb({'a': [1, 2.5]})), yaml.safe_load('a: [1]'),
            yaml.safe_dump({'b': None}), ITea.providedBy(Tea()), yaml.__with_libyaml__,
            ruamel.yaml.YAML(typ='safe').load(io.StringIO('c: [2]'))]
";
    let packages = "packages: [markupsafe, msgpack, PyYAML, zope.interface, 'ruamel.yaml==0.18.17']";
    let function = built(&[("main.py", main)], packages).unwrap().function;
    assert_eq!(value(&function), json!(["&lt;", {"a": [1, 2.5]}, {"a": [1]}, "b: null\n", true, false, {"c": [2]}]));
    let packages = function.packages.unwrap();
    assert!(packages.iter().all(|(path, _)| !path.as_str().ends_with(".so")), "{packages:?}");
}

#[test]
fn packages_of_a_project_that_are_pure_work() {
    let main =
        "import attrs, click, requests, dateutil.parser, jsonschema\nNAMES = ['requests', 'attrs', 'jsonschema']\n"
            .to_owned()
            + VERSIONS;
    let project = "[project]\nname = 'x'\ndependencies = ['requests>=2,<3', 'attrs==26.*', 'click', 'python-dateutil', \
                   'jsonschema<5', 'uvloop; sys_platform == \"linux\"']\n";
    let Built { function, log } = built(&[("main.py", &main), ("pyproject.toml", project)], "").unwrap();
    assert_eq!(value(&function), json!({"requests": "2", "attrs": "26", "jsonschema": "4"}));
    assert!(log.contains("jsonschema is 4.17.3: 4.") && log.contains(" needs rpds-py, which has native code"), "{log}");
    assert!(!function.lock.unwrap().contains("uvloop"));
}

#[test]
fn native_packages_are_refused_by_name_with_who_needs_them() {
    let said = |text: &str| refused(&[("main.py", ""), ("requirements.txt", text)], "");
    let numpy = said("numpy\n");
    assert!(
        numpy.starts_with("requirements.txt: numpy 2")
            && numpy.contains("has native code, which the sandbox cannot run"),
        "{numpy}"
    );
    assert!(numpy.contains("`runtime: container`"), "{numpy}");
    let pydantic = said("pydantic>=2\n");
    assert!(pydantic.contains("pydantic needs pydantic-core 2"), "{pydantic}");
    let older = said("pydantic\n");
    assert!(older.contains("pydantic 2") && older.contains("needs pydantic-core, which has native code"), "{older}");
    assert!(older.contains("write `pydantic==1."), "{older}");
}

#[test]
fn what_cannot_be_had_is_refused_by_name() {
    let said = |text: &str| refused(&[("main.py", ""), ("requirements.txt", text)], "");
    let source = said("docopt\n");
    assert!(source.contains("docopt comes as source only"), "{source}");
    let conflict = said("jinja2==3.1.6\nmarkupsafe<2\n");
    assert!(conflict.contains("cannot be resolved") && conflict.contains("depends on markupsafe>=2.0"), "{conflict}");
    let line = said("six\n-e .\n");
    assert!(line.starts_with("requirements.txt:2: `-e .`"), "{line}");
    let package = refused(&[("main.py", "")], "packages: ['six @ https://example.com/six.whl']");
    assert!(
        package.starts_with("function.yaml: packages: `six @ https://example.com/six.whl` comes from an address"),
        "{package}"
    );
}

#[test]
fn hashes_in_requirements_hold() {
    let first = built(&[("main.py", ""), ("requirements.txt", "six==1.17.0\n")], "").unwrap().function;
    let lock = first.lock.unwrap();
    let line = lock.lines().find(|line| line.starts_with("six==")).unwrap();
    let function = built(&[("main.py", ""), ("requirements.txt", line)], "").unwrap().function;
    assert_eq!(function.packages.unwrap().digest(), first.packages.unwrap().digest());
    let other = format!("six==1.17.0 --hash=sha256:{}\n", "0".repeat(64));
    let said = refused(&[("main.py", ""), ("requirements.txt", &other)], "");
    assert!(said.contains("the hashes of six are not those"), "{said}");
    let unlisted = line.replace("six==1.17.0", "python-dateutil==2.9.0.post0");
    let said = refused(&[("main.py", ""), ("requirements.txt", &unlisted)], "");
    assert!(said.contains("six==1.17.0 is needed too, and not listed") || said.contains("are not those"), "{said}");
}

#[test]
fn templates_build_and_run_as_they_are() {
    let request = r#"{"httpMethod": "GET", "pathParameters": {"name": "Ada"}, "queryStringParameters": null}"#;
    let order = r#"{"items": [{"price": "9.90", "count": 2}, {"price": "0.20", "count": 1}]}"#;
    for (name, event, expected) in [
        ("http", request, json!({"statusCode": 200, "headers": {"cache-control": "no-store"}, "body": "Hello, Ada!"})),
        ("event", order, json!({"total": "20.00", "items": 2})),
        (
            "scheduled",
            r#"{"regions": {"north": 12, "south": 30}}"#,
            json!({"total": 42, "table": "region      count\n--------  -------\nsouth          30\nnorth          12"}),
        ),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/python").join(name);
        let source = Dir::open_ambient_dir(folder, ambient_authority()).unwrap();
        let source = SourceTree::from_folder(&source, &SourceLimits::default()).unwrap();
        let manifest = str::from_utf8(source.get("function.yaml").unwrap()).unwrap();
        let function = built_from(&source, manifest).unwrap().function;
        assert!(function.code.is_none(), "{name}");
        assert_eq!(value_of(&run_on(Form::Compiled, &function, event)), expected, "{name}");
    }
}

/// A lock is kept by users, and what it names may have been replaced.
#[test]
fn a_lock_with_another_hash_installs_nothing() {
    let files = [("main.py", ""), ("requirements.txt", "six==1.17.0\n")];
    let lock = built(&files, "").unwrap().function.lock.unwrap();
    let (head, _) = lock.rsplit_once("sha256:").unwrap();
    let forged = format!("{head}sha256:{}\n", "0".repeat(64));
    let mut files = files.to_vec();
    files.push(("hks.lock", &forged));
    let said = built(&files, "").map(|_| ()).unwrap_err();
    assert!(said.to_lowercase().contains("hash"), "{said}");
}

#[test]
fn dependencies_that_are_switched_off_need_no_network() {
    let files = [("main.py", ""), ("requirements.txt", "numpy\n")];
    let built = built(&files, "build: {dependencies: false}").unwrap();
    assert!(built.function.packages.is_none() && built.function.lock.is_none());
    assert_eq!(built.log, "build: the function begins in main.py");
}
