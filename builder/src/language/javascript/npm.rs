//! Installs packages with npm, without running anything of theirs.

use std::fs;
use std::io::Read;
use std::path::Path;

use cap_std::fs::Dir;
use serde_json::Value;

use super::bundle::OURS;
use super::packages::Wanted;
use super::{lock, native};
use crate::child::{Network, Tool};
use crate::error::ToolFailure;
use crate::source::SourceTree;
use crate::{Error, Workshop};

/// A thousand packages have about 400 KiB.
const LOCK_BYTES_MAX: usize = 8 << 20;

const OPTIONS: [&str; 13] = [
    "--ignore-scripts",
    "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--no-progress",
    "--no-bin-links",
    "--package-lock=true",
    "--lockfile-version=3",
    // a lock that is the same whichever registry was asked
    "--omit-lockfile-registry-resolved",
    "--workspaces=false",
    "--loglevel=error",
    "--logs-max=0",
];

/// Fills `node_modules`, and returns the lock: versions and hashes of all that is in it.
pub(super) fn install(
    wanted: &Wanted,
    source: &SourceTree,
    folder: &Path,
    opened: &Dir,
    workshop: &mut Workshop<'_>,
) -> Result<String, Error> {
    for other in ["yarn.lock", "pnpm-lock.yaml", "bun.lock"] {
        if wanted.lock.is_none() && source.get(other).is_some() {
            workshop
                .note(format_args!("{other} is not read: the newest versions that package.json permits are installed"));
        }
    }
    let write =
        |file: &str, text: &Value| opened.write(file, text.to_string()).map_err(Error::host("write package.json"));
    write("package.json", &wanted.package)?;
    if let Some(lock) = &wanted.lock {
        write("package-lock.json", lock)?;
    }
    let tool = npm(if wanted.lock.is_some() { "ci" } else { "install" }, folder, workshop)?;
    workshop.run("install packages", &tool, Network::Allowed).map_err(translate)?;
    // the bundler reads the sender's own, in which the order of keys counts
    match source.get("package.json") {
        Some(own) => opened.write("package.json", own),
        None => opened.remove_file("package.json"),
    }
    .map_err(Error::host("write package.json"))?;

    let text = read_lock(opened)?;
    let lock: Value = serde_json::from_str(&text).map_err(Error::host("read package-lock.json"))?;
    lock::check(&lock)?;
    remove_native(folder, &lock, workshop)?;
    Ok(text)
}

fn npm(command: &str, folder: &Path, workshop: &Workshop<'_>) -> Result<Tool, Error> {
    let node = workshop.toolchains().require("node")?;
    let npm = workshop.toolchains().require("npm")?;
    let cache = format!("--cache={}", folder.join(OURS).join("npm").display());
    // npm is a program of Node's, which it looks for on the PATH
    let path = node.program.parent().map_or("/usr/bin".into(), |bin| bin.to_string_lossy().into_owned());
    let tool = node.readable.iter().fold(npm.tool(folder), Tool::readable);
    let tool = tool.environment("PATH", format!("{path}:/usr/local/bin:/usr/bin:/bin"));
    Ok(tool.arguments([command]).arguments(OPTIONS).arguments([cache]))
}

fn read_lock(opened: &Dir) -> Result<String, Error> {
    let file = opened.open("package-lock.json").map_err(Error::host("open package-lock.json"))?;
    let mut text = String::new();
    file.take(LOCK_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(Error::host("read package-lock.json"))?;
    if text.len() > LOCK_BYTES_MAX {
        return Err(Error::Refused("the function has too many packages: their lock has more than 8 MiB".into()));
    }
    Ok(text)
}

/// Native code that a package can do without goes; all other is refused.
fn remove_native(folder: &Path, lock: &Value, workshop: &mut Workshop<'_>) -> Result<(), Error> {
    for path in native::find(&folder.join("node_modules")).map_err(Error::host("look at the packages"))? {
        let path = format!("node_modules/{path}");
        let name = path.rsplit_once("node_modules/").map_or(path.as_str(), |(_, name)| name);
        if !lock::is_optional(lock, &path) {
            return Err(Error::Refused(native::refusal(name)));
        }
        workshop.note(format_args!("left out {name}, which is optional and has native code"));
        fs::remove_dir_all(folder.join(&path)).map_err(Error::host("remove a package"))?;
    }
    Ok(())
}

/// What npm says about packages that cannot be had, without where it asked.
fn translate(error: Error) -> Error {
    let Error::Tool(failure) = error else { return error };
    match complaint(&failure) {
        Some(reason) => Error::Refused(format!("packages cannot be installed: {reason}")),
        None => Error::Tool(failure),
    }
}

fn complaint(failure: &ToolFailure) -> Option<String> {
    let said = |line: &String| line.strip_prefix("npm error ").or(line.strip_prefix("npm ERR! ")).map(str::to_owned);
    let lines: Vec<String> = failure.tail.iter().filter_map(said).collect();
    let code = lines.iter().find_map(|line| line.strip_prefix("code "))?;
    let find = |text: &str| lines.iter().find(|line| line.contains(text));
    match code {
        "E404" => {
            let line = find("is not in this registry").or_else(|| find("could not be found"))?;
            Some(format!(
                "{}; check the names of packages",
                line.trim_start_matches("404").trim().trim_end_matches('.')
            ))
        }
        "ETARGET" => find("No matching version").map(|line| line.trim_start_matches("notarget").trim().to_owned()),
        "EINTEGRITY" => Some("what the registry has is not what package-lock.json names; write the lock anew".into()),
        "EUSAGE" => Some("package.json and package-lock.json do not fit; run npm install, and send both".into()),
        "ERESOLVE" => {
            let rest = lines.iter().filter(|line| line.starts_with("Could not resolve") || line.starts_with("peer "));
            Some(format!("the packages contradict each other: {}", rest.cloned().collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let tail = text.lines().map(str::to_owned).collect();
        let failure = ToolFailure { step: "install packages", tool: "npm".into(), reason: "failed".into(), tail };
        translate(Error::Tool(failure)).to_string()
    }

    #[test]
    fn what_cannot_be_had_is_named_without_where_it_was_asked_for() {
        let text = "npm error code E404\nnpm error 404 Not Found - GET https://registry.example/nope - Not found\nnpm error 404\n\
            npm error 404  'nope@*' is not in this registry.\n";
        assert_eq!(
            said(text),
            "packages cannot be installed: 'nope@*' is not in this registry; check the names of packages"
        );
        let text = "npm error code ETARGET\nnpm error notarget No matching version found for zod@99.\n";
        assert_eq!(said(text), "packages cannot be installed: No matching version found for zod@99.");
        assert!(said("npm error code EUSAGE\nnpm error `npm ci` can only").contains("do not fit"));
        assert!(said("npm error code ECONNREFUSED").starts_with("install packages: npm failed"));
    }
}
