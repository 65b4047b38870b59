//! Repositories that want something: programs to be run, files elsewhere to be read.

use super::sandbox::Sandbox;
use super::yardstick::scan;
use std::os::unix::fs::PermissionsExt;
use zhongshu::domain::report::ChangeStatus;
use zhongshu::git::changes::Scope;

/// A program that leaves a sign that it ran.
fn trap(sandbox: &Sandbox, name: &str) -> String {
    let path = sandbox.folder.path().join(format!("{name}.sh"));
    let sign = sandbox.folder.path().join("signs").join(name);
    std::fs::create_dir_all(sign.parent().unwrap()).unwrap();
    std::fs::write(
        &path,
        format!("#!/bin/sh\ntouch '{}'\ncat\n", sign.display()),
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn signs(sandbox: &Sandbox) -> Vec<String> {
    std::fs::read_dir(sandbox.folder.path().join("signs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A file with a filter in the configuration: Git runs the program to learn whether the content is the same. We never do,
/// so such a file counts as modified as soon as its bytes differ from what is recorded.
#[test]
fn filters_are_never_run() {
    let sandbox = Sandbox::new();
    sandbox.write_old(
        ".gitattributes",
        "*.rs filter=evil diff=evil\n*.md filter=other diff=evil\n",
    );
    sandbox.commit_all();
    for (key, name) in [
        ("filter.evil.clean", "clean"),
        ("filter.evil.smudge", "smudge"),
        ("filter.other.process", "process"),
        ("diff.external", "external"),
        ("diff.evil.command", "command"),
        ("diff.evil.textconv", "textconv"),
        ("core.fsmonitor", "fsmonitor"),
        ("core.pager", "pager"),
        ("core.editor", "editor"),
        ("core.sshCommand", "ssh"),
        ("core.alternateRefsCommand", "alternates"),
        ("credential.helper", "credential"),
    ] {
        sandbox.git(&["config", key, &trap(&sandbox, name)]);
    }
    sandbox.write("src/a.rs", "fn same size\n");
    sandbox.write("README.md", "changed\n");
    let text = std::fs::read(sandbox.path("docs/guide.md")).unwrap();
    sandbox.remove("docs/guide.md");
    sandbox.write("docs/guide.md", text);
    sandbox.write("new.rs", "x\n");
    for scope in [
        Scope::Worktree,
        Scope::Staged,
        Scope::Base("HEAD~1".to_owned()),
    ] {
        scan(&sandbox, &scope);
    }
    assert_eq!(signs(&sandbox), Vec::<String>::new());
    let rows = scan(&sandbox, &Scope::Worktree).rows;
    let told: Vec<(&[u8], ChangeStatus)> = rows
        .iter()
        .map(|row| (row.path.as_slice(), row.status))
        .collect();
    assert_eq!(
        told,
        [
            (&b"README.md"[..], ChangeStatus::Modified),
            (b"new.rs", ChangeStatus::Untracked),
            (b"src/a.rs", ChangeStatus::Modified),
        ]
    );
    // The trap works: Git itself walks into it.
    sandbox.git(&["status", "--porcelain"]);
    assert!(!signs(&sandbox).is_empty());
}
