//! Attributes and settings that change what counts as the same content.

use super::sandbox::{LONG, Sandbox};
use super::yardstick::{Expected, assert_expected, situations};

/// Git's status takes a file of another size for a changed one, although its diff finds nothing and a commit would carry
/// nothing. We go by what would be recorded.
fn only_the_size_differs(names: &[&str]) -> impl Fn(&mut Expected) {
    move |expected| {
        for name in names {
            assert!(
                expected.worktree.remove(&(*name).into()).is_some(),
                "{name}"
            );
        }
    }
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

situations! {
    converted_to_crlf = |s| {
        s.write_old(".gitattributes", "*.txt text eol=crlf\n");
        s.write_old("lines.txt", "a\r\nb\r\n");
        s.commit_all();
        s.write("lines.txt", "a\r\nb\r\nc\r\n");
    };
    same_after_conversion = |s| {
        s.write_old(".gitattributes", "*.txt text\n");
        s.write_old("lines.txt", "a\nb\n");
        s.commit_all();
        s.write("lines.txt", "a\r\nb\r\n");
    }, but only_the_size_differs(&["lines.txt"]);
    same_after_guessing = |s| {
        s.write_old(".gitattributes", "* text=auto\n");
        s.write_old("lines.txt", "a\nb\n");
        s.write_old("other.txt", "a\nb\n");
        s.commit_all();
        s.write("lines.txt", "a\r\nb\r\n");
        s.write("other.txt", "a\r\nb\r\nc\n");
        s.write("new.txt", "a\r\nb\r\n");
    }, but only_the_size_differs(&["lines.txt"]);
    guessed_to_be_binary = |s| {
        s.write_old(".gitattributes", "* text=auto\n");
        s.write_old("lone.txt", "a\rb\n");
        s.commit_all();
        s.write("lone.txt", "a\rb\r\n");
    };
    crlf_in_the_index_is_left_alone_when_guessing = |s| {
        s.write_old("dos.txt", "a\r\nb\r\n");
        s.commit_all();
        s.write(".gitattributes", "* text=auto\n");
        s.write("dos.txt", "a\r\nb\r\nc\r\n");
    };
    crlf_in_the_index_is_converted_when_told_to = |s| {
        s.write_old("dos.txt", "a\r\nb\r\n");
        s.commit_all();
        s.write(".gitattributes", "*.txt text\n");
        s.write("dos.txt", "a\r\nb\r\nc\r\n");
    };
    guessed_by_configuration = |s| {
        s.git(&["config", "core.autocrlf", "true"]);
        s.write("docs/guide.md", "Guide\r\n");
        s.write("README.md", "# Project\r\n\r\nOther words.\r\n");
    }, but only_the_size_differs(&["docs/guide.md"]);
    guessed_by_configuration_for_input = |s| {
        s.git(&["config", "core.autocrlf", "input"]);
        s.write("docs/guide.md", "Guide\r\n");
        s.write("src/a.rs", b"fn\0\r\n");
    }, but only_the_size_differs(&["docs/guide.md"]);
    unset_wins_over_configuration = |s| {
        s.git(&["config", "core.autocrlf", "true"]);
        s.write_old(".gitattributes", "*.md -text\n");
        s.commit_all();
        s.write("docs/guide.md", "Guide\r\n");
        s.write("src/deep/b.rs", crlf("one\ntwo\nthree\nfour\nfive\nsix\n"));
    }, but only_the_size_differs(&["src/deep/b.rs"]);
    the_old_name_of_the_attribute = |s| {
        s.write_old(".gitattributes", "*.txt crlf\n*.bin -crlf\n*.in crlf=input\n");
        for name in ["a.txt", "a.bin", "a.in"] {
            s.write_old(name, "a\nb\n");
        }
        s.commit_all();
        for name in ["a.txt", "a.bin", "a.in"] {
            s.write(name, "a\r\nb\r\n");
        }
    }, but only_the_size_differs(&["a.in", "a.txt"]);
    attributes_at_several_levels = |s| {
        s.write_old(".gitattributes", "*.txt text\nsub/b.txt -text\n/top.txt -text\n");
        s.write_old("sub/.gitattributes", "a.txt -text\n*.md text\n");
        s.write_old("sub/deep/.gitattributes", "*.txt !text\n");
        for name in ["top.txt", "x.txt", "sub/a.txt", "sub/b.txt", "sub/c.txt", "sub/d.md", "sub/deep/e.txt", "sub/deep/top.txt"] {
            s.write_old(name, "a\nb\n");
        }
        s.commit_all();
        for name in ["top.txt", "x.txt", "sub/a.txt", "sub/b.txt", "sub/c.txt", "sub/d.md", "sub/deep/e.txt", "sub/deep/top.txt"] {
            s.write(name, "a\r\nb\r\n");
        }
    }, but only_the_size_differs(&["sub/c.txt", "sub/d.md", "x.txt"]);
    attributes_outside_the_tree = |s| {
        let file = s.folder.path().join("attributes");
        std::fs::write(&file, "*.md text\n*.rs text\n").unwrap();
        s.git(&["config", "core.attributesFile", file.to_str().unwrap()]);
        std::fs::create_dir_all(s.path(".git/info")).unwrap();
        std::fs::write(s.path(".git/info/attributes"), "src/** -text\n").unwrap();
        s.write("docs/guide.md", "Guide\r\n");
        s.write("src/deep/er/c.rs", crlf(LONG));
    }, but only_the_size_differs(&["docs/guide.md"]);
    attributes_deleted_on_disk_are_read_from_the_index = |s| {
        s.write_old(".gitattributes", "*.txt text\n");
        s.write_old("lines.txt", "a\nb\n");
        s.commit_all();
        s.remove(".gitattributes");
        s.write("lines.txt", "a\r\nb\r\n");
    }, but only_the_size_differs(&["lines.txt"]);
    macros_and_odd_attribute_lines = |s| {
        s.write_old(
            ".gitattributes",
            "[attr]lines text eol=lf\n# comment\n\"quoted name.txt\" lines\n*.raw binary\n*.both text -text\n!neg text\n  indented.txt text  \n\n*.x lines -text\n",
        );
        for name in ["quoted name.txt", "a.raw", "a.both", "neg", "indented.txt", "a.x"] {
            s.write_old(name, "a\nb\n");
        }
        s.commit_all();
        for name in ["quoted name.txt", "a.raw", "a.both", "neg", "indented.txt", "a.x"] {
            s.write(name, "a\r\nb\r\n");
        }
    }, but only_the_size_differs(&["indented.txt", "quoted name.txt"]);
    text_and_binary_by_attribute = |s| {
        s.write_old(".gitattributes", "*.pdf binary\n*.dat diff\n*.svg -diff\n");
        s.write_old("a.pdf", "text\n");
        s.write_old("a.dat", b"a\0b\n");
        s.write_old("a.svg", "<svg/>\n");
        s.commit_all();
        s.write("a.pdf", "text\nmore\n");
        s.write("a.dat", b"a\0b\nc\n");
        s.write("a.svg", "<svg/>\nmore\n");
        s.write("new.pdf", "text\n");
        s.write("new.dat", b"a\0b\n");
    };
    text_and_binary_by_attribute_staged = |s| {
        s.write_old(".gitattributes", "*.pdf binary\n*.dat diff\n");
        s.write_old("a.pdf", "text\n");
        s.write_old("a.dat", b"a\0b\n");
        s.commit_all();
        s.write("a.pdf", "text\nmore\n");
        s.write("a.dat", b"a\0b\nc\n");
        s.add_all();
    };
    identification_lines = |s| {
        s.write_old(".gitattributes", "*.c ident\n");
        s.write_old("id.c", "// $Id$\nint a;\n");
        s.write_old("same.c", "// $Id$\nint a;\n");
        s.commit_all();
        s.write("id.c", "// $Id: 0123456789012345678901234567890123456789 $\nint b;\n");
        s.write("same.c", "// $Id: 0123456789012345678901234567890123456789 $\nint a;\n");
    }, but only_the_size_differs(&["same.c"]);
    pointers_of_large_files_without_the_program = |s| {
        // Without a filter in the configuration they are small texts like any other.
        s.write_old(".gitattributes", "*.psd filter=lfs diff=lfs merge=lfs -text\n");
        let pointer = |id: char| format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n", id.to_string().repeat(64)
        );
        s.write_old("a.psd", pointer('a'));
        s.commit_all();
        s.write("a.psd", pointer('b'));
        s.write("b.psd", pointer('c'));
    };
    converted_and_renamed = |s| {
        s.write_old(".gitattributes", "* text=auto\n");
        s.commit_all();
        s.git(&["mv", "src/deep/er/c.rs", "moved.txt"]);
        s.write("moved.txt", crlf(LONG) + "more\r\n");
    };
    line_ends_of_links_stay = |s| {
        s.write_old(".gitattributes", "* text\n");
        s.link("a\r\nb", "link");
        s.commit_all();
        s.remove("link");
        s.link("a\nb", "link");
    };
}

/// The attributes say `text`, the index holds CRLF: Git itself calls such a file modified as soon as it looks at it.
#[test]
fn crlf_against_the_attributes_is_a_change_when_touched() {
    let sandbox = Sandbox::new();
    sandbox.write_old("dos.txt", "a\r\nb\r\n");
    sandbox.commit_all();
    sandbox.write(".gitattributes", "*.txt text\n");
    sandbox.write("dos.txt", "a\r\nb\r\n");
    assert_expected(&sandbox, &Expected::of(&sandbox), "as Git says");
}
