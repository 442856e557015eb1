//! JavaScript and TypeScript: from files to the one text that the QuickJS-ng guest runs.
//!
//! The guest takes an ES module or CommonJS and has no modules besides. What one file can say alone goes to it as it stands:
//! JavaScript untouched, TypeScript with blanks where its types were ([`strip`]), so that lines and columns stay. No process is
//! started for that. Files that import others, and packages, are [bundled](bundle) by esbuild, in a limited child without
//! network; packages are fetched first ([`packages`]), the only step that has one.
//!
//! esbuild, because it is one native program that bundles in some 10 ms, does TypeScript, `tsconfig.json` and the mixing of
//! CommonJS with ES modules as everybody expects, has one maintainer's care since 2020, and no configuration that runs code. The
//! bundlers made of Rust crates would share our process with hostile input, need minutes to compile, and change their
//! interfaces every few weeks.
//!
//! Whether a text is JavaScript at all is for the guest to say, which compiles it at the end of the build. A traceback names
//! the files that somebody wrote by the [`LineTable`](hks_protocol::LineTable) that is made here.

mod bundle;
mod complaint;
mod entry;
mod exported;
mod lock;
mod native;
mod npm;
mod packages;
mod quote;
mod source_map;
mod strip;
mod words;

#[cfg(test)]
mod tests;

use hks_protocol::{Attempt, LineTable, Manifest};

use super::{Interpreted, Language, Product};
use crate::source::SourceTree;
use crate::{Error, Workshop};
use entry::Entry;
use strip::Stripped;

/// The longest text that an attempt takes.
const TEXT_BYTES_MAX: usize = Attempt::CODE_BYTES_MAX;

/// Makes the text of a function.
///
/// # Errors
/// [`Error::Refused`] for all that is wrong with the source, with file, line and column where there are any.
pub(crate) fn build(source: &SourceTree, manifest: &Manifest, workshop: &mut Workshop<'_>) -> Result<Product, Error> {
    let entry = Entry::find(source, manifest)?;
    let packages = packages::wanted(source, manifest)?;
    let alone = if packages.is_some() { None } else { alone(source, &entry, workshop)? };
    let (text, lines, lock) = match alone {
        Some((text, lines)) => (text, lines, None),
        None => bundle::build(source, &entry, packages, workshop)?,
    };
    if text.len() > TEXT_BYTES_MAX {
        let (size, most) = (text.len() >> 10, TEXT_BYTES_MAX >> 10);
        let reason =
            format!("the function's code has {size} KiB with all that it imports; at most {most} KiB can be run");
        return Err(Error::Refused(reason + ": import less, or smaller packages"));
    }
    Ok(Product::Interpreted(Interpreted {
        language: Language::Javascript,
        file: entry.file,
        text,
        code: None,
        packages: None,
        lock,
        lines: Some(lines),
    }))
}

/// The text of an entry that needs no other file, if it is one.
fn alone(
    source: &SourceTree,
    entry: &Entry,
    workshop: &mut Workshop<'_>,
) -> Result<Option<(String, LineTable)>, Error> {
    let Some(kind) = entry.kind.alone() else { return Ok(None) };
    let text = entry.text(source)?;
    let own = || LineTable::of_file(&entry.file).map_err(Error::host("name the function's file"));
    let (text, lines) = match kind {
        entry::Alone::Javascript => (text.to_owned(), own()?),
        entry::Alone::Typescript => match strip::strip(&entry.file, text)? {
            Stripped::InPlace(text) => (text, own()?),
            Stripped::Rewritten { text, lines } => {
                workshop.note(format_args!("{}: has more than types; it was translated", entry.file));
                (text, lines)
            }
            Stripped::Unsuitable => return Ok(None),
        },
    };
    if words::may_import(&text) && entry.has_company(source) {
        return Ok(None);
    }
    Ok(exported::with_handler(text, entry)?.map(|text| (text, lines)))
}
