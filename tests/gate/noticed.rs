//! Commits that go around the gate are noticed, with a server and without one; those that come from elsewhere are not
//! taken for such.

use super::rig::Ground;
use serde_json::{Value, json};

fn subjects(ground: &Ground, event: &str) -> Vec<String> {
    let events = ground.events(event);
    events
        .iter()
        .map(|it| it["subject"].as_str().unwrap().to_owned())
        .collect()
}

fn waiting(ground: &Ground) -> Vec<Value> {
    let review = ground.get("/api/review?brief=1");
    review["unapproved_commits"].as_array().unwrap().clone()
}

#[test]
fn a_commit_without_verification_is_recorded_and_waits_for_the_person() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    ground.wait_head();
    ground.stage("src/a.rs", "two\n");
    ground.commit(&["-m", "two"]).refused("nobody has approved");
    let said = ground.commit(&["--no-verify", "-m", "around"]);
    assert!(
        said.err.contains("nobody has approved this commit"),
        "{}",
        said.err
    );
    said.ok();
    let event = ground.wait_for("the commit", || ground.events("commit_unapproved").pop());
    let head = ground.git(&["rev-parse", "HEAD"]).ok();
    assert_eq!(event["commit"], head.as_str());
    assert_eq!(event["tree"], ground.tree().as_str());
    assert_eq!(
        (&event["mode"], &event["branch"]),
        (&json!("enforce"), &json!("main"))
    );
    assert_eq!(event["actor"], "launcher");
    assert_eq!(waiting(&ground).len(), 1);
    let page = ground.api("GET", "/api/review?brief=1", &Value::Null);
    assert_eq!(page["unapproved_commits"][0]["subject"], "around");
    let status = ground.api("GET", "/api/status", &Value::Null);
    assert_eq!(status["unapproved_commits"], 1);
    let seen = json!({ "commit": head, "reason": "it was urgent" });
    ground.post("/api/reviews/accept_commit", &seen);
    assert_eq!(waiting(&ground).len(), 0);
    let again = ground.api("POST", "/api/reviews/accept_commit", &seen);
    assert_eq!(again["code"], "unknown_commit");
}

#[test]
fn an_approved_commit_is_recorded_with_its_report() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    ground.wait_head();
    ground.stage("src/a.rs", "two\n");
    let approved = ground.approve();
    ground.commit(&["-m", "two"]).ok();
    let event = ground.wait_for("the commit", || ground.events("commit_recorded").pop());
    assert_eq!(event["report_id"], approved["report_id"]);
    ground.commit(&["--amend", "-m", "another message"]).ok();
    ground.wait_head();
    assert_eq!(
        subjects(&ground, "commit_recorded"),
        ["two", "another message"]
    );
    assert_eq!(ground.events("commit_unapproved"), [] as [Value; 0]);
}

#[test]
fn what_is_done_while_no_server_runs_is_found_at_the_next_start() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    ground.stage("src/a.rs", "two\n");
    ground.approve();
    server.kill();
    // Approved, so it passes without a server.
    ground.commit(&["-m", "approved"]).ok();
    ground.stage("src/a.rs", "three\n");
    ground.commit(&["-m", "x"]).refused("Start `zhongshu`");
    ground.commit(&["--no-verify", "-m", "around"]).ok();
    // Hidden again behind an amended one: the log of HEAD still knows it.
    ground.stage("src/a.rs", "two\n");
    ground
        .commit(&["--no-verify", "--amend", "--allow-empty", "-m", "innocent"])
        .ok();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(subjects(&ground, "commit_unapproved"), ["around"]);
    assert_eq!(
        subjects(&ground, "commit_recorded"),
        ["approved", "innocent"]
    );
}

#[test]
fn plumbing_picks_and_reverts_are_noticed_although_no_hook_runs() {
    let ground = Ground::guarded();
    ground.git(&["checkout", "-q", "-b", "side"]).ok();
    ground.stage("side.txt", "side\n");
    ground.commit(&["--no-verify", "-m", "picked"]).ok();
    ground.git(&["checkout", "-q", "main"]).ok();
    ground.stage("main.txt", "main\n");
    ground.commit(&["--no-verify", "-m", "main"]).ok();
    let _server = ground.serve();
    ground.wait_head();
    ground.git(&["cherry-pick", "side"]).ok();
    ground.wait_head();
    ground.git(&["revert", "--no-edit", "HEAD"]).ok();
    ground.wait_head();
    ground.stage("src/a.rs", "plumbing\n");
    let tree = ground.tree();
    let commit = ground
        .git(&["commit-tree", "-p", "HEAD", "-m", "plumbing", &tree])
        .ok();
    // Through another branch, so that HEAD only ever checks something out.
    ground.git(&["branch", "hidden", &commit]).ok();
    ground.git(&["reset", "-q", "--hard"]).ok();
    ground.git(&["checkout", "-q", "hidden"]).ok();
    ground.wait_head();
    let noticed = subjects(&ground, "commit_unapproved");
    // A revert brings back the very tree that HEAD had before; it is another change all the same.
    assert_eq!(noticed, ["picked", "Revert \"picked\"", "plumbing"]);
}

