//! Holds reports against the repository: takes the tree before a department begins, compares when it has reported, and once
//! more when its session has ended. What follows from a judgement is decided in `domain`.

use super::office::{LAUNCHER, Office};
use super::reconciler::Done;
use crate::codex::calls::ThreadItemsList;
use crate::codex::items::Item;
use crate::codex::wire::ThreadId;
use crate::domain::conformance::late::{self, SecondLook};
use crate::domain::conformance::{Baseline, Conformance, Facts, Neighbour, judge as hold_against};
use crate::domain::flow::checks;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::scope::Scope;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::git::snapshot::Snapshot;
use crate::ledger::TransactError;
use crate::paths::{Places, write_private};
use crate::reader::{ReadError, Reader};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Time for Codex to say which files a session's editing tool changed.
const ASK_LIMIT: Duration = Duration::from_secs(2);
/// Items of a thread that are looked through, in pages.
const PAGE: u32 = 200;
const PAGES: usize = 20;

/// Records the tree before a department begins, unless that was done.
pub async fn baseline(office: &Arc<Office>, session: &Session) -> Done {
    let id = session.id().clone();
    if !office
        .ledger
        .read(|state| checks::needs_baseline(state, &id))
    {
        return Done::Settled;
    }
    let (place, reader) = (office.place.clone(), office.reader());
    let taken = tokio::task::spawn_blocking({
        let id = id.clone();
        move || record(&place, &reader, &id)
    });
    let baseline = taken.await.unwrap_or_else(|_| Baseline::Failed {
        reason: "looking at the repository broke off".to_owned(),
    });
    settle(
        office
            .decide(LAUNCHER, move |state| {
                checks::record_tree(state, &id, baseline)
            })
            .await,
    )
}

fn record(place: &Places, reader: &Reader, id: &SessionId) -> Baseline {
    let stored = reader
        .snapshot()
        .map_err(|error| format!("failed to look at the repository: {error}"));
    let stored = stored.and_then(|snapshot| {
        let bytes = serde_json::to_vec(&snapshot).expect("a snapshot is plain data");
        let path = place.tree_of(id);
        write_private(&path, &bytes)
            .map_err(|error| format!("failed to write {}: {error}", path.display()))?;
        Ok(snapshot)
    });
    match stored {
        Ok(snapshot) => Baseline::Recorded {
            tree: snapshot.digest(),
            head: snapshot.head,
        },
        Err(reason) => Baseline::Failed { reason },
    }
}

/// What one report is judged by, taken out of the state.
struct Case {
    report_id: ReportId,
    revision: u32,
    session: Session,
    claimed: Vec<String>,
    neighbours: Vec<Session>,
    /// What was found at the report, when this is the look after the session's end.
    first: Option<Conformance>,
}

/// What came of one case.
enum Found {
    First(Conformance),
    Second(SecondLook),
}

impl Case {
    /// Every report that waits for its first look or for its second.
    fn due(state: &State) -> Vec<Self> {
        let first = state.unjudged.iter().filter_map(|id| Self::of(state, id));
        let second = state
            .unsettled
            .iter()
            .filter(|id| checks::needs_second_look(state, id))
            .filter_map(|id| {
                let first = state.reports.get(id)?.conformance.clone();
                let case = Self::of(state, id)?;
                Some(Self { first, ..case })
            });
        first.chain(second).collect()
    }

    fn of(state: &State, report_id: &ReportId) -> Option<Self> {
        let current = state.reports.get(report_id)?.current();
        let session = state.author(report_id)?.clone();
        let worked_beside = |other: &&Session| {
            other.id() != session.id()
                && !other.is_planner()
                // Who reviews a plan only reads.
                && !other.is_review()
                && other.baseline.is_some()
                && other
                    .ended_at()
                    .is_none_or(|ended| ended >= session.registered_at)
        };
        Some(Self {
            report_id: report_id.clone(),
            revision: current.revision,
            claimed: current.findings.changed_files.clone(),
            neighbours: state
                .sessions
                .values()
                .filter(worked_beside)
                .cloned()
                .collect(),
            session,
            first: None,
        })
    }
}

/// Judges every report that waits for it, from one look at the tree.
pub async fn judge(office: &Arc<Office>) -> Done {
    let cases: Vec<Case> = office.ledger.read(Case::due);
    if cases.is_empty() {
        return Done::Settled;
    }
    let mut edits = BTreeMap::new();
    for session in asked(&cases) {
        let edited = edited_by_tool(office, &session).await;
        edits.insert(session.id().clone(), edited);
    }
    let (place, reader) = (office.place.clone(), office.reader());
    let judged = tokio::task::spawn_blocking(move || {
        let now = reader.snapshot();
        cases
            .into_iter()
            .map(|case| {
                let found = find(&place, &reader, &now, &case, &edits);
                (case.report_id, case.revision, found)
            })
            .collect::<Vec<_>>()
    });
    let Ok(judged) = judged.await else {
        tracing::error!("judging reports broke off");
        return Done::Again;
    };
    for (id, revision, found) in judged {
        let policy = office.policy();
        let recorded = office
            .decide(LAUNCHER, move |state| match found {
                Found::First(found) => checks::judged(state, &policy.catalog, &id, revision, found),
                Found::Second(look) => {
                    checks::rejudged(state, &policy.catalog, &id, revision, look)
                }
            })
            .await;
        if settle(recorded) == Done::Again {
            return Done::Again;
        }
    }
    Done::Settled
}

