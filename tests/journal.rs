//! Journal, ledger and hub together, on real files and with real processes that are really killed.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use zhongshu::hub::SubscribeError;
use zhongshu::journal::{
    Clock, CopyOutcome, CopyVerdict, Entry, Fold, Journal, LineFault, OpenError, Opened, Record,
    TailError, follow, system_clock, tail, verify,
};
use zhongshu::ledger::{Health, Ledger, TransactError};

#[path = "journal/copy.rs"]
mod copy;
#[path = "journal/crash.rs"]
mod crash;
#[path = "journal/damage.rs"]
mod damage;
#[path = "journal/listen.rs"]
mod listen;
#[path = "journal/repair.rs"]
mod repair;
#[path = "journal/snapshot.rs"]
mod snapshot;

/// A toy state: numbered seats that can be taken once, and a log of what was said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Hall {
    seats: BTreeMap<u32, String>,
    said: Vec<(u64, String)>,
    last_seq: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Happening {
    SeatTaken { seat: u32, by: String },
    SeatLeft { seat: u32 },
    ThingSaid { text: String },
    FaultPlanted,
}

impl Fold for Hall {
    type Event = Happening;

    fn apply(&mut self, record: &Record<Happening>) {
        assert_eq!(record.seq, self.last_seq + 1, "records come in order");
        match &record.event {
            Happening::SeatTaken { seat, by } => {
                self.seats.insert(*seat, by.clone());
            }
            Happening::SeatLeft { seat } => {
                self.seats.remove(seat);
            }
            Happening::ThingSaid { text } => self.said.push((record.seq, text.clone())),
            Happening::FaultPlanted => {
                self.seats.clear();
                panic!("planted");
            }
        }
        self.last_seq = record.seq;
    }
}

fn said(text: impl Into<String>) -> Happening {
    Happening::ThingSaid { text: text.into() }
}

struct Places {
    _dir: TempDir,
    journal: PathBuf,
    copy: PathBuf,
}

impl Places {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self {
            journal: dir.path().join("state/journal.jsonl"),
            copy: dir.path().join("repo/.tmp/codex_governance_audit.jsonl"),
            _dir: dir,
        }
    }

    fn open(&self) -> Opened<Hall> {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Opened<Hall>, OpenError> {
        Journal::open(&self.journal, Some(&self.copy), &system_clock())
    }

    fn start(&self) -> Ledger<Hall> {
        Ledger::start(self.open(), system_clock()).unwrap()
    }

    /// A journal with some records of different kinds, closed.
    async fn filled(&self, records: usize) -> Hall {
        let ledger = self.start();
        for n in 0..records {
            let event = match n % 3 {
                0 => said(format!("number {n} 中书省 \u{1b}[31m\n")),
                1 => Happening::SeatTaken {
                    seat: n as u32,
                    by: "menxia".into(),
                },
                _ => Happening::SeatLeft { seat: n as u32 - 1 },
            };
            ledger.commit("person", vec![event]).await.unwrap();
        }
        let state = ledger.read(Hall::clone);
        ledger.close().await;
        state
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.journal).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .unwrap_or_else(|_| panic!("{what} took more than a minute"))
}

