//! What esbuild complains about, in the words of those who write functions.

use crate::Error;
use crate::error::ToolFailure;

/// Modules of Node 24. Names with `node:` in front are all of them Node's.
const BUILT_IN: [&str; 42] = [
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// A mistake of the function's where esbuild found one; the failure as it is otherwise.
pub(super) fn translate(error: Error) -> Error {
    let Error::Tool(failure) = error else { return error };
    let complaints = complaints(&failure);
    if complaints.is_empty() { Error::Tool(failure) } else { Error::Refused(complaints.join("\n")) }
}

/// Each with its place, and the line as esbuild shows it.
fn complaints(failure: &ToolFailure) -> Vec<String> {
    let mut complaints: Vec<Complaint<'_>> = Vec::new();
    for line in &failure.tail {
        if let Some(message) = line.strip_prefix("✘ [ERROR] ") {
            complaints.push(Complaint { message, place: None, shown: Vec::new() });
        } else if let Some(complaint) = complaints.last_mut() {
            complaint.add(line);
        }
    }
    complaints.iter().map(Complaint::to_text).collect()
}

struct Complaint<'a> {
    message: &'a str,
    place: Option<(&'a str, u32, u32)>,
    shown: Vec<&'a str>,
}

impl<'a> Complaint<'a> {
    fn add(&mut self, line: &'a str) {
        let content = line.trim_start();
        if self.place.is_none() {
            self.place = content.strip_suffix(':').and_then(place);
        } else if let Some((_, source)) = line.split_once('│').or_else(|| line.split_once('╵')) {
            // notes further down show other lines
            if self.shown.len() < 2 {
                self.shown.push(source);
            }
        }
    }

    fn to_text(&self) -> String {
        let reason = reason(self.message);
        let head = match self.place {
            // esbuild counts columns from 0
            Some((file, line, column)) => format!("{file}:{line}:{}: {reason}", column.saturating_add(1)),
            None => reason,
        };
        self.shown.iter().fold(head, |text, line| format!("{text}\n   {line}"))
    }
}

/// `src/a.ts:1:15`.
fn place(text: &str) -> Option<(&str, u32, u32)> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}

fn reason(message: &str) -> String {
    let Some(name) = message.strip_prefix("Could not resolve ").map(|name| name.trim_matches('"')) else {
        if message.starts_with("No loader is configured for \".node\"") {
            return "a native addon cannot run in the sandbox; use another package, or runtime: container".into();
        }
        return message.to_owned();
    };
    if is_built_in(name) {
        return format!(
            "cannot import {name:?}: Node's modules do not exist in the sandbox; use the web API that does the same \
             (docs/javascript.md), another package, or runtime: container"
        );
    }
    if name.starts_with(['.', '/']) {
        return format!("cannot import {name:?}: there is no such file among the function's files");
    }
    format!(
        "cannot import {name:?}: the package is not installed; name it under packages in function.yaml, or under \
         dependencies in package.json"
    )
}

fn is_built_in(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or(name);
    name.starts_with("node:") || BUILT_IN.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let tail = text.lines().map(str::to_owned).collect();
        let failure = ToolFailure { step: "bundle", tool: "esbuild".into(), reason: "failed".into(), tail };
        translate(Error::Tool(failure)).to_string()
    }

    #[test]
    fn an_import_of_nodes_is_refused_with_its_line() {
        let text = r#"
✘ [ERROR] Could not resolve "fs"

    src/app.js:1:15:
      1 │ import fs from "fs"
        ╵                ~~~~

  The package "fs" wasn't found on the file system but is built into node. Are you trying to bundle
  for node? You can use "--platform=node" to do that, which will remove this error.

1 error
"#;
        let said = said(text);
        assert!(said.starts_with("src/app.js:1:16: cannot import \"fs\": Node's modules do not exist"), "{said}");
        assert!(said.ends_with("\n    import fs from \"fs\"\n                   ~~~~"), "{said}");
        assert!(!said.contains("platform"), "{said}");
    }

    #[test]
    fn what_is_missing_is_told_apart() {
        let said = |name: &str| said(&format!("✘ [ERROR] Could not resolve \"{name}\"\n"));
        assert!(said("./util").contains("there is no such file"));
        assert!(said("zod").contains("the package is not installed"));
        assert!(said("@scope/fs").contains("the package is not installed"));
        assert!(said("fs/promises").contains("Node's modules"));
        assert!(said("node:sqlite").contains("Node's modules"));
    }

    #[test]
    fn every_complaint_counts_and_what_is_none_stays() {
        let text = "✘ [ERROR] Expected \";\"\n\n    a.ts:2:4:\n\n✘ [ERROR] Unexpected \"}\"\n    b.ts:3:0:\n";
        assert_eq!(said(text), "a.ts:2:5: Expected \";\"\nb.ts:3:1: Unexpected \"}\"");
        assert_eq!(said("killed"), "bundle: esbuild failed\nkilled");
    }
}
