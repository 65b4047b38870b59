//! How the person's pages look, as far as they said so: kept beside the journal, because a browser keeps such things by origin and
//! each start has another one. No decision of the flow, so it is not in the journal.

use crate::domain::language::Language;
use crate::paths::{Places, write_private};
use codex_terminal::colours::Theme;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What the person chose; what is missing follows the browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// The pages' colours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// The pages' language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// How much of the page the terminals take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dock: Option<DockSize>,
    /// How the person wants to be told of what waits while they look elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
}

/// How the person wants to be told of what waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Whether the browser shows notifications. It asks for its own permission as well.
    #[serde(default)]
    pub on: bool,
    /// Whether there is a sound.
    #[serde(default)]
    pub sound: bool,
    /// When there is neither: minutes of the day, from and to, in the browser's time; the same twice is never.
    #[serde(default)]
    pub quiet: Option<(u16, u16)>,
}

impl Notify {
    /// The same for the page: `from-to`, or nothing.
    pub fn quiet_word(&self) -> String {
        self.quiet
            .map_or_else(String::new, |(from, to)| format!("{from}-{to}"))
    }
}

/// How much of the page the terminals take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DockSize {
    /// A third.
    Small,
    /// Half.
    Medium,
    /// Nearly all.
    Large,
}

impl Preferences {
    /// `data-theme` of the page, if it has one.
    pub fn theme_word(&self) -> Option<&'static str> {
        self.theme.map(|theme| match theme {
            Theme::Light => "light",
            Theme::Dark => "dark",
        })
    }

    /// `data-dock` of the page.
    pub fn dock_word(&self) -> &'static str {
        match self.dock.unwrap_or(DockSize::Medium) {
            DockSize::Small => "small",
            DockSize::Medium => "medium",
            DockSize::Large => "large",
        }
    }

    /// What `wish` names instead of what is here.
    fn changed_by(self, wish: Self) -> Self {
        Self {
            theme: wish.theme.or(self.theme),
            language: wish.language.or(self.language),
            dock: wish.dock.or(self.dock),
            notify: wish.notify.or(self.notify),
        }
    }
}

/// The file that holds them, and what it says.
#[derive(Debug)]
pub struct PreferenceFile {
    path: PathBuf,
    now: Mutex<Preferences>,
    /// Held over a write, so that the file ends as the later of two wishes.
    writing: Mutex<()>,
}

impl PreferenceFile {
    /// Reads it. One that is missing or damaged says nothing: the person sees the page and chooses again.
    pub fn open(places: &Places) -> Self {
        let path = places.preferences();
        let now = std::fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self {
            path,
            now: Mutex::new(now),
            writing: Mutex::new(()),
        }
    }

    /// What holds.
    pub fn get(&self) -> Preferences {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what `wish` names.
    ///
    /// # Errors
    /// When it cannot be written; then it holds until the end of this run.
    pub fn set(&self, wish: Preferences) -> std::io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = now.changed_by(wish);
            *now
        };
        let bytes = serde_json::to_vec(&now).expect("it is plain data");
        write_private(&self.path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_chosen_is_there_after_a_restart_and_a_damaged_file_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            repo: folder.path().to_owned(),
            state: folder.path().to_owned(),
            runtime: folder.path().to_owned(),
        };
        let file = PreferenceFile::open(&places);
        assert_eq!(file.get(), Preferences::default());
        let dark = Preferences {
            theme: Some(Theme::Dark),
            ..Preferences::default()
        };
        let chinese = Preferences {
            language: Some(Language::Zh),
            ..Preferences::default()
        };
        file.set(dark).unwrap();
        file.set(chinese).unwrap();
        let both = Preferences {
            theme: Some(Theme::Dark),
            ..chinese
        };
        assert_eq!(PreferenceFile::open(&places).get(), both);
        std::fs::write(places.preferences(), "{").unwrap();
        assert_eq!(PreferenceFile::open(&places).get(), Preferences::default());
    }
}