/// Sessions whose own edits matter: those of a department that was not alone, and of its neighbours. Each once.
fn asked(cases: &[Case]) -> Vec<Session> {
    let mut sessions = BTreeMap::new();
    for case in cases.iter().filter(|case| !case.neighbours.is_empty()) {
        for session in std::iter::once(&case.session).chain(&case.neighbours) {
            sessions.insert(session.id().clone(), session.clone());
        }
    }
    sessions.into_values().collect()
}

fn find(
    place: &Places,
    reader: &Reader,
    now: &Result<Snapshot, ReadError>,
    case: &Case,
    edits: &BTreeMap<SessionId, BTreeSet<String>>,
) -> Found {
    let none = BTreeSet::new();
    let edited = |session: &Session| edits.get(session.id()).unwrap_or(&none);
    let neighbours: Vec<(SessionId, Neighbour)> = case
        .neighbours
        .iter()
        .map(|other| {
            let neighbour = Neighbour {
                scope: Scope::of(&other.brief.files),
                edited: edited(other).clone(),
            };
            (other.id().clone(), neighbour)
        })
        .collect();
    let changed = now
        .as_ref()
        .map_err(|error| format!("failed to look at the repository: {error}"))
        .and_then(|now| changed_since(place, reader, &case.session, now));
    let conformance = match changed {
        Err(reason) => Conformance::Unknown { reason },
        Ok(changed) => hold_against(&Facts {
            scope: &Scope::of(&case.session.brief.files),
            claimed: &case.claimed,
            root: &place.repo.to_string_lossy(),
            changed: &changed,
            edited: edited(&case.session),
            neighbours: &neighbours,
        }),
    };
    match &case.first {
        None => Found::First(conformance),
        Some(first) => Found::Second(late::compare(first, conformance, &neighbours)),
    }
}

fn changed_since(
    place: &Places,
    reader: &Reader,
    session: &Session,
    now: &Snapshot,
) -> Result<BTreeMap<String, String>, String> {
    let tree = match &session.baseline {
        Some(Baseline::Recorded { tree, .. }) => tree,
        Some(Baseline::Failed { reason }) => return Err(reason.clone()),
        None => return Err("the tree at its start was not recorded".to_owned()),
    };
    let path = place.tree_of(session.id());
    let lost = |why: String| {
        format!(
            "the tree recorded at its start is lost ({}: {why})",
            path.display()
        )
    };
    let bytes = std::fs::read(&path).map_err(|error| lost(error.to_string()))?;
    let before: Snapshot =
        serde_json::from_slice(&bytes).map_err(|error| lost(error.to_string()))?;
    if before.digest() != *tree {
        return Err(lost("it is not what was recorded".to_owned()));
    }
    reader
        .changed_between(before, now.clone())
        .map_err(|error| format!("failed to compare with the tree at its start: {error}"))
}

/// Files that a Codex session changed with its editing tool, as Codex recorded it. Nothing for other drivers, and when
/// Codex does not answer: then less can be told apart.
async fn edited_by_tool(office: &Office, session: &Session) -> BTreeSet<String> {
    let (Ok(codex), Some(thread_id)) = (&office.codex, &session.thread_id) else {
        return BTreeSet::new();
    };
    let mut edited = BTreeSet::new();
    let mut list = ThreadItemsList {
        thread_id: ThreadId::from(thread_id.as_str()),
        turn_id: None,
        cursor: None,
        limit: Some(PAGE),
        sort_direction: Some("desc".to_owned()),
    };
    for _ in 0..PAGES {
        let Ok(Ok(page)) = tokio::time::timeout(ASK_LIMIT, codex.call(&list)).await else {
            break;
        };
        for entry in &page.data {
            if let Item::FileChange {
                changes, status, ..
            } = &entry.item
                && status == "completed"
            {
                let relative = |path: &std::path::Path| {
                    path.strip_prefix(&office.place.repo)
                        .unwrap_or(path)
                        .to_string_lossy()
                        .into_owned()
                };
                edited.extend(changes.iter().map(|change| relative(&change.path)));
            }
        }
        match page.next_cursor {
            Some(cursor) => list.cursor = Some(cursor),
            None => break,
        }
    }
    edited
}

/// What a failed record means for a step.
pub fn settle<T>(outcome: Result<T, super::office::Refused>) -> Done {
    match outcome {
        Ok(_) | Err(TransactError::Refused(_) | TransactError::Closed) => Done::Settled,
        Err(error) => {
            tracing::warn!(?error, "a step could not be recorded");
            Done::Again
        }
    }
}
