//! Renames and copies: by content, staged, on disk with intent to add, crossed and many at once.

use zhongshu::git::changes::{Extent, Scope};

use super::sandbox::{LONG, Sandbox};
use super::yardstick::{lines, raw_with, same, scan, situations};

/// Twelve lines in which those with the numbers given are other ones.
fn edited(lines: &[usize]) -> String {
    (1..=12)
        .map(|n| match lines.contains(&n) {
            true => format!("another line {n}\n"),
            false => format!("l{n}\n"),
        })
        .collect()
}

situations! {
    pure = |s| {
        s.git(&["mv", "src/deep/b.rs", "src/deep/renamed.rs"]);
    };
    into_another_folder = |s| {
        std::fs::create_dir(s.path("moved")).unwrap();
        s.git(&["mv", "src/deep/b.rs", "moved/b.rs"]);
    };
    with_changes = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "moved.txt"]);
        s.write("moved.txt", edited(&[7]));
        s.add_all();
    };
    staged_then_modified = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "moved.txt"]);
        s.write("moved.txt", edited(&[7]));
    };
    staged_then_rewritten = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "moved.txt"]);
        s.write("moved.txt", "nothing of it\nis left\n");
    };
    staged_then_deleted = |s| {
        s.git(&["mv", "src/deep/b.rs", "src/moved.rs"]);
        s.remove("src/moved.rs");
    };
    just_enough_alike = |s| {
        let text: String = (0..100).map(|n| format!("line {n:04}\n")).collect();
        s.write_old("half.txt", &text);
        s.commit_all();
        s.remove("half.txt");
        let other: String = (0..100).map(|n| format!("line {:04}\n", if n < 50 { n } else { n + 5000 })).collect();
        s.write("other.txt", other);
        s.add_all();
    };
    just_not_alike_enough = |s| {
        let text: String = (0..100).map(|n| format!("line {n:04}\n")).collect();
        s.write_old("half.txt", &text);
        s.commit_all();
        s.remove("half.txt");
        let other: String = (0..100).map(|n| format!("line {:04}\n", if n < 49 { n } else { n + 5000 })).collect();
        s.write("other.txt", other);
        s.add_all();
    };
    alike_but_of_very_different_size = |s| {
        s.git(&["rm", "-q", "src/deep/er/c.rs"]);
        s.write("longer.txt", LONG.repeat(3));
        s.add_all();
    };
    on_disk_only = |s| std::fs::rename(s.path("src/a.rs"), s.path("src/z.rs")).unwrap();
    on_disk_with_intent_to_add = |s| {
        std::fs::rename(s.path("src/a.rs"), s.path("src/z.rs")).unwrap();
        s.git(&["add", "-N", "src/z.rs"]);
    };
    on_disk_with_intent_to_add_and_changes = |s| {
        s.remove("src/deep/er/c.rs");
        s.write("src/z.rs", edited(&[3]));
        s.git(&["add", "-N", "src/z.rs"]);
    };
    staged_change_then_moved_with_intent_to_add = |s| {
        s.write("src/deep/er/c.rs", edited(&[3]));
        s.add_all();
        std::fs::rename(s.path("src/deep/er/c.rs"), s.path("src/z.rs")).unwrap();
        s.git(&["add", "-N", "src/z.rs"]);
    }, but |expected| {
        // Its staged change is counted at its old name, where it is staged.
        expected.worktree_counts.remove(&"src/z.rs".into());
    };
    a_new_file_under_the_old_name = |s| {
        s.git(&["mv", "src/deep/b.rs", "src/moved.rs"]);
        s.write("src/deep/b.rs", "something else\n");
    };
    a_new_file_staged_under_the_old_name = |s| {
        s.git(&["mv", "src/deep/b.rs", "src/moved.rs"]);
        s.write("src/deep/b.rs", "something else\n");
        s.add_all();
    };
    a_folder = |s| {
        s.git(&["mv", "src", "source"]);
    };
    a_folder_with_changes = |s| {
        s.git(&["mv", "src", "source"]);
        s.write("source/deep/er/c.rs", edited(&[1]));
        s.write("source/a.rs", "fn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\nfn other() {}\n");
        s.add_all();
    };
    swapped = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "x"]);
        s.git(&["mv", "src/deep/b.rs", "src/deep/er/c.rs"]);
        s.git(&["mv", "x", "src/deep/b.rs"]);
    };
    a_chain = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "new.txt"]);
        s.git(&["mv", "src/deep/b.rs", "src/deep/er/c.rs"]);
        s.git(&["mv", "src/a.rs", "src/deep/b.rs"]);
    };
    a_committed_chain = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "one.txt"]);
        s.commit_all();
        s.git(&["mv", "one.txt", "two.txt"]);
        s.write("two.txt", edited(&[2]));
    };
    to_a_name_that_was_there = |s| {
        s.git(&["mv", "-f", "src/deep/er/c.rs", "src/deep/b.rs"]);
    };
    executable_afterwards = |s| {
        s.git(&["mv", "src/deep/b.rs", "src/run.sh"]);
        s.chmod("src/run.sh", 0o755);
        s.add_all();
    };
    with_an_executable_bit_on_disk = |s| {
        s.git(&["mv", "src/deep/b.rs", "src/run.sh"]);
        s.chmod("src/run.sh", 0o755);
    };
    one_source_and_two_targets = |s| {
        s.git(&["rm", "-q", "src/deep/er/c.rs"]);
        s.write("one.txt", LONG);
        s.write("two.txt", LONG);
        s.add_all();
    };
    two_sources_and_one_target = |s| {
        s.write_old("copy.txt", LONG);
        s.commit_all();
        s.git(&["rm", "-q", "src/deep/er/c.rs", "copy.txt"]);
        s.write("one.txt", LONG);
        s.add_all();
    };
    the_same_last_name_wins = |s| {
        s.write_old("one/same.txt", LONG);
        s.write_old("two/other.txt", LONG);
        s.commit_all();
        s.git(&["rm", "-q", "-r", "one", "two"]);
        s.write("new/same.txt", LONG);
        s.write("new/zzz.txt", LONG);
        s.add_all();
    };
    the_same_last_name_wins_with_changes = |s| {
        s.write_old("one/same.txt", edited(&[1, 2]));
        s.write_old("two/other.txt", edited(&[1]));
        s.commit_all();
        s.git(&["rm", "-q", "-r", "one", "two"]);
        s.write("new/same.txt", edited(&[1, 2, 3]));
        s.write("new/zzz.txt", edited(&[1, 12]));
        s.add_all();
    };
    empty_files = |s| {
        s.write_old("empty.txt", "");
        s.commit_all();
        s.git(&["mv", "empty.txt", "still-empty.txt"]);
    };
    links = |s| {
        s.link("deep/b.rs", "src/link");
        s.commit_all();
        s.git(&["mv", "src/link", "src/other-link"]);
    };
    a_binary_file_with_changes = |s| {
        let mut bytes: Vec<u8> = (0..4000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        s.write_old("old.bin", &bytes);
        s.commit_all();
        bytes[8000..8100].fill(0);
        s.remove("old.bin");
        s.write("new.bin", &bytes);
        s.add_all();
    };
    line_ends_do_not_count = |s| {
        s.git(&["rm", "-q", "src/deep/er/c.rs"]);
        s.write("windows.txt", LONG.replace('\n', "\r\n"));
        s.add_all();
    };
    many_at_once = |s| {
        for n in 0..40 {
            s.write_old(&format!("old/{n}.txt"), format!("{LONG}number {n}\n").repeat(3));
        }
        s.commit_all();
        s.git(&["mv", "old", "new"]);
    };
    many_at_once_with_changes = |s| {
        let text = |n: usize| -> String { (0..40).map(|line| format!("{n} and {line}\n")).collect() };
        for n in 0..20 {
            s.write_old(&format!("old/{n}.txt"), text(n));
        }
        s.commit_all();
        for n in 0..20 {
            s.remove(&format!("old/{n}.txt"));
            s.write(&format!("new/{}.rs", (n * 7) % 20), text(n) + "and one more\n");
        }
        s.add_all();
    };
    copy_of_a_modified_file = |s| {
        s.write("copy.txt", LONG);
        s.write("src/deep/er/c.rs", format!("{LONG}end\n"));
        s.add_all();
    };
    copy_with_changes = |s| {
        s.write("copy.txt", edited(&[5]));
        s.write("src/deep/er/c.rs", edited(&[1]));
        s.add_all();
    };
    copy_of_an_unchanged_file_is_a_new_file = |s| {
        s.write("copy.txt", LONG);
        s.add_all();
    };
    copy_and_rename_of_the_same_file = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "a-renamed.txt"]);
        s.write("b-copied.txt", LONG);
        s.add_all();
    };
    copy_of_a_file_modified_on_disk = |s| {
        s.write("src/deep/er/c.rs", edited(&[1]));
        s.write("copy.txt", LONG);
        s.git(&["add", "-N", "copy.txt"]);
    };
    copy_of_a_file_that_became_a_link = |s| {
        s.write("copy.txt", LONG);
        s.remove("src/deep/er/c.rs");
        s.link("nowhere", "src/deep/er/c.rs");
        s.add_all();
    };
    against_a_base_with_later_changes = |s| {
        s.git(&["mv", "src/deep/er/c.rs", "moved.txt"]);
        s.commit_all();
        s.write("moved.txt", edited(&[2, 3]));
        s.git(&["mv", "src/deep/b.rs", "also-moved.txt"]);
        s.write("also-moved.txt", "one\ntwo\nthree\nfour\nfive\n");
    };
}

