//! One pattern of a `.gitignore` or `.gitattributes` line, and what it matches: as gitignore(5) says and as Git does,
//! byte by byte. It knows no files and no order of rules.
//!
//! The time that a match takes grows with pattern times name, whatever the pattern: these come from the repository.

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// `!`: what matches is taken back.
    pub is_negative: bool,
    /// `/` at the end: only folders match.
    pub folders_only: bool,
    /// Without a `/` inside, the last name of the path is compared; else the whole path below the pattern's folder.
    whole_path: bool,
    /// Bytes that stand for themselves, in front of the first wildcard.
    literal: Vec<u8>,
    /// What follows.
    rest: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This byte.
    Byte(u8),
    /// `?`
    AnyByte,
    /// `[…]`
    Class(Box<[bool; 256]>),
    /// `*`, which ends at a `/` where whole paths are compared.
    Star,
    /// `**` between slashes: also across folders.
    Stars,
    /// `**/`: any number of folders, also none.
    Folders,
    /// What can never match, such as a `[` that is not closed.
    Nothing,
}

impl Pattern {
    /// Reads a pattern without its line end. None for an empty one.
    pub(super) fn parse(text: &[u8], folds_case: bool) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (folders_only, text) = match text.strip_suffix(b"/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let whole_path = text.contains(&b'/');
        let text = match text.strip_prefix(b"/") {
            Some(rest) => rest,
            None => text,
        };
        if text.is_empty() && !folders_only && !whole_path {
            return None;
        }
        let is_wild = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\');
        let start = text.iter().position(is_wild).unwrap_or(text.len());
        let fold = |byte: &u8| {
            if folds_case {
                byte.to_ascii_lowercase()
            } else {
                *byte
            }
        };
        Some(Self {
            is_negative,
            folders_only,
            whole_path,
            literal: text[..start].iter().map(fold).collect(),
            rest: tokens(&text[start..], whole_path, folds_case),
        })
    }

    /// Whether `path`, below the pattern's folder, matches. Whoever folds case has folded the path.
    pub(super) fn matches(&self, path: &[u8], is_folder: bool) -> bool {
        if self.folders_only && !is_folder {
            return false;
        }
        let name = if self.whole_path {
            path
        } else {
            let slash = path.iter().rposition(|byte| *byte == b'/');
            &path[slash.map_or(0, |at| at + 1)..]
        };
        name.strip_prefix(self.literal.as_slice())
            .is_some_and(|name| fits(&self.rest, name, self.whole_path))
    }
}

fn tokens(text: &[u8], whole_path: bool, folds_case: bool) -> Vec<Token> {
    let fold = |byte: u8| {
        if folds_case {
            byte.to_ascii_lowercase()
        } else {
            byte
        }
    };
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                match text.get(at) {
                    Some(escaped) => tokens.push(Token::Byte(*escaped)),
                    None => tokens.push(Token::Nothing),
                }
                at += 1;
            }
            b'?' => tokens.push(Token::AnyByte),
            b'*' => {
                let before = at.checked_sub(2).map(|before| text[before]);
                let stars = text[at..].iter().take_while(|byte| **byte == b'*').count();
                at += stars;
                let after = &text[at..];
                let is_alone = matches!(before, None | Some(b'/'))
                    && (after.is_empty() || after[0] == b'/' || after.starts_with(b"\\/"));
                if stars == 0 || !whole_path || !is_alone {
                    tokens.push(Token::Star);
                } else if after.first() == Some(&b'/') {
                    tokens.push(Token::Folders);
                    at += 1;
                } else {
                    tokens.push(Token::Stars);
                }
            }
            b'[' => match class(&text[at..], folds_case) {
                Some((mut class, length)) => {
                    // No class reaches across folders.
                    class[usize::from(b'/')] &= !whole_path;
                    tokens.push(Token::Class(class));
                    at += length;
                }
                None => {
                    tokens.push(Token::Nothing);
                    return tokens;
                }
            },
            literal => tokens.push(Token::Byte(fold(*literal))),
        }
    }
    tokens
}

/// Reads what follows a `[`: the bytes that it matches, and its length with the `]`.
fn class(text: &[u8], folds_case: bool) -> Option<(Box<[bool; 256]>, usize)> {
    let mut class = Box::new([false; 256]);
    let is_negated = matches!(text.first(), Some(b'!' | b'^'));
    let mut at = usize::from(is_negated);
    let first = at;
    let mut last: Option<u8> = None;
    loop {
        let mut byte = *text.get(at)?;
        at += 1;
        if byte == b']' && at - 1 > first {
            break;
        }
        if byte == b'[' && text.get(at) == Some(&b':') {
            let name_at = at + 1;
            let end = name_at + text[name_at..].iter().position(|byte| *byte == b']')?;
            if end > name_at && text[end - 1] == b':' {
                let has = named_class(&text[name_at..end - 1])?;
                for byte in 0..=255_u8 {
                    class[usize::from(byte)] |= has(byte, folds_case);
                }
                at = end + 1;
                last = None;
                continue;
            }
        } else if byte == b'-'
            && let Some(from) = last
            && !matches!(text.get(at), None | Some(b']'))
        {
            let mut to = *text.get(at)?;
            at += 1;
            if to == b'\\' {
                to = *text.get(at)?;
                at += 1;
            }
            for byte in from..=to {
                class[usize::from(byte)] = true;
                // The name is in lower case. Git folds the ends of a range and nothing else in a class.
                if folds_case {
                    class[usize::from(byte.to_ascii_lowercase())] = true;
                }
            }
            last = None;
            continue;
        } else if byte == b'\\' {
            byte = *text.get(at)?;
            at += 1;
        }
        class[usize::from(byte)] = true;
        last = Some(byte);
    }
    if is_negated {
        class.iter_mut().for_each(|is_in| *is_in = !*is_in);
    }
    Some((class, at))
}

