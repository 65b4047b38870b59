//! What is found in added lines, and what only looks like it. Secrets are put together here from parts, so that this file
//! holds none itself.

use std::collections::BTreeSet;

use proptest::prelude::*;
use zhongshu::domain::language::Language;
use zhongshu::domain::rules::expressions::{LineError, MAX_EXPRESSION_CHARS, check_expression};
use zhongshu::domain::rules::lines::{Hit, LineScanner, Page, Stopped, masked};
use zhongshu::governance::Governance;

fn scan(path: &str, text: &str, added: Option<&[u64]>) -> Vec<(String, u64)> {
    let governance = Governance::default();
    scan_under(&governance, path, text.as_bytes(), added)
        .into_iter()
        .map(|hit| (governance.risk_rules[hit.rule].name.clone(), hit.line))
        .collect()
}

fn scan_under(governance: &Governance, path: &str, text: &[u8], added: Option<&[u64]>) -> Vec<Hit> {
    let page = Page {
        path: path.as_bytes(),
        text,
        is_added: &mut |line| added.is_none_or(|lines| lines.contains(&line)),
        go_on: &|| true,
    };
    governance.rulebook().lines().scan(page).unwrap().hits
}

fn rules_in(text: &str) -> Vec<String> {
    scan("src/a.rs", text, None)
        .into_iter()
        .map(|(rule, _)| rule)
        .collect()
}

/// Something that looks random and is the same each time.
fn body(letters: &str, length: usize) -> String {
    let letters: Vec<char> = letters.chars().collect();
    let mut state = 7_usize;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
            letters[(state >> 8) % letters.len()]
        })
        .collect()
}

const MIXED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// One of each kind of token.
fn tokens() -> Vec<String> {
    let mixed = |length| body(MIXED, length);
    vec![
        format!("{}{}", "AKIA", body(UPPER, 16)),
        format!("{}{}", "ASIA", body(UPPER, 16)),
        format!("aws_{}_access_key = \"{}\"", "secret", mixed(40)),
        format!("{}{}", "ghp_", mixed(36)),
        format!("{}{}", "gho_", mixed(36)),
        format!("{}{}", "ghs_", mixed(36)),
        format!("{}{}_{}", "github_pat_", mixed(22), mixed(59)),
        format!("{}{}", "glpat-", mixed(20)),
        format!("{}{}", "glrt-", mixed(20)),
        format!("{}{}-{}", "xoxb-", body("0123456789", 12), mixed(24)),
        format!("{}{}", "xoxp-", body("0123456789", 12)),
        format!(
            "https://hooks.slack.com/services/{}/{}/{}",
            mixed(9),
            mixed(9),
            mixed(24)
        ),
        format!("{}{}", "AIza", mixed(35)),
        format!("{}{}", "GOCSPX-", mixed(28)),
        format!("{}{}", "sk-ant-api03-", mixed(93)),
        format!("{}{}", "sk-proj-", mixed(48)),
        format!("{}{}", "sk-", mixed(48)),
        format!("{}{}", "sk_live_", mixed(24)),
        format!("{}{}", "npm_", mixed(36)),
        format!("//registry.npmjs.org/:{}={}", "_authToken", mixed(36)),
        format!("{}{}", "pypi-AgEIcHlwaS5vcmc", mixed(60)),
        format!("{}{}", "cio", mixed(32)),
        format!("{}{}", "dckr_pat_", mixed(27)),
        format!("{}{}", "hf_", body("abcdefghijklmnopABCDEFGH", 34)),
        format!("{}{}", "dop_v1_", body(HEX, 64)),
        format!("{}{}.{}", "SG.", mixed(22), mixed(43)),
        format!("{}{}==", "AccountKey=", mixed(86)),
    ]
}

