//! Repositories inside of this one, recorded or not.

use super::yardstick::{Line, situations};

situations! {
    a_repository_that_is_not_recorded = |s| {
        s.inner("inner");
        s.inner("deep/er/inner");
    };
    a_repository_without_a_commit = |s| {
        s.write("inner/file.txt", "x\n");
        s.git(&["init", "-q", "inner"]);
        s.git(&["init", "-q", "empty"]);
    };
    a_bare_repository_that_is_not_recorded = |s| {
        s.git(&["init", "-q", "--bare", "bare.git"]);
    };
    recorded_without_a_file_that_says_from_where = |s| {
        s.inner("sub");
        s.git(&["add", "sub"]);
    };
    added = |s| {
        s.submodule();
        s.git(&["reset", "-q", "--soft", "HEAD~1"]);
    };
    unchanged = |s| { s.submodule(); };
    at_another_commit = |s| {
        let sub = s.submodule();
        s.write("sub/file.txt", "y\n");
        sub.git(&["commit", "-q", "-a", "-m", "two"]);
    };
    at_another_commit_staged = |s| {
        let sub = s.submodule();
        s.write("sub/file.txt", "y\n");
        sub.git(&["commit", "-q", "-a", "-m", "two"]);
        s.add_all();
    };
    with_changed_files = |s| {
        s.submodule();
        s.write("sub/file.txt", "changed\n");
    };
    with_staged_files = |s| {
        let sub = s.submodule();
        s.write("sub/file.txt", "changed\n");
        sub.git(&["add", "-A"]);
    };
    with_untracked_files = |s| {
        s.submodule();
        s.write("sub/new.txt", "x\n");
    };
    with_ignored_files_only = |s| {
        s.submodule();
        std::fs::create_dir_all(s.path(".git/modules/sub/info")).unwrap();
        std::fs::write(s.path(".git/modules/sub/info/exclude"), "*.log\n").unwrap();
        s.write("sub/a.log", "x\n");
    };
    removed = |s| {
        s.submodule();
        s.git(&["rm", "-q", "sub"]);
    };
    its_folder_is_gone = |s| {
        s.submodule();
        s.remove("sub");
    };
    its_folder_is_empty = |s| {
        s.submodule();
        s.remove("sub");
        std::fs::create_dir(s.path("sub")).unwrap();
    };
    not_checked_out_with_files_in_its_place = |s| {
        s.submodule();
        s.git(&["submodule", "--quiet", "deinit", "-f", "sub"]);
        s.write("sub/loose.txt", "x\n");
    };
    a_file_in_its_place = |s| {
        s.submodule();
        s.remove("sub");
        s.write("sub", "x\n");
    };
    a_file_in_its_place_staged = |s| {
        s.submodule();
        s.remove("sub");
        s.write("sub", "x\n");
        s.add_all();
    };
    a_submodule_in_the_place_of_a_folder = |s| {
        s.remove("docs");
        s.inner("docs");
        s.add_all();
    };
    ignored_when_dirty = |s| {
        s.submodule();
        s.git(&["config", "submodule.sub.ignore", "dirty"]);
        s.write("sub/file.txt", "changed\n");
    };
    ignored_when_untracked = |s| {
        s.submodule();
        s.git(&["config", "submodule.sub.ignore", "untracked"]);
        s.write("sub/new.txt", "x\n");
    };
    ignored_altogether_by_its_file = |s| {
        let sub = s.submodule();
        s.git(&["config", "-f", ".gitmodules", "submodule.sub.ignore", "all"]);
        s.write("sub/file.txt", "y\n");
        sub.git(&["commit", "-q", "-a", "-m", "two"]);
    }, but |expected| {
        // What commits carry is shown, whatever the settings wish; they are about what lies on disk.
        let added = Line { old: None, letters: "A".to_owned(), modes: Some((0, 0o160_000)) };
        expected.bases.get_mut("HEAD~1").unwrap().0.insert("sub".into(), added);
    };
    ignored_for_all_by_configuration = |s| {
        s.submodule();
        s.git(&["config", "diff.ignoreSubmodules", "dirty"]);
        s.write("sub/file.txt", "changed\n");
    };
    renamed = |s| {
        s.submodule();
        s.git(&["mv", "sub", "moved"]);
    };
    in_a_submodule_of_a_submodule = |s| {
        let sub = s.submodule();
        s.inner("sub/inner");
        sub.git(&["add", "inner"]);
        sub.git(&["commit", "-q", "-m", "inner"]);
        s.add_all();
        s.git(&["commit", "-q", "-m", "moved on"]);
        s.write("sub/inner/file.txt", "changed\n");
    };
}
