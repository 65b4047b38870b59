//! What is ignored and what is not.

use super::sandbox::Sandbox;
use super::yardstick::{Expected, assert_expected, situations};

situations! {
    at_the_root = |s| {
        s.write(".gitignore", "*.log\n/build/\n!keep.log\n");
        for path in ["a.log", "keep.log", "build/x", "src/build/x", "src/b.log", "src/keep.log"] {
            s.write(path, "x\n");
        }
    };
    in_folders = |s| {
        s.write(".gitignore", "*.tmp\n");
        s.write("docs/.gitignore", "*\n!*.md\n");
        s.write("docs/new.md", "x\n");
        s.write("docs/new.txt", "x\n");
        s.write("src/.gitignore", "/only-here\n!*.tmp\ndeep/x\n");
        for path in ["src/only-here", "src/deep/only-here", "src/x.tmp", "x.tmp", "src/deep/x", "src/deep/er/x", "deep/x"] {
            s.write(path, "x\n");
        }
    };
    the_repositorys_own_exclude_file = |s| {
        std::fs::create_dir_all(s.path(".git/info")).unwrap();
        std::fs::write(s.path(".git/info/exclude"), "*.local\n!kept.local\n/x\n").unwrap();
        s.write(".gitignore", "!root.local\n");
        for path in ["a.local", "kept.local", "root.local", "src/a.local", "x", "src/x"] {
            s.write(path, "x\n");
        }
    };
    the_users_exclude_file = |s| {
        let file = s.folder.path().join("excludes");
        std::fs::write(&file, "*.mine\n!shared.mine\n*.both\n").unwrap();
        s.git(&["config", "core.excludesFile", file.to_str().unwrap()]);
        std::fs::create_dir_all(s.path(".git/info")).unwrap();
        std::fs::write(s.path(".git/info/exclude"), "!*.both\n").unwrap();
        for path in ["a.mine", "shared.mine", "a.both", "src/deep/b.mine"] {
            s.write(path, "x\n");
        }
    };
    tracked_although_ignored = |s| {
        s.write(".gitignore", "docs/\n*.sh\n/src/deep/\n");
        s.write("docs/guide.md", "changed\n");
        s.write("docs/new.md", "x\n");
        s.write("tools/run.sh", "changed\n");
        s.write("tools/new.sh", "x\n");
        s.write("src/deep/new.rs", "x\n");
        s.write("src/deep/er/c.rs", "changed\n");
        s.write("src/deep/er/new.rs", "x\n");
    };
    nothing_below_an_ignored_folder_comes_back = |s| {
        s.write(".gitignore", "build\n!build/keep\nout/*\n!out/keep\n");
        for path in ["build/keep", "build/x", "out/keep", "out/x", "out/deep/x", "src/build/keep"] {
            s.write(path, "x\n");
        }
        s.write("build/.gitignore", "!*\n");
    };
    negated_step_by_step = |s| {
        s.write(".gitignore", "/*\n!/a/\n/a/*\n!/a/b/\n/a/b/*\n!/a/b/c.txt\n");
        for path in ["top", "a/x", "a/b/c.txt", "a/b/d.txt", "a/y/c.txt"] {
            s.write(path, "x\n");
        }
    };
    two_stars = |s| {
        s.write(".gitignore", "**/any\nfrom/**\na/**/z\n!from/**/kept\nmid**dle\n**.two\n");
        for path in [
            "any", "p/any", "p/q/any", "from/x", "from/y/kept", "a/z", "a/b/z", "a/b/c/z", "az",
            "middle", "mid-x-dle", "mid/x/dle", "x.two", "p/x.two",
        ] {
            s.write(path, "x\n");
        }
    };
    odd_patterns = |s| {
        s.write(
            ".gitignore",
            "# a comment\n\\#hash\n\\!bang\ntrailing   \nkept\\ \n\n   \n{a,b}.x\n[a-c]?.y\n[!a-c]?.z\n[[:digit:]]*\nback\\\\slash\ncr\r\n\
             deep/*.rs\n/docs/*.tmp\nsrc/\\*\nfoo//bar\n*/one/two\n",
        );
        for path in [
            "#hash", "!bang", "trailing", "trailing ", "kept ", "a.x", "{a,b}.x", "b1.y", "d1.y", "b1.z", "d1.z", "1st",
            "back\\slash", "cr", "src/deep/x.rs", "deep/x.rs", "docs/x.tmp", "docs/sub/x.tmp", "src/*", "src/star",
            "foo/bar", "x/one/two", "x/y/one/two", "x.tmp",
        ] {
            s.write(path, "x\n");
        }
    };
    a_pattern_for_folders_only = |s| {
        s.write(".gitignore", "name/\nlinked/\n");
        s.write("name", "a file\n");
        s.write("src/name/x", "x\n");
        s.link("src", "linked");
    };
    patterns_without_an_end_of_line_and_with_a_mark = |s| {
        s.write(".gitignore", b"\xef\xbb\xbf*.one\n*.two");
        s.write("x.one", "x\n");
        s.write("x.two", "x\n");
    };
    patterns_that_are_no_utf8 = |s| {
        s.write(".gitignore", b"caf\xe9*\n[\xe0-\xff]x\n");
        s.write_bytes(b"caf\xe9.txt", "x\n");
        s.write_bytes(b"cafe.txt", "x\n");
        s.write_bytes(b"\xf0x", "x\n");
    };
    an_ignore_file_that_is_a_link = |s| {
        s.write("docs/patterns", "*.log\n");
        s.link("docs/patterns", ".gitignore");
        s.write("a.log", "x\n");
    };
    an_ignore_file_that_is_a_folder = |s| {
        s.write(".gitignore/x", "*\n");
        s.write("a.log", "x\n");
    };
    an_untracked_ignore_file_counts_and_is_listed = |s| {
        s.write("new/.gitignore", "*.log\n!b.log\n");
        s.write("new/a.log", "x\n");
        s.write("new/b.log", "x\n");
    };
    an_ignore_file_that_ignores_itself = |s| {
        s.write("new/.gitignore", "*\n");
        s.write("new/a.log", "x\n");
    };
    an_ignored_file_that_was_force_added = |s| {
        s.write(".gitignore", "*.log\n");
        s.write("a.log", "x\n");
        s.git(&["add", "-f", "a.log"]);
        s.write("a.log", "changed\n");
        s.write("b.log", "x\n");
    };
    an_ignored_repository_inside = |s| {
        s.write(".gitignore", "vendor/\n");
        s.inner("vendor/one");
        s.inner("other/two");
    };
    a_deep_folder_of_which_one_file_is_kept = |s| {
        s.write(".gitignore", "/logs/**\n!/logs/**/\n!/logs/**/*.keep\n");
        for path in ["logs/a.txt", "logs/a.keep", "logs/b/c/d.keep", "logs/b/c/d.txt"] {
            s.write(path, "x\n");
        }
    };
}

#[test]
fn without_regard_to_case_where_the_repository_says_so() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.ignoreCase", "true"]);
    sandbox.write(".gitignore", "*.LOG\nBuild/\n");
    sandbox.write("a.log", "x\n");
    sandbox.write("build/x", "x\n");
    sandbox.write("b.txt", "x\n");
    assert_expected(&sandbox, &Expected::of(&sandbox), "core.ignoreCase");
}
