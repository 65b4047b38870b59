//! What events do to sessions, to their terminals, and to what they are owed.

use super::index::Keys;
use super::{State, Terminal};
use crate::domain::event::Event;
use crate::domain::ids::{MessageId, SessionId, TerminalId};
use crate::domain::message::{Message, Purpose};
use crate::domain::plan_file::PlanFiles;
use crate::domain::session::{Brief, Outcome, Session, Status};
use crate::domain::steering::{OwnReview, OwnReviews};
use chrono::{DateTime, Utc};
use std::sync::Arc;

impl State {
    pub(super) fn register(&mut self, at: DateTime<Utc>, brief: &Brief) {
        let session = Session::new(brief.clone(), at);
        let before = self.session(&brief.id).map(Keys::of);
        self.index.session(&session, before.unwrap_or_default());
        self.sessions.insert(brief.id.clone(), session);
        self.review_goes_on(&brief.id);
    }

    /// The one way to change a session.
    pub(super) fn with_session(&mut self, id: &SessionId, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.get_mut(id) {
            let before = Keys::of(session);
            change(session);
            self.index.session(session, before);
        }
    }

    pub(super) fn session_started(&mut self, at: DateTime<Utc>, id: &SessionId, pid: Option<u32>) {
        self.driver_works(id);
        self.with_session(id, |session| {
            // A program that ends at once is closed before its start is recorded; it must not get its pid back.
            if session.status != Status::Starting {
                return;
            }
            session.status = Status::Running;
            session.started_at = Some(at);
            session.pid = pid;
        });
    }

    pub(super) fn session_resumed(&mut self, id: &SessionId) {
        // While it was over its planner may have been replaced; only live children moved along then.
        let parent = self
            .session(id)
            .and_then(|session| session.brief.parent_session_id.as_ref())
            .map(|parent| self.current_planner(parent).clone());
        self.with_session(id, |session| {
            session.brief.parent_session_id = parent;
            session.status = Status::Starting;
            session.reminders = 0;
            session.reminded_at = None;
            session.own_reviews = OwnReviews::default();
        });
        if let Some(report) = self.session(id).and_then(|it| it.report_id.clone()) {
            self.with_report(&report, |report| report.bare = 0);
        }
        self.review_goes_on(id);
        self.usage.stops.forget(id);
    }

    pub(super) fn session_closed(&mut self, at: DateTime<Utc>, id: &SessionId, outcome: &Outcome) {
        self.with_session(id, |session| {
            let outcome = outcome.clone();
            session.status = Status::Closed { outcome, at };
            session.pid = None;
        });
        self.begin_second_look(id);
        self.usage.stops.forget(id);
    }

    /// Another planner takes over: plans, files beside them, children, queue and unread results go along.
    pub(super) fn replace_planner(&mut self, old: &SessionId, new: &SessionId) {
        let mut moved = (Vec::new(), PlanFiles::default());
        self.with_session(old, |session| {
            session.replaced_by = Some(new.clone());
            moved = (session.plans.clone(), session.plan_files.clone());
        });
        self.with_session(new, |session| {
            (session.plans, session.plan_files) = moved;
        });
        self.usage.planner_replaced(old, new);
        let live = self.children(old).filter(|session| session.is_live());
        for id in Vec::from_iter(live.map(|session| session.id().clone())) {
            self.with_session(&id, |session| {
                session.brief.parent_session_id = Some(new.clone());
            });
        }
        for id in &self.queue {
            if let Some(assignment) = self.assignments.get_mut(id)
                && assignment.order.parent_session_id == *old
            {
                assignment.order.parent_session_id = new.clone();
            }
        }
        let open = self
            .reports_to(old)
            .filter(|report| !report.read || report.holds_queue());
        for id in Vec::from_iter(open.map(|report| report.report_id.clone())) {
            self.with_report(&id, |report| {
                let newest = report.revisions.last_mut();
                let (_, newest) = newest.expect("a report has at least one revision");
                Arc::make_mut(newest).parent_session_id = new.clone();
            });
        }
    }

    /// A review by Codex that a session asked for itself goes its way.
    pub(super) fn own_review(&mut self, event: &Event) {
        let (id, open) = match event {
            Event::CodexReviewAsked { session_id, target } => {
                (session_id, Some(OwnReview::Waits(target.clone())))
            }
            Event::CodexReviewBegun { session_id } => (session_id, Some(OwnReview::Begun)),
            Event::CodexReviewEnded { session_id, .. } => (session_id, None),
            _ => return,
        };
        let is_new = matches!(event, Event::CodexReviewAsked { .. });
        self.with_session(id, |session| {
            session.own_reviews.asked += u32::from(is_new);
            session.own_reviews.open = open;
        });
    }

    /// A person said something to a session, or did something to it: it may stand still because of that, so reminders count anew.
    pub(super) fn person_acted(&mut self, id: &SessionId) {
        self.with_session(id, |session| session.reminders = 0);
    }

    pub(super) fn owe(&mut self, message: Message) {
        if matches!(message.purpose, Purpose::Input | Purpose::Later) {
            self.person_acted(&message.session_id);
        }
        self.owe_no_more(&message.message_id);
        self.index.owed(&message);
        self.messages.insert(message.message_id.clone(), message);
    }

    pub(super) fn owe_no_more(&mut self, id: &MessageId) {
        if let Some(message) = self.messages.remove(id) {
            self.index.owed_no_more(&message);
        }
    }

    pub(super) fn terminal_started(&mut self, terminal: Terminal) {
        let id = &terminal.terminal_id;
        if let (Some(session), false) = (&terminal.session_id, terminal.preview) {
            self.with_session(session, |session| {
                session.terminal_id = Some(id.clone());
                session.terminal_elsewhere = false;
            });
        }
        self.terminals.insert(id.clone(), terminal);
    }

    /// A session's terminal shows another thread, or its own again.
    pub(super) fn terminal_turned(&mut self, id: &SessionId, terminal: &TerminalId, away: bool) {
        self.with_session(id, |session| {
            if session.terminal_id.as_ref() == Some(terminal) {
                session.terminal_elsewhere = away;
            }
        });
    }

    pub(super) fn terminal_closed(&mut self, id: &TerminalId) {
        let closed = self.terminals.remove(id);
        let Some(session) = closed.and_then(|terminal| terminal.session_id) else {
            return;
        };
        self.with_session(&session, |session| {
            if session.terminal_id.take_if(|open| open == id).is_some() {
                session.terminal_elsewhere = false;
            }
        });
    }
}
