//! What JavaScript programs expect and cannot have, and how they may end themselves: with a name and with advice.

use hks_protocol::Outcome::{Failed, Succeeded, Trapped};

use crate::harness::Language::JavaScript;
use crate::harness::{assert_ended, assert_ended_in, assert_says, call, value};

fn assert_fails(body: &str, name: &str, says: &[&str]) {
    let report = call(JavaScript, JavaScript.handler(body)).attack();
    println!("{body}");
    assert_ended(&report, Failed, name);
    assert_says(&report, says);
    let trace = &report.error.unwrap().traceback;
    assert!(!trace.contains("prelude.js"), "the prelude is not the user's code: {trace}");
}

#[test]
fn ending_the_process_ends_the_function_only() {
    assert_fails("process.exit(3);", "ProcessExit", &["3"]);
    assert_fails("try { process.exit(); } catch { for (;;); } finally { for (;;); }", "ProcessExit", &["0"]);
    assert_fails("process.exitCode = 7; for (;;) await process.exit();", "ProcessExit", &["7"]);
    assert_fails("await new Promise(() => setTimeout(() => process.exit(5), 1));", "ProcessExit", &["5"]);
    assert_fails("process.abort();", "TypeError", &[]);
    assert_fails("process.kill(process.pid);", "TypeError", &[]);
}

#[test]
fn a_promise_that_never_settles_is_named() {
    assert_fails("await new Promise(() => {});", "UnsettledPromiseError", &["never settles"]);
    assert_fails("return { then() {} };", "UnsettledPromiseError", &["never settles"]);
    assert_fails("let resolve; const p = new Promise((r) => { resolve = r; }); await p;", "UnsettledPromiseError", &[]);
    let report = call(JavaScript, "await new Promise(() => {}); export const handler = () => 1;").attack();
    assert_ended(&report, Failed, "UnsettledPromiseError");
    assert_says(&report, &["top-level await"]);
}

#[test]
fn whatever_is_thrown_is_described() {
    assert_fails("throw new RangeError('far');", "RangeError", &["far"]);
    assert_fails("class MyError extends Error {} throw new MyError('mine');", "MyError", &["mine"]);
    assert_fails("throw 'text';", "NonErrorThrown", &["text"]);
    assert_fails("throw undefined;", "NonErrorThrown", &["undefined"]);
    assert_fails("throw { a: [1] };", "NonErrorThrown", &["a:"]);
    assert_fails("throw Object.assign(new Error('x'), { name: 5 });", "Error", &["x"]);
    assert_fails("return Promise.reject(new TypeError('later'));", "TypeError", &["later"]);
    assert_fails(
        "setTimeout(() => { throw new Error('in a timer'); }, 1); await new Promise((r) => setTimeout(r, 50));",
        "Error",
        &["in a timer"],
    );
    for body in [
        "throw new Proxy({}, { get() { throw 1; }, has() { throw 1; }, ownKeys() { throw 1; } });",
        "throw { get name() { throw 1; }, get message() { throw 2; } };",
        "const e = new Error('x'); Object.defineProperty(e, 'stack', { get() { throw e; } }); throw e;",
        "const e = new Error('x'); e.cause = e; throw e;",
        "throw new Error('x'.repeat(10_000_000));",
        "const e = new Error('x'); e.stack = 'y'.repeat(10_000_000); throw e;",
        "throw Object.create(null);",
        "throw new (class extends Error { get name() { throw this; } })();",
    ] {
        let report = call(JavaScript, JavaScript.handler(body)).attack();
        assert_ended_in(&report, &[Failed], body);
        let error = report.error.unwrap();
        assert!(!error.name.is_empty() && error.value.len() + error.traceback.len() < 300_000, "{body}");
    }
}