/// `new` files come and `changed` ones change; twenty are gone. Of the new ones, twenty are like those that are gone, more or
/// less, under the same name, under a name that there is twice, or under another one; and twenty are like changed ones.
fn crowd(s: &Sandbox, new: usize, changed: usize) {
    let text = |of: &str, edits: usize| -> String {
        let line = |n: usize| match n < edits {
            true => format!("another line {n} of {of}\n"),
            false => format!("line {n} of {of}\n"),
        };
        (0..24).map(line).collect()
    };
    for n in 0..changed {
        s.write_old(
            &format!("changed/{n}.txt"),
            text(&format!("changed {n}"), 0),
        );
    }
    let name = |n: usize| match n % 5 {
        0 => format!("{n}/twice.txt"),
        _ => format!("{n}/name{n}.txt"),
    };
    for n in 0..20 {
        s.write_old(&format!("gone/{}", name(n)), text(&format!("gone {n}"), 0));
    }
    s.commit_all();
    for n in 0..changed {
        s.write(
            &format!("changed/{n}.txt"),
            text(&format!("changed {n}"), 1),
        );
    }
    for n in 0..20 {
        s.remove(&format!("gone/{}", name(n)));
        let other = match n % 3 {
            0 => format!("other{n}.txt"),
            _ => name(n),
        };
        // From the same content to less than half of it.
        s.write(
            &format!("moved/{other}"),
            text(&format!("gone {n}"), n * 7 % 15),
        );
        s.write(
            &format!("copied/{n}.txt"),
            text(&format!("changed {n}"), 2 + n),
        );
    }
    for n in 40..new {
        s.write(&format!("new/{n}.txt"), text(&format!("new {n}"), 0));
    }
    s.add_all();
}

