//! What the launcher itself saw of a result, as lines of a Markdown page: for the handoff packet and the dossier.

use super::conformance::{Conformance, JudgedFile};
use super::evidence::{self, End, Run};
use super::markdown::code;
use super::result::Findings;
use std::fmt::Write as _;

const FITS: &str = "writing to a string cannot fail";

/// What really changed, beside the assignment and the report.
pub fn conformance(body: &mut String, found: &Conformance) {
    let omitted = match found {
        Conformance::Unknown { reason } => {
            writeln!(body, "- not compared: {}", code(reason)).expect(FITS);
            return;
        }
        Conformance::Judged { omitted, .. } => *omitted,
    };
    let mut list = |name: &str, files: Vec<&JudgedFile>| {
        if !files.is_empty() {
            let shown: Vec<String> = files.into_iter().map(named).collect();
            writeln!(body, "- {name}: {}", shown.join(", ")).expect(FITS);
        }
    };
    list("outside the assignment", found.outside().collect());
    list("changed, not reported", found.undeclared().collect());
    list("reported, not changed", found.absent().collect());
    list("inside the assignment", found.in_scope().collect());
    if omitted > 0 {
        writeln!(body, "- and {omitted} more files").expect(FITS);
    }
}

/// Files that changed between the report and the end of its session.
pub fn late(body: &mut String, files: &[String]) {
    let shown: Vec<String> = files.iter().map(|path| code(path)).collect();
    writeln!(body, "- changed after the report: {}", shown.join(", ")).expect(FITS);
}

/// Who took changes outside of the assignment on themselves.
pub fn acceptance(body: &mut String, by: &str, reason: &str) {
    writeln!(body, "- accepted by {}: {}", code(by), code(reason)).expect(FITS);
}

/// A verify command that the launcher ran, beside what the report claims of it.
pub fn run(body: &mut String, run: &Run, said: &Findings) {
    let claimed = evidence::claim(&run.command, &said.verifications_run).is_some();
    writeln!(
        body,
        "- {}: {} ({}, {} ms, output sha256 {})",
        run.verdict(claimed).name(),
        code(&run.command),
        ended(&run.end),
        run.duration_ms,
        run.output_sha256
    )
    .expect(FITS);
}

fn named(file: &JudgedFile) -> String {
    let name = code(&file.path);
    if file.ambiguous_with.is_empty() {
        return name;
    }
    let others: Vec<String> = file
        .ambiguous_with
        .iter()
        .map(ToString::to_string)
        .collect();
    format!("{name} (or by {})", others.join(", "))
}

fn ended(end: &End) -> String {
    match end {
        End::Exited { code } => format!("exit code {code}"),
        End::Signalled { signal } => format!("signal {signal}"),
        End::TimedOut { after_seconds } => format!("ended after {after_seconds} s"),
        End::TooMuchOutput { .. } => "ended, too much output".to_owned(),
        End::NotStarted { .. } => "not started".to_owned(),
    }
}
