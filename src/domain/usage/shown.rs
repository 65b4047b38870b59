//! Numbers and times of usage, short enough to read.

use chrono::{DateTime, Utc};

/// A number of tokens: `950`, `12.3k`, `4.56M`.
pub fn tokens(number: u64) -> String {
    let of = |unit: u64, digits: usize, sign: &str| {
        // Exact enough to read; a budget of 10^12 has 40 bits.
        #[allow(clippy::cast_precision_loss)]
        let part = number as f64 / unit as f64;
        format!("{part:.digits$}{sign}")
    };
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => of(1_000, 1, "k"),
        1_000_000..1_000_000_000 => of(1_000_000, 2, "M"),
        _ => of(1_000_000_000, 2, "G"),
    }
}

/// A moment, to the second.
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A number of tokens as people write it: digits, `_` between them, and `k`, `M` or `G` behind.
pub fn read(text: &str) -> Option<u64> {
    let text = text.trim().replace(['_', ' '], "");
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1_000),
        (at, 'm' | 'M') => (&text[..at], 1_000_000),
        (at, 'g' | 'G') => (&text[..at], 1_000_000_000),
        _ => (text.as_str(), 1_u64),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 9 {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
    let part: u64 = if part.is_empty() {
        0
    } else {
        part.parse().ok()?
    };
    let part = part.checked_mul(unit)?;
    if part % scale != 0 {
        return None;
    }
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)?
        .checked_add(part / scale)
}
