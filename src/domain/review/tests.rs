//! The rule of the gate, case by case.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::event::Event;
use crate::domain::state::State;

fn id(digit: char) -> GitId {
    GitId::parse(&digit.to_string().repeat(40)).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn staged(base: Option<char>, tree: char) -> Staged {
    Staged {
        tree: id(tree),
        base_tree: base.map(id),
        head: None,
        branch: Some("main".to_owned()),
    }
}

fn approval(base: Option<char>, tree: char) -> Event {
    let approval = Approval {
        staged: staged(base, tree),
        report_id: format!("report-{tree}"),
        report_digest: "sha256:x".to_owned(),
        files: 1,
        risks: RiskCounts::default(),
        plans: Vec::new(),
        note: None,
        by: "person".to_owned(),
    };
    Event::TreeApproved { approval }
}

fn rejection(base: Option<char>, tree: char) -> Event {
    let rejection = Rejection {
        plans: Vec::new(),
        staged: staged(base, tree),
        reason: "no".to_owned(),
        by: "person".to_owned(),
    };
    Event::TreeRejected { rejection }
}

fn unapproved(commit: &str) -> Event {
    let seen = CommitSeen {
        commit: GitId::parse(commit).unwrap(),
        tree: id('a'),
        base_tree: None,
        branch: None,
        subject: String::new(),
        report_id: None,
        older: None,
    };
    Event::CommitUnapproved {
        seen,
        mode: GateMode::Enforce,
    }
}

fn take_in(reviews: &mut Reviews, at: DateTime<Utc>, event: &Event) {
    let mut state = State::default();
    std::mem::swap(&mut state.reviews, reviews);
    state.apply(1, at, event);
    *reviews = state.reviews;
}

fn after(events: &[Event]) -> Reviews {
    let mut reviews = Reviews::default();
    for (seconds, event) in (0..).zip(events) {
        take_in(&mut reviews, at(seconds), event);
    }
    reviews
}

/// What the gate says, in one word.
fn word(reviews: &Reviews, base: Option<char>, tree: char) -> &'static str {
    let (tree, base) = (id(tree), base.map(id));
    let standing = reviews.standing(Candidate {
        tree: &tree,
        base: base.as_ref(),
    });
    let word = match standing {
        ReviewStatus::Unchanged => "unchanged",
        ReviewStatus::Approved(_) => "approved",
        ReviewStatus::Rejected(..) => "rejected",
        ReviewStatus::OtherBase(_) => "other base",
        ReviewStatus::Changed(_) => "changed",
        ReviewStatus::Unseen => "unseen",
    };
    let passes = matches!(word, "unchanged" | "approved");
    assert_eq!(standing.passes(), passes, "{word}");
    word
}

#[test]
fn exactly_what_was_approved_passes() {
    let reviews = after(&[approval(Some('a'), 'b')]);
    assert_eq!(word(&reviews, Some('a'), 'b'), "approved");
    assert_eq!(word(&reviews, Some('a'), 'c'), "changed");
    assert_eq!(word(&reviews, Some('c'), 'b'), "other base");
    assert_eq!(word(&reviews, None, 'b'), "other base");
    assert_eq!(word(&reviews, Some('c'), 'd'), "unseen");
    assert_eq!(word(&Reviews::default(), None, 'b'), "unseen");
    assert_eq!(word(&Reviews::default(), Some('b'), 'b'), "unchanged");
}

#[test]
fn the_last_word_counts() {
    let mut events = vec![approval(None, 'b'), rejection(None, 'b')];
    assert_eq!(word(&after(&events), None, 'b'), "rejected");
    events.push(approval(None, 'b'));
    assert_eq!(word(&after(&events), None, 'b'), "approved");
}

