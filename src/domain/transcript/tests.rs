//! Texts are cut where it is said, and rows of ours stand where they belong.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::language::Language;
use chrono::TimeZone as _;

fn at(second: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_opt(1_800_000_000 + second, 0).single()
}

fn row(id: &str, second: i64, what: What) -> Row {
    Row {
        id: id.to_owned(),
        at: at(second),
        ended_at: at(second),
        what,
    }
}

fn answer(text: &str) -> What {
    What::Answer {
        text: Text::beginning(text, TEXT_BYTES),
    }
}

fn turn(id: &str, second: i64, rows: Vec<Row>) -> Turn {
    Turn {
        id: id.to_owned(),
        status: "completed".to_owned(),
        started_at: at(second),
        ended_at: None,
        duration_ms: None,
        rows,
        rows_left_out: false,
    }
}

fn ask(turn_id: Option<&str>, item_id: Option<&str>, second: i64) -> OurRow {
    let what = What::Ask {
        ask_id: "ask-1".to_owned(),
        text: Text::beginning("rm -r /", TEXT_BYTES),
        decision: Some("decline".to_owned()),
        by: None,
        words: None,
    };
    OurRow {
        turn_id: turn_id.map(str::to_owned),
        item_id: item_id.map(str::to_owned),
        row: row("t/ask-1", second, what),
    }
}

#[test]
fn a_text_is_cut_between_characters_and_says_how_much_is_missing() {
    let text = Text::beginning("三省六部", 7);
    assert_eq!((text.text.as_str(), text.left_out), ("三省", 6));
    assert_eq!(text.cut, Some(Cut::End));
    let text = Text::end("三省六部", 7);
    assert_eq!((text.text.as_str(), text.left_out), ("六部", 6));
    assert_eq!(text.cut, Some(Cut::Beginning));
    let whole = Text::beginning("abc", 3);
    assert_eq!((whole.left_out, whole.cut), (0, None));
    let mut again = Text::end("abcdef", 4);
    again.shorten(2);
    assert_eq!((again.text.as_str(), again.left_out), ("ef", 4));
}

#[test]
fn a_whole_output_that_is_shortened_keeps_its_end() {
    let what = What::Command {
        command: Text::beginning("make", 100),
        cwd: String::new(),
        status: "completed".to_owned(),
        exit_code: Some(0),
        duration_ms: None,
        output: Text::end("one\ntwo\n", 100),
        output_at_limit: false,
    };
    let mut turn = turn("t", 0, vec![row("t/c", 0, what)]);
    assert_eq!(turn.bytes(), 12);
    turn.shorten(4);
    let What::Command {
        command, output, ..
    } = &turn.rows[0].what
    else {
        panic!("it is a command");
    };
    assert_eq!((command.text.as_str(), command.cut), ("make", None));
    assert_eq!((output.text.as_str(), output.left_out), ("two\n", 4));
    assert!(turn.rows[0].what.is_cut());
}

#[test]
fn rows_of_ours_stand_behind_their_item_else_by_their_time() {
    let rows = vec![
        row("t/a", 1, answer("a")),
        row("t/b", 3, answer("b")),
        row("t/end", 9, What::TurnInterrupted),
    ];
    let ids = |turn: &Turn| -> Vec<String> { turn.rows.iter().map(|it| it.id.clone()).collect() };
    for (one, expected) in [
        (
            ask(Some("t"), Some("a"), 8),
            ["t/a", "t/ask-1", "t/b", "t/end"],
        ),
        (ask(Some("t"), None, 2), ["t/a", "t/ask-1", "t/b", "t/end"]),
        (
            ask(Some("t"), Some("gone"), 5),
            ["t/a", "t/b", "t/ask-1", "t/end"],
        ),
        (ask(None, None, 20), ["t/a", "t/b", "t/ask-1", "t/end"]),
    ] {
        let mut turns = [turn("t", 0, rows.clone()), turn("s", -50, Vec::new())];
        put_in(&mut turns, vec![one]);
        assert_eq!(ids(&turns[0]), expected);
        assert!(turns[1].rows.is_empty());
    }
    let mut turns = [turn("t", 0, rows.clone())];
    put_in(
        &mut turns,
        vec![ask(None, None, -1), ask(Some("other"), None, 2)],
    );
    assert_eq!(turns[0].rows, rows, "they belong to another page");
}

#[test]
fn no_text_of_an_agent_forges_a_part_of_the_page() {
    let text = "```\n# Forged\n\u{202e}";
    let page = export::turn(
        &turn("t", 0, vec![row("t/a", 1, answer(text))]),
        Language::En,
    );
    assert!(
        page.contains("````text\n```\n# Forged\n⟨U+202E⟩\n````"),
        "{page}"
    );
    let zh = export::turn(&turn("t", 0, Vec::new()), Language::Zh);
    assert!(zh.starts_with("\n## 轮次 2027-01-15T08:00:00Z `t`"), "{zh}");
}
