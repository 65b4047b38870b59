//! The differences that a reviewer gets to see, against the real git, and what nothing can hide from them.

use super::rig::Ground;
use std::time::Duration;
use zhongshu::domain::report::ChangeStatus;
use zhongshu::git::Repo;
use zhongshu::git::changes::Deadline;
use zhongshu::git::diff::{Content, FileDiff, Limits, LineKind, OVERVIEW, WHOLE_FILE};

fn diffs_with(ground: &Ground, limits: Limits, only: Option<usize>) -> Vec<FileDiff> {
    let repo = Repo::open(&ground.repo()).unwrap();
    let deadline = Deadline::after(Duration::from_secs(20));
    repo.staged_diffs(limits, only, &deadline).unwrap()
}

fn diffs(ground: &Ground) -> Vec<FileDiff> {
    diffs_with(ground, OVERVIEW, None)
}

fn one(ground: &Ground, path: &str) -> FileDiff {
    let all = diffs(ground);
    let found = all.iter().find(|file| file.path == path);
    found
        .unwrap_or_else(|| panic!("{path} is not in {all:#?}"))
        .clone()
}

/// The lines of a text as a patch has them.
fn patch(file: &FileDiff) -> String {
    let Content::Text { hunks, .. } = &file.content else {
        panic!("{file:?}");
    };
    let mut text = String::new();
    for hunk in hunks {
        // What git prints behind the numbers depends on its drivers.
        let numbers = hunk.header.split("@@").nth(1).unwrap();
        text.push_str(&format!("@@{numbers}@@\n"));
        for line in &hunk.lines {
            let sign = match line.kind {
                LineKind::Same => ' ',
                LineKind::Added => '+',
                LineKind::Deleted => '-',
            };
            text.push_str(&format!("{sign}{}\n", line.text));
            if line.no_newline {
                text.push_str("\\ No newline at end of file\n");
            }
        }
    }
    text
}

fn git_patch(ground: &Ground, path: &str) -> String {
    let text = ground
        .git(&[
            "diff",
            "--cached",
            "--no-ext-diff",
            "--no-textconv",
            "--text",
            "--",
            path,
        ])
        .ok();
    let hunks = text.split('\n').skip_while(|line| !line.starts_with("@@"));
    let mut patch = String::new();
    for line in hunks {
        match line.strip_prefix("@@") {
            Some(rest) => patch.push_str(&format!("@@{}@@", rest.split("@@").next().unwrap())),
            None => patch.push_str(line),
        }
        patch.push('\n');
    }
    patch
}

#[test]
fn lines_are_those_of_git() {
    let ground = Ground::new();
    let long: String = (0..200).map(|n| format!("line {n}\n")).collect();
    ground.stage("long.txt", &long);
    ground.stage("open.txt", "no end");
    ground.stage("gone.txt", "one\ntwo\n");
    ground
        .git(&["commit", "-q", "--no-verify", "-m", "more"])
        .ok();
    let changed = long
        .replace("line 7\n", "line seven\n")
        .replace("line 150\n", "")
        .replace("line 199\n", "line 199\nmore");
    ground.stage("long.txt", &changed);
    ground.stage("open.txt", "no end\n");
    ground.stage("new.txt", "a\n\nb\r\n\tc");
    ground.git(&["rm", "-q", "gone.txt"]).ok();
    for path in ["long.txt", "open.txt", "new.txt", "gone.txt"] {
        assert_eq!(
            patch(&one(&ground, path)),
            git_patch(&ground, path),
            "{path}"
        );
    }
    let all = diffs(&ground);
    let names: Vec<_> = all.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["gone.txt", "long.txt", "new.txt", "open.txt"]);
    assert_eq!(all[0].status, ChangeStatus::Deleted);
    assert_eq!(
        (all[0].new_mode.as_deref(), all[2].old_mode.as_deref()),
        (None, None)
    );
}

#[test]
fn the_first_commit_shows_everything() {
    let ground = Ground::unborn();
    ground.stage("a", "a\n");
    assert_eq!(patch(&one(&ground, "a")), "@@ -0,0 +1 @@\n+a\n");
}

#[test]
fn no_attribute_hides_a_line_from_the_reviewer() {
    let ground = Ground::new();
    ground.write(
        ".gitattributes",
        "*.rs -diff\n*.md binary\nsecret.txt diff=hide\n* linguist-generated\n",
    );
    ground.write("secret.txt", "take me\n");
    ground.git(&["config", "diff.hide.textconv", "true"]).ok();
    ground.git(&["config", "diff.hide.command", "true"]).ok();
    ground.stage("src/a.rs", "backdoor\n");
    ground.stage("README.md", "# backdoor\n");
    ground.git(&["add", "-A"]).ok();
    for path in ["src/a.rs", "README.md", "secret.txt"] {
        assert!(patch(&one(&ground, path)).contains("\n+"), "{path}");
    }
}

