//! The rules of a transcript, one by one, and what holds whatever is put together.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn row(id: &str, turn: &str, kind: &str) -> TranscriptEntry {
    TranscriptEntry {
        message_id: id.to_owned(),
        turn_id: turn.to_owned(),
        role: match kind {
            "userMessage" => Role::User,
            "agentMessage" => Role::Assistant,
            _ => Role::System,
        },
        kind: kind.to_owned(),
        content: id.to_owned(),
        details: None,
        started_at: None,
        completed_at: None,
        status: RowStatus::Complete,
    }
}

fn at(row: TranscriptEntry, time: i64) -> TranscriptEntry {
    TranscriptEntry {
        started_at: Some(time),
        ..row
    }
}

fn behind(row: TranscriptEntry, anchor: &str) -> TranscriptEntry {
    TranscriptEntry {
        details: Some(json!({ "anchorItemId": anchor }).to_string()),
        ..row
    }
}

/// A question at 10, a command at 20, an answer at 30.
fn turn(id: &str, begins: i64) -> Turn {
    let item = |name: &str, kind: &str, after: i64| {
        at(row(&format!("{id}-{name}"), id, kind), begins + after)
    };
    Turn {
        id: id.to_owned(),
        is_over: true,
        started_at: Some(begins),
        stored: vec![
            item("question", "userMessage", 10),
            item("command", "commandExecution", 20),
            item("answer", "agentMessage", 30),
        ],
        ..Turn::default()
    }
}

fn ids(rows: &[TranscriptEntry]) -> Vec<&str> {
    rows.iter().map(|it| it.message_id.as_str()).collect()
}

#[test]
fn rows_of_ours_stand_where_they_happened() {
    let own = vec![
        row("no time", "t", "note"),
        at(row("late", "t", "note"), 25),
        at(row("early", "t", "note"), 1),
        behind(at(row("anchored", "t", "note"), 99), "t-question"),
        behind(row("anchored too", "t", "note"), "t-question"),
        behind(at(row("astray", "t", "note"), 35), "nowhere"),
    ];
    let rows = transcript(vec![turn("t", 0)], own, true, &HashSet::new());
    let expected = [
        "early",
        "t-question",
        "anchored",
        "anchored too",
        "t-command",
        "late",
        "no time",
        "t-answer",
        "astray",
    ];
    let mut found = ids(&rows);
    // What has no time was written first, and stands right before the answer or the note that came there later.
    let answer = found.iter().position(|it| *it == "t-answer").unwrap();
    found[answer - 2..answer].sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn what_belongs_to_no_turn_stands_between_them() {
    let own = vec![
        at(row("after", NO_TURN, "note"), 300),
        at(row("between", NO_TURN, "note"), 50),
        at(row("before", "", "note"), -5),
    ];
    let turns = || vec![turn("a", 0), turn("b", 100)];
    let all = transcript(turns(), own.clone(), true, &HashSet::new());
    assert_eq!(
        ids(&all),
        [
            "before",
            "a-question",
            "a-command",
            "a-answer",
            "between",
            "b-question",
            "b-command",
            "b-answer",
            "after"
        ]
    );
    // It belongs to a turn that is not shown.
    let newest = transcript(turns(), own, false, &HashSet::new());
    assert!(!ids(&newest).contains(&"before"));
}

#[test]
fn rows_of_a_turn_that_was_taken_back_go_with_it() {
    let own = vec![row("gone", "reverted", "note"), row("kept", "t", "note")];
    let rows = transcript(vec![turn("t", 0)], own, true, &HashSet::new());
    assert!(ids(&rows).contains(&"kept") && !ids(&rows).contains(&"gone"));
}

#[test]
fn of_two_accounts_the_farther_one_holds_then_the_longer_one() {
    let account = |status, details: Option<&str>, content: &str| TranscriptEntry {
        status,
        details: details.map(str::to_owned),
        content: content.to_owned(),
        ..row("t-answer", "t", "agentMessage")
    };
    let (a, b) = (RowStatus::Complete, RowStatus::Error);
    let short = account(a, Some("{}"), "long content");
    for (first, second) in [
        (account(a, Some("{\"x\":1}"), "c"), account(b, None, "")),
        (short.clone(), account(a, Some("{\"x\":1}"), "c")),
        (account(a, Some("{}"), "c"), short),
        (
            account(RowStatus::Streaming, Some("{\"x\":1}"), "c"),
            account(RowStatus::Canceled, None, ""),
        ),
    ] {
        for (stored, heard) in [(&first, &second), (&second, &first)] {
            let turn = Turn {
                id: "t".to_owned(),
                stored: vec![stored.clone()],
                heard: vec![heard.clone()],
                ..Turn::default()
            };
            let rows = transcript(vec![turn], Vec::new(), true, &HashSet::new());
            assert_eq!(rows, std::slice::from_ref(&second));
        }
    }
}

#[test]
fn a_made_up_id_gives_way_to_an_item_of_the_same_kind() {
    let heard = vec![
        row("item-1", "t", "agentMessage"),
        row("item-2", "t", "agentMessage"),
        row("item-3", "t", "reasoning"),
    ];
    let with = |heard: Vec<TranscriptEntry>, own| {
        let turn = Turn {
            heard,
            ..turn("t", 0)
        };
        let rows = transcript(vec![turn], own, true, &HashSet::new());
        let mut ids: Vec<String> = rows.into_iter().map(|it| it.message_id).collect();
        ids.sort_unstable();
        ids
    };
    let expected = ["item-2", "item-3", "t-answer", "t-command", "t-question"];
    assert_eq!(with(heard.clone(), Vec::new()), expected);
    let own = vec![
        row("item-1", "t", "agentMessage"),
        row("item-x", "t", "agentMessage"),
    ];
    let expected = ["item-x", "t-answer", "t-command", "t-question"];
    assert_eq!(with(Vec::new(), own), expected);
}

#[test]
fn nothing_of_a_turn_that_is_over_still_comes() {
    let streams = |id: &str| TranscriptEntry {
        status: RowStatus::Streaming,
        ..row(id, "t", "agentMessage")
    };
    for is_over in [true, false] {
        let turn = Turn {
            id: "t".to_owned(),
            is_over,
            stored: vec![streams("a")],
            heard: vec![streams("b")],
            ..Turn::default()
        };
        let rows = transcript(vec![turn], vec![streams("c")], true, &HashSet::new());
        let expected = match is_over {
            true => RowStatus::Canceled,
            false => RowStatus::Streaming,
        };
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|it| it.status == expected), "{rows:?}");
    }
}

