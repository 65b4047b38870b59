//! `zhongshu report`: what changed and what it risks, without a server.

use super::error::CommandError;
use crate::cli::{ExitCode, Report as Arguments};
use crate::domain::report::{FailOn, ReportMode};
use crate::domain::rules::RiskLevel;
use crate::governance::render::Part;
use crate::governance::report::ReportRequest;
use crate::governance::settings::Settings;
use crate::paths::Environment;
use crate::reader::{Print, Reader};
use std::io::Write;
use std::path::Path;

/// Has a limited child make the report, and prints it. Blocks.
///
/// # Errors
/// When the repository or the base cannot be used.
pub fn run(
    repo: &Path,
    arguments: &Arguments,
    environment: &Environment,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let language = Settings::load(repo)
        .ok()
        .and_then(|settings| settings.language)
        .unwrap_or_else(|| crate::config::locale_language(environment));
    let request = ReportRequest {
        mode: match (&arguments.base, arguments.staged) {
            (Some(_), _) => ReportMode::Base,
            (None, true) => ReportMode::Staged,
            (None, false) => ReportMode::Worktree,
        },
        base: arguments.base.clone(),
        language,
        ..ReportRequest::default()
    };
    // The checks before a commit are there to fail; a report is there to be read.
    let (part, usual) = if arguments.preflight {
        (Part::Preflight, FailOn::Level(RiskLevel::Medium))
    } else {
        (Part::Whole, FailOn::Never)
    };
    let reader = Reader::new(std::env::current_exe()?, repo.to_owned());
    let printed = reader.print(Print {
        request,
        format: arguments.format(),
        part,
        fail_on: arguments.fail_on().unwrap_or(usual),
    })?;
    writeln!(out, "{}", printed.text.trim_end())?;
    Ok(match printed.code {
        0 => ExitCode::Ok,
        _ => ExitCode::Failed,
    })
}
