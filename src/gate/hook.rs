//! Our hooks in a repository: installing, removing, looking. An earlier hook of the same name is kept beside ours, byte by
//! byte, and still runs; where another program owns the hooks, nothing is touched and its own line is told instead.
//! `script` owns what our hooks say; `managers` knows the other programs.

mod managers;
mod script;

pub use managers::Manager;
pub use script::{Facts, NAMES, kept_name};

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::git::hooks::{HooksFolder, HooksOwner};
use crate::git::{GitError, Repo};

/// Longest hook that is read. Ours has two kilobytes; of others only the beginning matters.
const MAX_HOOK_BYTES: u64 = 256 << 10;

/// Why hooks are not changed. Display is a whole sentence for the person; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The repository's configuration cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Another program owns the hooks.
    #[error("{manager} owns the hooks here ({}), and would undo what is installed beside it; nothing was changed. {}", folder.display(), manager.advice())]
    Managed {
        /// Which one.
        manager: Manager,
        /// Where its hooks are.
        folder: PathBuf,
    },
    /// The folder serves every repository.
    #[error("core.hooksPath of your own configuration names {}, which serves every repository; nothing was changed. Give this repository hooks of its own (`git config core.hooksPath .git/hooks`) and install again, or add the line `zhongshu gate` to the pre-commit hook there", folder.display())]
    Everybody {
        /// The folder.
        folder: PathBuf,
    },
    /// Ours, changed by hand.
    #[error("{} was made by zhongshu and changed since; nothing was changed. Move it away (or put your lines into {}), then try again", path.display(), kept_name(path).display())]
    Edited {
        /// The hook.
        path: PathBuf,
    },
    /// Two hooks want the same place.
    #[error("{} is kept from an earlier installation and there is a new {}; nothing was changed. Make one of the two, then try again", kept_name(path).display(), path.display())]
    Twice {
        /// The hook.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> HookError {
    let path = path.to_owned();
    move |source| HookError::Io { path, source }
}

/// What stands in one hook's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    /// Nothing.
    Missing,
    /// Our hook, as it was installed.
    Ours {
        /// The program that it starts.
        facts: Facts,
    },
    /// Our hook, changed since.
    Edited,
    /// Somebody else's.
    Foreign,
}

/// One hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its name, as Git knows it.
    pub name: &'static str,
    /// Its file.
    pub path: PathBuf,
    /// What stands there.
    pub state: HookState,
    /// Whether an earlier hook is kept beside it.
    pub keeps_another: bool,
}

/// All hooks of ours in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// Where they are.
    pub folder: HooksFolder,
    /// Another program that owns them.
    pub manager: Option<Manager>,
    /// Each of them.
    pub hooks: Vec<Hook>,
}

impl Hooks {
    /// Looks; changes nothing.
    ///
    /// # Errors
    /// When the configuration or a hook cannot be read.
    pub fn look(repo: &Repo) -> Result<Self, HookError> {
        Self::look_in(repo.hooks_folder()?)
    }

    /// Looks into the folder of the hooks; changes nothing.
    ///
    /// # Errors
    /// When a hook cannot be read.
    pub fn look_in(folder: HooksFolder) -> Result<Self, HookError> {
        let mut manager = managers::of_folder(&folder.path);
        let mut hooks = Vec::with_capacity(NAMES.len());
        for name in NAMES {
            let path = folder.path.join(name);
            let text = read(&path)?;
            manager = manager.or_else(|| text.as_deref().and_then(managers::of_hook));
            hooks.push(Hook {
                name,
                keeps_another: exists(&kept_name(&path))?,
                state: match text {
                    None => HookState::Missing,
                    Some(text) => script::recognise(&text),
                },
                path,
            });
        }
        Ok(Self {
            folder,
            manager,
            hooks,
        })
    }

    /// Whether the gate stands before every commit: the one hook that refuses is ours.
    pub fn guards(&self) -> bool {
        self.hooks
            .iter()
            .any(|hook| hook.name == script::GATE && matches!(hook.state, HookState::Ours { .. }))
    }

