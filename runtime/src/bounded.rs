//! A buffer that never holds more than it was granted.

use std::io;

/// What did not fit: the output limit of the attempt is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than the output limit")]
pub(crate) struct TooLarge;

/// Bytes up to a number.
#[derive(Debug)]
pub(crate) struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Bounded {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes: Vec::new(), bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX) }
    }

    /// Appends all of `bytes`, or none of them.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        let needed = self.bytes.len().checked_add(bytes.len()).ok_or(TooLarge)?;
        if needed > self.bytes_max {
            return Err(TooLarge);
        }
        if needed > self.bytes.capacity() {
            // As a vector grows by itself, but not beyond what is granted.
            let capacity = needed.max(self.bytes.capacity().saturating_mul(2)).min(self.bytes_max);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Takes what is in it, and leaves it empty.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The JSON text of a value, if it is not longer than that.
pub(crate) fn json(value: &impl serde::Serialize, bytes_max: u64) -> Result<String, TooLarge> {
    let mut text = Bounded::new(bytes_max);
    // Nothing that is serialised here can fail by itself: keys are texts.
    serde_json::to_writer(&mut text, value).map_err(|_| TooLarge)?;
    Ok(String::from_utf8(text.into_bytes()).expect("JSON is written in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_what_is_granted_and_not_a_byte_more() {
        let mut buffer = Bounded::new(5);
        assert_eq!(buffer.extend(b"abc"), Ok(()));
        assert_eq!(buffer.extend(b"def"), Err(TooLarge));
        assert_eq!(buffer.extend(b"de"), Ok(()));
        assert!(buffer.bytes.capacity() <= 5);
        assert_eq!(buffer.take(), b"abcde");
    }

    #[test]
    fn json_is_bounded_as_it_is_written() {
        assert_eq!(json(&"a\u{1}", 9).unwrap(), r#""a\u0001""#);
        assert_eq!(json(&"a\u{1}", 8), Err(TooLarge));
    }
}
