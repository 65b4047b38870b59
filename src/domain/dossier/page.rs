//! How a dossier reads: headings of ours, texts of agents in fences, or as code on one line.

use super::{Confirmed, Dossier, ReportNote, Reported, Version, Work, stamp};
use crate::domain::checked;
use crate::domain::conformance::late::SecondLook;
use crate::domain::ids::AssignmentId;
use crate::domain::language::Language;
use crate::domain::markdown::{code, fence, heading, section};
use crate::domain::plan::PlannedAssignment;
use crate::domain::result::Revision;
use crate::domain::words;
use std::fmt::Write as _;

const FITS: &str = "writing to a string cannot fail";

impl Dossier {
    /// The document.
    pub fn render(&self, language: Language) -> String {
        let mut page = format!("# {}\n\n", words::text(language, "dossier.title"));
        for id in &self.planners.ids {
            writeln!(page, "- {}: {id}", words::text(language, "dossier.planner")).expect(FITS);
        }
        for task in &self.tasks {
            section(
                &mut page,
                2,
                words::text(language, "dossier.task"),
                std::slice::from_ref(task),
            );
        }
        heading(&mut page, 2, words::text(language, "dossier.plans"));
        if self.versions.is_empty() {
            page.push_str("None.\n");
        }
        for version in &self.versions {
            version.render(&mut page, language);
        }
        for confirmed in self
            .confirmed
            .iter()
            .filter(|it| it.edited || it.version.is_none())
        {
            confirmed.render(&mut page, language);
        }
        self.gates.render_plans(&mut page, language);
        heading(&mut page, 2, words::text(language, "dossier.work"));
        if self.work.is_empty() {
            page.push_str("None.\n");
        }
        for (id, work) in &self.work {
            self.render_work(&mut page, id, work, language);
        }
        self.gates.render_trees(&mut page, language);
        heading(&mut page, 2, words::text(language, "dossier.what_happened"));
        for line in &self.timeline {
            writeln!(page, "{line}").expect(FITS);
        }
        page
    }

    fn render_work(&self, page: &mut String, id: &AssignmentId, work: &Work, language: Language) {
        let department = work
            .order
            .as_ref()
            .map_or("", |order| order.department.as_str());
        heading(page, 3, &format!("{department}: {id}"));
        for line in &work.said {
            writeln!(page, "{line}").expect(FITS);
        }
        if let Some(order) = &work.order {
            section(
                page,
                4,
                words::text(language, "dossier.task"),
                std::slice::from_ref(&order.task),
            );
            section(
                page,
                4,
                words::text(language, "dossier.files"),
                &order.files,
            );
            section(
                page,
                4,
                words::text(language, "dossier.verify_commands"),
                &order.verify,
            );
        }
        let of_work = |report: &&Reported| {
            report
                .revisions
                .iter()
                .any(|(_, it)| work.sessions.contains(&it.department_session_id))
        };
        for report in self.reports.values().filter(of_work) {
            report.render(page, language);
        }
    }
}

impl Version {
    fn render(&self, page: &mut String, language: Language) {
        let title = words::text(language, "dossier.version");
        heading(page, 3, &format!("{title} {}", self.number));
        writeln!(
            page,
            "- {} {} {}\n- sha256 {}",
            words::text(language, "dossier.reported"),
            stamp(self.at),
            code(&self.actor),
            self.sha256
        )
        .expect(FITS);
        for line in &self.said {
            writeln!(page, "{line}").expect(FITS);
        }
        page.push('\n');
        fence(page, std::slice::from_ref(&self.proposal.summary));
        lines(page, &self.proposal.assignments, language);
        for finding in &self.findings {
            writeln!(
                page,
                "- {:?}: {}",
                finding.level,
                code(finding.message.get(language))
            )
            .expect(FITS);
        }
    }
}

