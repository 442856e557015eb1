//! A function that takes its interpreter's driver apart spoils at most its own result.

use hks_protocol::Outcome::{self, Exited, Failed, OutputTooLarge, Succeeded, Trapped};

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Language, assert_ended, assert_ended_in, call, value};

/// The result of the function, whatever it replaced.
fn assert_works(language: Language, body: &str) {
    let report = call(language, language.handler(body)).attack();
    println!("{body}");
    assert_eq!(value(&report), serde_json::json!({"answer": [42, "ä"]}), "{body}");
}

/// Tampers in the handler, and once more before the driver looks for it.
fn assert_ends(language: Language, body: &str) {
    let earlier = match language {
        Python => format!(
            "def tamper():\n    {}\ntry: tamper()\nexcept ZeroDivisionError: pass\ndef handler(event): 1 / 0",
            body.replace('\n', "\n    ")
        ),
        JavaScript => format!("const context = {{}};\n(() => {{ {body} }})();\nexports.handler = () => [{{}}];"),
    };
    for code in [language.handler(body), earlier] {
        let report = call(language, code).timeout_ms(5_000).attack();
        assert_ended_in(&report, &[Succeeded, Failed, Trapped, Exited, OutputTooLarge], body);
    }
}

#[test]
fn names_that_python_replaces_do_not_spoil_its_result() {
    for tampering in [
        "import builtins; builtins.print = builtins.compile = builtins.exec = builtins.eval = builtins.open = None",
        "import sys; sys.stdout = sys.stderr = sys.stdin = None",
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import sys; sys.stdout = 5; sys.__stdout__ = 5",
        "import sys; sys.stdout.detach()",
        "import json; json.dumps = json.loads = json.JSONEncoder = json.JSONDecoder = None",
        "import traceback; traceback.TracebackException = traceback.format_exc = None",
        "import sys; [sys.modules.pop(name) for name in list(sys.modules) if name.startswith('hks')]",
        "import sys; sys.modules.clear()",
        "import sys; sys.settrace(lambda *_: None)",
        "import sys; sys.setprofile(lambda *_: None)",
        "import sys; sys.excepthook = sys.unraisablehook = sys.displayhook = None",
        "import gc; gc.disable(); gc.set_threshold(1); gc.unfreeze()",
        "import linecache; linecache.cache = None; linecache.getline = None",
        "import os; os.environ.clear(); os.environ = None",
        "import sys; del sys.modules['__main__']; globals().clear()",
        "import warnings; warnings.warn = None; import logging; logging.shutdown()",
        "import asyncio; asyncio.run = None",
        "import time; time.time = time.monotonic = None",
    ] {
        assert_works(Python, &format!("{tampering}\nreturn {{'answer': [42, 'ä']}}"));
    }
}

#[test]
fn names_that_javascript_replaces_do_not_spoil_its_result() {
    for tampering in [
        "Object.prototype.toJSON = Object.prototype.then = undefined;",
        "Object.prototype.polluted = 1; Object.prototype.handler = 5; Object.prototype.default = 5;",
        "JSON.stringify = JSON.parse = () => 'broken'; globalThis.JSON = null;",
        "Promise.prototype.then = Promise.prototype.catch = Promise.resolve = () => { throw 1; };",
        "globalThis.Promise = null;",
        "Object.freeze(globalThis); Object.freeze(Object.prototype); Object.freeze(Array.prototype);",
        "const all = globalThis; for (const name of Object.getOwnPropertyNames(all)) delete all[name];",
        "Array.prototype[Symbol.iterator] = null; Array.prototype.push = null; Array.prototype.join = null;",
        "String.prototype.replace = String.prototype.split = String.prototype.slice = null;",
        "Error.prototype.toString = null; Error.captureStackTrace = null; Error.stackTraceLimit = 0;",
        "globalThis.console = null; globalThis.process = null; globalThis.Error = null;",
        "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = null;",
        "Object.setPrototypeOf(globalThis, null);",
        "exports = module = undefined; handler = undefined;",
        "setTimeout = queueMicrotask = undefined;",
    ] {
        assert_works(JavaScript, &format!("{tampering}\nreturn {{ answer: [42, 'ä'] }};"));
    }
}

/// An error is still reported with its name when what describes errors was replaced.
#[test]
fn errors_are_described_with_whatever_is_left() {
    for tampering in [
        "import traceback; traceback.TracebackException = traceback.StackSummary = None",
        "import traceback; traceback.TracebackException.__init__ = lambda *_, **__: 1 / 0",
        "import linecache; linecache.getline = linecache.getlines = lambda *_: 1 / 0",
        "import sys; sys.modules.clear(); sys.stderr = None",
        "import builtins; builtins.repr = None",
    ] {
        let report = call(Python, Python.handler(&format!("{tampering}\nraise ValueError('mine')"))).attack();
        println!("{tampering}");
        assert_ended(&report, Failed, "ValueError");
        assert_eq!(report.error.unwrap().value, "mine");
    }
    for tampering in [
        "Error.prototype.toString = () => { throw 1; };",
        "Object.defineProperty(Error.prototype, 'stack', { get() { throw 1; } });",
        "String.prototype.replace = String.prototype.split = String.prototype.search = () => { throw 1; };",
        "RegExp.prototype.exec = RegExp.prototype[Symbol.replace] = () => { throw 1; };",
        "globalThis.Set = globalThis.Array = globalThis.Error = null;",
        "Object.prototype.cause = 5; Object.prototype.errors = [5];",
    ] {
        let body = format!("const E = ReferenceError;\n{tampering}\nthrow new E('mine');");
        let report = call(JavaScript, JavaScript.handler(&body)).attack();
        println!("{tampering}");
        assert_ended_in(&report, &[Failed], tampering);
    }
}