#[test]
fn tokens_are_found_wherever_they_stand() {
    for token in tokens() {
        for line in [
            token.clone(),
            format!("let x = \"{token}\";"),
            format!("  key: {token}  # comment"),
            format!("curl -H 'Authorization: Bearer {token}' https://host/"),
            format!("{{\"k\":\"{token}\"}}"),
            format!("\u{4ee4}\u{724c}\u{ff1a}{token}\u{3002}"),
            format!("{token}\r"),
        ] {
            let found = scan("src/a.rs", &format!("one\n{line}\nthree\n"), None);
            assert!(
                found.contains(&("access_tokens".to_owned(), 2)),
                "{line}: {found:?}"
            );
        }
    }
}

#[test]
fn what_is_found_is_named_and_never_repeated() {
    let token = format!("{}{}", "ghp_", body(MIXED, 36));
    let governance = Governance::default();
    let hits = scan_under(&governance, "a", token.as_bytes(), None);
    assert_eq!(hits[0].what, Some("secret.github"));
    for token in tokens() {
        let line = format!("see /home/jane/x and {token} here");
        let masked = masked(&line);
        let secret = token.rsplit(['=', '"', '/']).find(|part| part.len() > 8);
        assert!(!masked.contains(secret.unwrap()), "{masked}");
        assert!(
            masked.starts_with("see /home/jane/x and ") && masked.ends_with(" here"),
            "{masked}"
        );
    }
    assert_eq!(masked("nothing to hide"), "nothing to hide");
}

