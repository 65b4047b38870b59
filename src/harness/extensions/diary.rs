//! What happened to one extension, for whoever wonders.

use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Notes that are kept.
const MAX_NOTES: usize = 50;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It is as it is.
    Info,
    /// Something was done that was not declared, or not done that was asked for.
    Warning,
    /// It does not do what it should.
    Error,
}

impl Level {
    /// Its name in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When it happened last.
    pub at: DateTime<Utc>,
    /// How bad it is.
    pub level: Level,
    /// What kind of thing, for programs.
    pub code: &'static str,
    /// What, for people.
    pub message: String,
    /// The end of what it said on standard error, where that may tell more.
    pub complaints: Option<String>,
    /// How often in a row.
    pub times: u64,
}

/// All of it, newest last.
#[derive(Debug, Default)]
pub struct Diary(Mutex<VecDeque<Note>>);

impl Diary {
    /// Writes something down. The same again is counted.
    pub fn note(&self, level: Level, code: &'static str, message: String) {
        self.write(level, code, message, None);
    }

    /// The same with what it complained about.
    pub fn write(
        &self,
        level: Level,
        code: &'static str,
        message: String,
        complaints: Option<String>,
    ) {
        let mut notes = self.lock();
        let at = Utc::now();
        if let Some(last) = notes.back_mut()
            && (last.code, &last.message) == (code, &message)
        {
            (last.at, last.times) = (at, last.times + 1);
            last.complaints = complaints.or(last.complaints.take());
            return;
        }
        notes.push_back(Note {
            at,
            level,
            code,
            message,
            complaints,
            times: 1,
        });
        if notes.len() > MAX_NOTES {
            notes.pop_front();
        }
    }

    /// What is written.
    pub fn notes(&self) -> Vec<Note> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Note>> {
        // A note is written whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
