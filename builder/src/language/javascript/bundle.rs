//! Several files, or packages, made one text by esbuild.
//!
//! The text is an ES module, whatever its files are. Packages are taken as they are written for web workers, because that is
//! what the guest is like: no modules of Node, no window, but web APIs. What cannot be resolved is refused here with the
//! line that imports it, unless that is prepared for it (within `try`, or `import()` with a `catch`): then it fails when it
//! is reached.
//!
//! All paths in the text and in its map are relative to the function's folder, so that it does not matter where it was built.

use std::fs;
use std::io::Read;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use hks_protocol::LineTable;

use super::entry::Entry;
use super::packages::Wanted;
use super::{complaint, npm, source_map};
use crate::child::Network;
use crate::source::{RelativePath, SourceTree};
use crate::{Error, Workshop};

/// What is read, so that a message can say how large the text is that cannot be run.
const BUNDLE_BYTES_MAX: usize = 64 << 20;
/// Where the function's files are, in the folder of the build. The tools work in it.
const FUNCTION: &str = "function";
/// Ours in there; no function has files of that name.
pub(super) const OURS: &str = ".hks";

const OPTIONS: [&str; 18] = [
    "--bundle",
    "--format=esm",
    // what QuickJS-ng and the web have
    "--target=es2023",
    "--platform=browser",
    "--conditions=worker,module",
    // packages have a build for development besides, which is larger and slower
    "--define:process.env.NODE_ENV=\"production\"",
    // names of functions and classes are in tracebacks and in the names of errors
    "--keep-names",
    "--tree-shaking=true",
    "--charset=utf8",
    "--legal-comments=none",
    "--loader:.txt=text",
    "--loader:.md=text",
    "--loader:.sql=text",
    "--sourcemap=external",
    "--sources-content=false",
    "--color=false",
    "--log-level=warning",
    "--log-limit=5",
];

/// The text, where its lines came from, and the lock of its packages if there are any.
pub(super) fn build(
    source: &SourceTree,
    entry: &Entry,
    packages: Option<Wanted>,
    workshop: &mut Workshop<'_>,
) -> Result<(String, LineTable, Option<String>), Error> {
    let esbuild = workshop.toolchains().require("esbuild")?;
    let folder = workshop.folder().join(FUNCTION);
    fs::create_dir(&folder).map_err(Error::host("make a folder for the function"))?;
    let opened = open(&folder)?;
    let installs = packages.is_some();
    source.filtered(|path| is_taken(path, installs)).write_to(&opened)?;
    opened.create_dir(OURS).map_err(Error::host("make a folder for the bundle"))?;
    let lock = match packages {
        Some(wanted) => Some(npm::install(&wanted, source, &folder, &opened, workshop)?),
        None => None,
    };
    let begin = begin(entry, &opened)?;
    let out = format!("--outfile={OURS}/function.js");
    let tool = esbuild.tool(&folder).arguments([begin]).arguments(OPTIONS).arguments([out]);
    workshop.run("bundle", &tool, Network::Denied).map_err(complaint::translate)?;
    let text = read(&opened, "function.js", BUNDLE_BYTES_MAX)?;
    let text = String::from_utf8(text).map_err(Error::host("read the bundle"))?;
    let map = read(&opened, "function.js.map", source_map::BYTES_MAX)?;
    let lines =
        source_map::read(&map).map_err(|reason| Error::Refused(format!("the bundle is too large: {reason}")))?;
    Ok((text, lines, lock))
}

/// All but what is ours; and `.npmrc`, because registries and certificates are the operator's; and what is installed anew.
fn is_taken(path: &RelativePath, installs: bool) -> bool {
    let first = path.components().next();
    let is_installed = installs && (first == Some("node_modules") || path.as_str() == "package-lock.json");
    first != Some(OURS) && path.file_name() != ".npmrc" && !is_installed
}

/// What esbuild begins with: the function's own file, or one of ours that gives its function the right name.
fn begin(entry: &Entry, opened: &Dir) -> Result<String, Error> {
    let Some(function) = &entry.function else { return Ok(format!("./{}", entry.file)) };
    let from = serde_json::Value::from(format!("../{}", entry.file));
    let text = format!("export {{ {function} as handler }} from {from};\n");
    let file = format!("{OURS}/entry.js");
    opened.write(&file, text).map_err(Error::host("write the entry of the bundle"))?;
    Ok(file)
}

pub(super) fn open(folder: &Path) -> Result<Dir, Error> {
    Dir::open_ambient_dir(folder, ambient_authority()).map_err(Error::host("open the function's folder"))
}

fn read(opened: &Dir, name: &str, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let file = opened.open(format!("{OURS}/{name}")).map_err(Error::host("open the bundle"))?;
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(Error::host("read the bundle"))?;
    if bytes.len() > bytes_max {
        let reason = format!("the bundle has more than {} MiB; import less of large packages", bytes_max >> 20);
        return Err(Error::Refused(reason));
    }
    Ok(bytes)
}
