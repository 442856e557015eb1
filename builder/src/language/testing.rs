//! For tests of compiled languages: builds with the tools of this machine, and runs what comes out.

use std::time::Duration;

use hks_protocol::manifest::Grants;
use hks_protocol::{Limits, Manifest};
use tempfile::TempDir;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

use super::Product;
use crate::child::{Cancel, ChildLimits};
use crate::source::{SourceLimits, SourceTree};
use crate::testing::{network, toolchains};
use crate::wasm::{self, Offer};
use crate::workshop::Rules;
use crate::{Error, LogLine, Toolchains, Workshop};

/// A language's build.
type Build = fn(&SourceTree, &Manifest, &mut Workshop<'_>) -> Result<Product, Error>;

/// One build, in a folder of its own.
pub(crate) struct Trial {
    pub(crate) build: Build,
    pub(crate) manifest: &'static str,
    pub(crate) limits: ChildLimits,
    pub(crate) toolchains: Toolchains,
}

/// What a build gave, and what it said.
pub(crate) struct Built {
    pub(crate) result: Result<(Vec<u8>, Option<String>), Error>,
    pub(crate) log: Vec<LogLine>,
}

impl Trial {
    pub(crate) fn new(build: Build) -> Self {
        Self { build, manifest: "name: test", limits: ChildLimits::default(), toolchains: toolchains() }
    }

    pub(crate) fn build(&self, files: &[(&str, &str)]) -> Built {
        let source =
            SourceTree::from_files(files.iter().map(|(path, text)| (path, text.to_string())), &SourceLimits::default());
        self.build_tree(&source.unwrap())
    }

    pub(crate) fn build_tree(&self, source: &SourceTree) -> Built {
        let folder = TempDir::new().unwrap();
        let rules = Rules { limits: self.limits.clone(), network: network(), ..Rules::default() };
        let manifest = crate::manifest::parse("function.yaml", self.manifest.as_bytes()).unwrap();
        let (cancel, mut log) = (Cancel::new(), Vec::new());
        let mut listener = |line| log.push(line);
        let timeout = Duration::from_secs(600);
        let place = folder.path().canonicalize().unwrap();
        let mut workshop = Workshop::new(place, &self.toolchains, &rules, timeout, &cancel, &mut listener);
        let result = (self.build)(source, &manifest, &mut workshop).map(|product| match product {
            Product::Wasm { wasm, lock } => (wasm, lock),
            Product::Interpreted(_) => panic!("these are compiled languages"),
        });
        Built { result, log }
    }

    pub(crate) fn wasm(&self, files: &[(&str, &str)]) -> Vec<u8> {
        self.build(files).result.unwrap_or_else(|error| panic!("{error}")).0
    }

    pub(crate) fn refusal(&self, files: &[(&str, &str)]) -> String {
        self.build(files).result.unwrap_err().to_string()
    }

    /// Builds a function and calls it once.
    pub(crate) fn answer(&self, files: &[(&str, &str)], event: &str) -> Ran {
        Program::new(self.wasm(files)).run(event, None)
    }
}

/// A command, accepted and compiled.
pub(crate) struct Program {
    engine: Engine,
    component: Component,
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) value: String,
    pub(crate) logs: String,
    /// What its last line on standard error says, if it is a failure.
    pub(crate) failure: Option<serde_json::Value>,
}

struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Program {
    pub(crate) fn new(wasm: Vec<u8>) -> Self {
        let offer = Offer::functions().with_commands();
        let (component, shape) = wasm::accept(wasm, &offer, &Grants::default(), &Limits::default()).unwrap();
        assert_eq!(shape.world, wasm::World::Command);
        let engine = Engine::default();
        let component = Component::new(&engine, component).unwrap();
        Self { engine, component }
    }

    pub(crate) fn run(&self, event: &str, context: Option<&str>) -> Ran {
        let (output, error) = (MemoryOutputPipe::new(16 << 20), MemoryOutputPipe::new(16 << 20));
        let mut wasi = WasiCtx::builder();
        wasi.stdin(MemoryInputPipe::new(event.to_owned())).stdout(output.clone()).stderr(error.clone());
        if let Some(context) = context {
            wasi.env("HKS_CONTEXT", context);
        }
        let mut linker = Linker::<Host>::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
        let mut store = Store::new(&self.engine, Host { wasi: wasi.build(), table: ResourceTable::new() });
        let command = Command::instantiate(&mut store, &self.component, &linker).unwrap();
        let exit = match command.wasi_cli_run().call_run(&mut store) {
            Ok(Ok(())) => 0,
            Ok(Err(())) => 1,
            Err(trap) => match trap.downcast_ref::<I32Exit>() {
                Some(exit) => exit.0,
                None => panic!("{trap:?}\n{}", String::from_utf8_lossy(&error.contents())),
            },
        };
        let text = |pipe: MemoryOutputPipe| String::from_utf8(pipe.contents().to_vec()).unwrap();
        let (value, mut logs) = (text(output), text(error));
        let failure = take_failure(&mut logs);
        Ran { exit, value, logs, failure }
    }
}

/// Takes the failure out of the logs: in the last line, from the first marker on whose rest is JSON.
fn take_failure(logs: &mut String) -> Option<serde_json::Value> {
    let line = logs.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
    let at = line + logs[line..].find("hks-failure: {")?;
    let failure = serde_json::from_str(&logs[at + "hks-failure: ".len()..]).ok()?;
    logs.truncate(at);
    Some(failure)
}
