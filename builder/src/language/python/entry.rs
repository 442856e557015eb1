//! Where a function begins, and what of its files it needs.
//!
//! A file that stands alone is executed as it is, so that tracebacks show the user's lines. Several files become a folder
//! `/code` of modules; what is executed is then a [`stub`] that imports the entry as a real module, so that it can import its
//! neighbours, and tracebacks name its file.

use hks_protocol::Manifest;
use hks_protocol::manifest::Handler;

use super::lock;
use super::text::decoded;
use super::wanted::REQUIREMENTS;
use super::{project, standard};
use crate::source::{SourceLimits, SourceTree};
use crate::{Error, manifest};

/// Names that a function's file has without being asked, in the order in which they are looked for.
const USUAL: [&str; 5] = ["function.py", "main.py", "app.py", "handler.py", "__init__.py"];
/// Where projects keep their code (`src` layout).
const SRC: &str = "src";
const FUNCTION: &str = "handler";
/// What the top of the function is called as a package, if it is one.
const TOP: &str = "function";
/// Files at the top that are about the project: nothing that runs reads them.
const ABOUT: [&str; 8] = [
    manifest::FILE_NAME,
    REQUIREMENTS,
    project::FILE_NAME,
    lock::FILE_NAME,
    "uv.lock",
    "poetry.lock",
    "README.md",
    "LICENSE",
];

/// What an interpreter executes, and what it can import.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) text: String,
    pub(super) code: Option<SourceTree>,
    /// The entry, for messages.
    pub(super) file: String,
    /// Own modules that no import finds, because the library has one of the same name.
    pub(super) hidden: Vec<String>,
}

impl Program {
    /// # Errors
    /// [`Error::Refused`]: no entry, or one that cannot be read or imported.
    pub(super) fn read(source: &SourceTree, manifest: &Manifest) -> Result<Self, Error> {
        let file = entry(source, manifest.handler())?;
        let function = manifest.handler().and_then(Handler::function).unwrap_or(FUNCTION);
        if function.contains('$') {
            return Err(Error::Refused(format!("{}: handler: Python has no name {function:?}", manifest::FILE_NAME)));
        }
        let content = source.get(&file).expect("the entry is a file of the tree");
        let text = decoded(&file, content)?;
        let own: Vec<_> = source.iter().filter(|(path, _)| !is_about(path.as_str())).collect();
        if own.iter().all(|(path, _)| path.as_str() == file) {
            return Ok(Self { text: alone(text, function), code: None, file, hidden: Vec::new() });
        }
        for (path, content) in own.iter().filter(|(path, _)| path.as_str().ends_with(".py")) {
            decoded(path.as_str(), content)?;
        }
        let place = Place::of(source, &file)?;
        let shown = |path: &str| if place.below_top { format!("{TOP}/{path}") } else { path.to_owned() };
        let files = own.iter().map(|(path, content)| (shown(path.as_str()), (*content).clone()));
        // It was within the limits; a folder more does not matter.
        let limits = SourceLimits { expanded_bytes_max: u64::MAX, file_bytes_max: u64::MAX, ..SourceLimits::default() };
        let code = SourceTree::from_files(files, &limits)?;
        let hidden = hidden(&code, &place);
        Ok(Self { text: stub(&place, function), code: Some(code), file, hidden })
    }
}

/// The file that the manifest names, or that is called as such files are.
fn entry(source: &SourceTree, handler: Option<&Handler>) -> Result<String, Error> {
    if let Some(handler) = handler {
        let file = handler.file();
        if source.get(file).is_none() {
            return Err(Error::Refused(format!("{}: handler: there is no file {file}", manifest::FILE_NAME)));
        }
        if !file.ends_with(".py") {
            return Err(Error::Refused(format!("{}: handler: {file} is no Python file (*.py)", manifest::FILE_NAME)));
        }
        return Ok(file.to_owned());
    }
    let usual = USUAL.iter().map(|name| (*name).to_owned()).chain(USUAL.iter().map(|name| format!("{SRC}/{name}")));
    if let Some(found) = usual.into_iter().find(|file| source.get(file).is_some()) {
        return Ok(found);
    }
    let mut files = source.iter().map(|(path, _)| path.as_str()).filter(|path| path.ends_with(".py"));
    match (files.next(), files.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        _ => Err(Error::Refused(format!(
            "no file to begin with: looked for {} at the top and in {SRC}/; name it in {}, as in `handler: app.py`",
            USUAL.join(", "),
            manifest::FILE_NAME
        ))),
    }
}

