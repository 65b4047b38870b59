//! What Git would record for the bytes of a file: line ends and `$Id$` lines as the attributes and the configuration say.
//! Programs that a configuration names as filters are never run; their files are taken as they lie there.

use super::attributes::{Attributes, Name, State};
use super::settings::{AutoCrlf, Settings};

/// What happens to a file's bytes on their way into the repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    lines: Lines,
    ident: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lines {
    /// As they are.
    #[default]
    Kept,
    /// CRLF becomes LF.
    Converted,
    /// So it does where the file looks like a text and its recorded content has no CRLF.
    Guessed,
}

impl Conversion {
    /// As the attributes and the configuration say.
    pub(super) fn of(attributes: &Attributes, settings: &Settings) -> Self {
        let said = |name| match attributes.get(name) {
            State::Set => Some(Lines::Converted),
            State::Unset => Some(Lines::Kept),
            State::Value(value) if **value == *b"input" => Some(Lines::Converted),
            State::Value(value) if **value == *b"auto" => Some(Lines::Guessed),
            _ => None,
        };
        // `crlf` is the old name of `text`.
        let text = said(Name::Text).or_else(|| said(Name::Crlf));
        let by_eol = matches!(attributes.get(Name::Eol), State::Value(eol) if matches!(&**eol, b"lf" | b"crlf"));
        let lines = match text {
            Some(lines) => lines,
            // Without a word about text, `eol` alone says that it is one.
            None if by_eol => Lines::Converted,
            None if settings.autocrlf != AutoCrlf::False => Lines::Guessed,
            None => Lines::Kept,
        };
        Self {
            lines,
            ident: *attributes.get(Name::Ident) == State::Set,
        }
    }

    /// Whether the bytes are recorded as they are, whatever they are.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Whether what is recorded now matters for what would be recorded.
    pub(super) fn depends_on_recorded(self) -> bool {
        self.lines == Lines::Guessed
    }

    /// What Git would record for `bytes`. `recorded` is the content in the index, where it matters.
    pub(super) fn apply(self, bytes: Vec<u8>, recorded: Option<&[u8]>) -> Vec<u8> {
        let bytes = match self.lines {
            Lines::Kept => bytes,
            Lines::Converted => without_cr(bytes),
            Lines::Guessed => {
                let stays = looks_binary(&bytes)
                    || recorded
                        .is_some_and(|recorded| !looks_binary(recorded) && has_crlf(recorded));
                if stays { bytes } else { without_cr(bytes) }
            }
        };
        if self.ident {
            without_ids(bytes)
        } else {
            bytes
        }
    }
}

fn has_crlf(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\r\n")
}

/// CRLF becomes LF; other CRs stay.
fn without_cr(bytes: Vec<u8>) -> Vec<u8> {
    if !has_crlf(&bytes) {
        return bytes;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            kept.push(*byte);
        }
    }
    kept
}

/// Git's guess: a NUL, a CR that stands alone, or one control character in 128 bytes of text.
fn looks_binary(bytes: &[u8]) -> bool {
    let (mut printable, mut others) = (0_usize, 0_usize);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0 => return true,
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => return true,
            b'\r' | b'\n' => {}
            0x08 | b'\t' | 0x1b | 0x0c => printable += 1,
            0x7f | 0..=0x1f => others += 1,
            _ => printable += 1,
        }
    }
    // An end of file as old systems wrote it does not count.
    if bytes.last() == Some(&0x1a) {
        others -= 1;
    }
    (printable >> 7) < others
}

/// `$Id: …$` becomes `$Id$`.
fn without_ids(bytes: Vec<u8>) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(at) = rest.windows(4).position(|found| found == b"$Id:") {
        let start = at + 4;
        kept.extend_from_slice(&rest[..at]);
        let end = rest[start..]
            .iter()
            .position(|byte| matches!(byte, b'$' | b'\n'));
        match end {
            Some(end) if rest[start + end] == b'$' => {
                kept.extend_from_slice(b"$Id$");
                rest = &rest[start + end + 1..];
            }
            _ => {
                kept.extend_from_slice(b"$Id:");
                rest = &rest[start..];
            }
        }
    }
    kept.extend_from_slice(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_converted() {
        assert_eq!(without_cr(b"a\r\nb\rc\r\r\n\r".to_vec()), b"a\nb\rc\r\n\r");
        assert_eq!(without_cr(b"a\n".to_vec()), b"a\n");
    }

    #[test]
    fn ids_are_taken_out() {
        for (from, to) in [
            ("// $Id: 123 $\nx", "// $Id$\nx"),
            ("$Id$ $Id:$ $Id: a\n$", "$Id$ $Id$ $Id: a\n$"),
            ("$Id: open", "$Id: open"),
            ("$Id: a$$Id: b$", "$Id$$Id$"),
        ] {
            let kept = without_ids(from.as_bytes().to_vec());
            assert_eq!(kept, to.as_bytes(), "{from}");
        }
    }

    #[test]
    fn what_looks_binary() {
        assert!(looks_binary(b"a\0"));
        assert!(looks_binary(b"a\rb"));
        assert!(looks_binary(b"\x01"));
        assert!(!looks_binary(b"text\r\n\x1b[0m\n"));
        assert!(!looks_binary(b""));
        assert!(!looks_binary(b"text\x1a"));
        assert!(!looks_binary(
            &[b"x".repeat(200).as_slice(), b"\x01"].concat()
        ));
    }
}
