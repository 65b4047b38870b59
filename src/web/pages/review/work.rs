//! How the review page shows the work behind what is staged. Words and classes only.

use super::{File, Page};
use crate::domain::conformance::JudgedFile;
use crate::domain::words;
use crate::web::pages::checks::{Checks, Reviewed, open_question};
use crate::web::views::work::{AssignmentWork, Author, PlanWork};
use crate::web::views::{PlanView, ResultView};

/// Characters of a task that name it in a heading.
const TITLE_CHARS: usize = 90;

impl Page<'_> {
    pub(super) fn checks<'s>(&self, r: &'s ResultView) -> Checks<'s> {
        Checks {
            t: self.t,
            language: self.language,
            r,
        }
    }

    /// Whether an assignment is shown unfolded: what has nothing in the review and asks for nothing is not.
    pub(super) fn matters(&self, work: &AssignmentWork) -> bool {
        !work.staged.is_empty() || work.result.as_ref().is_some_and(open_question)
    }

    /// Questions about the work behind it that a person has not answered.
    pub(super) fn open_questions(&self) -> usize {
        let works = self.r.work.iter().flat_map(|plan| &plan.assignments);
        works
            .filter_map(|work| work.result.as_ref())
            .filter(|result| open_question(result))
            .count()
    }

    /// The first line of a task, as a heading.
    pub(super) fn short(&self, work: &AssignmentWork) -> String {
        let first = work.task.lines().next().unwrap_or_default();
        let cut: String = first.chars().take(TITLE_CHARS).collect();
        match cut.len() < work.task.trim_end().len() {
            true => format!("{cut} …"),
            false => cut,
        }
    }

    /// Whether the heading leaves something of the task out.
    pub(super) fn is_cut(&self, work: &AssignmentWork) -> bool {
        self.short(work) != work.task
    }

    pub(super) fn reviewed<'s>(&'s self, plan: &'s PlanView) -> Reviewed<'s> {
        Reviewed {
            plan,
            departments: self.departments,
            language: self.language,
            // What is shown here was confirmed.
            required: true,
        }
    }

    /// What is to be said about a staged file of an assignment.
    pub(super) fn file_words(&self, work: &AssignmentWork, path: &str) -> String {
        let mut words = Vec::new();
        if let Some(result) = &work.result
            && let Some(file) = judged(result, path)
        {
            words.push(self.checks(result).words(file));
        }
        if work.changed_since.iter().any(|it| it == path) {
            words.push(self.t.get("review.changed_since").to_owned());
        }
        words.retain(|it| !it.is_empty());
        words.join(words::text(self.language, "governance.comma"))
    }

    /// Everybody who changed a file; none when there is no work to tell it by.
    pub(super) fn authors(&self, file: &File<'_>) -> Option<&[Author]> {
        if self.r.work.is_empty() {
            return None;
        }
        let mut all = self.r.whose.iter();
        all.find(|it| it.path == file.d.path).map(|it| &*it.by)
    }

    /// Whose a change is, in a few words.
    pub(super) fn author_words(&self, author: &Author) -> String {
        let title = self.title(&author.department);
        let by = self.t.one_of("review.whose", author.how, title);
        match author.ambiguous_with.is_empty() {
            true => by,
            false => format!("{by} {}", self.t.get("review.or_another")),
        }
    }

    pub(super) fn has_changed_since(&self, authors: &[Author]) -> bool {
        let mut known = authors
            .iter()
            .filter_map(|author| author.changed_since)
            .peekable();
        known.peek().is_some() && known.all(|changed| changed)
    }

    /// Whether the person can have the checks of an assignment run.
    pub(super) fn can_verify(&self, work: &AssignmentWork) -> bool {
        let has_reported = |result: &ResultView| result.source != "launcher_fallback";
        !work.verify.is_empty() && work.result.as_ref().is_some_and(has_reported)
    }

    /// What a plan is called, or that there is none.
    pub(super) fn plan_name(&self, plan: &PlanWork) -> String {
        match &plan.plan {
            Some(known) => format!(
                "{} · {}",
                self.t.get("plan.title"),
                self.t.one("plan.version", known.version)
            ),
            None => self.t.get("review.by_hand").to_owned(),
        }
    }
}

fn judged<'a>(result: &'a ResultView, path: &str) -> Option<&'a JudgedFile> {
    let found = result.conformance.as_ref()?;
    found.changed().find(|file| file.path == path)
}
