//! A small world to decide in: the state, the configuration, and everything that happened, without any I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use zhongshu::core::policy::{Policy, Role};
use zhongshu::domain::assignment::{Assignment, Hold};
use zhongshu::domain::department::{self, Approval, Sandbox};
use zhongshu::domain::doing::Thresholds;
use zhongshu::domain::driver::Driver;
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::holds::Holds;
use zhongshu::domain::flow::plan_reviews::{LineRef, Opinion};
use zhongshu::domain::flow::results::{Submission, Taken};
use zhongshu::domain::flow::{Catalog, Decision, plan_reviews, plans, queue, results, sessions};
use zhongshu::domain::harness::ceilings::Ceilings;
use zhongshu::domain::ids::{AssignmentId, ReportId, SessionId};
use zhongshu::domain::language::Language;
use zhongshu::domain::message::{Message, Purpose};
use zhongshu::domain::plan::{PlannedAssignment, Proposal, Source};
use zhongshu::domain::plan_review::{Judgement, ReviewRule};
use zhongshu::domain::powers::Powers;
use zhongshu::domain::refusal::Refusal;
use zhongshu::domain::result::{Findings, TaskResult, Written};
use zhongshu::domain::session::{Outcome, Session};
use zhongshu::domain::state::State;
use zhongshu::governance::Governance;
use zhongshu::governance::plan_checks::PlanCheckCache;
use zhongshu::paths::Places;
use zhongshu::sessions::briefs;

/// Everything that tests decide in.
pub struct World {
    pub state: State,
    pub policy: Policy,
    pub place: Places,
    /// What happened, each decision as one batch.
    /// Whether what is confirmed from now on has its verify commands run.
    pub run_verify: bool,
    pub batches: Vec<Vec<Event>>,
    /// The same, as it would stand in the journal.
    pub log: Vec<(u64, DateTime<Utc>, Event)>,
    pub now: DateTime<Utc>,
}

impl World {
    /// Nothing happened yet; two slots, as by default.
    pub fn new() -> Self {
        let role = Role {
            driver: Driver::Codex,
            sandbox: Sandbox::WorkspaceWrite,
            approval: Approval::OnRequest,
            model: None,
        };
        let policy = Policy {
            catalog: Catalog {
                departments: department::built_in(),
                models: Some(vec!["large".to_owned(), "small".to_owned()]),
                language: Language::En,
                checker: PlanCheckCache::default().checks(&Arc::new(Governance::default())),
                review: ReviewRule::OFF,
            },
            language_setting: None,
            project: "orchard".to_owned(),
            workflow_doc: "AGENTS.md".to_owned(),
            slots: 2,
            review_limit: None,
            budgets: Default::default(),
            max_terminals: 8,
            thresholds: Thresholds {
                silent_after: Duration::from_secs(120),
                looping_after: 5,
            },
            reminder_grace: Duration::from_secs(60),
            orphan_limit: Duration::from_secs(60),
            run_verify: false,
            verify_limit: Duration::from_secs(60),
            tuis: 4,
            planner: role,
            driver: Driver::Codex,
            department_model: None,
            drivers: BTreeMap::new(),
            named: BTreeMap::new(),
            warning: None,
            state_warning: None,
            notify: Vec::new(),
            allow: Vec::new(),
            ceilings: Ceilings::default(),
            defaults_locked: false,
            tool_call_limit: Duration::from_secs(300),
            queue: zhongshu::domain::harness::switch::Switch::On,
            notify_warning: None,
            governance: Arc::new(Governance::default()),
            offered: None,
            asked: Powers::default(),
            approved: Powers::default(),
        };
        let place = Places {
            repo: PathBuf::from("/repo"),
            state: PathBuf::from("/state"),
            runtime: PathBuf::from("/run/z"),
        };
        Self {
            state: State::default(),
            policy,
            place,
            run_verify: false,
            batches: Vec::new(),
            log: Vec::new(),
            now: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
        }
    }

