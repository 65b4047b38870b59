//! One extension at work: its process, what waits for it, and what happens when it fails. A process that ends, hangs or floods us is ended
//! with everything that it started, and started again after a pause, which grows.

use super::diary::{Diary, Level};
use super::happening::Delivery;
use super::launch::{Launch, Process};
use super::live::{Told, Trouble};
use super::queue::Queue;
use crate::domain::harness::event::Event;
use crate::domain::harness::extension::manifest::{AgentId, Manifest};
use crate::domain::harness::extension::mode::Mode;
use crate::domain::harness::extension::registration::Registration;
use crate::domain::harness::extension::reply;
use crate::domain::sentence::{Sentence, say};
use crate::harness::Harness;
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Before the first new start. Whoever hung once may be fine again at once.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Before the last of many: what fails again and again costs next to nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A process that was well for so long has recovered: its next failure is a new one.
const SOUND_AFTER: Duration = Duration::from_secs(60);

/// How an extension stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Its process runs.
    Running,
    /// It failed, and is started again.
    Waiting {
        /// When.
        until: DateTime<Utc>,
    },
    /// It is over with it.
    Ended,
}

/// One extension at work.
pub struct Worker {
    /// Who it is.
    pub agent_id: AgentId,
    /// What it says of itself.
    pub manifest: Manifest,
    /// How strictly that is held.
    pub mode: Mode,
    /// What it hears of.
    pub registrations: Vec<Registration>,
    /// What waits for it.
    pub queue: Queue,
    /// What happened to it.
    pub diary: Arc<Diary>,
    doing: Mutex<Doing>,
    /// It takes no further event.
    retired: CancellationToken,
    /// It ends at once.
    stopped: CancellationToken,
}

/// How a process is after an event.
enum After {
    Well,
    Ended(Sentence),
    TooSlow(Sentence),
}

impl Worker {
    /// One that nobody keeps at work yet.
    pub fn new(
        manifest: Manifest,
        mode: Mode,
        registrations: Vec<Registration>,
        stopping: &CancellationToken,
    ) -> Self {
        Self {
            agent_id: manifest.agent_id.clone(),
            manifest,
            mode,
            registrations,
            queue: Queue::default(),
            diary: Arc::default(),
            doing: Mutex::new(Doing::Running),
            retired: CancellationToken::new(),
            stopped: stopping.child_token(),
        }
    }

    /// Keeps it at work, beginning with this process.
    pub fn begin(self: &Arc<Self>, harness: &Arc<Harness>, process: Process, launch: Launch) {
        let (worker, harness) = (Arc::clone(self), Arc::clone(harness));
        let tasks = harness.extensions.tasks.clone();
        tasks.spawn(async move {
            worker.work(&harness, process, &launch).await;
            worker.set(Doing::Ended);
        });
    }

    /// It takes no further event, and ends when it is done with the one that it has.
    pub fn retire(&self) {
        self.retired.cancel();
    }

    /// How it stands.
    pub fn doing(&self) -> Doing {
        // One word is whole after a panic as well.
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, doing: Doing) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    /// Returns when it is to end and has nothing at hand.
    async fn leaving(&self) {
        tokio::select! {
            () = self.retired.cancelled() => {}
            () = self.stopped.cancelled() => {}
        }
    }

    async fn work(&self, harness: &Arc<Harness>, first: Process, launch: &Launch) {
        let mut pause = FIRST_PAUSE;
        let mut process = first;
        loop {
            let began = Instant::now();
            let Some(reason) = self.serve(harness, process).await else {
                return;
            };
            if began.elapsed() >= SOUND_AFTER {
                pause = FIRST_PAUSE;
            }
            process = match self.again(harness, launch, reason, &mut pause).await {
                Some(process) => process,
                None => return,
            };
        }
    }

