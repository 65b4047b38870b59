//! What Git ignores: the `.gitignore` files of a working tree, the repository's own `info/exclude` and the person's
//! exclude file, in the order of gitignore(5). Only names that the index does not know are ever asked about.

use std::sync::{Arc, OnceLock};

use super::Root;
use super::files::{self, Entry};
use super::glob::Pattern;
use super::objects::Objects;
use super::settings::Settings;

/// Longest file of patterns that is read. Of a longer one nothing is taken, so that its files are shown rather than
/// hidden; the longest sensible one is a hundredth of this.
pub(super) const MAX_FILE_BYTES: u64 = 4 << 20;

/// Name of the files with patterns.
pub(super) const FILE_NAME: &[u8] = b".gitignore";

/// The patterns of one file, in its order.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<Pattern>);

impl Patterns {
    pub(super) fn parse(bytes: &[u8], folds_case: bool) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let patterns = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| line.first() != Some(&b'#'))
            .filter_map(|line| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                Pattern::parse(without_trailing_spaces(line), folds_case)
            })
            .collect();
        Self(patterns)
    }

    /// Whether the last pattern that matches ignores; none when none matches.
    fn verdict(&self, path: &[u8], is_folder: bool) -> Option<bool> {
        let found = self
            .0
            .iter()
            .rev()
            .find(|pattern| pattern.matches(path, is_folder))?;
        Some(!found.is_negative)
    }
}

/// Spaces at the end do not count unless a backslash stands before them.
fn without_trailing_spaces(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        match byte {
            b'\\' => {
                at += 2;
                end = at;
            }
            b' ' => at += 1,
            _ => {
                at += 1;
                end = at;
            }
        }
    }
    &line[..end.min(line.len())]
}

/// What all folders share.
pub(super) struct Ignores<'a> {
    root: &'a Root,
    settings: &'a Settings,
    objects: &'a Objects,
    /// In the order of their say: the repository's own, then the person's.
    shared: Vec<Patterns>,
}

/// One folder on the way down, with the patterns that hold from here on.
pub(super) struct Level {
    above: Option<Arc<Level>>,
    /// From the root, with a `/` at the end; empty at the root.
    folder: Vec<u8>,
    /// Where its patterns are.
    source: Source,
    patterns: OnceLock<Patterns>,
    is_ignored: OnceLock<bool>,
}

/// Where the patterns of a folder come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It has none.
    None,
    /// A file in it.
    Disk,
    /// A file that a sparse checkout left out.
    Index(git2::Oid),
}

impl<'a> Ignores<'a> {
    pub(super) fn new(root: &'a Root, settings: &'a Settings, objects: &'a Objects) -> Self {
        let shared = [
            Some(&settings.info_exclude),
            settings.excludes_file.as_ref(),
        ]
        .into_iter()
        .flatten()
        .filter_map(|path| {
            let file = files::open_trusted(path).ok()??;
            files::read_limited(file, MAX_FILE_BYTES).ok()?
        })
        .map(|bytes| Patterns::parse(&bytes, settings.ignore_case))
        .collect();
        Self {
            root,
            settings,
            objects,
            shared,
        }
    }

    /// A folder below `above`.
    pub(super) fn level(
        &self,
        above: Option<&Arc<Level>>,
        folder: &[u8],
        source: Source,
    ) -> Arc<Level> {
        Arc::new(Level {
            above: above.cloned(),
            folder: folder.to_vec(),
            source,
            patterns: OnceLock::new(),
            is_ignored: OnceLock::new(),
        })
    }

    /// Whether the entry `path` of the folder `level` is ignored, or lies in an ignored folder.
    pub(super) fn is_ignored(&self, level: &Level, path: &[u8], is_folder: bool) -> bool {
        self.is_folder_ignored(level) || self.verdict(level, path, is_folder)
    }

    /// Nothing below an ignored folder comes back.
    fn is_folder_ignored(&self, level: &Level) -> bool {
        *level.is_ignored.get_or_init(|| {
            let Some(above) = &level.above else {
                return false;
            };
            let path = &level.folder[..level.folder.len() - 1];
            self.is_ignored(above, path, true)
        })
    }

    fn verdict(&self, level: &Level, path: &[u8], is_folder: bool) -> bool {
        let folded;
        let path = if self.settings.ignore_case {
            folded = path.to_ascii_lowercase();
            &folded
        } else {
            path
        };
        let mut next = Some(level);
        while let Some(level) = next {
            let patterns = level.patterns.get_or_init(|| self.load(level));
            let below = &path[level.folder.len()..];
            if let Some(verdict) = patterns.verdict(below, is_folder) {
                return verdict;
            }
            next = level.above.as_deref();
        }
        self.shared
            .iter()
            .find_map(|patterns| patterns.verdict(path, is_folder))
            .unwrap_or(false)
    }

    fn load(&self, level: &Level) -> Patterns {
        let bytes = match level.source {
            Source::None => None,
            Source::Index(id) => self.objects.small_blob(id, MAX_FILE_BYTES),
            Source::Disk => {
                let path = [&level.folder, FILE_NAME].concat();
                match files::look_in(self.root.folder(), &path) {
                    // A link is not followed, and Git does not follow it either.
                    Ok(Entry::File(file, _)) => {
                        files::read_limited(file, MAX_FILE_BYTES).ok().flatten()
                    }
                    _ => None,
                }
            }
        };
        bytes.map_or_else(Patterns::default, |bytes| {
            Patterns::parse(&bytes, self.settings.ignore_case)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_at_the_end_are_cut_unless_escaped() {
        for (line, expected) in [
            ("a  ", "a"),
            ("a\\  ", "a\\ "),
            ("a b ", "a b"),
            ("   ", ""),
            ("a\\", "a\\"),
            ("a\t ", "a\t"),
        ] {
            assert_eq!(
                without_trailing_spaces(line.as_bytes()),
                expected.as_bytes(),
                "{line:?}"
            );
        }
    }
}
