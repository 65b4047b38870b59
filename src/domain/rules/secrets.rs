//! What secrets and other unwelcome lines look like. Owns the built-in expressions and the tests that tell a secret from a
//! placeholder; `lines` runs them. Expressions see bytes of one line, know ASCII only, and their first group, where there
//! is one, is the secret itself.

use super::LineTest;

/// One built-in expression.
pub(super) struct Known {
    pub test: LineTest,
    pub check: Check,
    /// What it recognises: a key of the dictionary.
    pub what: &'static str,
    pub expression: &'static str,
}

/// What has to hold besides the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing.
    None,
    /// A key's content follows: code that only looks for such a line is no key.
    KeyFollows,
    /// The secret is no placeholder.
    Token,
    /// The secret looks made up by a machine or by somebody careful.
    Random,
    /// The value looks like a secret, not like a name.
    Value,
    /// The same, and the file holds settings, where values stand without quotes.
    BareValue,
    /// The value is a real password, not the word.
    Address,
    /// One of the three lines that a conflict leaves.
    Mark(Mark),
}

/// The lines that a conflict leaves, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Begin,
    Middle,
    End,
}

const fn token(what: &'static str, expression: &'static str) -> Known {
    Known {
        test: LineTest::AccessToken,
        check: Check::Token,
        what,
        expression,
    }
}

const fn other(
    test: LineTest,
    check: Check,
    what: &'static str,
    expression: &'static str,
) -> Known {
    Known {
        test,
        check,
        what,
        expression,
    }
}

const KEY: &str = "secret.private_key";
const CONFLICT: &str = "secret.conflict";
const PASSWORD: &str = "secret.password";

