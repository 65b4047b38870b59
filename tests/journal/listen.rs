//! Listening: subscriptions, catching up, paging and following.

use super::*;
use std::collections::HashSet;

use futures_util::TryStreamExt;

fn small_backlog(place: &Places, records: usize) -> Ledger<Hall> {
    Ledger::start_with(place.open(), system_clock(), 16, records).unwrap()
}

async fn commit_many(ledger: &Ledger<Hall>, count: usize) {
    let events = (0..count).map(|n| said(format!("n{n}"))).collect();
    ledger.commit("person", events).await.unwrap();
}

#[tokio::test]
async fn a_subscriber_gets_each_record_once_with_its_very_line() {
    let place = Places::new();
    let ledger = place.start();
    commit_many(&ledger, 3).await;
    let mut from_one = ledger.subscribe(Some(1)).unwrap();
    let mut from_now = ledger.subscribe(None).unwrap();
    assert_eq!(from_now.try_recv(), Ok(None));
    commit_many(&ledger, 2).await;
    let lines = place.lines();
    for (subscription, first) in [(&mut from_one, 2), (&mut from_now, 4)] {
        for seq in first..=5 {
            let entry = within("a record", subscription.recv()).await.unwrap();
            assert_eq!(entry.seq(), seq);
            assert_eq!(*entry.line, lines[seq as usize]);
            assert_eq!(Entry::parse(&entry.line).unwrap(), *entry);
        }
        assert_eq!(subscription.try_recv(), Ok(None));
        assert_eq!(subscription.after(), 5);
    }
    assert_eq!(
        ledger.subscribe(Some(6)).err(),
        Some(SubscribeError::Ahead { after: 6, last: 5 })
    );
    ledger.close().await;
    let end = within("the end", from_now.recv()).await;
    assert_eq!(end, Err(SubscribeError::Closed));
}

#[tokio::test]
async fn a_burst_larger_than_any_queue_reaches_a_healthy_subscriber_whole() {
    let place = Places::new();
    let ledger = place.start();
    let mut subscription = ledger.subscribe(None).unwrap();
    commit_many(&ledger, 3000).await;
    for seq in 1..=3000 {
        assert_eq!(subscription.recv().await.unwrap().seq(), seq);
    }
    ledger.close().await;
}

