//! The screen model: a snapshot taken anywhere, plus the rest of the stream, is the same terminal.
#![allow(clippy::unwrap_used)]

use codex_terminal::model::Model;
use proptest::prelude::*;

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed = [
        "\x1b7",
        "\x1b8",
        "\x1bM",
        "\x1bD",
        "\x1bE",
        "\x1b[s",
        "\x1b[u",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[?25l",
        "\x1b[?25h",
        "\x1b[?1h",
        "\x1b[?2004h",
        "\x1b[?2004l",
        "\x1b[?1000h",
        "\x1b[?1003h",
        "\x1b[?1003l",
        "\x1b[?1006h",
        "\x1b[?1004h",
        // Without wrapping, wide characters and marks at the margin leave halves that cannot be drawn again.
        "\x1b[?7labc\x1b[999Cxyz\x1b[?7h",
        "\x1b[r",
        "\x1b[m",
        "\x1b[1;3;4;7m",
        "\x1b[31;48;5;200m",
        "\x1b[38;2;1;2;3m",
        "\x1b[2J",
        "\x1b[J",
        "\x1b[1K",
        "\x1b[K",
        "\x1b[2L",
        "\x1b[M",
        "\x1b[3P",
        "\x1b[2@",
        "\x1b[3X",
        "\x1b[2S",
        "\x1b[T",
        "\x1b(0",
        "\x1b(B",
        "\x1b)0",
        "\x0e",
        "\x0f",
        "\x1b]2;name\x07",
        "\x1b]0;名 x\x1b\\",
        "\x1b]7501;state=working\x07",
        "\x1b[4 q",
        "\x1b=",
        "\x1b>",
        "\x1bP1$qm\x1b\\",
        "\r\n",
        "\r\n",
        "\r",
        "\x08",
        "\t",
        "\x1b[>7u",
        "\x1b[c",
        "\x1b[6n",
        "\x1b[?2026h",
        "\x1b[!p",
        "\x1b[4h",
        "\x1b[4l",
        "\x1b[?1048h",
        "\x1b[?1048l",
    ];
    prop_oneof![
        4 => "[a-z ]{1,30}".prop_map(String::into_bytes),
        2 => "[qxl宽度é🙂\u{301}ё]{1,12}".prop_map(String::into_bytes),
        6 => proptest::sample::select(fixed.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        2 => (1u16..14, 1u16..24).prop_map(|(row, col)| format!("\x1b[{row};{col}H").into_bytes()),
        1 => (1u16..6, 3u16..12).prop_map(|(top, bottom)| format!("\x1b[{top};{bottom}r").into_bytes()),
        1 => Just(b"line\r\nline\r\nline\r\nline\r\n".to_vec()),
    ]
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn compare(viewer: &Model, whole: &Model, what: &str) -> Result<(), TestCaseError> {
    let (viewer, whole) = (viewer.picture(), whole.picture());
    if viewer != whole {
        let lines = viewer
            .iter()
            .zip(&whole)
            .filter(|(viewer, whole)| viewer != whole);
        let lines: Vec<_> = lines
            .map(|(viewer, whole)| format!("viewer {viewer}\n whole {whole}"))
            .collect();
        return Err(TestCaseError::fail(format!("{}\n{what}", lines.join("\n"))));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, rng_seed: proptest::test_runner::RngSeed::Fixed(7501), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_at_any_byte_and_the_rest_are_the_whole(
        pieces in proptest::collection::vec(piece(), 1..60),
        cut in any::<prop::sample::Index>(),
        chunk in 1usize..40,
    ) {
        let stream = pieces.concat();
        let cut = cut.index(stream.len() + 1);
        let mut whole = Model::new(20, 10);
        for part in stream[..cut].chunks(chunk) {
            whole.feed(part);
        }
        let snapshot = whole.snapshot();
        prop_assert!(snapshot.offset as usize <= cut);
        let mut viewer = Model::new(20, 10);
        viewer.feed(b"\xe2\x80\x1b]0;in the middle of something");
        viewer.feed(&snapshot.bytes);
        compare(&viewer, &whole, &format!("at once, after {}\n{}", text(&stream[..cut]), text(&snapshot.bytes)))?;
        whole.feed(&stream[cut..]);
        viewer.feed(&stream[snapshot.offset as usize..]);
        compare(&viewer, &whole, &format!("later, after {} and {}", text(&stream[..cut]), text(&stream[cut..])))?;
    }

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
