//! HEAD's own log, read from where an earlier look ended. A line is known by its place, never by its words: Git writes the
//! same line twice when HEAD goes the same way twice.

use std::io::{self, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Repo;
use super::logs::{Move, open, parse};
use crate::domain::hex::hex;

/// How much of the log is read at once: some three hundred thousand moves. Of more, the older are left out.
const MAX_BYTES: u64 = 32 << 20;

/// How much of the log before a place has to be as it was: some thirty lines. A log that was cut or rewritten differs there.
const MARK_BYTES: u64 = 4 << 10;

/// How far a log was read. The default is its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Bytes.
    offset: u64,
    /// Digest of what stands before, hexadecimal; empty at the beginning.
    before: String,
}

/// What a log says from a place on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// The moves, oldest first: all of them when the log is no longer the one that the place is in.
    pub moves: Vec<Move>,
    /// Where it ends.
    pub place: Place,
}

impl Repo {
    /// What HEAD's log says since `place`; nothing where Git keeps no log.
    pub fn head_moves_since(&self, place: &Place) -> Since {
        let log = open(&self.inner.path().join("logs/HEAD"));
        let read = log.and_then(|log| log.map(|mut log| read_since(&mut log, place)).transpose());
        match read {
            Ok(since) => since.unwrap_or_default(),
            // What cannot be read now is read later, from the same place.
            Err(_) => Since {
                moves: Vec::new(),
                place: place.clone(),
            },
        }
    }
}

fn read_since(log: &mut (impl Read + Seek), place: &Place) -> io::Result<Since> {
    let length = log.seek(SeekFrom::End(0))?;
    let goes_on = place.offset <= length && mark(log, place.offset)? == place.before;
    let begin = if goes_on { place.offset } else { 0 };
    let from = begin.max(length.saturating_sub(MAX_BYTES));
    log.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    log.take(MAX_BYTES).read_to_end(&mut bytes)?;
    // A line that is just being written is for the next look.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    bytes.truncate(whole.map_or(0, |last| last + 1));
    let offset = from + bytes.len() as u64;
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(Since {
        moves: (lines.skip(usize::from(from > begin)))
            .filter_map(parse)
            .collect(),
        place: Place {
            offset,
            before: mark(log, offset)?,
        },
    })
}

fn mark(log: &mut (impl Read + Seek), offset: u64) -> io::Result<String> {
    if offset == 0 {
        return Ok(String::new());
    }
    let length = offset.min(MARK_BYTES);
    log.seek(SeekFrom::Start(offset - length))?;
    let mut bytes = Vec::new();
    log.take(length).read_to_end(&mut bytes)?;
    Ok(hex(&Sha256::digest(&bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Counts what is read.
    struct Counted(Cursor<Vec<u8>>, u64);

    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1 += read as u64;
            Ok(read)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    fn line(from: char, to: char) -> String {
        let id = |digit: char| digit.to_string().repeat(40);
        format!("{} {} Mei <m@x> 1 +0000\treset: moving\n", id(from), id(to))
    }

    fn since(log: &str, place: &Place) -> (String, Place, u64) {
        let mut log = Counted(Cursor::new(log.as_bytes().to_vec()), 0);
        let since = read_since(&mut log, place).unwrap();
        let ways = since.moves.iter().map(|it| {
            let from = it.from.unwrap().to_string();
            format!("{}{}", &from[..1], &it.to.to_string()[..1])
        });
        (ways.collect::<Vec<_>>().join(" "), since.place, log.1)
    }

    #[test]
    fn a_log_is_read_on_from_its_place_and_anew_when_it_is_another() {
        let there = line('a', 'b') + &line('b', 'a');
        let (ways, place, _) = since(&there, &Place::default());
        assert_eq!(ways, "ab ba");
        // The same words again are other lines, and half of one is none yet.
        let again = there.repeat(2);
        let (ways, further, _) = since(&format!("{again}{}", &line('a', 'c')[..50]), &place);
        assert_eq!(ways, "ab ba");
        assert_eq!(since(&(again + &line('a', 'c')), &further).0, "ac");
        // Cut, and cut and grown beyond the place.
        assert_eq!(since(&line('a', 'b'), &place).0, "ab");
        let grown = line('c', 'd') + &there.repeat(2);
        assert_eq!(since(&grown, &place).0, "cd ab ba ab ba");
        assert_eq!(since("", &place), (String::new(), Place::default(), 0));
    }

    #[test]
    fn a_long_log_is_read_once() {
        let mut log = line('a', 'a').repeat(100_000);
        let (_, place, first) = since(&log, &Place::default());
        assert!(first > log.len() as u64);
        log += &line('a', 'b');
        let (ways, _, read) = since(&log, &place);
        assert_eq!(ways, "ab");
        assert!(read < 16 << 10, "{read}");
    }
}