#[tokio::test]
async fn a_slow_subscriber_is_told_and_comes_back_without_a_loss() {
    let place = Places::new();
    let ledger = small_backlog(&place, 10);
    let mut slow = ledger.subscribe(None).unwrap();
    let mut quick = ledger.subscribe(None).unwrap();
    commit_many(&ledger, 4).await;
    assert_eq!(slow.recv().await.unwrap().seq(), 1);
    for _ in 0..6 {
        while quick.try_recv().unwrap().is_some() {}
        if quick.after() < 44 {
            commit_many(&ledger, 8).await;
        }
    }
    assert_eq!(quick.after(), 44, "others are not held up");
    // What it had taken is still given, then the reason.
    for seq in 2..=4 {
        assert_eq!(slow.recv().await.unwrap().seq(), seq);
    }
    let lagged = SubscribeError::Lagged {
        after: 4,
        first: 35,
    };
    assert_eq!(slow.recv().await, Err(lagged));
    assert_eq!(ledger.subscribe(Some(slow.after())).err(), Some(lagged));
    let mut back = ledger.catch_up(slow.after()).unwrap();
    for seq in 5..=44 {
        assert_eq!(back.next().await.unwrap().unwrap().seq(), seq);
    }
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn catching_up_under_concurrent_writes_has_no_gap_and_no_duplicate() {
    let place = Places::new();
    // So small that every reader has to go to the file and back many times.
    let ledger = small_backlog(&place, 20);
    commit_many(&ledger, 700).await;
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for n in 0..150 {
                    commit_many(&ledger, 1 + n % 5).await;
                }
            })
        })
        .collect();
    let last = 700 + 4 * 150 * 3;
    let readers: Vec<_> = (0..6)
        .map(|reader| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let after = reader * 140;
                let mut records = std::pin::pin!(ledger.catch_up(after).unwrap().into_stream());
                let mut expected = after + 1;
                while expected <= last {
                    let entry = records.try_next().await.unwrap().expect("not closed yet");
                    assert_eq!(entry.seq(), expected);
                    // Only what is durable and in the published state is ever shown.
                    assert!(ledger.snapshot_seq() >= expected);
                    expected += 1;
                    if reader == 5 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for task in writers.into_iter().chain(readers) {
        within("a task", task).await.unwrap();
    }
    let mut at_end = ledger.catch_up(last).unwrap();
    ledger.close().await;
    assert_eq!(within("the end", at_end.next()).await.unwrap(), None);
}

#[tokio::test]
async fn a_state_and_its_seq_belong_together() {
    let place = Places::new();
    let ledger = place.start();
    let writer = tokio::spawn({
        let ledger = ledger.clone();
        async move {
            for _ in 0..200 {
                commit_many(&ledger, 3).await;
            }
        }
    });
    while !writer.is_finished() {
        ledger.read_at(|hall, seq| assert_eq!(hall.last_seq, seq));
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    ledger.close().await;
}

#[tokio::test]
async fn pages_begin_where_asked_for_in_a_long_journal() {
    let place = Places::new();
    let ledger = place.start();
    for _ in 0..4 {
        commit_many(&ledger, 1000).await;
    }
    // One record that is longer than the distance at which searching ends.
    let long = said("x".repeat(300_000));
    ledger.commit("person", vec![long]).await.unwrap();
    commit_many(&ledger, 1000).await;
    let last = 5001;
    assert!(fs::metadata(&place.journal).unwrap().len() > 1_000_000);
    let lines = place.lines();
    for after in (0..=last)
        .step_by(67)
        .chain([1, 3999, 4000, 4001, 4002, last])
    {
        let page = ledger.tail(after, 3).unwrap();
        let expected: Vec<_> = (after + 1..=last).take(3).collect();
        assert_eq!(
            page.lines.iter().map(|line| line.seq).collect::<Vec<_>>(),
            expected
        );
        for line in &page.lines {
            assert_eq!(*line.text, lines[line.seq as usize]);
        }
        assert_eq!(page.more, after + 3 < last);
    }
    assert!(matches!(
        ledger.tail(last + 1, 1),
        Err(TailError::Ahead {
            after: 5002,
            last: 5001
        })
    ));
    assert_eq!(tail(&place.copy, last - 1, 9).unwrap().lines.len(), 1);
    assert!(matches!(
        tail(Path::new("/nonexistent/journal"), 0, 1),
        Err(TailError::Io { .. })
    ));
    ledger.close().await;
}

#[tokio::test]
async fn a_page_says_where_it_meets_damage() {
    let place = Places::new();
    place.filled(5).await;
    let mut lines = place.lines();
    lines.remove(3);
    fs::write(&place.journal, lines.join("\n") + "\n").unwrap();
    let Err(TailError::Damaged { after, fault, .. }) = tail(&place.journal, 0, 9) else {
        panic!("a missing line went unnoticed");
    };
    assert_eq!(
        (after, fault),
        (
            2,
            LineFault::Sequence {
                expected: 3,
                found: 4
            }
        )
    );
}

#[tokio::test]
async fn following_gives_whole_new_lines_only() {
    let place = Places::new();
    let ledger = place.start();
    commit_many(&ledger, 5).await;
    let mut follower = follow(&place.copy, 2);
    let seqs = |page: zhongshu::journal::Tail| page.lines.iter().map(|l| l.seq).collect::<Vec<_>>();
    let first = follower.poll(2).unwrap();
    assert!(first.more);
    assert_eq!(seqs(first), [3, 4]);
    assert_eq!(seqs(follower.poll(9).unwrap()), [5]);
    assert_eq!(seqs(follower.poll(9).unwrap()), [0; 0]);
    commit_many(&ledger, 1).await;
    ledger.close().await;
    // Half a line, as while another process is in the middle of its write.
    let whole = fs::read(&place.copy).unwrap();
    fs::write(&place.copy, &whole[..whole.len() - 20]).unwrap();
    assert_eq!(seqs(follower.poll(9).unwrap()), [0; 0]);
    fs::write(&place.copy, &whole).unwrap();
    assert_eq!(seqs(follower.poll(9).unwrap()), [6]);
    assert_eq!(follower.after(), 6);
}

#[tokio::test]
async fn the_backlog_is_bounded_in_bytes_too() {
    let place = Places::new();
    let ledger = place.start();
    for _ in 0..6 {
        let large = said("y".repeat(700_000));
        ledger.commit("person", vec![large]).await.unwrap();
    }
    let lagged = ledger.subscribe(Some(0)).err().unwrap();
    assert_eq!(lagged, SubscribeError::Lagged { after: 0, first: 5 });
    let mut all = ledger.catch_up(0).unwrap();
    let mut seen = HashSet::new();
    while seen.len() < 6 {
        assert!(seen.insert(all.next().await.unwrap().unwrap().seq()));
    }
    ledger.close().await;
}
