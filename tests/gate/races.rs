//! What is staged changes while the gate looks, or right behind it: nothing but what it let pass is committed.

use super::rig::Ground;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Two indexes of which the first is approved, beside `.git/index`; answers their trees.
fn two_indexes(ground: &Ground) -> (String, String) {
    ground.stage("src/a.rs", "evil\n");
    let evil = ground.tree();
    fs::copy(ground.path(".git/index"), ground.path(".git/evil")).unwrap();
    ground.stage("src/a.rs", "good\n");
    let good = ground.approve_offline();
    fs::copy(ground.path(".git/index"), ground.path(".git/good")).unwrap();
    (good, evil)
}

/// Puts one of the two where Git looks, at once.
fn put(git: &Path, name: &str) {
    let draft = git.join(format!("{name}.now"));
    fs::copy(git.join(name), &draft).unwrap();
    fs::rename(draft, git.join("index")).unwrap();
}

fn head_tree(ground: &Ground) -> String {
    ground.git(&["rev-parse", "HEAD^{tree}"]).ok()
}

/// A pre-commit hook that runs ours and exchanges the index right behind it, before Git reads it again.
fn swap_behind_the_gate(ground: &Ground) {
    let hook = ground.path(".git/hooks/pre-commit");
    fs::rename(&hook, hook.with_file_name("ours")).unwrap();
    ground.executable(
        ".git/hooks/pre-commit",
        "#!/bin/sh\n. \"${0%/*}/ours\"\ncp .git/evil .git/evil.now && mv .git/evil.now .git/index\n",
    );
}

#[test]
fn an_index_that_is_exchanged_behind_the_gate_is_not_committed() {
    let ground = Ground::guarded();
    let (good, evil) = two_indexes(&ground);
    let before = head_tree(&ground);
    swap_behind_the_gate(&ground);
    let said = ground.commit(&["-m", "swapped"]);
    assert_ne!(said.code, 0, "{}", said.err);
    for words in ["was changed while it was made", &good[..12], &evil[..12]] {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    assert_eq!(head_tree(&ground), before);
    // Left alone, the approved one passes; other references move as they like meanwhile.
    fs::rename(
        ground.path(".git/hooks/ours"),
        ground.path(".git/hooks/pre-commit"),
    )
    .unwrap();
    put(&ground.path(".git"), "good");
    ground.git(&["branch", "other"]).ok();
    ground.commit(&["-m", "good"]).ok();
    assert_eq!(head_tree(&ground), good);
    let left = fs::read_dir(ground.state().join("gate")).unwrap();
    let passes = left.filter(|it| {
        it.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("pass-")
    });
    assert_eq!(passes.count(), 0);
}

#[test]
fn a_gate_that_only_warns_says_so_and_it_is_recorded() {
    let ground = Ground::guarded();
    let text = ground.read("governance.yaml").replace("enforce", "warn");
    ground.stage("governance.yaml", &text);
    ground.commit(&["--no-verify", "-m", "warn"]).ok();
    let (_, evil) = two_indexes(&ground);
    let server = ground.serve();
    ground.wait_head();
    server.stop();
    swap_behind_the_gate(&ground);
    let said = ground.commit(&["-m", "swapped"]);
    assert!(
        said.err.contains("what is staged was changed"),
        "{}",
        said.err
    );
    said.ok();
    assert_eq!(head_tree(&ground), evil);
    let _server = ground.serve();
    ground.wait_head();
    assert_eq!(
        ground.events("commit_unapproved").pop().unwrap()["tree"],
        evil.as_str()
    );
}

#[test]
fn an_index_that_changes_all_the_time_never_commits_what_nobody_approved() {
    let ground = Ground::guarded();
    let (good, evil) = two_indexes(&ground);
    let start = ground.git(&["rev-parse", "HEAD"]).ok();
    let git = ground.path(".git");
    let done = AtomicBool::new(false);
    let (mut committed, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                put(&git, "good");
                put(&git, "evil");
            }
        });
        for _ in 0..12 {
            let said = ground.commit(&["-m", "race"]);
            match head_tree(&ground) {
                tree if tree == evil => {
                    done.store(true, Ordering::Relaxed);
                    panic!("the other index was committed: {}", said.err);
                }
                tree if tree == good => committed += 1,
                _ => refused += 1,
            }
            ground.git(&["update-ref", "refs/heads/main", &start]).ok();
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("{committed} committed what was approved, {refused} were refused");
    assert_eq!(committed + refused, 12);
}