#[test]
fn a_driver_that_was_taken_apart_ends_only_its_own_execution() {
    for body in [
        "import json; json.JSONEncoder.default = json.JSONEncoder.iterencode = None",
        "import builtins; builtins.__dict__.clear()",
        "import builtins\nfor name in list(vars(builtins)): setattr(builtins, name, None)",
        "import builtins; builtins.len = builtins.isinstance = builtins.type = None; return {1: [2.5]}",
        "import hks_guest.results as r; r.encode = lambda value: 'no json'",
        "import hks_guest.results as r; r.encode = lambda value: 5",
        "import hks_guest.results as r; r.encode = lambda value: '\\ud800'",
        "import hks_guest.results as r; r._encode = None; return object()",
        "import hks_guest.driver as d; d.results = d.failures = d.handlers = None; 1 / 0",
        "import hks_guest.driver as d; d.Driver.run = None; 1 / 0",
        "import hks_guest.failures as f; f.describe = lambda error: None; 1 / 0",
        "import hks_guest.failures as f; f.describe = lambda error: ('a', 'b'); 1 / 0",
        "import hks_guest.failures as f; f.describe = lambda error: (1, 2, 3); 1 / 0",
        "import hks_guest.failures as f; f.describe = lambda error: ('x' * 10**7,) * 3; 1 / 0",
        "import wit_world; wit_world.__dict__.clear(); 1 / 0",
        "import wit_world.imports.output as o; o.write_log = None; print(1)",
        "import wit_world.imports.output as o; o.write_log(99, 'x')",
        "import wit_world.imports.output as o; o.write_log('x')",
        "import wit_world.imports.output as o; o.write_log(o.LogStream.STDOUT, 5)",
        "import wit_world.imports.output as o; o.publish('no json')",
        "import wit_world.imports.clock as c; return c.now() + c.monotonic() + c.remaining()",
        "import wit_world.imports.clock as c; c.sleep(-1)",
        "import wit_world.imports.entropy as e; return len(e.random_bytes(65537))",
        "import componentize_py_runtime as c; return [getattr(c, name)() for name in dir(c) if callable(getattr(c, name))]",
        "import componentize_py_runtime as c; c.call_import(0, [], 0)",
        "import componentize_py_runtime as c; c.call_import(99999, [], 5)",
        "import sys; sys._getframe(1).f_locals.clear(); sys._getframe(2).f_locals.clear()",
        "import sys, hks_guest.entry as e; e._driver = None; e.Interpret.run = None; 1 / 0",
    ] {
        assert_ends(Python, body);
    }
    for body in [
        "Object.defineProperty(Object.prototype, 'then', { get() { throw 1; } }); return {};",
        "Object.defineProperty(Array.prototype, 0, { get() { throw 1; }, set() {} }); return [1];",
        "Object.prototype.toJSON = () => { throw 1; }; return {};",
        "Object.prototype.then = (resolve) => resolve(5); return {};",
        "Function.prototype.toString = Symbol.prototype.toString = null; throw Symbol('x');",
        "context.remaining_time_ms.call(5); Object.getPrototypeOf(context).remaining_time_ms = null; return context;",
        "process.stdout.write({}); process.stdout.write(); process.stdout.write(5);",
        "display(); display({ exe: 1 });",
        "display(Object.create(null));",
        "console.log(new Proxy({}, { get() { throw 1; }, ownKeys() { throw 1; } }));",
        "setTimeout(() => {}, { valueOf() { throw 1; } });",
        "crypto.getRandomValues(new Uint8Array(70_000));",
        "new TextDecoder().decode({ buffer: new ArrayBuffer(8), byteOffset: -1, byteLength: 1e9 });",
    ] {
        assert_ends(JavaScript, body);
    }
}

#[test]
fn a_forged_result_is_checked_by_the_host() {
    let forged = "import hks_guest.results as r; r._encode = lambda value: '{\"a\": 1} garbage'";
    let report = call(Python, format!("{forged}\ndef handler(event): return 1")).attack();
    assert_ended(&report, Outcome::Failed, "InvalidResultError");
    let forged = "import hks_guest.failures as f; f.describe = lambda error: ('MemoryError', 'x', '')";
    let report = call(Python, format!("{forged}\ndef handler(event): 1 / 0")).attack();
    assert_ended(&report, Outcome::Failed, "MemoryError");
}
