//! The work behind what is staged: the plans whose departments' changes are in it, what became of each assignment, and
//! whose each changed file is.

use super::{EvidenceView, PlanView, ResultView};
use crate::domain::assignment::{Assignment, AssignmentState};
use crate::domain::conformance::ScopeStatus;
use crate::domain::evidence::{self, Verdict};
use crate::domain::ids::{AssignmentId, SessionId};
use crate::domain::language::Language;
use crate::domain::provenance::{self, Touch, Work};
use crate::domain::report::ChangedFile;
use crate::domain::result::TaskResult;
use crate::domain::state::State;
use crate::gate::review::{Review, SnapshotEntry};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One plan, or the work that a person started by hand, with everything that was confirmed of it.
#[derive(Debug, Clone, Serialize)]
pub struct PlanWork {
    /// The planner that stands for it now.
    pub session_id: SessionId,
    /// The plan; null for work that was started by hand.
    pub plan: Option<PlanView>,
    /// What was confirmed, oldest first.
    pub assignments: Vec<AssignmentWork>,
}

/// One assignment and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct AssignmentWork {
    /// Its id.
    pub assignment_id: AssignmentId,
    /// What the plan calls it.
    pub plan_line: Option<String>,
    /// Its department.
    pub department: String,
    /// What it was asked to do.
    pub task: String,
    /// `queued`, `cancelled`, or its session's status.
    pub status: &'static str,
    /// The session that does it.
    pub session_id: Option<SessionId>,
    /// Its report, with what zhongshu found out.
    pub result: Option<ResultView>,
    /// Each verify command that was confirmed, run or not.
    pub verify: Vec<VerifyView>,
    /// Changed files of the review that are its own, or may be.
    pub staged: Vec<String>,
    /// Those of them that are staged otherwise than they were at its end.
    pub changed_since: Vec<String>,
}

/// One verify command: what the report says of it, and what was seen.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyView {
    /// The command as it was confirmed.
    pub command: String,
    /// What the report says about it.
    pub claim: Option<String>,
    /// `confirmed`, `refuted`, `holds`, `fails` or `not_run`.
    pub verdict: Verdict,
    /// What was seen; null when zhongshu did not run it.
    pub run: Option<EvidenceView>,
}

/// Whose one changed file is.
#[derive(Debug, Clone, Serialize)]
pub struct Whose {
    /// From the repository's root.
    pub path: String,
    /// Everybody who changed it; empty when no department is known to have.
    pub by: Vec<Author>,
}

/// A department that changed a file, or may have.
#[derive(Debug, Clone, Serialize)]
pub struct Author {
    /// Its assignment.
    pub assignment_id: AssignmentId,
    /// The department.
    pub department: String,
    /// `seen` by zhongshu, `said` by its report alone, or `at_work` on its files and not done.
    pub how: &'static str,
    /// Where the file stands against its assignment; null when that was not compared.
    pub standing: Option<ScopeStatus>,
    /// Sessions that may have changed it instead.
    pub ambiguous_with: Vec<SessionId>,
    /// Whether what is staged is another content than it had at the department's end; null when that is not known.
    pub changed_since: Option<bool>,
}

/// What was found of all work that may lie in the next commit, to be compared with what is staged.
pub fn seen(state: &State) -> BTreeSet<SnapshotEntry> {
    let works = provenance::work(state);
    let files = works.iter().flat_map(Work::seen);
    files
        .filter_map(|file| {
            Some(SnapshotEntry {
                path: file.path.clone(),
                content: file.content.clone()?,
            })
        })
        .collect()
}

/// The work behind what is staged, out of all that may lie in the next commit, and whose each changed file is.
pub fn of(
    state: &State,
    works: &[Work<'_>],
    review: &Review,
    language: Language,
) -> (Vec<PlanWork>, Vec<Whose>) {
    let whose: Vec<Whose> = review
        .report
        .changed_files
        .iter()
        .map(|file| Whose::of(file, works, review))
        .collect();
    let mut plans: BTreeMap<(SessionId, Option<u32>), Vec<&Assignment>> = BTreeMap::new();
    let is_in_it = |work: &&Work<'_>| {
        let mut authors = whose.iter().flat_map(|file| &file.by);
        authors.any(|author| author.assignment_id == work.assignment.order.assignment_id)
    };
    for work in works.iter().filter(is_in_it) {
        plans.entry(plan_of(state, work.assignment)).or_default();
    }
    for assignment in state.assignments.values() {
        if let Some(list) = plans.get_mut(&plan_of(state, assignment)) {
            list.push(assignment);
        }
    }
    let plans = plans.into_iter().map(|((planner, version), list)| {
        let known = version.and_then(|version| {
            let mut plans = state.session(&planner)?.plans.iter();
            plans.find(|plan| plan.version == version)
        });
        PlanWork {
            plan: known.map(|plan| PlanView::of(plan, language)),
            assignments: list
                .into_iter()
                .map(|assignment| AssignmentWork::of(state, assignment, &whose))
                .collect(),
            session_id: planner,
        }
    });
    (plans.collect(), whose)
}

