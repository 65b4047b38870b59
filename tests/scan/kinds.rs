//! Executable bits, links, folders in the place of files, and what is neither file nor folder.

use super::sandbox::{LONG, Sandbox};
use super::yardstick::{Expected, assert_expected, scan, situations};
use std::process::Command;
use zhongshu::domain::report::ChangeStatus;
use zhongshu::git::changes::Scope;

situations! {
    executable_on_disk = |s| s.chmod("tools/run.sh", 0o755);
    executable_staged = |s| {
        s.chmod("tools/run.sh", 0o755);
        s.add_all();
    };
    executable_in_the_index_only = |s| {
        s.git(&["update-index", "--chmod=+x", "tools/run.sh"]);
    };
    no_longer_executable_and_changed = |s| {
        s.chmod("tools/run.sh", 0o755);
        s.commit_all();
        s.chmod("tools/run.sh", 0o600);
        s.write("tools/run.sh", "#!/bin/sh\necho other\n");
    };
    executable_only_for_others_is_not_executable = |s| s.chmod("tools/run.sh", 0o655);
    executable_bit_ignored_by_configuration = |s| {
        s.git(&["config", "core.fileMode", "false"]);
        s.chmod("tools/run.sh", 0o755);
        s.chmod("src/a.rs", 0o755);
        s.write("src/a.rs", "changed\n");
    };
    a_new_executable = |s| {
        s.write("tools/new.sh", "x\n");
        s.chmod("tools/new.sh", 0o755);
        s.write("tools/added.sh", "x\n");
        s.chmod("tools/added.sh", 0o755);
        s.git(&["add", "tools/added.sh"]);
    };
    a_file_became_a_link = |s| {
        s.remove("src/a.rs");
        s.link("deep/b.rs", "src/a.rs");
    };
    a_file_became_a_link_staged = |s| {
        s.remove("src/a.rs");
        s.link("deep/b.rs", "src/a.rs");
        s.add_all();
    };
    a_link_became_a_file = |s| {
        s.link("deep/b.rs", "src/link");
        s.commit_all();
        s.remove("src/link");
        s.write("src/link", "deep/b.rs");
    };
    a_link_points_elsewhere = |s| {
        s.link("deep/b.rs", "src/link");
        s.link("gone", "src/dangling");
        s.commit_all();
        s.remove("src/link");
        s.link("/etc/shadow", "src/link");
        s.remove("src/dangling");
    };
    links_where_the_repository_knows_none = |s| {
        s.link("deep/b.rs", "src/link");
        s.commit_all();
        s.git(&["config", "core.symlinks", "false"]);
        s.remove("src/link");
        s.write("src/link", "deep/b.rs");
        s.write("src/a.rs", "changed\n");
    };
    a_file_became_a_folder = |s| {
        s.remove("src/a.rs");
        s.write("src/a.rs/inner.rs", "x\n");
    };
    a_file_became_a_folder_staged = |s| {
        s.remove("src/a.rs");
        s.write("src/a.rs/inner.rs", "x\n");
        s.add_all();
    };
    a_file_became_an_empty_folder = |s| {
        s.remove("src/a.rs");
        std::fs::create_dir(s.path("src/a.rs")).unwrap();
    };
    a_folder_became_a_file = |s| {
        s.remove("src/deep");
        s.write("src/deep", "x\n");
    };
    a_folder_became_a_file_staged = |s| {
        s.remove("src/deep");
        s.write("src/deep", "x\n");
        s.add_all();
    };
    a_folder_became_a_link_to_a_folder = |s| {
        std::fs::rename(s.path("src/deep"), s.path("moved")).unwrap();
        s.link("../moved", "src/deep");
    };
    a_folder_became_a_link_to_a_folder_staged = |s| {
        std::fs::rename(s.path("src/deep"), s.path("moved")).unwrap();
        s.link("../moved", "src/deep");
        s.add_all();
    };
    untracked_links = |s| {
        s.link("/etc/shadow", "shadow");
        s.link("nowhere", "dangling");
        s.link("src", "folder");
        s.link("loop", "loop");
        s.link(".", "here");
    };
    a_file_became_a_repository = |s| {
        s.remove("src/a.rs");
        s.inner("src/a.rs");
    };
    pipes_and_sockets_are_no_files = |s| {
        assert!(Command::new("mkfifo").arg(s.path("src/pipe")).status().unwrap().success());
        std::os::unix::net::UnixListener::bind(s.path("socket")).unwrap();
    };
    a_file_of_git_somewhere_below = |s| {
        s.write("src/.git", "gitdir: nowhere\n");
        s.write("src/x.rs", "x\n");
        s.write("loose/.git", "no gitdir\n");
        s.write("loose/x.rs", "x\n");
    };
    a_file_and_a_folder_trade_places = |s| {
        s.write_old("pair/one", LONG);
        s.write_old("pair/two/x", "x\n");
        s.commit_all();
        s.remove("pair/one");
        s.remove("pair/two");
        s.write("pair/one/x", "x\n");
        s.write("pair/two", LONG);
        s.add_all();
    };
}

