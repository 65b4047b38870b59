//! What waits, found from what lives: live sessions, open questions, the queue. What is over costs nothing.

use super::list::{About, List, Scene, digest, first};
use super::{Item, Urgency, Waiting, asks, limits, plans, short, sort, work};
use crate::domain::doing;
use crate::domain::flow::usage::stands_still;
use crate::domain::outcome::Outcome;
use crate::domain::session::{RejectedFile, Session};
use crate::domain::state::State;
use chrono::{DateTime, Utc};

/// Everything that waits for a person, in its order.
pub fn of(scene: &Scene<'_>) -> Vec<Item> {
    let mut list = List {
        scene,
        items: Vec::new(),
    };
    list.house();
    for ask in scene.asks {
        asks::of(&mut list, ask);
    }
    for session in scene.state.live_sessions() {
        list.live(session);
    }
    list.stranded();
    work::results(&mut list);
    work::commits(&mut list);
    work::queue(&mut list);
    limits::of(&mut list);
    let mut items = list.items;
    sort(&mut items);
    items
}

impl List<'_> {
    fn house(&mut self) {
        let house = self.scene.house;
        let none = About::default();
        let stops = Urgency::BlocksSession;
        if let Some(reason) = house.read_only.clone() {
            self.add(stops, "journal", none, Waiting::ReadOnly { reason });
        }
        if let Some((state, reason)) = house.codex.clone() {
            self.add(stops, "codex", none, Waiting::CodexDown { state, reason });
        }
        if let Some(sentence) = house.login.clone() {
            self.add(stops, "codex", none, Waiting::Login { sentence });
        }
        if let Some(statement) = house.trust.clone() {
            let urgency = Urgency::BlocksQueue;
            self.add(urgency, "codex", none, Waiting::Trust { statement });
        }
        if let Some((sha256, statement, lines)) = house.powers.clone() {
            let subject = first(&sha256);
            let waiting = Waiting::Powers {
                sha256,
                statement,
                lines,
            };
            let urgency = match self.waits_for_powers() {
                true => Urgency::BlocksQueue,
                false => Urgency::MayWait,
            };
            self.add(urgency, &subject, none, waiting);
        }
        for (name, sentence) in house.lacks.iter().cloned() {
            let subject = digest(&name);
            let waiting = Waiting::CodexLacks { sentence };
            self.add(Urgency::MayWait, &subject, none, waiting);
        }
        if let Some(sentence) = house.damage.clone() {
            let waiting = Waiting::JournalDamaged { sentence };
            self.add(Urgency::MayWait, "journal", none, waiting);
        }
        for (name, sentence) in house.settings.iter().cloned() {
            let subject = digest(&name);
            let waiting = Waiting::Settings { sentence };
            self.add(Urgency::MayWait, &subject, none, waiting);
        }
        for (duty, sentence) in house.duties.iter().cloned() {
            let subject = duty.clone();
            let waiting = Waiting::DutyFailed { duty, sentence };
            self.add(Urgency::MayWait, &subject, none, waiting);
        }
        if let Some(mode) = house.gate {
            let waiting = Waiting::GateMissing { mode };
            self.add(Urgency::MayWait, "hook", none, waiting);
        }
    }

    fn waits_for_powers(&self) -> bool {
        let state = self.scene.state;
        let queued = state.queue.iter();
        let mut queued = queued.filter_map(|id| state.assignments.get(id));
        queued.any(|assignment| {
            let limits = self.scene.limits;
            let route = limits.routes.get(&assignment.order.department);
            route.unwrap_or(&limits.other).unapproved
        })
    }

    fn live(&mut self, session: &Session) {
        let scene = self.scene;
        let doing = (scene.glimpse)(session.id()).doing;
        let about = About {
            since: doing.since,
            ..About::session(scene.state, session)
        };
        let is_listed = scene
            .asks
            .iter()
            .any(|ask| ask.session_id.as_ref() == Some(session.id()));
        // What it asks is in the list already.
        let waiting = match doing.state {
            _ if is_listed => None,
            doing::State::Waiting { reason, .. } => Some(Waiting::Blocked { notice: reason }),
            // At a limit, which is one item for all.
            _ if stands_still(scene.state, session, &scene.limits.bounds) => None,
            doing::State::Failed { reason: cause }
            | doing::State::RateLimited {
                reason: Some(cause),
                ..
            } => Some(Waiting::TurnFailed { cause }),
            doing::State::Silent { .. } => Some(Waiting::Silent {
                last_activity_at: doing.since,
            }),
            doing::State::Looping { command, times } => Some(Waiting::Looping { command, times }),
            _ => None,
        };
        let id = session.id().as_str();
        if let Some(waiting) = waiting {
            self.add(Urgency::BlocksSession, id, about, waiting);
        }
        if let Some(terminal_id) = session
            .terminal_id
            .clone()
            .filter(|_| session.terminal_elsewhere)
        {
            let about = About::session(scene.state, session);
            let waiting = Waiting::TerminalLeft { terminal_id };
            self.add(Urgency::MayWait, id, about, waiting);
        }
        if session.is_planner() {
            plans::of(self, session);
            self.rejected(session);
            for report in scene.state.fallbacks_to(session.id()) {
                work::fallback(self, report);
            }
        }
    }

    fn rejected(&mut self, planner: &Session) {
        let Some(file) = refused_last(self.scene.state, planner) else {
            return;
        };
        let subject = format!("{}-{}", planner.id(), file.at.timestamp_millis());
        let about = About::session(self.scene.state, planner).since(file.at);
        let waiting = Waiting::FileRejected {
            file: file.file.clone(),
            reason: short(&file.reason),
        };
        self.add(Urgency::MayWait, &subject, about, waiting);
    }

    /// Planners that ended and were not asked to, until a person goes on with them or with another.
    fn stranded(&mut self) {
        let state = self.scene.state;
        let newest = state.newest_planner().map(|it| it.registered_at);
        for planner in state.stranded() {
            let ended = planner.ended_at();
            if newest > ended {
                continue;
            }
            let Some((how, reason)) = planner.outcome().and_then(reason) else {
                continue;
            };
            let about = About {
                since: ended,
                ..About::session(state, planner)
            };
            let waiting = match planner.started_at {
                None => Waiting::StartFailed { reason },
                Some(_) => Waiting::SessionLost { how, reason },
            };
            let id = planner.id().as_str();
            self.add(Urgency::BlocksQueue, id, about, waiting);
        }
    }
}

/// The last file in a planner's mailbox that was not taken: after a better one it is no more than history.
fn refused_last<'a>(state: &State, planner: &'a Session) -> Option<&'a RejectedFile> {
    let file = planner.rejected_files.last()?;
    let plan = planner.plan().map(|plan| plan.reported_at);
    let newer = |at: DateTime<Utc>| at >= file.at;
    let taken = plan.is_some_and(newer)
        || state
            .reports_to(planner.id())
            .any(|report| newer(report.reported_at()));
    (!taken).then_some(file)
}

/// Why a session is over that nobody ended, and the word for it.
pub(crate) fn reason(outcome: &Outcome) -> Option<(&'static str, String)> {
    let reason = match outcome {
        Outcome::Failed { reason } | Outcome::Lost { reason } => reason.clone(),
        Outcome::Exited {
            signal: Some(signal),
            ..
        } => format!("ended by signal {signal}"),
        Outcome::Exited {
            code: Some(code), ..
        } if *code != 0 => format!("exit code {code}"),
        _ => return None,
    };
    Some((outcome.word(), short(&reason)))
}