    /// Decides, and lets happen what follows; a refusal changes nothing.
    pub fn decide<T>(
        &mut self,
        wish: impl FnOnce(&State, &Policy) -> Decision<T>,
    ) -> Result<T, Refusal> {
        let (events, answer) = wish(&self.state, &self.policy)?;
        for event in &events {
            self.happen(event.clone());
        }
        self.batches.push(events);
        Ok(answer)
    }

    /// Lets one thing happen, a second after the last one.
    pub fn happen(&mut self, event: Event) {
        self.now += TimeDelta::seconds(1);
        let seq = self.state.seq + 1;
        self.state.apply(seq, self.now, &event);
        self.log.push((seq, self.now, event));
    }

    /// Everything that happened, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.log.iter().map(|(_, _, event)| event)
    }

    /// A planner that runs.
    pub fn planner(&mut self) -> SessionId {
        let brief = briefs::planner(&self.policy, &self.place, "tidy the orchard", None, None);
        let id = self
            .decide(|state, policy| sessions::start_planner(state, &policy.catalog, brief, None))
            .unwrap();
        self.started(&id);
        id
    }

    /// Its driver accepted the prompt, and shows it.
    pub fn started(&mut self, id: &SessionId) {
        let session = self.session(id).clone();
        self.happen(Event::SessionStarted {
            session_id: id.clone(),
            department: session.brief.department,
            parent_session_id: session.brief.parent_session_id,
            pid: None,
        });
        self.happen(Event::SessionPrompted {
            session_id: id.clone(),
        });
    }

    /// Reports a plan through the API.
    pub fn report_plan(
        &mut self,
        planner: &SessionId,
        proposal: Proposal,
    ) -> Result<plans::PlanReceipt, Refusal> {
        self.decide(|state, policy| {
            let checked = policy.catalog.look_at(proposal);
            let plan = plans::Reported {
                checked,
                source: Source::Api,
                written_at: None,
            };
            plans::report(state, &policy.catalog, planner, plan)
        })
    }

    /// A person confirms these assignments beside the plan with this digest.
    pub fn confirm(
        &mut self,
        planner: &SessionId,
        assignments: Vec<PlannedAssignment>,
        plan_sha256: Option<String>,
    ) -> Result<Vec<AssignmentId>, Refusal> {
        let wish = self.confirmation(planner, assignments, plan_sha256);
        self.confirm_so(wish)
    }

    /// What a person sends to confirm these assignments.
    pub fn confirmation(
        &self,
        planner: &SessionId,
        assignments: Vec<PlannedAssignment>,
        plan_sha256: Option<String>,
    ) -> plans::Confirmation {
        plans::Confirmation {
            parent_session_id: planner.clone(),
            findings: self.policy.catalog.findings(&assignments),
            assignments,
            plan_sha256,
            run_verify: self.run_verify,
            allow_overlap: false,
            override_reason: None,
            by_hand: false,
            request: None,
        }
    }

    /// A person confirms exactly so.
    pub fn confirm_so(&mut self, wish: plans::Confirmation) -> Result<Vec<AssignmentId>, Refusal> {
        let orders = self.decide(|state, policy| plans::confirm(state, &policy.catalog, wish))?;
        Ok(orders
            .into_iter()
            .map(|order| order.assignment_id)
            .collect())
    }

    /// Reports a plan for these departments and confirms it as it is.
    pub fn confirmed(&mut self, planner: &SessionId, departments: &[&str]) -> Vec<AssignmentId> {
        let proposal = proposal(departments);
        let receipt = self.report_plan(planner, proposal.clone()).unwrap();
        self.confirm(planner, proposal.assignments, Some(receipt.plan_sha256))
            .unwrap()
    }

    /// Gives the next assignment to a session, which then runs.
    pub fn dispatch(&mut self) -> Option<SessionId> {
        let (policy, place) = (self.policy.clone(), self.place.clone());
        let brief = self
            .decide(|state, _| {
                queue::dispatch(state, &policy.limits(), |assignment| {
                    briefs::department(&policy, &place, assignment)
                })
            })
            .unwrap()?;
        self.started(&brief.id);
        Some(brief.id)
    }

    /// A department that runs on a plan of this planner.
    pub fn department(&mut self, planner: &SessionId) -> SessionId {
        self.confirmed(planner, &["gongchengbu"]);
        self.dispatch().expect("a slot is free")
    }

    /// The end of a session is seen.
    pub fn close(&mut self, id: &SessionId, outcome: Outcome) {
        self.decide(|state, policy| sessions::close(state, &policy.catalog, id, outcome))
            .unwrap();
    }

    /// Puts a new planner in the place of this one.
    pub fn replace(&mut self, old: &SessionId) -> Result<SessionId, Refusal> {
        let from = self.session(old).clone();
        let brief = briefs::planner(
            &self.policy,
            &self.place,
            &from.brief.task,
            None,
            Some(&from),
        );
        let id = brief.id.clone();
        self.decide(|state, policy| sessions::replace_planner(state, &policy.catalog, old, brief))?;
        self.started(&id);
        Ok(id)
    }

    /// From now on every plan goes to menxia first, which is a program here: it has files alone.
    pub fn reviewed(&mut self, veto_limit: usize) {
        self.policy.catalog.review = ReviewRule {
            required: true,
            veto_limit,
        };
        self.menxia_runs_on(Some("script"));
    }

    /// Sessions of menxia that begin from now on have this driver; `None` is the same as everybody's.
    pub fn menxia_runs_on(&mut self, driver: Option<&str>) {
        let departments = &mut self.policy.catalog.departments;
        for menxia in departments.iter_mut().filter(|it| it.key == "menxia") {
            menxia.driver = driver.map(Driver::from);
        }
    }

    /// Gives the plan of a planner to a menxia session, which then runs.
    pub fn begin_review(&mut self, planner: &SessionId) -> Option<SessionId> {
        let (policy, place) = (self.policy.clone(), self.place.clone());
        let begun = self.decide(|state, _| {
            plan_reviews::begin(state, planner, |planner, plan| {
                briefs::review(&policy, &place, planner, plan)
            })
        });
        let brief = begun.unwrap()?;
        self.started(&brief.id);
        Some(brief.id)
    }

    /// What a verdict file of a session holds: a point for each line, and a reason for a veto.
    pub fn opinion(&self, reviewer: &SessionId, verdict: Judgement) -> plan_reviews::Submission {
        let brief = &self.session(reviewer).brief;
        let parent = brief.parent_session_id.clone().expect("a department");
        let reviewed = brief.review.clone().expect("it reviews a plan");
        let planner = self.session(self.state.current_planner(&parent));
        let mut plans = planner.plans.iter();
        let plan = plans
            .find(|it| it.version == reviewed.plan_version)
            .unwrap();
        let lines = 1..=plan.proposal.assignments.len() as u64;
        let number = self.log.len();
        plan_reviews::Submission {
            mailbox_of: parent.clone(),
            parent_session_id: parent,
            department_session_id: reviewer.clone(),
            opinion: Opinion {
                plan_version: u64::from(reviewed.plan_version),
                plan_sha256: reviewed.plan_sha256,
                verdict,
                checked: lines
                    .map(|line| (LineRef::Number(line), "looked at it".to_owned()))
                    .collect(),
                reasons: match verdict {
                    Judgement::Approve => Vec::new(),
                    Judgement::Veto => vec!["it is too much at once".to_owned()],
                },
            },
            written_by: None,
            file: format!("verdict-{reviewer}.json"),
            sha256: format!("digest {number}"),
        }
    }

    /// A verdict comes in.
    pub fn give(&mut self, verdict: plan_reviews::Submission) -> Result<(), Refusal> {
        self.decide(|state, policy| plan_reviews::take(state, &policy.catalog, verdict))
    }

    /// A session's own file says yes or no.
    pub fn judges(&mut self, reviewer: &SessionId, verdict: Judgement) -> Result<(), Refusal> {
        self.give(self.opinion(reviewer, verdict))
    }

    /// A report comes in.
    pub fn submit(&mut self, submission: Submission) -> Result<Taken, Refusal> {
        self.decide(|state, policy| results::take(state, &policy.catalog, submission))
    }

    /// The session's own tool reports.
    pub fn reports_by_tool(&mut self, id: &SessionId, summary: &str) -> ReportId {
        let submission = by_tool(self.submission(id, summary));
        match self.submit(submission).unwrap() {
            Taken::Registered { report_id, .. } => report_id,
            Taken::Already => panic!("it is a new report"),
        }
    }

    /// What a file in the right mailbox with the right names would bring in.
    pub fn submission(&self, id: &SessionId, summary: &str) -> Submission {
        let brief = &self.session(id).brief;
        let parent = brief.parent_session_id.clone().expect("a department");
        Submission {
            mailbox_of: parent.clone(),
            parent_session_id: parent,
            department_session_id: id.clone(),
            department: brief.department.clone(),
            findings: Findings {
                summary: summary.to_owned(),
                ..Findings::default()
            },
            written_by: None,
            written: Written {
                at: self.now,
                number: None,
            },
            file: format!("result-{id}.json"),
            sha256: format!("digest of {summary}"),
        }
    }

    /// Why an assignment is passed over.
    pub fn hold(&self, id: &AssignmentId) -> Option<Hold> {
        Holds::of(&self.state, &self.policy.limits()).on(self.assignment(id))
    }

    pub fn session(&self, id: &SessionId) -> &Session {
        self.state.session(id).expect("the session exists")
    }

    pub fn assignment(&self, id: &AssignmentId) -> &Assignment {
        &self.state.assignments[id]
    }

    /// The one report of a session.
    pub fn report_of(&self, id: &SessionId) -> &TaskResult {
        self.state
            .report_of(self.session(id))
            .expect("it has a report")
    }

    /// What is owed to a session for a reason.
    pub fn owed(&self, id: &SessionId, purpose: Purpose) -> Vec<&Message> {
        let owed = self.state.owed_to(id).into_iter();
        owed.filter(|message| message.purpose == purpose).collect()
    }

    /// The first prompt of a session.
    pub fn prompt(&self, id: &SessionId) -> String {
        let brief = &self.session(id).brief;
        briefs::prompt(&self.policy, &self.place, &self.state, brief)
    }
}

