//! `zhongshu report`: what changed and what it risks, without a server.

use super::CommandError;
use crate::cli::{ExitCode, Report as Arguments};
use crate::domain::report::{Decision, PortabilityScan, ReportMode};
use crate::governance::Governance;
use crate::governance::render::{self, printable};
use crate::governance::report::{ReportRequest, build};
use crate::paths::Environment;
use std::io::Write;
use std::path::Path;

/// Makes the report and prints it. Blocks.
///
/// # Errors
/// When the repository, the base or `governance.yaml` cannot be used.
pub fn run(
    repo: &Path,
    arguments: &Arguments,
    environment: &Environment,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let governance = Governance::load(repo)?;
    let language = governance
        .settings
        .language
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
    let report = build(repo, &governance, &request)?;
    if arguments.preflight {
        if arguments.json {
            json(&report.preflight, out)?;
        } else {
            preflight(&report.preflight.checks.portability_reference_scan, out)?;
        }
        return Ok(match report.preflight.decision {
            Decision::Pass => ExitCode::Ok,
            Decision::Review => ExitCode::Failed,
        });
    }
    if arguments.json {
        json(&report, out)?;
    } else if arguments.markdown {
        writeln!(out, "{}", render::markdown(&report, language).trim_end())?;
    } else {
        writeln!(out, "{}", render::text(&report, language).trim_end())?;
    }
    Ok(ExitCode::Ok)
}

fn json(value: &impl serde::Serialize, out: &mut impl Write) -> Result<(), CommandError> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn preflight(scan: &PortabilityScan, out: &mut impl Write) -> Result<(), CommandError> {
    writeln!(
        out,
        "{}: {} machine-local references to review, {} exceptions, {} files read",
        scan.decision.name(),
        scan.violations.len(),
        scan.exceptions.len(),
        scan.scanned_files.len(),
    )?;
    for found in &scan.violations {
        writeln!(
            out,
            "{}:{}:{}: {} ({})",
            printable(&found.path),
            found.line,
            found.column,
            printable(&found.reference),
            found.kind,
        )?;
    }
    Ok(())
}
