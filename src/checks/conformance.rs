//! Holds reports against the repository: takes the tree before a department begins, compares when it has reported, and once
//! more when its session has ended. What follows from a judgement is decided in `domain`.

use crate::core::done::Done;
use crate::core::{Core, LAUNCHER, workspace};
use crate::domain::conformance::late::{self, SecondLook};
use crate::domain::conformance::{Baseline, Conformance, Facts, Neighbour, judge as hold_against};
use crate::domain::flow::checks;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::scope::Scope;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::git::snapshot::Snapshot;
use crate::paths::{Places, write_private};
use crate::reader::{ReadError, Reader};
use crate::threads::Threads;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Records the tree before a department begins, unless that was done.
pub async fn baseline(core: &Core, session: &Session) -> Done {
    let id = session.id().clone();
    if !core.ledger.read(|state| checks::needs_baseline(state, &id)) {
        return Done::Settled;
    }
    let (place, reader) = (core.place.clone(), core.reader_of(&session.brief));
    let taken = tokio::task::spawn_blocking({
        let id = id.clone();
        move || record(&place, &reader, &id)
    });
    let baseline = taken.await.unwrap_or_else(|_| Baseline::Failed {
        reason: say!("reason.look_broke_off").to_string(),
    });
    Done::of(
        core.decide(LAUNCHER, move |state| {
            checks::record_tree(state, &id, baseline)
        })
        .await,
    )
}

fn record(place: &Places, reader: &Reader, id: &SessionId) -> Baseline {
    let stored = reader
        .snapshot()
        .map_err(|error| say!("reason.look_failed", error).to_string());
    let stored = stored.and_then(|snapshot| {
        let bytes = serde_json::to_vec(&snapshot).expect("a snapshot is plain data");
        let path = place.tree_of(id);
        write_private(&path, &bytes).map_err(|error| {
            say!("reason.write_failed", path = path.display(), error).to_string()
        })?;
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
enum Judgement {
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

/// One look at a tree, and the way to look again.
struct Tree {
    reader: Reader,
    now: Result<Snapshot, ReadError>,
}

/// Judges every report that waits for it, from one look at each tree.
pub async fn judge(core: &Core, threads: &Threads) -> Done {
    let cases: Vec<Case> = core.ledger.read(Case::due);
    if cases.is_empty() {
        return Done::Settled;
    }
    let mut edits = BTreeMap::new();
    for session in asked(&cases) {
        // Nothing for other drivers.
        let thread = session.thread_id.as_deref();
        if let Some(thread) = thread.and_then(|id| threads.thread(id)) {
            let edited = thread.edited(core.root_of(&session.brief)).await;
            edits.insert(session.id().clone(), edited);
        }
    }
    let readers: BTreeMap<PathBuf, Reader> = cases
        .iter()
        .map(|case| &case.session.brief)
        .map(|brief| (core.root_of(brief).to_owned(), core.reader_of(brief)))
        .collect();
    let place = core.place.clone();
    let judged = tokio::task::spawn_blocking(move || {
        let trees: BTreeMap<PathBuf, Tree> = readers
            .into_iter()
            .map(|(root, reader)| {
                let now = reader.snapshot();
                (root, Tree { reader, now })
            })
            .collect();
        cases
            .into_iter()
            .map(|case| {
                let root = workspace::root(&place, &case.session.brief);
                let found = find(&place, root, &trees[root], &case, &edits);
                (case.report_id, case.revision, found)
            })
            .collect::<Vec<_>>()
    });
    let Ok(judged) = judged.await else {
        tracing::error!("judging reports broke off");
        return Done::Again;
    };
    for (id, revision, found) in judged {
        let policy = core.policy();
        let recorded = core
            .decide(LAUNCHER, move |state| match found {
                Judgement::First(found) => {
                    checks::judged(state, &policy.catalog, &id, revision, found)
                }
                Judgement::Second(look) => {
                    checks::rejudged(state, &policy.catalog, &id, revision, look)
                }
            })
            .await;
        if Done::of(recorded) == Done::Again {
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
    root: &Path,
    tree: &Tree,
    case: &Case,
    edits: &BTreeMap<SessionId, BTreeSet<String>>,
) -> Judgement {
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
    let changed = tree
        .now
        .as_ref()
        .map_err(|error| say!("reason.look_failed", error).to_string())
        .and_then(|now| changed_since(place, &tree.reader, &case.session, now));
    let conformance = match changed {
        Err(reason) => Conformance::Unknown { reason },
        Ok(changed) => hold_against(&Facts {
            scope: &Scope::of(&case.session.brief.files),
            claimed: &case.claimed,
            root: &root.to_string_lossy(),
            changed: &changed,
            edited: edited(&case.session),
            neighbours: &neighbours,
        }),
    };
    match &case.first {
        None => Judgement::First(conformance),
        Some(first) => Judgement::Second(late::compare(first, conformance, &neighbours)),
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
        None => return Err(say!("reason.tree_not_recorded").to_string()),
    };
    let path = place.tree_of(session.id());
    let lost = |why: String| say!("reason.tree_lost", path = path.display(), why).to_string();
    let bytes = std::fs::read(&path).map_err(|error| lost(error.to_string()))?;
    let before: Snapshot =
        serde_json::from_slice(&bytes).map_err(|error| lost(error.to_string()))?;
    if before.digest() != *tree {
        return Err(lost(say!("reason.tree_differs").to_string()));
    }
    reader
        .changed_between(before, now.clone())
        .map_err(|error| say!("reason.compare_failed", error).to_string())
}
