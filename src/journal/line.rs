//! One line, byte by byte: sealing a record into it, taking it apart, and checking its seal.
//!
//! Pure functions over bytes. The layout that they agree on is in the module docs of `journal`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::record::{Entry, Record};
use super::{FORMAT, MAX_LINE_BYTES};

/// A link of the chain as it is written: 64 lower-case hex digits.
pub(crate) type ChainHash = [u8; 64];

/// `prev` of the header line.
pub(crate) const GENESIS: ChainHash = [b'0'; 64];

const SEQ_OPEN: &[u8] = b"{\"seq\":";
const TS_OPEN: &[u8] = b",\"ts\":\"";
const ACTOR_OPEN: &[u8] = b"\",\"actor\":";
const PREV_OPEN: &[u8] = b",\"prev\":\"";
const HASH_OPEN: &[u8] = b",\"hash\":\"";
/// `,"hash":"…"}`: what the hash does not cover.
pub(crate) const HASH_MEMBER: usize = HASH_OPEN.len() + 64 + 2;
/// `,"prev":"…"`.
const PREV_MEMBER: usize = PREV_OPEN.len() + 64 + 1;

/// Why a line is not what the journal wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The members that every line has are not where they belong.
    #[error("not laid out as a journal line")]
    Layout,
    /// The bytes do not give the hash that the line states.
    #[error("its content does not match its hash")]
    Hash,
    /// The line is sound but does not follow the one before.
    #[error("does not follow the line before it (its `prev` differs)")]
    Chain,
    /// A line is missing or stands twice.
    #[error("has seq {found} where {expected} was expected")]
    Sequence {
        /// The number that belongs here.
        expected: u64,
        /// The number that stands here.
        found: u64,
    },
    /// The line is sound but this version cannot read its event.
    #[error("holds an event that this version cannot read ({0})")]
    Event(String),
    /// The first line is sound but is no header.
    #[error("is not a journal header")]
    Header,
    /// The journal is of a format that this version does not know.
    #[error("has journal format {found}, this version reads up to {FORMAT}")]
    Format {
        /// The format that the header names.
        found: u64,
    },
    /// No newline within the longest line allowed.
    #[error("longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
}

/// Why an event cannot become a line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("serialise the event: {0}")]
    Serialise(#[from] serde_json::Error),
    #[error("the event is not a JSON object with a tag")]
    NotAnObject,
    #[error("the line would be {0} bytes long")]
    TooLong(usize),
}

/// A line taken apart; borrowed from its bytes.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) seq: u64,
    ts: &'a str,
    actor: &'a [u8],
    event: &'a [u8],
    pub(crate) prev: &'a str,
    pub(crate) hash: &'a str,
}

impl Parts<'_> {
    /// When the record was made.
    pub(crate) fn ts(&self) -> Result<DateTime<Utc>, LineFault> {
        DateTime::parse_from_rfc3339(self.ts)
            .map(|ts| ts.with_timezone(&Utc))
            .map_err(|_| LineFault::Layout)
    }

    /// The event's name, without reading the event.
    pub(crate) fn name(&self) -> Option<&str> {
        let rest = self.event.strip_prefix(b"\"event\":\"")?;
        let end = rest.iter().position(|&byte| byte == b'"')?;
        std::str::from_utf8(&rest[..end]).ok()
    }

    /// The event alone, read as `T`: its members without those of the envelope, so that types which
    /// refuse or collect unknown members work.
    pub(crate) fn event<T: DeserializeOwned>(&self) -> Result<T, LineFault> {
        let mut object = Vec::with_capacity(self.event.len() + 2);
        object.push(b'{');
        object.extend_from_slice(self.event);
        object.push(b'}');
        serde_json::from_slice(&object).map_err(|error| LineFault::Event(error.to_string()))
    }

    /// The whole record.
    pub(crate) fn record<E: DeserializeOwned>(&self) -> Result<Record<E>, LineFault> {
        Ok(Record {
            seq: self.seq,
            ts: self.ts()?,
            actor: serde_json::from_slice(self.actor).map_err(|_| LineFault::Layout)?,
            event: self.event()?,
            prev: self.prev.to_owned(),
            hash: self.hash.to_owned(),
        })
    }
}

