//! Which repositories are read, that nothing in them is started or written, and how long it takes.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use zhongshu::domain::language::Language;
use zhongshu::domain::report::{FileKind, ReportMode};
use zhongshu::git::GitError;
use zhongshu::governance::Governance;
use zhongshu::governance::report::{ReportError, ReportRequest, build};

use crate::sandbox::{Sandbox, file, paths, walk};

#[test]
fn hostile_configuration_starts_nothing() {
    let sandbox = Sandbox::new();
    let canaries = sandbox.folder.path().join("canaries");
    std::fs::create_dir(&canaries).unwrap();
    let program = |name: &str| {
        let path = sandbox.folder.path().join(format!("{name}.sh"));
        std::fs::write(
            &path,
            format!(
                "#!/bin/sh\ntouch '{}'\ncat\n",
                canaries.join(name).display()
            ),
        )
        .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    for (key, name) in [
        ("core.fsmonitor", "fsmonitor"),
        ("filter.evil.clean", "clean"),
        ("filter.evil.smudge", "smudge"),
        ("filter.other.process", "process"),
        ("diff.external", "external"),
        ("diff.evil.command", "command"),
        ("diff.evil.textconv", "textconv"),
        ("core.pager", "pager"),
        ("core.editor", "editor"),
        ("core.sshCommand", "ssh"),
        ("core.alternateRefsCommand", "alternates"),
        ("credential.helper", "credential"),
    ] {
        sandbox.git(&["config", key, &program(name)]);
    }
    let hooks = sandbox.folder.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["post-index-change", "fsmonitor-watchman", "pre-commit"] {
        std::fs::copy(program("hook"), hooks.join(hook)).unwrap();
    }
    let config = sandbox.path(".git/config");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!("[core]\n\thooksPath = {}\n", hooks.display()));
    std::fs::write(&config, text).unwrap();
    sandbox.write(
        ".gitattributes",
        "*.rs filter=evil diff=evil\n*.md filter=other diff=evil\n",
    );
    sandbox.write("src/a.rs", "changed\n");
    sandbox.write("README.md", "changed\n");
    sandbox.write("new.rs", "x\n");
    sandbox.worktree();
    sandbox.staged();
    sandbox.base("HEAD");
    assert_eq!(std::fs::read_dir(&canaries).unwrap().count(), 0);
    // The trap works: Git itself walks into it.
    sandbox.git(&["status", "--porcelain"]);
    assert!(std::fs::read_dir(&canaries).unwrap().count() > 0);
}

