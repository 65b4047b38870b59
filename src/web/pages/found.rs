//! What was found among everything that was done: each session with what it was asked, what came of it, and where to read on.

use super::Words;
use crate::domain::department::Department;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::session::Kind;
use crate::web::views::{FoundSession, FoundView};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};

/// Key of the department of planners.
const PLANNERS: &str = "zhongshu";

/// What `GET /ui/find` shows.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Language of the words around the data.
    pub language: Language,
    /// What was found.
    pub found: &'a FoundView,
    /// Departments that there are now.
    pub departments: &'a [Department],
    /// Whose departments were looked for.
    pub planner: Option<&'a SessionId>,
    /// Whether some were looked for, and not everything.
    pub is_narrow: bool,
}

#[derive(Template)]
#[template(path = "found.html")]
struct Page<'a> {
    t: Words,
    v: &'a Found<'a>,
}

/// Renders `GET /ui/find`.
///
/// # Errors
/// Only when the template engine fails.
pub fn render(found: &Found<'_>) -> Result<String, askama::Error> {
    Page {
        t: Words::of(found.language),
        v: found,
    }
    .render()
}

impl Page<'_> {
    fn planners(&self) -> &'static str {
        PLANNERS
    }

    fn title<'s>(&self, department: &'s Department) -> &'s str {
        department.title.get(self.v.language)
    }

    /// Who it was. A department that is no longer there goes by its key.
    fn who<'s>(&'s self, it: &'s FoundSession) -> &'s str {
        if self.is_planner(it) {
            return self.t.get("planner.title");
        }
        let key = &it.session.department;
        let known = self.v.departments.iter().find(|d| d.key == *key);
        known.map_or(key, |d| self.title(d))
    }

    fn is_planner(&self, it: &FoundSession) -> bool {
        it.session.session_kind == Kind::Zhongshu
    }

    /// Where it is looked at as a whole: a planner with its plan and departments, a department in its transcript.
    fn href(&self, it: &FoundSession) -> String {
        let id = &it.session.id;
        match self.is_planner(it) {
            true => format!("#work/{id}"),
            false => format!("#session/{id}"),
        }
    }

    /// How many were found that are not older than the first of this page.
    fn count(&self) -> usize {
        self.v.found.sessions.len() + self.v.found.older_sessions
    }

    /// The last one, behind which the next page begins.
    fn last(&self) -> Option<&SessionId> {
        self.v.found.sessions.last().map(|it| &it.session.id)
    }

    /// The end of an id: the start is the same for everything of one day.
    fn short(&self, id: &SessionId) -> String {
        let id = id.as_str();
        let end = id.get(id.len().saturating_sub(6)..);
        end.unwrap_or(id).to_owned()
    }

    fn stamp(&self, at: &DateTime<Utc>) -> String {
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}
