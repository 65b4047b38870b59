//! Commits that come by the hundred: each is judged, the newest are listed, and the count of all is right.

use zhongshu::domain::event::Event;
use zhongshu::domain::flow::reviews::{MAX_LISTED, NewCommit, commits_seen};
use zhongshu::domain::review::{CommitSeen, GateMode, GitId, Older};
use zhongshu::domain::state::State;

fn id(number: usize) -> GitId {
    GitId::parse(&format!("{number:040x}")).unwrap()
}

/// Every third leaves the tree as it was, which needs no approval.
fn commits(count: usize) -> Vec<NewCommit> {
    let commit = |number: usize| NewCommit {
        seen: CommitSeen {
            commit: id(number),
            tree: id(1_000 + number),
            base_tree: number.is_multiple_of(3).then(|| id(1_000 + number)),
            branch: None,
            subject: String::new(),
            report_id: None,
            older: None,
        },
        previous_tree: None,
    };
    (1..=count).map(commit).collect()
}

fn told(mode: GateMode, count: usize, beyond: Option<CommitSeen>) -> Vec<(bool, CommitSeen)> {
    let mut state = State::default();
    state.reviews.pinned = Some(mode);
    let (events, ()) = commits_seen(&state, commits(count), beyond).unwrap();
    let seen = events.into_iter().map(|event| match event {
        Event::CommitRecorded { seen } => (true, seen),
        Event::CommitUnapproved { seen, .. } => (false, seen),
        other => panic!("{other:?}"),
    });
    seen.collect()
}

#[test]
fn of_many_commits_the_older_share_a_line_and_every_one_is_counted() {
    let count = |told: &[(bool, CommitSeen)], passed: bool| -> u64 {
        let of = told.iter().filter(|(it, _)| *it == passed);
        of.map(|(_, seen)| seen.count()).sum()
    };
    let few = told(GateMode::Enforce, MAX_LISTED, None);
    assert_eq!(few.len(), MAX_LISTED);
    assert!(few.iter().all(|(_, seen)| seen.older.is_none()));
    let many = told(GateMode::Enforce, 450, None);
    assert_eq!(many.len(), MAX_LISTED + 2);
    assert_eq!((count(&many, true), count(&many, false)), (150, 300));
    let names = |(passed, seen): &(bool, CommitSeen)| {
        let oldest = seen.older.as_ref().unwrap().oldest.clone();
        (*passed, seen.commit.clone(), oldest)
    };
    assert_eq!(names(&many[0]), (true, id(249), id(3)));
    assert_eq!(names(&many[1]), (false, id(250), id(1)));
    assert_eq!(many[2].1.commit, id(251));
    // What nobody judges was not approved either, as long as the gate stands.
    let beyond = CommitSeen {
        older: Some(Older {
            count: 6_999,
            oldest: id(9_999),
            more: true,
        }),
        ..commits(3).remove(2).seen
    };
    let more = told(GateMode::Enforce, 450, Some(beyond.clone()));
    assert_eq!((count(&more, true), count(&more, false)), (150, 7_300));
    assert_eq!(names(&more[1]), (false, id(250), id(9_999)));
    assert!(more[1].1.older.as_ref().is_some_and(|it| it.more));
    let off = told(GateMode::Off, 450, Some(beyond.clone()));
    assert_eq!((off.len(), count(&off, true)), (MAX_LISTED + 1, 7_450));
    // Also when everything that was judged passes, and when nothing could be judged.
    for judged in [0, 1] {
        let mut state = State::default();
        state.reviews.pinned = Some(GateMode::Warn);
        let empty = commits(3).split_off(3 - judged);
        let (events, ()) = commits_seen(&state, empty, Some(beyond.clone())).unwrap();
        assert_eq!(events.len(), 1 + judged);
        let Event::CommitUnapproved { seen, .. } = &events[0] else {
            panic!("{events:?}");
        };
        assert_eq!((seen.commit.clone(), seen.count()), (id(3), 7_000));
    }
}
