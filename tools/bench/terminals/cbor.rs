//! As much of CBOR (RFC 8949) as sshx's messages need.

use anyhow::{Context, bail};

/// Unsigned number.
pub const UINT: u8 = 0;
/// Byte string.
pub const BYTES: u8 = 2;
/// Text.
pub const TEXT: u8 = 3;
/// Array.
pub const ARRAY: u8 = 4;
/// Map.
pub const MAP: u8 = 5;

/// Reads from the front.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Kind and number of the next item.
    pub fn head(&mut self) -> anyhow::Result<(u8, u64)> {
        let (first, rest) = self.0.split_first().context("a message is cut")?;
        self.0 = rest;
        let width = match first & 0x1f {
            small @ 0..=23 => return Ok((first >> 5, small.into())),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            other => bail!("an item of length code {other}"),
        };
        let number = self.take(width)?;
        let number = number
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Ok((first >> 5, number))
    }

    /// The number of an item that must be of `kind`.
    pub fn expect(&mut self, kind: u8) -> anyhow::Result<u64> {
        match self.head()? {
            (found, number) if found == kind => Ok(number),
            (found, _) => bail!("an item of kind {found} instead of {kind}"),
        }
    }

    /// A text or byte string.
    pub fn string(&mut self, kind: u8) -> anyhow::Result<&'a [u8]> {
        let length = self.expect(kind)?;
        self.take(length as usize)
    }

    /// Passes over one whole item.
    pub fn skip(&mut self) -> anyhow::Result<()> {
        match self.head()? {
            (BYTES | TEXT, length) => drop(self.take(length as usize)?),
            (ARRAY, count) => (0..count).try_for_each(|_| self.skip())?,
            (MAP, count) => (0..2 * count).try_for_each(|_| self.skip())?,
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> anyhow::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).context("a message is cut")?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Writes an item's kind and number.
pub fn head(out: &mut Vec<u8>, kind: u8, number: u64) {
    match number {
        0..=23 => out.push(kind << 5 | number as u8),
        _ => {
            out.push(kind << 5 | 27);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Writes a text or byte string.
pub fn string(out: &mut Vec<u8>, kind: u8, content: &[u8]) {
    head(out, kind, content.len() as u64);
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut out = Vec::new();
        head(&mut out, MAP, 1);
        string(&mut out, TEXT, b"data");
        head(&mut out, ARRAY, 2);
        head(&mut out, UINT, 70_000);
        string(&mut out, BYTES, &[7; 300]);
        let mut whole = Reader(&out);
        whole.skip().unwrap();
        assert!(whole.0.is_empty());
        let mut reader = Reader(&out);
        assert_eq!(reader.expect(MAP).unwrap(), 1);
        assert_eq!(reader.string(TEXT).unwrap(), b"data");
        assert_eq!(reader.expect(ARRAY).unwrap(), 2);
        assert_eq!(reader.expect(UINT).unwrap(), 70_000);
        assert_eq!(reader.string(BYTES).unwrap(), [7; 300]);
        assert!(reader.head().is_err());
    }
}
