//! Which commits pass: each way in which git makes one, with the real git and our hooks. No server runs.

use super::rig::Ground;
use sha1_of::sha1;
use std::fs;

#[test]
fn exactly_the_approved_tree_passes_and_one_byte_more_is_refused() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "two\n");
    let said = ground.commit(&["-m", "two"]).refused("nobody has approved");
    assert!(said.contains("Start `zhongshu` in"), "{said}");
    ground.approve_offline();
    ground.stage("src/a.rs", "two!\n");
    ground.commit(&["-m", "two"]).refused("has changed since");
    ground.stage("src/a.rs", "two\n");
    ground.commit(&["-m", "two"]).ok();
    assert_eq!(ground.git(&["log", "-1", "--format=%s"]).ok(), "two");
}

#[test]
fn a_mode_or_a_name_is_as_good_as_a_byte() {
    let ground = Ground::guarded();
    ground.stage("src/b.rs", "b\n");
    ground.approve_offline();
    ground.git(&["update-index", "--chmod=+x", "src/b.rs"]).ok();
    ground.commit(&["-m", "x"]).refused("has changed since");
    ground.git(&["update-index", "--chmod=-x", "src/b.rs"]).ok();
    ground.git(&["mv", "src/b.rs", "src/c.rs"]).ok();
    ground.commit(&["-m", "x"]).refused("has changed since");
    ground.git(&["mv", "src/c.rs", "src/b.rs"]).ok();
    // A name without content is no part of a commit.
    ground.write("later.rs", "later\n");
    ground.git(&["add", "-N", "later.rs"]).ok();
    ground.commit(&["-m", "x"]).ok();
}

#[test]
fn commit_all_takes_what_is_on_disk_and_is_judged_by_that() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground.write("README.md", "# more\n");
    ground
        .commit(&["-a", "-m", "x"])
        .refused("what is staged was approved, but this commit takes something else");
    // What it takes is what was approved: then it does not matter how it was staged.
    ground.git(&["checkout", "-q", "README.md"]).ok();
    ground.commit(&["-a", "-m", "x"]).ok();
    ground.write("README.md", "# other\n");
    ground
        .commit(&["-a", "-m", "y"])
        .refused("only what is staged can be reviewed");
}

#[test]
fn commit_of_a_path_takes_that_path_alone() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "two\n");
    ground.stage("README.md", "# two\n");
    ground.approve_offline();
    ground
        .commit(&["-m", "x", "README.md"])
        .refused("this commit takes something else");
    ground
        .commit(&["-m", "x", "--only", "src/a.rs"])
        .refused("this commit takes something else");
    ground.commit(&["-m", "x", "--include", "src/a.rs"]).ok();
}

#[test]
fn the_first_commit_is_judged_too() {
    let ground = Ground::unborn();
    ground.zhongshu(&["hook", "install"]).ok();
    ground.stage("a", "a\n");
    ground
        .commit(&["-m", "first"])
        .refused("nobody has approved");
    ground.approve_offline();
    ground.commit(&["-m", "first"]).ok();
    // Nothing was staged, and nothing is in the index at all.
    let empty = Ground::unborn();
    empty.zhongshu(&["hook", "install"]).ok();
    empty
        .commit(&["--allow-empty", "-m", "empty"])
        .refused("nobody has approved");
}

#[test]
fn amending_is_judged_by_what_it_adds() {
    let ground = Ground::guarded();
    // Another message alone changes nothing that could be reviewed.
    ground.commit(&["--amend", "-m", "another"]).ok();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground.commit(&["-m", "two"]).ok();
    ground.commit(&["--amend", "-m", "two, better"]).ok();
    ground.stage("src/a.rs", "three\n");
    ground
        .commit(&["--amend", "--no-edit"])
        .refused("nobody has approved");
    ground.approve_offline();
    ground.commit(&["--amend", "--no-edit"]).ok();
    // Two approved steps may become one commit.
    ground.stage("src/a.rs", "four\n");
    ground.approve_offline();
    ground.commit(&["-m", "four"]).ok();
    ground.git(&["reset", "-q", "--soft", "HEAD~2"]).ok();
    ground.commit(&["-m", "all"]).ok();
}

