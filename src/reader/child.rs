//! What the child does with a question. It is the same that happens without a child: only where it happens differs.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::written::Written;
use super::{HooksGround, LIMITS, Print, Printed, Question, ReadError};
use crate::domain::report::Report;
use crate::gate::observe::{observe, trees_moved_to};
use crate::gate::strictness::Statements;
use crate::gate::{commits, review};
use crate::git::Repo;
use crate::git::changes::Deadline;
use crate::governance::entries;
use crate::governance::judging::{CommittedFile, RulesCache};
use crate::governance::render::{Format, Part, render};
use crate::governance::report::{DEFAULT_TIME_LIMIT, Name, judge};
use crate::governance::report_cache::ReportCache;
use crate::process::confined;

/// Answers questions about the repository at `root` on standard input and output, within the limits, until there are no more.
///
/// # Errors
/// When the system refuses a limit, or nobody takes the answer.
pub fn serve(root: &Path) -> io::Result<()> {
    let mut desk = Answerer::default();
    confined::serve(LIMITS, |question| {
        let answer = serde_json::from_slice(question)
            .map_err(ReadError::from)
            .and_then(|question| desk.answer(root, question));
        answer.map_err(|error| {
            let error = match error {
                ReadError::NoAnswer(_) | ReadError::Nonsense(_) => {
                    ReadError::Refused(error.to_string())
                }
                said => said,
            };
            serde_json::to_vec(&error).expect("a sentence is plain data")
        })
    })
}

/// What is kept between questions.
#[derive(Default)]
struct Answerer {
    report_cache: ReportCache,
    /// For reviews.
    rules_cache: RulesCache,
    written: Option<Written>,
}

impl Answerer {
    fn answer(&mut self, root: &Path, question: Question) -> Result<Vec<u8>, ReadError> {
        match question {
            Question::Look { index, moment } => written(&observe(root, index.as_deref(), moment)?),
            Question::Open => {
                let repo = Repo::open(root)?;
                written(&CommittedFile::read(&repo, None).unwrap_or_default())
            }
            Question::Head => written(&Repo::open(root)?.head()?),
            Question::Hooks => {
                let repo = Repo::open(root)?;
                written(&HooksGround {
                    folder: repo.hooks_folder()?,
                    statements: Statements::read(&repo)?,
                })
            }
            Question::Moved { lines } => written(&trees_moved_to(&Repo::open(root)?, &lines)),
            Question::Print(print) => written(&printed(root, &mut self.rules_cache, &print)?),
            Question::Commits {
                known,
                noted,
                memory,
            } => written(&commits::look(root, known.as_ref(), &noted, memory)?),
            Question::Snapshot => {
                let deadline = Deadline::after(DEFAULT_TIME_LIMIT);
                written(&Repo::open(root)?.snapshot(&deadline)?)
            }
            Question::Changed { before, after } => {
                written(&Repo::open(root)?.changed_between(&before, &after)?)
            }
            Question::Entries { files } => written(&entries::read(root, &files)?),
            Question::Report { request, format } => {
                let told = self.report_cache.tell(root, &request)?;
                if let (Format::Json, Some(name)) = (format, &told.renamed) {
                    return Ok(self.again(&told.made, name)?);
                }
                let report = told.into_report();
                let text = render(&report, format, Part::Whole, request.language)?;
                Ok(text.into_bytes())
            }
            Question::Review {
                request,
                wanted,
                seen,
            } => {
                let rules_cache = &mut self.rules_cache;
                written(&review::read(root, rules_cache, &request, wanted, &seen)?)
            }
        }
    }

    /// A report that stands, as JSON.
    fn again(&mut self, report: &Arc<Report>, name: &Name) -> serde_json::Result<Vec<u8>> {
        let written = match self.written.take() {
            Some(written) if written.is_of(report) => written,
            _ => Written::new(Arc::clone(report))?,
        };
        self.written.insert(written).renamed(name)
    }
}

fn printed(root: &Path, rules_cache: &mut RulesCache, print: &Print) -> Result<Printed, ReadError> {
    let report = judge(root, rules_cache, &print.request)?;
    Ok(Printed {
        text: render(&report, print.format, print.part, print.request.language)?,
        code: match print.part {
            Part::Whole => report.exit_code(print.fail_on),
            Part::Preflight => report.preflight.exit_code(print.fail_on),
        },
    })
}

fn written(answer: &impl Serialize) -> Result<Vec<u8>, ReadError> {
    Ok(serde_json::to_vec(answer)?)
}
