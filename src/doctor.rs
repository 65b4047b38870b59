//! `zhongshu doctor`: looks at this machine, this repository and this state folder, and says what is wrong and how to
//! mend it. Owns the list of checks and how it is shown. It changes nothing: it makes no folder, starts no daemon, writes
//! nothing into the user's CODEX_HOME and takes no lock; every program that it tries is ended again within seconds.

mod codex;
mod login;
mod machine;
mod state;

use crate::domain::department::Localized;
use crate::domain::language::Language;
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown::shown_line;
use crate::domain::words;
use crate::governance::Governance;
use crate::paths::{Environment, Places, find_repository};
use serde::Serialize;
use std::path::PathBuf;

/// What is looked at. Nothing else is read from the process.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// `--repo`.
    pub repo: Option<PathBuf>,
    /// The current folder.
    pub cwd: PathBuf,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// The port that the dashboard would have; 0 is any free one.
    pub port: u16,
    /// `--codex-bin`; `CODEX_BIN` is read from the environment.
    pub codex_bin: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// This program: it reads the repository in a limited child.
    pub program: PathBuf,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but a person should know.
    Warn,
    /// It does not work until a person does something.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable name, for programs.
    pub name: &'static str,
    /// Name for people.
    pub title: Localized,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found.
    pub found: Localized,
    /// What to do about it; none when there is nothing to do.
    pub remedy: Option<Localized>,
}

/// A title waiting for its finding.
struct Subject {
    name: &'static str,
    /// Its key in the dictionary.
    title: &'static str,
}

impl Subject {
    const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }

    fn check(&self, verdict: Verdict, found: Localized, remedy: Option<Localized>) -> Check {
        Check {
            name: self.name,
            title: Sentence::of(self.title).both(),
            verdict,
            found,
            remedy,
        }
    }

    fn ok(&self, found: Localized) -> Check {
        self.check(Verdict::Ok, found, None)
    }

    fn warn(&self, found: Localized, remedy: Localized) -> Check {
        self.check(Verdict::Warn, found, Some(remedy))
    }

    fn fail(&self, found: Localized, remedy: Localized) -> Check {
        self.check(Verdict::Fail, found, Some(remedy))
    }
}

/// Looks at everything. What cannot be looked at because something before it is missing is left out.
pub async fn run(inputs: &Inputs) -> Vec<Check> {
    let mut checks = vec![machine::git(&inputs.environment).await];
    let repo = find_repository(inputs.repo.as_deref(), &inputs.cwd);
    checks.push(machine::repository(&repo, &inputs.program));
    let governance = repo.as_ref().ok().map(|repo| Governance::load(repo));
    if let Some(governance) = &governance {
        checks.push(machine::governance(governance));
    }
    checks.extend(machine::variables(&inputs.environment));

    let in_force = governance.and_then(Result::ok).unwrap_or_default();
    if uses_codex(&in_force) {
        checks.extend(codex::run(inputs).await);
    } else {
        checks.push(codex::not_used());
    }

    if let Ok(repo) = &repo {
        let environment = &inputs.environment;
        let places = Places::of(repo, inputs.state_dir.as_deref(), &inputs.cwd, environment);
        match places {
            Ok(places) => checks.extend(state::run(places, inputs).await),
            Err(error) => {
                checks.push(state::no_place(&error));
                checks.push(machine::port(inputs.port, None));
            }
        }
    } else {
        checks.push(machine::port(inputs.port, None));
    }
    checks
}

fn uses_codex(governance: &Governance) -> bool {
    let settings = &governance.settings;
    let departments = governance.departments.iter().map(|it| &it.driver);
    std::iter::once(&settings.planner.driver)
        .chain(departments)
        .any(|driver| driver.as_ref().unwrap_or(&settings.driver).needs_codex())
}

/// Whether something does not work.
pub fn has_failed(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.verdict == Verdict::Fail)
}

/// The checks as text for a terminal: one line each, with what to do below it.
pub fn text(checks: &[Check], language: Language) -> String {
    let word = |verdict| match verdict {
        Verdict::Ok => words::text(language, "doctor.ok"),
        Verdict::Warn => words::text(language, "doctor.warn"),
        Verdict::Fail => words::text(language, "doctor.fail"),
    };
    let mut text = String::new();
    for check in checks {
        let title = check.title.get(language);
        text += &format!(
            "{}  {title}: {}\n",
            word(check.verdict),
            plain(check.found.get(language))
        );
        if let Some(remedy) = &check.remedy {
            text += &format!("      → {}\n", plain(remedy.get(language)));
        }
    }
    let count = |verdict| {
        checks
            .iter()
            .filter(|check| check.verdict == verdict)
            .count()
    };
    let (failed, warned) = (count(Verdict::Fail), count(Verdict::Warn));
    let sum = match (failed, warned) {
        (0, 0) => say!("doctor.all_is_well"),
        (0, _) => say!("doctor.it_works", warned),
        (_, _) => say!("doctor.to_mend", failed, warned),
    };
    text += &format!("\n{}\n", sum.text(language));
    text
}

/// The checks as JSON.
pub fn json(checks: &[Check], language: Language) -> serde_json::Value {
    let each = |check: &Check| {
        serde_json::json!({
            "name": check.name,
            "title": check.title.get(language),
            "verdict": check.verdict,
            "found": check.found.get(language),
            "what_to_do": check.remedy.as_ref().map(|remedy| remedy.get(language)),
        })
    };
    serde_json::json!({
        "ok": !has_failed(checks),
        "checks": checks.iter().map(each).collect::<Vec<_>>(),
    })
}

/// What programs and files say is shown on one line, and steers no terminal.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    shown_line(&words.join(" ")).into_owned()
}