#[test]
fn approvals_that_follow_each_other_add_up_and_others_do_not() {
    let mut events = vec![approval(Some('a'), 'b'), approval(Some('b'), 'c')];
    let reviews = after(&events);
    assert_eq!(word(&reviews, Some('a'), 'c'), "approved", "both in one");
    assert_eq!(
        word(&reviews, Some('c'), 'b'),
        "other base",
        "an old state brought back"
    );
    assert_eq!(word(&reviews, Some('b'), 'a'), "changed", "not backwards");
    events.push(rejection(Some('b'), 'c'));
    assert_eq!(
        word(&after(&events), Some('a'), 'c'),
        "other base",
        "a step that was taken back carries nothing"
    );
    // A rejection of the whole is stronger than approvals of its parts.
    events.pop();
    events.push(rejection(Some('a'), 'c'));
    assert_eq!(word(&after(&events), Some('a'), 'c'), "rejected");
    // From the very first commit on.
    let reviews = after(&[approval(None, 'a'), approval(Some('a'), 'b')]);
    assert_eq!(word(&reviews, None, 'b'), "approved");
    // A circle of approvals ends.
    let reviews = after(&[approval(Some('a'), 'b'), approval(Some('b'), 'a')]);
    assert_eq!(word(&reviews, Some('d'), 'b'), "other base");
}

#[test]
fn old_decisions_are_forgotten_and_commits_that_wait_are_bounded() {
    let mut reviews = Reviews::default();
    take_in(&mut reviews, at(0), &approval(None, 'b'));
    for _ in 0..MAX_DECISIONS {
        take_in(&mut reviews, at(1), &rejection(None, 'c'));
    }
    assert_eq!(word(&reviews, None, 'b'), "unseen");
    for number in 0..=MAX_UNREVIEWED {
        take_in(&mut reviews, at(2), &unapproved(&format!("{number:040x}")));
    }
    assert_eq!(reviews.unreviewed().len(), MAX_UNREVIEWED);
    let (_, oldest) = &reviews.unreviewed()[0];
    let commit = oldest.commit.clone();
    assert!(commit.as_str().ends_with("01"));
    let older = Older {
        count: 1,
        oldest: GitId::parse(&"0".repeat(40)).unwrap(),
        more: false,
    };
    assert_eq!(
        oldest.older,
        Some(older),
        "it stands for what is not listed"
    );
    assert_eq!(reviews.unreviewed_count(), MAX_UNREVIEWED as u64 + 1);
    let reason = None;
    take_in(
        &mut reviews,
        at(3),
        &Event::CommitAccepted { commit, reason },
    );
    assert_eq!(reviews.unreviewed().len(), MAX_UNREVIEWED - 1);
    assert_eq!(reviews.unreviewed_count(), MAX_UNREVIEWED as u64 - 1);
}

#[test]
fn every_event_that_is_folded_is_named_and_survives_its_line() {
    let recorded = Event::CommitRecorded {
        seen: CommitSeen {
            commit: id('c'),
            tree: id('a'),
            base_tree: Some(id('b')),
            branch: None,
            subject: "one".to_owned(),
            report_id: Some("report-1".to_owned()),
            older: None,
        },
    };
    let accepted = Event::CommitAccepted {
        commit: id('c'),
        reason: None,
    };
    let line = serde_json::to_value(&accepted).unwrap();
    assert_eq!(line["reason"], "", "its line is as it always was");
    let moved = Event::HeadMoved {
        commit: None,
        branch: None,
    };
    let gate = Event::GateModeSet {
        mode: GateMode::Warn,
        reason: String::new(),
    };
    let events = [
        approval(None, 'b'),
        rejection(None, 'b'),
        recorded,
        unapproved(&"d".repeat(40)),
        accepted,
        moved,
        gate,
    ];
    let names = events.each_ref().map(|event| {
        let value = serde_json::to_value(event).unwrap();
        value["event"].as_str().unwrap().to_owned()
    });
    assert_eq!(names, Reviews::EVENTS);
    for event in events {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}

#[test]
fn ids_are_hexadecimal_and_nothing_else() {
    let wrong = ["", "abc", &"g".repeat(40), &"A".repeat(40), &"a".repeat(41)];
    for text in wrong {
        assert_eq!(GitId::parse(text), Err(InvalidGitId), "{text}");
    }
    assert_eq!(id('a').short(), "aaaaaaaaaaaa");
}
