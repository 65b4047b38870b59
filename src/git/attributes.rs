//! The attributes of gitattributes(5) that decide what counts as the same content and what counts as text: from the
//! `.gitattributes` files of the working tree, the repository's own `info/attributes`, the person's file and the system's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Root;
use super::files::{self, Entry};
use super::glob::Pattern;
use super::index::Index;
use super::objects::Objects;
use super::settings::Settings;

/// Longest file that is read; Git itself stops at 100 MiB, sensible ones end at some KiB.
pub(super) const MAX_FILE_BYTES: u64 = 4 << 20;

/// Git's own limit for a line.
const MAX_LINE_BYTES: usize = 2048;

/// Macros within macros within macros; built in is one level.
const MAX_MACRO_DEPTH: usize = 16;

const FILE_NAME: &[u8] = b".gitattributes";

/// The system's own file.
pub(super) const SYSTEM_FILE: &str = "/etc/gitattributes";

/// The attributes that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Name {
    Text,
    Crlf,
    Eol,
    Ident,
    Filter,
    Diff,
}

const NAMES: [&[u8]; 6] = [b"text", b"crlf", b"eol", b"ident", b"filter", b"diff"];

/// What is said of one attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Unspecified,
    Set,
    Unset,
    Value(Arc<[u8]>),
}

/// What is said of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes([State; NAMES.len()]);

impl Attributes {
    pub(super) fn get(&self, name: Name) -> &State {
        &self.0[name as usize]
    }
}

/// One line: a pattern, or the name of a macro, with what it says. Names that do not matter stay for the macros.
struct Line {
    subject: Subject,
    says: Vec<(Arc<[u8]>, State)>,
}

enum Subject {
    Pattern(Pattern),
    Macro(Arc<[u8]>),
}

type Lines = Vec<Line>;

/// All files with attributes of one repository, read as they are asked for.
pub(super) struct Rules<'a> {
    root: &'a Root,
    index: &'a Index,
    objects: &'a Objects,
    folds_case: bool,
    /// Above all folders: `info/attributes`.
    own: Lines,
    /// Below all folders, in the order of their say: the person's, the system's.
    outer: Vec<Lines>,
    /// By folder (with a `/` at the end): what its file says. None for most of them.
    folders: Mutex<HashMap<Vec<u8>, Option<Arc<Lines>>>>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(
        root: &'a Root,
        settings: &Settings,
        index: &'a Index,
        objects: &'a Objects,
    ) -> Self {
        let read = |path: &std::path::Path| {
            let file = files::open_trusted(path).ok()??;
            let bytes = files::read_limited(file, MAX_FILE_BYTES).ok()??;
            Some(parse(&bytes, true, settings.ignore_case))
        };
        let outer = [
            settings.attributes_file.as_deref(),
            Some(std::path::Path::new(SYSTEM_FILE)),
        ];
        Self {
            root,
            index,
            objects,
            folds_case: settings.ignore_case,
            own: read(&settings.info_attributes).unwrap_or_default(),
            outer: outer.into_iter().flatten().filter_map(read).collect(),
            folders: Mutex::default(),
        }
    }

    /// What is said of the file at `path`.
    pub(super) fn of(&self, path: &[u8]) -> Attributes {
        let folders = self.folders_above(path);
        if self.own.is_empty() && self.outer.is_empty() && folders.is_empty() {
            return Attributes::default();
        }
        let folded = if self.folds_case {
            path.to_ascii_lowercase()
        } else {
            path.to_vec()
        };
        // From the strongest to the weakest: what is decided stays.
        let inner = folders
            .iter()
            .rev()
            .map(|(start, lines)| (*start, lines.as_slice()));
        let files: Vec<(usize, &[Line])> = std::iter::once((0, self.own.as_slice()))
            .chain(inner)
            .chain(self.outer.iter().map(|lines| (0, lines.as_slice())))
            .collect();
        let mut found = Decided {
            files: &files,
            decided: HashMap::new(),
        };
        for (start, lines) in &files {
            for line in lines.iter().rev() {
                if let Subject::Pattern(pattern) = &line.subject
                    && pattern.matches(&folded[*start..], false)
                {
                    found.take(&line.says, 0);
                }
            }
        }
        let mut states: [State; NAMES.len()] = Default::default();
        for (state, name) in states.iter_mut().zip(NAMES) {
            *state = found.decided.remove(name).unwrap_or_default();
        }
        Attributes(states)
    }

    /// The files in the folders on the way to `path`, with the length of the folder's name, from the root down.
    fn folders_above(&self, path: &[u8]) -> Vec<(usize, Arc<Lines>)> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| at + 1);
        let mut found = Vec::new();
        for end in std::iter::once(0).chain(ends) {
            let folder = &path[..end];
            if !folders.contains_key(folder) {
                let lines = self.load(folder).map(Arc::new);
                folders.insert(folder.to_vec(), lines);
            }
            if let Some(lines) = &folders[folder] {
                found.push((end, Arc::clone(lines)));
            }
        }
        found
    }

    /// A file that is not on disk is read from the index.
    fn load(&self, folder: &[u8]) -> Option<Lines> {
        let path = [folder, FILE_NAME].concat();
        let bytes = if self.root.has(&path) {
            match files::look_in(self.root.folder(), &path) {
                Ok(Entry::File(file, _)) => files::read_limited(file, MAX_FILE_BYTES).ok()?,
                _ => None,
            }
        } else if self.index.has_attributes() {
            let entry = self.index.find(&path)?;
            self.objects.small_blob(entry.id, MAX_FILE_BYTES)
        } else {
            None
        }?;
        Some(parse(&bytes, folder.is_empty(), self.folds_case))
    }
}