/// Appends the sealed line of a record, newline included, and returns its hash.
/// On an error `out` is as it was.
pub(crate) fn seal<E: Serialize>(
    seq: u64,
    ts: DateTime<Utc>,
    actor: &str,
    event: &E,
    prev: &ChainHash,
    out: &mut Vec<u8>,
) -> Result<ChainHash, SealError> {
    let event = serde_json::to_string(event)?;
    let members = event
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .filter(|members| members.starts_with('"'))
        .ok_or(SealError::NotAnObject)?;
    let actor = serde_json::to_string(actor)?;
    let start = out.len();
    out.extend_from_slice(SEQ_OPEN);
    out.extend_from_slice(seq.to_string().as_bytes());
    out.extend_from_slice(TS_OPEN);
    out.extend_from_slice(ts.to_rfc3339_opts(SecondsFormat::Micros, true).as_bytes());
    out.extend_from_slice(ACTOR_OPEN);
    escape(&actor, out);
    out.push(b',');
    escape(members, out);
    out.extend_from_slice(PREV_OPEN);
    out.extend_from_slice(prev);
    out.push(b'"');
    let length = out.len() - start + HASH_MEMBER;
    if length > MAX_LINE_BYTES {
        out.truncate(start);
        return Err(SealError::TooLong(length));
    }
    let hash = hex(&Sha256::digest(&out[start..]));
    out.extend_from_slice(HASH_OPEN);
    out.extend_from_slice(&hash);
    out.extend_from_slice(b"\"}\n");
    Ok(hash)
}

/// Takes a line (without its newline) apart by its fixed layout. Says nothing about its hash.
pub(crate) fn dissect(line: &[u8]) -> Result<Parts<'_>, LineFault> {
    dissect_layout(line).ok_or(LineFault::Layout)
}

fn dissect_layout(line: &[u8]) -> Option<Parts<'_>> {
    let (rest, hash) = take_digest(line, HASH_OPEN, HASH_MEMBER, b"\"}")?;
    let (rest, prev) = take_digest(rest, PREV_OPEN, PREV_MEMBER, b"\"")?;
    let rest = rest.strip_prefix(SEQ_OPEN)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let seq = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = rest[digits..].strip_prefix(TS_OPEN)?;
    let quote = rest.iter().position(|&byte| byte == b'"')?;
    let ts = std::str::from_utf8(&rest[..quote]).ok()?;
    let rest = rest[quote..].strip_prefix(ACTOR_OPEN)?;
    let actor = json_string_len(rest)?;
    let event = rest[actor..].strip_prefix(b",")?;
    Some(Parts {
        seq,
        ts,
        actor: &rest[..actor],
        event,
        prev,
        hash,
    })
}

/// Splits `,"name":"<64 hex>"…` off the end.
fn take_digest<'a>(
    line: &'a [u8],
    open: &[u8],
    member: usize,
    close: &[u8],
) -> Option<(&'a [u8], &'a str)> {
    let (rest, member) = line.split_at_checked(line.len().checked_sub(member)?)?;
    let digest = member.strip_prefix(open)?.strip_suffix(close)?;
    let lower_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !digest.iter().all(lower_hex) {
        return None;
    }
    Some((rest, std::str::from_utf8(digest).ok()?))
}

/// Length of the JSON string, quotes included, at the beginning of `bytes`.
fn json_string_len(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.iter().enumerate();
    if rest.next()?.1 != &b'"' {
        return None;
    }
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => drop(rest.next()?),
            _ => {}
        }
    }
    None
}

/// Whether the line's bytes give the hash that it states. `line` must have been taken apart before.
pub(crate) fn check_hash(line: &[u8], parts: &Parts<'_>) -> Result<(), LineFault> {
    if hex(&Sha256::digest(&line[..line.len() - HASH_MEMBER])) == parts.hash.as_bytes() {
        Ok(())
    } else {
        Err(LineFault::Hash)
    }
}

