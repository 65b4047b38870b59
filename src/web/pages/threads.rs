//! Threads that are no sessions: the list, by project, with what begins a new one, and the jobs. One of them is a transcript's page, with `chat`'s part.

use super::Words;
use crate::domain::harness::job::JobState;
use crate::domain::harness::project::Project;
use crate::domain::language::Language;
use crate::domain::shown::without_hidden;
use crate::web::views::{
    JobItem, JobList, NO_PROJECT, SHOWN, ThreadGroup, ThreadItem, ThreadList, ThreadOwner,
    ThreadsWanted,
};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};

/// What `GET /ui/threads` shows.
#[derive(Debug, Clone, Copy)]
pub struct Threads<'a> {
    /// Language of the words around the data.
    pub language: Language,
    /// What was found; or why nothing can be, as a sentence.
    pub list: Result<&'a ThreadList, &'a str>,
    /// What was looked for.
    pub wanted: &'a ThreadsWanted,
    /// The models that a new one may be given.
    pub models: &'a [String],
    /// The jobs.
    pub jobs: &'a JobList,
}

#[derive(Template)]
#[template(path = "threads.html")]
struct Page<'a> {
    t: Words,
    v: Threads<'a>,
}

/// Renders `GET /ui/threads`.
///
/// # Errors
/// Only when the template engine fails.
pub fn render(threads: Threads<'_>) -> Result<String, askama::Error> {
    Page {
        t: Words::of(threads.language),
        v: threads,
    }
    .render()
}

/// A name as one changes it: without what nobody sees.
pub(super) fn seen(text: &str) -> String {
    without_hidden(text)
}

/// The badge of a state.
pub(super) fn badge(item: &ThreadItem) -> &'static str {
    match item.status.word() {
        "running" => "ask",
        "waiting_approval" | "waiting_input" => "warn",
        "error" => "bad",
        _ => "",
    }
}

/// The page of a thread: a session's own one, where it is a session's.
fn page_of(item: &ThreadItem) -> String {
    match &item.owner {
        ThreadOwner::Launcher(Some(session)) => format!("#session/{session}"),
        ThreadOwner::Launcher(None) | ThreadOwner::Anybody => format!("#thread/{}", item.id),
    }
}

impl Page<'_> {
    fn projects(&self) -> &[Project] {
        self.v.list.map_or(&[], |list| &list.projects)
    }

    fn groups(&self) -> &[ThreadGroup] {
        self.v.list.map_or(&[], |list| &list.groups)
    }

    fn count(&self) -> usize {
        self.v.list.map_or(0, ThreadList::count)
    }

    fn name<'g>(&self, group: &'g ThreadGroup) -> &'g str {
        match &group.project {
            Some(project) => &project.project_id.0,
            None => NO_PROJECT,
        }
    }

    /// How many to show when one asks for more of a group.
    fn more(&self, group: &ThreadGroup) -> usize {
        group.threads.len() + SHOWN
    }

    fn hidden(&self, group: &ThreadGroup) -> usize {
        group.count - group.threads.len()
    }

    fn is_searched(&self) -> bool {
        !self.v.wanted.words.trim().is_empty()
    }

    fn badge(&self, item: &ThreadItem) -> &'static str {
        badge(item)
    }

    fn href(&self, item: &ThreadItem) -> String {
        page_of(item)
    }

    fn is_launchers(&self, item: &ThreadItem) -> bool {
        item.owner != ThreadOwner::Anybody
    }

    fn seen(&self, text: &str) -> String {
        seen(text)
    }

    fn job_badge(&self, item: &JobItem) -> &'static str {
        match item.job.state {
            JobState::Running => "ask",
            JobState::Failed => "bad",
            JobState::Queued | JobState::Completed | JobState::Canceled => "",
        }
    }

    fn since(&self, item: &JobItem) -> String {
        self.stamp(&item.since())
    }

    fn stamp(&self, at: &DateTime<Utc>) -> String {
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}
