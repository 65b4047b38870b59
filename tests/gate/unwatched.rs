//! What HEAD did while nobody watched: its log tells, wherever HEAD stands by now, however much it was, and whatever of the
//! log was read before.

use super::floods::commit;
use super::rig::Ground;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;

/// A hook of ours leaves no note of such a commit.
const NO_HOOKS: [&str; 2] = ["-c", "core.hooksPath=/dev/null"];

fn unhooked(ground: &Ground, words: &[&str]) -> String {
    ground.git(&[&NO_HOOKS[..], words].concat()).ok()
}

/// Commits without hooks and leaves the commit again.
pub(crate) fn commit_and_leave(ground: &Ground, name: &str) {
    ground.stage("src/a.rs", &format!("{name}\n"));
    unhooked(ground, &["commit", "-q", "-m", name]);
    unhooked(ground, &["reset", "-q", "--hard", "HEAD^"]);
}

fn unapproved(ground: &Ground) -> Vec<String> {
    let events = ground.events("commit_unapproved");
    let subject = |it: &Value| it["subject"].as_str().unwrap().to_owned();
    events.iter().map(subject).collect()
}

#[track_caller]
fn wait_unapproved(ground: &Ground, expected: &[&str]) {
    ground.wait_for("the commits that nobody approved", || {
        (unapproved(ground).len() >= expected.len()).then_some(())
    });
    assert_eq!(unapproved(ground), expected);
}

/// Waits for a look that has read HEAD's log to its end.
#[track_caller]
pub(crate) fn wait_read(ground: &Ground) {
    let log = ground.path(".git/logs/HEAD");
    ground.wait_for("a look at HEAD's log", || {
        let kept = fs::read(ground.state().join("head_log")).ok()?;
        let kept: Value = serde_json::from_slice(&kept).ok()?;
        (kept["offset"] == fs::metadata(&log).unwrap().len()).then_some(())
    });
}

#[test]
fn a_commit_that_head_left_again_while_nobody_watched_was_made_here() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    commit_and_leave(&ground, "left");
    let server = ground.serve();
    wait_unapproved(&ground, &["left"]);
    server.kill();
    let server = ground.serve();
    commit_and_leave(&ground, "left before a look");
    wait_unapproved(&ground, &["left", "left before a look"]);
    server.stop();
}

#[test]
fn a_line_of_the_log_that_was_there_before_hides_none_that_came_since() {
    let ground = Ground::guarded();
    let start = ground.git(&["rev-parse", "HEAD"]).ok();
    ground.stage("src/a.rs", "seen\n");
    ground.commit(&["--no-verify", "-q", "-m", "seen"]).ok();
    let seen = ground.git(&["rev-parse", "HEAD"]).ok();
    let there_and_back = || {
        unhooked(&ground, &["reset", "-q", "--hard", &seen]);
        unhooked(&ground, &["reset", "-q", "--hard", &start]);
    };
    there_and_back();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    commit_and_leave(&ground, "between");
    // Word for word what the log ended with at the last look.
    there_and_back();
    let _server = ground.serve();
    wait_unapproved(&ground, &["between"]);
}

#[test]
fn a_log_that_was_rewritten_is_read_again_and_nothing_is_told_twice() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    commit_and_leave(&ground, "seen");
    wait_unapproved(&ground, &["seen"]);
    wait_read(&ground);
    server.stop();
    ground.git(&["reflog", "delete", "HEAD@{2}"]).ok();
    commit_and_leave(&ground, "unseen");
    let server = ground.serve();
    wait_unapproved(&ground, &["seen", "unseen"]);
    wait_read(&ground);
    // And begun anew, shorter than it was.
    server.stop();
    fs::write(ground.path(".git/logs/HEAD"), "").unwrap();
    commit_and_leave(&ground, "anew");
    let _server = ground.serve();
    wait_unapproved(&ground, &["seen", "unseen", "anew"]);
}

#[test]
fn a_long_log_is_looked_through_once() {
    let ground = Ground::guarded();
    let head = ground.git(&["rev-parse", "HEAD"]).ok();
    commit_and_leave(&ground, "before anybody looked");
    let line = format!("{head} {head} mei <mei@localhost> 1 +0000\treset: moving to HEAD\n");
    let log = fs::File::options()
        .append(true)
        .open(ground.path(".git/logs/HEAD"));
    let lines = line.repeat(100_000);
    log.unwrap().write_all(lines.as_bytes()).unwrap();
    let server = ground.serve();
    wait_read(&ground);
    commit_and_leave(&ground, "watched");
    wait_unapproved(&ground, &["watched"]);
    server.stop();
    commit_and_leave(&ground, "unwatched");
    let _server = ground.serve();
    wait_unapproved(&ground, &["watched", "unwatched"]);
}

