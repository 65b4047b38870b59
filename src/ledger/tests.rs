//! Faults that a real file cannot be made to show on demand: a failing sync, a full disk that frees up
//! while nobody writes, a journal that another program touches.
#![allow(clippy::unwrap_used)]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::*;
use crate::journal::{Appender, Journal, Medium, Record, system_clock, verify};

#[derive(Debug, Clone, Default, PartialEq)]
struct Notes(Vec<String>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Note {
    Noted { text: String },
}

impl Fold for Notes {
    type Event = Note;
    fn apply(&mut self, record: &Record<Note>) {
        let Note::Noted { text } = &record.event;
        self.0.push(text.clone());
    }
}

#[derive(Default)]
struct Faults {
    full: AtomicBool,
    sync_fails: AtomicBool,
    cut_fails: AtomicBool,
    syncs: AtomicUsize,
    /// Of a write that fails, this much arrives nevertheless.
    partial: AtomicUsize,
}

struct Faulty(File, Arc<Faults>);

impl Medium for Faulty {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.1.full.load(Ordering::SeqCst) {
            let arrived = self.1.partial.load(Ordering::SeqCst).min(bytes.len());
            Write::write_all(&mut self.0, &bytes[..arrived])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Write::write_all(&mut self.0, bytes)
    }
    fn sync_data(&mut self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        if self.1.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.0.sync_data()
    }
    fn sync_all(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        if self.1.cut_fails.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.0.set_len(len)
    }
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        Medium::read_exact_at(&self.0, buffer, offset)
    }
    fn facts(&self) -> io::Result<(u64, u64)> {
        self.0.facts()
    }
    fn reserve(&self, _: u64, _: u64) -> io::Result<()> {
        match self.1.full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

struct Rig {
    dir: TempDir,
    faults: Arc<Faults>,
    ledger: Ledger<Notes>,
}

impl Rig {
    fn journal(&self) -> PathBuf {
        self.dir.path().join("journal.jsonl")
    }
}

fn rig() -> Rig {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("journal.jsonl");
    let mut opened = Journal::open::<Notes>(&path, None, &system_clock()).unwrap();
    let tip = *opened.appender.take().unwrap().tip();
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .open(&path)
        .unwrap();
    let faults = Arc::new(Faults::default());
    let medium = Faulty(file, Arc::clone(&faults));
    opened.appender = Some(Appender::new(Box::new(medium), tip));
    let ledger = Ledger::start(opened, system_clock()).unwrap();
    Rig {
        dir,
        faults,
        ledger,
    }
}

fn note(text: &str) -> Vec<Note> {
    vec![Note::Noted {
        text: text.to_owned(),
    }]
}

fn read_only(result: Result<u64, TransactError<Infallible>>) -> String {
    match result {
        Err(TransactError::ReadOnly { reason }) => reason,
        other => panic!("expected read-only, got {other:?}"),
    }
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_shown_or_tried_again() {
    let rig = rig();
    let ledger = &rig.ledger;
    ledger.commit("a", note("kept")).await.unwrap();
    let mut subscription = ledger.subscribe(None).unwrap();
    rig.faults.sync_fails.store(true, Ordering::SeqCst);
    let reason = read_only(ledger.commit("a", note("lost")).await);
    assert!(reason.contains("could not be synced"), "{reason}");
    rig.faults.sync_fails.store(false, Ordering::SeqCst);
    let syncs = rig.faults.syncs.load(Ordering::SeqCst);
    assert_eq!(read_only(ledger.commit("a", note("later")).await), reason);
    assert_eq!(
        rig.faults.syncs.load(Ordering::SeqCst),
        syncs,
        "no second try"
    );
    let may_resume = false;
    assert_eq!(
        ledger.status().borrow().health,
        Health::ReadOnly { reason, may_resume }
    );
    assert_eq!(ledger.read(Notes::clone), Notes(vec!["kept".into()]));
    assert_eq!(subscription.try_recv(), Ok(None));
    ledger.close().await;
    let opened = Journal::open::<Notes>(&rig.journal(), None, &system_clock()).unwrap();
    assert_eq!(opened.state, Notes(vec!["kept".into()]));
}

#[tokio::test]
async fn a_decision_after_a_failed_batch_does_not_see_what_failed() {
    let rig = rig();
    rig.faults.full.store(true, Ordering::SeqCst);
    rig.faults.partial.store(17, Ordering::SeqCst);
    read_only(rig.ledger.commit("a", note("failed")).await);
    let seen = rig
        .ledger
        .transact("a", |notes: &Notes| Ok::<_, ()>((vec![], notes.clone())));
    assert_eq!(seen.await, Ok(Notes::default()));
    rig.ledger.close().await;
    let report = verify(&rig.journal(), None).unwrap();
    assert_eq!((report.records, report.is_sound()), (0, true), "{report:?}");
}

#[tokio::test]
async fn a_full_disk_gets_well_without_anybody_trying() {
    let rig = rig();
    let mut status = rig.ledger.status();
    rig.faults.full.store(true, Ordering::SeqCst);
    read_only(rig.ledger.commit("a", note("too much")).await);
    let ill = |status: &Status| {
        matches!(
            status.health,
            Health::ReadOnly {
                may_resume: true,
                ..
            }
        )
    };
    assert!(ill(&status.borrow_and_update()));
    rig.faults.full.store(false, Ordering::SeqCst);
    let well = status.wait_for(|status| status.health == Health::Writable);
    let well = tokio::time::timeout(Duration::from_secs(60), well).await;
    well.expect("still read-only after a minute").unwrap();
    assert_eq!(rig.ledger.commit("a", note("fits")).await, Ok(1));
    rig.ledger.close().await;
}

#[tokio::test]
async fn a_piece_that_cannot_be_taken_back_ends_writing_for_good() {
    let rig = rig();
    rig.ledger.commit("a", note("kept")).await.unwrap();
    rig.faults.partial.store(30, Ordering::SeqCst);
    rig.faults.full.store(true, Ordering::SeqCst);
    rig.faults.cut_fails.store(true, Ordering::SeqCst);
    let reason = read_only(rig.ledger.commit("a", note("half")).await);
    assert!(reason.contains("restart zhongshu"), "{reason}");
    rig.faults.full.store(false, Ordering::SeqCst);
    rig.faults.cut_fails.store(false, Ordering::SeqCst);
    assert_eq!(
        read_only(rig.ledger.commit("a", note("later")).await),
        reason
    );
    rig.ledger.close().await;
    let opened = Journal::open::<Notes>(&rig.journal(), None, &system_clock()).unwrap();
    assert_eq!(opened.torn.unwrap().bytes, 30);
    assert_eq!(opened.state, Notes(vec!["kept".into()]));
}

#[tokio::test]
async fn a_journal_that_another_program_touches_is_not_written_any_more() {
    for deleted in [true, false] {
        let rig = rig();
        rig.ledger.commit("a", note("kept")).await.unwrap();
        if deleted {
            std::fs::remove_file(rig.journal()).unwrap();
        } else {
            let mut file = OpenOptions::new().append(true).open(rig.journal()).unwrap();
            Write::write_all(&mut file, b"foreign\n").unwrap();
        }
        let reason = read_only(rig.ledger.commit("a", note("more")).await);
        assert!(reason.contains("by another program"), "{reason}");
        rig.ledger.close().await;
    }
}

#[tokio::test]
async fn what_was_queued_before_the_close_is_done_and_what_comes_after_is_refused() {
    let rig = rig();
    let queued: Vec<_> = (0..200)
        .map(|n| {
            let ledger = rig.ledger.clone();
            tokio::spawn(async move { ledger.commit("a", note(&n.to_string())).await })
        })
        .collect();
    tokio::task::yield_now().await;
    rig.ledger.close().await;
    let mut done = 0;
    for commit in queued {
        match commit.await.unwrap() {
            Ok(_) => done += 1,
            Err(TransactError::Closed) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(done > 0);
    assert_eq!(
        rig.ledger.commit("a", note("late")).await,
        Err(TransactError::Closed)
    );
    rig.ledger.close().await;
    assert_eq!(verify(&rig.journal(), None).unwrap().records, done);
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_writer_and_its_subscribers() {
    let Rig { dir, ledger, .. } = rig();
    let mut subscription = ledger.subscribe(None).unwrap();
    ledger.commit("a", note("last")).await.unwrap();
    let mut status = ledger.status();
    drop(ledger);
    let end = async { while status.changed().await.is_ok() {} };
    let end = tokio::time::timeout(Duration::from_secs(60), end).await;
    end.expect("the writer still runs after a minute");
    assert_eq!(subscription.recv().await.unwrap().seq(), 1);
    assert_eq!(subscription.recv().await, Err(SubscribeError::Closed));
    let path = dir.path().join("journal.jsonl");
    assert!(Journal::open::<Notes>(&path, None, &system_clock()).is_ok());
}