/// The same report, written by the session's own tool.
pub fn by_tool(mut submission: Submission) -> Submission {
    submission.written_by = Some(submission.department_session_id.clone());
    submission
}

/// Work for one department.
pub fn work(department: &str, task: &str) -> PlannedAssignment {
    PlannedAssignment::new(department, task)
}

/// A plan with one piece of work for each department.
pub fn proposal(departments: &[&str]) -> Proposal {
    Proposal {
        summary: format!("work for {}", departments.join(", ")),
        assignments: departments
            .iter()
            .enumerate()
            .map(|(number, key)| work(key, &format!("task {number}")))
            .collect(),
    }
}

/// Everything in a state, to be compared: field by field, so that a difference is easy to read, and then as it is written down,
/// which leaves out nothing but the lookups.
pub fn assert_same(left: &State, right: &State) {
    let State {
        sessions,
        assignments,
        queue,
        queue_paused,
        faults,
        reports,
        messages,
        terminals,
        trusted,
        powers,
        taken_files,
        unjudged,
        unsettled,
        unverified,
        reviews,
        requests,
        seq,
        ..
    } = left;
    assert_eq!(sessions, &right.sessions);
    assert_eq!(assignments, &right.assignments);
    assert_eq!((queue, queue_paused), (&right.queue, &right.queue_paused));
    assert_eq!(faults, &right.faults);
    assert_eq!(reports, &right.reports);
    assert_eq!(messages, &right.messages);
    assert_eq!(terminals, &right.terminals);
    assert_eq!((trusted, powers), (&right.trusted, &right.powers));
    assert_eq!(seq, &right.seq);
    assert_eq!(taken_files, &right.taken_files);
    assert_eq!((unjudged, unsettled), (&right.unjudged, &right.unsettled));
    assert_eq!(unverified, &right.unverified);
    assert_eq!(reviews, &right.reviews);
    assert_eq!(requests, &right.requests);
    let written = |state| serde_json::to_value(state).unwrap();
    assert_eq!(written(left), written(right));
    assert!(left.is_indexed() && right.is_indexed());
}
