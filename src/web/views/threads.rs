//! Threads that are no sessions of the launcher's, as the pages show them: all of them by project, and one with what can be done to it.

use crate::domain::harness::controls::Controls;
use crate::domain::harness::project::{Project, ProjectId};
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::state::State;
use crate::domain::transcript::Turn;
use crate::harness::Harness;
use crate::harness::index::Known;
use crate::harness::refused::Refused;
use crate::harness::standing::Standing;
use crate::harness::summary::SessionStatus;
use crate::web::views::SuggestionView;
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

/// The name of the group of those that are in no project, where groups are named.
pub const NO_PROJECT: &str = "none";
/// Threads of a group that are shown at first: as many as one looks through.
pub const SHOWN: usize = 20;
/// Threads of a group that are shown at most. Whoever looks for one among more has to say a word of it.
pub const MOST: usize = 1_000;

/// Which threads are looked for.
#[derive(Debug, Clone, Default)]
pub struct ThreadsWanted {
    /// Those that are put away instead of the others.
    pub archived: bool,
    /// Also those that the launcher drives.
    pub launchers: bool,
    /// Words that title, beginning, folder or id has; all without.
    pub words: String,
    /// How many of a group are shown, by its name.
    pub shown: BTreeMap<String, usize>,
}

/// All threads that were looked for.
#[derive(Debug, Clone, Default)]
pub struct ThreadList {
    /// By project; those without one are the last.
    pub groups: Vec<ThreadGroup>,
    /// Every project, by name.
    pub projects: Vec<Project>,
}

/// The threads of one project, or of none.
#[derive(Debug, Clone)]
pub struct ThreadGroup {
    /// The project.
    pub project: Option<Project>,
    /// Those that are shown, the one in which something happened last first.
    pub threads: Vec<ThreadItem>,
    /// How many there are.
    pub count: usize,
}

/// One thread in a list.
#[derive(Debug, Clone)]
pub struct ThreadItem {
    /// Its id.
    pub id: String,
    /// Its name, else how it begins; none when it has neither.
    pub title: Option<String>,
    /// What it does.
    pub status: SessionStatus,
    /// How much in it waits for a person.
    pub pending: usize,
    /// Where its commands run, from the repository on; none for the repository itself.
    pub folder: Option<String>,
    /// When something last happened in it.
    pub updated_at: Option<DateTime<Utc>>,
    /// Whose it is.
    pub owner: ThreadOwner,
}

/// Who drives a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadOwner {
    /// Whoever may.
    Anybody,
    /// The launcher; with the session, where it is a session's own and no helper's.
    Launcher(Option<SessionId>),
}

impl ThreadOwner {
    fn of(harness: &Harness, id: &str) -> Self {
        match harness.is_system_owned(id) {
            false => Self::Anybody,
            true => {
                let session = |state: &State| Some(state.session_of_thread(id)?.id().clone());
                // One whose session cannot be read now is shown without it.
                Self::Launcher(harness.core.look_for(id, session).ok().flatten())
            }
        }
    }
}

impl ThreadItem {
    fn of(harness: &Harness, known: &Known) -> Self {
        let summary = harness.summary(known);
        Self {
            id: summary.session_id,
            title: title(known),
            status: summary.status,
            pending: summary.pending,
            folder: folder(&harness.core.place.repo, &known.cwd),
            updated_at: DateTime::from_timestamp(summary.updated_at, 0),
            owner: ThreadOwner::of(harness, &known.id),
        }
    }
}

/// What it is called, unless it is only new.
fn title(known: &Known) -> Option<String> {
    let is_new = known.title() == crate::harness::index::UNNAMED;
    (!is_new).then(|| known.title().to_owned())
}

/// A folder as one reads it: from the repository on, where it is inside.
fn folder(repo: &Path, cwd: &Path) -> Option<String> {
    let inside = cwd.strip_prefix(repo).unwrap_or(cwd);
    let text = inside.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(text)
}