/// Forms of tokens are their issuers' own; most of them chose a prefix so that they can be found.
pub(super) static KNOWN: &[Known] = &[
    other(
        LineTest::PrivateKey,
        Check::KeyFollows,
        KEY,
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
    ),
    other(
        LineTest::PrivateKey,
        Check::KeyFollows,
        KEY,
        r"---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----",
    ),
    other(
        LineTest::PrivateKey,
        Check::None,
        "secret.putty_key",
        r"^PuTTY-User-Key-File-[0-9]+: ",
    ),
    other(
        LineTest::PrivateKey,
        Check::Token,
        "secret.age_key",
        r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b",
    ),
    token(
        "secret.aws_id",
        r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b",
    ),
    token(
        "secret.aws_key",
        r#"(?i)aws[a-z0-9_. -]{0,20}(?:secret|private)[a-z0-9_. -]{0,20}["']?\s*(?:=>|:=|[:=,])\s*["']?([a-z0-9/+]{40})(?:[^a-z0-9/+=]|$)"#,
    ),
    token(
        "secret.github",
        r"\b(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    token(
        "secret.gitlab",
        r"\b(gl(?:pat|ptt|dt|rt|rtr|cbt|soat|ft|imt|agent|oas)-[A-Za-z0-9_.-]{20,})",
    ),
    token(
        "secret.slack",
        r"\b(xox[abceoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})",
    ),
    token(
        "secret.slack_webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9]{6,}/[A-Za-z0-9]{6,}/[A-Za-z0-9]{16,})",
    ),
    token("secret.google_key", r"\b(AIza[A-Za-z0-9_-]{35})"),
    token(
        "secret.google_oauth",
        r"\b(GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{30,})",
    ),
    token(
        "secret.anthropic",
        r"\b(sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,})",
    ),
    token(
        "secret.openai",
        r"\b(sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,})",
    ),
    // Only `sk-` says little (style sheets use it), so the rest of it has to look like a key.
    other(
        LineTest::AccessToken,
        Check::Random,
        "secret.sk",
        r"\b(sk-[A-Za-z0-9]{20,})\b",
    ),
    token(
        "secret.stripe",
        r"\b((?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,})|\b(whsec_[A-Za-z0-9]{32,})",
    ),
    token("secret.npm", r"\b(npm_[A-Za-z0-9]{36})\b"),
    token(
        "secret.npm_registry",
        r#"_authToken\s*=\s*["']?([A-Za-z0-9_.=/+-]{20,})"#,
    ),
    token("secret.pypi", r"\b(pypi-AgE[A-Za-z0-9_-]{16,})"),
    token("secret.crates_io", r"\b(cio[A-Za-z0-9]{32})\b"),
    token(
        "secret.docker_hub",
        r"\b(dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,})",
    ),
    token("secret.hugging_face", r"\b(hf_[A-Za-z]{34})\b"),
    token("secret.digitalocean", r"\b(do[opr]_v1_[a-f0-9]{64})\b"),
    token(
        "secret.sendgrid",
        r"\b(SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64})",
    ),
    token("secret.azure_storage", r"AccountKey=([A-Za-z0-9/+]{86}==)"),
    other(
        LineTest::WebToken,
        Check::Token,
        "secret.json_web_token",
        r"\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{16,})",
    ),
    other(
        LineTest::Password,
        Check::Value,
        PASSWORD,
        r#"(?i)(?:password|passwd|passphrase|pwd|secret(?:[_-]?key)?|token|api[_-]?key|access[_-]?key|auth[_-]?key|encryption[_-]?key|credentials?)["']?(?:\s*:\s*[&a-z][a-z0-9_<>:'& |]{0,30}?)?\s*(?:=>|:=|[:=])\s*[a-z]{0,2}["'`]([^"'`\s]{8,200})["'`]"#,
    ),
    other(
        LineTest::Password,
        Check::BareValue,
        PASSWORD,
        r#"(?i)^\s*(?:export\s+|-\s+)?["']?[a-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret(?:[_-]?key)?|token|api[_-]?key|access[_-]?key|auth[_-]?key)["']?\s*[:=]\s*([^\s"'`#]{8,200})\s*(?:#.*)?$"#,
    ),
    other(
        LineTest::Password,
        Check::Address,
        "secret.password_in_address",
        r#"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@"'<>]{0,64}:([^\s/:@"'<>]{3,100})@[a-z0-9\[]"#,
    ),
    other(
        LineTest::ConflictMarker,
        Check::Mark(Mark::Begin),
        CONFLICT,
        r"^<{7}(?: |$)",
    ),
    other(
        LineTest::ConflictMarker,
        Check::Mark(Mark::Middle),
        CONFLICT,
        r"^={7}$",
    ),
    other(
        LineTest::ConflictMarker,
        Check::Mark(Mark::End),
        CONFLICT,
        r"^>{7}(?: |$)",
    ),
    // Marks that turn the direction of a text, and the invisible twins of ASCII.
    other(
        LineTest::HiddenCharacter,
        Check::None,
        "secret.hidden",
        r"\xE2\x80[\xAA-\xAE]|\xE2\x81[\xA6-\xA9]|\xF3\xA0[\x80\x81][\x80-\xBF]",
    ),
];

/// Lines after a key's first one in which its content has begun; some formats put a few headers there.
pub(super) const KEY_HEAD_LINES: usize = 8;

/// Parts of values that stand for "put yours here", in lower case.
const PLACEHOLDERS: &[&str] = &[
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "insert",
    "redacted",
    "dummy",
    "fake",
    "your",
    "xxxx",
    "****",
    "....",
    "…",
    "todo",
    "not-a-",
    "notreal",
    "undefined",
    "process.env",
    "os.environ",
    "getenv",
];

/// Values that are only the name of what should stand there, without digits and signs.
const WORDS: &[&str] = &[
    "password", "passwd", "pass", "pwd", "secret", "token", "user", "root", "admin", "guest",
    "test", "postgres", "mysql", "none", "null", "true", "false",
];

/// Whether `value` is the placeholder of a token: documented examples, or one sign over and over.
pub(super) fn is_token_placeholder(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let has = |word: &str| find(&lower, word.as_bytes());
    ["example", "xxxx", "****", "...."]
        .iter()
        .any(|word| has(word))
        || body_signs(&lower) <= 2
}

/// Whether `value` looks as if a machine had made it.
pub(super) fn is_random(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    !is_token_placeholder(value)
        && has(u8::is_ascii_digit)
        && has(|byte| byte.is_ascii_alphabetic())
        && entropy(value) >= 3.3
}

