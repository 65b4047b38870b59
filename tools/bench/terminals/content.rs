//! What a flood consists of: text as terminal programs write it, the same in every run, so that every byte that arrives can be
//! compared.

use std::fmt::Write;

/// About this much; a flood is a number of blocks.
const BLOCK_BYTES: usize = 1_000_000;

/// As the program writes it: lines with colours, cursor moves, wide characters and plain text.
pub fn block() -> Vec<u8> {
    let words = [
        "fn main()",
        "let x = compute(a, b);",
        "warning: unused variable",
        "中书省审阅了方案",
        "日本語のテキスト",
        "Grüße, naïve café",
        "🚀 done ✓",
        "────┤├────",
        "0123456789abcdef",
        "The quick brown fox jumps over the lazy dog.",
    ];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut text = String::with_capacity(BLOCK_BYTES + 256);
    while text.len() < BLOCK_BYTES {
        for _ in 0..=next(4) {
            let word = words[next(words.len() as u64) as usize];
            // Writing to a string cannot fail.
            let _ = match next(8) {
                0 => write!(text, "\x1b[38;5;{}m{word}\x1b[0m ", next(256)),
                1 => write!(
                    text,
                    "\x1b[1;48;2;{};{};{}m{word}\x1b[0m",
                    next(256),
                    next(256),
                    next(256)
                ),
                2 => write!(text, "\x1b[{}G{word}\x1b[K", 1 + next(100)),
                3 => write!(text, "\x1b[3{}m{word}\x1b[39m", next(8)),
                _ => write!(text, "{word} "),
            };
        }
        if next(50) == 0 {
            let _ = write!(text, "\x1b[{};1H\x1b[2K", 1 + next(24));
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// A flood as it comes out of the terminal, where each line end became two bytes.
pub struct Flood {
    block: Vec<u8>,
}

impl Flood {
    /// The one and only.
    pub fn new() -> Self {
        let mut out = Vec::new();
        for byte in block() {
            if byte == b'\n' {
                out.push(b'\r');
            }
            out.push(byte);
        }
        Self { block: out }
    }

    /// One block of it.
    pub fn block(&self) -> &[u8] {
        &self.block
    }

    /// How many blocks make so many megabytes, and how many bytes come out.
    pub fn blocks(&self, megabytes: u64) -> (u64, u64) {
        let blocks = (megabytes * 1_000_000).div_ceil(self.block.len() as u64);
        (blocks, blocks * self.block.len() as u64)
    }

    /// Whether `bytes` is what belongs at `offset` of the flood.
    pub fn holds(&self, offset: u64, mut bytes: &[u8]) -> bool {
        let mut at = (offset % self.block.len() as u64) as usize;
        while !bytes.is_empty() {
            let count = bytes.len().min(self.block.len() - at);
            if bytes[..count] != self.block[at..at + count] {
                return false;
            }
            bytes = &bytes[count..];
            at = 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_compared_at_any_offset() {
        let flood = Flood::new();
        let length = flood.block.len();
        let twice = [flood.block.as_slice(), &flood.block].concat();
        assert!(flood.holds(3 * length as u64 - 5, &twice[length - 5..length + 700]));
        assert!(!flood.holds(1, &twice[..700]));
        assert_eq!(flood.blocks(1).1 % length as u64, 0);
    }
}