/// `[:alpha:]` and the like, in plain ASCII.
fn named_class(name: &[u8]) -> Option<fn(u8, bool) -> bool> {
    Some(match name {
        b"alnum" => |byte, _| byte.is_ascii_alphanumeric(),
        b"alpha" => |byte, _| byte.is_ascii_alphabetic(),
        b"blank" => |byte, _| matches!(byte, b' ' | b'\t'),
        b"cntrl" => |byte, _| byte.is_ascii_control(),
        b"digit" => |byte, _| byte.is_ascii_digit(),
        b"graph" => |byte, _| byte.is_ascii_graphic(),
        b"lower" => |byte, _| byte.is_ascii_lowercase(),
        b"print" => |byte, _| byte.is_ascii_graphic() || byte == b' ',
        b"punct" => |byte, _| byte.is_ascii_punctuation(),
        b"space" => |byte, _| byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => |byte, folds| byte.is_ascii_uppercase() || (folds && byte.is_ascii_lowercase()),
        b"xdigit" => |byte, _| byte.is_ascii_hexdigit(),
        _ => return None,
    })
}

/// Whether `tokens` match all of `name`. A star first matches as little as it can; on a failure the last one takes one
/// byte more. Only the last star of each kind matters: what an earlier one would take, a later one can take as well.
fn fits(tokens: &[Token], name: &[u8], whole_path: bool) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut stars: Option<(usize, usize)> = None;
    loop {
        let steps = match (tokens.get(token), name.get(at)) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                star = Some((token, at));
                token += 1;
                continue;
            }
            (Some(Token::Stars | Token::Folders), _) => {
                stars = Some((token, at));
                star = None;
                token += 1;
                continue;
            }
            (Some(Token::Byte(wanted)), Some(byte)) => wanted == byte,
            (Some(Token::AnyByte), Some(byte)) => !whole_path || *byte != b'/',
            (Some(Token::Class(class)), Some(byte)) => class[usize::from(*byte)],
            _ => false,
        };
        if steps {
            token += 1;
            at += 1;
            continue;
        }
        if let Some((here, taken)) = star
            && let Some(byte) = name.get(taken)
            && !(whole_path && *byte == b'/')
        {
            star = Some((here, taken + 1));
            (token, at) = (here + 1, taken + 1);
            continue;
        }
        let Some((here, taken)) = stars else {
            return false;
        };
        let next = match tokens[here] {
            // Whole folders only.
            Token::Folders => name[taken..].iter().position(|byte| *byte == b'/'),
            _ => (taken < name.len()).then_some(0),
        };
        let Some(skipped) = next else {
            return false;
        };
        stars = Some((here, taken + skipped + 1));
        star = None;
        (token, at) = (here + 1, taken + skipped + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern.as_bytes(), false)
            .is_some_and(|pattern| pattern.matches(path.as_bytes(), false))
    }

    #[test]
    fn patterns_match_as_the_manual_says() {
        for (pattern, path, expected) in [
            ("*.rs", "a.rs", true),
            ("*.rs", "deep/a.rs", true),
            ("/*.rs", "deep/a.rs", false),
            ("a/*.rs", "a/b/c.rs", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "axb", false),
            ("**/b", "b", true),
            ("**/b", "a/xb", false),
            ("a/**", "a/x/y", true),
            ("a/**", "a", false),
            ("a**b", "axyb", true),
            ("a/x**b", "a/xy/b", false),
            ("a?b", "a/b", false),
            ("a/?/b", "a/x/b", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]x]y", "]y", true),
            ("[a-]y", "-y", true),
            ("[[:digit:]x]", "7", true),
            ("[[:nonsense:]]", "7", false),
            ("[a", "a", false),
            ("[\\]]", "]", true),
            ("x/[a/b]", "x//", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("end\\", "end\\", false),
            ("{a,b}", "a", false),
            ("*a*a*a*b", &"a".repeat(300), false),
            ("a*b*c*d", "axbxcxxd", true),
            ("*/x/*", "a/x/b", true),
            ("*/x/*", "a/b/x/c", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} against {path}");
        }
    }

    #[test]
    fn case_is_folded_on_wish() {
        let pattern = Pattern::parse(b"Build/[A-C]*.TXT", true).expect("it is one");
        assert!(pattern.matches(b"build/bx.txt", false));
        assert!(!pattern.matches(b"build/dx.txt", false));
    }

    #[test]
    fn a_pattern_that_makes_others_take_forever_ends_at_once() {
        let started = std::time::Instant::now();
        let pattern = "*a".repeat(60) + "*b";
        assert!(!matches(&pattern, &"a".repeat(4000)));
        let pattern = "**/a/".repeat(60) + "b";
        assert!(!matches(&pattern, &"a/".repeat(1500)));
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
    }
}
