//! AssemblyScript is not built here: its users deploy a `.wasm`. The test does as docs/components.md tells them, with the real compiler,
//! and runs what comes out.

use hks_protocol::Limits;
use hks_protocol::Manifest;
use hks_protocol::manifest::Grants;

use super::Product;
use super::compiled::{OUTPUT, SOURCE, lay_out, take_output};
use super::testing::Trial;
use crate::child::{Network, Tool};
use crate::source::SourceTree;
use crate::wasm::{self, Offer};
use crate::{Error, Workshop};

const SHIM: &str = "node_modules/@assemblyscript/wasi-shim/asconfig.json";

const FILES: [(&str, &str); 4] = [
    (".npmrc", include_str!(".npmrc")),
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
    ("main.ts", include_str!("main.ts")),
];

/// `npm ci` and `asc`, with its shim of WASI.
fn for_wasi(source: &SourceTree, _manifest: &Manifest, workshop: &mut Workshop<'_>) -> Result<Product, Error> {
    compile(source, workshop, &["--config", SHIM])
}

/// The same without the shim.
fn plain(source: &SourceTree, _manifest: &Manifest, workshop: &mut Workshop<'_>) -> Result<Product, Error> {
    compile(source, workshop, &[])
}

fn compile(source: &SourceTree, workshop: &mut Workshop<'_>, options: &[&str]) -> Result<Product, Error> {
    lay_out(source, workshop)?;
    let (node, npm) = (workshop.toolchains().require("node")?, workshop.toolchains().require("npm")?);
    let folder = workshop.folder().to_path_buf();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", node.program.parent().unwrap().display());
    let in_source =
        |tool: Tool| node.readable.iter().fold(tool, Tool::readable).starts_in(SOURCE).environment("PATH", &path);
    let install = in_source(npm.tool(&folder)).arguments(["ci"]);
    workshop.run("install", &install, Network::Allowed)?;
    let asc =
        in_source(node.tool(&folder)).arguments(["node_modules/assemblyscript/bin/asc.js", "main.ts", "-O", "-o"]);
    workshop.run("compile", &asc.arguments([&format!("../{OUTPUT}")]).arguments(options), Network::Denied)?;
    Ok(Product::Wasm { wasm: take_output(workshop)?, lock: None })
}

#[test]
fn a_program_for_wasi_is_a_function() {
    let ran = Trial::new(for_wasi).answer(&FILES, "21");
    assert_eq!((ran.exit, ran.value.as_str(), ran.logs.lines().count()), (0, "{\"result\":42.0}", 24), "{ran:?}");
}

#[test]
fn a_program_for_javascript_is_told_what_to_do() {
    let mut files = FILES;
    files[3].1 = "export function half(n: i32): i32 {\n  assert(n % 2 == 0);\n  return n / 2;\n}\n";
    let wasm = Trial::new(plain).wasm(&files);
    let refusal = wasm::accept(wasm, &Offer::functions().with_commands(), &Grants::default(), &Limits::default());
    let message = refusal.unwrap_err().to_string();
    assert!(message.contains("it imports env.abort") && message.contains(SHIM), "{message}");
}