#[tokio::test]
async fn state_is_there_again_after_a_restart_and_the_copy_is_identical() {
    let place = Places::new();
    let before = place.filled(30).await;
    assert_eq!(before.last_seq, 30);
    let opened = place.open();
    assert_eq!(opened.state, before);
    assert_eq!(
        (opened.last_seq, opened.torn, opened.corrupt),
        (30, None, None)
    );
    assert_eq!(opened.copy, CopyOutcome::Identical);
    assert_eq!(
        fs::read(&place.journal).unwrap(),
        fs::read(&place.copy).unwrap()
    );

    let report = verify(&place.journal, Some(&place.copy)).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.records, report.copy), (30, CopyVerdict::Identical));

    use std::os::unix::fs::PermissionsExt;
    for file in [&place.journal, &place.copy] {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let folder = fs::metadata(place.journal.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_line_is_one_json_object_in_the_documented_order() {
    let place = Places::new();
    place.filled(2).await;
    let lines = place.lines();
    assert_eq!(lines.len(), 3, "header and two records");
    for (seq, line) in lines.iter().enumerate() {
        assert!(
            line.starts_with(&format!(r#"{{"seq":{seq},"ts":""#)),
            "{line}"
        );
        assert!(line.chars().all(|c| !c.is_control()), "{line}");
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let prev = if seq == 0 {
            "0".repeat(64)
        } else {
            let before: serde_json::Value = serde_json::from_str(&lines[seq - 1]).unwrap();
            before["hash"].as_str().unwrap().to_owned()
        };
        assert_eq!(value["prev"], prev);
    }
    assert!(lines[0].contains(r#""event":"journal_created","format":1"#));
    let entry = Entry::<Happening>::parse(&lines[1]).unwrap();
    assert_eq!(entry.record.event, said("number 0 中书省 \u{1b}[31m\n"));
    assert_eq!(entry.record.actor, "person");
}

#[tokio::test]
async fn a_second_writer_is_refused_while_the_first_is_open() {
    let place = Places::new();
    let ledger = place.start();
    assert!(matches!(place.try_open(), Err(OpenError::Locked { .. })));
    ledger.close().await;
    place.open();
}

#[tokio::test]
async fn of_two_racers_exactly_one_takes_the_seat() {
    let place = Places::new();
    let ledger = place.start();
    for seat in 0..50 {
        let racers = (0..8).map(|n| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let by = format!("racer {n}");
                let event = Happening::SeatTaken {
                    seat,
                    by: by.clone(),
                };
                let decide = move |hall: &Hall| match hall.seats.get(&seat) {
                    Some(holder) => Err(holder.clone()),
                    None => Ok((vec![event], by)),
                };
                ledger.transact("racer", decide).await
            })
        });
        let mut won = Vec::new();
        let mut lost_to = Vec::new();
        for racer in racers.collect::<Vec<_>>() {
            match within("a racer", racer).await.unwrap() {
                Ok(name) => won.push(name),
                Err(TransactError::Refused(holder)) => lost_to.push(holder),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!(lost_to, vec![won[0].clone(); 7], "losers see who won");
        assert_eq!(
            ledger.read(|hall| hall.seats.get(&seat).cloned()),
            won.pop()
        );
    }
    assert_eq!(ledger.snapshot_seq(), 50);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_are_all_durable_and_share_syncs() {
    let place = Places::new();
    let ledger = place.start();
    let writers: Vec<_> = (0..64)
        .map(|writer| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    let seq = ledger
                        .commit("w", vec![said(format!("{writer}/{n}"))])
                        .await
                        .unwrap();
                    // Acknowledged means published.
                    assert!(ledger.snapshot_seq() >= seq);
                }
            })
        })
        .collect();
    for writer in writers {
        within("a writer", writer).await.unwrap();
    }
    let live = ledger.read(Hall::clone);
    ledger.close().await;
    let opened = place.open();
    assert_eq!(opened.state, live);
    assert_eq!(opened.last_seq, 64 * 20);
    for writer in 0..64 {
        let of_writer = format!("{writer}/");
        let own: Vec<_> = live
            .said
            .iter()
            .filter(|(_, text)| text.starts_with(&of_writer))
            .collect();
        let expected: Vec<_> = (0..20).map(|n| format!("{writer}/{n}")).collect();
        assert_eq!(
            own.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>(),
            expected
        );
    }
}

#[tokio::test]
async fn a_decision_that_panics_and_an_event_that_cannot_be_applied_change_nothing() {
    let place = Places::new();
    let ledger = place.start();
    let taken = Happening::SeatTaken {
        seat: 1,
        by: "x".into(),
    };
    ledger.commit("person", vec![taken]).await.unwrap();
    let decide = |_: &Hall| -> Result<(Vec<Happening>, ()), ()> { panic!("on purpose") };
    assert_eq!(
        ledger.transact("person", decide).await,
        Err(TransactError::Panicked)
    );
    // Its first event would be fine, and applying the second one first spoils the state.
    let events = vec![said("part"), Happening::FaultPlanted];
    assert_eq!(
        ledger.commit("person", events).await,
        Err(TransactError::Panicked)
    );
    let seats = |hall: &Hall| Ok::<_, ()>((vec![], hall.clone()));
    let next = ledger.transact("person", seats).await.unwrap();
    assert_eq!(
        next,
        ledger.read(Hall::clone),
        "the writer's own state is whole again"
    );
    assert_eq!((next.seats.len(), next.last_seq), (1, 1));
    assert_eq!(ledger.commit("person", vec![said("after")]).await, Ok(2));
    ledger.close().await;
    assert_eq!(place.open().last_seq, 2);
}

#[tokio::test]
async fn time_never_runs_backwards_in_the_journal() {
    let place = Places::new();
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let hands = Arc::clone(&now);
    let clock: Clock =
        Arc::new(move || DateTime::<Utc>::from_timestamp(hands.load(Ordering::SeqCst), 0).unwrap());
    let opened = Journal::open::<Hall>(&place.journal, None, &clock).unwrap();
    let ledger = Ledger::start(opened, clock.clone()).unwrap();
    let mut subscription = ledger.subscribe(None).unwrap();
    let mut seen = Vec::new();
    for second in [1_800_000_010, 1_700_000_000, 1_800_000_005, 1_800_000_020] {
        now.store(second, Ordering::SeqCst);
        ledger.commit("person", vec![said("tick")]).await.unwrap();
        seen.push(subscription.recv().await.unwrap().record.ts.timestamp());
    }
    assert_eq!(
        seen,
        [1_800_000_010, 1_800_000_010, 1_800_000_010, 1_800_000_020]
    );
    ledger.close().await;
    // Nor over a restart.
    now.store(5, Ordering::SeqCst);
    let opened = Journal::open::<Hall>(&place.journal, None, &clock).unwrap();
    let ledger = Ledger::start(opened, clock).unwrap();
    ledger.commit("person", vec![said("tick")]).await.unwrap();
    let last = ledger.tail(4, 1).unwrap().lines[0]
        .entry::<Happening>()
        .unwrap();
    assert_eq!(last.record.ts.timestamp(), 1_800_000_020);
    ledger.close().await;
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (0..8_u32, any::<String>()).prop_map(|(seat, by)| Happening::SeatTaken { seat, by }),
        (0..8_u32).prop_map(|seat| Happening::SeatLeft { seat }),
        any::<String>().prop_map(said),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_in_any_number_of_sittings_gives_the_state_that_was_live(
        sittings in prop::collection::vec(prop::collection::vec(happening(), 0..6), 1..4),
        actor in any::<String>(),
    ) {
        let place = Places::new();
        let mut expected = Hall::default();
        for events in &sittings {
            let opened = place.open();
            prop_assert_eq!((&opened.torn, &opened.corrupt), (&None, &None));
            prop_assert_eq!(&opened.state, &expected);
            let ledger = Ledger::start(opened, system_clock()).unwrap();
            let events = events.clone();
            ledger.transact_blocking(actor.clone(), move |_| Ok::<_, ()>((events, ()))).unwrap();
            expected = ledger.read(Hall::clone);
            ledger.close_blocking();
        }
        prop_assert_eq!(&place.open().state, &expected);
        // apply(all) == apply(a) then apply(b), with the records themselves.
        let records: Vec<Record<Happening>> = tail(&place.journal, 0, 99).unwrap().lines.iter()
            .map(|line| line.entry().unwrap().record).collect();
        let all: Vec<_> = sittings.concat();
        prop_assert_eq!(records.iter().map(|record| record.event.clone()).collect::<Vec<_>>(), all);
        for cut in 0..=records.len() {
            let mut state = Hall::default();
            records[..cut].iter().for_each(|record| state.apply(record));
            let mut resumed = state.clone();
            records[cut..].iter().for_each(|record| resumed.apply(record));
            prop_assert_eq!(&resumed, &expected);
        }
        let text = fs::read_to_string(&place.journal).unwrap();
        prop_assert_eq!(text.lines().count(), records.len() + 1);
    }
}
