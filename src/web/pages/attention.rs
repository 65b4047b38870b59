//! What waits for the person, as cards at the head of the page of work, and what a thread asks as the same cards in its page: each with what
//! has to be known to decide, and with its actions as buttons that carry their request.
//!
//! - `form`: a form made from a JSON schema
//! - `patch`: differences that Codex tells as text, as the review page shows them

mod form;
mod patch;

use super::Words;
use super::quoted::{Piece, pieces};
use super::review::{HunkRows, Span, rows};
use crate::domain::ask::{PatchedFile, Question, What};
use crate::domain::attention::{Action, Item, Need, NeedKind, Urgency, Waiting};
use crate::domain::department::Department;
use crate::domain::language::Language;
use crate::domain::powers::{FileNews, Line};
use crate::git::diff::Hunk;
use crate::web::views::SessionView;
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use form::{Field, Input};
use serde_json::Value;

/// Cards that are shown. Whoever has more answers these first; the others come after them.
const SHOWN: usize = 50;

/// Where cards stand. Both places can be in the page at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the head of the page of work: everything that waits.
    Work,
    /// In the page of a thread: what it asks.
    Thread,
}

impl Place {
    /// The part of the page.
    fn region(self) -> &'static str {
        match self {
            Self::Work => "attention",
            Self::Thread => "thread-asks",
        }
    }

    /// What ids begin with, so that none stands twice.
    fn prefix(self) -> &'static str {
        match self {
            Self::Work => "",
            Self::Thread => "here-",
        }
    }

    fn is_work(self) -> bool {
        self == Self::Work
    }
}

/// What cards name, and in which language.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub sessions: &'a [SessionView],
    pub departments: &'a [Department],
    pub language: Language,
}

#[derive(Template)]
#[template(path = "attention/section.html")]
struct Section<'a> {
    t: Words,
    place: Place,
    language: Language,
    departments: &'a [Department],
    sessions: &'a [SessionView],
    cards: Vec<Card<'a>>,
    count: usize,
    groups: Vec<Group<'a>>,
}

/// One item.
struct Card<'a> {
    item: &'a Item,
    /// Differences of a patch, each file with its hunks.
    files: Vec<Patched<'a>>,
    fields: Vec<Field>,
}

/// A file of a patch.
struct Patched<'a> {
    file: &'a PatchedFile,
    hunks: Vec<Hunk>,
}

/// Several of one kind, and what can be decided of all of them by one word.
struct Group<'a> {
    /// Names it in the page.
    key: String,
    count: usize,
    actions: Vec<&'a Action>,
}

pub(super) fn render(place: Place, items: &[Item], of: Of<'_>) -> Result<String, askama::Error> {
    let cards: Vec<Card<'_>> = items.iter().take(SHOWN).map(Card::of).collect();
    Section {
        t: Words::of(of.language),
        place,
        language: of.language,
        departments: of.departments,
        sessions: of.sessions,
        groups: match place {
            Place::Work => groups(&items[..cards.len()]),
            Place::Thread => Vec::new(),
        },
        cards,
        count: items.len(),
    }
    .render()
}

/// What belongs together: two or more of a kind, with the actions that all of them offer and that need nothing more.
fn groups(items: &[Item]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for item in items {
        let key = group_of(item);
        match groups.iter_mut().find(|group| group.key == key) {
            Some(group) => {
                group.count += 1;
                let offers = |id| item.actions.iter().any(|it| it.id == id && is_plain(it));
                group.actions.retain(|action| offers(action.id));
            }
            None => groups.push(Group {
                key,
                count: 1,
                actions: item.actions.iter().filter(|it| is_plain(it)).collect(),
            }),
        }
    }
    groups.retain(|group| group.count > 1);
    groups
}

fn is_plain(action: &Action) -> bool {
    // What widens more than one answer is decided one by one.
    let widens = matches!(
        action.id,
        "accept_with_rule"
            | "accept_for_session"
            | "accept_always"
            | "allow_host"
            | "deny_host"
            | "grant_session"
    );
    !widens && action.needs.iter().all(|need| !need.required)
}

fn group_of(item: &Item) -> String {
    match &item.waiting {
        Waiting::Ask { what, .. } => format!("ask.{}", what.kind()),
        waiting => waiting.kind().to_owned(),
    }
}

impl<'a> Card<'a> {
    fn of(item: &'a Item) -> Self {
        let what = match &item.waiting {
            Waiting::Ask { what, .. } => Some(what),
            _ => None,
        };
        Self {
            item,
            files: match what {
                Some(What::Patch { files, .. }) => files
                    .iter()
                    .map(|file| Patched {
                        file,
                        hunks: patch::hunks(file),
                    })
                    .collect(),
                _ => Vec::new(),
            },
            fields: match what {
                Some(What::Form { schema, .. }) => form::fields(schema),
                _ => Vec::new(),
            },
        }
    }