#[test]
fn only_the_named_folder_is_read() {
    let sandbox = Sandbox::new();
    let through_link = sandbox.folder.path().join("through-link");
    symlink(&sandbox.repo, &through_link).unwrap();
    sandbox.write("governance.yaml", "language: zh\n");
    let governance = Governance::load(&through_link).unwrap();
    assert_eq!(governance.settings.language, Some(Language::Zh));
    let report = build(&through_link, &governance, &ReportRequest::default()).unwrap();
    assert_eq!(paths(&report), ["governance.yaml"]);
    let open = |path: &Path| build(path, &Governance::default(), &ReportRequest::default());
    let error = |path: &Path| match open(path) {
        Err(ReportError::Git(error)) => error,
        other => panic!("{}: {other:?}", path.display()),
    };
    assert!(
        matches!(error(&sandbox.path("src")), GitError::NotARepository(_)),
        "no discovery upwards"
    );
    assert!(matches!(
        error(sandbox.folder.path()),
        GitError::NotARepository(_)
    ));
    assert!(matches!(
        error(Path::new("/no/such/folder")),
        GitError::NotARepository(_)
    ));

    let bare = sandbox.folder.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let told = error(&bare);
    assert!(matches!(told, GitError::Bare(_)), "{told}");
    assert!(told.to_string().contains("bare"));

    let other = |name: &str| {
        let path = sandbox.folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let pointing = other("pointing");
    std::fs::write(
        pointing.join(".git"),
        format!("gitdir: {}\n", sandbox.path(".git").display()),
    )
    .unwrap();
    assert!(matches!(error(&pointing), GitError::Elsewhere { .. }));
    let linked = other("linked");
    symlink(sandbox.path(".git"), linked.join(".git")).unwrap();
    assert!(matches!(error(&linked), GitError::Elsewhere { .. }));
    let buried = other("buried");
    sandbox.git(&["init", "-q", buried.to_str().unwrap()]);
    std::fs::write(
        buried.join(".git/config"),
        format!(
            "[core]\n\trepositoryformatversion = 0\n\tworktree = {}\n",
            sandbox.repo.display()
        ),
    )
    .unwrap();
    assert!(matches!(error(&buried), GitError::Elsewhere { .. }));
    let shared = other("shared");
    sandbox.git(&["init", "-q", shared.to_str().unwrap()]);
    std::fs::write(
        shared.join(".git/commondir"),
        format!("{}\n", sandbox.path(".git").display()),
    )
    .unwrap();
    assert!(matches!(error(&shared), GitError::Elsewhere { .. }));
    // A bare repository's files in a folder whose .git is broken are not taken for one.
    let mixed = other("mixed");
    sandbox.git(&[
        "clone",
        "-q",
        "--bare",
        ".",
        mixed.join("x").to_str().unwrap(),
    ]);
    for entry in std::fs::read_dir(mixed.join("x")).unwrap() {
        let entry = entry.unwrap();
        std::fs::rename(entry.path(), mixed.join(entry.file_name())).unwrap();
    }
    std::fs::create_dir(mixed.join(".git")).unwrap();
    open(&mixed).unwrap_err();
}

#[test]
fn somebody_elses_repository_is_refused() {
    let sandbox = Sandbox::new();
    // Giving files away takes root; elsewhere there is nothing to test.
    for path in walk(&sandbox.repo) {
        if std::os::unix::fs::lchown(path, Some(4711), None).is_err() {
            return;
        }
    }
    let error = sandbox.try_report(ReportMode::Worktree, None).unwrap_err();
    assert!(
        matches!(error, ReportError::Git(GitError::ForeignOwner(_))),
        "{error}"
    );
}

#[test]
fn linked_worktrees_submodules_and_separate_git_dirs_are_their_own_roots() {
    let sandbox = Sandbox::new();
    let report =
        |path: &Path| build(path, &Governance::default(), &ReportRequest::default()).unwrap();
    let linked = sandbox.folder.path().join("linked");
    sandbox.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "side",
        linked.to_str().unwrap(),
    ]);
    std::fs::write(linked.join("only-here.txt"), "x\n").unwrap();
    let told = report(&linked);
    assert_eq!(
        (paths(&told), told.branch.as_deref()),
        (vec!["only-here.txt"], Some("side"))
    );
    assert_eq!(paths(&sandbox.worktree()), Vec::<&str>::new());

    sandbox.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        sandbox.repo.to_str().unwrap(),
        "sub",
    ]);
    let told = report(&sandbox.path("sub"));
    assert_eq!(paths(&told), Vec::<&str>::new());
    assert_eq!(file(&sandbox.worktree(), "sub").kind, FileKind::Submodule);

    let separate = sandbox.folder.path().join("separate");
    let store = sandbox.folder.path().join("store");
    sandbox.git(&[
        "init",
        "-q",
        "--separate-git-dir",
        store.to_str().unwrap(),
        separate.to_str().unwrap(),
    ]);
    std::fs::write(separate.join("new.txt"), "x\n").unwrap();
    // Git records no way back by itself, so this cannot be told from a planted `.git` file until somebody does.
    let refused = build(&separate, &Governance::default(), &ReportRequest::default()).unwrap_err();
    assert!(refused.to_string().contains("core.worktree"), "{refused}");
    let path = separate.to_str().unwrap();
    sandbox.git(&[
        "--git-dir",
        store.to_str().unwrap(),
        "config",
        "core.worktree",
        path,
    ]);
    assert_eq!(paths(&report(&separate)), ["new.txt"]);
}

#[test]
fn formats_that_cannot_be_read_are_refused_with_a_sentence() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.repositoryformatversion", "1"]);
    sandbox.git(&["config", "extensions.unheardOf", "true"]);
    let error = sandbox.try_report(ReportMode::Worktree, None).unwrap_err();
    assert!(
        matches!(error, ReportError::Git(GitError::Unsupported(_))),
        "{error}"
    );
}

#[test]
fn a_report_that_takes_too_long_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    let request = ReportRequest {
        time_limit: Duration::ZERO,
        ..ReportRequest::default()
    };
    let error = build(&sandbox.repo, &Governance::default(), &request).unwrap_err();
    assert!(
        matches!(error, ReportError::Git(GitError::TooSlow(0))),
        "{error}"
    );
}

#[test]
fn nothing_in_the_repository_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "src/a.rs",
        "fn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\nfn x() {}\n",
    );
    let index = std::fs::read(sandbox.path(".git/index")).unwrap();
    let list = || walk(&sandbox.repo);
    let before = list();
    sandbox.worktree();
    sandbox.staged();
    sandbox.base("HEAD");
    assert_eq!(list(), before);
    assert_eq!(std::fs::read(sandbox.path(".git/index")).unwrap(), index);
}

#[test]
fn a_small_repository_is_quick() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    let governance = Governance::default();
    let best = (0..50)
        .map(|_| {
            let started = Instant::now();
            build(&sandbox.repo, &governance, &ReportRequest::default()).unwrap();
            started.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < Duration::from_millis(3), "{best:?}");
}
