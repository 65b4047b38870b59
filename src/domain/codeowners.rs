//! `CODEOWNERS`: who owns a path by the file that code hosts read. Owns its grammar and its meaning; `governance::owners`
//! finds the file.
//!
//! # What a line means
//!
//! `<pattern> <owner>…`; the last line that covers a path decides, also when it names nobody. Patterns are GitHub's, which
//! are those of a `.gitignore` with three differences: no `!`, no `[ ]`, and `docs/*` covers the files of that folder, not
//! what is below its folders. Case counts. `#` begins a comment, a backslash takes a space into a pattern.
//!
//! GitLab's sections (`[Name]`, `^[Name][2] @default`) are known too: each section decides for itself, and a path has the
//! owners of all of them.
//!
//! A line that cannot be read is left out and told about, as code hosts do.

use std::collections::BTreeSet;

use super::department::Localized;
use super::sentence::Sentence;

/// Lines that are read; GitHub itself refuses files of more than 3 MB.
pub const MAX_RULES: usize = 10_000;

/// Lines that are told about.
const MAX_NOTICES: usize = 50;

/// Who owns what.
#[derive(Clone, Debug, Default)]
pub struct CodeOwners {
    rules: Vec<Rule>,
    sections: usize,
    notices: Vec<Notice>,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong with it, as a sentence.
    pub message: Localized,
}

#[derive(Clone, Debug)]
struct Rule {
    section: usize,
    pattern: Pattern,
    owners: Vec<String>,
}

/// A pattern in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// Names and `**`, from the root.
    parts: Vec<Vec<u8>>,
    /// It ended in `/`.
    folder_only: bool,
}

impl CodeOwners {
    /// Reads the text of a `CODEOWNERS` file.
    pub fn parse(text: &str) -> Self {
        let mut file = Self {
            sections: 1,
            ..Self::default()
        };
        let mut defaults: Vec<String> = Vec::new();
        for (line, number) in text.lines().zip(1_u64..) {
            let line = line.trim_start_matches('\u{feff}').trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(owners) = section(line) {
                file.sections += 1;
                defaults = file.owners(owners.iter().copied(), number);
                continue;
            }
            if file.rules.len() >= MAX_RULES {
                file.complain(number, "codeowners.too_long");
                break;
            }
            let words = words(line);
            let Some((path, names)) = words.split_first() else {
                continue;
            };
            let pattern = match Pattern::parse(path) {
                Ok(pattern) => pattern,
                Err(why) => {
                    file.complain(number, why);
                    continue;
                }
            };
            let mut owners = file.owners(names.iter().map(String::as_str), number);
            if owners.len() < names.len() {
                // As on code hosts, a line with a mistake does not count at all.
                continue;
            }
            if names.is_empty() {
                owners.clone_from(&defaults);
            }
            file.rules.push(Rule {
                section: file.sections - 1,
                pattern,
                owners,
            });
        }
        file
    }

    /// The owners of `path`, by name.
    pub fn owners_of(&self, path: &[u8]) -> Vec<String> {
        let names: Vec<&[u8]> = path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
            .collect();
        let is_folder = path.ends_with(b"/");
        let mut decided = BTreeSet::new();
        let mut owners = BTreeSet::new();
        for rule in self.rules.iter().rev() {
            if !decided.contains(&rule.section) && rule.pattern.covers(&names, is_folder) {
                owners.extend(rule.owners.iter().cloned());
                decided.insert(rule.section);
                if decided.len() == self.sections {
                    break;
                }
            }
        }
        owners.into_iter().collect()
    }

    /// Lines that could not be read.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    fn complain(&mut self, line: u64, why: Complaint) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push(Notice {
                line,
                message: Sentence::of(why).both(),
            });
        }
    }

    /// The names that can be owners; the others are told about.
    fn owners<'a>(&mut self, words: impl Iterator<Item = &'a str>, line: u64) -> Vec<String> {
        let mut owners = Vec::new();
        for word in words {
            if is_owner(word) {
                owners.push(word.to_owned());
            } else {
                self.complain(line, "codeowners.owner");
            }
        }
        owners
    }
}

