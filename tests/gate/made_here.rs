//! What was made here is noticed wherever else it may be by now; what came from elsewhere is not. And each is noticed once.

use super::rig::Ground;
use serde_json::Value;

fn subjects(ground: &Ground, event: &str) -> Vec<String> {
    let events = ground.events(event);
    let subject = |it: &Value| it["subject"].as_str().unwrap().to_owned();
    events.iter().map(subject).collect()
}

fn unapproved(ground: &Ground) -> Vec<String> {
    subjects(ground, "commit_unapproved")
}

/// A bare repository that is known here as `origin`, and has what there is so far.
fn with_origin(ground: &Ground) -> String {
    let there = ground.root.join("origin.git");
    let there = there.to_str().unwrap().to_owned();
    ground
        .git(&["init", "-q", "--bare", "-b", "main", &there])
        .ok();
    ground.git(&["remote", "add", "origin", &there]).ok();
    ground.git(&["push", "-q", "-u", "origin", "main"]).ok();
    there
}

fn around(ground: &Ground, name: &str) {
    ground.stage("src/a.rs", &format!("{name}\n"));
    ground.commit(&["--no-verify", "-q", "-m", name]).ok();
}

#[test]
fn a_commit_that_is_pushed_at_once_was_made_here() {
    let ground = Ground::guarded();
    let there = with_origin(&ground);
    let server = ground.serve();
    ground.wait_head();
    around(&ground, "pushed");
    ground.git(&["push", "-q"]).ok();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["pushed"]);
    // To a bare address, and known by the remote's name only when it comes back.
    around(&ground, "sent");
    ground.git(&["push", "-q", &there, "main"]).ok();
    ground.git(&["fetch", "-q", "origin"]).ok();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["pushed", "sent"]);
    // And while nobody watches.
    server.stop();
    around(&ground, "pushed unseen");
    ground.git(&["push", "-q"]).ok();
    around(&ground, "sent unseen");
    ground.git(&["push", "-q", &there, "main"]).ok();
    ground.git(&["fetch", "-q", "origin"]).ok();
    let server = ground.serve();
    ground.wait_head();
    let all = ["pushed", "sent", "pushed unseen", "sent unseen"];
    assert_eq!(unapproved(&ground), all);
    server.stop();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(unapproved(&ground), all, "each is noticed once");
}

#[test]
fn without_our_hooks_it_is_the_logs_that_tell() {
    let ground = Ground::guarded();
    with_origin(&ground);
    let server = ground.serve();
    ground.wait_head();
    let around = |name: &str| {
        ground.stage("src/a.rs", &format!("{name}\n"));
        let no_hooks = "core.hooksPath=/dev/null";
        ground
            .git(&["-c", no_hooks, "commit", "-q", "-m", name])
            .ok();
        ground.git(&["push", "-q"]).ok();
    };
    around("seen");
    ground.wait_head();
    server.kill();
    around("unseen");
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["seen", "unseen"]);
}

#[test]
fn a_reset_to_a_stash_is_a_commit_of_here() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    ground.stage("src/a.rs", "stashed\n");
    ground.git(&["stash", "-q"]).ok();
    // A look in between has seen the stash by its name.
    around(&ground, "between");
    ground.wait_head();
    ground.git(&["reset", "-q", "--hard", "stash@{0}"]).ok();
    ground.wait_head();
    assert!(
        unapproved(&ground)
            .iter()
            .any(|it| it.starts_with("WIP on main")),
        "{:?}",
        unapproved(&ground)
    );
    server.stop();
    ground.git(&["reset", "-q", "--hard", "HEAD~1"]).ok();
    ground.stage("src/a.rs", "stashed again\n");
    ground.git(&["stash", "-q", "-m", "unseen"]).ok();
    ground.git(&["reset", "-q", "--hard", "stash@{0}"]).ok();
    let _server = ground.serve();
    ground.wait_head();
    assert!(
        unapproved(&ground).contains(&"On main: unseen".to_owned()),
        "{:?}",
        unapproved(&ground)
    );
}

