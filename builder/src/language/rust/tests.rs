//! Real builds: cargo, the compiler and crates.io, in limited children.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use hks_protocol::Limits;
use hks_protocol::manifest::{Grants, ManifestSpec};

use super::*;
use crate::child::{Cancel, Isolation};
use crate::source::SourceLimits;
use crate::toolchain::Toolchains;
use crate::wasm::{self, Offer, World};
use crate::workshop::Rules;
use crate::{LogLine, NetworkAccess};

const HELLO: &str = include_str!("../../../../sdk-rust/guest/examples/hello.rs");

/// What builds of this process share; the kit is made by the first.
fn managed() -> &'static Path {
    static MANAGED: OnceLock<tempfile::TempDir> = OnceLock::new();
    MANAGED.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// What the clients of this machine need in order to reach crates.io.
fn network() -> NetworkAccess {
    let given = |name: &&str| std::env::var(name).is_ok();
    let names = ["CARGO_HTTP_CAINFO", "CARGO_HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"];
    let environment: Vec<_> =
        names.iter().filter(given).map(|name| ((*name).to_owned(), std::env::var(name).unwrap())).collect();
    let mut readable: Vec<_> = environment.iter().map(|(_, value)| value.into()).collect();
    if let Some(home) = std::env::var_os("CARGO_HOME").or_else(|| std::env::var_os("HOME")) {
        readable.extend([Path::new(&home).join("config.toml"), Path::new(&home).join(".cargo/config.toml")]);
    }
    readable.retain(|path: &std::path::PathBuf| path.is_file());
    NetworkAccess { environment, readable }
}

struct Built {
    product: Result<Product, Error>,
    log: String,
}

impl Built {
    #[track_caller]
    fn wasm(self) -> (Vec<u8>, String) {
        match self.product {
            Ok(Product::Wasm { wasm, lock }) => (wasm, lock.unwrap()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => panic!("{error}\n{}", self.log),
        }
    }

    #[track_caller]
    fn refusal(self) -> String {
        self.product.map(|_| ()).unwrap_err().to_string()
    }
}

fn build_with(managed: Option<&Path>, files: &[(&str, &str)], manifest: &str) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let toolchains = Toolchains::new(managed.map(Path::to_path_buf), path);
    let rules = Rules { isolation: Isolation::BestEffort, network: network(), ..Rules::default() };
    let (cancel, mut log) = (Cancel::new(), String::new());
    let mut keep = |line: LogLine| log.push_str(&format!("{}: {}\n", line.step, line.text));
    let mut workshop = Workshop::new(
        folder.path().canonicalize().unwrap(),
        &toolchains,
        &rules,
        Duration::from_secs(600),
        &cancel,
        &mut keep,
    );
    let files = files.iter().map(|(path, text)| (*path, text.as_bytes().to_vec()));
    let source = SourceTree::from_files(files, &SourceLimits::default()).unwrap();
    let spec: ManifestSpec = serde_json::from_str(manifest).unwrap();
    let product = build(&source, &spec.try_into().unwrap(), &mut workshop);
    Built { product, log }
}

fn build_files(files: &[(&str, &str)]) -> Built {
    build_with(Some(managed()), files, MANIFEST)
}

const MANIFEST: &str = r#"{"name": "hello", "runtime": "rust"}"#;

#[track_caller]
fn world(wasm: Vec<u8>) -> World {
    let offer = Offer::functions().with_http().with_commands();
    let (_, shape) = wasm::accept(wasm, &offer, &Grants::default(), &Limits::default()).unwrap();
    shape.world
}
