//! What Python programs expect and cannot have, and how they may end themselves: with a name and with advice.

use hks_protocol::Outcome::{Exited, Failed, Succeeded, Trapped};

use crate::harness::Language::Python;
use crate::harness::{assert_ended, assert_ended_in, assert_says, call, value};

fn assert_fails(body: &str, name: &str, says: &[&str]) {
    let report = call(Python, Python.handler(body)).attack();
    println!("{body}");
    assert_ended(&report, Failed, name);
    assert_says(&report, says);
    let trace = &report.error.unwrap().traceback;
    assert!(!trace.contains("hks_guest"), "the driver is not the user's code: {trace}");
}

#[test]
fn ending_the_process_ends_the_function_only() {
    assert_fails("import sys; sys.exit()", "SystemExit", &["0"]);
    assert_fails("import sys; sys.exit('because')", "SystemExit", &["because"]);
    assert_fails("raise SystemExit(3)", "SystemExit", &["3"]);
    assert_fails("import os; os._exit(3)", "SystemExit", &["3"]);
    assert_fails("exit(4)", "SystemExit", &["4"]);
    assert_fails("raise KeyboardInterrupt", "KeyboardInterrupt", &[]);
    assert_fails("raise GeneratorExit('x')", "GeneratorExit", &["x"]);
    let report = call(Python, Python.handler("import posix; posix._exit(3)")).attack();
    assert_ended(&report, Exited, "ProcessExit");
}

#[test]
fn crashing_the_interpreter_ends_the_function_only() {
    let crashes = [
        "import os; os.abort()",
        "import posix; posix.abort()",
        "import faulthandler; faulthandler._sigsegv()",
        "import faulthandler; faulthandler._fatal_error_c_thread()",
        "import faulthandler; faulthandler._stack_overflow()",
        "import _testcapi; _testcapi.crash_no_current_thread()",
        "import signal; signal.raise_signal(signal.SIGSEGV)",
        "import signal, os; os.kill(os.getpid(), signal.SIGKILL)",
        "import types; exec(types.CodeType(0, 0, 0, 0, 9, 0, b'\\xff' * 20, (), (), (), 'x', 'x', 'x', 1, b'', b'', (), ()))",
        "import marshal; marshal.loads(b'\\xe3' + b'\\x00' * 60)",
        "import _imp; _imp.create_builtin(5)",
        "import sys; sys._getframe().f_globals.clear(); return dict",
        "import gc\nfor item in gc.get_objects():\n    if type(item) is dict and item is not locals(): item.clear()",
        "import sys; [sys.modules.pop(name) for name in list(sys.modules)]; import json; return json.dumps(1)",
    ];
    for body in crashes {
        let report = call(Python, Python.handler(body)).timeout_ms(5_000).attack();
        assert_ended_in(&report, &[Failed, Trapped, Exited, Succeeded], body);
    }
}

#[test]
fn threads_and_processes_say_what_to_do_instead() {
    let instead = &["cannot work here", "container"];
    assert_fails("import threading; threading.Thread(target=print).start()", "RuntimeError", instead);
    assert_fails("import threading; threading.Timer(1, print).start()", "RuntimeError", instead);
    assert_fails("import _thread; _thread.start_new_thread(print, ())", "RuntimeError", &[]);
    assert_fails("import subprocess; subprocess.run(['ls'])", "OSError", instead);
    assert_fails("import os; os.popen('ls')", "OSError", instead);
    assert_fails("import os; os.system('ls')", "AttributeError", &["system", "container"]);
    assert_fails("import os; os.fork()", "AttributeError", &["fork", "container"]);
    assert_fails("import os; os.execv('/bin/sh', ['sh'])", "AttributeError", &["execv", "container"]);
    assert_fails("import multiprocessing; multiprocessing.Process(target=print).start()", "OSError", instead);
    assert_fails("import multiprocessing; multiprocessing.Pool()", "OSError", instead);
    assert_fails("import asyncio; asyncio.run(asyncio.create_subprocess_exec('ls'))", "OSError", instead);
    assert_fails("import signal; signal.alarm(1)", "AttributeError", &[]);
    assert_fails("input('name? ')", "EOFError", &["event"]);
    assert_fails("breakpoint()", "RuntimeError", &["logging"]);
}

#[test]
fn thread_pools_that_only_compute_work() {
    let body = "
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor() as pool: return list(pool.map(lambda n: n * n, range(5)))";
    assert_eq!(value(&call(Python, Python.handler(body)).report()), serde_json::json!([0, 1, 4, 9, 16]));
}

#[test]
fn there_is_no_network() {
    let none = &["no network"];
    assert_fails("import socket; socket.socket()", "OSError", none);
    assert_fails("import socket; socket.create_connection(('127.0.0.1', 80))", "OSError", none);
    assert_fails("import socket; socket.getaddrinfo('localhost', 80)", "OSError", none);
    assert_fails("import _socket; _socket.socket().connect(('127.0.0.1', 80))", "PermissionError", &[]);
    assert_fails("import urllib.request; urllib.request.urlopen('http://127.0.0.1/')", "URLError", none);
    assert_fails("import urllib.request; urllib.request.urlopen('https://127.0.0.1/')", "URLError", &[]);
    assert_fails("import http.client; http.client.HTTPConnection('127.0.0.1').request('GET', '/')", "OSError", none);
    assert_fails("import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', 80))", "OSError", none);
    assert_fails("import ssl", "ModuleNotFoundError", none);
}

#[test]
fn modules_that_are_not_there_say_what_to_do_instead() {
    for (module, says) in [
        ("ctypes", "native"),
        ("bz2", "zlib"),
        ("mmap", "Read them"),
        ("fcntl", "locks"),
        ("resource", "limits"),
        ("tkinter", "display()"),
        ("numpy", "container"),
        ("pandas.io", "container"),
        ("requests", "network"),
        ("yaml", "packages"),
        ("_ctypes", "native"),
    ] {
        assert_fails(&format!("import {module}"), "ModuleNotFoundError", &["No module named", says]);
    }
    let body = "import importlib.util as u; return [u.find_spec('numpy'), u.find_spec('ctypes')]";
    assert_eq!(value(&call(Python, Python.handler(body)).report()), serde_json::json!([null, null]));
}

#[test]
fn what_never_ends_by_itself_is_named() {
    assert_fails("import asyncio; asyncio.run(asyncio.Event().wait())", "RuntimeError", &["wait forever", "line"]);
    assert_fails(
        "import asyncio\nasync def never(): await asyncio.Future()\nreturn never()",
        "RuntimeError",
        &["forever"],
    );
    assert_fails("import threading; threading.Event().wait()", "RuntimeError", &["never end"]);
    assert_fails("import queue; queue.Queue().get()", "RuntimeError", &["never end"]);
    assert_fails(
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire(timeout=0) or 1 / 0",
        "ZeroDivisionError",
        &[],
    );
    assert_fails("return (n for n in range(3))", "InvalidResultError", &["generator", "list"]);
    assert_fails("async def later(): yield 1\nreturn later()", "InvalidResultError", &["async generator", "list"]);
}

#[test]
fn hostile_exceptions_are_described_all_the_same() {
    assert_fails("class E(Exception):\n    def __str__(self): 1 / 0\nraise E()", "E", &["ZeroDivisionError"]);
    assert_fails("class E(Exception):\n    def __str__(self): return 5\nraise E()", "E", &["TypeError"]);
    assert_fails("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E()", "E", &["SystemExit"]);
}
