//! Reviews: what is staged with its differences, and a person's yes or no to exactly that.

use crate::domain::blank;
use crate::domain::flow::reviews;
use crate::domain::language::Language;
use crate::domain::provenance;
use crate::domain::report::Report;
use crate::domain::review::{
    Approval, Candidate, CommitSeen, Decision, GateMode, GitId, Rejection, ReviewStatus,
    RiskCounts, Said, Staged,
};
use crate::domain::sentence::{Sentence, say};
use crate::gate::review::{Obstacle, Review, Wanted};
use crate::gate::strictness::in_force;
use crate::git::diff::{FileDiff, OVERVIEW, WHOLE_FILE};
use crate::web::app::App;
use crate::web::body::{Body, Query};
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done, Success};
use crate::web::views::work::{self, PlanWork, Whose};
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What stands between a person and the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing is staged.
    Nothing,
    /// Nobody has said anything about it.
    Open,
    /// Something else was approved; it changed since.
    Changed,
    /// It was approved.
    Approved,
    /// It was rejected.
    Rejected,
    /// It cannot be approved as it is.
    Blocked,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionView {
    /// `approved` or `rejected`.
    pub said: &'static str,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// The note, or the reason; an empty text when there is none.
    #[serde(serialize_with = "blank::serialize")]
    pub text: Option<String>,
    /// About which tree.
    pub tree: GitId,
    /// The report that was approved.
    pub report_id: Option<String>,
}

impl DecisionView {
    fn of(decision: &Decision) -> Self {
        let (said, by, text, report_id) = match &decision.said {
            Said::Approved(it) => (
                "approved",
                &it.by,
                it.note.clone(),
                Some(it.report_id.clone()),
            ),
            Said::Rejected(it) => ("rejected", &it.by, Some(it.reason.clone()), None),
        };
        Self {
            said,
            at: decision.at,
            by: by.clone(),
            text,
            tree: decision.staged().tree.clone(),
            report_id,
        }
    }
}

/// How strict the gate is, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateView {
    /// What holds.
    pub mode: GateMode,
    /// What the person set, or what was seen committed.
    pub set: Option<GateMode>,
    /// What the committed `governance.yaml` says.
    pub committed: Option<GateMode>,
    /// What the file on disk says.
    pub on_disk: Option<GateMode>,
    /// Whether the gate stands before every commit; null until somebody has looked.
    pub installed: Option<bool>,
    /// How strict it will be when what is staged is approved, if that changes it.
    pub changes_to: Option<GateMode>,
}

/// A commit that nobody approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnapprovedView {
    /// When it was seen.
    pub at: DateTime<Utc>,
    /// What it is.
    #[serde(flatten)]
    pub seen: CommitSeen,
}

/// `GET /api/review`.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewView {
    /// What is to be done.
    pub stage: Stage,
    /// Why it cannot be approved, when that is so.
    pub obstacle: Option<String>,
    /// The tree that a commit would take.
    pub tree: Option<GitId>,
    /// The tree of HEAD.
    pub base_tree: Option<GitId>,
    /// Whether the commit would be a merge.
    pub merging: bool,
    /// The last word about it, or, when it changed, about what it was.
    pub decision: Option<DecisionView>,
    /// Confirmed plans that it belongs to.
    pub plans: Vec<String>,
    /// The plans whose departments' changes are in it, with what became of each assignment.
    pub work: Vec<PlanWork>,
    /// Whose each changed file is, in the report's order.
    pub whose: Vec<Whose>,
    /// The report about it.
    pub report: Report,
    /// The differences.
    pub files: Vec<FileDiff>,
    /// The gate.
    pub gate: GateView,
    /// Commits that went around it and wait for the person.
    pub unapproved_commits: Vec<UnapprovedView>,
}

/// Looks at everything about a review at one moment.
pub fn view(app: &App, review: Review, language: Language) -> ReviewView {
    let guarded = *app.guarded.borrow();
    let ledger = &app.agents.core.ledger;
    ledger.read(|state| assemble(state, guarded, review, language))
}