#[test]
fn an_old_state_that_is_brought_back_is_a_new_change() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "hole mended\n");
    ground.approve_offline();
    ground.commit(&["-m", "mend"]).ok();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground.commit(&["-m", "two"]).ok();
    ground.stage("src/a.rs", "hole mended\n");
    ground
        .commit(&["-m", "back"])
        .refused("on top of another state");
}

#[test]
fn merges_are_judged_however_they_are_made() {
    let ground = Ground::guarded();
    ground.git(&["checkout", "-q", "-b", "side"]).ok();
    ground.stage("side.txt", "side\n");
    ground.commit(&["--no-verify", "-m", "side"]).ok();
    ground.git(&["checkout", "-q", "main"]).ok();
    ground.stage("main.txt", "main\n");
    ground.commit(&["--no-verify", "-m", "main"]).ok();
    let merged = ground.git(&["merge", "-q", "--no-edit", "side"]);
    merged.refused("nobody has approved");
    assert!(
        ground.path(".git/MERGE_HEAD").exists(),
        "git left it to be concluded"
    );
    ground.commit(&["--no-edit"]).refused("nobody has approved");
    ground.approve_offline();
    ground.commit(&["--no-edit"]).ok();
    assert_eq!(
        ground
            .git(&["log", "-1", "--format=%P"])
            .ok()
            .split(' ')
            .count(),
        2
    );
    // Approved beforehand, a merge goes through at once.
    ground.git(&["reset", "-q", "--hard", "HEAD~1"]).ok();
    ground.git(&["merge", "-q", "--no-edit", "side"]).ok();
    // With a conflict git itself refuses, and so does the gate.
    ground
        .git(&["checkout", "-q", "-b", "other", "HEAD~2"])
        .ok();
    ground.stage("main.txt", "other\n");
    ground.commit(&["--no-verify", "-m", "other"]).ok();
    ground.git(&["merge", "-q", "main"]);
    ground.zhongshu(&["gate"]).refused("a merge is unresolved");
}

#[test]
fn linked_worktrees_have_their_own_index_and_their_own_reviews() {
    let ground = Ground::guarded();
    let linked = ground.root.join("linked");
    let name = linked.to_str().unwrap();
    ground
        .git(&["worktree", "add", "-q", "-b", "linked", name])
        .ok();
    fs::write(linked.join("new.txt"), "new\n").unwrap();
    ground.git_in(&linked, &["add", "-A"]).ok();
    let said = ground
        .git_in(&linked, &["commit", "-q", "-m", "new"])
        .refused("nobody has approved");
    assert!(
        said.contains(&format!("Start `zhongshu` in {name}")),
        "{said}"
    );
    // What is approved here says nothing about there: each has a state folder of its own.
    let tree = ground.git_in(&linked, &["write-tree"]).ok();
    ground.record(vec![ground.approval(&tree)]);
    ground
        .git_in(&linked, &["commit", "-q", "-m", "new"])
        .refused("nobody has approved");
}

