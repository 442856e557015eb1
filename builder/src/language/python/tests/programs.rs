//! Functions without packages: of one file and of several.

use serde_json::json;

use super::shop::{Form, built, guest, refused, run, run_as, tree, value, value_of};
use crate::language::python::{MARKERS, standard};

#[test]
fn a_file_that_stands_alone_is_executed_as_it_is() {
    let text = "def on_event(event):\n    return 1 / 0\n";
    let function = built(&[("main.py", text), ("README.md", "x")], "handler: main.py:on_event").unwrap().function;
    assert!(function.code.is_none() && function.packages.is_none() && function.lock.is_none());
    assert!(function.text.starts_with(text));
    let error = run(&function).error.unwrap();
    assert!(
        error.traceback.contains("File \"<function>\", line 2, in on_event\n    return 1 / 0\n"),
        "{}",
        error.traceback
    );
}

#[test]
fn a_function_of_the_manifest_that_is_not_there_is_named() {
    let function = built(&[("main.py", "x = 1\n")], "handler: main.py:go").unwrap().function;
    let error = run(&function).error.unwrap();
    assert_eq!(error.value, "name 'go' is not defined");
    assert!(error.traceback.contains("handler = go  # as function.yaml says"), "{}", error.traceback);

    let function = built(&[("main.py", "x = 1\n"), ("data.txt", "")], "handler: main.py:go").unwrap().function;
    assert_eq!(run(&function).error.unwrap().value, "/code/main.py defines no go; the function begins there");
}

const SHOP: [(&str, &str); 6] = [
    ("shop/__init__.py", "NAME = __name__\n"),
    (
        "shop/app.py",
        "from . import NAME\nfrom .prices import price\nfrom tools.text import up\n\ndef handler(event):\n    return [__name__, up(NAME), price(event)]\n",
    ),
    (
        "shop/prices.py",
        "import importlib.resources, json\nTABLE = json.loads(importlib.resources.files('shop').joinpath('data/t.json').read_text())\n\ndef price(event):\n    if event is None:\n        return TABLE['x']\n    raise KeyError(event)\n",
    ),
    ("shop/data/t.json", "{\"x\": 3}"),
    ("tools/text.py", "def up(text):\n    return text.upper()\n"),
    ("function.yaml", ""),
];

#[test]
fn modules_of_a_package_import_each_other_in_both_forms() {
    let function = built(&SHOP, "handler: shop/app.py").unwrap().function;
    for form in [Form::Source, Form::Compiled] {
        assert_eq!(value_of(&run_as(form, &function)), json!(["shop.app", "SHOP", 3]));
    }
    let code = function.code.unwrap();
    assert!(code.get("shop/data/t.json").is_some() && code.get("function.yaml").is_none());
}

#[test]
fn tracebacks_show_files_and_lines_of_compiled_modules() {
    let mut files = SHOP;
    files[2].1 = "def price(event):\n    text = 'x'\n    return int(text)  # here\n";
    let function = built(&files, "handler: shop/app.py").unwrap().function;
    for form in [Form::Source, Form::Compiled] {
        let traceback = run_as(form, &function).error.unwrap().traceback;
        assert!(
            traceback.contains("File \"/code/shop/prices.py\", line 3, in price\n    return int(text)  # here\n"),
            "{traceback}"
        );
        assert!(traceback.contains("File \"/code/shop/app.py\", line 6, in handler\n"), "{traceback}");
    }
}

#[test]
fn layouts_that_are_usual_work() {
    let helper = ("helper.py", "value = 5\n");
    for (files, manifest) in [
        (vec![("main.py", "import helper\ndef handler(e): return helper.value\n"), helper], ""),
        (vec![("src/app.py", "import helper\ndef handler(e): return helper.value\n"), ("src/helper.py", helper.1)], ""),
        (
            vec![
                ("main.py", "from box import helper\ndef handler(e): return helper.value\n"),
                ("src/box/helper.py", helper.1),
            ],
            "",
        ),
        (vec![("__init__.py", "from . import helper\ndef handler(e): return helper.value\n"), helper], ""),
        (
            vec![("__init__.py", ""), ("app.py", "import helper\ndef handler(e): return helper.value\n"), helper],
            "handler: app.py",
        ),
        (vec![("a/my-fn.py", "import helper\ndef handler(e): return helper.value\n"), helper], "handler: a/my-fn.py"),
    ] {
        let function = built(&files, manifest).unwrap().function;
        assert_eq!(value(&function), 5, "{files:?}");
    }
}

#[test]
fn mistakes_in_own_modules_are_told_with_their_lines() {
    let tree =
        tree(&[("app.py", "import b\n"), ("b.py", "x = 1\ny = (2,\n"), ("c.py", "def f():\n  return 1\n    x\n")]);
    assert_eq!(
        guest().mistakes(&tree),
        [
            "b.py:2: SyntaxError: '(' was never closed\n    y = (2,\n        ^",
            "c.py:3: IndentationError: unexpected indent\n    x",
        ]
    );
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    assert!(refused(&[("a.py", ""), ("b.py", "")], "").contains("no file to begin with"));
    assert!(refused(&[("a.py", "")], "handler: b.py").contains("there is no file b.py"));
    assert!(refused(&[("a.txt", "")], "handler: a.txt").contains("a.txt is no Python file"));
    let latin = refused(&[("main.py", "import b"), ("b.py", "\n# coding: latin-1\n")], "");
    assert!(latin.starts_with("b.py:2: declares the encoding latin-1"), "{latin}");
}

#[test]
fn modules_that_the_library_hides_are_in_the_log() {
    let log = built(&[("main.py", ""), ("calendar.py", "")], "").unwrap().log;
    assert!(log.contains("calendar.py: Python's own library has a module of this name"), "{log}");
}

/// Markers and names of modules are written down for the builder; this is whether they still hold.
#[test]
fn the_guest_is_as_it_is_described() {
    let text = "
import importlib.util, os, platform, sys
def handler(event):
    markers = dict(
        implementation_name=sys.implementation.name, os_name=os.name, platform_machine=platform.machine(),
        platform_python_implementation=platform.python_implementation(), platform_release=platform.release(),
        platform_system=platform.system(), python_full_version=platform.python_version(), sys_platform=sys.platform)
    names = [name for name in sys.stdlib_module_names if not name.startswith('_') or name == '__future__']
    known = lambda name: name in sys.builtin_module_names or name in sys.modules or importlib.util.find_spec(name)
    return markers, sorted(filter(known, names))
";
    let report = guest().run_alone(text);
    let markers: std::collections::BTreeMap<_, _> = MARKERS.into_iter().collect();
    assert_eq!(value_of(&report), json!([markers, standard::NAMES.as_slice()]));
}