/// Makes commits on a branch of its own, the first of them number 1.
fn import(ground: &Ground, branch: &str, count: usize) {
    let commits = (1..=count).map(|number| {
        let from = match number {
            1 => "from refs/heads/main^0\n",
            _ => "",
        };
        let length = number.to_string().len();
        let changes = format!("{from}M 644 inline src/a.rs\ndata {length}\n{number}\n");
        commit(branch, number, &format!("import {number}"), &changes)
    });
    ground.import(&commits.collect::<String>());
}

#[test]
fn of_many_commits_at_once_every_one_is_told() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    import(&ground, "imported", 450);
    let id = |name: &str| ground.git(&["rev-parse", name]).ok();
    // One of the older ones was approved.
    let tree = |number: usize| id(&format!("imported~{}^{{tree}}", 450 - number));
    ground.git(&["update-ref", "HEAD", "imported~351"]).ok();
    let approval = ground.approval(&tree(100));
    ground.git(&["update-ref", "HEAD", "HEAD@{1}"]).ok();
    ground.record(vec![approval]);
    unhooked(&ground, &["reset", "-q", "--hard", "imported"]);
    let _server = ground.serve();
    ground.wait_head();
    let told = ground.events("commit_unapproved");
    assert_eq!(told.len(), 201, "{:#?}", told.first());
    assert_eq!(
        (&told[0]["subject"], &told[0]["older"]),
        (
            &json!("import 250"),
            &json!({ "count": 248, "oldest": id("imported~449") })
        )
    );
    let subjects = unapproved(&ground);
    for (subject, number) in subjects[1..].iter().zip(251..) {
        assert_eq!(*subject, format!("import {number}"));
    }
    let approved = ground.events("commit_recorded");
    assert_eq!(approved.len(), 1, "{approved:#?}");
    assert_eq!(
        (&approved[0]["subject"], &approved[0]["older"]),
        (&json!("import 100"), &Value::Null)
    );
    // All of them wait for the person, whatever the list holds.
    let review = ground.get("/api/review?brief=1");
    let waiting = review["unapproved_commits"].as_array().unwrap().clone();
    let oldest = waiting.last().unwrap();
    assert_eq!(waiting.len(), 200);
    assert_eq!(
        (&oldest["subject"], &oldest["older"]),
        (
            &json!("import 251"),
            &json!({ "count": 249, "oldest": id("imported~449") })
        )
    );
    let status = || ground.get("/api/status")["unapproved_commits"].clone();
    assert_eq!(status(), 449);
    let page = ground.zhongshu(&["ps"]).ok();
    let mut lines = page.lines();
    let rest = lines.find(|line| line.starts_with("and ") && line.ends_with(" more"));
    assert!(rest.is_some(), "{page}");
    let list = ground.zhongshu(&["attention"]).ok();
    assert!(list.contains("250 commits up to "), "{list}");
    let seen = json!({ "commit": oldest["commit"], "reason": "a history of before" });
    ground.post("/api/reviews/accept_commit", &seen);
    assert_eq!(status(), 199);
}

/// Another repository, known here as `origin`, with a commit of somebody else.
fn with_their_commit(ground: &Ground) -> String {
    let there = ground.root.join("there");
    let name = there.to_str().unwrap().to_owned();
    ground.git(&["clone", "-q", ".", &name]).ok();
    fs::write(there.join("theirs"), "theirs\n").unwrap();
    ground.git_in(&there, &["add", "-A"]).ok();
    ground
        .git_in(&there, &["commit", "-q", "-m", "theirs"])
        .ok();
    ground.git(&["remote", "add", "origin", &name]).ok();
    ground.git_in(&there, &["rev-parse", "HEAD"]).ok()
}

#[test]
fn what_was_fetched_stays_fetched_when_its_remote_goes() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    ground.wait_head();
    let theirs = with_their_commit(&ground);
    ground.git(&["fetch", "-q", "origin"]).ok();
    ground.stage("src/a.rs", "ours\n");
    ground.commit(&["--no-verify", "-q", "-m", "ours"]).ok();
    ground.wait_head();
    ground.git(&["remote", "remove", "origin"]).ok();
    ground.git(&["reset", "-q", "--hard", &theirs]).ok();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["ours"]);
}

#[test]
fn a_fetch_is_looked_at_although_head_stays() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    let theirs = with_their_commit(&ground);
    ground.git(&["fetch", "-q", "origin"]).ok();
    ground.wait_for("what was fetched", || {
        let kept = fs::read_to_string(ground.state().join("commits_fetched")).ok()?;
        kept.contains(&theirs).then_some(())
    });
    ground.git(&["remote", "remove", "origin"]).ok();
    server.stop();
    ground.git(&["reset", "-q", "--hard", &theirs]).ok();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(unapproved(&ground), [""; 0]);
}
