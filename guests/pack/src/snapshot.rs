//! Runs a module's initialisation and makes a module that begins where it ended.
//!
//! Wizer does the rewriting: data segments become what the memory held, mutable globals what they were, and the
//! initialisation is no longer exported. It is used without its own glue to wasmtime, which would switch garbage collection
//! and threads on in every crate of the workspace; what that glue does is in this file.
//!
//! There is no host during initialisation. A module may import what it likes, but a call of an import ends the snapshot
//! with an error that names it: whatever the import returned would be frozen into every instance.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use anyhow::{Context as _, Result, anyhow, bail};
use wasmtime::{Config, Engine, ExternType, Func, Instance, Module, Store, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

/// What a guest exports for this purpose; Wizer's own default.
const INITIALISE: &str = "wizer-initialize";

/// What libc's start-up code exports in a module without `main`. It comes first, and is not exported any more either.
const REACTOR_START: &str = "_initialize";

/// Initialising an interpreter recurses deeper than wasmtime's default allows for.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// The core module with its initialised state.
///
/// # Errors
/// The module has no initialisation (`wizer-initialize`), cannot be instantiated, traps, or calls an import.
pub fn take(module: &[u8]) -> Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    wizer.init_func(INITIALISE);
    let (context, instrumented) =
        wizer.instrument(module).map_err(describe).context("the module cannot be snapshotted")?;
    let mut initialised = initialise(&instrumented)?;
    finish_at_once(wizer.snapshot(&context, &mut initialised))?.map_err(describe).context("cannot write the snapshot")
}

/// An instance that has run its initialisation.
struct Initialised {
    store: Store<()>,
    instance: Instance,
}

fn initialise(module: &[u8]) -> Result<Initialised> {
    #[expect(clippy::disallowed_methods, reason = "runs our own module at build time; functions never run here")]
    let mut config = Config::new();
    config.max_wasm_stack(STACK_BYTES);
    config.async_stack_size(2 * STACK_BYTES);
    let engine = Engine::new(&config).map_err(describe)?;
    let module = Module::new(&engine, module).map_err(describe).context("the module does not compile")?;
    require_initialisation(&module)?;
    let mut store = Store::new(&engine, ());
    let imports: Vec<_> = module
        .imports()
        .map(|import| match import.ty() {
            ExternType::Func(ty) => Ok(refusing(&mut store, ty, import.module(), import.name()).into()),
            other => bail!(
                "the module imports `{}` of `{}`, which is no function: {other:?}",
                import.name(),
                import.module()
            ),
        })
        .collect::<Result<_>>()?;
    let instance =
        Instance::new(&mut store, &module, &imports).map_err(describe).context("cannot instantiate the module")?;
    let mut initialised = Initialised { store, instance };
    for name in [REACTOR_START, INITIALISE] {
        initialised.call(name)?;
    }
    Ok(initialised)
}

fn require_initialisation(module: &Module) -> Result<()> {
    match module.get_export(INITIALISE) {
        Some(ExternType::Func(ty)) if ty.params().len() == 0 && ty.results().len() == 0 => Ok(()),
        Some(_) => bail!("the module's export `{INITIALISE}` is not a function without parameters and results"),
        None => bail!("the module does not export `{INITIALISE}`"),
    }
}

/// A function in place of an import that fails with the import's name.
fn refusing(store: &mut Store<()>, ty: wasmtime::FuncType, module: &str, name: &str) -> Func {
    let message = format!("the initialisation called the import `{name}` of `{module}`, but there is no host yet");
    Func::new(store, ty, move |_, _, _| Err(wasmtime::Error::msg(message.clone())))
}

impl Initialised {
    /// Calls an export if there is one.
    fn call(&mut self, name: &str) -> Result<()> {
        let Some(function) = self.instance.get_func(&mut self.store, name) else {
            return Ok(());
        };
        function
            .typed::<(), ()>(&self.store)
            .and_then(|function| function.call(&mut self.store, ()))
            .map_err(describe)
            .with_context(|| format!("`{name}` failed"))
    }
}

