//! Watches HEAD: every commit that appears is recorded, with its approval or without, and the gate never becomes weaker
//! than what was seen committed. Looking is `gate::commits`, deciding is `domain::flow::reviews`.

mod kept;

use crate::core::duties::Duty;
use crate::core::{LAUNCHER, Refused};
use crate::domain::event::Event;
use crate::domain::flow::reviews;
use crate::domain::review::{GateMode, GitId};
use crate::domain::sentence::say;
use crate::domain::state::State;
use crate::gate::commits::{Memory, Scan, ScanFindings, Stamp};
use crate::gate::notes::{Committed, Note, Notes, forget};
use crate::reader::{ReadError, Reader};
use crate::sessions::agents::Agents;
use kept::Kept;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A person who went around the gate sees it on the page while they still remember why. A look without news reads the
/// state of ten files.
const POLL: Duration = Duration::from_secs(1);

/// After a look that failed: the child may have taken all of its time.
const POLL_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Looks until the launcher stops acting. `guarded` says whether the gate stands before every commit.
pub async fn watch(
    agents: Arc<Agents>,
    guarded: watch::Sender<Option<bool>>,
    acting: CancellationToken,
) {
    let notes = Notes::of(&agents.core.place.state);
    let mut eyes = Eyes::begin(&agents);
    let (mut asking, mut recording, mut looking) =
        (Trouble::default(), Trouble::default(), Trouble::default());
    loop {
        let known = agents.core.ledger.read(|state| {
            let head = state.reviews.head.as_ref();
            head.and_then(|(_, commit)| commit.clone())
        });
        let notes = notes.clone();
        // What they remember may be large: it goes along and comes back.
        let looked = tokio::task::spawn_blocking(move || {
            let noted = Noted::of(notes.read_all());
            let looked = eyes.look(known.as_ref(), &noted.committed);
            (eyes, looked, noted)
        });
        let (returned, looked, noted) =
            match looked.await.map_err(tokio::task::JoinError::try_into_panic) {
                Ok(looked) => looked,
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                // The runtime is going away.
                Err(Err(_)) => return,
            };
        eyes = returned;
        match record_asked(&agents, noted.asked).await {
            Ok(()) => {
                forget(&noted.files_of_asked);
                if asking.is_over() {
                    tracing::info!("what the gate was asked is recorded again");
                }
            }
            Err(error) => {
                if asking.begins() {
                    tracing::warn!(
                        ?error,
                        "what the gate was asked cannot be recorded; its notes stay"
                    );
                }
            }
        }
        let mut pause = POLL;
        match looked {
            Ok(None) => {}
            Ok(Some(looked)) => {
                if looking.is_over() {
                    agents.core.troubles.end(Duty::Commits);
                    tracing::info!("HEAD is watched again");
                }
                guarded.send_replace(Some(looked.findings.guarded));
                (eyes.memory, eyes.stamp) = (looked.memory, Some(looked.stamp));
                match record(&agents, looked.findings).await {
                    Ok(()) => {
                        forget(&noted.files_of_committed);
                        if recording.is_over() {
                            tracing::info!("what HEAD did is recorded again");
                        }
                        if let Err(error) = eyes.kept.keep(&eyes.memory) {
                            tracing::warn!(%error, "how far HEAD's log was read cannot be written down; the next start reads more of it again");
                        }
                    }
                    Err(error) => {
                        if recording.begins() {
                            tracing::warn!(
                                ?error,
                                "what HEAD did cannot be recorded; it is looked at again until it is"
                            );
                        }
                        eyes = Eyes::begin(&agents);
                        pause = POLL_AFTER_FAILURE;
                    }
                }
            }
            Err(error) => {
                pause = POLL_AFTER_FAILURE;
                // Only a look that works says that it is over, also when everything is as it was before.
                eyes.stamp = None;
                agents
                    .core
                    .troubles
                    .begin(Duty::Commits, &error.to_string());
                if looking.begins() {
                    tracing::warn!(%error, "HEAD cannot be watched; commits that go around the gate are noticed later");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = acting.cancelled() => return,
        }
    }
}

/// Something that goes wrong again and again: worth a line when it begins and when it is over, and none in between.
#[derive(Default)]
struct Trouble {
    lasts: bool,
}

impl Trouble {
    /// It went wrong; whether for the first time.
    fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.lasts, true)
    }

    /// It went well; whether it had gone wrong before.
    fn is_over(&mut self) -> bool {
        std::mem::take(&mut self.lasts)
    }
}

/// What is needed for a look. The child that looks ends with it: commits are rare.
struct Eyes {
    reader: Reader,
    kept: Kept,
    memory: Memory,
    stamp: Option<Stamp>,
}

impl Eyes {
    /// With what the journal has, and what an earlier run kept.
    fn begin(agents: &Agents) -> Self {
        let recorded = |state: &State| state.reviews.recorded().cloned().collect();
        let mut memory = Memory {
            recorded: agents.core.ledger.read(recorded),
            ..Memory::default()
        };
        let mut kept = Kept::of(&agents.core.place.state);
        kept.recall(&mut memory);
        Self {
            reader: agents.core.reader(),
            kept,
            memory,
            stamp: None,
        }
    }

    /// Has a child look, when there may be something new. The first look of all makes the list of what was there.
    fn look(&self, known: Option<&GitId>, noted: &[Committed]) -> Result<Option<Scan>, ReadError> {
        if self.stamp.as_ref().is_some_and(Stamp::holds) && noted.is_empty() {
            return Ok(None);
        }
        let is_first = self.memory.before.is_none();
        let looked = self.reader.commits(known, noted, self.memory.clone());
        self.reader.let_go();
        let looked = looked?;
        if is_first {
            let kept = self.kept.keep_before(&looked.memory);
            kept.map_err(|error| {
                ReadError::Refused(say!("reason.nothing_kept", error).to_string())
            })?;
        }
        Ok(Some(looked))
    }
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

async fn record_asked(agents: &Agents, asked: Vec<Event>) -> Result<(), Refused> {
    if asked.is_empty() {
        return Ok(());
    }
    agents.core.decide(LAUNCHER, move |_| Ok((asked, ()))).await
}

/// First how strict the gate is, so that the commits of this very look are judged by it.
async fn record(agents: &Agents, findings: ScanFindings) -> Result<(), Refused> {
    if agents.core.plan_checks.set_committed(findings.rules) {
        agents.core.renew(None).await;
    }
    let committed = findings.statements.head.mode();
    let guarded = findings.guarded;
    agents
        .core
        .decide(LAUNCHER, move |state| match committed {
            Some(mode) => {
                reviews::raise_gate(state, mode, &say!("reason.gate_mode.committed").to_string())
            }
            // Whoever installs hooks wants them to work; what the person said since stays.
            None if guarded && state.reviews.pinned.is_none() => reviews::raise_gate(
                state,
                GateMode::Enforce,
                &say!("reason.gate_mode.hooks_installed").to_string(),
            ),
            None => Ok((Vec::new(), ())),
        })
        .await?;
    let (commits, beyond) = (findings.commits, findings.beyond);
    agents
        .core
        .decide(LAUNCHER, move |state| {
            reviews::commits_seen(state, commits, beyond)
        })
        .await?;
    let (head, branch) = (findings.head, findings.branch);
    agents
        .core
        .decide(LAUNCHER, move |state| {
            reviews::head_moved(state, head, branch)
        })
        .await
}
