//! What every test needs: a workshop with the tools of this machine, and the guest.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hks_engine::{ArtifactStore, EngineConfig};
use hks_protocol::{Attempt, Json, Limits, Report};
use hks_runtime::{PackageFile, Packages, Prepared, Runtime, RuntimeConfig};
use serde_json::Value;

use crate::child::{Cancel, Isolation};
use crate::language::python::{build, compile_tree, mistake};
use crate::language::{Interpreted, Product};
use crate::source::{SourceLimits, SourceTree};
use crate::testing::{cache, network, toolchains};
use crate::workshop::Rules;
use crate::{Error, Workshop, manifest};

/// What a build came to, and its log.
pub(super) struct Built {
    pub(super) function: Interpreted,
    pub(super) log: String,
}

/// Builds from files, in a folder of its own.
pub(super) fn built(files: &[(&str, &str)], manifest: &str) -> Result<Built, String> {
    built_from(&tree(files), &format!("name: test\n{manifest}"))
}

pub(super) fn built_from(source: &SourceTree, manifest: &str) -> Result<Built, String> {
    let (product, log) = in_workshop(source, manifest);
    match product.map_err(|error| error.to_string())? {
        Product::Interpreted(function) => Ok(Built { function, log }),
        Product::Wasm { .. } => panic!("Python is interpreted"),
    }
}

#[track_caller]
pub(super) fn refused(files: &[(&str, &str)], manifest: &str) -> String {
    let (product, log) = in_workshop(&tree(files), &format!("name: test\n{manifest}"));
    match product {
        Err(Error::Refused(reason)) => reason,
        other => panic!("not refused: {other:?}\n{log}"),
    }
}

pub(super) fn tree(files: &[(&str, &str)]) -> SourceTree {
    let files = files.iter().map(|(path, text)| (*path, text.as_bytes().to_vec()));
    SourceTree::from_files(files, &SourceLimits::default()).unwrap()
}

fn in_workshop(source: &SourceTree, manifest: &str) -> (Result<Product, Error>, String) {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules { isolation: Isolation::BestEffort, network: network(), ..Rules::default() };
    let toolchains = toolchains();
    let manifest = manifest::parse(manifest::FILE_NAME, manifest.as_bytes()).unwrap();
    let (cancel, mut lines) = (Cancel::new(), Vec::new());
    let mut log = |line: crate::LogLine| lines.push(format!("{}: {}", line.step, line.text));
    let folder = folder.path().to_path_buf();
    let time = Duration::from_secs(300);
    let product = build(source, &manifest, &mut Workshop::new(folder, &toolchains, &rules, time, &cancel, &mut log));
    if matches!(product, Err(Error::MissingTool { .. })) {
        panic!("there is no uv: run `cargo xtask toolchains python`");
    }
    (product, lines.join("\n"))
}

/// Whether modules are handed to the guest as source or compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Source,
    Compiled,
}

/// Runs a function with the event `null`, its modules compiled.
#[track_caller]
pub(super) fn run(function: &Interpreted) -> Report {
    run_as(Form::Compiled, function)
}

#[track_caller]
pub(super) fn value(function: &Interpreted) -> Value {
    value_of(&run(function))
}

#[track_caller]
pub(super) fn value_of(report: &Report) -> Value {
    assert!(report.error.is_none(), "{:?}", report.error);
    serde_json::from_str(report.value.as_str()).unwrap()
}

pub(super) fn run_as(form: Form, function: &Interpreted) -> Report {
    run_on(form, function, "null")
}

pub(super) fn run_on(form: Form, function: &Interpreted, event: &str) -> Report {
    let guest = guest();
    let prepared = guest.prepared.with_packages(Arc::new(guest.packages(form, function)));
    guest.run(&prepared, &function.text, event)
}

/// Calls a function whose top level ran once, in an instance that starts from what it left.
pub(super) fn run_behind_snapshot(function: &Interpreted) -> Report {
    let guest = guest();
    let prepared = guest.prepared.with_packages(Arc::new(guest.packages(Form::Compiled, function)));
    let attempt = |code: Option<&String>| Attempt::new(code.cloned(), Json::null());
    guest.here.block_on(async {
        let (report, session) = guest.runtime.load(&prepared, attempt(Some(&function.text)), ()).await.unwrap();
        let mut session = session.unwrap_or_else(|| panic!("{:?}", report.error));
        let ready = session.fork().await.unwrap();
        guest.runtime.run(&ready, attempt(None), ()).await.unwrap()
    })
}

pub(super) struct Guest {
    runtime: Runtime,
    prepared: Prepared,
    here: tokio::runtime::Runtime,
}

/// The one that `cargo xtask guests python` made.
pub(super) fn guest() -> &'static Guest {
    static GUEST: OnceLock<Guest> = OnceLock::new();
    GUEST.get_or_init(|| {
        let wasm = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-python/python/hks_sdk/_guests/python.wasm");
        let wasm = std::fs::read(&wasm).unwrap_or_else(|_| panic!("run `cargo xtask guests python` first"));
        let scratch = tempfile::tempdir().unwrap().keep();
        let runtime = Runtime::new(&EngineConfig::default(), RuntimeConfig::new(scratch)).unwrap();
        let store = ArtifactStore::open(&cache().join("artifacts")).unwrap();
        let prepared = runtime.prepare(&store.load_or_compile(runtime.engine(), &wasm).unwrap()).unwrap();
        let here = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        Guest { runtime, prepared, here }
    })
}

impl Guest {
    fn run(&self, prepared: &Prepared, text: &str, event: &str) -> Report {
        let attempt = Attempt::new(Some(text.to_owned()), Json::parse("event", event.to_owned()).unwrap());
        self.here.block_on(self.runtime.run(prepared, attempt, ())).unwrap()
    }

    pub(super) fn run_alone(&self, text: &str) -> Report {
        self.run(&self.prepared, text, "null")
    }

    fn packages(&self, form: Form, function: &Interpreted) -> Packages {
        let roots = [(Packages::CODE, &function.code), (Packages::INSTALLED, &function.packages)];
        let mut files = Vec::new();
        for (root, tree) in roots {
            let Some(tree) = tree else { continue };
            let mut compiled = match form {
                Form::Source => Default::default(),
                Form::Compiled => compile_tree(tree, |text| Ok::<_, ()>(self.compile(text))).unwrap().modules,
            };
            files.extend(tree.iter().map(|(path, content)| PackageFile {
                path: format!("{root}/{}", path.as_str()),
                content: content.clone(),
                compiled: compiled.remove(path).map(Into::into),
            }));
        }
        Packages::from_files(files).unwrap()
    }

    fn compile(&self, text: &str) -> Result<Vec<u8>, Box<Report>> {
        self.here
            .block_on(self.runtime.compile(&self.prepared, text.to_owned(), Limits::default()))
            .unwrap()
            .map_err(Box::new)
    }

    /// Mistakes in own modules, as a build tells them.
    pub(super) fn mistakes(&self, tree: &SourceTree) -> Vec<String> {
        let refused = compile_tree(tree, |text| Ok::<_, ()>(self.compile(text))).unwrap().refused;
        refused.iter().map(|(path, report)| mistake(path.as_str(), report.error.as_ref().unwrap())).collect()
    }
}
