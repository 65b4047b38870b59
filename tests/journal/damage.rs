//! Damaged files: torn tails, flipped bits, and files that are no journal at all.

use super::*;

#[tokio::test]
async fn a_tail_torn_at_any_byte_of_the_last_three_records_is_put_aside_and_reported() {
    let place = Places::new();
    place.filled(6).await;
    let whole = fs::read(&place.journal).unwrap();
    let ends: Vec<usize> = (0..whole.len())
        .filter(|&at| whole[at] == b'\n')
        .map(|at| at + 1)
        .collect();
    for cut in ends[ends.len() - 4]..=whole.len() {
        let torn = Places::new();
        fs::create_dir_all(torn.journal.parent().unwrap()).unwrap();
        fs::write(&torn.journal, &whole[..cut]).unwrap();
        let good = *ends.iter().rfind(|&&end| end <= cut).unwrap();
        let opened = torn.open();
        assert_eq!(opened.corrupt, None, "cut at {cut}");
        assert_eq!(
            opened.last_seq,
            ends.iter().filter(|&&end| end <= good).count() as u64 - 1
        );
        assert_eq!(fs::read(&torn.journal).unwrap(), &whole[..good]);
        assert_eq!(fs::read(&torn.copy).unwrap(), &whole[..good]);
        match opened.torn {
            None => assert_eq!(cut, good),
            Some(tail) => {
                assert_eq!(tail.bytes, (cut - good) as u64);
                assert_eq!(fs::read(&tail.moved_to).unwrap(), &whole[good..cut]);
            }
        }
    }
}

#[tokio::test]
async fn writing_goes_on_after_a_torn_tail_and_the_next_one_gets_its_own_file() {
    let place = Places::new();
    place.filled(3).await;
    for n in 1..=2 {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&place.journal)
            .unwrap();
        // Garbage with a newline is no record either.
        file.write_all(if n == 1 {
            b"{\"seq\":4,\"ts"
        } else {
            b"garbage\n"
        })
        .unwrap();
        drop(file);
        let opened = place.open();
        let aside = opened.torn.clone().unwrap().moved_to;
        assert!(
            aside
                .to_str()
                .unwrap()
                .ends_with(&format!("journal.jsonl.torn-{n}")),
            "{aside:?}"
        );
        let ledger = Ledger::start(opened, system_clock()).unwrap();
        assert_eq!(ledger.commit("person", vec![said("on")]).await, Ok(3 + n));
        ledger.close().await;
    }
    assert!(
        verify(&place.journal, Some(&place.copy))
            .unwrap()
            .is_sound()
    );
}

#[tokio::test]
async fn every_single_flipped_bit_makes_the_start_read_only_and_says_where() {
    let place = Places::new();
    let full = place.filled(4).await;
    let whole = fs::read(&place.journal).unwrap();
    let ends: Vec<usize> = (0..whole.len())
        .filter(|&at| whole[at] == b'\n')
        .map(|at| at + 1)
        .collect();
    // The second record, the last one, and the header.
    for record in [2, 4, 0] {
        let begin = if record == 0 { 0 } else { ends[record - 1] };
        for bit in begin * 8..ends[record] * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let damaged = Places::new();
            fs::create_dir_all(damaged.journal.parent().unwrap()).unwrap();
            fs::write(&damaged.journal, &bytes).unwrap();
            let opened = damaged.open();
            let corrupt = opened
                .corrupt
                .unwrap_or_else(|| panic!("bit {bit} of record {record} passed"));
            assert_eq!(
                (corrupt.line, corrupt.offset),
                (record as u64 + 1, begin as u64)
            );
            assert!(opened.state != full || record == 0);
            assert_eq!(opened.last_seq, record.saturating_sub(1) as u64);
            assert_eq!(
                fs::read(&damaged.journal).unwrap(),
                bytes,
                "nothing may be touched"
            );
            assert!(!damaged.copy.exists());
            let bad = verify(&damaged.journal, None).unwrap().bad.unwrap();
            assert_eq!((bad.line, bad.offset), (corrupt.line, corrupt.offset));
        }
    }
}

#[tokio::test]
async fn a_corrupt_journal_serves_reads_and_refuses_changes_with_a_sentence() {
    let place = Places::new();
    place.filled(5).await;
    let text = fs::read_to_string(&place.journal).unwrap();
    fs::write(&place.journal, text.replacen("number 3", "number 8", 1)).unwrap();
    let ledger = Ledger::start(place.open(), system_clock()).unwrap();
    assert_eq!(ledger.snapshot_seq(), 3);
    assert_eq!(ledger.tail(0, 100).unwrap().lines.len(), 3);
    let refused = ledger.commit("person", vec![said("no")]).await.unwrap_err();
    let TransactError::ReadOnly { reason } = &refused else {
        panic!("{refused:?}")
    };
    assert!(
        reason.starts_with("line 5 of ") && reason.contains("is damaged"),
        "{reason}"
    );
    let status = ledger.status().borrow().health.clone();
    assert_eq!(
        status,
        Health::ReadOnly {
            reason: reason.clone(),
            may_resume: false
        }
    );
    ledger.close().await;
}

#[tokio::test]
async fn what_is_no_journal_is_never_taken_for_an_empty_one() {
    let place = Places::new();
    fs::create_dir_all(place.journal.parent().unwrap()).unwrap();
    for content in [
        "some notes",
        "some notes\n",
        "{}\n{}\n",
        "{\"seq\":1,\"ts\":\"…\n",
    ] {
        fs::write(&place.journal, content).unwrap();
        assert!(place.open().corrupt.is_some(), "{content:?}");
        assert_eq!(fs::read_to_string(&place.journal).unwrap(), content);
    }
    // What a crash leaves of the very first write.
    fs::write(&place.journal, "{\"seq\":0,\"ts\":\"2026").unwrap();
    let opened = place.open();
    assert_eq!((opened.corrupt, opened.torn.unwrap().bytes), (None, 19));
    drop(opened.state);
    fs::remove_file(&place.journal).unwrap();
    fs::create_dir(&place.journal).unwrap();
    assert!(matches!(place.try_open(), Err(OpenError::Io { .. })));
}

#[tokio::test]
async fn a_sound_line_of_an_unknown_event_starts_read_only() {
    #[derive(Debug, Clone, Default)]
    struct Other;
    #[derive(Debug, Clone, Serialize, Deserialize)]
    #[serde(tag = "event", rename_all = "snake_case")]
    enum OtherEvent {
        SomethingElse,
    }
    impl Fold for Other {
        type Event = OtherEvent;
        fn apply(&mut self, _: &Record<OtherEvent>) {}
    }
    let place = Places::new();
    place.filled(1).await;
    let opened: Opened<Other> = Journal::open(&place.journal, None, &system_clock()).unwrap();
    assert!(matches!(opened.corrupt.unwrap().fault, LineFault::Event(_)));
}
