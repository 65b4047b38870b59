//! The server's model of the screen is what the page shows: both get the same output, and every cell, cursor and mode
//! is compared, also after a snapshot of the model has taken the place of what came before.
#![allow(clippy::unwrap_used)]

mod compare;
mod named;
mod peer;
mod programs;
mod streams;

use std::cell::RefCell;
use std::ops::Range;

use codex_terminal::screen::PAGE_SCROLLBACK_ROWS;
use compare::same;
use peer::{Peer, Step};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The page's terminal is the same as the peer's: versions and options.
#[test]
fn the_peer_is_set_up_like_the_page() {
    let package = include_str!("../../package.json");
    let package: serde_json::Value = serde_json::from_str(package).unwrap();
    let page = &package["dependencies"]["@xterm/xterm"];
    assert_eq!(&package["devDependencies"]["@xterm/headless"], page);
    let screen = include_str!("../../static/screen.js");
    let scrollback = format!("scrollback: {PAGE_SCROLLBACK_ROWS},");
    for option in [
        scrollback.as_str(),
        "cursorBlink: true,",
        "activeVersion = \"11\";",
    ] {
        assert!(screen.contains(option), "{option}");
    }
    // Whoever adds one that changes what is kept in the buffer adds it to the peer.
    for option in [
        "convertEol",
        "windowsPty",
        "reflowCursorLine",
        "scrollOnEraseInDisplay",
        "windowOptions",
    ] {
        assert!(!screen.contains(option), "{option}");
    }
}

/// How many random streams; more of them by hand.
const STREAMS: &str = "CODEX_TERMINAL_STREAMS";
const DEFAULT_STREAMS: u32 = 400;

fn config(seed: u64) -> ProptestConfig {
    let named = |name: &str| std::env::var(name).ok().map(|value| value.parse().unwrap());
    ProptestConfig {
        cases: named(STREAMS).unwrap_or(DEFAULT_STREAMS),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

thread_local! {
    // One for all streams of a test: they are many.
    static PEER: RefCell<Peer> = RefCell::new(Peer::start());
}

/// A stream in pieces, with changes of size between them.
fn steps(
    piece: impl Strategy<Value = Vec<u8>>,
    rows: Range<u16>,
) -> impl Strategy<Value = Vec<Step>> {
    let size = (2u16..30, rows).prop_map(|(cols, rows)| Step::Resize(cols, rows));
    let step = prop_oneof![30 => piece.prop_map(Step::Write), 1 => size];
    proptest::collection::vec(step, 1..60)
}

/// The same stream, cut at other places.
fn cut_anew(steps: Vec<Step>, chunk: usize) -> Vec<Step> {
    let mut cut = Vec::new();
    let mut bytes = Vec::new();
    let flush = |bytes: &mut Vec<u8>, cut: &mut Vec<Step>| {
        cut.extend(bytes.chunks(chunk).map(|piece| Step::Write(piece.to_vec())));
        bytes.clear();
    };
    for step in steps {
        match step {
            Step::Write(piece) => bytes.extend(piece),
            other => {
                flush(&mut bytes, &mut cut);
                cut.push(other);
            }
        }
    }
    flush(&mut bytes, &mut cut);
    cut
}

#[test]
fn every_sequence_by_name() {
    let mut peer = Peer::start();
    for (name, stream) in named::all() {
        let steps: Vec<_> = stream
            .chunks(7)
            .map(|piece| Step::Write(piece.to_vec()))
            .collect();
        for size in [(20, 10), (3, 2)] {
            same(&mut peer, size, &steps, None).unwrap_or_else(|error| {
                panic!("{name}, {size:?}: {}\n{error}", stream.escape_ascii());
            });
        }
    }
}

/// What real programs print, at a size that changes on the way, with a snapshot in the middle and at the end.
#[test]
fn real_programs() {
    let mut peer = Peer::start();
    for (name, output) in programs::outputs() {
        let middle = output.len() / 2;
        let pieces = |bytes: &[u8]| -> Vec<_> {
            bytes
                .chunks(1000)
                .map(|piece| Step::Write(piece.to_vec()))
                .collect()
        };
        let (before, after) = (pieces(&output[..middle]), pieces(&output[middle..]));
        let steps = [&before[..], &[Step::Resize(61, 19)], &after].concat();
        for cut in [before.len(), steps.len()] {
            same(&mut peer, programs::SIZE, &steps, Some(cut))
                .unwrap_or_else(|error| panic!("{name}, {} bytes: {error}", output.len()));
        }
    }
}

/// Nothing joins a character that was printed before a change of size: which one, no snapshot can tell.
fn unjoined(steps: Vec<Step>) -> Vec<Step> {
    let apart = |step| match step {
        Step::Resize(..) => vec![Step::Write(b"\x1b[?0h".to_vec()), step],
        other => vec![other],
    };
    steps.into_iter().flat_map(apart).collect()
}

proptest! {
    #![proptest_config(config(6211))]

    #[test]
    fn the_same_output_makes_the_same_screen(steps in steps(streams::peculiar(), 1..14), chunk in 1usize..60) {
        let steps = cut_anew(steps, chunk);
        PEER.with_borrow_mut(|peer| same(peer, (20, 10), &steps, None))?;
    }
}

proptest! {
    #![proptest_config(config(6212))]

    // In a single row no text can be made to go on from a row above: that row is gone already.
    #[test]
    fn a_snapshot_and_what_follows_make_the_same_screen(
        steps in steps(streams::piece(), 2..14),
        chunk in 1usize..60,
        cut in any::<prop::sample::Index>(),
    ) {
        let steps = cut_anew(unjoined(steps), chunk);
        let cut = cut.index(steps.len() + 1);
        PEER.with_borrow_mut(|peer| same(peer, (20, 10), &steps, Some(cut)))?;
    }
}
