//! Plans that wait for a person, and files beside them.

use super::list::{About, List};
use super::{MAX_FILES, MAX_PLAN_LINES, PlanLine, PlanSeen, Urgency, Waiting, short};
use crate::domain::plan::{Plan, PlanState, PlannedAssignment};
use crate::domain::plan_review::Review;
use crate::domain::session::{Session, Status};

pub(super) fn of(list: &mut List<'_>, planner: &Session) {
    if !matches!(planner.status, Status::Starting | Status::Running) {
        return;
    }
    let state = list.scene.state;
    let about = About::session(state, planner);
    let pending = |plan: &&Plan| plan.state == PlanState::Pending;
    if let Some(plan) = planner.plan().filter(pending)
        && let Some((urgency, waiting)) = waits(list, plan)
    {
        let subject = format!("{}-{}", planner.id(), plan.version);
        list.add(urgency, &subject, about.since(plan.reported_at), waiting);
    }
    for beside in &planner.plan_files.beside {
        let file = &beside.file;
        let digest: String = file.plan_sha256.chars().take(12).collect();
        let waiting = Waiting::PlanFile {
            plan_sha256: file.plan_sha256.clone(),
            summary: short(&file.proposal.summary),
            lines: Shown::default().lines(&file.proposal.assignments),
            why: file.why.word(),
        };
        let subject = format!("{}-{digest}", planner.id());
        list.add(
            Urgency::MayWait,
            &subject,
            about.since(beside.found_at),
            waiting,
        );
    }
}

/// Who moves a pending plan on: a person, or menxia, who is no matter of ours.
fn waits(list: &List<'_>, plan: &Plan) -> Option<(Urgency, Waiting)> {
    let seen = || {
        let mut shown = Shown::default();
        let planned = &plan.proposal.assignments;
        let verdict = plan.review.verdict();
        PlanSeen {
            version: plan.version,
            plan_sha256: plan.sha256.clone(),
            summary: shown.text(&plan.proposal.summary),
            lines: shown.lines(planned),
            omitted: planned.len().saturating_sub(MAX_PLAN_LINES),
            review: plan.review.word(),
            reasons: verdict.map_or_else(Vec::new, |verdict| {
                verdict.reasons.iter().map(|it| shown.text(it)).collect()
            }),
            // After everything that may shorten.
            is_shortened: shown.is_shortened,
        }
    };
    let urgency = Urgency::BlocksQueue;
    match &plan.review {
        Review::Vetoed { .. } => Some((Urgency::MayWait, Waiting::PlanVetoed(seen()))),
        review if review.lets_pass(list.scene.review.required) => {
            Some((urgency, Waiting::PlanToConfirm(seen())))
        }
        review if review.needs_person() => Some((urgency, Waiting::VerdictMissing(seen()))),
        _ => None,
    }
}

/// Makes what an item shows of a plan, and notes whether that is less than there is.
#[derive(Default)]
struct Shown {
    is_shortened: bool,
}

impl Shown {
    fn text(&mut self, text: &str) -> String {
        let shown = short(text);
        self.is_shortened |= shown != text;
        shown
    }

    fn texts(&mut self, texts: &[String]) -> Vec<String> {
        self.is_shortened |= texts.len() > MAX_FILES;
        let texts = texts.iter().take(MAX_FILES);
        texts.map(|text| self.text(text)).collect()
    }

    fn lines(&mut self, planned: &[PlannedAssignment]) -> Vec<PlanLine> {
        let planned = planned.iter().take(MAX_PLAN_LINES);
        planned
            .map(|line| PlanLine {
                id: line.id.clone(),
                department: line.department.clone(),
                task: self.text(&line.task),
                model: line.model.as_deref().map(|model| self.text(model)),
                files: self.texts(&line.files),
                verify: self.texts(&line.verify),
                after: self.texts(&line.after),
                selected: line.selected,
            })
            .collect()
    }
}