/// Splits a line at spaces that no backslash precedes, and ends it at a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut escaped = false;
    for c in line.chars() {
        let word = words.last_mut().expect("there is always a word");
        if escaped {
            // Only a space loses its backslash: the pattern itself knows the others.
            if c != ' ' {
                word.push('\\');
            }
            word.push(c);
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '#' && word.is_empty() {
            break;
        } else if c.is_whitespace() {
            if !word.is_empty() {
                words.push(String::new());
            }
        } else {
            word.push(c);
        }
    }
    if escaped {
        words.last_mut().expect("there is always a word").push('\\');
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The default owners of a section that GitLab would see here; none when the line begins no section.
fn section(line: &str) -> Option<Vec<&str>> {
    let rest = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?;
    let (name, rest) = rest.split_once(']')?;
    let rest = match rest.strip_prefix('[') {
        Some(count) => {
            let (count, rest) = count.split_once(']')?;
            count.parse::<u32>().ok()?;
            rest
        }
        None => rest,
    };
    let is_section =
        !name.trim().is_empty() && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    let before_comment = rest.split(" #").next().unwrap_or_default();
    is_section.then(|| before_comment.split_whitespace().collect())
}

fn is_owner(word: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    match word.strip_prefix('@') {
        // `@@role` is GitLab's.
        Some(name) => name
            .strip_prefix('@')
            .unwrap_or(name)
            .split('/')
            .all(is_name),
        None => word.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty()
                && host.contains('.')
                && is_name(host)
                && !word.chars().any(char::is_control)
        }),
    }
}

type Complaint = &'static str;

impl Pattern {
    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.starts_with('!') {
            return Err("codeowners.negation");
        }
        if text.contains(['[', ']']) {
            return Err("codeowners.range");
        }
        if text.contains('\\') {
            return Err("codeowners.backslash");
        }
        let folder_only = text.ends_with('/');
        let body = text.trim_end_matches('/');
        let is_anchored = body.contains('/');
        let mut parts: Vec<Vec<u8>> = body
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| part.as_bytes().to_vec())
            .collect();
        if parts.is_empty() {
            return Err("codeowners.no_path");
        }
        if !is_anchored {
            parts.insert(0, b"**".to_vec());
        }
        Ok(Self { parts, folder_only })
    }

    /// Whether the path of these names is covered: it, or one of its folders, is named.
    fn covers(&self, names: &[&[u8]], is_folder: bool) -> bool {
        // `docs/*` names what lies in the folder and nothing deeper.
        let is_flat = !self.folder_only && self.parts.last().is_some_and(|part| part == b"*");
        (1..=names.len()).any(|length| {
            let is_whole = length == names.len();
            let may_be_named = !self.folder_only || !is_whole || is_folder;
            (is_whole || !is_flat) && may_be_named && matches(&self.parts, &names[..length])
        })
    }
}

/// Whether the parts of a pattern stand for exactly these names. At each `**` the search may come back once: what an
/// earlier one leaves open, a later one can take as well.
fn matches(parts: &[Vec<u8>], names: &[&[u8]]) -> bool {
    let (mut part, mut name) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if part < parts.len() && parts[part] == b"**" {
            // At the end it stands for what is below a folder: at least one name.
            if part + 1 == parts.len() {
                if name < names.len() {
                    return true;
                }
            } else {
                retry = Some((part, name));
                part += 1;
                continue;
            }
        } else if part < parts.len()
            && name < names.len()
            && name_matches(&parts[part], names[name])
        {
            part += 1;
            name += 1;
            continue;
        } else if part == parts.len() && name == names.len() {
            return true;
        }
        match retry {
            Some((star, from)) if from < names.len() => {
                retry = Some((star, from + 1));
                part = star + 1;
                name = from + 1;
            }
            _ => return false,
        }
    }
}

/// Whether a name matches a pattern of letters, `*` and `?`.
fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            retry = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == name[n]) {
            p += 1;
            n += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            p = star + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
