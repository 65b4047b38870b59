//! What a comparison of the working tree depends on beside the tree itself: the index, HEAD and what it follows, the
//! configuration, and the files with patterns and attributes that lie elsewhere. Two of them that are equal mean that nothing
//! but the tree can have made a difference.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::Config;
use sha2::{Digest, Sha256};

use super::files;
use super::head::Leads;
use super::settings::Settings;
use super::tree::IndexStamp;
use super::{GitError, Repo, attributes, ignores};

/// Largest list of the commits at which a shallow clone ends; there is one for each branch or so.
const MAX_SHALLOW_BYTES: u64 = 1 << 20;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Device and inode of the top folder: another one may stand at its path.
    folder: (u64, u64),
    head: Leads,
    index: IndexStamp,
    /// Over every setting of the system, the person and the repository.
    settings: [u8; 32],
    /// Over the files that lie elsewhere, as far as they are there.
    files: Vec<Option<[u8; 32]>>,
}

impl Repo {
    /// Reads them.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn surroundings(&self) -> Result<Surroundings, GitError> {
        let index = self.index_stamp();
        let folder = self.root.folder().try_clone().map(File::from);
        let folder = folder.and_then(|folder| folder.metadata());
        let folder = folder.map_err(|error| GitError::Library {
            action: "looking at its folder",
            message: error.to_string(),
        })?;
        let config = self.configuration()?;
        let settings = Settings::read(&config, self.inner.commondir());
        let patterns = [
            Some(&settings.info_exclude),
            settings.excludes_file.as_ref(),
        ];
        let rules = [
            Some(&settings.info_attributes),
            settings.attributes_file.as_ref(),
        ];
        let system = Path::new(attributes::SYSTEM_FILE);
        // How far branches are apart can be counted when commits come that were missing.
        let shallow = self.inner.commondir().join("shallow");
        let patterns = patterns.map(|path| Some((path?.as_path(), ignores::MAX_FILE_BYTES)));
        let rules = rules.map(|path| Some((path?.as_path(), attributes::MAX_FILE_BYTES)));
        let files = patterns
            .into_iter()
            .chain(rules)
            .chain([Some((system, attributes::MAX_FILE_BYTES))])
            .chain([Some((shallow.as_path(), MAX_SHALLOW_BYTES))])
            .map(|file| file.and_then(|(path, limit)| hash_of(path, limit)))
            .collect();
        Ok(Surroundings {
            folder: (folder.dev(), folder.ino()),
            head: self.leads()?,
            index,
            settings: hash_of_settings(&config)?,
            files,
        })
    }
}

fn hash_of_settings(config: &Config) -> Result<[u8; 32], GitError> {
    let failed = |error| GitError::from_library("reading the configuration", &error);
    let mut hasher = Sha256::new();
    let mut entries = config.entries(None).map_err(failed)?;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(failed)?;
        // A key that stands alone has no value, which is not the same as an empty one.
        let value = entry.has_value().then(|| entry.value_bytes());
        hasher.update([u8::from(value.is_some())]);
        for bytes in [entry.name_bytes(), value.unwrap_or_default()] {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
    }
    Ok(hasher.finalize().into())
}

/// Names the content of a file; none when there is none, or when it is too large to be used.
fn hash_of(path: &Path, limit: u64) -> Option<[u8; 32]> {
    let file = files::open_trusted(path).ok()??;
    let bytes = files::read_limited(file, limit).ok()??;
    Some(Sha256::digest(&bytes).into())
}