#[test]
fn modes_decide_whether_it_refuses_warns_or_is_silent() {
    let ground = Ground::guarded();
    let say = |mode: &str| {
        let text = ground.read("governance.yaml");
        let rest: Vec<&str> = text.lines().filter(|it| !it.starts_with("gate:")).collect();
        format!("gate: {mode}\n{}\n", rest.join("\n"))
    };
    ground.stage("src/a.rs", "two\n");
    // What lies on disk cannot make it weaker …
    for mode in ["off", "warn", "\"off\"", "false"] {
        ground.write("governance.yaml", say(mode));
        ground.commit(&["-m", "x"]).refused("nobody has approved");
    }
    // … what is committed can.
    let commit_mode = |mode: &str| {
        ground.git(&["stash", "-q"]).ok();
        ground.write("governance.yaml", say(mode));
        ground
            .commit(&["-q", "--no-verify", "-m", mode, "governance.yaml"])
            .ok();
        ground.stage("src/a.rs", &format!("for {mode}\n"));
    };
    commit_mode("warn");
    let warned = ground.commit(&["-m", "warned"]);
    assert!(
        warned.err.contains("zhongshu warns: nobody has approved"),
        "{}",
        warned.err
    );
    assert!(warned.err.contains("the gate only warns"), "{}", warned.err);
    warned.ok();
    // Stricter on disk is stricter.
    ground.write("governance.yaml", say("enforce"));
    ground.stage("src/a.rs", "again\n");
    ground.commit(&["-m", "x"]).refused("nobody has approved");
    ground.git(&["checkout", "-q", "governance.yaml"]).ok();
    commit_mode("off");
    let silent = ground.commit(&["-m", "silent"]);
    assert_eq!(silent.err, "");
    silent.ok();
    // A file that cannot be used says nothing: what the person set holds, and without that it refuses.
    commit_mode("[");
    ground.commit(&["-m", "x"]).refused("nobody has approved");
}

#[test]
fn what_the_person_set_holds_without_a_word_in_the_file() {
    use zhongshu::domain::event::Event;
    use zhongshu::domain::review::GateMode;
    let ground = Ground::unborn();
    ground.zhongshu(&["hook", "install"]).ok();
    ground.stage("a", "a\n");
    let set = |mode| Event::GateModeSet {
        mode,
        reason: "test".to_owned(),
    };
    ground.record(vec![set(GateMode::Off)]);
    ground.commit(&["-m", "free"]).ok();
    ground.record(vec![set(GateMode::Enforce)]);
    ground.stage("a", "b\n");
    ground.write("governance.yaml", "gate: off\n");
    ground.commit(&["-m", "x"]).refused("nobody has approved");
}

#[test]
fn a_damaged_journal_approves_nothing() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    let journal = ground.state().join("journal.jsonl");
    let sound = fs::read(&journal).unwrap();
    let mut damaged = sound.clone();
    let at = damaged.len() - 200;
    damaged[at] ^= 1;
    fs::write(&journal, &damaged).unwrap();
    let said = ground
        .commit(&["-m", "x"])
        .refused("nothing counts as approved");
    assert!(said.contains("zhongshu audit verify"), "{said}");
    // An end that was never whole is nothing that was acknowledged.
    let torn = [&sound[..], b"{\"seq\":9,\"ts\":\"20"].concat();
    fs::write(&journal, torn).unwrap();
    ground.zhongshu(&["gate"]).ok();
    // Nobody else may have written it.
    fs::write(&journal, &sound).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o622);
    fs::set_permissions(&journal, mode).unwrap();
    ground
        .commit(&["-m", "x"])
        .refused("can be written by other users");
    // A state folder of another repository says nothing about this one.
    fs::write(ground.state().join("repository"), "/somewhere/else").unwrap();
    ground
        .commit(&["-m", "x"])
        .refused("belongs to the repository");
}

#[test]
fn an_index_made_by_hand_cannot_commit_another_tree_than_it_shows() {
    let ground = Ground::guarded();
    let evil = ground.git(&["rev-parse", "HEAD^{tree}"]).ok();
    ground.stage("src/a.rs", "approved\n");
    let approved = ground.approve_offline();
    assert_ne!(evil, approved);
    let index = ground.path(".git/index");
    let bytes = fs::read(&index).unwrap();
    let id = |text: &str| -> Vec<u8> {
        (0..20)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    };
    let (from, to) = (id(&approved), id(&evil));
    let at = bytes
        .windows(20)
        .rposition(|window| window == from)
        .unwrap();
    let mut forged = bytes[..bytes.len() - 20].to_vec();
    forged[at..at + 20].copy_from_slice(&to);
    let seal = sha1(&forged);
    forged.extend(seal);
    fs::write(&index, forged).unwrap();
    // Git itself believes it: this is what would be committed.
    assert_eq!(ground.tree(), evil);
    ground
        .commit(&["-m", "x"])
        .refused("remembers another tree");
    fs::write(&index, bytes).unwrap();
    ground.commit(&["-m", "x"]).ok();
}

