use proptest::prelude::*;

use super::*;

fn mapping(generated: (u32, u32), file: u32, original: (u32, u32)) -> Mapping {
    Mapping { generated_line: generated.0, generated_column: generated.1, file, line: original.0, column: original.1 }
}

fn bundle() -> LineTable {
    let mappings = [
        mapping((1, 0), 1, (0, 0)),
        mapping((1, 8), 1, (0, 15)),
        mapping((4, 2), 0, (11, 4)),
        mapping((4, 20), 0, (12, 1)),
        mapping((9, 0), 1, (7, 0)),
    ];
    let files = ["src/app.ts", "node_modules/left-pad/index.js"].map(String::from).to_vec();
    LineTable::of_bundle(files, &mappings).unwrap()
}

#[test]
fn a_traceback_of_a_bundle_names_the_files_that_somebody_wrote() {
    let traceback = "\
function.js:5
  throw new Error('x')
        ^

Error: x
    at pad (function.js:2:10)
    at <anonymous> (function.js:5:9)
    at handler (function.js:5:30)
";
    assert_eq!(
        bundle().restore(traceback),
        "\
src/app.ts:12
  throw new Error('x')
        ^

Error: x
    at pad (node_modules/left-pad/index.js:1:16)
    at <anonymous> (src/app.ts:12:5)
    at handler (src/app.ts:13:2)
"
    );
}

#[test]
fn what_came_from_no_file_stays_as_it_is() {
    for text in [
        "at __require (function.js:1:4)",
        "at f (function.js:4294967296:1)",
        "at f (function.js:7:1)",
        "function.js",
        "function.js:",
        "function.js:x",
        "at f (src/function.js:5:3)",
        "at f (my-function.js:5:3)",
        "",
    ] {
        assert_eq!(bundle().restore(text), text);
    }
}

#[test]
fn a_place_before_the_first_of_its_line_is_of_that_one() {
    assert_eq!(bundle().restore("(function.js:5:1)"), "(src/app.ts:12:5)");
    assert_eq!(bundle().restore("function.js:5\n"), "src/app.ts:12\n");
}

#[test]
fn one_file_keeps_its_lines_under_its_own_name() {
    let table = LineTable::of_file("src/app.ts").unwrap();
    assert_eq!(
        table.restore("function.js:3\nx\n^\n\nError\n    at f (function.js:3:7)"),
        "src/app.ts:3\nx\n^\n\nError\n    at f (src/app.ts:3:7)"
    );
}

#[test]
fn a_table_is_stored_with_its_version_and_checked_when_it_is_read() {
    let text = serde_json::to_string(&bundle()).unwrap();
    assert_eq!(serde_json::from_str::<LineTable>(&text).unwrap(), bundle());
    let refused = |text: &str| serde_json::from_str::<LineTable>(text).unwrap_err().to_string();
    assert!(refused(&text.replace(r#""version":1"#, r#""version":2"#)).contains("version 2, not 1"));
    assert!(refused(r#"{"version":1,"files":[],"mappings":""}"#).contains("0 files"));
    assert!(refused(r#"{"version":1,"files":["a","b"]}"#).contains("several files and no mappings"));
    assert!(refused(r#"{"version":1,"files":["a"],"mappings":"ACAA"}"#).contains("a mapping to file 1 of 1"));
    assert!(refused(r#"{"version":1,"files":["a"],"mappings":"A!AA"}"#).contains("no digit of base 64"));
    assert!(refused(r#"{"version":1,"files":["a\nb"]}"#).contains("is not the name of a file"));
}

#[test]
fn mappings_are_those_of_source_maps() {
    let read = |text| Mappings::new(text).collect::<Result<Vec<_>, _>>();
    // the second has a name, the third goes to no file, the last goes back by two columns
    let found = read("AAAA,SAASA;A;;EACTF").unwrap();
    assert_eq!(found, [mapping((0, 0), 0, (0, 0)), mapping((0, 9), 0, (0, 9)), mapping((3, 2), 0, (1, 0))]);
}

#[test]
fn mappings_that_are_none_are_errors() {
    let error = |text| Mappings::new(text).find_map(Result::err);
    assert_eq!(error("D"), Some("a mapping that leaves the numbers from 0 to 2^32"));
    assert_eq!(error("AAAAAA"), Some("a mapping of more than five numbers"));
    assert_eq!(error("AA"), Some("a mapping that ends within a number"));
    assert_eq!(error("gggggggggggA"), Some("a mapping with a number of more than 32 bits"));
    assert_eq!(error("AAAA;;A,,AAAA"), None);
}

#[test]
fn the_longest_traceback_with_the_longest_name_stays_bounded() {
    let table = LineTable::of_file(&"n".repeat(LineTable::NAME_BYTES_MAX)).unwrap();
    let traceback = "function.js:1:1 ".repeat(4096);
    let restored = table.restore(&traceback);
    assert!(restored.len() <= traceback.len() + LineTable::GROWTH_BYTES_MAX + 2 * LineTable::NAME_BYTES_MAX);
}

fn ordered() -> impl Strategy<Value = Vec<Mapping>> {
    let one = (0..40_u32, 0..300_u32, 0..3_u32, any::<u32>(), any::<u32>());
    prop::collection::vec(one, 0..60).prop_map(|mut all| {
        all.sort_unstable();
        all.into_iter().map(|(line, column, file, l, c)| mapping((line, column), file, (l, c))).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(mappings in ordered()) {
        let text = vlq::write(&mappings);
        prop_assert_eq!(Mappings::new(&text).collect::<Result<Vec<_>, _>>().unwrap(), mappings);
    }

    #[test]
    fn any_text_is_restored_without_a_panic(
        mappings in ordered(),
        pieces in prop::collection::vec(prop_oneof![
            Just("function.js:".to_owned()),
            "(function\\.js:[0-9]{1,3}(:[0-9]{1,3})?\\)?)",
            "\\PC{0,12}",
        ], 0..40),
    ) {
        let files = ["a.js", "b/ö.ts", "c"].map(String::from).to_vec();
        let table = LineTable::of_bundle(files, &mappings).unwrap();
        let text = pieces.concat();
        let restored = table.restore(&text);
        prop_assert!(restored.len() <= text.len() + 64 * pieces.len());
        if mappings.is_empty() {
            prop_assert_eq!(restored, text);
        }
    }

    /// The plain way to look a place up.
    #[test]
    fn places_are_found_as_by_a_plain_search(mappings in ordered(), line in 1..42_u32, column in 1..320_u32) {
        let files = ["a.js", "b.ts", "c"].map(String::from).to_vec();
        let table = LineTable::of_bundle(files.clone(), &mappings).unwrap();
        let of_line = mappings.iter().filter(|m| m.generated_line + 1 == line);
        let expected = of_line.clone().rfind(|m| m.generated_column < column).or(of_line.clone().next());
        let restored = table.restore(&format!("function.js:{line}:{column}"));
        match expected {
            None => prop_assert_eq!(restored, format!("function.js:{line}:{column}")),
            Some(m) => {
                let (line, column) = (m.line.saturating_add(1), m.column.saturating_add(1));
                prop_assert_eq!(restored, format!("{}:{line}:{column}", files[m.file as usize]));
            }
        }
    }

    #[test]
    fn any_mappings_are_read_without_a_panic(text in "[A-Za-z0-9+/,;! ]{0,200}") {
        for mapping in Mappings::new(&text) {
            if mapping.is_err() {
                break;
            }
        }
        let _ = LineTable::new(vec!["a".into()], Some(text));
    }
}