#[test]
fn a_row_of_a_job_that_goes_on_still_comes_when_its_turn_is_over() {
    let of_job = |id: &str| TranscriptEntry {
        status: RowStatus::Streaming,
        details: Some(json!({ "jobId": id }).to_string()),
        ..row(id, "t", "note")
    };
    let at_work = HashSet::from([JobId("goes on".to_owned())]);
    let own = vec![of_job("goes on"), of_job("is over")];
    let rows = transcript(vec![turn("t", 0)], own, true, &at_work);
    let status = |id: &str| rows.iter().find(|it| it.message_id == id).unwrap().status;
    assert_eq!(status("goes on"), RowStatus::Streaming);
    assert_eq!(status("is over"), RowStatus::Canceled);
}

fn any_row() -> impl Strategy<Value = TranscriptEntry> {
    let id = prop_oneof![
        (0..6_u8).prop_map(|n| format!("m{n}")),
        (0..4_u8).prop_map(|n| format!("item-{n}"))
    ];
    let turn = prop_oneof![
        (0..4_u8).prop_map(|n| format!("t{n}")),
        Just(NO_TURN.to_owned()),
        Just(String::new())
    ];
    let kind = prop_oneof![Just("userMessage"), Just("agentMessage"), Just("note")];
    let status = prop_oneof![
        Just(RowStatus::Streaming),
        Just(RowStatus::Complete),
        Just(RowStatus::Canceled),
        Just(RowStatus::Error)
    ];
    let anchor = proptest::option::of(0..6_u8);
    let time = proptest::option::of(0..400_i64);
    (id, turn, kind, status, time, anchor).prop_map(|(id, turn, kind, status, time, anchor)| {
        TranscriptEntry {
            status,
            started_at: time,
            details: anchor.map(|n| json!({ "anchorItemId": format!("m{n}") }).to_string()),
            ..row(&id, &turn, kind)
        }
    })
}

fn any_turns() -> impl Strategy<Value = Vec<Turn>> {
    let rows = || proptest::collection::vec(any_row(), 0..6);
    let turn = (rows(), rows(), any::<bool>());
    proptest::collection::vec(turn, 0..3).prop_map(|turns| {
        let numbered = turns.into_iter().enumerate();
        numbered
            .map(|(number, (stored, heard, is_over))| {
                let id = format!("t{number}");
                // Codex names an item once in all turns of a thread.
                let own = |rows: Vec<TranscriptEntry>| {
                    let named = rows.into_iter().map(|it| TranscriptEntry {
                        message_id: match is_synthetic(&it) {
                            true => it.message_id.clone(),
                            false => format!("{id}{}", it.message_id),
                        },
                        turn_id: id.clone(),
                        ..it
                    });
                    once(named.collect())
                };
                Turn {
                    is_over,
                    started_at: Some(100 * number as i64),
                    stored: own(stored),
                    heard: own(heard),
                    id: id.clone(),
                    end: None,
                }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn whatever_comes_it_is_one_row_each_in_the_order_of_the_turns(
        turns in any_turns(),
        own in proptest::collection::vec(any_row(), 0..10),
        is_all: bool,
    ) {
        let rows = transcript(turns.clone(), own.clone(), is_all, &HashSet::new());
        // Once within its turn.
        let mut seen = HashSet::new();
        for row in &rows {
            prop_assert!(seen.insert((row.turn_id.clone(), row.message_id.clone())), "{row:?} is there twice");
        }
        // Codex's order stays.
        for turn in &turns {
            let place = |row: &TranscriptEntry| {
                rows.iter().position(|it| it.turn_id == turn.id && it.message_id == row.message_id)
            };
            let real = turn.stored.iter().filter(|it| !is_synthetic(it));
            let places: Vec<_> = real.map(place).collect();
            prop_assert!(places.iter().all(Option::is_some), "a stored row is lost");
            prop_assert!(places.is_sorted(), "stored rows changed places");
            let open = rows.iter().any(|it| it.turn_id == turn.id && it.status == RowStatus::Streaming);
            prop_assert!(!(turn.is_over && open), "something still streams");
        }
        // Turns follow each other.
        let of_turns = rows.iter().filter(|it| turns.iter().any(|turn| turn.id == it.turn_id));
        let order: Vec<_> = of_turns.map(|it| it.turn_id.clone()).collect();
        prop_assert!(order.is_sorted(), "{order:?}");
        // Of turns that are not there is nothing.
        let is_known = |it: &TranscriptEntry| {
            it.turn_id.is_empty() || it.turn_id == NO_TURN || turns.iter().any(|turn| turn.id == it.turn_id)
        };
        prop_assert!(rows.iter().all(is_known));
        prop_assert_eq!(transcript(turns, own, is_all, &HashSet::new()), rows);
    }
}