#[test]
fn going_away_and_back_hides_nothing() {
    let ground = Ground::guarded();
    ground.git(&["checkout", "-q", "-b", "side"]).ok();
    around(&ground, "picked");
    ground.git(&["checkout", "-q", "main"]).ok();
    ground.stage("main.txt", "main\n");
    ground.commit(&["--no-verify", "-q", "-m", "main"]).ok();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    ground.git(&["cherry-pick", "side"]).ok();
    ground.git(&["checkout", "-q", "side"]).ok();
    ground.git(&["checkout", "-q", "main"]).ok();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["picked"]);
}

#[test]
fn a_name_that_was_seen_before_hides_no_commit() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    ground.wait_head();
    ground.stage("src/a.rs", "plumbing\n");
    let tree = ground.tree();
    let commit = ["commit-tree", "-p", "HEAD", "-m", "plumbing", &tree];
    let commit = ground.git(&commit).ok();
    ground.git(&["tag", "hidden", &commit]).ok();
    ground.git(&["reset", "-q", "--hard"]).ok();
    // Something else happens, so that a look sees the tag.
    around(&ground, "between");
    ground.wait_head();
    ground.git(&["reset", "-q", "--hard", "hidden"]).ok();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["between", "plumbing"]);
}

#[test]
fn what_was_fetched_is_nobodys_bypass_and_nothing_is_noticed_twice() {
    let ground = Ground::guarded();
    let there = with_origin(&ground);
    let elsewhere = ground.root.join("elsewhere");
    ground
        .git(&["clone", "-q", &there, elsewhere.to_str().unwrap()])
        .ok();
    let theirs = |name: &str| {
        std::fs::write(elsewhere.join("theirs"), format!("{name}\n")).unwrap();
        ground.git_in(&elsewhere, &["add", "-A"]).ok();
        ground
            .git_in(&elsewhere, &["commit", "-q", "-m", name])
            .ok();
        ground.git_in(&elsewhere, &["push", "-q"]).ok();
    };
    let server = ground.serve();
    ground.wait_head();
    theirs("one");
    ground.git(&["pull", "-q", "--ff-only"]).ok();
    ground.wait_head();
    theirs("two");
    ground.git(&["fetch", "-q"]).ok();
    ground.git(&["reset", "-q", "--hard", "origin/main"]).ok();
    ground.wait_head();
    server.stop();
    theirs("three");
    ground.git(&["pull", "-q", "--ff-only"]).ok();
    ground.git(&["push", "-q"]).ok();
    let server = ground.serve();
    ground.wait_head();
    assert_eq!(unapproved(&ground), [""; 0]);
    // A branch of ours, left and found again after a restart.
    ground.git(&["checkout", "-q", "-b", "topic"]).ok();
    around(&ground, "ours");
    ground.wait_head();
    let moves = ground.events("head_moved").len();
    ground.git(&["checkout", "-q", "main"]).ok();
    ground.wait_for("the way back", || {
        (ground.events("head_moved").len() > moves).then_some(())
    });
    server.stop();
    let moves = ground.events("head_moved").len();
    ground.git(&["checkout", "-q", "topic"]).ok();
    let _server = ground.serve();
    ground.wait_for("the topic", || {
        (ground.events("head_moved").len() > moves).then_some(())
    });
    assert_eq!(unapproved(&ground), ["ours"]);
    // A merge of what was fetched is ours, what it merges is not.
    theirs("four");
    ground.git(&["fetch", "-q"]).ok();
    ground
        .git(&["merge", "-q", "--no-verify", "-m", "merged", "origin/main"])
        .ok();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["ours", "merged"]);
}

#[test]
fn a_move_that_stays_in_place_approves_nothing() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    // HEAD's log tells of each as of a way from the commit to itself.
    around(&ground, "then a branch");
    ground.git(&["checkout", "-q", "-b", "next"]).ok();
    around(&ground, "then a reset");
    ground.git(&["reset", "-q", "--hard", "HEAD"]).ok();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(unapproved(&ground), ["then a branch", "then a reset"]);
}
