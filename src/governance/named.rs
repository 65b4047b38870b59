//! Finds what the command lines of drivers name of that which agents can write: in the repository, and in the folders that
//! Codex's sandbox leaves open besides. Only ordinary files are read. It knows words, not what a program makes of them.

mod ground;
mod ways;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

pub use self::ground::{Ground, Values, fill};
use self::ways::{End, walk};
use crate::domain::hex::hex;
use crate::domain::powers::{Seal, Seals};
use crate::git::files;

/// Largest file that is read. Scripts are a hundredth of it; what is larger is a program, and belongs elsewhere.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What all files of all command lines together may hold: it is read again before each start of a program.
const MAX_BYTES: u64 = 16 << 20;

/// The files that each of these command lines names, where it names any.
pub fn read<'a>(
    ground: &Ground,
    commands: impl Iterator<Item = (&'a String, &'a Vec<String>)>,
) -> BTreeMap<String, Seals> {
    let mut budget = MAX_BYTES;
    let seals = commands.map(|(driver, command)| {
        let mut seals = Seals::new();
        for end in ends(ground, command) {
            seal(ground, end, &mut seals, &mut budget);
        }
        (driver.clone(), seals)
    });
    seals.filter(|(_, seals)| !seals.is_empty()).collect()
}

/// How one thing that a command line names looks from outside: it is read again when this changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    path: PathBuf,
    leads_to: Option<PathBuf>,
    file: Option<(u64, Option<SystemTime>)>,
}

/// Looks where these command lines lead, without reading anything.
pub fn glance<'a>(ground: &Ground, commands: impl Iterator<Item = &'a Vec<String>>) -> Vec<Glance> {
    let ends = commands.flat_map(|command| ends(ground, command));
    let glances = ends.filter_map(|end| {
        let (path, leads_to, file) = match end {
            End::File(path, file, size) => {
                let changed_at = file.metadata().and_then(|it| it.modified());
                (path, None, Some((size, changed_at.ok())))
            }
            End::Out(link, target) => (link, Some(target), None),
            End::Unclear(path) => (path, None, None),
            End::Nowhere => return None,
        };
        Some(Glance {
            path,
            leads_to,
            file,
        })
    });
    glances.collect()
}

/// Where the words of a command line lead: each word itself, what follows its first `=`, and the program that `PATH` has for the first.
fn ends<'a>(ground: &'a Ground, command: &'a [String]) -> impl Iterator<Item = End> + 'a {
    let program = command
        .first()
        .and_then(|word| ground.program(&ground.fill(word)));
    let words = command.iter().flat_map(|word| {
        let word = ground.fill(word);
        let value = word.split_once('=').map(|(_, value)| PathBuf::from(value));
        [Some(PathBuf::from(word)), value].into_iter().flatten()
    });
    program
        .into_iter()
        .chain(words)
        .map(|path| walk(ground, &path))
}

fn seal(ground: &Ground, end: End, seals: &mut Seals, budget: &mut u64) {
    let (name, file) = match end {
        End::File(path, file, size) => (ground.name(&path), Some((file, size))),
        End::Out(link, target) => {
            let target = target.to_string_lossy().into_owned();
            seals.insert(ground.name(&link), Seal::Outside(target));
            return;
        }
        End::Unclear(path) => (ground.name(&path), None),
        End::Nowhere => return,
    };
    if seals.contains_key(&name) {
        return;
    }
    let readable = file.filter(|(_, size)| *size <= MAX_FILE_BYTES.min(*budget));
    let digest = readable.and_then(|(file, size)| {
        *budget -= size;
        let bytes = files::read_limited(file, MAX_FILE_BYTES).ok().flatten()?;
        Some(Seal::Sha256(hex(&Sha256::digest(bytes))))
    });
    seals.insert(name, digest.unwrap_or(Seal::Unread));
}

#[cfg(test)]
mod tests;