#[test]
fn a_repository_that_cannot_be_read_is_refused_with_a_sentence() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground.git(&["update-index", "--split-index"]).ok();
    ground.commit(&["-m", "x"]).refused("core.splitIndex");
    ground.git(&["update-index", "--no-split-index"]).ok();
    ground.commit(&["-m", "x"]).ok();
    ground
        .git(&["config", "core.repositoryFormatVersion", "9"])
        .ok();
    ground.zhongshu(&["gate"]).refused("cannot look at it");
}

#[test]
fn the_child_is_limited_and_a_hanging_repository_ends() {
    let ground = Ground::guarded();
    ground.stage("src/a.rs", "two\n");
    // A pipe in the place of the index would make a reader wait for ever.
    let pipe = ground.pipe();
    let mut gate = ground.command(env!("CARGO_BIN_EXE_zhongshu"));
    gate.args(["gate", "--state-dir"]).arg(ground.state());
    let said = gate.env("GIT_INDEX_FILE", &pipe).output().unwrap();
    assert_eq!(said.status.code(), Some(1));
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(err.contains("not a regular file"), "{err}");
    // An index of zeros that claims to be enormous.
    let huge = ground.root.join("huge");
    let file = fs::File::create(&huge).unwrap();
    file.set_len(3 << 30).unwrap();
    let mut gate = ground.command(env!("CARGO_BIN_EXE_zhongshu"));
    gate.args(["gate", "--state-dir"]).arg(ground.state());
    let said = gate.env("GIT_INDEX_FILE", &huge).output().unwrap();
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(err.contains("256 MiB"), "{err}");
}

/// The digest that ends an index; git2 hashes objects only, so a blob's header is undone by hand.
mod sha1_of {
    /// SHA-1 as in FIPS 180-4.
    pub fn sha1(bytes: &[u8]) -> [u8; 20] {
        let mut h: [u32; 5] = [
            0x6745_2301,
            0xefcd_ab89,
            0x98ba_dcfe,
            0x1032_5476,
            0xc3d2_e1f0,
        ];
        let mut padded = bytes.to_vec();
        padded.push(0x80);
        while padded.len() % 64 != 56 {
            padded.push(0);
        }
        padded.extend((bytes.len() as u64 * 8).to_be_bytes());
        for block in padded.chunks_exact(64) {
            let mut w = [0_u32; 80];
            for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
                *word = u32::from_be_bytes(bytes.try_into().unwrap());
            }
            for i in 16..80 {
                w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
            }
            let [mut a, mut b, mut c, mut d, mut e] = h;
            for (i, word) in w.iter().enumerate() {
                let (f, k) = match i / 20 {
                    0 => ((b & c) | (!b & d), 0x5a82_7999),
                    1 => (b ^ c ^ d, 0x6ed9_eba1),
                    2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                    _ => (b ^ c ^ d, 0xca62_c1d6_u32),
                };
                let next = a
                    .rotate_left(5)
                    .wrapping_add(f)
                    .wrapping_add(e)
                    .wrapping_add(k)
                    .wrapping_add(*word);
                (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
            }
            for (sum, part) in h.iter_mut().zip([a, b, c, d, e]) {
                *sum = sum.wrapping_add(part);
            }
        }
        let mut digest = [0; 20];
        for (to, from) in digest.chunks_exact_mut(4).zip(h) {
            to.copy_from_slice(&from.to_be_bytes());
        }
        digest
    }
}
