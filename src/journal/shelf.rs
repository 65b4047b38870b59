//! The folder's side of snapshots: which lie beside a journal, which of them serves, and which are kept.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::codec::Codec;
use super::folder::sync_folder;
use super::record::Fold;
use super::scan::Tip;
use super::snapshot::{Restored, SnapshotFault, Unused, read, seal};

/// How many are kept: the newest, and the one before in case that is damaged. More would help only where both are.
const KEPT: usize = 2;

/// The snapshots beside one journal.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    journal: PathBuf,
    /// Seqs of those that are sound, oldest first.
    sound: Vec<u64>,
}

impl Shelf {
    pub(super) fn of(journal: &Path) -> Self {
        Self {
            journal: journal.to_owned(),
            sound: Vec::new(),
        }
    }

    /// The newest sound one that belongs to this journal, and those that were passed over for it.
    pub(super) fn newest<S: Fold>(&mut self, journal: &File) -> (Option<Restored<S>>, Vec<Unused>) {
        let mut unused = Vec::new();
        let Some(codec) = S::SNAPSHOTS else {
            return (None, unused);
        };
        let found = match self.list() {
            Ok(found) => found,
            Err(error) => {
                let path = self.journal.clone();
                let fault = SnapshotFault::Unreadable(error.to_string());
                unused.push(Unused { path, fault });
                return (None, unused);
            }
        };
        for (seq, path) in found.into_iter().rev() {
            match read(&path, &codec, journal) {
                Ok(restored) if restored.tip.last_seq() == seq => {
                    self.sound.push(seq);
                    return (Some(restored), unused);
                }
                Ok(_) => unused.push(Unused {
                    path,
                    fault: SnapshotFault::Damaged,
                }),
                Err(fault) => unused.push(Unused { path, fault }),
            }
        }
        (None, unused)
    }

    /// Writes one, and removes all but it and the sound one before. Returns its size.
    pub(crate) fn write<S: Fold>(
        &mut self,
        codec: &Codec<S>,
        state: &S,
        tip: &Tip,
    ) -> io::Result<u64> {
        let seq = tip.last_seq();
        let part = self.name(&format!("snapshot-{seq}.part"));
        let written = put(&part, |file| seal(codec, state, tip, file)).and_then(|size| {
            fs::rename(&part, self.name(&format!("snapshot-{seq}")))?;
            sync_folder(&self.journal)?;
            Ok(size)
        });
        if written.is_err() {
            // A full disk has more use for the room; if even this fails, the next one removes it.
            let _ = fs::remove_file(&part);
        }
        let size = written?;
        self.sound.retain(|&it| it != seq);
        self.sound.push(seq);
        let excess = self.sound.len().saturating_sub(KEPT);
        self.sound.drain(..excess);
        if let Err(error) = self.tidy() {
            tracing::warn!(%error, "an older snapshot of the journal cannot be removed");
        }
        Ok(size)
    }

    /// Removes what lies here and is not kept: older ones, damaged ones, and what a crash left half-written.
    fn tidy(&self) -> io::Result<()> {
        for (name, path) in self.beside()? {
            let seq = name.parse::<u64>();
            if !seq.is_ok_and(|seq| self.sound.contains(&seq)) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Those that are there, oldest first.
    fn list(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let named = self.beside()?.into_iter();
        let seqs = named.filter_map(|(name, path)| Some((name.parse().ok()?, path)));
        let mut found = Vec::from_iter(seqs);
        found.sort_unstable();
        Ok(found)
    }

    /// What is called like a snapshot of this journal, and the name's end.
    fn beside(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let prefix = self.name("snapshot-");
        let (Some(folder), Some(prefix)) = (prefix.parent(), prefix.file_name()) else {
            return Ok(Vec::new());
        };
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let rest = name.to_str().zip(prefix.to_str());
            if let Some(rest) = rest.and_then(|(name, prefix)| name.strip_prefix(prefix)) {
                found.push((rest.to_owned(), entry.path()));
            }
        }
        Ok(found)
    }

    fn name(&self, suffix: &str) -> PathBuf {
        let mut name = self.journal.as_os_str().to_owned();
        name.push(".");
        name.push(suffix);
        name.into()
    }
}

fn put(path: &Path, write: impl FnOnce(&mut File) -> io::Result<u64>) -> io::Result<u64> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let size = write(&mut file)?;
    file.sync_all()?;
    Ok(size)
}
