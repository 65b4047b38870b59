//! The screen model where no page is needed to see that it is right; the rest is in `xterm`.
#![allow(clippy::unwrap_used)]

use codex_terminal::model::Model;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, rng_seed: proptest::test_runner::RngSeed::Fixed(7501), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_and_no_size_break_it(
        parts in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..200), 1u16..40, 1u16..20), 1..20),
    ) {
        let mut model = Model::new(20, 10);
        for (bytes, cols, rows) in parts {
            model.feed(&bytes);
            model.set_size(cols, rows);
            let snapshot = model.snapshot();
            prop_assert_eq!((snapshot.cols, snapshot.rows), (cols, rows));
        }
    }
}

#[test]
fn a_snapshot_inside_an_endless_string_swallows_the_rest_as_the_model_does() {
    let mut model = Model::new(20, 5);
    model.feed(b"before\x1bPq");
    for _ in 0..10 {
        model.feed(&[b'#'; 40 << 10]);
    }
    let snapshot = model.snapshot();
    assert_eq!(snapshot.offset, 6 + 3 + 10 * (40 << 10));
    let mut viewer = Model::new(20, 5);
    viewer.feed(&snapshot.bytes);
    for model in [&mut model, &mut viewer] {
        model.feed(b"####\x1b");
        model.feed(b"\\after");
        assert_eq!(model.contents(), "beforeafter");
    }
}

#[test]
fn a_sequence_that_does_not_end_is_not_kept() {
    for (begin, rest, end) in [
        ("\x1b]0;", "title ", "\x07"),
        ("\x1b[", "1;", "m"),
        ("\x1b ", "#", "0"),
        ("\x1bP", "q", "\x18"),
    ] {
        let mut model = Model::new(20, 5);
        model.feed(begin.as_bytes());
        for _ in 0..10 {
            model.feed(rest.repeat(40 << 10).as_bytes());
        }
        let snapshot = model.snapshot();
        assert!(snapshot.bytes.len() < 1000, "{begin:?}");
        let fed = begin.len() + 10 * rest.len() * (40 << 10);
        assert_eq!(snapshot.offset, fed as u64, "{begin:?}");
        let mut viewer = Model::new(20, 5);
        viewer.feed(&snapshot.bytes);
        for model in [&mut model, &mut viewer] {
            model.feed(format!("{rest}{end}after").as_bytes());
            assert_eq!(model.contents(), "after", "{begin:?}");
            assert_eq!(model.signals().title, None, "{begin:?}");
        }
    }
}

/// Half blocks in two colours out of sixteen million each, as pictures are drawn: of such looks the model keeps a table, and
/// forgets those that no cell has any more.
#[test]
fn pictures_in_ever_new_colours_keep_theirs() {
    fn picture(number: u32) -> String {
        let mut out = String::from("\x1b[H");
        for y in 0..20 {
            for x in 0..40 {
                let cell = format!("\x1b[38;2;{number};{x};{y}m\x1b[48;2;{y};{x};{number}m▀");
                out.push_str(&cell);
            }
            out.push_str("\x1b[m\r\n");
        }
        out
    }
    let mut model = Model::new(40, 21);
    for number in 0..30 {
        // In the middle of some of them the table is full.
        model.feed(picture(number).as_bytes());
        let mut other = Model::new(40, 21);
        other.feed(picture(number).as_bytes());
        assert_eq!(model.picture(), other.picture(), "{number}");
        let (snapshot, others) = (model.snapshot(), other.snapshot());
        assert!(snapshot.bytes == others.bytes, "{number}: other colours");
    }
}

/// Not among the random pieces: a cursor that was restored to outside the margins with origin mode on cannot be redrawn.
#[test]
fn origin_mode_is_in_the_snapshot() {
    let mut whole = Model::new(20, 10);
    whole.feed(b"top\x1b[3;7r\x1b[?6h\x1b[2;3Hinside");
    let mut viewer = Model::new(20, 10);
    viewer.feed(&whole.snapshot().bytes);
    for model in [&mut whole, &mut viewer] {
        model.feed(b"-on\x1b[1;1Hfirst\x1b[99;1Hlast\n\n");
        assert_eq!(model.contents(), "top\n\n\n\nlast");
    }
}

#[test]
fn scrollback_and_frames_are_in_the_snapshot() {
    let mut model = Model::new(20, 5);
    for line in 0..50 {
        model.feed(format!("line {line}\r\n").as_bytes());
    }
    model.feed(b"\x1b(0lqk\x1b(B");
    let mut viewer = Model::new(20, 5);
    viewer.feed(&model.snapshot().bytes);
    assert_eq!(viewer.contents(), "line 46\nline 47\nline 48\nline 49\n┌─┐");
    assert!(viewer.picture()[0].ends_with("46 above"));
}
