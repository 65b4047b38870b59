//! Formats of the index and of the repository.

use super::sandbox::{LONG, Sandbox};
use super::yardstick::{Expected, Name, situations};
use std::process::Command;
use zhongshu::git::{GitError, Repo};

fn busy(s: &Sandbox) {
    s.write("src/a.rs", "changed\n");
    s.write("src/deep/new.rs", "x\n");
    s.write("docs/guide.md", "staged\n");
    s.write("docs/added.md", "x\n");
    s.git(&["add", "docs"]);
    s.git(&["mv", "src/deep/er/c.rs", "moved.txt"]);
}

situations! {
    an_index_of_version_2 = |s| {
        s.git(&["update-index", "--index-version", "2"]);
        busy(s);
    };
    an_index_of_version_3 = |s| {
        s.git(&["update-index", "--index-version", "3"]);
        s.write("intended.txt", "x\n");
        s.git(&["add", "-N", "intended.txt"]);
        busy(s);
    };
    an_index_of_version_4 = |s| {
        s.git(&["update-index", "--index-version", "4"]);
        s.write("intended.txt", "x\n");
        s.git(&["add", "-N", "intended.txt"]);
        for n in 0..50 {
            s.write_old(&format!("many/{n}/{n}.txt"), "x\n");
        }
        s.add_all();
        busy(s);
    };
    a_split_index = |s| {
        s.git(&["update-index", "--split-index"]);
        busy(s);
    };
    an_index_with_a_cache_of_untracked_files = |s| {
        s.git(&["update-index", "--force-untracked-cache"]);
        s.command().env_remove("GIT_OPTIONAL_LOCKS").args(["status"]).output().unwrap();
        busy(s);
    };
    an_index_that_a_monitor_keeps = |s| {
        // The hook says that nothing ever changes; only its existence is what the index must survive.
        s.write(".git/monitor", "#!/bin/sh\nprintf 'token\\0/\\0'\n");
        s.chmod(".git/monitor", 0o755);
        s.git(&["config", "core.fsmonitor", ".git/monitor"]);
        s.git(&["update-index", "--fsmonitor"]);
        busy(s);
    };
    an_index_without_a_checksum = |s| {
        s.git(&["config", "index.skipHash", "true"]);
        busy(s);
    };
    an_index_written_by_threads = |s| {
        s.git(&["config", "index.threads", "4"]);
        for n in 0..20_000 {
            s.write(&format!("many/{}/{n}", n % 40), "");
        }
        s.commit_all();
        busy(s);
    };
    an_index_without_a_cache_of_trees = |s| {
        busy(s);
        s.git(&["read-tree", "--empty"]);
        s.git(&["add", "src"]);
    };
    an_index_of_another_commit = |s| {
        s.write_old("src/a.rs", "second\n");
        s.commit_all();
        s.git(&["read-tree", "HEAD~1"]);
        busy(s);
    };
    a_cache_of_trees_that_fits = |s| {
        s.git(&["write-tree"]);
        s.write("tools/new.sh", "x\n");
        s.git(&["add", "tools"]);
    };
    a_replaced_commit = |s| {
        s.write_old("src/a.rs", "second\n");
        s.commit_all();
        s.write("docs/guide.md", "x\n");
    };
    objects_of_another_repository = |s| {
        let other = s.folder.path().join("other");
        s.git(&["clone", "-q", "--bare", ".", other.to_str().unwrap()]);
        s.remove(".git/objects");
        std::fs::create_dir_all(s.path(".git/objects/info")).unwrap();
        std::fs::create_dir_all(s.path(".git/objects/pack")).unwrap();
        std::fs::write(s.path(".git/objects/info/alternates"), format!("{}\n", other.join("objects").display())).unwrap();
        busy(s);
    };
    a_commit_graph_and_a_multi_pack_index = |s| {
        s.write_old("src/a.rs", "second\n");
        s.commit_all();
        s.git(&["repack", "-q", "-d"]);
        s.write_old("src/a.rs", "third\n");
        s.commit_all();
        s.git(&["repack", "-q"]);
        s.git(&["multi-pack-index", "write", "--bitmap"]);
        s.git(&["commit-graph", "write", "--reachable"]);
        busy(s);
    };
}

