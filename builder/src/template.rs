//! Functions to start from: each language with an HTTP trigger, a schedule, and an event. They are built and run by the tests
//! exactly as they stand.

use hks_protocol::FunctionName;
use hks_protocol::manifest::Runtime;
use rust_embed::Embed;

use crate::Error;
use crate::source::{SourceLimits, SourceTree};

#[derive(Embed)]
#[folder = "templates/"]
struct Files;

/// What starts a function of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateKind {
    /// A request.
    Http,
    /// A schedule.
    Scheduled,
    /// An event that a caller hands over.
    Event,
}

impl TemplateKind {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Http, Self::Scheduled, Self::Event];

    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Scheduled => "scheduled",
            Self::Event => "event",
        }
    }
}

/// A function to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Template {
    /// What it is written in.
    pub runtime: Runtime,
    /// What starts it.
    pub kind: TemplateKind,
}

/// What there are templates in.
const RUNTIMES: [Runtime; 6] =
    [Runtime::Python, Runtime::Javascript, Runtime::Typescript, Runtime::Rust, Runtime::Go, Runtime::C];

impl Template {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        RUNTIMES.into_iter().flat_map(|runtime| TemplateKind::ALL.map(|kind| Self { runtime, kind }))
    }

    /// Its files, for a function of that name.
    ///
    /// # Errors
    /// There is no template in that language.
    pub fn files(self, name: &FunctionName) -> Result<SourceTree, Error> {
        let folder = format!("{}/{}/", self.runtime, self.kind.name());
        let paths = Files::iter().filter(|path| path.starts_with(&folder));
        let files = paths.filter_map(|path| {
            let content = Files::get(&path)?.data;
            let path = path.strip_prefix(&folder)?.to_owned();
            let content = if path == crate::manifest::FILE_NAME { named(&content, name) } else { content.into_owned() };
            Some((path, content))
        });
        let files: Vec<_> = files.collect();
        if files.is_empty() {
            let known: Vec<String> = RUNTIMES.iter().map(ToString::to_string).collect();
            let reason = format!("there is no template in {}; there are some in {}", self.runtime, known.join(", "));
            return Err(Error::Refused(reason));
        }
        Ok(SourceTree::from_files(files, &SourceLimits::default())?)
    }
}

/// A manifest with another name.
fn named(manifest: &[u8], name: &FunctionName) -> Vec<u8> {
    let text = String::from_utf8_lossy(manifest);
    let lines = text.lines().map(|line| match line.starts_with("name:") {
        true => format!("name: {name}\n"),
        false => format!("{line}\n"),
    });
    lines.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_a_manifest_that_says_what_it_is() {
        let name: FunctionName = "order-report".to_owned().try_into().unwrap();
        for template in Template::all() {
            let files = template.files(&name).unwrap_or_else(|error| panic!("{template:?}: {error}"));
            let text = files.get("function.yaml").unwrap_or_else(|| panic!("{template:?} has no function.yaml"));
            let manifest = crate::manifest::parse("function.yaml", text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(manifest.name(), &name);
            assert_eq!(manifest.runtime(), Some(template.runtime), "{template:?}");
            assert_eq!(manifest.trigger().is_some(), template.kind == TemplateKind::Http, "{template:?}");
            assert_eq!(!manifest.schedules().is_empty(), template.kind == TemplateKind::Scheduled, "{template:?}");
            assert!(files.get("README.md").is_some(), "{template:?} has no README.md");
        }
    }

    #[test]
    fn other_languages_are_told() {
        let template = Template { runtime: Runtime::Wasm, kind: TemplateKind::Http };
        let error = template.files(&"x".to_owned().try_into().unwrap()).unwrap_err().to_string();
        assert!(error.contains("no template in wasm") && error.contains("python"), "{error}");
    }
}