/// The plan of an assignment, by the planner that stands for it now.
fn plan_of(state: &State, assignment: &Assignment) -> (SessionId, Option<u32>) {
    let order = &assignment.order;
    let planner = state.current_planner(&order.parent_session_id);
    (planner.clone(), order.plan_version)
}

impl Whose {
    fn of(file: &ChangedFile, works: &[Work<'_>], review: &Review) -> Self {
        let by = works.iter().filter_map(|work| {
            // A renamed file is also whose it was under its former name.
            let old = || file.old_path.as_deref().and_then(|old| work.touch(old));
            let touch = work.touch(&file.path).or_else(old)?;
            Some(Author::of(work, touch, review))
        });
        Self {
            path: file.path.clone(),
            by: by.collect(),
        }
    }
}

impl Author {
    fn of(work: &Work<'_>, touch: Touch<'_>, review: &Review) -> Self {
        let order = &work.assignment.order;
        let seen = match touch {
            Touch::Seen(file) => Some(file),
            Touch::Said | Touch::AtWork => None,
        };
        let changed_since = seen.and_then(|file| {
            // What was found since the repository was read is compared the next time.
            let contents = review.compared.get(&file.path)?;
            contents.get(file.content.as_ref()?).map(|is_same| !is_same)
        });
        Self {
            assignment_id: order.assignment_id.clone(),
            department: order.department.clone(),
            how: match touch {
                Touch::Seen(_) => "seen",
                Touch::Said => "said",
                Touch::AtWork => "at_work",
            },
            standing: seen.map(|file| file.standing),
            ambiguous_with: seen.map_or_else(Vec::new, |file| file.ambiguous_with.clone()),
            changed_since,
        }
    }
}

impl AssignmentWork {
    fn of(state: &State, assignment: &Assignment, whose: &[Whose]) -> Self {
        let order = &assignment.order;
        let session = match &assignment.state {
            AssignmentState::Dispatched { session_id } => state.session(session_id),
            AssignmentState::Queued | AssignmentState::Cancelled => None,
        };
        let report = session.and_then(|session| state.report_of(session));
        let own = |keep: &dyn Fn(&Author) -> bool| {
            let is_own = |it: &Author| it.assignment_id == order.assignment_id && keep(it);
            let files = whose.iter().filter(|file| file.by.iter().any(is_own));
            files.map(|file| file.path.clone()).collect()
        };
        Self {
            assignment_id: order.assignment_id.clone(),
            plan_line: order.plan_line.clone(),
            department: order.department.clone(),
            task: order.task.clone(),
            status: match (&assignment.state, session) {
                (AssignmentState::Cancelled, _) => "cancelled",
                (_, Some(session)) => session.status_word(),
                (_, None) => "queued",
            },
            session_id: session.map(|session| session.id().clone()),
            result: report.map(ResultView::of),
            verify: VerifyView::all(&order.verify, report),
            staged: own(&|_| true),
            changed_since: own(&|author| author.changed_since == Some(true)),
        }
    }
}

impl VerifyView {
    fn all(commands: &[String], report: Option<&TaskResult>) -> Vec<Self> {
        let views = commands.iter().enumerate().map(|(index, command)| {
            let findings = report.map(|report| &report.current().findings);
            let run = report.and_then(|report| report.evidence.get(index));
            let seen = run
                .zip(findings)
                .map(|(run, said)| EvidenceView::of(run, said));
            let claim = findings.and_then(|said| evidence::claim(command, &said.verifications_run));
            Self {
                command: command.clone(),
                claim: claim.map(ToOwned::to_owned),
                verdict: seen.as_ref().map_or(Verdict::NotRun, |seen| seen.verdict),
                run: seen,
            }
        });
        views.collect()
    }
}
