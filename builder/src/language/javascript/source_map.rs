//! From the source map that a tool wrote to a table of lines. What it names are files that somebody sent.

use hks_protocol::LineTable;
use hks_protocol::lines::{Mapping, Mappings};
use serde::Deserialize;

/// More is no map of a text that is run.
pub(super) const BYTES_MAX: usize = 64 << 20;

/// What counts of a source map (ECMA-426, revision 3).
#[derive(Debug, Deserialize)]
struct SourceMap {
    version: u32,
    sources: Vec<Option<String>>,
    mappings: String,
}

/// The table, with names as they are below the function's folder.
pub(super) fn read(map: &[u8]) -> Result<LineTable, String> {
    if map.len() > BYTES_MAX {
        return Err(format!("the source map has more than {BYTES_MAX} bytes"));
    }
    let map: SourceMap = serde_json::from_slice(map).map_err(|error| format!("the source map: {error}"))?;
    if map.version != 3 {
        return Err(format!("the source map has version {}, not 3", map.version));
    }
    let mut files: Vec<String> = map.sources.iter().map(|name| clean(name.as_deref().unwrap_or_default())).collect();
    if files.is_empty() {
        // a program of which nothing was left
        files.push(clean(""));
    }
    let mappings = Mappings::new(&map.mappings).collect::<Result<Vec<Mapping>, _>>()?;
    LineTable::of_bundle(files, &without_repetitions(mappings)).map_err(|error| error.to_string())
}

/// Without mappings that say the same as the one before.
fn without_repetitions(mut mappings: Vec<Mapping>) -> Vec<Mapping> {
    mappings.dedup_by(|next, last| {
        let same_line = next.generated_line == last.generated_line && (next.file, next.line) == (last.file, last.line);
        same_line && next.column == last.column
    });
    mappings
}

/// Without what leads out of the folder, and with nothing that could not be shown. Packages may bring maps of their own, which name
/// whatever they like.
fn clean(name: &str) -> String {
    let parts = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."));
    let shown: String = parts.collect::<Vec<_>>().join("/").chars().filter(|c| !c.is_control()).collect();
    let mut end = shown.len().min(LineTable::NAME_BYTES_MAX);
    while !shown.is_char_boundary(end) {
        end -= 1;
    }
    if end == 0 { "(unknown)".into() } else { shown[..end].to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_below_the_functions_folder() {
        let map =
            br#"{"version":3,"sources":["../src/a.ts","../node_modules/p/i.js","/etc/x\u001b[2J",null],"names":["f"],
            "mappings":"AAAA;ACAAA,EAAE;AAEE","sourcesContent":["secret"]}"#;
        let table = read(map).unwrap();
        assert_eq!(table.files().collect::<Vec<_>>(), ["src/a.ts", "node_modules/p/i.js", "etc/x[2J", "(unknown)"]);
        assert_eq!(table.restore("function.js:2:3"), "node_modules/p/i.js:1:3");
    }

    #[test]
    fn what_is_no_map_is_an_error() {
        for (map, reason) in [
            ("{}", "missing field"),
            (r#"{"version":2,"sources":["a"],"mappings":""}"#, "version 2, not 3"),
            (r#"{"version":3,"sources":["a"],"mappings":"?"}"#, "no digit of base 64"),
            (r#"{"version":3,"sources":["a"],"mappings":"ACAA"}"#, "file 1 of 1"),
        ] {
            let error = read(map.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_map_is_read_without_a_panic(
            sources in prop::collection::vec(any::<String>(), 0..5),
            mappings in "[A-Za-z0-9+/,;]{0,80}",
        ) {
            let map = serde_json::json!({ "version": 3, "sources": sources, "mappings": mappings }).to_string();
            let _ = read(map.as_bytes());
        }
    }
}