impl Confirmed {
    fn render(&self, page: &mut String, language: Language) {
        let what = match self.version {
            Some(version) => format!(
                "{} {version}",
                words::text(language, "dossier.confirmed_with_changes_version")
            ),
            None => words::text(language, "dossier.confirmed_without_plan").to_owned(),
        };
        heading(page, 3, &what);
        writeln!(page, "- {} {}", stamp(self.at), code(&self.actor)).expect(FITS);
        lines(page, &self.assignments, language);
    }
}

fn lines(page: &mut String, assignments: &[PlannedAssignment], language: Language) {
    for (index, item) in assignments.iter().enumerate() {
        heading(
            page,
            4,
            &format!("{} {}", index + 1, code(&item.department)),
        );
        fence(page, std::slice::from_ref(&item.task));
        for (name, list) in [
            (words::text(language, "dossier.n_files"), &item.files),
            (words::text(language, "dossier.after"), &item.after),
            (words::text(language, "dossier.verify"), &item.verify),
        ] {
            if !list.is_empty() {
                let shown: Vec<String> = list.iter().map(|entry| code(entry)).collect();
                writeln!(page, "- {name}: {}", shown.join(", ")).expect(FITS);
            }
        }
    }
}

impl Reported {
    fn render(&self, page: &mut String, language: Language) {
        for (at, revision) in &self.revisions {
            let title = words::text(language, "dossier.report_revision");
            heading(page, 4, &format!("{title} {}", revision.revision));
            let source = match revision.verified {
                true => "verified",
                false => "not verified",
            };
            writeln!(
                page,
                "- {} {} ({source}; {})\n",
                stamp(*at),
                revision.department_session_id,
                code(&revision.handoff_packet.to_string_lossy())
            )
            .expect(FITS);
            let said = &revision.findings;
            fence(page, std::slice::from_ref(&said.summary));
            for (name, list) in [
                (
                    words::text(language, "dossier.changed_files"),
                    &said.changed_files,
                ),
                (
                    words::text(language, "dossier.checks_says_ran"),
                    &said.verifications_run,
                ),
                (
                    words::text(language, "dossier.checks_skipped"),
                    &said.verifications_skipped,
                ),
                (words::text(language, "dossier.risks"), &said.risks),
            ] {
                if !list.is_empty() {
                    section(page, 5, name, list);
                }
            }
            self.render_found(page, revision, language);
        }
    }

    fn render_found(&self, page: &mut String, revision: &Revision, language: Language) {
        let mut body = String::new();
        for found in &self.found {
            match found {
                ReportNote::Conformance(of, conformance) if *of == revision.revision => {
                    checked::conformance(&mut body, conformance);
                }
                ReportNote::Later(of, look) if *of == revision.revision => went_on(&mut body, look),
                ReportNote::Accepted(of, by, reason) if *of == revision.revision => {
                    checked::acceptance(&mut body, by, reason);
                }
                ReportNote::Run(of, run) if *of == revision.revision => {
                    checked::run(&mut body, run, &revision.findings);
                }
                ReportNote::Conformance(..)
                | ReportNote::Later(..)
                | ReportNote::Accepted(..)
                | ReportNote::Run(..) => {}
            }
        }
        if !body.is_empty() {
            heading(
                page,
                5,
                words::text(language, "dossier.what_zhongshu_found"),
            );
            page.push_str(&body);
        }
    }
}

/// What was found when the session had ended.
fn went_on(body: &mut String, look: &SecondLook) {
    match look {
        SecondLook::Same => writeln!(body, "- nothing changed after the report"),
        SecondLook::Unknown { reason } => {
            writeln!(body, "- not compared after its end: {}", code(reason))
        }
        SecondLook::Changed { files, conformance } => {
            checked::late(body, files);
            body.push_str("- compared again after its end:\n");
            let mut again = String::new();
            checked::conformance(&mut again, conformance);
            for fact in again.lines() {
                body.push_str("  ");
                body.push_str(fact);
                body.push('\n');
            }
            Ok(())
        }
    }
    .expect(FITS);
}
