//! Mending what is damaged: what is sound stays, nothing is thrown away, and the copy serves only where it is sound.

use super::*;
use zhongshu::journal::{Mend, Repair, verify};

/// Damages a byte in the text of the last record but `from_end`; the whole file as it was before.
fn damage(journal: &Path, from_end: usize) -> Vec<u8> {
    let whole = fs::read(journal).unwrap();
    let mut bytes = whole.clone();
    let ends = Vec::from_iter((0..bytes.len()).filter(|&at| bytes[at] == b'\n'));
    let begin = ends[ends.len() - 2 - from_end] + 1;
    bytes[begin + 40] ^= 1;
    fs::write(journal, bytes).unwrap();
    whole
}

#[tokio::test]
async fn a_sound_journal_and_an_unfinished_end_are_left_alone() {
    let place = Places::new();
    place.filled(4).await;
    for end in [&b""[..], b"{\"seq\":5,\"ts"] {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&place.journal)
            .unwrap();
        file.write_all(end).unwrap();
        drop(file);
        let before = fs::read(&place.journal).unwrap();
        let repair = Repair::look(&place.journal, Some(&place.copy)).unwrap();
        assert_eq!(repair.damage, None);
        assert!(repair.mend(Mend::Cut).is_err());
        assert_eq!(fs::read(&place.journal).unwrap(), before);
    }
}

#[tokio::test]
async fn what_stands_from_the_damage_on_is_cut_off_and_kept() {
    for from_end in 0..5 {
        let place = Places::new();
        place.filled(5).await;
        // The copy is damaged in the same way: there is nothing else to take.
        damage(&place.journal, from_end);
        fs::copy(&place.journal, &place.copy).unwrap();
        let damaged = fs::read(&place.journal).unwrap();
        let repair = Repair::look(&place.journal, Some(&place.copy)).unwrap();
        let damage = repair.damage.clone().unwrap();
        assert_eq!(
            (damage.lines, damage.copy_records),
            (from_end as u64 + 1, None)
        );
        assert_eq!(damage.bad.offset + damage.bytes, damaged.len() as u64);
        let kept = repair.mend(Mend::Cut).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), damaged);
        let good = &damaged[..usize::try_from(damage.bad.offset).unwrap()];
        assert_eq!(fs::read(&place.journal).unwrap(), good);
        let opened = place.open();
        assert_eq!(
            (opened.corrupt, opened.last_seq),
            (None, 4 - from_end as u64)
        );
        assert!(verify(&place.journal, None).unwrap().is_sound());
    }
}

#[tokio::test]
async fn a_sound_copy_brings_everything_back_when_it_is_chosen() {
    let place = Places::new();
    let state = place.filled(6).await;
    let whole = damage(&place.journal, 2);
    let repair = Repair::look(&place.journal, Some(&place.copy)).unwrap();
    assert_eq!(repair.damage.as_ref().unwrap().copy_records, Some(6));
    repair.mend(Mend::Copy).unwrap();
    assert_eq!(fs::read(&place.journal).unwrap(), whole);
    assert_eq!(place.open().state, state);
}

#[tokio::test]
async fn a_copy_of_something_else_or_with_less_is_not_taken() {
    for which in ["another", "shorter", "damaged", "a link", "none"] {
        let place = Places::new();
        place.filled(6).await;
        let whole = damage(&place.journal, 1);
        let other = Places::new();
        other.filled(8).await;
        match which {
            "another" => drop(fs::copy(&other.journal, &place.copy).unwrap()),
            "shorter" => fs::write(&place.copy, &whole[..whole.len() / 3]).unwrap(),
            "damaged" => drop(damage(&place.copy, 0)),
            "a link" => {
                fs::remove_file(&place.copy).unwrap();
                std::os::unix::fs::symlink(&other.copy, &place.copy).unwrap();
            }
            _ => fs::remove_file(&place.copy).unwrap(),
        }
        let before = fs::read(&place.journal).unwrap();
        let repair = Repair::look(&place.journal, Some(&place.copy)).unwrap();
        assert_eq!(
            repair.damage.as_ref().unwrap().copy_records,
            None,
            "{which}"
        );
        assert!(repair.mend(Mend::Copy).is_err(), "{which}");
        assert_eq!(fs::read(&place.journal).unwrap(), before, "{which}");
    }
}

#[tokio::test]
async fn a_copy_that_changed_after_the_look_is_not_taken() {
    let place = Places::new();
    place.filled(6).await;
    let whole = damage(&place.journal, 2);
    let before = fs::read(&place.journal).unwrap();
    let ends = Vec::from_iter((0..whole.len()).filter(|&at| whole[at] == b'\n'));
    let shorter = whole[..=ends[ends.len() - 2]].to_vec();
    let mut flipped = whole.clone();
    flipped[ends[ends.len() - 2] + 40] ^= 1;
    for changed in [shorter, flipped] {
        fs::write(&place.copy, &whole).unwrap();
        let repair = Repair::look(&place.journal, Some(&place.copy)).unwrap();
        fs::write(&place.copy, &changed).unwrap();
        assert!(repair.mend(Mend::Copy).is_err());
        assert_eq!(fs::read(&place.journal).unwrap(), before);
        let left = fs::read_dir(place.journal.parent().unwrap()).unwrap();
        assert_eq!(left.count(), 1, "nothing is left beside it");
    }
}

#[tokio::test]
async fn nobody_mends_what_a_server_writes() {
    let place = Places::new();
    let ledger = place.start();
    assert!(matches!(
        Repair::look(&place.journal, None),
        Err(OpenError::Locked { .. })
    ));
    ledger.close().await;
}