impl InstanceState for Initialised {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name).expect("Wizer exports every global that it reads");
        match global.get(&mut self.store) {
            Val::I32(value) => SnapshotVal::I32(value),
            Val::I64(value) => SnapshotVal::I64(value),
            Val::F32(bits) => SnapshotVal::F32(bits),
            Val::F64(bits) => SnapshotVal::F64(bits),
            Val::V128(value) => SnapshotVal::V128(value.as_u128()),
            other => unreachable!("Wizer refuses mutable globals of references: {other:?}"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let memory = self.instance.get_memory(&mut self.store, name).expect("Wizer exports every memory that it reads");
        contents(memory.data(&self.store));
    }
}

/// Wizer's interface is asynchronous for the sake of other stores; ours never waits.
fn finish_at_once<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => bail!("the snapshot waited for something"),
    }
}

/// Wasmtime's errors are of a type of their own.
fn describe(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_text(text: &str) -> Result<Vec<u8>> {
        take(&wat::parse_str(text).unwrap())
    }

    /// An instance of a module without imports.
    fn instantiate(module: &[u8]) -> (Store<()>, Instance) {
        let engine = Engine::default();
        let module = Module::new(&engine, module).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        (store, instance)
    }

    #[test]
    fn memory_and_globals_are_kept() {
        let snapshot = take_text(
            r#"(module
                (memory (export "memory") 1)
                (global $g (mut i64) (i64.const 1))
                (func (export "wizer-initialize")
                    (drop (memory.grow (i32.const 2)))
                    (i32.store (i32.const 150000) (i32.const 42))
                    (global.set $g (i64.const 7)))
                (func (export "stored") (result i32) (i32.load (i32.const 150000)))
                (func (export "global") (result i64) (global.get $g)))"#,
        )
        .unwrap();
        let (mut store, instance) = instantiate(&snapshot);
        let stored = instance.get_typed_func::<(), i32>(&mut store, "stored").unwrap();
        let global = instance.get_typed_func::<(), i64>(&mut store, "global").unwrap();
        assert_eq!(stored.call(&mut store, ()).unwrap(), 42);
        assert_eq!(global.call(&mut store, ()).unwrap(), 7);
        assert_eq!(instance.get_memory(&mut store, "memory").unwrap().size(&store), 3);
        assert!(instance.get_func(&mut store, INITIALISE).is_none(), "it must not run again");
    }

    #[test]
    fn the_reactor_start_runs_first_and_disappears() {
        let snapshot = take_text(
            r#"(module
                (memory (export "memory") 1)
                (func (export "_initialize") (i32.store (i32.const 0) (i32.const 20)))
                (func (export "wizer-initialize")
                    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))))
                (func (export "stored") (result i32) (i32.load (i32.const 0))))"#,
        )
        .unwrap();
        let (mut store, instance) = instantiate(&snapshot);
        let stored = instance.get_typed_func::<(), i32>(&mut store, "stored").unwrap();
        assert_eq!(stored.call(&mut store, ()).unwrap(), 21);
        assert!(instance.get_func(&mut store, REACTOR_START).is_none());
    }

    #[test]
    fn a_call_of_an_import_is_an_error_that_names_it() {
        let error = take_text(
            r#"(module
                (import "hks:function/clock@0.1.0" "now" (func $now (result i64)))
                (func (export "wizer-initialize") (drop (call $now))))"#,
        )
        .unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("`now` of `hks:function/clock@0.1.0`"), "{message}");
    }

    #[test]
    fn a_trap_is_an_error() {
        let error = take_text(r#"(module (func (export "wizer-initialize") unreachable))"#).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("`wizer-initialize` failed") && message.contains("unreachable"), "{message}");
    }

    #[test]
    fn a_missing_initialisation_is_an_error() {
        let error = take_text("(module)").unwrap_err().to_string();
        assert_eq!(error, "the module does not export `wizer-initialize`");
    }

    #[test]
    fn an_initialisation_with_parameters_is_an_error() {
        let error = take_text(r#"(module (func (export "wizer-initialize") (param i32)))"#).unwrap_err().to_string();
        assert!(error.contains("without parameters"), "{error}");
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(take(b"not wasm").is_err());
    }
}
