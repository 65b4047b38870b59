//! Making a damaged journal writable again: what is sound stays, and the damaged file is kept whole beside it.
//!
//! Decides nothing: it says what can be done, and does what somebody has chosen. The file changes in one step, so a crash leaves the old
//! or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::folder::{free_name, sync_folder};
use super::line::LineFault;
use super::open::{OpenError, open_locked};
use super::scan::{self, Ending, Tip, Walked};
use super::verify::{Bad, CopyVerdict, compare};

/// What is wrong with a journal, and what there is to mend it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first bad line.
    pub bad: Bad,
    /// How many bytes stand from there on.
    pub bytes: u64,
    /// How many lines those are.
    pub lines: u64,
    /// How many records the copy has, when each of its lines is sound and those before the bad one are the same.
    pub copy_records: Option<u64>,
}

/// What takes the place of a damaged journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// The lines before the first bad one.
    Cut,
    /// The copy.
    Copy,
}

/// A journal that nobody else writes while this is held.
#[derive(Debug)]
pub struct Repair {
    journal: PathBuf,
    copy: Option<PathBuf>,
    file: File,
    end: Tip,
    /// What is wrong; `None` when nothing is.
    pub damage: Option<Damage>,
}

impl Repair {
    /// Looks at a journal and at its copy.
    ///
    /// # Errors
    /// When a server writes it, a newer version wrote it, or it cannot be read.
    pub fn look(journal: &Path, copy: Option<&Path>) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io {
            action: "read",
            path: journal.to_owned(),
            source,
        };
        let file = open_locked(journal)?;
        let Walked { tip, ending } = scan::walk(&file, |_| Ok(())).map_err(failed)?;
        let mut repair = Self {
            journal: journal.to_owned(),
            copy: copy.map(Path::to_owned),
            file,
            end: tip,
            damage: None,
        };
        match ending {
            // The next start puts an unfinished end aside by itself.
            Ending::Clean | Ending::Torn => {}
            Ending::Corrupt(LineFault::Format { found }) => {
                let path = journal.to_owned();
                return Err(OpenError::Format { path, found });
            }
            Ending::Corrupt(fault) => {
                let (bytes, lines) = repair.rest().map_err(failed)?;
                repair.damage = Some(Damage {
                    bad: Bad {
                        line: tip.next_seq + 1,
                        offset: tip.offset,
                        fault,
                    },
                    bytes,
                    lines,
                    copy_records: copy.and_then(|copy| repair.records_of(copy)),
                });
            }
        }
        Ok(repair)
    }

    /// Bytes and lines behind the last good one.
    fn rest(&self) -> io::Result<(u64, u64)> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.end.offset))?;
        let (mut bytes, mut lines) = (0, 0);
        let mut reader = BufReader::new(file);
        let mut buffer = [0; 64 * 1024];
        loop {
            let read = match reader.read(&mut buffer)? {
                0 => return Ok((bytes, lines)),
                read => &buffer[..read],
            };
            bytes += read.len() as u64;
            lines += read.iter().filter(|&&byte| byte == b'\n').count() as u64;
        }
    }

    /// Records of a file, if it can stand for the journal: it has the same good lines and goes on from them.
    fn records_of(&self, other: &Path) -> Option<u64> {
        let CopyVerdict::Differs { line } = compare(&self.journal, other).ok()? else {
            return None;
        };
        let Walked { tip, ending } = scan::walk(open_copy(other).ok()?, |_| Ok(())).ok()?;
        let is_sound = matches!(ending, Ending::Clean) && tip.next_seq > self.end.next_seq;
        (is_sound && line > self.end.next_seq).then_some(tip.last_seq())
    }

    /// Puts what is sound in the place of the journal; where the damaged file is then.
    ///
    /// # Errors
    /// When nothing is damaged, when the copy was chosen and cannot stand for it, or a file cannot be written. The journal is as it was.
    pub fn mend(self, how: Mend) -> io::Result<PathBuf> {
        let damage = self.damage.as_ref();
        let damage = damage.ok_or_else(|| io::Error::other("nothing is damaged"))?;
        let new = with_suffix(&self.journal, ".repaired");
        // Left behind by a crash in the middle of this, if it is there.
        remove_if_there(&new)?;
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        match (how, &self.copy, damage.copy_records) {
            (Mend::Copy, Some(copy), Some(records)) => {
                io::copy(&mut open_copy(copy)?, &mut out)?;
                // Agents can write it: what counts is what was taken, not what was looked at.
                if self.records_of(&new) != Some(records) {
                    fs::remove_file(&new)?;
                    return Err(io::Error::other("the copy is another one by now"));
                }
            }
            (Mend::Copy, ..) => return Err(io::Error::other("the copy is not sound")),
            (Mend::Cut, ..) => {
                let mut file = &self.file;
                file.seek(SeekFrom::Start(0))?;
                io::copy(&mut file.take(self.end.offset), &mut out)?;
            }
        }
        out.flush()?;
        out.sync_all()?;
        let kept = free_name(&self.journal, "damaged")?;
        fs::hard_link(&self.journal, &kept)?;
        fs::rename(&new, &self.journal)?;
        sync_folder(&self.journal)?;
        Ok(kept)
    }
}

fn open_copy(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
