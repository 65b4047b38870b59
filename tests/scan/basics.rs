//! Files that are added, changed and deleted, in the index, on disk, and both.

use super::sandbox::{LONG, Sandbox};
use super::yardstick::{Expected, Line, assert_expected, deadline, other_content, situations};
use zhongshu::git::changes::Scope;
use zhongshu::git::{GitError, Repo};

situations! {
    nothing_changed = |_| {};
    modified_on_disk = |s| s.write("src/a.rs", "fn a() {}\nfn z() {}\n");
    modified_and_staged = |s| {
        s.write("src/a.rs", "fn a() {}\n");
        s.add_all();
    };
    staged_then_modified_again = |s| {
        s.write("src/a.rs", "fn a() {}\n");
        s.add_all();
        s.write("src/a.rs", "fn a() {}\nfn more() {}\n");
    };
    staged_then_changed_back_on_disk = |s| {
        let former = std::fs::read(s.path("src/a.rs")).unwrap();
        s.write("src/a.rs", "other\n");
        s.add_all();
        s.write("src/a.rs", former);
    };
    added = |s| {
        s.write("new.txt", "a\nb");
        s.add_all();
    };
    added_in_a_new_folder = |s| {
        s.write("new/deep/er/a.txt", "a\n");
        s.write("src/new/b.txt", "b\n");
        s.write("docs.txt", "beside docs/\n");
        s.add_all();
    };
    added_then_modified = |s| {
        s.write("new.txt", "a\n");
        s.add_all();
        s.write("new.txt", "a\nb\n");
    };
    added_then_deleted_on_disk = |s| {
        s.write("new.txt", "a\n");
        s.add_all();
        s.remove("new.txt");
    };
    deleted_on_disk = |s| s.remove("src/a.rs");
    deleted_in_both = |s| {
        s.git(&["rm", "-q", "src/a.rs"]);
    };
    deleted_in_the_index_only = |s| {
        s.git(&["rm", "-q", "--cached", "src/a.rs"]);
    };
    deleted_in_the_index_and_other_content_on_disk = |s| {
        s.git(&["rm", "-q", "--cached", "src/a.rs"]);
        s.write("src/a.rs", "other\n");
    };
    a_folder_deleted_on_disk = |s| s.remove("src");
    a_folder_deleted_in_both = |s| {
        s.git(&["rm", "-q", "-r", "src"]);
    };
    everything_deleted_in_the_index = |s| {
        s.git(&["rm", "-q", "-r", "--cached", "."]);
    };
    everything_deleted_on_disk = |s| {
        for path in ["README.md", "docs", "src", "tools"] {
            s.remove(path);
        }
    };
    intent_to_add = |s| {
        s.write("new.txt", "a\nb\n");
        s.git(&["add", "-N", "new.txt"]);
    };
    intent_to_add_of_an_empty_file = |s| {
        s.write("empty.txt", "");
        s.git(&["add", "-N", "empty.txt"]);
    };
    intent_to_add_then_deleted = |s| {
        s.write("new.txt", "a\nb\n");
        s.git(&["add", "-N", "new.txt"]);
        s.remove("new.txt");
    };
    untracked_folders = |s| {
        s.write("u/v/w/x.txt", "x\n");
        s.write("u/y.txt", "y\n");
        s.write("src/deep/loose.txt", "z\n");
        std::fs::create_dir_all(s.path("empty/inner")).unwrap();
    };
    untracked_beside_tracked_names_of_the_same_start = |s| {
        for path in ["src.rs", "src-more/x", "src/deep.txt", "src/deep-er/x", "READM", "README.md.bak"] {
            s.write(path, "x\n");
        }
    };
    nothing_at_the_end_of_the_last_line = |s| {
        s.write("docs/guide.md", "Guide");
        s.write("README.md", "# Project\n\nWords.\nMore");
    };
    empty_files = |s| {
        s.write_old("empty.txt", "");
        s.write_old("filled.txt", "");
        s.write_old("emptied.txt", "text\n");
        s.commit_all();
        s.write("filled.txt", "text\n");
        s.write("emptied.txt", "");
        s.write("new-empty.txt", "");
    };
    binary_files = |s| {
        s.write_old("old.bin", b"a\0b\n");
        s.commit_all();
        s.write("old.bin", b"a\0c\n");
        s.write("new.bin", b"\0\0\0");
        s.git(&["add", "new.bin"]);
        s.write("loose.bin", b"a\nb\n\0");
    };
    became_binary_and_text = |s| {
        s.write_old("was.bin", b"a\0b\n");
        s.commit_all();
        s.write("was.bin", "a\nb\n");
        s.write("src/a.rs", b"fn\0\n");
    };
    a_zero_byte_beyond_the_probe_is_text = |s| {
        let text = "x".repeat(79) + "\n";
        s.write("long.txt", text.repeat(101) + "\0\n");
        s.add_all();
    };
    touched_only = |s| {
        let text = std::fs::read(s.path("src/a.rs")).unwrap();
        s.remove("src/a.rs");
        s.write("src/a.rs", text);
    };
    same_size_same_time_as_the_index = |s| {
        // The time of the file says nothing: the index was written in the same second.
        s.write("src/a.rs", "fn a() {}\nfn b() {}\n");
        s.commit_all();
        s.write("src/a.rs", "fn a() {}\nfn z() {}\n");
    };
    same_size_and_the_time_put_back = |s| {
        let old = std::fs::metadata(s.path("src/a.rs")).unwrap().modified().unwrap();
        s.write("src/a.rs", "fn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\nfn z() {}\n");
        s.date("src/a.rs", old);
    }, but |expected| {
        // Git goes by whole seconds here, and sees nothing unless one has passed. We see the parts of a second.
        expected.worktree.insert("src/a.rs".into(), other_content());
        let line = Line { letters: "M".to_owned(), ..other_content() };
        expected.bases.get_mut("HEAD").unwrap().0.insert("src/a.rs".into(), line);
    };
    replaced_by_another_file_of_the_same_size_and_time = |s| {
        let old = std::fs::metadata(s.path("docs/guide.md")).unwrap().modified().unwrap();
        s.write("docs/guide.new", "guide\n");
        s.date("docs/guide.new", old);
        std::fs::rename(s.path("docs/guide.new"), s.path("docs/guide.md")).unwrap();
    };
    an_index_older_than_its_files = |s| {
        s.write("src/a.rs", "second\n");
        s.date("src/a.rs", std::time::SystemTime::now() + std::time::Duration::from_secs(3600));
        s.commit_all();
    };
    an_index_that_knows_no_times = |s| {
        s.git(&["read-tree", "HEAD"]);
        s.write("src/a.rs", "x\n");
    };
    detached_head = |s| {
        s.write_old("src/a.rs", "second\n");
        s.commit_all();
        s.git(&["checkout", "-q", "--detach", "HEAD~1"]);
        s.write("src/a.rs", "x\n");
    };
    packed_references_and_objects = |s| {
        s.write_old("src/a.rs", "second\n");
        s.commit_all();
        s.git(&["gc", "-q"]);
        s.write("src/a.rs", "x\n");
        s.write("docs/new.md", "x\n");
        s.git(&["add", "docs"]);
    };
    several_commits_back = |s| {
        s.write_old("docs/more.md", "more\n");
        s.write_old("src/a.rs", "second\n");
        s.commit_all();
        s.remove("docs/guide.md");
        s.commit_all();
        s.write("src/deep/b.rs", "x\n");
        s.write("docs/guide.md", "Guide\n");
    };
    changed_on_disk_back_to_the_base = |s| {
        let former = std::fs::read(s.path("src/a.rs")).unwrap();
        s.write_old("src/a.rs", "second\n");
        s.write_old("docs/more.md", "more\n");
        s.commit_all();
        s.write("src/a.rs", former);
        s.remove("docs/more.md");
    };
    a_base_that_is_another_branch = |s| {
        s.git(&["checkout", "-q", "-b", "side"]);
        s.write_old("docs/side.md", "side\n");
        s.write_old("src/a.rs", "side\n");
        s.commit_all();
        s.git(&["tag", "-a", "v1", "-m", "one"]);
        s.git(&["checkout", "-q", "main"]);
        s.write_old("docs/main.md", "main\n");
        s.commit_all();
        s.write("README.md", "changed\n");
    };
    a_base_on_the_other_side_of_a_merge = |s| {
        s.git(&["checkout", "-q", "-b", "side"]);
        s.write_old("docs/side.md", "side\n");
        s.commit_all();
        s.git(&["checkout", "-q", "main"]);
        s.write_old("docs/main.md", "main\n");
        s.commit_all();
        s.git(&["merge", "-q", "--no-edit", "side"]);
        s.git(&["tag", "v1", "HEAD^2"]);
        s.write("docs/side.md", "changed\n");
    };
    a_big_text = |s| {
        s.write_old("big.txt", LONG.repeat(20_000));
        s.commit_all();
        s.write("big.txt", LONG.repeat(19_999) + "end\n");
    };
    many_files_in_many_folders = |s| {
        for n in 0..300 {
            s.write_old(&format!("many/{}/{}/{n}.txt", n % 7, n % 13), format!("{n}\n"));
        }
        s.commit_all();
        for n in (0..300).step_by(11) {
            s.write(&format!("many/{}/{}/{n}.txt", n % 7, n % 13), "changed\n");
        }
        for n in (5..300).step_by(29) {
            s.remove(&format!("many/{}/{}/{n}.txt", n % 7, n % 13));
        }
        for n in (0..300).step_by(17) {
            s.write(&format!("many/{}/{}/new-{n}.txt", n % 7, n % 13), "new\n");
        }
        s.git(&["add", "many/3", "many/5/2"]);
    };
}

