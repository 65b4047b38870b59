//! Finds extensions: folders in `agents/` of the repository and in the folders that a person named, one level deep. Agents can write there,
//! so no link is followed, nothing but the user's own ordinary files is read, and there is an end to everything.

use crate::domain::harness::extension::content::{
    Digest, File, Files, LEFT_OUT, MAX_BYTES, MAX_DEPTH, MAX_FILES,
};
use crate::domain::harness::extension::fault::{Code, Fault};
use crate::domain::harness::extension::manifest::{self, Manifest};
use crate::domain::sentence::{Sentence, say};
use local_os::own_file;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The repository's own folder.
pub const FOLDER: &str = "agents";
/// The most extensions. Each is a process.
pub const MAX_EXTENSIONS: usize = 64;
/// The most entries that are looked at in one folder.
const MAX_ENTRIES: usize = 1024;

/// Where an extension comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The repository.
    Repository,
    /// A folder that a person named.
    Folder,
}

impl Origin {
    /// Its name in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Folder => "folder",
        }
    }
}

/// A folder with a manifest in it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name.
    pub module: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Where it is.
    pub path: PathBuf,
    /// What is in it, or why nobody looks further.
    pub content: Result<Content, Fault>,
}

/// What is in the folder of an extension.
#[derive(Debug, Clone)]
pub struct Content {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its files.
    pub files: Files,
    /// Those as one name.
    pub digest: Digest,
}

/// All of them: the repository's own first, then by folder, each by name. Reads files.
///
/// # Errors
/// When there are more than anybody wants.
pub fn find(repo: &Path, folders: &[PathBuf]) -> Result<Vec<Found>, Sentence> {
    let own = repo.join(FOLDER);
    let others = folders.iter().map(|it| (it.clone(), Origin::Folder));
    let mut all = Vec::new();
    for (folder, origin) in std::iter::once((own, Origin::Repository)).chain(others) {
        all.extend(within(&folder, origin)?);
        if all.len() > MAX_EXTENSIONS {
            let most = MAX_EXTENSIONS;
            return Err(say!("reason.extension.too_many", most));
        }
    }
    Ok(all)
}

/// The one in this folder, wherever that lies. Reads files.
///
/// # Errors
/// When it is not as it has to be.
pub fn one(folder: &Path) -> Result<Content, Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let unreadable = |error: Errno| {
        let path = folder.display();
        invalid(say!("reason.extension.folder_unreadable", path, error))
    };
    let name = folder.file_name().and_then(|it| it.to_str());
    let (Some(parent), Some(name)) = (folder.parent(), name) else {
        return Err(invalid(say!("reason.extension.odd_name")));
    };
    let parent = rustix::fs::open(parent, flags, Mode::empty()).map_err(unreadable)?;
    let own = rustix::fs::openat(&parent, name, flags, Mode::empty()).map_err(unreadable)?;
    read(&parent, name, &own)
}

/// Those of one folder; one that is not there has none.
fn within(folder: &Path, origin: Origin) -> Result<Vec<Found>, Sentence> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = match rustix::fs::open(folder, flags, Mode::empty()) {
        Ok(open) => open,
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(error) => {
            let path = folder.display();
            return Err(say!("reason.extension.folder_unreadable", path, error));
        }
    };
    let names = names(&open).map_err(|reason| {
        let path = folder.display();
        say!("reason.extension.folder_refused", path, reason => reason)
    })?;
    let mut found = Vec::new();
    for name in names {
        // What is no folder, or has no manifest, is none of ours; a link may be meant as one, and is told.
        let is_link = matches!(look(&open, &name), Ok((FileType::Symlink, _)));
        let path = folder.join(&name);
        let content = match rustix::fs::openat(&open, &name, flags, Mode::empty()) {
            Err(_) if is_link && path.join(manifest::FILE).exists() => {
                Err(invalid(say!("reason.extension.link", path = name)))
            }
            Err(_) => continue,
            Ok(own) if look(&own, manifest::FILE).is_err() => continue,
            Ok(own) => read(&open, &name, &own),
        };
        found.push(Found {
            module: name,
            origin,
            path,
            content,
        });
    }
    Ok(found)
}

