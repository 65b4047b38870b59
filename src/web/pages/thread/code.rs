//! Colours for code, as far as one pass over it tells: comments, texts, numbers and the words that most languages share. A guess for
//! the eye; what it gets wrong is still the same text.

/// A coloured piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ink {
    pub class: &'static str,
    pub text: String,
}

/// More code than this has one colour.
const MOST_BYTES: usize = 32 << 10;

const WORDS: &[&str] = &[
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "def",
    "default",
    "do",
    "done",
    "elif",
    "else",
    "enum",
    "except",
    "export",
    "extends",
    "false",
    "fi",
    "finally",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "if",
    "impl",
    "import",
    "in",
    "interface",
    "is",
    "let",
    "loop",
    "match",
    "mod",
    "move",
    "mut",
    "new",
    "nil",
    "None",
    "not",
    "null",
    "or",
    "and",
    "package",
    "pass",
    "private",
    "pub",
    "public",
    "raise",
    "ref",
    "return",
    "self",
    "Self",
    "static",
    "struct",
    "super",
    "switch",
    "then",
    "this",
    "throw",
    "trait",
    "True",
    "False",
    "true",
    "try",
    "type",
    "union",
    "unsafe",
    "use",
    "var",
    "void",
    "where",
    "while",
    "with",
    "yield",
];

/// The code with its colours.
pub(super) fn inks(language: &str, code: &str) -> Vec<Ink> {
    let language = language.to_ascii_lowercase();
    let is_plain = matches!(
        language.as_str(),
        "" | "text" | "txt" | "plain" | "console" | "markdown" | "md"
    );
    if is_plain || code.len() > MOST_BYTES {
        return vec![Ink {
            class: "",
            text: code.to_owned(),
        }];
    }
    if matches!(language.as_str(), "diff" | "patch") {
        return lines(code);
    }
    let comment: &[&str] = match language.as_str() {
        "sql" | "lua" | "haskell" | "hs" => &["--"],
        "rust" | "rs" | "c" | "cpp" | "go" | "java" | "js" | "javascript" | "ts" | "typescript"
        | "json" | "css" | "swift" | "kotlin" | "jsx" | "tsx" | "scala" | "zig" => &["//"],
        _ => &["#"],
    };
    let mut out: Vec<Ink> = Vec::new();
    let mut rest = code;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let (class, length) = if comment.iter().any(|it| rest.starts_with(it)) {
            ("k-c", rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") && comment.contains(&"//") {
            ("k-c", rest.find("*/").map_or(rest.len(), |at| at + 2))
        } else if matches!(c, '"' | '`') || (c == '\'' && !before.is_alphanumeric()) {
            match quoted(rest, c) {
                Some(length) => ("k-s", length),
                None => ("", 1),
            }
        } else if c.is_ascii_digit() {
            let more = |c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_';
            ("k-n", rest.find(more).unwrap_or(rest.len()))
        } else if c.is_alphabetic() || c == '_' {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let is_word = WORDS.contains(&&rest[..length]);
            (if is_word { "k-w" } else { "" }, length)
        } else {
            ("", c.len_utf8())
        };
        let piece = &rest[..length];
        before = piece.chars().next_back().unwrap_or(' ');
        match out.last_mut().filter(|ink| ink.class == class) {
            Some(ink) => ink.text.push_str(piece),
            None => out.push(Ink {
                class,
                text: piece.to_owned(),
            }),
        }
        rest = &rest[length..];
    }
    out
}

/// Bytes of a text in quotes that ends on its line.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' if quote != '`' => return None,
            c if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

fn lines(code: &str) -> Vec<Ink> {
    let lines = code.split_inclusive('\n').map(|line| Ink {
        class: match line.as_bytes().first() {
            Some(b'+') => "plus",
            Some(b'-') => "minus",
            Some(b'@') => "k-c",
            _ => "",
        },
        text: line.to_owned(),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_no_letter() {
        for (language, code) in [
            (
                "rust",
                "fn main() { let x = 'a'; /* no */ println!(\"{x}\\\"\"); } // end\n",
            ),
            ("sh", "for i in 1 2; do echo \"it's $i\" # 二\ndone"),
            ("py", "x = 'unclosed\ny = 1_000"),
            ("diff", "@@ -1 +1 @@\n-a\n+b\n"),
            ("text", "anything \"at all"),
            ("rust", "'"),
            ("", ""),
        ] {
            let inks = inks(language, code);
            let text: String = inks.iter().map(|ink| ink.text.as_str()).collect();
            assert_eq!(text, code);
        }
        let inks = inks("rust", "let x = \"a\"; // b");
        let classes: Vec<_> = inks.iter().map(|ink| ink.class).collect();
        assert_eq!(classes, ["k-w", "", "k-s", "", "k-c"]);
    }
}
