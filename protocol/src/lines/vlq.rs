//! The mappings of a source map (ECMA-426), without names: differences in base 64, `;` between lines, `,` between mappings.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Set in a digit that is not the last of its number.
const CONTINUED: u64 = 32;

/// One position in a text and where it came from. All count from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Line of the text that runs.
    pub generated_line: u32,
    /// Column there, in UTF-16 code units.
    pub generated_column: u32,
    /// Index of the file.
    pub file: u32,
    /// Line of the file.
    pub line: u32,
    /// Column there.
    pub column: u32,
}

/// Reads the mappings of a source map, in their order. Those to no file are left out; names are passed over.
///
/// Ends after the first error.
#[derive(Debug, Clone)]
pub struct Mappings<'a> {
    rest: &'a [u8],
    at: Mapping,
    failed: bool,
}

impl<'a> Mappings<'a> {
    /// Mappings as they are in the field `mappings` of a source map.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { rest: text.as_bytes(), at: Mapping::default(), failed: false }
    }

    /// One segment: a column alone, or with a file, a line, a column, and a name.
    fn segment(&mut self) -> Result<Option<Mapping>, &'static str> {
        self.at.generated_column = self.moved(self.at.generated_column)?;
        if self.is_over() {
            return Ok(None);
        }
        self.at.file = self.moved(self.at.file)?;
        self.at.line = self.moved(self.at.line)?;
        self.at.column = self.moved(self.at.column)?;
        if !self.is_over() {
            self.number()?;
        }
        if self.is_over() { Ok(Some(self.at)) } else { Err("a mapping of more than five numbers") }
    }

    fn is_over(&self) -> bool {
        matches!(self.rest.first(), None | Some(b',' | b';'))
    }

    fn moved(&mut self, from: u32) -> Result<u32, &'static str> {
        let moved = i64::from(from) + self.number()?;
        u32::try_from(moved).map_err(|_| "a mapping that leaves the numbers from 0 to 2^32")
    }

    fn number(&mut self) -> Result<i64, &'static str> {
        let mut value = 0;
        // seven digits of five bits: what a number of 32 bits and its sign need
        for shift in (0..35).step_by(5) {
            let (first, rest) = self.rest.split_first().ok_or("a mapping that ends within a number")?;
            let digit = digit(*first).ok_or("a mapping with a character that is no digit of base 64")?;
            self.rest = rest;
            value |= (digit & (CONTINUED - 1)) << shift;
            if digit & CONTINUED == 0 {
                let magnitude = i64::try_from(value >> 1).expect("34 bits at most");
                return Ok(if value & 1 == 1 { -magnitude } else { magnitude });
            }
        }
        Err("a mapping with a number of more than 32 bits")
    }
}

impl Iterator for Mappings<'_> {
    type Item = Result<Mapping, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            match self.rest.first()? {
                b';' => {
                    let Some(line) = self.at.generated_line.checked_add(1) else { break };
                    self.at = Mapping { generated_line: line, generated_column: 0, ..self.at };
                    self.rest = &self.rest[1..];
                }
                b',' => self.rest = &self.rest[1..],
                _ => match self.segment() {
                    Ok(None) => {}
                    Ok(Some(mapping)) => return Some(Ok(mapping)),
                    Err(reason) => {
                        self.failed = true;
                        return Some(Err(reason));
                    }
                },
            }
        }
        None
    }
}

fn digit(byte: u8) -> Option<u64> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// Writes mappings, which must come in the order of their generated positions: those that go back are left out.
pub(super) fn write(mappings: &[Mapping]) -> String {
    let mut text = String::new();
    let (mut at, mut first) = (Mapping::default(), true);
    for mapping in mappings {
        if (mapping.generated_line, mapping.generated_column) < (at.generated_line, at.generated_column) {
            continue;
        }
        if mapping.generated_line > at.generated_line {
            text.extend(std::iter::repeat_n(';', (mapping.generated_line - at.generated_line) as usize));
            at.generated_column = 0;
        } else if !first {
            text.push(',');
        }
        first = false;
        push(&mut text, at.generated_column, mapping.generated_column);
        push(&mut text, at.file, mapping.file);
        push(&mut text, at.line, mapping.line);
        push(&mut text, at.column, mapping.column);
        at = *mapping;
    }
    text
}

fn push(text: &mut String, from: u32, to: u32) {
    let difference = i64::from(to) - i64::from(from);
    let mut value = difference.unsigned_abs() << 1 | u64::from(difference < 0);
    loop {
        let low = value & (CONTINUED - 1);
        value >>= 5;
        let digit = if value == 0 { low } else { low | CONTINUED };
        text.push(char::from(DIGITS[usize::try_from(digit).expect("below 64")]));
        if value == 0 {
            return;
        }
    }
}