fn is_about(path: &str) -> bool {
    ABOUT.contains(&path) || path.starts_with('.')
}

/// The file itself; a function of another name gets its own behind the last line, so that all lines stay where they are.
fn alone(text: &str, function: &str) -> String {
    if function == FUNCTION {
        return text.to_owned();
    }
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{text}{end}{FUNCTION} = {function}  # as {} says\n", manifest::FILE_NAME)
}

/// How the entry is imported.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// As in `app` or `shop.app`.
    module: String,
    /// Where modules are looked for, in order.
    roots: Vec<String>,
    /// Whether all files are in a folder of their own, because the top is a package.
    below_top: bool,
}

impl Place {
    fn of(source: &SourceTree, file: &str) -> Result<Self, Error> {
        let is_package = |folder: &str| {
            source
                .get(&if folder.is_empty() { "__init__.py".into() } else { format!("{folder}/__init__.py") })
                .is_some()
        };
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let mut root = folder;
        while !root.is_empty() && is_package(root) {
            root = root.rsplit_once('/').map_or("", |(above, _)| above);
        }
        let below_top = root.is_empty() && is_package("");
        let inside = if root.is_empty() { file } else { &file[root.len() + 1..] };
        let stem = inside.strip_suffix(".py").expect("the entry is a Python file");
        let stem = if name == "__init__.py" {
            stem.strip_suffix("__init__").unwrap_or(stem).trim_end_matches('/')
        } else {
            stem
        };
        let module = stem.replace('/', ".");
        let module = match (below_top, module.is_empty()) {
            (true, true) => TOP.to_owned(),
            (true, false) => format!("{TOP}.{module}"),
            (false, _) => module,
        };
        check_module(file, stem, &module)?;
        let shown = |folder: &str| match (below_top, folder.is_empty()) {
            (true, true) => format!("/code/{TOP}"),
            (true, false) => format!("/code/{TOP}/{folder}"),
            (false, true) => "/code".to_owned(),
            (false, false) => format!("/code/{folder}"),
        };
        let mut roots = vec![if below_top { "/code".to_owned() } else { shown(root) }];
        // Neighbours import each other by their bare names too, as with `python app.py`; and so do projects with `src`.
        let has_src = source.iter().any(|(path, _)| path.as_str().starts_with("src/")) && !is_package(SRC);
        let more = [Some(shown("")), has_src.then(|| shown(SRC)), Some(shown(folder))];
        for root in more.into_iter().flatten() {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        Ok(Self { module, roots, below_top })
    }
}

/// The library comes before a function's own modules, whatever they are called; and a point ends a module's name.
fn check_module(file: &str, stem: &str, module: &str) -> Result<(), Error> {
    let top = module.split('.').next().unwrap_or_default();
    if standard::has(top) {
        return Err(Error::Refused(format!("{file}: {top} is a module of Python's own library; give it another name")));
    }
    if stem.contains('.') {
        return Err(Error::Refused(format!("{file}: a name with a point in it cannot be imported; rename it")));
    }
    Ok(())
}

/// Modules and packages right below a root that the library hides.
fn hidden(code: &SourceTree, place: &Place) -> Vec<String> {
    let below = |path: &str| {
        let shown = format!("/code/{path}");
        let insides = place.roots.iter().filter_map(|root| shown.strip_prefix(root.as_str())?.strip_prefix('/'));
        let mut names =
            insides.filter_map(|inside| inside.strip_suffix("/__init__.py").or_else(|| inside.strip_suffix(".py")));
        names.any(standard::has).then(|| path.to_owned())
    };
    code.iter().filter_map(|(path, _)| below(path.as_str())).collect()
}

/// What is executed in place of the entry. `__import__` leaves no frames of its own in tracebacks.
fn stub(place: &Place, function: &str) -> String {
    let roots: Vec<String> = place.roots.iter().map(|root| literal(root)).collect();
    let Place { module, .. } = place;
    let (name, roots) = (literal(module), roots.join(", "));
    format!(
        "import sys\n\
         sys.path[:0] = [{roots}]\n\
         entry = __import__({name}, fromlist=[\"__name__\"])\n\
         if not hasattr(entry, \"{function}\"):\n    \
             raise AttributeError(f\"{{entry.__file__}} defines no {function}; the function begins there\")\n\
         handler = entry.{function}\n"
    )
}

/// A text as Python writes it. JSON's way is a part of Python's, but for characters beyond 16 bits, which are left as they are.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&'static str]) -> SourceTree {
        SourceTree::from_files(files.iter().map(|file| (*file, "")), &SourceLimits::default()).unwrap()
    }

    fn found(files: &[&'static str]) -> Result<String, String> {
        entry(&tree(files), None).map_err(|error| error.to_string())
    }

    fn place(files: &[&'static str]) -> (String, String, bool) {
        let Place { module, roots, below_top } = Place::of(&tree(files), files[0]).unwrap();
        (module, roots.join(" "), below_top)
    }

    #[test]
    fn the_entry_is_called_as_such_files_are() {
        assert_eq!(found(&["main.py", "function.py", "src/app.py"]).unwrap(), "function.py");
        assert_eq!(found(&["util.py", "src/app.py"]).unwrap(), "src/app.py");
        assert_eq!(found(&["deep/only.py", "data.json"]).unwrap(), "deep/only.py");
        let refused = found(&["a.py", "b.py"]).unwrap_err();
        assert!(
            refused.contains("function.py, main.py, app.py, handler.py, __init__.py at the top and in src/"),
            "{refused}"
        );
    }

    #[test]
    fn the_root_lies_above_packages() {
        let row = |module: &str, roots: &str, below: bool| (module.to_owned(), roots.to_owned(), below);
        assert_eq!(place(&["app.py", "util.py"]), row("app", "/code", false));
        assert_eq!(place(&["src/app.py", "src/util.py"]), row("app", "/code/src /code", false));
        assert_eq!(place(&["app.py", "src/shop/__init__.py"]), row("app", "/code /code/src", false));
        assert_eq!(place(&["shop/app.py", "shop/__init__.py"]), row("shop.app", "/code /code/shop", false));
        assert_eq!(
            place(&["src/shop/web/__init__.py", "src/shop/__init__.py"]),
            row("shop.web", "/code/src /code /code/src/shop/web", false)
        );
        assert_eq!(place(&["__init__.py", "util.py"]), row("function", "/code /code/function", true));
        assert_eq!(place(&["app.py", "__init__.py"]), row("function.app", "/code /code/function", true));
    }

    #[test]
    fn names_that_cannot_be_imported_are_refused() {
        for (file, reason) in [("json.py", "Python's own library"), ("my.app.py", "a point")] {
            let refused = Place::of(&tree(&[file, "util.py"]), file).unwrap_err().to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn modules_that_the_library_hides_are_told() {
        let tree = tree(&["app.py", "calendar.py", "lib/json.py", "types/__init__.py", "src/queue.py", "resource.py"]);
        let place = Place::of(&tree, "app.py").unwrap();
        assert_eq!(hidden(&tree, &place), ["calendar.py", "src/queue.py", "types/__init__.py"]);
    }

    #[test]
    fn lines_stay_where_they_are() {
        assert_eq!(alone("x = 1", FUNCTION), "x = 1");
        assert_eq!(alone("def f(e):\n  pass", "f"), "def f(e):\n  pass\nhandler = f  # as function.yaml says\n");
    }

    #[test]
    fn the_stub_names_what_it_imports() {
        let place = Place { module: "shop.a'b\"".into(), roots: vec!["/code".into()], below_top: false };
        let text = stub(&place, "on_event");
        assert!(text.contains(r#"__import__("shop.a'b\"", fromlist"#), "{text}");
        assert!(text.ends_with("\nhandler = entry.on_event\n"), "{text}");
    }
}
