//! `CODEOWNERS` by GitHub's own description, and GitLab's sections.

use proptest::prelude::*;
use zhongshu::domain::codeowners::CodeOwners;

fn owners(text: &str, path: &str) -> String {
    CodeOwners::parse(text).owners_of(path.as_bytes()).join(" ")
}

#[track_caller]
fn assert_rows(pattern: &str, yes: &[&str], no: &[&str]) {
    let text = format!("{pattern} @x\n");
    for path in yes {
        assert_eq!(owners(&text, path), "@x", "{pattern} should cover {path}");
    }
    for path in no {
        assert_eq!(owners(&text, path), "", "{pattern} should not cover {path}");
    }
}

/// The example that GitHub's documentation explains line by line.
const GITHUB: &str = "\
# This is a comment.
*       @global-owner1 @global-owner2

*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @logs
/apps/ @octocat
/apps/github
";

#[test]
fn githubs_own_example() {
    for (path, expected) in [
        ("README.md", "@global-owner1 @global-owner2"),
        ("src/app.js", "@js-owner"),
        ("main.go", "docs@example.com"),
        ("a/b.txt", "@octo-org/octocats"),
        ("build/logs/x.js", "@logs"),
        ("build/logs", "@logs"),
        ("docs/getting-started.md", "@doctocat"),
        ("deep/docs/x.md", "@global-owner1 @global-owner2"),
        ("deep/apps/x", "@octocat"),
        ("scripts/a/b", "@doctocat @octocat"),
        ("deeply/nested/logs/x", "@logs"),
        ("apps/x", "@octocat"),
        ("apps/github", ""),
        ("apps/github/x", ""),
    ] {
        assert_eq!(owners(GITHUB, path), expected, "{path}");
    }
    assert!(CodeOwners::parse(GITHUB).notices().is_empty());
}

#[test]
fn patterns_cover_what_github_says() {
    assert_rows("*", &["a", "a/b/c"], &[]);
    assert_rows("/*", &["a"], &["a/b"]);
    assert_rows(
        "docs/*",
        &["docs/a.md"],
        &["docs/build-app/a.md", "x/docs/a.md"],
    );
    assert_rows("docs/**", &["docs/a", "docs/a/b"], &["docs", "x/docs/a"]);
    assert_rows(
        "/docs/",
        &["docs/a", "docs/a/b", "docs/"],
        &["docs", "x/docs/a"],
    );
    assert_rows("apps/", &["apps/a", "x/apps/a"], &["apps", "myapps/a"]);
    assert_rows("apps", &["apps", "apps/a", "x/apps/a"], &["apps2"]);
    assert_rows(
        "/apps/github",
        &["apps/github", "apps/github/a"],
        &["x/apps/github"],
    );
    assert_rows("**/logs", &["logs", "a/b/logs", "logs/a"], &["mylogs"]);
    assert_rows("a/**/b", &["a/b", "a/x/b", "a/x/y/b/c"], &["b", "x/a/b"]);
    assert_rows("**/a/*.c", &["a/x.c", "q/a/x.c"], &["a/q/x.c"]);
    assert_rows("*.min.?s", &["x.min.js", "d/x.min.ts"], &["x.min.css"]);
    assert_rows(
        "a*b*c",
        &["abc", "axxbxxc", "abcbc"],
        &["ab", "acb", "abcd"],
    );
    assert_rows("with\\ space/", &["with space/a"], &["with"]);
    assert_rows(
        "README.md",
        &["README.md", "a/README.md"],
        &["readme.md", "README.md.bak"],
    );
    assert_rows("\u{6587}\u{6863}/", &["\u{6587}\u{6863}/a"], &["a"]);
    assert_rows("file.txt ", &["file.txt"], &[]);
}

#[test]
fn the_last_line_that_covers_a_path_decides() {
    let text = "* @all\n/a/ @a\n/a/free\n/a/b/ @b\n";
    assert_eq!(owners(text, "x"), "@all");
    assert_eq!(owners(text, "a/x"), "@a");
    assert_eq!(owners(text, "a/free/x"), "", "a line without owners frees");
    assert_eq!(owners(text, "a/b/x"), "@b");
}

