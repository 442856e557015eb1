//! `pyproject.toml`: the packages that a project says it needs.

use serde::Deserialize;

use super::requirement::Requirement;
use super::requirements::COUNT_MAX;
use crate::Error;

/// What the file is called.
pub(super) const FILE_NAME: &str = "pyproject.toml";
/// Settings of all of a project's tools together take some ten KiB.
const BYTES_MAX: usize = 1 << 20;

/// The keys that we look at, of many.
#[derive(Deserialize)]
struct File {
    project: Option<Project>,
    tool: Option<Tools>,
}

#[derive(Deserialize)]
struct Project {
    dependencies: Option<Vec<String>>,
    #[serde(default)]
    dynamic: Vec<String>,
}

#[derive(Deserialize)]
struct Tools {
    poetry: Option<Poetry>,
}

#[derive(Deserialize)]
struct Poetry {
    dependencies: Option<toml::Table>,
}

/// The packages of `[project] dependencies`; none if there is no such list.
///
/// # Errors
/// [`Error::Refused`]: not TOML, a requirement that is none of ours, or a list that only another tool can read.
pub(super) fn dependencies(content: &[u8]) -> Result<Vec<Requirement>, Error> {
    let refused = |reason: &str| Error::Refused(format!("{FILE_NAME}: {reason}"));
    if content.len() > BYTES_MAX {
        return Err(refused("has more than 1 MiB"));
    }
    let text = str::from_utf8(content).map_err(|_| refused("is not UTF-8"))?;
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        Error::Refused(format!("{FILE_NAME}:{line}: {}", error.message()))
    })?;
    let listed = file.project.as_ref().and_then(|project| project.dependencies.as_deref());
    let is_dynamic =
        file.project.as_ref().is_some_and(|project| project.dynamic.iter().any(|key| key == "dependencies"));
    if is_dynamic {
        return Err(refused(
            "its dependencies are dynamic, which only its build system can tell; list them in [project] or in requirements.txt",
        ));
    }
    // Poetry's table always has `python` itself.
    let for_poetry = file.tool.and_then(|tool| tool.poetry?.dependencies).is_some_and(|table| table.len() > 1);
    if listed.is_none() && for_poetry {
        return Err(refused(
            "its dependencies are listed for Poetry only; list them under [project] dependencies, or in requirements.txt",
        ));
    }
    let listed = listed.unwrap_or_default();
    if listed.len() > COUNT_MAX {
        return Err(Error::Refused(format!("{FILE_NAME}: more than {COUNT_MAX} dependencies")));
    }
    listed
        .iter()
        .map(|text| {
            Requirement::parse(text)
                .map_err(|reason| Error::Refused(format!("{FILE_NAME}: dependency {text:?} {reason}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let found = dependencies(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|requirement| requirement.text).collect())
    }

    #[test]
    fn dependencies_are_those_of_the_project() {
        let text =
            "[project]\nname = 'x'\ndependencies = ['jinja2>=3', 'six; python_version < \"3\"']\n[tool.x]\ny = 1\n";
        assert_eq!(read(text).unwrap(), ["jinja2>=3", "six; python_version < \"3\""]);
        for text in ["", "[project]\nname = 'x'", "[tool.poetry.dependencies]\npython = '^3.11'"] {
            assert_eq!(read(text).unwrap(), [""; 0]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        for (text, reason) in [
            ("[project\n", "pyproject.toml:1: "),
            ("\n[project]\ndependencies = 'jinja2'", "pyproject.toml:3: "),
            ("[project]\ndynamic = ['dependencies']", "dynamic"),
            ("[tool.poetry.dependencies]\npython = '^3.11'\nsix = '*'", "Poetry"),
            (
                "[project]\ndependencies = ['x @ https://a.example']",
                "dependency \"x @ https://a.example\" comes from an address",
            ),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
