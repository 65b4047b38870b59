//! Where programs start, and which folders agents can write to.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, access};

use crate::paths::{Environment, Places};

/// What the placeholders of a command line stand for, by name.
pub type Values = BTreeMap<&'static str, String>;

/// Replaces `{name}` by its value; an unknown name stays as it is written.
pub fn fill(part: &str, values: &Values) -> String {
    values.iter().fold(part.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// Where a program starts, and what agents in Codex's sandbox can write there.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Real paths: the repository, then the folders that the sandbox leaves open besides.
    open: Vec<PathBuf>,
    path: Option<OsString>,
    values: Values,
    /// Folders that the launcher makes before it starts a program.
    to_be: Vec<PathBuf>,
    /// What no agent's file is taken for, whatever lies there: what the launcher writes itself, and a session that will never be.
    apart: Vec<PathBuf>,
    /// The program that runs here, as in the demo. Outside of the repository, who could change it has the next launcher in any case.
    ourselves: Option<PathBuf>,
}

/// Stands for a session where none is known.
const NOBODY: &str = "nobody";

impl Ground {
    /// For command lines of which no session is known yet: placeholders stand for those of a session that will never be.
    pub fn of(places: &Places, environment: &Environment) -> Self {
        let mailbox = places.mailboxes().join(NOBODY);
        let (incoming, prompt) = (mailbox.join("incoming"), places.prompts().join(NOBODY));
        let values = Values::from([
            ("prompt_file", prompt.display().to_string()),
            ("session_id", NOBODY.to_owned()),
            ("repo", places.repo.display().to_string()),
            ("mailbox", incoming.display().to_string()),
        ]);
        let above = [places.scratch(), places.mailboxes(), places.prompts()];
        let to_be = [mailbox.clone(), incoming].into_iter().chain(above);
        let given = environment.get("TMPDIR").map(PathBuf::from);
        let open = [Some(PathBuf::from("/tmp")), given].into_iter().flatten();
        let open = open.filter(|it| it.is_absolute());
        let open = open.filter_map(|folder| folder.canonicalize().ok());
        Self {
            open: std::iter::once(places.repo.clone()).chain(open).collect(),
            path: environment.get("PATH").map(ToOwned::to_owned),
            values,
            to_be: to_be.collect(),
            apart: vec![mailbox, prompt],
            ourselves: std::env::current_exe().ok(),
        }
    }

    /// For one session, whose placeholders stand for this, and whose prompt the launcher has just written.
    #[must_use]
    pub fn with(self, values: Values, prompt: &Path) -> Self {
        let apart = vec![prompt.to_owned()];
        Self {
            values,
            apart,
            ..self
        }
    }

    /// Takes a folder, and what lies in it, for one that agents cannot write to.
    #[cfg(test)]
    pub fn close(&mut self, folder: &str) {
        self.open.retain(|it| it != Path::new(folder));
    }

    /// The repository's root, where programs start.
    pub fn root(&self) -> &Path {
        &self.open[0]
    }

    /// A word as the program gets it.
    pub fn fill(&self, word: &str) -> String {
        fill(word, &self.values)
    }

    /// Which file is started for this first word, where `PATH` is asked for it: as the terminal does it.
    pub fn program(&self, word: &str) -> Option<PathBuf> {
        let name = Path::new(word);
        let asks_path = matches!(name.components().next(), Some(Component::Normal(_)));
        let folders = self.path.as_deref().filter(|_| asks_path)?;
        let mut found =
            std::env::split_paths(folders).map(|folder| self.root().join(folder).join(name));
        found.find(|path| !path.is_dir() && access(path, Access::EXEC_OK).is_ok())
    }

    /// The folder that agents can write to and that this lies below, with the rest of the path.
    pub fn place<'a>(&'a self, here: &'a Path) -> Option<(&'a Path, &'a Path)> {
        let mut places = self.open.iter().filter_map(|folder| {
            let below = here.strip_prefix(folder).ok()?;
            (!below.as_os_str().is_empty()).then_some((folder.as_path(), below))
        });
        places.next()
    }

    /// Whether agents could make something else of what stands here.
    pub fn is_open(&self, here: &Path) -> bool {
        self.place(here).is_some()
    }

    /// Whether this is such a folder, or lies below one.
    pub fn holds(&self, here: &Path) -> bool {
        self.open.iter().any(|folder| here.starts_with(folder))
    }

    /// Whether the launcher makes a folder here before a program starts.
    pub fn will_be(&self, here: &Path) -> bool {
        self.to_be.iter().any(|folder| folder == here)
    }

    /// Whether what lies here is no agent's, or nobody's.
    pub fn is_apart(&self, here: &Path) -> bool {
        let is_ours = || self.ourselves.as_deref() == Some(here) && !here.starts_with(self.root());
        self.apart.iter().any(|path| here.starts_with(path)) || is_ours()
    }

    /// The name under which this is shown and approved: from the repository's root, where it lies there.
    pub fn name(&self, path: &Path) -> String {
        let name = path.strip_prefix(self.root()).unwrap_or(path);
        name.to_string_lossy().into_owned()
    }
}