#[test]
fn broken_lines_are_told_and_do_not_count() {
    let text = "* @all\n!x @y\n[a-z].rs @z\n*.c nobody\n*.d @ok nobody\n\\#x @a\n/ @b\n*.e @\n*.f @a//b\n* @end\n";
    let file = CodeOwners::parse(text);
    let lines: Vec<u64> = file.notices().iter().map(|notice| notice.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9]);
    for notice in file.notices() {
        assert!(!notice.message.zh.is_empty() && !notice.message.en.is_empty());
    }
    let text = text.replace("* @end\n", "");
    for path in ["x.rs", "a.c", "a.d", "a.e", "a.f"] {
        assert_eq!(owners(&text, path), "@all", "{path}");
    }
}

#[test]
fn sections_of_gitlab_decide_each_for_itself() {
    let text = "* @all\n[Docs] @writers\n*.md\n/docs/ @docs\n^[Backend][2] @be # two of them\n*.rs\n*.md @both\n[a-z].x @no\n";
    let file = CodeOwners::parse(text);
    assert_eq!(owners(text, "a.rs"), "@all @be");
    assert_eq!(owners(text, "a.md"), "@all @both @writers");
    assert_eq!(owners(text, "docs/a.md"), "@all @both @docs");
    assert_eq!(owners(text, "other"), "@all");
    let lines: Vec<u64> = file.notices().iter().map(|notice| notice.line).collect();
    assert_eq!(lines, [8], "a range of characters is no section");
    assert_eq!(owners("*.x @@maintainers\n", "a.x"), "@@maintainers");
}

#[test]
fn endless_files_have_an_end() {
    let text = "a @x\n".repeat(10_100);
    let file = CodeOwners::parse(&text);
    let lines: Vec<u64> = file.notices().iter().map(|notice| notice.line).collect();
    assert_eq!(lines, [10_001]);
    let broken = "!x\n".repeat(1000);
    assert_eq!(CodeOwners::parse(&broken).notices().len(), 50);
}

/// The same meaning, said slowly: every way to spread the names of a path over the parts of a pattern.
fn covers_slowly(pattern: &str, path: &str) -> bool {
    fn name(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                name(&pattern[1..], text) || (!text.is_empty() && name(pattern, &text[1..]))
            }
            (Some(b'?'), Some(_)) => name(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) => p == t && name(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    fn parts(pattern: &[&str], names: &[&str]) -> bool {
        match pattern.split_first() {
            None => names.is_empty(),
            Some((&"**", [])) => !names.is_empty(),
            Some((&"**", rest)) => (0..=names.len()).any(|at| parts(rest, &names[at..])),
            Some((first, rest)) => names.split_first().is_some_and(|(head, tail)| {
                name(first.as_bytes(), head.as_bytes()) && parts(rest, tail)
            }),
        }
    }
    let folder_only = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    let mut pieces: Vec<&str> = body.split('/').filter(|part| !part.is_empty()).collect();
    if !body.contains('/') {
        pieces.insert(0, "**");
    }
    let is_flat = !folder_only && pieces.last() == Some(&"*");
    let names: Vec<&str> = path.split('/').collect();
    (1..=names.len()).any(|end| {
        let is_whole = end == names.len();
        (is_whole || !is_flat) && !(folder_only && is_whole) && parts(&pieces, &names[..end])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn matching_agrees_with_the_slow_way(
        pattern in "/?([ab*?]{1,3}|\\*\\*)(/([ab*?]{1,3}|\\*\\*)){0,3}/?",
        path in "[ab]{1,3}(/[ab]{1,3}){0,4}",
    ) {
        let text = format!("{pattern} @x\n");
        prop_assert_eq!(owners(&text, &path) == "@x", covers_slowly(&pattern, &path), "{} {}", pattern, path);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,400}") {
        let file = CodeOwners::parse(&text);
        file.owners_of(b"a/b/c");
    }

    #[test]
    fn any_lines_are_read(text in "[\\[\\]\\^!#@ab*/ \\\\\n]{0,200}") {
        CodeOwners::parse(&text).owners_of(b"a/b");
    }
}