/// Whether `value`, which something called a password got, is one. Names, addresses, references to a safer place and
/// placeholders are not.
pub(super) fn is_secret_value(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_reference = matches!(
        lower[0],
        b'$' | b'{' | b'<' | b'%' | b'@' | b'/' | b'~' | b'&' | b'*' | b'(' | b'['
    ) || [
        "./",
        "http",
        "env",
        "vault",
        "op:",
        "arn:",
        "file:",
        "secrets.",
        "projects/",
    ]
    .iter()
    .any(|start| lower.starts_with(start.as_bytes()));
    let is_filled_in = ["{", "$(", "<", "%s", "(", "::"]
        .iter()
        .any(|part| find(&lower, part.as_bytes()));
    !is_reference
        && !is_filled_in
        && !is_placeholder(&lower)
        && !is_name(value)
        && entropy(value) >= 2.5
}

/// Whether `value` in `scheme://user:value@host` is a password.
pub(super) fn is_address_password(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_filled_in = ["$", "{", "<", "%(", "*"]
        .iter()
        .any(|part| find(&lower, part.as_bytes()));
    !is_filled_in && !is_placeholder(&lower)
}

fn is_placeholder(lower: &[u8]) -> bool {
    let letters: Vec<u8> = lower
        .iter()
        .copied()
        .filter(u8::is_ascii_alphabetic)
        .collect();
    PLACEHOLDERS.iter().any(|part| find(lower, part.as_bytes()))
        || WORDS.iter().any(|word| letters == word.as_bytes())
        || body_signs(lower) <= 2
}

/// Whether a value is made of words and small numbers, as names are: `my-secret-name`, `accessTokenV2`, `app.token.1`.
fn is_name(value: &[u8]) -> bool {
    value
        .split(|byte| matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b',' | b'+'))
        .all(|part| {
            let word = part
                .iter()
                .take_while(|byte| byte.is_ascii_alphabetic())
                .count();
            let number = &part[word..];
            number.iter().all(u8::is_ascii_digit) && (number.len() <= 2 || word == 0)
        })
}

/// How many different signs a value has, without counting what all values of its kind have in common: what stands before
/// the last `-` or `_` that is followed by at least eight signs.
fn body_signs(lower: &[u8]) -> usize {
    let start = lower
        .iter()
        .enumerate()
        .filter(|(at, byte)| matches!(byte, b'-' | b'_') && lower.len() - at > 8)
        .map(|(at, _)| at + 1)
        .next_back()
        .unwrap_or(0);
    let mut seen = [false; 256];
    for byte in &lower[start..] {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Bits for each sign that a reader has to guess, by Shannon.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let all = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / all;
            -share * share.log2()
        })
        .sum()
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Whether the lines behind a key's first line hold a key. `rest` is what follows on the same line, `is_alone` says that
/// nothing stands before it, `next` are the lines after it.
pub(super) fn key_follows<'a>(
    is_alone: bool,
    rest: &[u8],
    next: impl Iterator<Item = &'a [u8]>,
) -> bool {
    let is_body = |line: &[u8]| {
        let mut run = 0;
        line.iter().any(|byte| {
            let is_base64 = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
            run = if is_base64 { run + 1 } else { 0 };
            run >= 16
        })
    };
    let is_bare = rest.iter().all(u8::is_ascii_whitespace);
    (is_alone && is_bare) || is_body(rest) || next.take(KEY_HEAD_LINES).any(is_body)
}

/// Whether a file holds settings, where values stand without quotes.
pub(super) fn is_settings_file(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    lower.starts_with(b".env")
        || lower.starts_with(b".npmrc")
        || lower.starts_with(b".pypirc")
        || [
            ".env",
            ".yml",
            ".yaml",
            ".ini",
            ".cfg",
            ".conf",
            ".config",
            ".properties",
            ".toml",
            ".tfvars",
        ]
        .iter()
        .any(|ending| lower.ends_with(ending.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::language::Language;
    use crate::domain::words;

    #[test]
    fn the_dictionary_has_a_name_for_whatever_is_recognised() {
        for known in KNOWN {
            let name = words::find(Language::En, known.what);
            assert!(name.is_some(), "nobody wrote `{}`", known.what);
        }
    }
}
