//! The audit copy: agents can write there, so it is compared, mended and never trusted.

use super::*;
use std::os::unix::fs::symlink;

fn copies_beside(place: &Places) -> Vec<PathBuf> {
    let folder = fs::read_dir(place.copy.parent().unwrap()).unwrap();
    let mut found: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path != &place.copy);
    found.sort();
    found
}

fn same(place: &Places) -> bool {
    fs::read(&place.journal).unwrap() == fs::read(&place.copy).unwrap()
}

#[tokio::test]
async fn a_copy_that_lags_is_completed_from_any_byte() {
    let place = Places::new();
    place.filled(4).await;
    let whole = fs::read(&place.journal).unwrap();
    for len in (0..whole.len()).step_by(41) {
        fs::write(&place.copy, &whole[..len]).unwrap();
        let report = verify(&place.journal, Some(&place.copy)).unwrap();
        let bytes = (whole.len() - len) as u64;
        assert_eq!(report.copy, CopyVerdict::Behind { bytes });
        assert_eq!(place.open().copy, CopyOutcome::Completed { bytes });
        assert!(same(&place));
    }
    assert_eq!(copies_beside(&place), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_copy_that_differs_is_moved_aside_and_written_anew() {
    let place = Places::new();
    place.filled(4).await;
    let whole = fs::read_to_string(&place.journal).unwrap();
    let forged = whole.replacen("number 3", "number 7", 1);
    let longer = format!("{whole}{{\"forged\":true}}\n");
    for (n, content) in [forged, longer].into_iter().enumerate() {
        fs::write(&place.copy, &content).unwrap();
        let report = verify(&place.journal, Some(&place.copy)).unwrap();
        assert!(!report.is_sound());
        assert_eq!(report.copy, CopyVerdict::Differs { line: 5 + n as u64 });
        let CopyOutcome::Diverged { moved_to } = place.open().copy else {
            panic!("{n}")
        };
        assert!(
            moved_to.to_str().unwrap().contains("audit.jsonl.diverged-"),
            "{moved_to:?}"
        );
        assert_eq!(fs::read_to_string(moved_to).unwrap(), content);
        assert!(same(&place));
        assert_eq!(copies_beside(&place).len(), n + 1, "nothing is overwritten");
    }
}

#[tokio::test]
async fn links_and_folders_in_the_place_of_the_copy_are_moved_aside_unfollowed() {
    let place = Places::new();
    place.filled(4).await;
    let victim = place.journal.with_file_name("victim");
    // A victim that even holds the right beginning.
    let begin = fs::read(&place.journal).unwrap()[..50].to_vec();
    fs::write(&victim, &begin).unwrap();
    for kind in 0..4 {
        fs::remove_file(&place.copy).unwrap();
        match kind {
            0 => symlink(&victim, &place.copy).unwrap(),
            1 => symlink("/nonexistent/dangling", &place.copy).unwrap(),
            2 => fs::hard_link(&victim, &place.copy).unwrap(),
            _ => fs::create_dir(&place.copy).unwrap(),
        }
        let report = verify(&place.journal, Some(&place.copy)).unwrap();
        assert!(kind == 2 || !report.is_sound(), "{report:?}");
        assert!(
            matches!(place.open().copy, CopyOutcome::Diverged { .. }),
            "kind {kind}"
        );
        assert!(same(&place));
        assert_eq!(fs::read(&victim).unwrap(), begin);
    }
    assert!(!Path::new("/nonexistent").exists());
}

#[tokio::test]
async fn a_copy_changed_while_running_is_mended_once_and_never_stops_a_commit() {
    let place = Places::new();
    let ledger = place.start();
    ledger.commit("person", vec![said("one")]).await.unwrap();
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(&place.copy)
        .unwrap();
    file.write_all(b"{\"forged\":1}\n").unwrap();
    ledger.commit("person", vec![said("two")]).await.unwrap();
    let outcome = ledger.status().borrow().copy.clone();
    assert!(
        matches!(outcome, CopyOutcome::Diverged { .. }),
        "{outcome:?}"
    );
    assert!(same(&place));
    // The second time within a minute it is reported, left alone, and mended by the next start.
    fs::remove_file(&place.copy).unwrap();
    for text in ["three", "four"] {
        ledger.commit("person", vec![said(text)]).await.unwrap();
        let outcome = ledger.status().borrow().copy.clone();
        assert!(matches!(outcome, CopyOutcome::Failed { .. }), "{outcome:?}");
    }
    assert_eq!(ledger.status().borrow().health, Health::Writable);
    ledger.close().await;
    let missing = verify(&place.journal, Some(&place.copy)).unwrap();
    assert_eq!(
        (missing.copy.clone(), missing.is_sound()),
        (CopyVerdict::Missing, false)
    );
    assert_eq!(place.open().copy, CopyOutcome::Created);
    assert!(same(&place));
}

#[tokio::test]
async fn a_copy_that_cannot_be_written_is_reported_and_the_ledger_works() {
    let place = Places::new();
    let blocked = place.copy.parent().unwrap().to_owned();
    fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    fs::write(&blocked, "a file where the folder should be").unwrap();
    let opened = place.open();
    assert!(matches!(opened.copy, CopyOutcome::Failed { .. }));
    let ledger = Ledger::start(opened, system_clock()).unwrap();
    ledger.commit("person", vec![said("fine")]).await.unwrap();
    fs::remove_file(&blocked).unwrap();
    ledger
        .commit("person", vec![said("still fine")])
        .await
        .unwrap();
    ledger.close().await;
    assert_eq!(place.open().last_seq, 2);
    assert!(same(&place));
}