#[test]
fn what_is_not_there_says_what_to_do_instead() {
    for (module, says) in [
        ("fs", "event"),
        ("node:fs/promises", "event"),
        ("crypto", "crypto.subtle"),
        ("child_process", "Node's modules"),
        ("node:worker_threads", "Node's modules"),
        ("net", "Node's modules"),
        ("./other.js", "deploy the folder"),
        ("lodash", "packages"),
    ] {
        let says = &[module, "cannot find module", says];
        assert_fails(&format!("require('{module}');"), "Error", says);
        assert_fails(&format!("await import('{module}');"), "Error", says);
        let report = call(JavaScript, format!("import x from '{module}'; export const handler = () => x;")).attack();
        assert_ended(&report, Failed, "Error");
        assert_says(&report, says);
    }
    assert_fails("await fetch('http://127.0.0.1/');", "TypeError", &["network", "127.0.0.1"]);
    assert_fails("new WebSocket('ws://127.0.0.1/');", "ReferenceError", &["WebSocket"]);
    assert_fails("new Worker('x');", "ReferenceError", &["Worker"]);
    assert_fails("new SharedArrayBuffer(8); Atomics.wait();", "ReferenceError", &[]);
    assert_fails("std.open('/etc/passwd');", "ReferenceError", &["std"]);
    assert_fails("os.exec(['ls']);", "ReferenceError", &["os"]);
    assert_fails("new WebAssembly.Module(new Uint8Array(8));", "ReferenceError", &["WebAssembly"]);
}

#[test]
fn no_way_to_the_driver_is_left_open() {
    let body = "
        const found = [];
        for (const name of ['native', 'prelude', 'host', 'guest', '__core-js_shared__', 'scriptArgs', 'bjson', 'std']) {
            if (name in globalThis) found.push(name);
        }
        const stack = new Error().stack;
        if (stack.includes('prelude')) found.push(stack);
        if ((function () { return this; })() !== globalThis && (function () { return this; })() !== undefined) found.push('this');
        if (typeof require.main !== 'undefined' || typeof module.constructor._load !== 'undefined') found.push('module');
        return found;";
    assert_eq!(value(&call(JavaScript, JavaScript.handler(body)).report()), serde_json::json!([]));
}

#[test]
fn crashing_the_interpreter_ends_the_function_only() {
    for body in [
        "const a = new ArrayBuffer(8, { maxByteLength: 16 }); const v = new Uint8Array(a); v[0] = { valueOf() { a.resize(0); return 1; } };",
        "const a = [1, 2, 3]; a.sort(() => { a.length = 0; return 1; }); return a.length;",
        "const a = new Uint8Array(10); a.fill({ valueOf() { a.buffer.transfer?.(); return 1; } });",
        "const m = new Map([[1, 1]]); m.forEach(() => { m.clear(); m.set(1, 1); m.delete(1); });",
        "const a = new Array(2 ** 32 - 1); a.length = 0; return a.concat(new Array(2 ** 32 - 1)).length;",
        "return 'x'.repeat(2 ** 30);",
        "return 'x'.padEnd(2 ** 30 - 2).length;",
        "return (2n ** 10000000n).toString().length;",
        "return /(?<=a{0,2147483647})b/.test('ab');",
        "new Function('a'.repeat(1000), '}{');",
        "return new Function('return this')() === globalThis ? 1 : 0;",
        "const w = new WeakRef({}); const f = new FinalizationRegistry(() => { throw 1; }); f.register({}, 1); return 1;",
        "const d = new DataView(new ArrayBuffer(8)); d.setFloat64(1, 1);",
        "String.fromCharCode.apply(null, new Array(1e6).fill(65)).normalize('NFKD');",
        "return [1, [2]].flat(2 ** 53);",
        "const a = []; a[4294967294] = 1; return a.indexOf(1);",
        "return Array.from({ length: 2 ** 53 });",
        "return JSON.stringify('\\ud800').length;",
        "Object.defineProperty(Array.prototype, '0', { set() { throw 1; } }); return [1];",
    ] {
        let report = call(JavaScript, JavaScript.handler(body)).timeout_ms(3_000).attack();
        let limits = [
            hks_protocol::Outcome::TimedOut,
            hks_protocol::Outcome::OutOfMemory,
            hks_protocol::Outcome::OutputTooLarge,
        ];
        assert_ended_in(&report, &[&[Failed, Succeeded, Trapped][..], &limits].concat(), body);
    }
}
