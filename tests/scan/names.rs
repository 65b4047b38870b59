//! Names that are hard to handle.

use super::sandbox::LONG;
use super::yardstick::{Name, situations};
use std::os::unix::ffi::OsStrExt;

/// A path that no system call takes in one piece.
fn too_long() -> String {
    vec!["p".repeat(180); 23].join("/")
}

situations! {
    odd_and_untracked = |s| {
        for name in ["with space", "tab\tname", "new\nline", "quote\"", "back\\slash", "-rf", "--", "日本語", "esc\u{1b}[31m", "<b>", " ", "a\r"] {
            s.write(name, "x\n");
        }
    };
    odd_and_tracked = |s| {
        for name in ["with space", "tab\tname", "new\nline", "quote\"", "back\\slash", "-rf", "日本語", "esc\u{1b}[31m", "<b>", ":x", "*"] {
            s.write_old(name, "x\n");
        }
        s.commit_all();
        for name in ["with space", "tab\tname", "new\nline", "quote\"", "back\\slash", "-rf", "日本語"] {
            s.write(name, "changed\n");
        }
        s.remove("*");
        s.git(&["add", "--", "-rf", "new\nline"]);
    };
    no_utf8 = |s| {
        s.write_bytes(b"caf\xe9.txt", "x\n");
        s.write_bytes(b"dir\xff/tr\xfe.md", "x\n");
        s.commit_all();
        s.write_bytes(b"dir\xff/tr\xfe.md", "changed\n");
        s.write_bytes(b"dir\xff/\x80", "x\n");
    };
    one_letter_in_two_encodings = |s| {
        s.write_old("caf\u{e9}.txt", "one\n");
        s.write_old("cafe\u{301}.txt", "two\n");
        s.commit_all();
        s.write("caf\u{e9}.txt", "changed\n");
        s.write("\u{e9}", "x\n");
        s.write("e\u{301}", "x\n");
    };
    that_differ_by_case_only = |s| {
        s.write_old("Name.txt", "one\n");
        s.write_old("name.txt", "two\n");
        s.commit_all();
        s.write("name.txt", "changed\n");
        s.write("NAME.txt", "x\n");
    };
    that_sort_around_a_slash = |s| {
        for name in ["a/x", "a.b", "a-b", "a0", "a/y", "ab/x", "a b/x"] {
            s.write_old(name, "x\n");
        }
        s.commit_all();
        for name in ["a/x", "a.b", "a-b", "a0"] {
            s.write(name, "changed\n");
        }
        s.write("a/-", "x\n");
        s.write("a!", "x\n");
    };
    a_file_beside_a_folder_of_the_same_start_is_removed = |s| {
        for name in ["lib", "lib.rs/x", "lib-x", "lib0"] {
            s.write_old(name, "x\n");
        }
        s.commit_all();
        s.remove("lib");
        s.write("lib/x", "x\n");
        s.add_all();
    };
    long_ones = |s| {
        let long = "n".repeat(200);
        let path = format!("{long}/{long}/{long}/{long}.txt");
        s.write_old(&path, "x\n");
        s.commit_all();
        s.write(&path, "changed\n");
        s.write(&format!("{long}/{long}/new.txt"), "x\n");
    };
    very_deep_ones = |s| {
        let path = "d/".repeat(120) + "file.txt";
        s.write_old(&path, "x\n");
        s.commit_all();
        s.write(&path, "changed\n");
        s.write(&("d/".repeat(110) + "new.txt"), "x\n");
    };
    longer_than_the_index_can_count = |s| {
        // Above 4,095 bytes an entry says only that it is long. Git cannot add such a file, only its name.
        let id = s.git(&["hash-object", "-w", "README.md"]);
        let id = String::from_utf8(id).unwrap();
        let entry = format!("100644,{},{}", id.trim(), too_long());
        s.git(&["update-index", "--add", "--cacheinfo", &entry]);
    }, but |expected| {
        // The system refuses to look for it, which Git takes for an answer of its own. It is not there.
        let name = Name::from(too_long().as_str());
        let line = expected.worktree.get_mut(&name).unwrap();
        assert_eq!(line.letters, "A.");
        line.letters = "AD".to_owned();
        line.modes = Some((0, 0));
        expected.bases.get_mut("HEAD").unwrap().0.remove(&name);
    };
    renamed_with_odd_names = |s| {
        s.write_old("old\nname", LONG);
        s.write_bytes(b"old\xff", LONG.repeat(2));
        s.commit_all();
        s.git(&["mv", "old\nname", "new \"name\""]);
        std::fs::rename(
            s.repo.join(std::ffi::OsStr::from_bytes(b"old\xff")),
            s.repo.join(std::ffi::OsStr::from_bytes(b"new\xfe")),
        ).unwrap();
        s.add_all();
    };
}