#[test]
fn renames_modes_links_and_kinds_are_told() {
    let ground = Ground::new();
    let body: String = (0..40).map(|n| format!("body {n}\n")).collect();
    ground.stage("src/old.rs", &body);
    ground.stage("tool.sh", "echo\n");
    ground
        .git(&["commit", "-q", "--no-verify", "-m", "more"])
        .ok();
    ground.git(&["mv", "src/old.rs", "src/new.rs"]).ok();
    ground.stage("src/new.rs", &body.replace("body 3\n", "body three\n"));
    ground.git(&["update-index", "--chmod=+x", "tool.sh"]).ok();
    std::os::unix::fs::symlink("/etc/passwd", ground.path("link")).unwrap();
    ground.git(&["add", "link"]).ok();
    std::fs::remove_file(ground.path("README.md")).unwrap();
    std::os::unix::fs::symlink("src/a.rs", ground.path("README.md")).unwrap();
    ground.git(&["add", "README.md"]).ok();
    let renamed = one(&ground, "src/new.rs");
    assert_eq!(renamed.status, ChangeStatus::Renamed);
    assert_eq!(renamed.old_path.as_deref(), Some("src/old.rs"));
    assert!(patch(&renamed).contains("-body 3\n+body three\n"));
    let mode = one(&ground, "tool.sh");
    assert_eq!(mode.content, Content::Same);
    assert_eq!(
        (mode.old_mode.as_deref(), mode.new_mode.as_deref()),
        (Some("100644"), Some("100755"))
    );
    let link = one(&ground, "link");
    assert_eq!(link.new_mode.as_deref(), Some("120000"));
    assert!(patch(&link).contains("+/etc/passwd\n"));
    let kind = one(&ground, "README.md");
    assert_eq!(kind.status, ChangeStatus::TypeChanged);
    assert!(patch(&kind).contains("-# one\n+src/a.rs\n"), "{kind:?}");
}

#[test]
fn binaries_pointers_and_modules_are_told_in_their_own_way() {
    let ground = Ground::new();
    ground.write("image", [0_u8, 1, 2, 3]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4711\n";
    ground.stage("film.mp4", pointer);
    ground.git(&["init", "-q", "module"]).ok();
    let inner = ground.path("module");
    ground
        .git_in(&inner, &["commit", "-q", "--allow-empty", "-m", "inner"])
        .ok();
    let commit = ground.git_in(&inner, &["rev-parse", "HEAD"]).ok();
    ground
        .git(&["-c", "advice.addEmbeddedRepo=false", "add", "-A"])
        .ok();
    assert_eq!(
        one(&ground, "image").content,
        Content::Binary {
            old_bytes: None,
            new_bytes: Some(4)
        }
    );
    let Content::Lfs {
        old: None,
        new: Some(new),
    } = one(&ground, "film.mp4").content
    else {
        panic!("no pointer");
    };
    assert_eq!((new.oid.as_str(), new.bytes), ("sha256:0123", Some(4711)));
    assert_eq!(
        one(&ground, "module").content,
        Content::Submodule {
            old: None,
            new: Some(commit)
        }
    );
}

#[test]
fn much_is_bounded_said_and_shown_when_it_is_asked_for() {
    let ground = Ground::new();
    let many: String = (0..3_000).map(|n| format!("{n}\n")).collect();
    ground.write("many.txt", &many);
    ground.write("wide.txt", "x".repeat(5_000));
    ground.write("huge.txt", "line\n".repeat(300_000));
    for n in 0..20 {
        ground.write(&format!("z/{n:02}.txt"), &many);
    }
    ground.git(&["add", "-A"]).ok();
    let all = diffs(&ground);
    let at = |path: &str| all.iter().position(|file| file.path == path).unwrap();
    let Content::Text {
        additions,
        left_out,
        hunks,
        ..
    } = &all[at("many.txt")].content
    else {
        panic!();
    };
    let shown: usize = hunks.iter().map(|hunk| hunk.lines.len()).sum();
    assert_eq!((*additions, shown, *left_out), (3_000, 500, 2_500));
    let Content::Text { hunks, .. } = &all[at("wide.txt")].content else {
        panic!();
    };
    assert_eq!(
        (hunks[0].lines[0].text.len(), hunks[0].lines[0].left_out),
        (1_000, 4_000)
    );
    let whole = |path: &str| diffs_with(&ground, WHOLE_FILE, Some(at(path)))[at(path)].clone();
    assert_eq!(
        all[at("huge.txt")].content,
        Content::TooLarge { bytes: 1_500_000 }
    );
    let Content::Text { left_out, .. } = whole("huge.txt").content else {
        panic!();
    };
    assert_eq!(left_out, 280_000);
    // The page as a whole has a bound, too; what it leaves out can be asked for.
    assert_eq!(all[at("z/19.txt")].content, Content::NotShown);
    let lines: usize = all
        .iter()
        .map(|file| match &file.content {
            Content::Text { hunks, .. } => hunks.iter().map(|hunk| hunk.lines.len()).sum(),
            _ => 0,
        })
        .sum();
    assert_eq!(lines, OVERVIEW.lines);
    let Content::Text { left_out, .. } = whole("z/19.txt").content else {
        panic!();
    };
    assert_eq!(left_out, 0);
    let others = diffs_with(&ground, WHOLE_FILE, Some(at("many.txt")));
    assert_eq!(others[at("wide.txt")].content, Content::NotShown);
}