    /// Whether the folder lies among the files of the repository.
    pub fn are_files_of(&self, root: &Path) -> bool {
        self.folder.path.starts_with(root) && !self.folder.path.starts_with(root.join(".git"))
    }
}

/// Installs our hooks into this folder, or brings them up to date.
///
/// # Errors
/// When they cannot be installed without harm; then none of them was changed.
pub fn install(folder: HooksFolder, facts: &Facts) -> Result<Hooks, HookError> {
    let before = Hooks::look_in(folder)?;
    if let Some(manager) = before.manager {
        let folder = before.folder.path;
        return Err(HookError::Managed { manager, folder });
    }
    if before.folder.owner == HooksOwner::Everybody {
        let folder = before.folder.path;
        return Err(HookError::Everybody { folder });
    }
    for hook in &before.hooks {
        let path = hook.path.clone();
        match hook.state {
            HookState::Edited => return Err(HookError::Edited { path }),
            HookState::Foreign if hook.keeps_another => return Err(HookError::Twice { path }),
            _ => {}
        }
    }
    let folder = &before.folder.path;
    fs::create_dir_all(folder).map_err(io_error(folder))?;
    for hook in &before.hooks {
        let text = script::text(hook.name, facts);
        if read(&hook.path)?.as_deref() != Some(text.as_bytes()) {
            put(hook, &text)?;
        }
    }
    Hooks::look_in(before.folder)
}

/// Puts one hook in its place; what is there is moved beside it first.
fn put(hook: &Hook, text: &str) -> Result<(), HookError> {
    let path = &hook.path;
    let mut name = path.as_os_str().to_owned();
    name.push(".zhongshu-new");
    let draft = PathBuf::from(name);
    // Left behind by an installation that was cut off.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io_error(&draft)(error)),
        _ => {}
    }
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        // Whatever the umask: Git passes over a hook that cannot be executed.
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        file.sync_all()
    };
    write().map_err(io_error(&draft))?;
    let kept = kept_name(path);
    let moved = hook.state == HookState::Foreign;
    if moved {
        fs::rename(path, &kept).map_err(io_error(path))?;
    }
    if let Err(error) = fs::rename(&draft, path) {
        if moved {
            fs::rename(&kept, path).map_err(io_error(path))?;
        }
        return Err(io_error(path)(error));
    }
    Ok(())
}

/// Takes our hooks away and puts back what was there before. Those of others stay.
///
/// # Errors
/// When one of ours was changed by hand; then none of them was changed.
pub fn remove(folder: HooksFolder) -> Result<Hooks, HookError> {
    let before = Hooks::look_in(folder)?;
    if let Some(edited) = before
        .hooks
        .iter()
        .find(|hook| hook.state == HookState::Edited)
    {
        let path = edited.path.clone();
        return Err(HookError::Edited { path });
    }
    for hook in &before.hooks {
        let path = &hook.path;
        let ours = matches!(hook.state, HookState::Ours { .. });
        let gone = hook.state == HookState::Missing;
        if hook.keeps_another && (ours || gone) {
            fs::rename(kept_name(path), path).map_err(io_error(path))?;
        } else if ours {
            fs::remove_file(path).map_err(io_error(path))?;
        }
    }
    Hooks::look_in(before.folder)
}

fn exists(path: &Path) -> Result<bool, HookError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // `core.hooksPath` names a file.
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(io_error(path)(error)),
    }
}

/// The beginning of a hook; none when there is nothing. A link is followed: it is what Git would run.
fn read(path: &Path) -> Result<Option<Vec<u8>>, HookError> {
    if !exists(path)? {
        return Ok(None);
    }
    let read = || -> io::Result<Vec<u8>> {
        if !fs::metadata(path)?.is_file() {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        File::open(path)?
            .take(MAX_HOOK_BYTES)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        // A link that leads nowhere is something that is there.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(Vec::new())),
        Err(error) => Err(io_error(path)(error)),
    }
}
