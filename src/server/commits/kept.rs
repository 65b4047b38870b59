//! What the watch over HEAD keeps between two runs of the server: what was there before anybody looked, what was fetched, and
//! how far HEAD's log was read. Losing the list of what was fetched loses no commit; without the place, the log counts from where HEAD was last
//! seen on.

use crate::domain::review::GitId;
use crate::gate::commits::Memory;
use crate::git::head_log::Place;
use crate::paths::write_private;
use std::io;
use std::path::{Path, PathBuf};

/// What was there before anybody looked.
const BEFORE_FILE: &str = "commits_before";

/// What was fetched.
const FETCHED_FILE: &str = "commits_fetched";

/// How far HEAD's log was read.
const PLACE_FILE: &str = "head_log";

/// Largest file that is read: a list of some four hundred thousand names.
const MAX_BYTES: u64 = 16 << 20;

/// The files of one state folder, and what they hold.
pub struct Kept {
    state: PathBuf,
    fetched: Vec<GitId>,
    place: Option<Place>,
}

impl Kept {
    /// Those in this folder.
    pub fn of(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            fetched: Vec::new(),
            place: None,
        }
    }

    /// Reads what they hold into a memory; what is missing or broken stays as it is.
    pub fn recall(&mut self, memory: &mut Memory) {
        memory.before = self.list(BEFORE_FILE);
        self.fetched = self.list(FETCHED_FILE).unwrap_or_default();
        memory.fetched.clone_from(&self.fetched);
        let place = self.text(PLACE_FILE);
        self.place = place.and_then(|text| serde_json::from_str(&text).ok());
        memory.place.clone_from(&self.place);
    }

    /// Writes the list of what was there, once for each repository.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_before(&self, memory: &Memory) -> io::Result<()> {
        let before = memory.before.as_deref().unwrap_or_default();
        self.put(BEFORE_FILE, lines(before).as_bytes())
    }

    /// Writes what the next run needs, once the journal has what was seen; nothing when nothing has changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&mut self, memory: &Memory) -> io::Result<()> {
        if memory.fetched != self.fetched {
            self.put(FETCHED_FILE, lines(&memory.fetched).as_bytes())?;
            self.fetched.clone_from(&memory.fetched);
        }
        if memory.place != self.place {
            self.put(PLACE_FILE, &serde_json::to_vec(&memory.place)?)?;
            self.place.clone_from(&memory.place);
        }
        Ok(())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_private(&self.state.join(name), bytes)
    }

    fn text(&self, name: &str) -> Option<String> {
        let file = self.state.join(name);
        let length = std::fs::metadata(&file).ok()?.len();
        (length <= MAX_BYTES).then(|| std::fs::read_to_string(file).ok())?
    }

    fn list(&self, name: &str) -> Option<Vec<GitId>> {
        let text = self.text(name)?;
        text.lines().map(|line| GitId::parse(line).ok()).collect()
    }
}

fn lines(ids: &[GitId]) -> String {
    let ids: Vec<&str> = ids.iter().map(GitId::as_str).collect();
    ids.join("\n")
}