/// What was decided so far.
struct Decided<'a> {
    files: &'a [(usize, &'a [Line])],
    decided: HashMap<Arc<[u8]>, State>,
}

impl Decided<'_> {
    fn take(&mut self, says: &[(Arc<[u8]>, State)], depth: usize) {
        for (name, state) in says.iter().rev() {
            if self.decided.contains_key(name) {
                continue;
            }
            self.decided.insert(Arc::clone(name), state.clone());
            if *state == State::Set && depth < MAX_MACRO_DEPTH {
                self.expand(name, depth);
            }
        }
    }

    /// A macro says all that it stands for. The strongest file that defines it counts.
    fn expand(&mut self, name: &[u8], depth: usize) {
        let files = self.files;
        let definition = files
            .iter()
            .flat_map(|(_, lines)| lines.iter().rev())
            .find(|line| matches!(&line.subject, Subject::Macro(found) if **found == *name));
        match definition {
            Some(line) => self.take(&line.says, depth + 1),
            None if name == b"binary" => {
                let says =
                    [&b"diff"[..], b"merge", b"text"].map(|name| (name.into(), State::Unset));
                self.take(&says, depth + 1);
            }
            None => {}
        }
    }
}

fn parse(bytes: &[u8], may_define: bool, folds_case: bool) -> Lines {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| line.len() < MAX_LINE_BYTES)
        .filter_map(|line| parse_line(line, may_define, folds_case))
        .collect()
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

fn parse_line(line: &[u8], may_define: bool, folds_case: bool) -> Option<Line> {
    let start = line.iter().position(|byte| !is_blank(byte))?;
    let line = &line[start..];
    if line.starts_with(b"#") {
        return None;
    }
    let (name, rest) = match unquoted(line) {
        Some(both) => both,
        None => {
            let end = line.iter().position(is_blank).unwrap_or(line.len());
            (line[..end].to_vec(), &line[end..])
        }
    };
    let says = rest
        .split(is_blank)
        .filter(|word| !word.is_empty())
        .map(assignment)
        .collect::<Option<Vec<_>>>()?;
    let subject = match name.strip_prefix(b"[attr]") {
        Some(defined) if may_define && is_name(defined) => Subject::Macro(defined.into()),
        Some(_) => return None,
        None => {
            let pattern = Pattern::parse(&name, folds_case)?;
            if pattern.is_negative {
                return None;
            }
            Subject::Pattern(pattern)
        }
    };
    Some(Line { subject, says })
}

/// `name`, `-name`, `!name` or `name=value`.
fn assignment(word: &[u8]) -> Option<(Arc<[u8]>, State)> {
    let (name, state) = match word {
        [b'-', name @ ..] => (name, State::Unset),
        [b'!', name @ ..] => (name, State::Unspecified),
        _ => match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (&word[..at], State::Value(word[at + 1..].into())),
            None => (word, State::Set),
        },
    };
    is_name(name).then(|| (name.into(), state))
}

fn is_name(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name[0] != b'-' && name.iter().all(is_part)
}

/// A name in double quotes, as C writes them, and what follows.
fn unquoted(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = line.strip_prefix(b"\"")?.iter();
    let mut name = Vec::new();
    loop {
        match rest.next()? {
            b'"' => return Some((name, rest.as_slice())),
            b'\\' => name.push(match rest.next()? {
                b'a' => 7,
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                byte @ (b'\\' | b'"') => *byte,
                first @ b'0'..=b'3' => {
                    let mut digit = || rest.next().filter(|byte| (b'0'..=b'7').contains(*byte));
                    let (second, third) = (digit()?, digit()?);
                    ((first - b'0') << 6) | ((second - b'0') << 3) | (third - b'0')
                }
                _ => return None,
            }),
            byte => name.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_are_read() {
        let read = |line: &'static [u8]| unquoted(line);
        assert_eq!(
            read(b"\"a b\" text"),
            Some((b"a b".to_vec(), &b" text"[..]))
        );
        assert_eq!(
            read(b"\"\\303\\251\\n\""),
            Some((b"\xc3\xa9\n".to_vec(), &b""[..]))
        );
        assert_eq!(read(b"\"open"), None);
        assert_eq!(read(b"\"\\9\""), None);
    }

    #[test]
    fn lines_with_a_mistake_say_nothing() {
        for line in [
            "*.x -",
            "*.x a=b !",
            "!*.x text",
            "[attr]-x text",
            "# *.x text",
            "   ",
        ] {
            assert!(parse_line(line.as_bytes(), true, false).is_none(), "{line}");
        }
        assert!(parse_line(b"[attr]x text", false, false).is_none());
    }
}