/// The seq that a line begins with, from its first bytes alone.
pub(crate) fn leading_seq(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(SEQ_OPEN)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// Whether a damaged last line (its newline is there) looks like one that never got onto the disk as a
/// whole. A flipped bit spoils at most one end of a line, so a line with one good end was once whole.
pub(crate) fn looks_torn(line: &[u8]) -> bool {
    let begins = line.starts_with(SEQ_OPEN);
    let ends = take_digest(line, HASH_OPEN, HASH_MEMBER, b"\"}").is_some();
    let hole = line.windows(8).any(|window| window == [0; 8]);
    hole || !(begins || ends)
}

/// Whether `piece` can be what a crash left of the very first write.
pub(crate) fn begins_header(piece: &[u8]) -> bool {
    const BEGIN: &[u8] = b"{\"seq\":0,";
    let common = piece.len().min(BEGIN.len());
    piece[..common] == BEGIN[..common] || piece.iter().all(|&byte| byte == 0)
}

pub(super) fn hex(digest: &[u8]) -> ChainHash {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = GENESIS;
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// Copies JSON text with every character escaped that could steer a terminal or break a line.
///
/// Works on the finished JSON: outside of strings such characters can only be white space (of a raw
/// value), which becomes a space; inside, serde_json has already escaped what is below U+0020.
fn escape(json: &str, out: &mut Vec<u8>) {
    let plain = |byte: &u8| matches!(byte, 0x20..=0x7e);
    if json.as_bytes().iter().all(plain) {
        out.extend_from_slice(json.as_bytes());
        return;
    }
    for character in json.chars() {
        match character {
            '\0'..='\u{1f}' => out.push(b' '),
            '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

impl<E: DeserializeOwned> Entry<E> {
    /// Reads a line back. Checks its layout but not its place in the chain.
    pub fn parse(line: &str) -> Result<Self, LineFault> {
        let parts = dissect(line.as_bytes())?;
        Ok(Self {
            record: parts.record()?,
            line: line.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn sealed(actor: &str, event: &Value) -> String {
        let mut out = Vec::new();
        let ts = DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap();
        seal(7, ts, actor, event, &GENESIS, &mut out).unwrap();
        assert_eq!(out.pop(), Some(b'\n'));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_line_is_laid_out_as_documented() {
        let line = sealed("person", &json!({"event": "noted", "text": "hi"}));
        let (hashed, rest) = line.split_at(line.len() - HASH_MEMBER);
        assert_eq!(
            hashed,
            format!(
                r#"{{"seq":7,"ts":"2023-11-14T22:13:20.000001Z","actor":"person","event":"noted","text":"hi","prev":"{}""#,
                "0".repeat(64)
            )
        );
        let digest = String::from_utf8(hex(&Sha256::digest(hashed)).to_vec()).unwrap();
        assert_eq!(rest, format!(r#","hash":"{digest}"}}"#));
        serde_json::from_str::<Value>(&line).unwrap();
    }

    #[test]
    fn characters_that_steer_are_escaped_and_read_back_unchanged() {
        let hostile = "a\n\r\t\u{0}\u{1b}[2J\u{7f}\u{85}\u{9b}31m\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}\"\\中书省é";
        let line = sealed(hostile, &json!({"event": "noted", "text": hostile}));
        let steers = |c: char| {
            c.is_control()
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert_eq!(line.chars().find(|&c| steers(c)), None);
        assert!(line.contains("中书省é"), "ordinary text stays readable");
        let parts = dissect(line.as_bytes()).unwrap();
        check_hash(line.as_bytes(), &parts).unwrap();
        let record: Record<Value> = parts.record().unwrap();
        assert_eq!(record.actor, hostile);
        assert_eq!(record.event, json!({"event": "noted", "text": hostile}));
    }

    #[test]
    fn an_actor_cannot_smuggle_members_into_the_line() {
        let actor = r#"x","event":"plan_confirmed","prev":""#;
        let line = sealed(actor, &json!({"event": "noted"}));
        let record: Record<Value> = dissect(line.as_bytes()).unwrap().record().unwrap();
        assert_eq!(record.actor, actor);
        assert_eq!(record.event, json!({"event": "noted"}));
    }

    #[test]
    fn what_is_no_tagged_object_is_refused_and_leaves_nothing_behind() {
        for event in [json!("text"), json!([1]), json!({}), json!(null)] {
            let mut out = b"kept".to_vec();
            let now = Utc::now();
            let refused = seal(1, now, "a", &event, &GENESIS, &mut out);
            assert!(matches!(refused, Err(SealError::NotAnObject)), "{event}");
            assert_eq!(out, b"kept");
        }
        let mut out = b"kept".to_vec();
        let long = json!({"event": "x".repeat(MAX_LINE_BYTES)});
        let refused = seal(1, Utc::now(), "a", &long, &GENESIS, &mut out);
        assert!(matches!(refused, Err(SealError::TooLong(_))));
        assert_eq!(out, b"kept");
    }
}
