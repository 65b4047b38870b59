//! Other ways to check a repository out: sparse, partial, shallow, linked, bare; and entries of the index with marks.

use super::sandbox::{LONG, Sandbox};
use super::yardstick::{Expected, assert_expected, deadline, scan, situations};
use std::path::Path;
use zhongshu::git::changes::Scope;
use zhongshu::git::{GitError, Repo};

fn many(s: &Sandbox) {
    for folder in ["one", "two", "two/deep", "three"] {
        for n in 0..3 {
            s.write_old(&format!("{folder}/{n}.txt"), format!("{folder} {n}\n"));
        }
    }
    s.commit_all();
}

situations! {
    assumed_unchanged = |s| {
        s.git(&["update-index", "--assume-unchanged", "src/a.rs", "docs/guide.md"]);
        s.write("src/a.rs", "hidden\n");
        s.remove("docs/guide.md");
    };
    skipped_without_a_sparse_checkout = |s| {
        s.git(&["update-index", "--skip-worktree", "docs/guide.md", "src/a.rs"]);
        s.remove("docs/guide.md");
        s.write("src/a.rs", "hidden\n");
    };
    skipped_and_staged = |s| {
        s.write("src/a.rs", "staged\n");
        s.add_all();
        s.git(&["update-index", "--skip-worktree", "src/a.rs"]);
        s.remove("src/a.rs");
    };
    sparse_by_patterns = |s| {
        s.write_old("src/a.rs", "second\n");
        s.write_old("docs/more.md", "more\n");
        s.commit_all();
        s.git(&["sparse-checkout", "set", "--no-cone", "/docs/", "!/src/"]);
        s.write("docs/guide.md", "changed\n");
        s.write("src/back.rs", "untracked\n");
    };
    sparse_by_folders = |s| {
        many(s);
        s.git(&["sparse-checkout", "set", "--cone", "one"]);
        s.write("one/0.txt", "changed\n");
        s.write("one/new.txt", "x\n");
    };
    sparse_with_a_file_that_came_back = |s| {
        many(s);
        s.git(&["sparse-checkout", "set", "--cone", "one"]);
        s.write("two/0.txt", "two 0\n");
        s.write("two/1.txt", "changed\n");
        s.write("two/new.txt", "x\n");
    };
    sparse_with_staged_changes_outside = |s| {
        many(s);
        s.git(&["sparse-checkout", "set", "--cone", "one"]);
        s.git(&["rm", "-q", "--sparse", "--cached", "two/1.txt"]);
        s.write("three/0.txt", "changed\n");
        s.git(&["add", "--sparse", "three/0.txt"]);
    };
    sparse_index = |s| {
        many(s);
        s.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "one"]);
        s.write("one/0.txt", "changed\n");
        s.write("one/1.txt", "staged\n");
        s.git(&["add", "one/1.txt"]);
        s.write("one/new.txt", "x\n");
    };
    sparse_index_with_a_file_that_came_back = |s| {
        many(s);
        s.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "one"]);
        s.write("two/1.txt", "changed\n");
    };
}

#[test]
fn a_linked_worktree() {
    let mut sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path(".git/info")).unwrap();
    std::fs::write(sandbox.path(".git/info/exclude"), "*.log\n").unwrap();
    let linked = sandbox.folder.path().join("linked");
    let path = linked.to_str().unwrap().to_owned();
    sandbox.git(&["worktree", "add", "-q", "-b", "side", &path]);
    let first = std::mem::replace(&mut sandbox.repo, linked);
    sandbox.write("src/a.rs", "changed\n");
    sandbox.write("a.log", "x\n");
    sandbox.write("new.txt", "x\n");
    sandbox.git(&["add", "new.txt"]);
    assert_expected(&sandbox, &Expected::of(&sandbox), "the linked one");
    sandbox.repo = first;
    assert_expected(&sandbox, &Expected::of(&sandbox), "the first one");
}

#[test]
fn a_bare_repository_is_refused_with_a_sentence() {
    let sandbox = Sandbox::new();
    let bare = sandbox.folder.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let error = Repo::open(&bare).err().unwrap();
    assert!(matches!(error, GitError::Bare(_)), "{error}");
    assert!(error.to_string().contains("bare"), "{error}");
}

/// Clones over the protocol, as far as these arguments say.
fn clone(sandbox: &mut Sandbox, args: &[&str]) {
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    let target = sandbox.folder.path().join("clone");
    let source = format!("file://{}", sandbox.repo.display());
    let path = target.to_str().unwrap().to_owned();
    sandbox.git(&[&["clone", "-q"], args, &[&source, &path]].concat());
    sandbox.repo = target;
    sandbox.configure("[user]\n\tname = T\n\temail = t@example.invalid\n");
}

#[test]
fn a_shallow_clone() {
    let mut sandbox = Sandbox::new();
    sandbox.write_old("src/a.rs", "second\n");
    sandbox.commit_all();
    clone(&mut sandbox, &["--depth=1"]);
    sandbox.write("src/a.rs", "third\n");
    sandbox.write("new.txt", "x\n");
    assert_expected(&sandbox, &Expected::of(&sandbox), "shallow");
    let repo = Repo::open(&sandbox.repo).unwrap();
    let before = repo.changes(&Scope::Base("HEAD~1".to_owned()), &deadline());
    assert!(matches!(before, Err(GitError::UnknownRevision { .. })));
}

/// Contents that were not fetched cost their counts and nothing else; nothing is fetched for a report.
#[test]
fn a_partial_clone() {
    let mut sandbox = Sandbox::new();
    sandbox.write_old("src/a.rs", "second\nand more\n");
    sandbox.write_old("old/moved.txt", LONG);
    sandbox.commit_all();
    sandbox.git(&["mv", "old", "new"]);
    sandbox.write_old("new/moved.txt", LONG.to_owned() + "end\n");
    sandbox.commit_all();
    clone(&mut sandbox, &["--filter=blob:none", "--no-checkout"]);
    sandbox.git(&["sparse-checkout", "set", "--cone", "docs"]);
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("docs/guide.md", "changed\n");
    sandbox.write("docs/new.md", "x\n");
    let packs = |sandbox: &Sandbox| count(&sandbox.path(".git/objects"));
    let before = packs(&sandbox);
    let worktree = scan(&sandbox, &Scope::Worktree);
    let names = |rows: &[zhongshu::git::changes::Change]| -> Vec<String> {
        rows.iter()
            .map(|row| String::from_utf8_lossy(&row.path).into_owned())
            .collect()
    };
    assert_eq!(names(&worktree.rows), ["docs/guide.md", "docs/new.md"]);
    // Between these two commits contents differ that are not here.
    let base = scan(&sandbox, &Scope::Base("HEAD~2".to_owned()));
    let names = names(&base.rows);
    assert!(names.contains(&"src/a.rs".to_owned()), "{names:?}");
    assert!(names.contains(&"new/moved.txt".to_owned()), "{names:?}");
    let missing = base.rows.iter().find(|row| row.path == b"src/a.rs");
    assert!(missing.unwrap().measured.uncounted);
    assert_eq!(packs(&sandbox), before, "something was fetched");
}

fn count(folder: &Path) -> usize {
    walkdir::WalkDir::new(folder).into_iter().count()
}

#[test]
fn a_worktree_whose_contents_were_not_fetched() {
    let mut sandbox = Sandbox::new();
    clone(&mut sandbox, &["--filter=blob:none"]);
    sandbox.write("src/a.rs", "changed\n");
    sandbox.write("new.txt", "x\n");
    assert_expected(&sandbox, &Expected::of(&sandbox), "partial, checked out");
}
