//! Why packages cannot be had, by name.
//!
//! A resolver that finds nothing explains how it searched. What a user wants to know is which package it is, who needs it, and
//! what to do; so the same is resolved again as if native code could run, and the two are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::fallback::has_fallback;
use super::pylock::Pylock;
use super::uv::Uv;
use super::wanted::Wanted;
use crate::error::ToolFailure;
use crate::{Error, Workshop};

const INSTEAD: &str = "deploy the function with `runtime: container`, or do without it";
/// Packages that a message names.
const NAMED_MAX: usize = 5;

/// What to say instead of what uv said.
pub(super) fn unresolved(failure: ToolFailure, wanted: &Wanted, uv: &Uv, workshop: &mut Workshop<'_>) -> Error {
    if !is_without_solution(&failure) {
        return Error::Tool(failure);
    }
    let failure = match uv.resolve_native(workshop) {
        Ok(native) => match native_needs(&native, uv, workshop) {
            Ok(needs) if !needs.is_empty() => return Error::Refused(describe(&needs, wanted)),
            Ok(_) => failure,
            Err(error) => return error,
        },
        Err(Error::Tool(native)) if is_without_solution(&native) => native,
        Err(Error::Tool(_)) => failure,
        Err(error) => return error,
    };
    let only_source = names_behind(&failure, "Wheels are required for `");
    if !only_source.is_empty() && failure.tail.iter().any(|line| line.contains("no usable wheels")) {
        return Error::Refused(format!(
            "{}: {} comes as source only, and building it would run its code: only wheels are installed; {INSTEAD}",
            wanted.origin,
            listed(&only_source)
        ));
    }
    let said: Vec<&str> = failure.tail.iter().map(String::as_str).filter(|line| !line.starts_with("hint:")).collect();
    Error::Refused(format!("{}: the packages cannot be resolved\n{}", wanted.origin, said.join("\n").trim_end()))
}

/// Refuses packages that only have native code. A uv of today finds none of them; older ones did not look at that.
pub(super) fn check_pure(found: &Pylock, wanted: &Wanted, uv: &Uv, workshop: &mut Workshop<'_>) -> Result<(), Error> {
    let needs = native_needs(found, uv, workshop)?;
    if needs.is_empty() { Ok(()) } else { Err(Error::Refused(describe(&needs, wanted))) }
}