#[test]
fn as_much_as_an_agent_changes_is_compared_with_all_of_it() {
    same(|s| crowd(s, 50, 300));
}

#[test]
fn where_too_much_is_changed_only_renames_are_looked_for() {
    for (new, changed) in [(200, 150), (41, 1_001)] {
        let sandbox = Sandbox::new();
        crowd(&sandbox, new, changed);
        let base = Scope::Base("HEAD".to_owned());
        for (scope, args) in [(Scope::Staged, "--cached"), (base, "HEAD")] {
            let ours = scan(&sandbox, &scope);
            assert_eq!(ours.extent, Extent::Renames);
            let git = raw_with(&sandbox, &["-M", args]);
            assert!(git.values().any(|line| line.letters == "R"));
            assert_eq!(lines(&ours.rows, false), git, "{new} new files: {scope:?}");
        }
        assert_eq!(scan(&sandbox, &Scope::Worktree).extent, Extent::Renames);
    }
}

#[test]
fn however_much_is_changed_a_copy_of_the_same_content_is_one() {
    let sandbox = Sandbox::new();
    crowd(&sandbox, 200, 150);
    sandbox.write("copy.txt", LONG);
    sandbox.write("src/deep/er/c.rs", edited(&[1]));
    sandbox.add_all();
    let ours = scan(&sandbox, &Scope::Staged);
    let copy = ours
        .rows
        .iter()
        .find(|row| row.path == b"copy.txt")
        .unwrap();
    assert_eq!(copy.old_path.as_deref(), Some(&b"src/deep/er/c.rs"[..]));
}

#[test]
fn where_nothing_is_left_to_compare_nothing_was_left_out() {
    let sandbox = Sandbox::new();
    crowd(&sandbox, 41, 1_001);
    sandbox.commit_all();
    for n in 0..1_001 {
        sandbox.write(&format!("changed/{n}.txt"), format!("all else {n}\n"));
    }
    sandbox.write("copy.txt", LONG);
    sandbox.write("src/deep/er/c.rs", edited(&[1]));
    sandbox.add_all();
    assert_eq!(scan(&sandbox, &Scope::Staged).extent, Extent::Copies);
}
