//! Hooks: ours beside those of others, taken away without a trace, and left alone where another program owns them.

use super::rig::Ground;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

const NAMES: [&str; 5] = [
    "pre-commit",
    "pre-merge-commit",
    "commit-msg",
    "reference-transaction",
    "post-commit",
];

/// Names, modes, targets of links and content of a folder.
fn everything(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let data = fs::symlink_metadata(&path).unwrap();
            let content = match data.is_symlink() {
                true => fs::read_link(&path)
                    .unwrap()
                    .to_string_lossy()
                    .as_bytes()
                    .to_vec(),
                false => fs::read(&path).unwrap_or_default(),
            };
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, data.mode(), content)
        })
        .collect();
    all.sort();
    all
}

/// A hook that writes down how it was called.
fn witness(ground: &Ground, name: &str, more: &str) {
    let log = ground.root.join("log");
    let text = format!(
        "#!/bin/sh\necho \"{name} [$*] $GIT_INDEX_FILE $(cat | wc -c)\" >> '{}'\n{more}\n",
        log.display()
    );
    ground.executable(&format!(".git/hooks/{name}"), &text);
}

fn log(ground: &Ground) -> String {
    fs::read_to_string(ground.root.join("log")).unwrap_or_default()
}

#[test]
fn installing_twice_is_once_and_removing_leaves_every_byte_as_it_was() {
    let ground = Ground::new();
    let hooks = ground.path(".git/hooks");
    witness(&ground, "pre-commit", "exit 0");
    ground.write("scripts/msg.sh", "#!/bin/sh\nexit 0\n");
    std::os::unix::fs::symlink("../../scripts/msg.sh", hooks.join("commit-msg")).unwrap();
    // Not executable: git passes over it, and so do we.
    ground.write(".git/hooks/post-commit", "#!/bin/sh\ntouch ran\n");
    let before = everything(&hooks);
    let first = ground.zhongshu(&["hook", "install"]).ok();
    assert!(
        first.contains("runs") && first.contains("pre-commit.before-zhongshu"),
        "{first}"
    );
    let installed = everything(&hooks);
    assert_ne!(before, installed);
    for name in NAMES {
        let mode = fs::metadata(hooks.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{name}");
    }
    assert_eq!(ground.zhongshu(&["hook", "install"]).ok(), first);
    assert_eq!(everything(&hooks), installed);
    ground.zhongshu(&["hook", "status"]).ok();
    ground.zhongshu(&["hook", "remove"]).ok();
    assert_eq!(everything(&hooks), before);
    ground.zhongshu(&["hook", "remove"]).ok();
    assert_eq!(everything(&hooks), before);
    ground
        .zhongshu(&["hook", "status"])
        .refused("not installed");
}

#[test]
fn an_earlier_hook_runs_first_with_everything_it_had_and_its_no_counts() {
    let ground = Ground::new();
    for name in NAMES {
        witness(&ground, name, "exit 0");
    }
    ground.zhongshu(&["hook", "install"]).ok();
    ground.stage("src/a.rs", "two\n");
    ground.commit(&["-m", "x"]).refused("nobody has approved");
    ground.approve_offline();
    ground.commit(&["-m", "x"]).ok();
    let log = log(&ground);
    assert!(log.contains("pre-commit [] .git/index 0\n"), "{log}");
    assert!(
        log.contains("commit-msg [.git/COMMIT_EDITMSG] .git/index 0\n"),
        "{log}"
    );
    assert!(log.contains("post-commit [] .git/index 0\n"), "{log}");
    // Its own exit code comes through.
    witness(
        &ground,
        "pre-commit.before-zhongshu",
        "echo no from the earlier hook >&2; exit 3",
    );
    ground.stage("src/a.rs", "three\n");
    ground.approve_offline();
    ground
        .commit(&["-m", "y"])
        .refused("no from the earlier hook");
    let code = ground
        .command(ground.path(".git/hooks/pre-commit"))
        .status()
        .unwrap();
    assert_eq!(code.code(), Some(3));
}

#[test]
fn what_an_earlier_hook_stages_is_judged_as_well() {
    let ground = Ground::new();
    witness(
        &ground,
        "pre-commit",
        "echo formatted > src/a.rs; git add src/a.rs",
    );
    ground.zhongshu(&["hook", "install"]).ok();
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    ground.commit(&["-m", "x"]).refused("has changed since");
    ground.approve_offline();
    ground.commit(&["-m", "x"]).ok();
    assert_eq!(ground.git(&["show", "HEAD:src/a.rs"]).ok(), "formatted");
}

#[test]
fn the_folder_that_the_repository_names_is_used() {
    for (named, expected) in [(".githooks", ".githooks"), ("", "")] {
        let ground = Ground::new();
        let outside = ground.root.join("hooks of others");
        let named = match named {
            "" => outside.to_str().unwrap().to_owned(),
            named => named.to_owned(),
        };
        ground.git(&["config", "core.hooksPath", &named]).ok();
        let said = ground.zhongshu(&["hook", "install"]).ok();
        let folder = match expected {
            "" => outside.clone(),
            name => ground.path(name),
        };
        assert!(folder.join("pre-commit").exists(), "{said}");
        assert!(!ground.path(".git/hooks/pre-commit").exists());
        assert_eq!(
            said.contains("files of the repository"),
            !expected.is_empty(),
            "{said}"
        );
        ground.stage("src/a.rs", "two\n");
        ground.commit(&["-m", "x"]).refused("nobody has approved");
        ground.approve_offline();
        ground.commit(&["-m", "x"]).ok();
        ground.zhongshu(&["hook", "remove"]).ok();
        assert_eq!(everything(&folder), []);
    }
}

#[test]
fn where_another_program_owns_the_hooks_its_own_line_is_told() {
    let generated = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\nexec pre-commit hook-impl\n";
    let lefthook = "#!/bin/sh\ncall_lefthook()\n{\n  lefthook \"$@\"\n}\ncall_lefthook run \"pre-commit\" \"$@\"\n";
    let overcommit = "#!/usr/bin/env ruby\n# Entrypoint for Overcommit hook integration.\n";
    for (text, words) in [
        (
            generated,
            [
                "pre-commit owns the hooks",
                ".pre-commit-config.yaml",
                "entry: zhongshu gate",
            ],
        ),
        (
            lefthook,
            [
                "lefthook owns the hooks",
                "lefthook.yml",
                "run: zhongshu gate",
            ],
        ),
        (
            overcommit,
            [
                "overcommit owns the hooks",
                ".overcommit.yml",
                "[zhongshu, gate]",
            ],
        ),
    ] {
        let ground = Ground::new();
        ground.executable(".git/hooks/pre-commit", text);
        let before = everything(&ground.path(".git/hooks"));
        for word in words {
            ground.zhongshu(&["hook", "install"]).refused(word);
        }
        assert_eq!(everything(&ground.path(".git/hooks")), before);
        ground.zhongshu(&["hook", "status"]).refused(words[0]);
    }
    for path in [".husky/_", ".husky"] {
        let ground = Ground::new();
        ground.git(&["config", "core.hooksPath", path]).ok();
        ground.executable(".husky/pre-commit", "npm test\n");
        let said = ground
            .zhongshu(&["hook", "install"])
            .refused("husky owns the hooks");
        assert!(
            said.contains(".husky/pre-commit") && said.contains("\n    zhongshu gate\n"),
            "{said}"
        );
        assert_eq!(ground.read(".husky/pre-commit"), "npm test\n");
    }
    let ground = Ground::new();
    fs::write(
        ground.root.join("home/.gitconfig"),
        format!("[core]\n\thooksPath = {}/all\n", ground.root.display()),
    )
    .unwrap();
    ground
        .zhongshu(&["hook", "install"])
        .refused("serves every repository");
    assert!(!ground.root.join("all").exists());
}

#[test]
fn the_lines_for_managers_work_as_they_are_told() {
    // What husky runs is a plain script that calls the line.
    let ground = Ground::new();
    let folder = Path::new(env!("CARGO_BIN_EXE_zhongshu")).parent().unwrap();
    let state = ground.state();
    ground.executable(
        ".git/hooks/pre-commit",
        &format!(
            "#!/bin/sh\nPATH='{}':$PATH\nzhongshu gate --state-dir '{}'\n",
            folder.display(),
            state.display()
        ),
    );
    ground.stage("src/a.rs", "two\n");
    ground.commit(&["-m", "x"]).refused("nobody has approved");
    ground.approve_offline();
    ground.commit(&["-m", "x"]).ok();
}

#[test]
fn hooks_that_somebody_changed_are_not_touched() {
    let ground = Ground::guarded();
    let path = ground.path(".git/hooks/pre-commit");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("echo mine\n");
    fs::write(&path, &text).unwrap();
    for command in ["install", "remove"] {
        ground
            .zhongshu(&["hook", command])
            .refused("changed since; nothing was changed");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    ground
        .zhongshu(&["hook", "status"])
        .refused("changed by hand");
    // Another program put its own hook over ours, while an earlier one is kept: neither may be lost.
    let ground = Ground::new();
    witness(&ground, "pre-commit", "exit 0");
    ground.zhongshu(&["hook", "install"]).ok();
    ground.executable(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    let before = everything(&ground.path(".git/hooks"));
    ground
        .zhongshu(&["hook", "install"])
        .refused("Make one of the two");
    assert_eq!(everything(&ground.path(".git/hooks")), before);
}

#[test]
fn linked_worktrees_share_the_hooks() {
    let ground = Ground::new();
    let linked = ground.root.join("linked");
    ground
        .git(&["worktree", "add", "-q", linked.to_str().unwrap()])
        .ok();
    let mut install = ground.command(env!("CARGO_BIN_EXE_zhongshu"));
    let said = install
        .args(["hook", "install"])
        .current_dir(&linked)
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
    let hook = ground.read(".git/hooks/pre-commit");
    assert!(
        hook.contains(&format!("root='{}'", linked.display())),
        "{hook}"
    );
    ground.stage("src/a.rs", "two\n");
    ground.commit(&["-m", "x"]).refused("nobody has approved");
    fs::write(linked.join("a"), "a").unwrap();
    ground.git_in(&linked, &["add", "a"]).ok();
    ground
        .git_in(&linked, &["commit", "-q", "-m", "a"])
        .refused("nobody has approved");
}

#[test]
fn without_the_program_the_committed_mode_decides() {
    let ground = Ground::new();
    let copy = ground.root.join("bin/zhongshu");
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_zhongshu"), &copy)
        .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_zhongshu"), &copy).map(drop))
        .unwrap();
    let mut install = ground.command(&copy);
    install
        .args(["hook", "install", "--state-dir"])
        .arg(ground.state());
    assert!(install.status().unwrap().success());
    ground.stage("src/a.rs", "two\n");
    ground.approve_offline();
    fs::remove_file(&copy).unwrap();
    let said = ground
        .commit(&["-m", "x"])
        .refused("the program that checks commits is gone");
    assert!(said.contains("refused"), "{said}");
    // What lies on disk does not help.
    ground.write("governance.yaml", "gate: off\n");
    ground.commit(&["-m", "x"]).refused("is gone");
    ground.git(&["add", "governance.yaml"]).ok();
    ground.commit(&["--no-verify", "-m", "off"]).ok();
    ground.stage("src/a.rs", "three\n");
    let passed = ground.commit(&["-m", "y"]);
    assert_eq!(passed.err, "");
    passed.ok();
    ground.stage("governance.yaml", "gate: 'warn' # for now\n");
    ground.commit(&["-m", "warn"]).ok();
    ground.stage("src/a.rs", "four\n");
    let warned = ground.commit(&["-m", "z"]);
    assert!(
        warned.err.contains("is gone") && !warned.err.contains("refused"),
        "{}",
        warned.err
    );
    warned.ok();
    // Another one on PATH steps in.
    ground.stage("governance.yaml", "gate: enforce\n");
    ground.commit(&["-m", "enforce"]).ok();
    ground.stage("src/a.rs", "five\n");
    let folder = Path::new(env!("CARGO_BIN_EXE_zhongshu")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut commit = ground.command("git");
    let said = commit
        .args(["commit", "-m", "x"])
        .env("PATH", path)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(err.contains("nobody has approved"), "{err}");
}

#[test]
fn our_hooks_are_plain_posix_shell() {
    let ground = Ground::guarded();
    for name in NAMES {
        let checked = ground
            .command("sh")
            .args(["-n", &format!(".git/hooks/{name}")])
            .output()
            .unwrap();
        assert!(checked.status.success(), "{name}: {checked:?}");
    }
}
