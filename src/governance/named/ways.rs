//! The way from a word to where it ends, walked as the kernel would: component by component, links followed by hand, with the
//! folders of a process under `/proc` as the started program will have them.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use super::Ground;
use crate::git::files::{self, Entry};

/// As many links the kernel follows on one way.
const MAX_LINKS: usize = 40;

/// Components of one way, with those of its links: as many as the longest path can have.
const MAX_STEPS: usize = 2048;

/// Longer paths the kernel refuses.
const MAX_PATH_BYTES: usize = 4096;

/// Where a way ends, as far as agents have a say in it.
#[derive(Debug)]
pub enum End {
    /// An ordinary file that agents could write: its path, opened, with its size.
    File(PathBuf, File, u64),
    /// Outside, by a link that agents could write: the last such link, and what it says.
    Out(PathBuf, PathBuf),
    /// Nobody can say what a program would read there.
    Unclear(PathBuf),
    /// Nowhere, in a folder, or where no agent has a say.
    Nowhere,
}

/// What stands at one step.
enum Step {
    Folder,
    File(File, u64),
    Link(PathBuf),
    Special,
    Unclear,
    Nothing,
}

/// Walks to this path from the repository's root.
pub fn walk(ground: &Ground, path: &Path) -> End {
    let start = ground.root().join(path);
    if start.as_os_str().len() > MAX_PATH_BYTES {
        return End::Nowhere;
    }
    let mut ahead: VecDeque<OsString> = start.components().map(own).collect();
    let mut here = PathBuf::new();
    let (mut links, mut steps) = (0, 0);
    // How it left last what agents can write: by a link there.
    let mut left = None;
    while let Some(part) = ahead.pop_front() {
        steps += 1;
        match Path::new(&part).components().next() {
            Some(Component::RootDir) => {
                here = PathBuf::from("/");
                continue;
            }
            Some(Component::ParentDir) => {
                here.pop();
                continue;
            }
            Some(Component::Normal(name)) => here.push(name),
            _ => continue,
        }
        match step(ground, &here) {
            Step::Folder => {}
            Step::Link(target) => {
                links += 1;
                if links > MAX_LINKS || steps > MAX_STEPS {
                    return End::Unclear(here);
                }
                if ground.is_open(&here) {
                    left = Some((here.clone(), target.clone()));
                }
                here.pop();
                for part in target.components().rev() {
                    ahead.push_front(own(part));
                }
            }
            Step::File(file, size) if ahead.is_empty() => return End::File(here, file, size),
            Step::Special if ahead.is_empty() => return End::Unclear(here),
            Step::Unclear => return End::Unclear(here),
            Step::File(..) | Step::Special | Step::Nothing => break,
        }
    }
    match left {
        Some((link, target)) if !ground.holds(&here) => End::Out(link, target),
        _ => End::Nowhere,
    }
}

fn step(ground: &Ground, here: &Path) -> Step {
    if let Some(step) = of_process(ground, here) {
        return step;
    }
    if ground.is_apart(here) {
        return match ground.will_be(here) {
            true => Step::Folder,
            false => Step::Nothing,
        };
    }
    if let Some((folder, below)) = ground.place(here) {
        return match files::look(folder, below.as_os_str().as_bytes()) {
            Ok(Entry::Directory) => Step::Folder,
            Ok(Entry::File(file, size)) => Step::File(file, size),
            Ok(Entry::Symlink(target)) => Step::Link(PathBuf::from(OsString::from_vec(target))),
            Ok(Entry::Special) => Step::Special,
            Ok(Entry::Missing) if ground.will_be(here) => Step::Folder,
            Ok(Entry::Missing) => Step::Nothing,
            Err(_) => Step::Unclear,
        };
    }
    // What the person cannot reach, the program cannot reach either.
    match std::fs::symlink_metadata(here) {
        Ok(found) if found.is_dir() => Step::Folder,
        Ok(found) if found.is_symlink() => {
            std::fs::read_link(here).map_or(Step::Nothing, Step::Link)
        }
        _ => Step::Nothing,
    }
}

/// What `/proc` says depends on who asks; the program is not there yet, but where it starts is known.
fn of_process(ground: &Ground, here: &Path) -> Option<Step> {
    let mut parts = here.strip_prefix("/proc").ok()?.components();
    let who = parts.next()?.as_os_str().to_str()?;
    let itself = matches!(who, "self" | "thread-self");
    if !itself && !who.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match (itself, parts.as_path().to_str()) {
        (_, Some("")) | (true, Some("fd")) => Step::Folder,
        (true, Some("cwd")) => Step::Link(ground.root().to_owned()),
        (true, Some("root")) => Step::Link(PathBuf::from("/")),
        // Its terminal.
        (true, Some("fd/0" | "fd/1" | "fd/2")) => Step::Nothing,
        _ => Step::Unclear,
    })
}

fn own(part: Component<'_>) -> OsString {
    part.as_os_str().to_owned()
}