impl ThreadList {
    /// What is looked for, as it is now.
    ///
    /// # Errors
    /// When Codex has not told of its threads.
    pub async fn of(harness: &Harness, wanted: &ThreadsWanted) -> Result<Self, Refused> {
        if !harness.knows_all().await {
            let reason = harness.threads.down().unwrap_or_default();
            return Err(Refused::codex_unavailable(reason));
        }
        let (projects, place) = harness.ledger.read(|state| {
            let mut projects: Vec<Project> = state.projects.values().cloned().collect();
            projects.sort_by_cached_key(|project| project.name.to_lowercase());
            let sessions = state.sessions.iter();
            let place = sessions.filter_map(|(id, it)| Some((id.clone(), it.project_id.clone()?)));
            (projects, place.collect::<BTreeMap<String, ProjectId>>())
        });
        let words = wanted.words.trim().to_lowercase();
        let mut known = harness.index.list(wanted.archived, None);
        known.retain(|it| words.is_empty() || has(it, &words));
        known.retain(|it| wanted.launchers || !harness.is_system_owned(&it.id));
        known.sort_by_cached_key(|it| Reverse((it.updated_at, it.id.clone())));
        let mut inside: BTreeMap<&str, Vec<&Known>> = BTreeMap::new();
        for one in &known {
            let project = place.get(&one.id).map_or(NO_PROJECT, |id| id.0.as_str());
            inside.entry(project).or_default().push(one);
        }
        let group = |project: Option<&Project>| {
            let name = project.map_or(NO_PROJECT, |it| it.project_id.0.as_str());
            let all = inside.get(name).map(Vec::as_slice).unwrap_or_default();
            let shown = wanted.shown.get(name).copied();
            let shown = shown.unwrap_or(SHOWN).clamp(SHOWN, MOST);
            let threads = all.iter().take(shown);
            ThreadGroup {
                project: project.cloned(),
                threads: threads.map(|it| ThreadItem::of(harness, it)).collect(),
                count: all.len(),
            }
        };
        let mut groups: Vec<_> = projects.iter().map(Some).map(group).collect();
        // A project without threads is one to begin some in, not one that was found.
        if wanted.archived || !words.is_empty() {
            groups.retain(|group| group.count > 0);
        }
        groups.push(group(None));
        Ok(Self { groups, projects })
    }

    /// How many were found.
    pub fn count(&self) -> usize {
        self.groups.iter().map(|group| group.count).sum()
    }
}

fn has(known: &Known, words: &str) -> bool {
    let cwd = known.cwd.to_string_lossy();
    let texts = [known.title(), &known.preview, &cwd, &known.id];
    texts.iter().any(|text| text.to_lowercase().contains(words))
}

/// One thread with what can be done to it.
#[derive(Debug, Clone)]
pub struct ChatView {
    /// As lists show it.
    pub item: ThreadItem,
    /// Whether it has had a turn.
    pub materialized: bool,
    /// Whether it is put away.
    pub archived: bool,
    /// The thread that it is a copy of.
    pub forked_from: Option<String>,
    /// Its project.
    pub project: Option<Project>,
    /// Every project, by name.
    pub projects: Vec<Project>,
    /// What holds for its next turn.
    pub controls: Controls,
    /// What new threads begin with.
    pub defaults: Controls,
    /// Why the latter cannot be changed, if that is so.
    pub locked: Option<String>,
    /// The models that it may be given.
    pub models: Vec<String>,
    /// The suggested next message.
    pub suggestion: SuggestionView,
}

impl ChatView {
    /// The thread of this name, whose newest turn is this one, if it is there and no session's own.
    pub fn of(
        harness: &Harness,
        id: &str,
        newest: Option<&Turn>,
        language: Language,
    ) -> Option<Self> {
        let known = match harness.standing(id) {
            Standing::User(known) | Standing::System(Some(known)) => known,
            Standing::System(None) | Standing::Deleted(_) | Standing::Unknown => return None,
        };
        let held = harness.in_force(id);
        let (project, mut projects) = harness.ledger.read(|state| {
            let own = state.sessions.get(id).and_then(|it| it.project_id.as_ref());
            let own = own.and_then(|project| state.projects.get(project)).cloned();
            (own, state.projects.values().cloned().collect::<Vec<_>>())
        });
        projects.sort_by_cached_key(|project| project.name.to_lowercase());
        Some(Self {
            item: ThreadItem::of(harness, &known),
            suggestion: SuggestionView::of(harness, &known, newest, language),
            materialized: known.is_materialized(),
            archived: known.archived,
            forked_from: known.forked_from,
            project,
            projects,
            controls: held.controls.controls,
            defaults: held.defaults.controls,
            locked: held.locked.map(|reason| reason.text(language)),
            models: models(harness),
        })
    }

    /// Whether it may be driven from here.
    pub fn may_be_driven(&self) -> bool {
        self.item.owner == ThreadOwner::Anybody
    }
}

/// The models that somebody offers: configured ones first, then Codex's own.
pub fn models(harness: &Harness) -> Vec<String> {
    let configured = harness.core.policy().catalog.models.clone();
    let mut models = configured.unwrap_or_default();
    for offered in harness.threads.models() {
        if !models.contains(&offered.model) {
            models.push(offered.model);
        }
    }
    models
}