/// What is staged, beside what was said about it. `guarded` says whether the gate stands before every commit.
pub fn assemble(
    state: &crate::domain::state::State,
    guarded: Option<bool>,
    review: Review,
    language: Language,
) -> ReviewView {
    let paths: Vec<String> = paths(&review);
    let works = provenance::work(state);
    let (work, whose) = work::of(state, &works, &review, language);
    let reviews = &state.reviews;
    let staged = review.staged.as_ref().ok();
    let standing = staged.map(|staged| reviews.standing(candidate(staged)));
    let (stage, decision) = match standing {
        None => (Stage::Blocked, None),
        Some(ReviewStatus::Unchanged) => (Stage::Nothing, None),
        Some(ReviewStatus::Approved(it)) => (Stage::Approved, Some(it)),
        Some(ReviewStatus::Rejected(it, _)) => (Stage::Rejected, Some(it)),
        Some(ReviewStatus::Changed(it)) => (Stage::Changed, Some(it)),
        Some(ReviewStatus::OtherBase(_) | ReviewStatus::Unseen) => (Stage::Open, None),
    };
    ReviewView {
        stage,
        obstacle: review
            .staged
            .as_ref()
            .err()
            .map(|it| sentence(it).text(language)),
        tree: staged.map(|staged| staged.tree.clone()),
        base_tree: staged.and_then(|staged| staged.base_tree.clone()),
        merging: review.merging,
        decision: decision.map(DecisionView::of),
        plans: provenance::plans_of(&works, &paths),
        work,
        whose,
        gate: GateView {
            mode: in_force(reviews.pinned, &review.statements),
            set: reviews.pinned,
            committed: review.statements.head.mode(),
            on_disk: review.statements.disk.mode(),
            installed: guarded,
            changes_to: review.gate_change,
        },
        unapproved_commits: unapproved(state),
        report: review.report,
        files: review.files,
    }
}

/// Commits that wait for the person, newest first.
pub fn unapproved(state: &crate::domain::state::State) -> Vec<UnapprovedView> {
    let waiting = state.reviews.unreviewed().iter().rev();
    waiting
        .map(|(at, seen)| UnapprovedView {
            at: *at,
            seen: seen.clone(),
        })
        .collect()
}

fn candidate(staged: &Staged) -> Candidate<'_> {
    Candidate {
        tree: &staged.tree,
        base: staged.base_tree.as_ref(),
    }
}

fn paths(review: &Review) -> Vec<String> {
    let files = review.report.changed_files.iter();
    files.map(|file| file.path.clone()).collect()
}

fn sentence(obstacle: &Obstacle) -> Sentence {
    match obstacle {
        Obstacle::Unmerged => {
            say!("refusal.unresolved_merge")
        }
        Obstacle::Contradicted => {
            say!("refusal.index_forged")
        }
        Obstacle::Unreadable(reason) => say!("refusal.index_unusable", reason),
    }
}

#[derive(Debug, Deserialize)]
pub struct ReviewQuery {
    #[serde(default)]
    pub file: Option<usize>,
    #[serde(default)]
    pub brief: Option<String>,
}

impl ReviewQuery {
    /// Which differences are asked for.
    pub fn wanted(&self) -> Option<Wanted> {
        if self.brief.is_some() {
            return None;
        }
        Some(match self.file {
            Some(file) => Wanted {
                limits: WHOLE_FILE,
                only: Some(file),
            },
            None => Wanted {
                limits: OVERVIEW,
                only: None,
            },
        })
    }
}

pub async fn review(
    State(app): State<App>,
    _: RequirePerson,
    Query(look): Query<ReviewQuery>,
) -> Result<Success<ReviewView>, ApiError> {
    let language = app.agents.core.policy().catalog.language;
    let review = app.review(language, look.wanted()).await?;
    Ok(Success(view(&app, review, language)))
}

#[derive(Debug, Deserialize)]
pub struct Approve {
    tree: GitId,
    report_digest: String,
    #[serde(default)]
    note: String,
}

