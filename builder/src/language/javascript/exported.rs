//! A handler of another name, where the manifest gives one: `handler: src/app.js:onEvent`.

use super::entry::Entry;
use super::words;
use crate::Error;

/// The text with a last line that exports the function as `handler`, so that no line moves. `None` where one line does not
/// do: the text has a `handler` besides, or the name is exported without being a variable. The bundler sees to those.
pub(super) fn with_handler(text: String, entry: &Entry) -> Result<Option<String>, Error> {
    let Some(name) = entry.function.as_deref() else { return Ok(Some(text)) };
    if name != "default" && !words::mentions(&text, name) {
        let file = &entry.file;
        return Err(Error::Refused(format!("{file}: defines no {name}, which handler in function.yaml names")));
    }
    if name == "default" || words::mentions(&text, "handler") {
        return Ok(None);
    }
    if words::looks_like_module(&text) {
        let declared = words::declares(&text, name);
        return Ok(declared.then(|| format!("{text}\nexport {{ {name} as handler }};\n")));
    }
    let last =
        format!("module.exports = {{ handler: typeof {name} === 'undefined' ? module.exports.{name} : {name} }};");
    Ok(Some(format!("{text}\n;{last}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::javascript::entry::Kind;

    fn ended(text: &str, function: Option<&str>) -> Result<Option<String>, Error> {
        let function = function.map(str::to_owned);
        with_handler(text.to_owned(), &Entry { file: "src/app.js".into(), kind: Kind::Javascript, function })
    }

    fn last_line(text: &str, function: &str) -> String {
        let whole = ended(text, Some(function)).unwrap().unwrap();
        whole.strip_prefix(text).unwrap().trim().to_owned()
    }

    #[test]
    fn a_handler_of_its_own_name_changes_nothing() {
        assert_eq!(ended("x", None).unwrap().unwrap(), "x");
    }

    #[test]
    fn another_name_is_exported_behind_the_last_line() {
        assert_eq!(last_line("export function onEvent() {} // end", "onEvent"), "export { onEvent as handler };");
        assert!(
            last_line("exports.onEvent = () => 1", "onEvent")
                .starts_with(";module.exports = { handler: typeof onEvent")
        );
    }

    #[test]
    fn what_one_line_cannot_say_is_left_to_the_bundler() {
        assert_eq!(ended("export function handler() {}\nexport function b() {}", Some("b")).unwrap(), None);
        assert_eq!(ended("const a = 1;\nexport { a as b };", Some("b")).unwrap(), None);
        assert_eq!(ended("export default () => 1", Some("default")).unwrap(), None);
    }

    #[test]
    fn a_name_that_is_nowhere_is_refused() {
        let error = ended("export function a() {}", Some("b")).unwrap_err().to_string();
        assert_eq!(error, "src/app.js: defines no b, which handler in function.yaml names");
    }
}
