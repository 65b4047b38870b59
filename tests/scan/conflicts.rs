//! Merges that are not resolved yet.

use super::sandbox::LONG;
use super::yardstick::{Line, situations};

situations! {
    changed_by_both = |s| s.conflict(
        |s| s.write("src/a.rs", "main\n"),
        |s| {
            s.write("src/a.rs", "side\n");
            s.write("clean.txt", "clean\n");
        },
    );
    added_by_both = |s| s.conflict(
        |s| s.write("new.txt", "main\n"),
        |s| s.write("new.txt", "side\n"),
    );
    deleted_by_us = |s| s.conflict(
        |s| s.remove("src/a.rs"),
        |s| s.write("src/a.rs", "side\n"),
    );
    deleted_by_them = |s| s.conflict(
        |s| s.write("src/a.rs", "main\n"),
        |s| s.remove("src/a.rs"),
    );
    renamed_to_two_names = |s| s.conflict(
        |s| { s.git(&["mv", "src/deep/er/c.rs", "ours.rs"]); },
        |s| { s.git(&["mv", "src/deep/er/c.rs", "theirs.rs"]); },
    );
    a_folder_on_one_side_and_a_file_on_the_other = |s| s.conflict(
        |s| s.write("thing", "a file\n"),
        |s| s.write("thing/inner", "in a folder\n"),
    ), but |expected| {
        // Against a base Git lets the file be renamed to the conflicting one; for us that one is a conflict only.
        let gone = Line { old: None, letters: "D".to_owned(), modes: Some((0o100_644, 0)) };
        expected.bases.get_mut("HEAD").unwrap().0.insert("thing".into(), gone);
    };
    half_resolved = |s| {
        s.conflict(
            |s| {
                s.write("src/a.rs", "main\n");
                s.write("docs/guide.md", "main\n");
            },
            |s| {
                s.write("src/a.rs", "side\n");
                s.write("docs/guide.md", "side\n");
            },
        );
        s.write("docs/guide.md", "both\n");
        s.git(&["add", "docs/guide.md"]);
        s.write("README.md", "changed meanwhile\n");
        s.write("loose.txt", "x\n");
    };
    deleted_on_disk_while_in_conflict = |s| {
        s.conflict(|s| s.write("src/a.rs", "main\n"), |s| s.write("src/a.rs", "side\n"));
        s.remove("src/a.rs");
    };
    with_a_rename_beside_it = |s| {
        s.conflict(|s| s.write("src/a.rs", "main\n"), |s| s.write("src/a.rs", "side\n"));
        s.git(&["mv", "src/deep/er/c.rs", "moved.rs"]);
        s.write("moved.rs", LONG.to_owned() + "more\n");
    };
    while_rebasing = |s| {
        s.git(&["checkout", "-q", "-b", "side"]);
        s.write("src/a.rs", "side\n");
        s.commit_all();
        s.git(&["checkout", "-q", "main"]);
        s.write("src/a.rs", "main\n");
        s.commit_all();
        assert!(!s.try_git(&["rebase", "-q", "side"]));
    };
    of_binary_files = |s| {
        s.write_old("x.bin", b"\0one");
        s.commit_all();
        s.conflict(|s| s.write("x.bin", b"\0main"), |s| s.write("x.bin", b"\0side"));
    };
}