#[test]
fn what_only_looks_like_a_token_is_left_alone() {
    for line in [
        format!("{}{}", "AKIA", "IOSFODNN7EXAMPLE"),
        format!("{}{}", "ghp_", "x".repeat(36)),
        format!("{}{}", "ghp_", "0".repeat(36)),
        format!("{}{}", "glpat-", "X".repeat(20)),
        format!("{}{}", "sk-", "<your key here>"),
        "class=\"sk-folding-cube sk-fading-circle-loading\"".to_owned(),
        "risk-assessment-of-the-whole-department".to_owned(),
        format!("{}{}", "ghp_", "short"),
        "npm_config_registry_and_other_names_like_it".to_owned(),
        "AIzaTooShort".to_owned(),
        "eyJhbGciOiJIUzI1NiJ9".to_owned(),
        body(HEX, 40),
        body(HEX, 64),
    ] {
        assert_eq!(rules_in(&line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn private_keys_of_all_kinds_are_found() {
    let (begin, end) = ("-----BEGIN ", "-----END ");
    for kind in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        let head = format!("{begin}{kind}-----");
        let foot = format!("{end}{kind}-----");
        let line = body(MIXED, 64);
        for text in [
            format!("x\n{head}\n{line}\n{foot}\n"),
            format!("x\n{head}\r\n{line}\r\n{foot}\r\n"),
            format!("x\n  {head}\n  {line}\n  {foot}\n"),
            format!("x\nkey = \"{head}\\n{line}\\n{foot}\\n\"\n"),
            format!("x\nkey = \"\"\"{head}\n{line}\n{foot}\"\"\"\n"),
            format!("x\nkey = \"{head}\\n\" +\n  \"{line}\\n\" +\n  \"{foot}\"\n"),
            format!(
                "x\n{head}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{line}\n{foot}\n"
            ),
            format!("x\n{head}\n"),
        ] {
            let found = scan("a.txt", &text, None);
            assert_eq!(found, [("private_keys".to_owned(), 2)], "{text}");
        }
    }
    let ssh2 = format!(
        "---- BEGIN {} PRIVATE KEY ----\n{}\n",
        "SSH2 ENCRYPTED",
        body(MIXED, 64)
    );
    assert_eq!(rules_in(&ssh2), ["private_keys"]);
    assert_eq!(
        rules_in(&format!("PuTTY-User-Key-{}: ssh-rsa\n", "File-2")),
        ["private_keys"]
    );
    assert_eq!(
        rules_in(&format!("AGE-SECRET-{}{}", "KEY-1", body(UPPER, 58))),
        ["private_keys"]
    );
}

#[test]
fn code_that_looks_for_keys_is_none() {
    let head = format!("-----BEGIN {}-----", "RSA PRIVATE KEY");
    for text in [
        format!("if pem.starts_with(\"{head}\") {{\n    return true;\n}}\n"),
        format!("Files that begin with `{head}` are keys.\n"),
        format!("-----BEGIN {}-----\n{}\n", "CERTIFICATE", body(MIXED, 64)),
        format!("-----BEGIN {}-----\n{}\n", "PUBLIC KEY", body(MIXED, 64)),
    ] {
        assert_eq!(rules_in(&text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_key_counts_when_any_of_its_lines_is_new() {
    let text = format!(
        "one\n-----BEGIN {0}-----\n{1}\n{1}\n-----END {0}-----\nsix\nseven\n",
        "PRIVATE KEY",
        body(MIXED, 64)
    );
    for (added, counts) in [
        (&[3][..], true),
        (&[5], true),
        (&[2, 3, 4, 5], true),
        (&[1], false),
        (&[6], false),
        (&[], false),
    ] {
        let found = scan("a", &text, Some(added));
        assert_eq!(!found.is_empty(), counts, "{added:?}");
    }
}

#[test]
fn values_of_passwords_are_found() {
    let value = "Tr0ub4dor&3xyz";
    for line in [
        format!("password = \"{value}\""),
        format!("db_password: '{value}',"),
        format!("\"clientSecret\": \"{value}\""),
        format!("const API_KEY: &str = \"{value}\";"),
        format!("const apiKey: string = `{value}`;"),
        format!("login(user=\"me\", passwd=\"{value}\")"),
        format!("auth_token => '{value}'"),
        format!("url = postgres://jane:{value}@db.host:5432/x"),
        format!("git clone https://:{value}@host/x"),
    ] {
        assert_eq!(rules_in(&line), ["passwords"], "{line}");
    }
    for (path, line) in [
        (".env", format!("DB_PASSWORD={value}")),
        ("deploy/app.env", format!("export API_TOKEN={value}")),
        ("config/a.yml", format!("  password: {value}")),
        ("a.properties", format!("db.password={value}")),
        ("a.ini", format!("secret_key = {value} # old")),
    ] {
        let found = scan(path, &line, None);
        assert_eq!(found, [("passwords".to_owned(), 1)], "{path}: {line}");
        assert_eq!(rules_in(&line), Vec::<String>::new(), "no settings: {line}");
    }
}

#[test]
fn placeholders_and_names_are_no_passwords() {
    for line in [
        "password = \"\"",
        "password = \"short\"",
        "password = \"changeme-now\"",
        "password = \"your-password-here\"",
        "password = \"<password of the user>\"",
        "password = \"${DB_PASSWORD}\"",
        "password = \"{{ vault_password }}\"",
        "password = \"$(cat /run/secret)\"",
        "password = \"************\"",
        "password = \"xxxxxxxxxxxx\"",
        "password = \"aaaaaaaaaaaa\"",
        "password = \"password123\"",
        "password = \"/run/secrets/db_password1\"",
        "token_url = \"https://host/oauth2/v1/token\"",
        "token = \"https://host/oauth2/v1/token\"",
        "token = \"access_token_type\"",
        "secretName: 'my-secret-name-2'",
        "secret = \"my-secret-name-2\"",
        "tokenizer = \"cl100k_base_v2xyz\"",
        "token === \"Tr0ub4dor&3xyz\"",
        "password = env(\"Tr0ub4dor&3xyz\")",
        "password = process.env.DB_PASSWORD",
        "secret: \"arn:aws:secretsmanager:eu-west-1:123456789012:secret\"",
        "api_key = \"EXAMPLE_KEY_1234567890\"",
        "postgres://user:password@localhost/db",
        "postgres://user:${PASSWORD}@localhost/db",
        "http://user:<pass>@host/",
        "see https://host:8080/a@b",
        "mailto://a@b.c",
    ] {
        assert_eq!(rules_in(line), Vec::<String>::new(), "{line}");
        let in_settings = scan("a.yml", line, None);
        assert_eq!(in_settings, [], "settings: {line}");
    }
}

#[test]
fn web_tokens_are_found() {
    let token = format!(
        "{}.{}.{}",
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJzdWIiOiIxMjM0In0",
        body(MIXED, 43)
    );
    assert_eq!(rules_in(&format!("Bearer {token}")), ["web_tokens"]);
}

#[test]
fn a_conflict_is_three_marks_in_their_order() {
    let (begin, middle, end) = ("<".repeat(7), "=".repeat(7), ">".repeat(7));
    for (text, line) in [
        (
            format!("a\n{begin} HEAD\none\n{middle}\ntwo\n{end} side\nb\n"),
            Some(2),
        ),
        (
            format!("{begin}\r\none\r\n{middle}\r\ntwo\r\n{end}\r\n"),
            Some(1),
        ),
        (
            format!("{begin} ours\n1\n||||||| base\n0\n{middle}\n2\n{end} theirs\n"),
            Some(1),
        ),
        (
            format!("{begin} a\n{begin} b\n{middle}\n{end} c\n"),
            Some(2),
        ),
        (format!("Title\n{middle}\n\ntext\n"), None),
        (format!("Title\n{middle}\n{end} quoted seven times\n"), None),
        (format!("{begin} only\n{middle}\n"), None),
        (format!("{end} x\n{middle}\n{begin} y\n"), None),
        (format!("  {begin} x\n  {middle}\n  {end} y\n"), None),
        (format!("{begin}< x\n{middle}=\n{end}> y\n"), None),
    ] {
        let expected: Vec<_> = line
            .map(|line| ("conflict_markers".to_owned(), line))
            .into_iter()
            .collect();
        assert_eq!(scan("a.md", &text, None), expected, "{text}");
    }
    let text = format!("{begin} a\none\n{middle}\ntwo\n{end} b\n");
    assert_eq!(scan("a", &text, Some(&[2, 4])), []);
    assert_eq!(scan("a", &text, Some(&[5])).len(), 1);
}

#[test]
fn characters_that_hide_something_are_found() {
    for hidden in ["\u{202e}", "\u{2066}", "\u{e0041}"] {
        assert_eq!(rules_in(&format!("if a {hidden}b")), ["hidden_characters"]);
    }
    for plain in ["\u{4e2d}\u{6587}", "\u{200d}", "caf\u{e9}", "\u{2014}"] {
        assert_eq!(rules_in(plain), Vec::<String>::new());
    }
}

#[test]
fn lines_that_were_there_before_are_left_alone() {
    let token = format!("{}{}", "ghp_", body(MIXED, 36));
    let text = format!("{token}\nb\n{token}\n");
    assert_eq!(scan("a", &text, Some(&[2])), []);
    assert_eq!(
        scan("a", &text, Some(&[2, 3])),
        [("access_tokens".to_owned(), 3)]
    );
}

#[test]
fn many_hits_are_counted_and_few_are_listed() {
    let token = format!("{}{}", "ghp_", body(MIXED, 36));
    let governance = Governance::default();
    let text = format!("{token}\n").repeat(100);
    let page = Page {
        path: b"a",
        text: text.as_bytes(),
        is_added: &mut |_| true,
        go_on: &|| true,
    };
    let found = governance.rulebook().lines().scan(page).unwrap();
    assert_eq!(
        (found.hits.len(), found.left_out.values().sum::<usize>()),
        (20, 80)
    );
}

#[test]
fn the_caller_can_stop_a_search() {
    let governance = Governance::default();
    let calls = std::cell::Cell::new(0);
    let page = Page {
        path: b"a",
        text: &b"line\n".repeat(100_000),
        is_added: &mut |_| true,
        go_on: &|| {
            calls.set(calls.get() + 1);
            calls.get() < 3
        },
    };
    assert_eq!(governance.rulebook().lines().scan(page), Err(Stopped));
    assert_eq!(calls.get(), 3);
}

#[test]
fn own_expressions_see_one_line_at_a_time() {
    let governance = Governance::parse(
        "risk_rules:\n  - {name: own, level: low, content: ['^TODO$', '密码\\d+', 'a\\s*b'], message: m}\n",
    )
    .unwrap();
    let lines = |text: &str| -> Vec<u64> {
        scan_under(&governance, "x", text.as_bytes(), None)
            .into_iter()
            .map(|hit| hit.line)
            .collect()
    };
    assert_eq!(lines("TODO\nTODO x\n TODO\r\nTODO\r\nTODO"), [1, 4, 5]);
    assert_eq!(lines("x 密码12\n密码\n"), [1]);
    assert_eq!(lines("a\nb\na  b\n"), [3]);
    let hit = scan_under(&governance, "x", b"TODO", None)[0];
    assert_eq!(hit.what, None);
    assert_eq!(
        governance.risk_rules[hit.rule].message.get(Language::En),
        "m"
    );
}

#[test]
fn unusable_expressions_are_refused() {
    let error = |text: &str| check_expression(text).unwrap_err();
    assert_eq!(error(""), LineError::Empty);
    assert_eq!(error("a*"), LineError::MatchesNothing);
    assert_eq!(error("^$"), LineError::MatchesNothing);
    assert_eq!(error(r"\Aa"), LineError::TextAnchor);
    assert_eq!(error(r"a\z"), LineError::TextAnchor);
    assert_eq!(error("(?-m)^a"), LineError::TextAnchor);
    assert_eq!(error("(?:a{1000}){1000}"), LineError::TooLarge);
    assert_eq!(
        error(&"a".repeat(MAX_EXPRESSION_CHARS + 1)),
        LineError::TooLong
    );
    match error("密码(") {
        LineError::Syntax { at, reason } => assert_eq!((at, reason.contains("group")), (3, true)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(error(r"(?=a)"), LineError::Syntax { .. }));
    check_expression(r"(?i)\bTODO\b.*$").unwrap();
}

proptest! {
    /// Where a line stands in a text, how the text is cut, and what surrounds it change nothing.
    #[test]
    fn a_token_is_found_in_any_text(
        before in "[a-z0-9 =\\r\\n-]{0,200}",
        padding in 0_usize..200_000,
        after in "[ \\r\\n\"'][a-z \\n]{0,100}",
        which in 0_usize..27,
    ) {
        let token = tokens()[which].clone();
        let text = format!("{before} {}\n{token}{after}", "x ".repeat(padding / 2));
        let line = text.split(&token).next().unwrap().matches('\n').count() as u64 + 1;
        let found = scan("a", &text, None);
        prop_assert!(found.contains(&("access_tokens".to_owned(), line)), "{found:?}");
    }

    /// A token in the middle of one long line, as minified files have them.
    #[test]
    fn long_lines_hide_nothing(padding in 0_usize..300_000) {
        let token = format!("{}{}", "ghp_", body(MIXED, 36));
        let text = format!("{};{token};{}", "ab ".repeat(padding / 3), "cd ".repeat(50_000));
        prop_assert_eq!(scan("a", &text, None), [("access_tokens".to_owned(), 1)]);
    }

    /// Bytes of any kind are looked at without a panic, and each line gives at most one hit of a rule.
    #[test]
    fn any_bytes_can_be_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let hits = scan_under(&Governance::default(), "a.env", &bytes, None);
        let lines: BTreeSet<_> = hits.iter().map(|hit| (hit.rule, hit.line)).collect();
        prop_assert_eq!(lines.len(), hits.len());
    }
}

#[test]
fn nothing_is_found_without_rules() {
    let page = Page {
        path: b"a",
        text: b"anything",
        is_added: &mut |_| true,
        go_on: &|| true,
    };
    let found = LineScanner::default().scan(page).unwrap();
    assert_eq!((found.hits.len(), found.left_out.len()), (0, 0));
}
