//! Frames as clients send them, cut in every way.

#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

/// A frame as a client sends it.
fn frame(kind: u8, last: bool, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind | if last { 0x80 } else { 0 }];
    match payload.len() {
        short @ ..126 => bytes.push(0x80 | short as u8),
        middle @ ..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    let masked = payload.iter().zip(mask.iter().cycle());
    bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
    bytes
}

fn read(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> (Vec<Message>, Result<(), Broken>) {
    let mut frames = Frames::default();
    let mut messages = Vec::new();
    for piece in pieces {
        if let Err(broken) = frames.take(piece.as_ref(), |message| messages.push(message)) {
            return (messages, Err(broken));
        }
    }
    (messages, Ok(()))
}

#[derive(Clone)]
struct Said {
    text: bool,
    payload: Vec<u8>,
    /// Where it is cut into fragments.
    cuts: Vec<prop::sample::Index>,
    masks: Vec<[u8; 4]>,
    /// A ping after each fragment.
    pings: Vec<Vec<u8>>,
}

/// Without its bytes: a hundred thousand of them tell nobody anything.
impl std::fmt::Debug for Said {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (text, length, cuts) = (self.text, self.payload.len(), &self.cuts);
        let pings = self.pings.len();
        write!(
            out,
            "text {text}, {length} bytes, cuts {cuts:?}, {pings} pings"
        )
    }
}

impl Said {
    fn bytes(&self) -> Vec<u8> {
        let mut cuts: Vec<usize> = self
            .cuts
            .iter()
            .map(|cut| cut.index(self.payload.len() + 1))
            .collect();
        cuts.sort_unstable();
        cuts.push(self.payload.len());
        let mut bytes = Vec::new();
        let mut from = 0;
        for (number, to) in cuts.iter().copied().enumerate() {
            let kind = match (number, self.text) {
                (0, true) => 1,
                (0, false) => 2,
                _ => 0,
            };
            let mask = self.masks[number % self.masks.len()];
            let last = number + 1 == cuts.len();
            bytes.extend(frame(kind, last, mask, &self.payload[from..to]));
            if let Some(ping) = self.pings.get(number) {
                bytes.extend(frame(9, true, mask, ping));
            }
            from = to;
        }
        bytes
    }
}

fn said() -> impl Strategy<Value = Said> {
    let length = prop_oneof![0usize..200, 60_000usize..70_000, Just(KEPT_BYTES + 7)];
    let payload = length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
    let ping = prop::collection::vec(any::<u8>(), 0..126);
    (
        prop::bool::weighted(0.8),
        payload,
        prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        prop::collection::vec(any::<[u8; 4]>(), 1..4),
        prop::collection::vec(ping, 0..3),
    )
        .prop_map(|(text, payload, cuts, masks, pings)| Said {
            text,
            payload,
            cuts,
            masks,
            pings,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// However messages are cut into frames and frames into reads, the same messages come out.
    #[test]
    fn any_cut_of_any_frames_gives_the_same_messages(
        all in prop::collection::vec(said(), 1..6),
        pieces in prop::collection::vec(1usize..5000, 1..50),
    ) {
        let bytes: Vec<u8> = all.iter().flat_map(Said::bytes).collect();
        let expected: Vec<Message> = all
            .iter()
            .filter(|said| said.text)
            .map(|said| Message {
                kept: said.payload.iter().copied().take(KEPT_BYTES).collect(),
                length: said.payload.len() as u64,
            })
            .collect();
        let mut rest = &bytes[..];
        let mut sizes = pieces.iter().cycle();
        let mut reads = Vec::new();
        while !rest.is_empty() {
            let (here, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            reads.push(here);
            rest = after;
        }
        prop_assert!(read(reads) == (expected, Ok(())), "other messages than were said");
    }

    /// Whatever comes, it ends and takes no more memory than it may.
    #[test]
    fn no_bytes_break_the_reader(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..20)) {
        let mut frames = Frames::default();
        for piece in &pieces {
            if frames.take(piece, |message| assert!(message.kept.len() <= KEPT_BYTES)).is_err() {
                break;
            }
        }
    }
}

#[test]
fn byte_by_byte_it_reads_the_same() {
    let mut bytes = frame(1, false, [1, 2, 3, 4], b"ab");
    bytes.extend(frame(10, true, [9; 4], b"pong"));
    bytes.extend(frame(0, true, [5, 6, 7, 8], b"cde"));
    bytes.extend(frame(8, true, [0; 4], b""));
    let (messages, ended) = read(bytes.iter().map(|byte| [*byte]));
    assert_eq!(ended, Ok(()));
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (&messages[0].kept[..], messages[0].length),
        (&b"abcde"[..], 5)
    );
}

#[test]
fn what_is_longer_than_the_app_server_takes_is_skipped_and_nothing_of_it_kept() {
    let piece = vec![b'x'; 1 << 20];
    let mut frames = Frames::default();
    let mut messages = Vec::new();
    for number in 0..17 {
        let kind = if number == 0 { 1 } else { 0 };
        let bytes = frame(kind, number == 16, [1; 4], &piece);
        frames.take(&bytes, |it| messages.push(it)).unwrap();
    }
    assert_eq!(messages, []);
    frames
        .take(&frame(1, true, [1; 4], b"{}"), |it| messages.push(it))
        .unwrap();
    assert_eq!(messages.len(), 1);
}

#[test]
fn what_no_client_sends_is_named() {
    let mut unmasked = frame(1, true, [0; 4], b"a");
    unmasked[1] &= 0x7f;
    let mut compressed = frame(1, true, [0; 4], b"a");
    compressed[0] |= 0x40;
    let mut endless = vec![0x81, 0xff];
    endless.extend([0xff; 8]);
    endless.extend([0; 4]);
    let inside = [frame(1, false, [0; 4], b"a"), frame(1, true, [0; 4], b"b")].concat();
    for (bytes, broken) in [
        (unmasked, Broken::Unmasked),
        (compressed, Broken::Extension),
        (endless, Broken::Length),
        (frame(3, true, [0; 4], b"a"), Broken::Kind),
        (frame(11, true, [0; 4], b"a"), Broken::Kind),
        (frame(0, true, [0; 4], b"a"), Broken::Fragment),
        (inside, Broken::Fragment),
        (frame(9, false, [0; 4], b"a"), Broken::Control),
        (frame(9, true, [0; 4], &[0; 126]), Broken::Control),
    ] {
        assert_eq!(read([bytes]).1, Err(broken));
    }
}