fn read(parent: &OwnedFd, name: &str, folder: &OwnedFd) -> Result<Content, Fault> {
    let (_, stat) = look(parent, name).map_err(invalid)?;
    check_owner(&stat, name).map_err(invalid)?;
    let mut reading = Reading::default();
    reading.folder(folder, "", 0).map_err(invalid)?;
    Ok(Content {
        manifest: Manifest::read(&reading.files)?,
        digest: Digest::of(&reading.files),
        files: reading.files,
    })
}

fn invalid(message: Sentence) -> Fault {
    Fault::new(Code::InvalidManifest, message)
}

fn unreadable(path: &str, error: impl std::fmt::Display) -> Sentence {
    say!("reason.extension.file_unreadable", path, error)
}

fn look(folder: &OwnedFd, name: &str) -> Result<(FileType, Stat), Sentence> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| unreadable(name, error))?;
    Ok((FileType::from_raw_mode(stat.st_mode), stat))
}

fn check_owner(stat: &Stat, path: &str) -> Result<(), Sentence> {
    match stat.st_uid == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(say!("reason.extension.foreign_owner", path)),
    }
}

/// The names in a folder, sorted.
fn names(folder: &OwnedFd) -> Result<Vec<String>, Sentence> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder).map_err(|error| unreadable(".", error))? {
        let entry = entry.map_err(|error| unreadable(".", error))?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let Ok(name) = std::str::from_utf8(name) else {
            return Err(say!("reason.extension.odd_name"));
        };
        names.push(name.to_owned());
        if names.len() > MAX_ENTRIES.max(MAX_FILES) {
            return Err(say!("reason.extension.too_many_files", most = MAX_FILES));
        }
    }
    names.sort();
    Ok(names)
}

/// What was read of one extension so far.
#[derive(Default)]
struct Reading {
    files: Files,
    bytes: usize,
}

impl Reading {
    fn folder(&mut self, folder: &OwnedFd, prefix: &str, depth: usize) -> Result<(), Sentence> {
        if depth > MAX_DEPTH {
            return Err(say!("reason.extension.too_deep", most = MAX_DEPTH));
        }
        for name in names(folder)? {
            let path = format!("{prefix}{name}");
            let (kind, stat) = look(folder, &name)?;
            check_owner(&stat, &path)?;
            match kind {
                FileType::Directory if name == LEFT_OUT => {}
                FileType::Directory => {
                    let flags =
                        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let inner = rustix::fs::openat(folder, &name, flags, Mode::empty())
                        .map_err(|error| unreadable(&path, error))?;
                    self.folder(&inner, &format!("{path}/"), depth + 1)?;
                }
                FileType::RegularFile => self.file(folder, &name, path, &stat)?,
                FileType::Symlink => return Err(say!("reason.extension.link", path)),
                _ => return Err(say!("reason.extension.no_file", path)),
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        folder: &OwnedFd,
        name: &str,
        path: String,
        stat: &Stat,
    ) -> Result<(), Sentence> {
        let file = own_file::open_own(folder, Path::new(name), OFlags::RDONLY)
            .map_err(|error| unreadable(&path, error))?;
        let left = MAX_BYTES - self.bytes;
        let mut bytes = Vec::new();
        file.take(left as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&path, error))?;
        if bytes.len() > left {
            return Err(say!("reason.extension.too_large", mib = MAX_BYTES >> 20));
        }
        self.bytes += bytes.len();
        let is_executable = Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR);
        let file = File {
            is_executable,
            bytes,
        };
        self.files.insert(path, file);
        match self.files.len() > MAX_FILES {
            true => Err(say!("reason.extension.too_many_files", most = MAX_FILES)),
            false => Ok(()),
        }
    }
}
