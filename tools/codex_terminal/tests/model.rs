//! The screen model where no page is needed to see that it is right; the rest is in `xterm`.
#![allow(clippy::unwrap_used)]

use codex_terminal::model::Model;
use codex_terminal::screen::PAGE_SCROLLBACK_ROWS;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn config(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(5000, 7501))]

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

/// What comes line by line is drawn; what comes at once only as far as somebody can see it in the end.
fn is_drawn_the_same(screen: (u16, u16), before: &[u8], flood: &[u8]) -> Result<(), TestCaseError> {
    let (mut whole, mut lines) = (
        Model::new(screen.0, screen.1),
        Model::new(screen.0, screen.1),
    );
    for model in [&mut whole, &mut lines] {
        model.feed(before);
    }
    whole.feed(flood);
    for line in flood.split_inclusive(|byte| *byte == b'\n') {
        lines.feed(line);
    }
    prop_assert_eq!(whole.picture(), lines.picture());
    prop_assert!(whole.snapshot().bytes == lines.snapshot().bytes);
    Ok(())
}

/// Lines, moves and looks for the most part, after something that changes what they do, and between other things, few or many.
fn flood() -> impl Strategy<Value = Vec<u8>> {
    let text =
        |texts| proptest::sample::select(texts).prop_map(|text: &str| text.as_bytes().to_vec());
    let line = move |others| {
        prop_oneof![
            2000 => "[a-z ]{0,30}\r\n".prop_map(String::into_bytes),
            600 => "[a-z宽é\u{301}\u{7f}°]{1,12}".prop_map(String::into_bytes),
            700 => text(FOLLOWED),
            400 => (0u16..14, "[ABCDEFGHXP@df]").prop_map(|(count, last)| format!("\x1b[{count}{last}").into_bytes()),
            others => text(OTHERS),
        ]
    };
    let lines = prop_oneof![
        proptest::collection::vec(line(10), 1..400),
        proptest::collection::vec(line(200), 1..400),
    ];
    (text(BEFORE), lines).prop_map(|(before, lines)| [before, lines.concat()].concat())
}

const BEFORE: &[&str] = &[
    "",
    "\x1b[31m",
    "\x1b7",
    "\x1b[?45h",
    "\x1b[?7l",
    "\x1b[4h",
    "\x1b[20h",
    "\x1b(0",
    "\x1b)0\x0e",
    "\x1b[2;4r",
    "\x1b[1;7\"q",
    "\x1b]8;;http://localhost/a\x07",
];

const FOLLOWED: &[&str] = &[
    "\x1b[m",
    "\x1b(B\x1b[m",
    "\x1b[1m",
    "\x1b[1;31m",
    "\x1b[38;5;99;48;2;1;2;3m",
    "\x1b[4:3m",
    "\x1b[K",
    "\x1b[2K",
    "\x1b[J",
    "\x1b[2J",
    "\x1b[;5H",
    "\x1b[3;1H\x1b[2K",
    "\t",
    "\x08",
    "\r\x08\x08\x08",
    "\x07",
    "\x0b",
    "a\nb\nc\nd\ne\nf\ng\nh\ni",
    "\r",
    "\u{fffd}",
];

const OTHERS: &[&str] = &[
    "",
    "\x1b]2;title\x07",
    "\x1b]8;;http://localhost/a\x07link",
    "\x1b7",
    "\x1b8",
    "\x1bM",
    "\x1b[3T",
    "\x1b[4L",
    "\x1b[2S",
    "\x1b[1J",
    "\x1b[3J",
    "\x1b[5b",
    "\x1b[2;4r",
    "\x1b[r",
    "\x1b[?45h",
    "\x1b[?45l",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[?7l",
    "\x1b[?7h",
    "\x1b[4h",
    "\x1b[4l",
    "\x1b[20h",
    "\x1b[20l",
    "\x1b(0",
    "\x1b(A",
    "\x1b)0",
    "\x0e",
    "\x0f",
    "\u{84}",
    "\u{8d}",
    "\u{9b}31m",
    "\x1b[31",
    "\x1b[1\r;3m",
    "\x1b[1 q",
];

proptest! {
    #![proptest_config(config(3000, 7502))]

    // The alternate screen keeps no rows above itself, so that a few lines are a flood.
    #[test]
    fn what_scrolls_away_leaves_nothing_behind(flood in flood(), cols in 2u16..30, rows in 1u16..8) {
        is_drawn_the_same((cols, rows), b"\x1b[?1049h", &flood)?;
    }
}

proptest! {
    #![proptest_config(config(40, 7503))]

    // So wide a screen keeps few. How many left it is counted at first, for the saved cursor.
    #[test]
    fn what_scrolls_out_of_the_scrollback_leaves_nothing_behind(
        far in any::<bool>(),
        flood in flood(),
        rows in 1u16..8,
    ) {
        let before = if far { PAGE_SCROLLBACK_ROWS + 100 } else { 100 };
        is_drawn_the_same((30_000, rows), &b"\n".repeat(before), &flood)?;
    }
}

/// What is rare among random floods: rows that are counted, forgotten, or kept by moving them down.
#[test]
fn what_could_be_seen_is_drawn() {
    let lines = |from: u32, to: u32, end: &str| -> String {
        (from..to).map(|number| format!("{number}{end}")).collect()
    };
    let (few, many) = (lines(0, 2000, "\r\n"), lines(2000, 30_000, "\r\n"));
    let long = lines(0, 5000, " and what makes a line as long as most are\r\n");
    let far = "\r\n".repeat(PAGE_SCROLLBACK_ROWS + 100);
    let size = (80, 24);
    for (name, before, flood) in [
        (
            "a saved cursor goes up",
            "\x1b[5;5H\x1b7".to_owned(),
            [&*few, &many].concat(),
        ),
        (
            "the scrollback is dropped",
            format!("{far}\x1b[5;5H\x1b7"),
            [&*few, "\x1b[3J", &long].concat(),
        ),
        (
            "rows stay",
            format!("{far}before"),
            [few, lines(2000, 20_000, "\r\n\x1b[T")].concat(),
        ),
        (
            "rows stay below",
            format!("{far}before"),
            [many, lines(0, 20_000, "\r\n\x1b[H\x1b[L\x1b[24H")].concat(),
        ),
    ] {
        is_drawn_the_same(size, before.as_bytes(), flood.as_bytes())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
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