    fn key(&self) -> String {
        group_of(self.item)
    }

    /// Fields that belong to some action, each once. What the first action needs is open at once.
    fn needs(&self) -> Vec<(&'a Need, bool)> {
        let mut needs: Vec<(&Need, bool)> = Vec::new();
        for (index, action) in self.item.actions.iter().enumerate() {
            for need in &action.needs {
                if !needs.iter().any(|(known, _)| known.field == need.field) {
                    needs.push((need, index == 0));
                }
            }
        }
        needs
    }

    fn rows<'s>(&self, patched: &'s Patched<'_>) -> Vec<HunkRows<'s>> {
        rows(&patched.hunks, &[])
    }
}

impl Section<'_> {
    fn pieces<'s>(&self, sentence: &'s str) -> Vec<Piece<'s>> {
        pieces(sentence)
    }

    /// How many sessions do nothing until somebody answers.
    fn standing(&self) -> usize {
        let stands = |card: &&Card<'_>| matches!(card.item.urgency, Urgency::BlocksSession);
        self.cards.iter().filter(stands).count()
    }

    /// What the session that an item is about was asked to do: of many, one tells them apart by that.
    fn task(&self, item: &Item) -> Option<&str> {
        let id = item.session_id.as_ref().or(item.planner_id.as_ref())?;
        let session = self.sessions.iter().find(|it| it.id == *id)?;
        Some(session.task.as_str())
    }

    fn stamp(&self, at: &DateTime<Utc>) -> String {
        at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    fn urgency(&self, item: &Item) -> &'static str {
        match item.urgency {
            Urgency::BlocksSession => "blocks_session",
            Urgency::BlocksQueue => "blocks_queue",
            Urgency::MayWait => "may_wait",
        }
    }

    fn department<'s>(&'s self, key: &'s str) -> &'s str {
        let known = self.departments.iter().find(|it| it.key == key);
        known.map_or(key, |it| it.title.get(self.language))
    }

    fn json(&self, value: &Value) -> String {
        serde_json::to_string_pretty(value).unwrap_or_default()
    }

    fn body(&self, action: &Action) -> String {
        action.body.to_string()
    }

    /// The fields of an action: `field:kind:required` each.
    fn needed(&self, action: &Action) -> String {
        let needs = action.needs.iter().map(|need| {
            let kind = match need.kind {
                NeedKind::Words => "words",
                NeedKind::Answers => "answers",
                NeedKind::Content => "content",
                NeedKind::Permissions => "permissions",
            };
            format!("{}:{kind}:{}", need.field, need.required)
        });
        needs.collect::<Vec<_>>().join(" ")
    }

    fn class(&self, action: &Action, is_first: &bool) -> &'static str {
        match (is_first, action.declines()) {
            (_, true) => "danger",
            (true, false) => "primary",
            (false, false) => "",
        }
    }

    /// The lines of the question about powers that say something new.
    fn new_lines<'s>(&self, lines: &'s [Line]) -> impl Iterator<Item = &'s Line> {
        lines.iter().filter(|line| line.now != line.before)
    }

    /// Key of the sentence about a file that a command line names.
    fn file_news(&self, line: &Line) -> Option<&'static str> {
        match line.file? {
            FileNews::Same => None,
            FileNews::New => Some("powers.file.new"),
            FileNews::Changed => Some("powers.file.changed"),
            FileNews::Gone => Some("powers.file.gone"),
            FileNews::Unread => Some("powers.file.unread"),
        }
    }

    /// Key of the sentence that says what an entry means.
    fn meaning(&self, line: &Line) -> Option<&'static str> {
        crate::domain::powers::meaning(&line.entry)
    }

    /// Where an address leads, if a browser may follow it.
    fn address<'s>(&self, url: &'s str) -> Option<&'s str> {
        let is_page = url.starts_with("https://") || url.starts_with("http://");
        is_page.then_some(url)
    }

    fn kind(&self, question: &Question) -> &'static str {
        match question.is_secret {
            true => "password",
            false => "text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_widens_more_than_one_answer_is_not_offered_for_all() {
        let plain = |id| {
            is_plain(&Action {
                id,
                label: String::new(),
                effect: String::new(),
                needs: Vec::new(),
                method: "POST",
                path: String::new(),
                body: Value::Null,
            })
        };
        for id in [
            "accept_with_rule",
            "accept_for_session",
            "accept_always",
            "allow_host",
            "deny_host",
            "grant_session",
        ] {
            assert!(!plain(id), "{id}");
        }
        for id in ["accept", "decline", "cancel", "grant", "confirm"] {
            assert!(plain(id), "{id}");
        }
    }
}
