//! Watches HEAD: every commit that appears is recorded, with its approval or without, and the gate never becomes weaker
//! than what was seen committed. Looking is `governance::commits`, deciding is `domain::flow::reviews`.

use crate::domain::event::Event;
use crate::domain::flow::reviews;
use crate::domain::review::GateMode;
use crate::domain::state::State;
use crate::governance::commits::{Sight, Watch};
use crate::governance::notes::{Committed, Note, Notes, forget};
use crate::sessions::office::{LAUNCHER, Office, Refused};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A person who went around the gate sees it on the page while they still remember why. A look without news reads the
/// state of ten files.
const POLL: Duration = Duration::from_secs(1);

/// Looks until the launcher stops acting. `guarded` says whether the gate stands before every commit.
pub async fn watch(
    office: Arc<Office>,
    guarded: watch::Sender<Option<bool>>,
    acting: CancellationToken,
) {
    let notes = Notes::of(&office.place.state);
    let mut eyes = Some(begin(&office));
    let mut complained = false;
    loop {
        let known = office.ledger.read(|state| {
            let head = state.reviews.head.as_ref();
            head.and_then(|(_, commit)| commit.clone())
        });
        let Some(mut watch) = eyes.take() else { return };
        let notes = notes.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let noted = Noted::of(notes.read_all());
            let sight = watch.look(known.as_ref(), &noted.committed);
            (watch, sight, noted)
        });
        // Only a panic loses the eyes; it is in the log.
        let Ok((watch, sight, noted)) = looked.await else {
            return;
        };
        eyes = Some(watch);
        match record_asked(&office, noted.asked).await {
            Ok(()) => forget(&noted.files_of_asked),
            Err(error) => tracing::warn!(
                ?error,
                "what the gate was asked could not be recorded; its notes stay"
            ),
        }
        match sight {
            Ok(None) => {}
            Ok(Some(sight)) => {
                complained = false;
                guarded.send_replace(Some(sight.guarded));
                match record(&office, sight).await {
                    Ok(()) => forget(&noted.files_of_committed),
                    Err(error) => {
                        tracing::warn!(
                            ?error,
                            "what HEAD did could not be recorded; it is looked at again"
                        );
                        eyes = Some(begin(&office));
                    }
                }
            }
            Err(error) if !complained => {
                complained = true;
                tracing::warn!(%error, "HEAD cannot be watched; commits that go around the gate are noticed later");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = acting.cancelled() => return,
        }
    }
}

/// With what the journal has.
fn begin(office: &Office) -> Watch {
    let recorded = |state: &State| state.reviews.recorded().cloned().collect::<Vec<_>>();
    let recorded = office.ledger.read(recorded);
    Watch::new(&office.place.repo, &office.place.state, recorded)
}

/// What hooks wrote down, by what it is about.
#[derive(Default)]
struct Noted {
    committed: Vec<Committed>,
    files_of_committed: Vec<PathBuf>,
    asked: Vec<Event>,
    files_of_asked: Vec<PathBuf>,
}

impl Noted {
    fn of(notes: Vec<(PathBuf, Note)>) -> Self {
        let mut noted = Self::default();
        for (file, note) in notes {
            let asked = match note {
                Note::Committed(made) => {
                    noted.committed.push(made);
                    noted.files_of_committed.push(file);
                    continue;
                }
                Note::Passed(asked) => Event::CommitPassed { asked },
                Note::Refused(asked) => Event::CommitRefused { asked },
            };
            noted.asked.push(asked);
            noted.files_of_asked.push(file);
        }
        noted
    }
}

async fn record_asked(office: &Office, asked: Vec<Event>) -> Result<(), Refused> {
    if asked.is_empty() {
        return Ok(());
    }
    office.decide(LAUNCHER, move |_| Ok((asked, ()))).await
}

/// First how strict the gate is, so that the commits of this very look are judged by it.
async fn record(office: &Office, sight: Sight) -> Result<(), Refused> {
    let committed = sight.statements.head.mode();
    let guarded = sight.guarded;
    office
        .decide(LAUNCHER, move |state| match committed {
            Some(mode) => reviews::raise_gate(state, mode, "the committed governance.yaml says so"),
            // Whoever installs hooks wants them to work; what the person said since stays.
            None if guarded && state.reviews.pinned.is_none() => {
                reviews::raise_gate(state, GateMode::Enforce, "the hooks are installed")
            }
            None => Ok((Vec::new(), ())),
        })
        .await?;
    let commits = sight.commits;
    office
        .decide(LAUNCHER, move |state| reviews::commits_seen(state, commits))
        .await?;
    let (head, branch) = (sight.head, sight.branch);
    office
        .decide(LAUNCHER, move |state| {
            reviews::head_moved(state, head, branch)
        })
        .await
}