/// Says which packages that were asked for are not the newest, because newer ones have native code. One that may be quite
/// another for it is refused: nobody who writes `pydantic` means the one of years ago.
pub(super) fn check_not_older(
    found: &Pylock,
    wanted: &Wanted,
    uv: &Uv,
    workshop: &mut Workshop<'_>,
) -> Result<(), Error> {
    let open: BTreeSet<&str> =
        wanted.requirements.iter().filter(|wanted| !wanted.is_pinned()).map(|wanted| wanted.name.as_str()).collect();
    if open.is_empty() || found.packages().is_empty() {
        return Ok(());
    }
    let native = match uv.resolve_native(workshop) {
        Ok(native) => native,
        // What fits only the guest is no mistake.
        Err(Error::Tool(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let older = |name: &str| {
        let (found, native) = (found.package(name)?.version(), native.package(name)?.version());
        (found != native).then(|| (name.to_owned(), native.to_owned(), found.to_owned()))
    };
    let older: Vec<_> = open.into_iter().filter_map(older).collect();
    if older.is_empty() {
        return Ok(());
    }
    let needs = native_needs(&native, uv, workshop)?;
    for (name, newest, older) in older {
        let Some(need) = needs.iter().find(|need| need.name == name || need.asked_by.contains(&name)) else { continue };
        let what = if need.name == name {
            "has native code".into()
        } else {
            format!("needs {}, which has native code", need.name)
        };
        if series(&newest) == series(&older) {
            workshop.note(format_args!("{name} is {older}: {newest} {what}"));
            continue;
        }
        return Err(Error::Refused(format!(
            "{}: {name} {newest} {what}, which the sandbox cannot run. {name} {older} has none: write `{name}=={older}` if that \
             will do, or deploy the function with `runtime: container`",
            wanted.origin
        )));
    }
    Ok(())
}

/// The part of a version that changes when programs have to: `2` of 2.14.4, `0.18` of 0.18.17.
fn series(version: &str) -> Vec<&str> {
    let release = version.rsplit('!').next().unwrap_or_default();
    let mut parts = release.split('.');
    let first = parts.next().unwrap_or_default();
    std::iter::once(first).chain(parts.next().filter(|_| first == "0")).collect()
}

/// A package with native code, and which of those that were asked for need it.
struct Need {
    name: String,
    version: String,
    asked_by: Vec<String>,
}

fn native_needs(native: &Pylock, uv: &Uv, workshop: &mut Workshop<'_>) -> Result<Vec<Need>, Error> {
    let is_native = |name: &str, has_pure: bool| !has_pure && !has_fallback(name);
    let natives: Vec<_> =
        native.packages().iter().filter(|package| is_native(&package.name(), package.pure_wheel().is_some())).collect();
    if natives.is_empty() {
        return Ok(Vec::new());
    }
    let needed_by = needed_by(&uv.explain_native(workshop)?);
    let need =
        |name: String, version: &str| Need { asked_by: askers(&name, &needed_by), name, version: version.into() };
    Ok(natives.into_iter().map(|package| need(package.name(), package.version())).collect())
}

fn describe(needs: &[Need], wanted: &Wanted) -> String {
    let sentence = |Need { name, version, asked_by }: &Need| match asked_by.iter().any(|asker| asker == name) {
        false if !asked_by.is_empty() => {
            let verb = if asked_by.len() == 1 { "needs" } else { "need" };
            format!("{} {verb} {name} {version}, which has native code", listed(asked_by))
        }
        _ => format!("{name} {version} has native code"),
    };
    let mut sentences: Vec<String> = needs.iter().take(NAMED_MAX).map(sentence).collect();
    if needs.len() > NAMED_MAX {
        sentences.push(format!("and {} more do", needs.len() - NAMED_MAX));
    }
    format!("{}: {}, which the sandbox cannot run; {INSTEAD}", wanted.origin, sentences.join("; "))
        .replace("which has native code, which the sandbox", "which has native code that the sandbox")
}

/// Of lines such as `six==1.17.0  # via dateutil, -r requirements.in`: the packages that need each.
fn needed_by(explained: &str) -> BTreeMap<String, Vec<String>> {
    let line = |line: &str| {
        let (package, via) = line.split_once("# via ")?;
        let name = package.split("==").next()?.trim().to_owned();
        Some((name, via.split(", ").map(|needs| needs.trim().to_owned()).collect()))
    };
    explained.lines().filter_map(line).collect()
}

/// Packages that were asked for and, through others, need this one. It may be one of them itself.
fn askers(name: &str, needed_by: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let (mut seen, mut pending, mut found) = (BTreeSet::new(), vec![name], BTreeSet::new());
    while let Some(current) = pending.pop() {
        if !seen.insert(current) {
            continue;
        }
        for by in needed_by.get(current).into_iter().flatten() {
            if by.starts_with("-r ") {
                found.insert(current.to_owned());
            } else {
                pending.push(by);
            }
        }
    }
    found.into_iter().collect()
}

/// Whether uv looked everywhere and found nothing, and did not fail on the way.
fn is_without_solution(failure: &ToolFailure) -> bool {
    failure
        .tail
        .iter()
        .any(|line| line.contains("No solution found") || line.contains("requirements are unsatisfiable"))
}

fn names_behind(failure: &ToolFailure, words: &str) -> Vec<String> {
    let name = |line: &String| Some(line.split_once(words)?.1.split('`').next()?.to_owned());
    let names: BTreeSet<String> = failure.tail.iter().filter_map(name).collect();
    names.into_iter().collect()
}

fn listed(names: &[String]) -> String {
    match names.len() {
        0..=NAMED_MAX => names.join(", "),
        more => format!("{} and {} more", names[..NAMED_MAX].join(", "), more - NAMED_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPLAINED: &str = "annotated-types==0.8.0    # via pydantic\n\
        pydantic==2.14.4          # via -r requirements.in, settings\n\
        pydantic-core==2.50.5     # via pydantic\n\
        settings==1               # via -r requirements.in\n\
        numpy==2                  # via -r requirements.in\n";

    #[test]
    fn a_series_is_what_programs_are_written_for() {
        assert_eq!(series("2.14.4"), ["2"]);
        assert_eq!(series("1!2.0"), ["2"]);
        assert_eq!(series("0.18.17"), ["0", "18"]);
        assert_ne!(series("2.0"), series("1.10.27"));
    }

    #[test]
    fn those_that_ask_are_found_through_others() {
        let needed_by = needed_by(EXPLAINED);
        assert_eq!(askers("pydantic-core", &needed_by), ["pydantic", "settings"]);
        assert_eq!(askers("numpy", &needed_by), ["numpy"]);
        assert!(askers("unknown", &needed_by).is_empty());
    }

    #[test]
    fn native_packages_are_named_with_who_needs_them() {
        let needed_by = needed_by(EXPLAINED);
        let need = |name: &str| Need { name: name.into(), version: "2".into(), asked_by: askers(name, &needed_by) };
        let said = describe(&[need("pydantic-core"), need("numpy")], &Wanted::of_texts(&["numpy"]));
        assert_eq!(
            said,
            "requirements.txt: pydantic, settings need pydantic-core 2, which has native code; numpy 2 has native code, which the \
             sandbox cannot run; deploy the function with `runtime: container`, or do without it"
        );
        let said = describe(&[need("pydantic-core")], &Wanted::of_texts(&["numpy"]));
        assert!(said.contains("which has native code that the sandbox cannot run"), "{said}");
    }
}
