//! Where lines of a bundle came from, so that a traceback names the files that somebody wrote.
//!
//! An interpreter runs one text, `function.js`. That text may be one file, without its types, or be made of a hundred.
//! A [`LineTable`] is made when a function is built, stored with it, and asked only after a failure: it keeps the mappings as
//! they are written in a source map (ECMA-426), four to five bytes each, and reads them from the start when it has to.
//!
//! Bundlers make tables of foreign files, and the text to restore comes out of a sandbox. Both are bounded, and nothing
//! in them is more than a wrong line in a message.

use serde::{Deserialize, Serialize};

mod vlq;

pub use vlq::{Mapping, Mappings};

/// What the JavaScript guest calls the text that it runs.
const FUNCTION: &str = "function.js";

/// Where the lines of a function's text came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct LineTable {
    files: Vec<String>,
    /// `None`: all lines are those of the only file.
    mappings: Option<String>,
}

/// What a table must not exceed, and why one was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line table: {0}")]
pub struct InvalidLineTable(String);

/// The form in which a table is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    files: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mappings: Option<String>,
}

/// A position in the text that ran, as tracebacks have it: both from 1, the column if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    line: u32,
    column: Option<u32>,
}

impl LineTable {
    /// Version of the stored form.
    const VERSION: u32 = 1;
    /// Files of a bundle; large ones have some thousand.
    pub const FILES_MAX: usize = 20_000;
    /// A file's name: a path below the function's folder, and a folder of packages before it.
    pub const NAME_BYTES_MAX: usize = 1024;
    /// All names together.
    pub const NAMES_BYTES_MAX: usize = 2 << 20;
    /// Mappings as text: five megabytes of bundled source have about as much.
    pub const MAPPINGS_BYTES_MAX: usize = 8 << 20;
    /// What restoring may add to a traceback, of which a guest makes 64 KiB: a hundred frames with long names.
    const GROWTH_BYTES_MAX: usize = 64 << 10;
    /// Places that are looked up in one text; more are left as they are.
    const PLACES_MAX: usize = 512;

    /// A text that is one file, line by line.
    ///
    /// # Errors
    /// A name that is too long or none.
    pub fn of_file(name: &str) -> Result<Self, InvalidLineTable> {
        Self::new(vec![name.to_owned()], None)
    }

    /// A text that was made of `files`.
    ///
    /// # Errors
    /// Too much of anything, or a mapping to a file that is not there.
    pub fn of_bundle(files: Vec<String>, mappings: &[Mapping]) -> Result<Self, InvalidLineTable> {
        Self::new(files, Some(vlq::write(mappings)))
    }

    fn new(files: Vec<String>, mappings: Option<String>) -> Result<Self, InvalidLineTable> {
        let refused = |reason: String| Err(InvalidLineTable(reason));
        if files.is_empty() || files.len() > Self::FILES_MAX {
            return refused(format!("{} files, not 1 to {}", files.len(), Self::FILES_MAX));
        }
        if let Some(name) = files.iter().find(|name| !is_name(name)) {
            return refused(format!("{name:?} is not the name of a file"));
        }
        if files.iter().map(String::len).sum::<usize>() > Self::NAMES_BYTES_MAX {
            return refused(format!("names of more than {} bytes", Self::NAMES_BYTES_MAX));
        }
        if let Some(text) = &mappings {
            if text.len() > Self::MAPPINGS_BYTES_MAX {
                return refused(format!("mappings of more than {} bytes", Self::MAPPINGS_BYTES_MAX));
            }
            for mapping in Mappings::new(text) {
                let mapping = mapping.map_err(|reason| InvalidLineTable(reason.into()))?;
                if mapping.file as usize >= files.len() {
                    return refused(format!("a mapping to file {} of {}", mapping.file, files.len()));
                }
            }
        }
        Ok(Self { files, mappings })
    }

    /// The files, in the order in which they were bundled.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// A traceback with the places of the files that somebody wrote: `src/util.ts:12:5` for `function.js:480:5`.
    ///
    /// What came from no file, such as code of the bundler itself, stays as it is, and so does all other text. The line of
    /// source that a traceback quotes is that of the text that ran.
    #[must_use]
    pub fn restore(&self, traceback: &str) -> String {
        let found = find_places(traceback);
        let Some(mappings) = &self.mappings else {
            let name = self.files[0].as_str();
            return replace(traceback, &found, |place| Some((name, place)));
        };
        let origins = origins(mappings, &found);
        replace(traceback, &found, |place| {
            let mapping =
                origins.get(origins.partition_point(|(known, _)| *known < place)).filter(|(p, _)| *p == place)?;
            let Mapping { file, line, column, .. } = mapping.1?;
            let column = place.column.map(|_| column.saturating_add(1));
            Some((self.files.get(file as usize)?.as_str(), Place { line: line.saturating_add(1), column }))
        })
    }
}

