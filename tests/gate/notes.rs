//! What hooks write down, so that nothing depends on a server that looks in time or on Git's logs.

use super::rig::Ground;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn notes(ground: &Ground) -> Vec<String> {
    let folder = fs::read_dir(ground.state().join("gate"));
    let names = folder.into_iter().flatten();
    let mut names: Vec<String> = names
        .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn without_any_log_the_notes_tell_what_was_committed() {
    let ground = Ground::guarded();
    ground
        .git(&["config", "core.logAllRefUpdates", "false"])
        .ok();
    fs::remove_dir_all(ground.path(".git/logs")).unwrap();
    let there = ground.root.join("origin.git");
    let there = there.to_str().unwrap();
    ground.git(&["init", "-q", "--bare", there]).ok();
    ground.git(&["remote", "add", "origin", there]).ok();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    ground.stage("src/a.rs", "hidden\n");
    ground.commit(&["--no-verify", "-m", "hidden"]).ok();
    // Amended away at once, and pushed.
    ground
        .commit(&["--no-verify", "--amend", "-m", "pushed"])
        .ok();
    ground.git(&["push", "-q", "origin", "main"]).ok();
    let waiting = notes(&ground);
    assert_eq!(waiting.len(), 2, "{waiting:?}");
    for name in &waiting {
        assert!(name.starts_with("committed-"), "{name}");
        let data = fs::metadata(ground.state().join("gate").join(name)).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o600);
    }
    let server = ground.serve();
    ground.wait_head();
    let subjects = || -> Vec<String> {
        let events = ground.events("commit_unapproved");
        let subject = |it: &serde_json::Value| it["subject"].as_str().unwrap().to_owned();
        events.iter().map(subject).collect()
    };
    assert_eq!(subjects(), ["hidden", "pushed"]);
    ground.wait_for("the notes to be swept", || {
        notes(&ground).is_empty().then_some(())
    });
    server.stop();
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(subjects(), ["hidden", "pushed"], "each once");
}

#[test]
fn what_the_gate_answered_is_on_record() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    ground.stage("src/a.rs", "two\n");
    for _ in 0..3 {
        ground.commit(&["-m", "x"]).refused("nobody has approved");
    }
    let refused = ground.tree();
    assert_eq!(
        notes(&ground).len(),
        1,
        "the same is said once: {:?}",
        notes(&ground)
    );
    ground.stage("src/a.rs", "three\n");
    let passed = ground.approve_offline();
    ground.commit(&["-m", "x"]).ok();
    // What is no note is thrown away, and a link is not followed.
    let folder = ground.state().join("gate");
    fs::write(folder.join("nonsense.json"), "{}").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link.json")).unwrap();
    let _server = ground.serve();
    ground.wait_head();
    ground.wait_for("the notes to be swept", || {
        notes(&ground).is_empty().then_some(())
    });
    let event = ground.events("commit_refused").pop().unwrap();
    assert_eq!(
        (&event["tree"], &event["mode"], &event["actor"]),
        (&json!(refused), &json!("enforce"), &json!("launcher"))
    );
    let reason = event["reason"].as_str().unwrap();
    assert!(reason.contains("nobody has approved"), "{reason}");
    assert_eq!(ground.events("commit_refused").len(), 1);
    let event = ground.events("commit_passed").pop().unwrap();
    assert_eq!(
        (&event["tree"], &event["reason"]),
        (&json!(passed), &serde_json::Value::Null)
    );
    assert_eq!(ground.events("commit_recorded").len(), 1);
    assert_eq!(ground.events("commit_unapproved").len(), 0);
}

#[test]
fn notes_that_nobody_reads_are_bounded_and_that_is_said() {
    let ground = Ground::guarded();
    ground.approve_offline();
    let folder = ground.state().join("gate");
    fs::create_dir_all(&folder).unwrap();
    for number in 0..1_000 {
        fs::write(folder.join(format!("committed-{number}.json")), "").unwrap();
    }
    ground.stage("src/a.rs", "two\n");
    let said = ground.commit(&["-m", "x"]).refused("has changed since");
    assert!(said.contains("could not be written down"), "{said}");
    assert_eq!(notes(&ground).len(), 1_000);
}

#[test]
fn a_journal_that_takes_nothing_is_complained_of_once() {
    let ground = Ground::guarded();
    let mut server = ground.serve();
    ground.wait_head();
    let log = server.log();
    let complaints = || {
        let log = log.lock().unwrap();
        log.matches("what the gate was asked cannot be recorded")
            .count()
    };
    let folder = ground.state().join("gate");
    for round in 1..=2 {
        let journal = ground.state().join("journal.jsonl");
        server.limit_files(Some(fs::metadata(journal).unwrap().len()));
        ground.stage("src/a.rs", &format!("{round}\n"));
        ground.commit(&["-m", "x"]).refused("nobody has approved");
        ground.wait_for("the complaint", || (complaints() >= round).then_some(()));
        // Each look throws away what is no note.
        for _ in 0..3 {
            let nonsense = folder.join("nonsense.json");
            fs::write(&nonsense, "{}").unwrap();
            ground.wait_for("a look", || (!nonsense.exists()).then_some(()));
        }
        assert_eq!(complaints(), round, "{}", log.lock().unwrap());
        server.limit_files(None);
        ground.wait_for("the refusal in the journal", || {
            (ground.events("commit_refused").len() == round).then_some(())
        });
    }
}
