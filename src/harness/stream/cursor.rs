//! Where a reader stands, as it is told and says it again: `<epoch>.<seq>`.

use std::fmt;

/// A place in the stream of one start of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The start.
    pub epoch: String,
    /// The newest event that the reader has.
    pub seq: u64,
}

impl Cursor {
    /// Reads one; nothing where it is none.
    pub fn read(text: &str) -> Option<Self> {
        let (epoch, seq) = text.rsplit_once('.')?;
        let is_plain = seq.bytes().all(|it| it.is_ascii_digit());
        let seq = seq.parse().ok().filter(|_| is_plain)?;
        let epoch = Some(epoch).filter(|it| !it.is_empty())?.to_owned();
        Some(Self { epoch, seq })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        let cursor = Cursor {
            epoch: "a.b".to_owned(),
            seq: u64::MAX,
        };
        assert_eq!(Cursor::read(&cursor.to_string()), Some(cursor));
        for text in [
            "",
            ".",
            "a",
            "a.",
            ".1",
            "a.x",
            "a.-1",
            "a.+1",
            "a. 1",
            "a.18446744073709551616",
        ] {
            assert_eq!(Cursor::read(text), None, "{text}");
        }
    }
}