/// The folder where `.tmp/` belongs to the launcher.
#[test]
fn untracked_files_of_the_launcher_are_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write(".tmp/journal", "x\n");
    sandbox.write(".tmp/tracked", "x\n");
    sandbox.write("src/.tmp/x", "x\n");
    sandbox.write(".tmpx/x", "x\n");
    sandbox.git(&["add", "-f", ".tmp/tracked"]);
    let mut expected = Expected::of(&sandbox);
    assert!(expected.worktree.remove(&".tmp/journal".into()).is_some());
    assert_expected(&sandbox, &expected, "only the launcher's own is left out");
}

#[test]
fn before_the_first_commit() {
    let sandbox = Sandbox::unborn();
    assert_expected(&sandbox, &Expected::of(&sandbox), "nothing at all");
    sandbox.write("loose/file.txt", "b\n");
    assert_expected(&sandbox, &Expected::of(&sandbox), "no index yet");
    sandbox.write("staged.txt", "a\n");
    sandbox.write("deep/staged.txt", "a\n");
    sandbox.git(&["add", "staged.txt", "deep"]);
    sandbox.write("staged.txt", "b\n");
    assert_expected(&sandbox, &Expected::of(&sandbox), "staged and modified");
    sandbox.git(&["rm", "-q", "-r", "-f", "--cached", "."]);
    assert_expected(&sandbox, &Expected::of(&sandbox), "an empty index");
    let repo = Repo::open(&sandbox.repo).unwrap();
    let error = repo
        .changes(&Scope::Base("HEAD".to_owned()), &deadline())
        .unwrap_err();
    assert!(matches!(error, GitError::UnknownRevision { .. }), "{error}");
}
