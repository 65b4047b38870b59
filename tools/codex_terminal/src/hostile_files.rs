//! What stands in place of a log is neither written nor shown, whatever a hostile program made of it.
#![allow(clippy::unwrap_used)]

use crate::{file_source, transcript::Transcript};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder for a log, and a file beside it that nobody may touch.
fn ground() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (log, victim) = (dir.path().join("logs/t.log"), dir.path().join("victim"));
    fs::create_dir(dir.path().join("logs")).unwrap();
    fs::write(&victim, "precious").unwrap();
    (dir, log, victim)
}

/// Neither written nor shown, and nobody waits.
fn is_refused(log: &Path) {
    let log = log.to_owned();
    let (done, wait) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let written = Transcript::open(&log, 100).and_then(|mut it| it.write(b"more"));
        let shown = file_source::open(&log);
        done.send((written.is_err(), shown.is_err())).unwrap();
    });
    let refused = wait.recv_timeout(Duration::from_secs(20));
    assert_eq!(refused.expect("it hangs"), (true, true));
}

#[test]
fn an_ordinary_file_is_opened() {
    let (_dir, log, _) = ground();
    let mut transcript = Transcript::open(&log, 100).unwrap();
    transcript.write(b"text").unwrap();
    assert_eq!(
        file_source::open(&log).unwrap().metadata().unwrap().len(),
        4
    );
}

#[test]
fn links_to_a_file_are_refused() {
    let (_dir, log, victim) = ground();
    symlink(&victim, &log).unwrap();
    is_refused(&log);
    fs::remove_file(&log).unwrap();
    fs::hard_link(&victim, &log).unwrap();
    is_refused(&log);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_link_to_a_folder_is_refused() {
    let (dir, log, _) = ground();
    let elsewhere = dir.path().join("elsewhere");
    fs::rename(dir.path().join("logs"), &elsewhere).unwrap();
    symlink(&elsewhere, dir.path().join("logs")).unwrap();
    is_refused(&log);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_fifo_is_refused_with_and_without_its_other_end() {
    let (_dir, log, _) = ground();
    let made = std::process::Command::new("mkfifo").arg(&log).status();
    assert!(made.unwrap().success());
    is_refused(&log);
    let _other_end = File::options().read(true).write(true).open(&log).unwrap();
    is_refused(&log);
}
