//! More than anybody expects: thousands of commits at once, logs of many lines, a history that cannot be read. Nothing hides in
//! them, and the person hears of it when nobody can look.

use super::rig::Ground;
use super::unwatched::{commit_and_leave, wait_read};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

/// A commit on `branch`; `changes` says what of its parent's files. Each stands on the one before it.
pub fn commit(branch: &str, second: usize, message: &str, changes: &str) -> String {
    format!(
        "commit refs/heads/{branch}\ncommitter mei <mei@localhost> {} +0000\ndata {}\n{message}\n{changes}\n",
        1_800_000_000 + second,
        message.len(),
    )
}

fn subjects(ground: &Ground, event: &str) -> Vec<String> {
    let events = ground.events(event);
    let subject = |it: &Value| it["subject"].as_str().unwrap().to_owned();
    events.iter().map(subject).collect()
}

#[test]
fn one_commit_that_nobody_approved_hides_below_no_number_of_empty_ones() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    let bad = "from refs/heads/main^0\nM 644 inline src/a.rs\ndata 4\nbad\n";
    let mut stream = commit("flood", 0, "bad", bad);
    for number in 1..=5_001 {
        stream += &commit("flood", number, "empty", "");
    }
    ground.import(&stream);
    ground.git(&["update-ref", "HEAD", "flood"]).ok();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(subjects(&ground, "commit_unapproved"), ["bad"]);
    let told = ground.events("commit_unapproved");
    assert_eq!(told[0]["older"], Value::Null);
    let passed = ground.events("commit_recorded");
    assert_eq!(passed.len(), 201);
    assert_eq!(passed[0]["older"]["count"], 4_800);
    assert_eq!(ground.get("/api/status")["unapproved_commits"], 1);
}

#[test]
fn a_first_start_after_an_earlier_version_takes_no_old_commit_for_a_new_one() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    let log = ground.path(".git/logs/HEAD");
    let seen = fs::read_to_string(&log).unwrap();
    commit_and_leave(&ground, "amended long ago");
    let old = fs::read_to_string(&log).unwrap()[seen.len()..].to_owned();
    // It stands before the last place that was seen, and the earlier version wrote down no place.
    fs::write(&log, old + &seen).unwrap();
    fs::remove_file(ground.state().join("head_log")).unwrap();
    let server = ground.serve();
    wait_read(&ground);
    assert_eq!(subjects(&ground, "commit_unapproved"), [""; 0]);
    server.stop();
    commit_and_leave(&ground, "left since");
    let _server = ground.serve();
    let told = ground.wait_for("the commit", || ground.events("commit_unapproved").pop());
    assert_eq!(told["subject"], "left since");
}

#[test]
fn the_list_of_what_was_there_holds_no_name_of_what_is_gone() {
    let ground = Ground::guarded();
    let head = ground.git(&["rev-parse", "HEAD"]).ok();
    let mut lines = String::new();
    for number in 0..1_000 {
        let gone = format!("{number:040x}");
        writeln!(lines, "{head} {gone} mei <m@x> 1 +0000\treset: moving").unwrap();
        writeln!(lines, "{gone} {head} mei <m@x> 1 +0000\treset: moving").unwrap();
    }
    fs::write(ground.path(".git/logs/HEAD"), lines).unwrap();
    let _server = ground.serve();
    wait_read(&ground);
    let kept = fs::read_to_string(ground.state().join("commits_before")).unwrap();
    assert_eq!(kept.lines().collect::<Vec<_>>(), [head.as_str()]);
}

#[test]
fn a_watch_that_cannot_look_says_so_until_it_can() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    ground.wait_head();
    let warned = || {
        let status = ground.get("/api/status");
        let warnings = status["warnings"].as_array().unwrap().clone();
        let about = |it: &Value| it.as_str().unwrap().contains("watches for commits");
        warnings.iter().any(about)
    };
    assert!(!warned());
    let references = ground.path(".git/packed-refs");
    fs::write(&references, "these are no references\n").unwrap();
    ground.wait_for("a warning", || warned().then_some(()));
    fs::remove_file(&references).unwrap();
    ground.wait_for("no warning", || (!warned()).then_some(()));
}