/// libgit2 is built without it; a sentence is better than half a report.
#[test]
fn another_hash_is_refused_with_a_sentence() {
    let sandbox = Sandbox::init(&["--object-format=sha256"]);
    sandbox.write("a.txt", LONG);
    sandbox.commit_all();
    let error = Repo::open(&sandbox.repo).err().unwrap();
    assert!(matches!(error, GitError::Unsupported(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("uses a Git feature that zhongshu cannot read"),
        "{error}"
    );
}

#[test]
fn another_store_of_references_is_refused_with_a_sentence() {
    let sandbox = Sandbox::init(&["--ref-format=reftable"]);
    let error = Repo::open(&sandbox.repo).err().unwrap();
    assert!(matches!(error, GitError::Unsupported(_)), "{error}");
}

#[test]
fn a_damaged_index_is_an_error_and_no_empty_report() {
    let sandbox = Sandbox::new();
    busy(&sandbox);
    let whole = std::fs::read(sandbox.path(".git/index")).unwrap();
    let reads = |bytes: &[u8]| {
        std::fs::write(sandbox.path(".git/index"), bytes).unwrap();
        let repo = Repo::open(&sandbox.repo).unwrap();
        let deadline = super::yardstick::deadline();
        repo.changes(&zhongshu::git::changes::Scope::Worktree, &deadline)
    };
    let rows = reads(&whole).unwrap().rows.len();
    assert!(rows > 0);
    for cut in [1, 11, 12, 40, whole.len() / 2, whole.len() - 21] {
        reads(&whole[..cut]).unwrap_err();
    }
    let mut wrong = whole.clone();
    wrong[0] = b'X';
    reads(&wrong).unwrap_err();
    wrong = whole.clone();
    wrong[7] = 9;
    reads(&wrong).unwrap_err();
    wrong = whole.clone();
    wrong[8..12].fill(0xff);
    reads(&wrong).unwrap_err();
    // Whatever a single changed byte does, it ends in an answer.
    for at in (12..whole.len() - 20).step_by(7) {
        wrong = whole.clone();
        wrong[at] ^= 0x55;
        let _ = reads(&wrong);
    }
}

/// What the configuration of the person says holds, too.
#[test]
fn the_persons_own_configuration_counts() {
    let sandbox = Sandbox::new();
    let config = std::fs::read_to_string(sandbox.path(".git/config")).unwrap();
    let own = config
        .replace("\texcludesFile = /dev/null\n", "")
        .replace("\tattributesFile = /dev/null\n", "");
    std::fs::write(sandbox.path(".git/config"), own).unwrap();
    let home = sandbox.folder.path();
    std::fs::create_dir_all(home.join(".config/git")).unwrap();
    std::fs::write(home.join(".config/git/ignore"), "*.home\n").unwrap();
    std::fs::write(home.join(".config/git/attributes"), "*.md text\n").unwrap();
    std::fs::write(home.join("more"), "[core]\n\tfileMode = false\n").unwrap();
    std::fs::write(home.join(".gitconfig"), "[include]\n\tpath = more\n").unwrap();
    let config = std::fs::read_to_string(sandbox.path(".git/config")).unwrap();
    let own = config.replace("\tfilemode = true\n", "");
    std::fs::write(sandbox.path(".git/config"), own).unwrap();
    sandbox.write("a.home", "x\n");
    sandbox.write("docs/guide.md", "Guide\r\n");
    sandbox.chmod("tools/run.sh", 0o755);
    sandbox.write("src/a.rs", "changed\n");
    let output = Command::new(env!("CARGO_BIN_EXE_zhongshu"))
        .args(["report", "--json", "--repo"])
        .arg(&sandbox.repo)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let paths: Vec<&str> = report["changed_files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["src/a.rs"]);
    // To Git the other size of `docs/guide.md` is enough.
    let names: Vec<Name> = Expected::of(&sandbox).worktree.into_keys().collect();
    assert_eq!(names, ["docs/guide.md".into(), "src/a.rs".into()]);
}
