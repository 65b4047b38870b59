//! What a file becomes: one decision per file, made against the newest state inside `Ledger::transact`.
//!
//! Pure. A refusal is an event as well, so that a person sees what was not taken and why.

use super::parse::Parsed;
use super::receipts::Receipt;
use crate::domain::event::Event;
use crate::domain::flow::plan_files::{self, InFile};
use crate::domain::flow::results::{self, Submission};
use crate::domain::flow::{Catalog, plan_reviews, plans};
use crate::domain::ids::SessionId;
use crate::domain::plan::{Checked, PlanFinding, Proposal, Source};
use crate::domain::refusal::Refusal;
use crate::domain::result::Written;
use crate::domain::sentence::say;
use crate::domain::session::NotTaken;
use crate::domain::shown::shown_line;
use crate::domain::state::State;
use chrono::{DateTime, Utc};

/// A file that was read and is old enough to count. What it says is here alone, and moves on from here.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Which file it is.
    pub file: Origin,
    /// What it says, or why it can say nothing.
    pub content: Result<Parsed, String>,
    /// What the plan checks found, when it is a plan; see [`Candidate::look_at`].
    pub findings: Vec<PlanFinding>,
}

/// Where words came from.
#[derive(Debug)]
pub(super) struct Origin {
    /// The planner in whose mailbox it was.
    pub planner: SessionId,
    /// The name that it will have in the archive, as text.
    pub file: String,
    /// The name that it will have among the rejected files, as text, should it not be taken.
    pub rejected_as: String,
    /// Digest of its bytes.
    pub sha256: String,
    /// Proof of who wrote it.
    pub receipt: Option<Receipt>,
    /// When its bytes were last written.
    pub modified_at: DateTime<Utc>,
    /// When it got its name: the order in which its writer meant it.
    pub written_at: DateTime<Utc>,
}

impl Candidate {
    /// Checks a plan, before the journal's thread decides about it. May take a while.
    pub(super) fn look_at(&mut self, catalog: &Catalog) {
        if let Ok(Parsed::Plan { proposal, .. }) = &self.content {
            self.findings = catalog.found_in(proposal);
        }
    }

    /// Who is recorded as having caused what follows.
    pub(super) fn actor(&self) -> String {
        let writer = self.file.receipt.as_ref();
        writer.map_or_else(|| "mailbox".to_owned(), |it| it.session_id.to_string())
    }
}

/// What is to be done with a file now that the journal knows about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was taken, now or before.
    Archive,
    /// It was not taken, for this reason.
    Reject(String),
}

/// Decides about one file.
pub(super) fn decide(
    state: &State,
    catalog: &Catalog,
    candidate: Candidate,
) -> (Vec<Event>, Verdict) {
    let Candidate {
        file: mut origin,
        content,
        findings,
    } = candidate;
    let (planner, file) = (
        origin.planner.clone(),
        std::mem::take(&mut origin.rejected_as),
    );
    let outcome = content.and_then(|parsed| {
        let taken = take(state, catalog, origin, parsed, findings);
        taken.map_err(|refusal| refusal.to_string())
    });
    outcome.unwrap_or_else(|reason| {
        let reason = shown_line(&reason).into_owned();
        let event = Event::MailboxFileRejected {
            session_id: planner,
            file: NotTaken::File(file),
            reason: reason.clone(),
        };
        (vec![event], Verdict::Reject(reason))
    })
}

fn take(
    state: &State,
    catalog: &Catalog,
    origin: Origin,
    parsed: Parsed,
    findings: Vec<PlanFinding>,
) -> Result<(Vec<Event>, Verdict), Refusal> {
    // The state, not the receipt, says whose thread it is: a receipt may be older than what is known now.
    let writer = origin
        .receipt
        .as_ref()
        .and_then(|receipt| state.session_of_thread(&receipt.thread_id))
        .map(|session| session.id().clone());
    match parsed {
        Parsed::Plan { claimed, proposal } => {
            check_planner(state, &origin, claimed, writer.as_ref())?;
            if is_in(state, &origin, &proposal) {
                return Ok((Vec::new(), Verdict::Archive));
            }
            let source = match writer {
                Some(_) => Source::Tool,
                None => Source::Mailbox,
            };
            let report = plans::Reported {
                checked: Checked { proposal, findings },
                source,
                written_at: Some(origin.written_at),
            };
            let file = InFile {
                file: origin.file,
                sha256: origin.sha256,
            };
            let planner = &origin.planner;
            let (events, ()) = plan_files::come_in(state, catalog, planner, report, file)?;
            Ok((events, Verdict::Archive))
        }
        Parsed::Result {
            parent_session_id,
            department_session_id,
            department,
            number,
            findings: said,
        } => {
            let written = Written {
                at: origin.written_at,
                number,
            };
            let wish = Submission {
                written,
                mailbox_of: origin.planner,
                parent_session_id,
                department_session_id: department_session_id.clone(),
                department,
                findings: said,
                written_by: writer,
                file: origin.file,
                sha256: origin.sha256,
            };
            let (events, _) = results::take(state, catalog, wish)?;
            Ok((events, Verdict::Archive))
        }
        Parsed::Verdict {
            parent_session_id,
            department_session_id,
            opinion,
        } => {
            let wish = plan_reviews::Submission {
                mailbox_of: origin.planner,
                parent_session_id,
                department_session_id,
                opinion,
                written_by: writer,
                file: origin.file,
                sha256: origin.sha256,
            };
            let (events, ()) = plan_reviews::take(state, catalog, wish)?;
            Ok((events, Verdict::Archive))
        }
    }
}

/// A plan speaks for the planner of its folder; whoever claims or proves to be another is refused.
fn check_planner(
    state: &State,
    origin: &Origin,
    claimed: Option<(&'static str, SessionId)>,
    writer: Option<&SessionId>,
) -> Result<(), Refusal> {
    let planner = state.current_planner(&origin.planner);
    if let Some((field, claimed)) = &claimed
        && state.current_planner(claimed) != planner
    {
        let message = say!(
            "refusal.foreign_mailbox",
            field,
            claimed,
            planner = origin.planner
        );
        return Err(Refusal::forbidden("not_yours", message));
    }
    if let Some(writer) = writer
        && state.current_planner(writer) != planner
    {
        let message = say!("refusal.foreign_plan", writer, planner);
        return Err(Refusal::forbidden("not_yours", message));
    }
    Ok(())
}

/// Whether this file's plan was registered before a crash kept the file from being put away: the same plan, registered
/// after the file was last written. The same plan in a newer file is a new proposal.
fn is_in(state: &State, origin: &Origin, proposal: &Proposal) -> bool {
    let planner = state.session(state.current_planner(&origin.planner));
    let sha256 = proposal.sha256();
    planner.is_some_and(|planner| {
        planner
            .plans
            .iter()
            .any(|plan| plan.sha256 == sha256 && plan.reported_at >= origin.modified_at)
    })
}