#[test]
fn what_was_there_before_or_comes_from_elsewhere_is_nobodys_bypass() {
    let ground = Ground::guarded();
    ground.git(&["checkout", "-q", "-b", "old"]).ok();
    ground.stage("old.txt", "old\n");
    ground.commit(&["--no-verify", "-m", "old"]).ok();
    ground.git(&["checkout", "-q", "main"]).ok();
    let elsewhere = ground.root.join("elsewhere");
    let (here, there) = (ground.repo(), elsewhere.to_str().unwrap().to_owned());
    ground
        .git(&["clone", "-q", here.to_str().unwrap(), &there])
        .ok();
    let server = ground.serve();
    ground.wait_head();
    ground.git(&["checkout", "-q", "old"]).ok();
    ground.wait_head();
    ground.git(&["checkout", "-q", "main"]).ok();
    ground.wait_for("the way back", || {
        (ground.events("head_moved").len() == 3).then_some(())
    });
    std::fs::write(elsewhere.join("theirs"), "theirs\n").unwrap();
    ground.git_in(&elsewhere, &["add", "-A"]).ok();
    ground
        .git_in(&elsewhere, &["commit", "-q", "-m", "theirs"])
        .ok();
    ground.git(&["remote", "add", "origin", &there]).ok();
    ground
        .git(&["pull", "-q", "--ff-only", "origin", "main"])
        .ok();
    ground.wait_head();
    // And while nobody watches.
    server.stop();
    ground.git(&["checkout", "-q", "old"]).ok();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(ground.events("commit_unapproved"), [] as [Value; 0]);
    assert_eq!(ground.events("commit_recorded"), [] as [Value; 0]);
}

#[test]
fn without_a_gate_commits_are_recorded_and_nobody_is_asked() {
    let ground = Ground::unborn();
    ground.stage("a", "a\n");
    ground.commit(&["-m", "start"]).ok();
    let _server = ground.serve();
    ground.wait_head();
    ground.stage("a", "b\n");
    ground.commit(&["-m", "free"]).ok();
    ground.wait_head();
    assert_eq!(subjects(&ground, "commit_recorded"), ["free"]);
    assert_eq!(ground.events("gate_mode_set"), [] as [Value; 0]);
    // Installed, the gate is there at once, without a word in governance.yaml.
    ground.zhongshu(&["hook", "install"]).ok();
    let set = ground.wait_for("the gate", || ground.events("gate_mode_set").pop());
    assert_eq!(
        (&set["mode"], &set["actor"]),
        (&json!("enforce"), &json!("launcher"))
    );
    ground.stage("a", "c\n");
    ground.commit(&["--no-verify", "-m", "around"]).ok();
    ground.wait_head();
    assert_eq!(subjects(&ground, "commit_unapproved"), ["around"]);
    // Taken away by the person, it is off, and stays off.
    ground.zhongshu(&["hook", "remove"]).ok();
    let set = ground.events("gate_mode_set").pop().unwrap();
    assert_eq!(
        (&set["mode"], &set["actor"]),
        (&json!("off"), &json!("person:cli"))
    );
}

#[test]
fn a_mode_that_was_committed_stays_until_the_person_says_otherwise() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    let text = ground.read("governance.yaml").replace("enforce", "off");
    ground.stage("governance.yaml", &text);
    ground.commit(&["--no-verify", "-m", "off"]).ok();
    ground.wait_head();
    ground.stage("src/a.rs", "two\n");
    ground.commit(&["-m", "x"]).refused("nobody has approved");
    let gate = ground.get("/api/review?brief=1")["gate"].clone();
    assert_eq!(
        (&gate["mode"], &gate["committed"]),
        (&json!("enforce"), &json!("off"))
    );
    let answer = ground.post("/api/gate", &json!({ "mode": "off", "reason": "agreed" }));
    assert_eq!(answer["mode"], "off");
    server.stop();
    ground.commit(&["-m", "x"]).ok();
}

#[test]
fn approving_the_line_that_changes_the_gate_is_the_persons_word() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    let text = ground.read("governance.yaml").replace("enforce", "warn");
    ground.stage("governance.yaml", &text);
    let review = ground.get("/api/review?brief=1");
    assert_eq!(review["gate"]["changes_to"], "warn");
    ground.approve();
    let set = ground.events("gate_mode_set").pop().unwrap();
    assert_eq!(
        (&set["mode"], &set["actor"]),
        (&json!("warn"), &json!("person:cli"))
    );
    // Until it is committed, the committed line holds.
    ground.stage("src/a.rs", "two\n");
    ground.commit(&["-m", "x"]).refused("has changed since");
    ground.git(&["reset", "-q", "src/a.rs"]).ok();
    ground.commit(&["-m", "warn"]).ok();
    ground.wait_head();
    ground.git(&["add", "src/a.rs"]).ok();
    let warned = ground.commit(&["-m", "warned"]);
    assert!(warned.err.contains("zhongshu warns"), "{}", warned.err);
    warned.ok();
    server.stop();
}

#[test]
fn a_gate_that_somebody_took_away_is_missed() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    ground.wait_head();
    let installed = || ground.get("/api/review?brief=1")["gate"]["installed"].clone();
    assert_eq!(installed(), true);
    std::fs::remove_file(ground.path(".git/hooks/pre-commit")).unwrap();
    ground.wait_for("the loss", || (installed() == false).then_some(()));
}
