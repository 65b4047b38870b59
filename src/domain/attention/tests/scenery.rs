//! A house with what happened in it, as the list sees it.

use super::super::*;
use crate::domain::ask::{Ask, RequestKey, What, decision::Decision};
use crate::domain::assignment::Order;
use crate::domain::department::{Approval, Sandbox};
use crate::domain::driver::Driver;
use crate::domain::event::Event;
use crate::domain::fault::Route;
use crate::domain::flow::holds::Limits;
use crate::domain::ids::{AskId, AssignmentId, ReportId};
use crate::domain::language::Language;
use crate::domain::plan::{PlannedAssignment, Proposal, Source};
use crate::domain::plan_review::ReviewRule;
use crate::domain::result::{Findings, Revision};
use crate::domain::session::{Brief, Kind, Outcome};
use crate::domain::state::State;
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const PLANNER: &str = "zhongshu-0190000000007000800000000000eeee";
pub(super) const DEPARTMENT: &str = "lingyubu-0190000000007000800000000000ffff";

pub(super) fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

/// A house with what happened in it, one minute apart.
pub(super) struct Scenery {
    pub(super) state: State,
    pub(super) at: DateTime<Utc>,
    pub(super) house: House,
    pub(super) seen: BTreeMap<SessionId, Glimpse>,
    pub(super) asks: Vec<Ask>,
    pub(super) review: ReviewRule,
}

pub(super) fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

impl Scenery {
    pub(super) fn new() -> Self {
        Self {
            state: State::default(),
            at: begin(),
            house: House::default(),
            seen: BTreeMap::new(),
            asks: Vec::new(),
            review: ReviewRule::OFF,
        }
    }

    /// With a planner that runs.
    pub(super) fn planning() -> Self {
        let mut house = Self::new();
        house.session(PLANNER, "zhongshu");
        house
    }

    pub(super) fn happens(&mut self, event: &Event) {
        self.at += TimeDelta::minutes(1);
        let seq = self.state.seq + 1;
        self.state.apply(seq, self.at, event);
        assert!(self.state.is_indexed(), "{event:?}");
    }

    pub(super) fn session(&mut self, name: &str, department: &str) {
        let is_planner = department == "zhongshu";
        self.happens(&Event::SessionRegistered {
            brief: Brief {
                id: id(name),
                session_kind: match is_planner {
                    true => Kind::Zhongshu,
                    false => Kind::Department,
                },
                department: department.to_owned(),
                title: department.to_owned(),
                task: "tidy up".to_owned(),
                files: Vec::new(),
                verify: Vec::new(),
                model: None,
                driver: Driver::Codex,
                sandbox: Sandbox::ReadOnly,
                approval: Approval::OnRequest,
                parent_session_id: (!is_planner).then(|| id(PLANNER)),
                assignment_id: None,
                review: None,
                resumed_from_session_id: None,
                prompt_path: "p".into(),
                log_path: "l".into(),
            },
            request: None,
        });
        self.happens(&Event::SessionStarted {
            session_id: id(name),
            department: department.to_owned(),
            parent_session_id: None,
            pid: None,
        });
    }

    pub(super) fn plan(&mut self, version: u32) {
        self.plan_of(version, vec![PlannedAssignment::new("lingyubu", "do it")]);
    }

    pub(super) fn plan_of(&mut self, version: u32, assignments: Vec<PlannedAssignment>) {
        self.happens(&Event::ZhongshuPlanRegistered {
            session_id: id(PLANNER),
            version,
            plan_sha256: format!("{version:064}"),
            proposal: Arc::new(Proposal {
                summary: "a plan".to_owned(),
                assignments,
            }),
            findings: None,
            source: Source::Tool,
            written_at: None,
        });
    }

    pub(super) fn report(&mut self, revision: u32, source: Source, needs_person: bool) {
        let registered = Arc::new(Revision {
            revision,
            parent_session_id: id(PLANNER),
            department_session_id: id(DEPARTMENT),
            department: "lingyubu".to_owned(),
            findings: Findings {
                summary: "done".to_owned(),
                needs_user_confirmation: needs_person,
                ..Findings::default()
            },
            source,
            verified: true,
            mailbox_file: None,
            sha256: None,
            written: None,
            handoff_packet: "packet".into(),
        });
        let report_id = ReportId::parse("report-1").unwrap();
        self.happens(&Event::ResultRegistered {
            report_id,
            revision: registered,
        });
    }

    pub(super) fn queued(&mut self, name: &str, after: &[&str]) {
        let assignment = |text: &str| AssignmentId::parse(text).unwrap();
        self.happens(&Event::AssignmentQueued {
            order: Order {
                assignment_id: assignment(name),
                parent_session_id: id(PLANNER),
                department: "lingyubu".to_owned(),
                task: "do it".to_owned(),
                model: None,
                files: Vec::new(),
                verify: Vec::new(),
                reason: String::new(),
                plan_version: None,
                run_verify: false,
                plan_line: None,
                after: after.iter().map(|it| assignment(it)).collect(),
                apart_from: Vec::new(),
            },
        });
    }

    pub(super) fn closed(&mut self, name: &str, outcome: Outcome) {
        self.happens(&Event::SessionClosed {
            session_id: id(name),
            outcome,
        });
    }

    pub(super) fn list_in(&self, language: Language) -> Vec<Item> {
        let route = Route {
            driver: Driver::Codex,
            model: None,
            unapproved: false,
        };
        of(&Scene {
            state: &self.state,
            asks: &self.asks,
            house: &self.house,
            glimpse: &|id| self.seen.get(id).cloned().unwrap_or_default(),
            limits: &Limits {
                slots: 2,
                review: Some(1),
                routes: BTreeMap::new(),
                other: route,
                codex_down: None,
                bounds: Default::default(),
            },
            review: self.review,
            title: &str::to_owned,
            first_seen: &|_| begin(),
            language,
            now: self.at,
        })
    }

    pub(super) fn list(&self) -> Vec<Item> {
        self.list_in(Language::En)
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.list().iter().map(|item| item.waiting.kind()).collect()
    }
}

pub(super) fn ask(session: Option<&str>, raised_at: DateTime<Utc>) -> Ask {
    Ask {
        id: AskId::parse("ask-1").unwrap(),
        request_key: RequestKey {
            server: "1".to_owned(),
            request: "0".to_owned(),
        },
        thread_id: "t".to_owned(),
        turn_id: None,
        item_id: None,
        session_id: session.map(id),
        what: What::Command {
            command: "make\u{202e}".to_owned(),
            cwd: Some("/r".to_owned()),
            network: None,
            permissions: None,
            parsed: Vec::new(),
            command_kind: Default::default(),
            approval_id: None,
        },
        why: Some("to build".to_owned()),
        raised_at,
        offered: vec![Decision::Accept, Decision::Decline],
        cut: Vec::new(),
    }
}
