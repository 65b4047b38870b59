//! Reports that wait for a launcher. Each is kept until a launcher says that it heard it, so that none is lost with a launcher that is
//! killed; there is a bound, and what falls out is counted.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use chrono::Utc;
use tokio::sync::{mpsc, watch};

use super::report::{Report, Said, Server};
use crate::control::Event;
use crate::terminal::lock;

/// A person answers a few an hour; this is a night without a launcher.
const MAX_REPORTS: usize = 256;
/// Of all texts together.
const MAX_BYTES: usize = 1 << 20;

/// See the module.
#[derive(Default)]
pub(crate) struct Reports {
    books: Mutex<Books>,
    /// Changes when there may be something to tell.
    news: watch::Sender<()>,
}

#[derive(Default)]
struct Books {
    last_number: u64,
    kept: VecDeque<Report>,
    bytes: usize,
    lost: u64,
    /// The launcher that attended last is told; an earlier one is on its way out.
    turn: u64,
}

impl Reports {
    /// Adds one.
    pub(super) fn add(&self, connection: u64, server: Option<Server>, said: Said) {
        let mut books = self.lock();
        books.last_number += 1;
        books.bytes += said.bytes();
        let report = Report {
            number: books.last_number,
            at: Utc::now(),
            connection,
            server,
            lost: 0,
            said,
        };
        books.kept.push_back(report);
        while books.kept.len() > MAX_REPORTS || books.bytes > MAX_BYTES {
            books.forget_oldest();
            books.lost += 1;
        }
        drop(books);
        self.news.send_replace(());
    }

    /// A launcher has dealt with the reports up to this one.
    pub(crate) fn heard(&self, number: u64) {
        let mut books = self.lock();
        while books.kept.front().is_some_and(|it| it.number <= number) {
            books.forget_oldest();
        }
        drop(books);
        self.news.send_replace(());
    }

    /// How many wait for a launcher to deal with them.
    pub(crate) fn untold(&self) -> usize {
        self.lock().kept.len()
    }

    /// Tells a launcher what there is and what comes, each report once and the next one when it has dealt with it, until a newer launcher
    /// attends or this one is gone.
    pub(crate) async fn tell(&self, launcher: mpsc::Sender<Event>) {
        let mut news = self.news.subscribe();
        let turn = {
            let mut books = self.lock();
            books.turn += 1;
            books.turn
        };
        // Whoever was told until now looks whose turn it is.
        self.news.send_replace(());
        let mut told = 0;
        loop {
            let next = {
                let books = self.lock();
                if books.turn != turn {
                    return;
                }
                let oldest = books.kept.front().filter(|oldest| oldest.number > told);
                oldest.map(|oldest| Report {
                    lost: books.lost,
                    ..oldest.clone()
                })
            };
            match next {
                Some(report) => {
                    told = report.number;
                    if launcher.send(Event::Relayed(report)).await.is_err() {
                        return;
                    }
                }
                None if news.changed().await.is_err() => return,
                None => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }
}

impl Books {
    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.bytes -= oldest.said.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::report::{Outcome, Secret};
    use super::*;
    use std::sync::Arc;

    fn resumed(name: impl ToString) -> Said {
        let thread_id = name.to_string();
        Said::Resumed { thread_id }
    }

    fn attend(reports: &Arc<Reports>) -> mpsc::Receiver<Event> {
        let (launcher, heard) = mpsc::channel(1);
        let reports = Arc::clone(reports);
        tokio::spawn(async move { reports.tell(launcher).await });
        heard
    }

    async fn next(heard: &mut mpsc::Receiver<Event>) -> Report {
        match heard.recv().await {
            Some(Event::Relayed(report)) => report,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_report_is_told_once_and_kept_until_it_was_heard() {
        let reports = Arc::new(Reports::default());
        for name in ["a", "b"] {
            reports.add(1, None, resumed(name));
        }
        let mut first = attend(&reports);
        let told = next(&mut first).await;
        assert_eq!((told.number, told.said), (1, resumed("a")));
        tokio::task::yield_now().await;
        assert!(first.try_recv().is_err(), "the second waits for the first");
        reports.heard(1);
        assert_eq!(next(&mut first).await.number, 2);
        // It is killed before it has dealt with that.
        drop(first);
        let mut second = attend(&reports);
        assert_eq!(next(&mut second).await.said, resumed("b"));
        reports.heard(2);
        reports.add(2, None, resumed("c"));
        assert_eq!(next(&mut second).await.number, 3);
        // A newer launcher takes the place of an older one.
        let mut third = attend(&reports);
        assert_eq!(next(&mut third).await.number, 3);
        assert!(second.recv().await.is_none());
    }

    #[tokio::test]
    async fn what_falls_out_is_counted() {
        let reports = Arc::new(Reports::default());
        for number in 1..=MAX_REPORTS + 3 {
            reports.add(1, None, resumed(number));
        }
        let told = next(&mut attend(&reports)).await;
        assert_eq!((told.number, told.lost), (4, 3));
        let outcome = Outcome::Result(Secret::new("x".repeat(MAX_BYTES / 2)));
        for request in ["1", "2", "3"] {
            let (request, outcome) = (request.to_owned(), outcome.clone());
            reports.add(1, None, Said::Answered { request, outcome });
        }
        let books = reports.lock();
        assert_eq!(books.kept.len(), 1);
        assert_eq!(books.lost, 3 + MAX_REPORTS as u64 + 2);
        assert_eq!(books.bytes, MAX_BYTES / 2 + 1);
    }

    #[test]
    fn no_debug_output_shows_an_answer() {
        let outcome = Outcome::Result(Secret::new("hunter2".to_owned()));
        let request = "0".to_owned();
        let said = Said::Answered { request, outcome };
        let report = Report {
            number: 1,
            at: Utc::now(),
            connection: 1,
            server: None,
            lost: 0,
            said,
        };
        let shown = format!("{:?}", Event::Relayed(report.clone()));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("7 bytes"), "{shown}");
        let line = serde_json::to_string(&Event::Relayed(report.clone())).unwrap();
        assert!(
            line.starts_with(r#"{"type":"relayed","number":1,"#),
            "{line}"
        );
        assert_eq!(
            serde_json::from_str::<Event>(&line).unwrap(),
            Event::Relayed(report)
        );
    }
}