/// Git's diffs fail altogether; its status calls it modified.
#[test]
fn a_pipe_in_the_place_of_a_file_is_a_change() {
    let sandbox = Sandbox::new();
    sandbox.remove("src/a.rs");
    let made = Command::new("mkfifo")
        .arg(sandbox.path("src/a.rs"))
        .status();
    assert!(made.unwrap().success());
    for scope in [Scope::Worktree, Scope::Base("HEAD".to_owned())] {
        let rows = scan(&sandbox, &scope).rows;
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].path.as_slice(), rows[0].status),
            (&b"src/a.rs"[..], ChangeStatus::Modified)
        );
        assert!(rows[0].measured.uncounted);
    }
}

/// A folder that cannot be read. The superuser can read everything, so it gives that up first where it is one.
#[test]
fn an_unreadable_folder_hides_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.write("docs/new.md", "x\n");
    sandbox.write("src/deep/b.rs", "changed\n");
    sandbox.write("src/new.rs", "x\n");
    sandbox.chmod("src/deep", 0o000);
    let report = report_without_powers(&sandbox);
    sandbox.chmod("src/deep", 0o755);
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let paths: Vec<&str> = report["changed_files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert!(
        paths.contains(&"docs/new.md") && paths.contains(&"src/new.rs"),
        "{paths:?}"
    );
}

/// `zhongshu report --json` without the power to read what its owner may not.
fn report_without_powers(sandbox: &Sandbox) -> Vec<u8> {
    let binary = env!("CARGO_BIN_EXE_zhongshu");
    let mut command = Command::new("setpriv");
    command.args(["--inh-caps=-all", "--bounding-set=-all", binary]);
    let is_root = rustix::process::geteuid().is_root();
    let mut command = if is_root {
        command
    } else {
        Command::new(binary)
    };
    let output = command
        .args(["report", "--json", "--repo"])
        .arg(&sandbox.repo)
        .env("HOME", sandbox.folder.path())
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Nobody's disk holds a file of a terabyte, but one with a hole can claim to.
#[test]
fn a_huge_file_is_listed_and_not_read() {
    let sandbox = Sandbox::new();
    sandbox.write("huge.bin", "x\n");
    sandbox.commit_all();
    let huge = std::fs::File::create(sandbox.path("huge.bin")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let loose = std::fs::File::create(sandbox.path("loose.bin")).unwrap();
    loose.set_len(1 << 40).unwrap();
    let rows = scan(&sandbox, &Scope::Worktree).rows;
    let told: Vec<(&[u8], bool)> = rows
        .iter()
        .map(|row| (row.path.as_slice(), row.measured.uncounted))
        .collect();
    assert_eq!(told, [(&b"huge.bin"[..], true), (b"loose.bin", true)]);
}

#[test]
fn what_is_executable_does_not_matter_before_the_first_commit() {
    let sandbox = Sandbox::unborn();
    sandbox.write("run.sh", "x\n");
    sandbox.chmod("run.sh", 0o755);
    sandbox.add_all();
    sandbox.chmod("run.sh", 0o644);
    assert_expected(&sandbox, &Expected::of(&sandbox), "as Git says");
}
