//! The files of an extension, and the one name that stands for all of them: a person trusts that, and nothing that is otherwise.

use crate::domain::hex::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// The most files. Libraries that come along fit; a hundred times as many would be a tree that somebody dropped there by mistake.
pub const MAX_FILES: usize = 2000;
/// The most bytes of all files. They are held in memory while an extension is loaded.
pub const MAX_BYTES: usize = 32 << 20;
/// The most folders in folders.
pub const MAX_DEPTH: usize = 16;

/// A folder that programs write while they run and that nobody wrote: it is neither named nor taken along.
pub const LEFT_OUT: &str = "__pycache__";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Whether its owner may run it.
    pub is_executable: bool,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// All of them by their paths below the folder, with `/` between the parts.
pub type Files = BTreeMap<String, File>;

/// What of a file is shown to whoever is asked to trust it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFact {
    /// Its path below the folder.
    pub path: String,
    /// How large it is.
    pub bytes: u64,
    /// Whether its owner may run it.
    pub is_executable: bool,
}

impl FileFact {
    /// Of each file, in the order of their paths.
    pub fn all(files: &Files) -> Vec<Self> {
        let fact = |(path, file): (&String, &File)| Self {
            path: path.clone(),
            bytes: file.bytes.len() as u64,
            is_executable: file.is_executable,
        };
        files.iter().map(fact).collect()
    }
}

/// SHA-256 over the path, mode and content of each file, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl Digest {
    /// The one of these files. Lengths stand before what they count, so that no two contents read the same.
    pub fn of(files: &Files) -> Self {
        let mut all = Sha256::new();
        for (path, file) in files {
            all.update((path.len() as u64).to_be_bytes());
            all.update(path.as_bytes());
            all.update([u8::from(file.is_executable)]);
            all.update((file.bytes.len() as u64).to_be_bytes());
            all.update(&file.bytes);
        }
        Self(hex(&all.finalize()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, bool, &str)]) -> Files {
        let file = |(path, is_executable, text): &(&str, bool, &str)| {
            let file = File {
                is_executable: *is_executable,
                bytes: text.as_bytes().to_vec(),
            };
            ((*path).to_owned(), file)
        };
        all.iter().map(file).collect()
    }

    #[test]
    fn whatever_differs_has_another_name() {
        let all = [
            files(&[]),
            files(&[("a", false, "bc")]),
            files(&[("a", true, "bc")]),
            files(&[("ab", false, "c")]),
            files(&[("a", false, "b"), ("c", false, "")]),
            files(&[("a", false, "bd")]),
        ];
        let names: std::collections::BTreeSet<_> = all.iter().map(Digest::of).collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(Digest::of(&all[1]), Digest::of(&all[1].clone()));
        assert_eq!(Digest::of(&all[0]).0.len(), 64);
    }
}