pub async fn approve(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Approve>,
) -> Result<Success<Approval>, ApiError> {
    let language = app.agents.core.policy().catalog.language;
    let review = app.review(language, None).await?;
    let staged = still(&review, &wish.tree)?.clone();
    if review.report.digest != wish.report_digest {
        return Err(changed());
    }
    let counts = &review.report.counts;
    let paths = paths(&review);
    let mut approval = Approval {
        staged,
        report_id: review.report.id.clone(),
        report_digest: wish.report_digest,
        files: counts.files,
        risks: RiskCounts {
            high: counts.risks_high,
            medium: counts.risks_medium,
            low: counts.risks_low,
        },
        plans: Vec::new(),
        note: blank::some(wish.note.trim()),
        by: caller.actor(),
    };
    let gate = review.gate_change;
    let approved = app
        .agents
        .core
        .decide(caller.actor(), move |state| {
            approval.plans = provenance::plans_of(&provenance::work(state), &paths);
            reviews::approve(state, approval, gate)
        })
        .await?;
    Ok(Success(approved))
}

#[derive(Debug, Deserialize)]
pub struct Reject {
    tree: GitId,
    reason: String,
}

/// What was rejected.
#[derive(Debug, Serialize)]
pub struct RejectedTree {
    tree: GitId,
}

pub async fn reject(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Reject>,
) -> Result<Success<RejectedTree>, ApiError> {
    let language = app.agents.core.policy().catalog.language;
    let review = app.review(language, None).await?;
    let paths = paths(&review);
    let mut rejection = Rejection {
        plans: Vec::new(),
        staged: still(&review, &wish.tree)?.clone(),
        reason: wish.reason.trim().to_owned(),
        by: caller.actor(),
    };
    app.agents
        .core
        .decide(caller.actor(), move |state| {
            rejection.plans = provenance::plans_of(&provenance::work(state), &paths);
            reviews::reject(state, rejection)
        })
        .await?;
    Ok(Success(RejectedTree { tree: wish.tree }))
}

/// What is staged, if it is still what the person saw.
///
/// # Errors
/// When it changed since, or cannot be approved.
pub fn still<'a>(review: &'a Review, tree: &GitId) -> Result<&'a Staged, ApiError> {
    match &review.staged {
        Ok(staged) if staged.tree == *tree => Ok(staged),
        Ok(_) => Err(changed()),
        Err(Obstacle::Unmerged) => Err(ApiError::conflict(
            "unresolved_merge",
            sentence(&Obstacle::Unmerged),
        )),
        Err(obstacle) => Err(ApiError::conflict("index_unusable", sentence(obstacle))),
    }
}

fn changed() -> ApiError {
    ApiError::conflict("tree_changed", say!("refusal.tree_changed"))
}

#[derive(Debug, Deserialize)]
pub struct AcceptCommit {
    commit: GitId,
    #[serde(default)]
    reason: String,
}

pub async fn accept_commit(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<AcceptCommit>,
) -> Result<Done, ApiError> {
    let reason = blank::some(wish.reason.trim());
    app.agents
        .core
        .decide(caller.actor(), move |state| {
            reviews::accept_commit(state, wish.commit, reason)
        })
        .await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
pub struct SetGate {
    mode: GateMode,
    #[serde(default)]
    reason: String,
}

/// How strict the gate is now.
#[derive(Debug, Serialize)]
pub struct GateSet {
    /// What the person said.
    set: GateMode,
    /// What holds.
    mode: GateMode,
}

pub async fn set_gate(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<SetGate>,
) -> Result<Success<GateSet>, ApiError> {
    let reason = wish.reason.trim().to_owned();
    let mode = wish.mode;
    app.agents
        .core
        .decide(caller.actor(), move |state| {
            reviews::set_gate(state, mode, reason)
        })
        .await?;
    let statements = app.gate_statements().await?;
    // What is committed, or lies on disk, may be stricter than what was just said.
    Ok(Success(GateSet {
        mode: in_force(Some(mode), &statements),
        set: mode,
    }))
}