    /// Gives events to a process until it fails, and says why; nothing when it is not wanted any more. Nothing of it runs afterwards.
    async fn serve(&self, harness: &Arc<Harness>, mut process: Process) -> Option<Failure> {
        loop {
            let delivery = tokio::select! {
                biased;
                () = self.leaving() => {
                    process.live.end().await;
                    return None;
                }
                reason = process.live.over() => {
                    let complaints = process.live.complaints();
                    process.live.end().await;
                    return Some(Failure { reason, complaints });
                }
                delivery = self.queue.next() => delivery,
            };
            let given = tokio::select! {
                given = self.give(harness, &process, delivery) => given,
                () = self.stopped.cancelled() => {
                    process.live.end().await;
                    return None;
                }
            };
            let reason = match given {
                After::Well => continue,
                After::Ended(reason) => {
                    let complaints = process.live.complaints();
                    process.live.end().await;
                    return Some(Failure { reason, complaints });
                }
                After::TooSlow(reason) => reason,
            };
            let complaints = process.live.complaints();
            process.live.end_after_notice().await;
            return Some(Failure { reason, complaints });
        }
    }

    async fn give(
        &self,
        harness: &Arc<Harness>,
        process: &Process,
        mut delivery: Delivery,
    ) -> After {
        delivery.turn().await;
        let Delivery {
            event,
            limit,
            handler,
            ..
        } = &delivery;
        let name = event.name.as_str();
        let passes = harness.extensions.door().map(|door| &door.passes);
        let admission = passes.zip(event.place.session_id.as_deref());
        let admission = admission
            .map(|(passes, session)| passes.admit(&process.pass, &self.agent_id.0, session));
        let told = Told {
            event: name,
            payload: &event.payload,
            handler: handler.as_deref(),
        };
        let answer = process.live.handle(told, *limit).await;
        drop(admission);
        match answer {
            Ok(content) => {
                for reply in reply::read(content.as_ref()) {
                    harness.perform(self, event, reply).await;
                }
                After::Well
            }
            Err(Trouble::Said(said)) => {
                let message = say!("reason.extension.handler_error", event = name, said);
                self.error("handler_error", &message);
                After::Well
            }
            Err(Trouble::Gone(reason)) => {
                let message = say!("reason.extension.gone_during", event = name, reason => reason);
                self.error("handler_error", &message);
                After::Ended(message)
            }
            Err(Trouble::TooSlow) => {
                let milliseconds = limit.as_millis();
                let message = say!("reason.extension.too_slow", event = name, milliseconds);
                self.error("handler_error", &message);
                After::TooSlow(message)
            }
        }
    }

    fn error(&self, code: &'static str, message: &Sentence) {
        self.diary.note(Level::Error, code, message.to_string());
    }

    /// Tells why the process is gone, and starts another one after a pause.
    async fn again(
        &self,
        harness: &Arc<Harness>,
        launch: &Launch,
        mut failure: Failure,
        pause: &mut Duration,
    ) -> Option<Process> {
        loop {
            let until = Utc::now() + *pause;
            self.set(Doing::Waiting { until });
            self.tell(harness, failure, until).await;
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = self.leaving() => return None,
            }
            *pause = (*pause * 2).min(LONGEST_PAUSE);
            let started = tokio::select! {
                started = launch.start() => started,
                // What has just been started ends with its pipes.
                () = self.leaving() => return None,
            };
            failure = match started {
                Ok((process, registrations)) if registrations == self.registrations => {
                    self.set(Doing::Running);
                    return Some(process);
                }
                Ok((process, _)) => {
                    process.live.end().await;
                    Failure::of(say!("reason.extension.registers_otherwise"))
                }
                Err(fault) => Failure::of(fault.message),
            };
        }
    }

    async fn tell(&self, harness: &Arc<Harness>, failure: Failure, retry_at: DateTime<Utc>) {
        let reason = failure.reason.to_string();
        tracing::warn!(extension = %self.agent_id, reason, "an extension's process is gone");
        let complaints = Some(failure.complaints).filter(|it| !it.is_empty());
        self.diary
            .write(Level::Error, "process_ended", reason.clone(), complaints);
        let event = Event::ExtensionEnded {
            agent_id: self.agent_id.clone(),
            reason,
            retry_at,
        };
        let told = harness.decide(self.agent_id.actor(), move |_| Ok((vec![event], ())));
        if let Err(refused) = told.await {
            tracing::error!(message = %refused.message, "the end of an extension's process is not on record");
        }
    }
}

/// Why a process is gone, and what it complained about.
struct Failure {
    reason: Sentence,
    complaints: String,
}

impl Failure {
    fn of(reason: Sentence) -> Self {
        Self {
            reason,
            complaints: String::new(),
        }
    }
}
