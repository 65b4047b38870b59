//! Finds what the command lines of drivers name inside of the repository, without leaving it: links are followed by hand, and
//! only ordinary files are read. It knows words, not what a program makes of them.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;
use crate::domain::powers::{Seal, Seals};
use crate::git::files::{self, Entry};

/// Largest file that is read. Scripts are a hundredth of it; what is larger is a program, and belongs elsewhere.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What all files of all command lines together may hold: it is read again before each start of a program.
const MAX_BYTES: u64 = 16 << 20;

/// As many links the kernel follows on one way.
const MAX_LINKS: usize = 40;

/// The files that each of these command lines names, where it names any.
pub fn read<'a>(
    root: &Path,
    commands: impl Iterator<Item = (&'a String, &'a Vec<String>)>,
) -> BTreeMap<String, Seals> {
    let mut budget = MAX_BYTES;
    let seals = commands.map(|(driver, command)| {
        let mut seals = Seals::new();
        for word in command {
            for path in paths(root, word) {
                let name = path.to_string_lossy().into_owned();
                if !seals.contains_key(&name)
                    && let Some(seal) = seal(root, &path, &mut budget)
                {
                    seals.insert(name, seal);
                }
            }
        }
        (driver.clone(), seals)
    });
    seals.filter(|(_, seals)| !seals.is_empty()).collect()
}

/// Paths below the root that a word may stand for: it itself, and what follows its first `=`.
fn paths(root: &Path, word: &str) -> Vec<PathBuf> {
    let word = word.replace("{repo}", &root.to_string_lossy());
    let value = word.split_once('=').map(|(_, value)| value);
    let candidates = [Some(word.as_str()), value].into_iter().flatten();
    let below = candidates.filter_map(|it| {
        let path = Path::new(it);
        let path = match path.is_absolute() {
            true => path.strip_prefix(root).ok()?,
            false => path,
        };
        // `./x` is `x`; what climbs is found on the way.
        let path: PathBuf = path
            .components()
            .filter(|it| *it != Component::CurDir)
            .collect();
        (!path.as_os_str().is_empty()).then_some(path)
    });
    below.collect()
}

/// What stands at this path; none when that is no file, and no way out of the repository.
fn seal(root: &Path, path: &Path, budget: &mut u64) -> Option<Seal> {
    let mut ahead: VecDeque<PathBuf> = path.components().map(own).collect();
    let mut here = PathBuf::new();
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        match part.components().next()? {
            Component::CurDir => continue,
            Component::ParentDir => {
                if here.pop() {
                    continue;
                }
                // Only a link is a way out that nobody sees in the command line.
                return (links > 0).then(|| outside(PathBuf::from(".."), &ahead));
            }
            Component::Normal(name) => here.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
        match files::look(root, here.as_os_str().as_bytes()) {
            Ok(Entry::Directory) => {}
            Ok(Entry::File(file, size)) if ahead.is_empty() => {
                if size > MAX_FILE_BYTES.min(*budget) {
                    return Some(Seal::Unread);
                }
                *budget -= size;
                let bytes = files::read_limited(file, MAX_FILE_BYTES).ok().flatten();
                let digest = bytes.map(|bytes| Seal::Sha256(hex(&Sha256::digest(bytes))));
                return Some(digest.unwrap_or(Seal::Unread));
            }
            Ok(Entry::Symlink(target)) => {
                links += 1;
                if links > MAX_LINKS {
                    return Some(Seal::Unread);
                }
                here.pop();
                let target = PathBuf::from(std::ffi::OsString::from_vec(target));
                let within = match target.is_absolute() {
                    true => {
                        let Ok(below) = target.strip_prefix(root) else {
                            return Some(outside(target, &ahead));
                        };
                        here.clear();
                        below.to_owned()
                    }
                    false => target,
                };
                for part in within.components().rev() {
                    ahead.push_front(own(part));
                }
            }
            Ok(Entry::File(..) | Entry::Missing | Entry::Special) => return None,
            Err(_) => return Some(Seal::Unread),
        }
    }
    None
}

fn outside(mut path: PathBuf, ahead: &VecDeque<PathBuf>) -> Seal {
    path.extend(ahead);
    Seal::Outside(path.to_string_lossy().into_owned())
}

fn own(part: Component<'_>) -> PathBuf {
    PathBuf::from(part.as_os_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{MAX_FILE_BYTES, Seal, Seals, read};
    use std::fs;
    use std::os::unix::fs::symlink;

    fn seals(root: &std::path::Path, words: &[&str]) -> Seals {
        let command: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        let name = "x".to_owned();
        let mut found = read(root, [(&name, &command)].into_iter());
        found.remove("x").unwrap_or_default()
    }

    #[test]
    fn every_way_to_a_file_of_the_repository_is_found() {
        let ground = tempfile::tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap().join("repo");
        fs::create_dir_all(root.join("tools/deep")).unwrap();
        fs::write(root.join("tools/run.sh"), "a").unwrap();
        fs::write(ground.path().join("outside"), "b").unwrap();
        symlink("deep/../run.sh", root.join("tools/link")).unwrap();
        symlink("tools", root.join("folder")).unwrap();
        symlink(root.join("tools"), root.join("absolute")).unwrap();
        let absolute = root.join("tools/run.sh").display().to_string();
        let a = Seal::Sha256(
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb".to_owned(),
        );
        for word in [
            "tools/run.sh",
            "./tools/./run.sh",
            "{repo}/tools/run.sh",
            "--script=tools/run.sh",
            absolute.as_str(),
            "tools/link",
            "folder/run.sh",
            "absolute/run.sh",
            "tools/deep/../run.sh",
        ] {
            let found = seals(&root, &["sh", word]);
            assert_eq!(found.values().collect::<Vec<_>>(), [&a], "{word}");
        }
        for word in [
            "tools",
            "{prompt_file}",
            "no/such",
            "../outside",
            "/bin/sh",
            "tools/run.sh/x",
            "",
        ] {
            assert_eq!(seals(&root, &[word]), Seals::new(), "{word}");
        }
    }

    #[test]
    fn a_way_out_is_named_and_what_is_not_read_is_said() {
        let ground = tempfile::tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&root).unwrap();
        symlink("/bin/sh", root.join("sh")).unwrap();
        symlink("sh", root.join("again")).unwrap();
        symlink("../elsewhere", root.join("up")).unwrap();
        symlink("round", root.join("round")).unwrap();
        fs::write(root.join("large"), vec![0; MAX_FILE_BYTES as usize + 1]).unwrap();
        let found = seals(&root, &["sh", "again", "up/x", "round", "large"]);
        let outside = |path: &str| Seal::Outside(path.to_owned());
        assert_eq!(found["sh"], outside("/bin/sh"));
        assert_eq!(found["again"], outside("/bin/sh"));
        assert_eq!(found["up/x"], outside("../elsewhere/x"));
        assert_eq!(found["round"], Seal::Unread);
        assert_eq!(found["large"], Seal::Unread);
    }

    #[test]
    fn many_files_are_not_read_without_end() {
        let ground = tempfile::tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap();
        let names: Vec<String> = (0..18).map(|it| format!("f{it}")).collect();
        for name in &names {
            fs::write(root.join(name), vec![0; MAX_FILE_BYTES as usize]).unwrap();
        }
        let words: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = seals(&root, &words);
        let unread = found.values().filter(|it| **it == Seal::Unread);
        assert_eq!((found.len(), unread.count()), (18, 2));
    }
}
