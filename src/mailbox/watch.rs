//! Hints that something happened in an `incoming/` folder.
//!
//! The kernel may lose events, and a folder may be replaced under a watch. So nothing here is a source of truth: every
//! hint only says "look soon", and the regular scan finds what no hint spoke of.

use crate::domain::ids::SessionId;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Names that are remembered as moved in. Beyond that they wait the short moment that any file waits.
const MAX_ARRIVED: usize = 20_000;

/// What the kernel told since the last look.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Planners in whose folder something happened.
    pub planners: BTreeSet<SessionId>,
    /// Files that were moved in, and are whole for that reason.
    pub arrived: HashSet<(SessionId, OsString)>,
    /// Events were lost, or a folder went away.
    pub everything: bool,
}

#[derive(Default)]
struct Shared {
    hints: Mutex<Hints>,
    wake: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Hints> {
        // Hints stay usable whatever happened to the thread that held them.
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_event(&self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                tracing::debug!(%error, "watching a mailbox");
                self.lock().everything = true;
                self.wake.notify_one();
                return;
            }
        };
        let mut hints = self.lock();
        if event.need_rescan() {
            hints.everything = true;
        }
        let arrived = match event.kind {
            EventKind::Create(_)
            | EventKind::Modify(
                // macOS does not say whether a file was moved in or out.
                ModifyKind::Data(_) | ModifyKind::Any | ModifyKind::Name(RenameMode::Any),
            )
            | EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => true,
            // Our own moves end up here too; a folder that is gone itself is found by its name.
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                hints.everything |= event.paths.iter().any(|path| path.ends_with("incoming"));
                let wake = hints.everything;
                drop(hints);
                if wake {
                    self.wake.notify_one();
                }
                return;
            }
            _ if hints.everything => false,
            _ => return,
        };
        for path in &event.paths {
            let Some((planner, name)) = place(path) else {
                continue;
            };
            if name.as_encoded_bytes().ends_with(b".tmp") {
                continue;
            }
            if arrived && hints.arrived.len() < MAX_ARRIVED {
                hints.arrived.insert((planner.clone(), name.to_owned()));
            }
            hints.planners.insert(planner);
        }
        drop(hints);
        self.wake.notify_one();
    }
}

/// `…/<planner>/incoming/<name>`
fn place(path: &Path) -> Option<(SessionId, &OsStr)> {
    let planner = path.parent()?.parent()?.file_name()?.to_str()?;
    Some((SessionId::parse(planner).ok()?, path.file_name()?))
}

/// What was hinted at, wherever it is waited for.
pub(super) struct Heard(Arc<Shared>);

impl Heard {
    /// Waits until there is a hint. Cancel-safe.
    pub(super) async fn hint(&self) {
        self.0.wake.notified().await;
    }

    /// What was hinted at until now.
    pub(super) fn take(&self) -> Hints {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Watches the `incoming/` folders, as far as the system lets us.
pub(super) struct Watch {
    shared: Arc<Shared>,
    watcher: Option<RecommendedWatcher>,
    /// Which folder is watched, by device and inode: a replaced one needs a new watch.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    complained: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared::default());
        let handler = Arc::clone(&shared);
        let watcher = notify::recommended_watcher(move |event| handler.take_event(event));
        let mut watch = Self {
            shared,
            watcher: None,
            watched: BTreeMap::new(),
            complained: false,
        };
        match watcher {
            Ok(watcher) => watch.watcher = Some(watcher),
            Err(error) => watch.complain(&error),
        }
        watch
    }

    /// What the kernel says, for whoever waits for it elsewhere.
    pub(super) fn heard(&self) -> Heard {
        Heard(Arc::clone(&self.shared))
    }

    /// Watches this folder, again if it is another one than before. True when the watch is new.
    pub(super) fn follow(&mut self, incoming: &Path) -> bool {
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        let Ok(metadata) = std::fs::symlink_metadata(incoming) else {
            return false;
        };
        let identity = (metadata.dev(), metadata.ino());
        if !metadata.is_dir() || self.watched.get(incoming) == Some(&identity) {
            return false;
        }
        if self.watched.remove(incoming).is_some() {
            // Fails when the kernel has dropped the watch together with the old folder.
            let _ = watcher.unwatch(incoming);
        }
        match watcher.watch(incoming, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(incoming.to_owned(), identity);
                true
            }
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    /// Watches no other folders than these any more.
    pub(super) fn keep(&mut self, folders: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        self.watched.retain(|folder, _| {
            let stays = folders.contains(folder);
            if !stays {
                // Fails when the kernel has dropped the watch together with the folder.
                let _ = watcher.unwatch(folder);
            }
            stays
        });
    }

    fn complain(&mut self, error: &notify::Error) {
        if !self.complained {
            self.complained = true;
            tracing::warn!(%error, "mailboxes cannot be watched; they are looked at every few seconds instead");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use notify::event::{Flag, RemoveKind};

    fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.into()))
    }

    fn hints(events: impl IntoIterator<Item = notify::Result<Event>>) -> Hints {
        let shared = Shared::default();
        events
            .into_iter()
            .for_each(|event| shared.take_event(event));
        std::mem::take(&mut *shared.lock())
    }

    #[test]
    fn lost_events_and_lost_folders_ask_for_everything() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(hints([Ok(overflow)]).everything);
        let gone = event(
            EventKind::Remove(RemoveKind::Folder),
            "/m/zhongshu-1/incoming",
        );
        assert!(hints([gone]).everything);
        assert!(hints([Err(notify::Error::generic("broken"))]).everything);
    }

    #[test]
    fn only_what_is_moved_in_is_whole_at_once() {
        let to = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let moved = event(to, "/m/zhongshu-1/incoming/a.json");
        let written = event(
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            "/m/zhongshu-2/incoming/b.json",
        );
        let draft = event(to, "/m/zhongshu-3/incoming/.c.json.tmp");
        let ours = event(
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
            "/m/zhongshu-4/incoming/d.json",
        );
        let read = event(
            EventKind::Access(AccessKind::Close(AccessMode::Read)),
            "/m/zhongshu-5/incoming/e.json",
        );
        let somewhere = event(
            EventKind::Modify(ModifyKind::Name(RenameMode::Any)),
            "/m/zhongshu-6/incoming/f.json",
        );
        let hints = hints([moved, written, draft, ours, read, somewhere]);
        let planners: Vec<&str> = hints.planners.iter().map(SessionId::as_str).collect();
        assert_eq!(planners, ["zhongshu-1", "zhongshu-2", "zhongshu-6"]);
        let arrived: Vec<_> = hints.arrived.into_iter().collect();
        let planner = SessionId::parse("zhongshu-1").unwrap();
        assert_eq!(arrived, [(planner, OsString::from("a.json"))]);
        assert!(!hints.everything);
    }
}