/// Names are shown: nothing in them may look like another line or move a cursor.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LineTable::NAME_BYTES_MAX && !name.contains(char::is_control)
}

/// A place in a text, and where the text says so.
struct Found {
    start: usize,
    end: usize,
    place: Place,
    /// `place`, with the column that a later mention of the same line has.
    looked_up: Place,
}

/// All `function.js:LINE` and `function.js:LINE:COLUMN` of a text that are not the end of a longer path.
fn find_places(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (start, _) in text.match_indices(FUNCTION) {
        if found.len() == LineTable::PLACES_MAX {
            break;
        }
        let in_longer_name = |before: char| before.is_alphanumeric() || "/\\_-.$".contains(before);
        if text[..start].chars().next_back().is_some_and(in_longer_name) {
            continue;
        }
        let rest = &text[start + FUNCTION.len()..];
        let Some((line, after)) = number(rest) else { continue };
        let (column, after) = number(after).map_or((None, after), |(column, after)| (Some(column), after));
        let place = Place { line, column };
        found.push(Found { start, end: text.len() - after.len(), place, looked_up: place });
    }
    // The head of a traceback has the line alone, and the frame below it says where in the line.
    for at in 0..found.len() {
        if found[at].place.column.is_none() {
            let line = found[at].place.line;
            let frame = found[at..].iter().find(|other| other.place.line == line && other.place.column.is_some());
            found[at].looked_up.column = frame.and_then(|frame| frame.place.column);
        }
    }
    found
}

/// `:12` at the start of a text, and what comes after.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.strip_prefix(':')?;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    Some((digits[..length].parse().ok()?, &digits[length..]))
}

/// The mapping of each place, by place: the last one that starts before it in its line, or else the first of the line.
fn origins(mappings: &str, found: &[Found]) -> Vec<(Place, Option<Mapping>)> {
    let mut origins: Vec<(Place, Option<Mapping>)> = found.iter().map(|found| (found.looked_up, None)).collect();
    origins.sort_unstable_by_key(|(place, _)| *place);
    origins.dedup_by_key(|(place, _)| *place);
    let mut first = 0;
    // Validated when the table was made; and if not, what is left has no origin.
    for mapping in Mappings::new(mappings).map_while(Result::ok) {
        while origins.get(first).is_some_and(|(place, _)| place.line <= mapping.generated_line) {
            first += 1;
        }
        let same_line = |(place, _): &&mut (Place, Option<Mapping>)| place.line == mapping.generated_line + 1;
        for (place, origin) in origins[first..].iter_mut().take_while(same_line) {
            if origin.is_none() || place.column.is_some_and(|column| mapping.generated_column < column) {
                *origin = Some(mapping);
            }
        }
        if first == origins.len() {
            break;
        }
    }
    origins
}

fn replace<'a>(text: &str, found: &[Found], origin: impl Fn(Place) -> Option<(&'a str, Place)>) -> String {
    let mut restored = String::with_capacity(text.len() + 256);
    let mut copied = 0;
    for Found { start, end, place, looked_up } in found {
        let Some((name, Place { line, column })) = origin(*looked_up) else { continue };
        restored.push_str(&text[copied..*start]);
        copied = *end;
        restored.push_str(name);
        restored.push_str(&format!(":{line}"));
        if let (Some(_), Some(column)) = (place.column, column) {
            restored.push_str(&format!(":{column}"));
        }
        if restored.len() > copied + LineTable::GROWTH_BYTES_MAX {
            break;
        }
    }
    restored + &text[copied..]
}

impl TryFrom<Stored> for LineTable {
    type Error = InvalidLineTable;

    fn try_from(stored: Stored) -> Result<Self, InvalidLineTable> {
        if stored.version != Self::VERSION {
            return Err(InvalidLineTable(format!("version {}, not {}", stored.version, Self::VERSION)));
        }
        if stored.mappings.is_none() && stored.files.len() != 1 {
            return Err(InvalidLineTable("several files and no mappings".into()));
        }
        Self::new(stored.files, stored.mappings)
    }
}

impl From<LineTable> for Stored {
    fn from(table: LineTable) -> Self {
        Self { version: LineTable::VERSION, files: table.files, mappings: table.mappings }
    }
}

#[cfg(test)]
mod tests;
