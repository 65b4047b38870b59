//! What `governance.yaml` gives to sessions beyond the safe defaults: programs that no sandbox holds, wider sandboxes,
//! approvals that ask nobody, verify commands that run unasked, rules that answer for the person; and how much of what they do somebody has to look at.
//!
//! Agents can write that file. So none of this holds before a person has said yes to exactly it; the journal keeps the
//! last yes (`powers_approved`). What only narrows needs none, and the yes becomes as narrow (`powers_narrowed`). Pure values:
//! who reads the file compares them with the yes.

mod harness;
mod named;
mod oversight;

pub use harness::meaning;
pub use named::{FileNews, Seal, Seals};
pub use oversight::Oversight;

use super::ask::rule::Rule;
use super::department::{Approval, Sandbox};
use super::driver::Driver;
use super::harness::ceilings::Ceilings;
use super::hex::hex;
use super::shown::shown_line;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Planners, as [`Powers::sessions`] names them.
pub const PLANNER: &str = "planner";
/// Sessions of menxia that review a plan: they read only, by default.
pub const REVIEWS: &str = "reviews";
/// Departments that name no driver of their own.
pub const OTHERS: &str = "driver";

/// A department, as [`Powers::sessions`] names it.
pub fn department(key: &str) -> String {
    format!("departments.{key}")
}

/// What holds a session back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Held {
    /// Codex's own walls.
    Codex {
        /// What its commands may touch.
        sandbox: Sandbox,
        /// When it asks a person.
        approval: Approval,
    },
    /// Nothing: a program of `drivers` runs as the person does.
    Nothing {
        /// Its name there.
        driver: String,
    },
}

impl Held {
    /// A session of this driver; the other two are Codex's settings.
    pub fn of(driver: &Driver, sandbox: Sandbox, approval: Approval) -> Self {
        match driver {
            Driver::Codex => Self::Codex { sandbox, approval },
            Driver::Command(name) => Self::Nothing {
                driver: name.clone(),
            },
        }
    }

    /// What holds these sessions when nobody says anything.
    pub fn safe(who: &str) -> Self {
        let sandbox = match who {
            PLANNER | REVIEWS => Sandbox::ReadOnly,
            _ => Sandbox::WorkspaceWrite,
        };
        Self::Codex {
            sandbox,
            approval: Approval::OnRequest,
        }
    }

    /// Whether `other` is held at least as tightly, by the same.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Codex { sandbox, approval },
                Self::Codex {
                    sandbox: others,
                    approval: asks,
                },
            ) => others <= sandbox && asks <= approval,
            (mine, other) => mine == other,
        }
    }

    /// The words of the file.
    pub fn words(&self) -> String {
        match self {
            Self::Codex { sandbox, approval } => {
                format!("{}, approval {}", sandbox.name(), approval.name())
            }
            Self::Nothing { driver } => driver.clone(),
        }
    }

    /// Whether no sandbox holds it.
    pub fn is_bare(&self) -> bool {
        match self {
            Self::Codex { sandbox, .. } => *sandbox == Sandbox::DangerFullAccess,
            Self::Nothing { .. } => true,
        }
    }
}

/// Everything that needs a person's yes, in one canonical form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Powers {
    /// The command line of each driver.
    pub commands: BTreeMap<String, Vec<String>>,
    /// What those name of that which agents can write, where they name something.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Seals>,
    /// What holds the sessions that have more than the safe defaults.
    pub sessions: BTreeMap<String, Held>,
    /// Whether verify commands are run when the person who confirms work says nothing about it.
    pub run_verify: bool,
    /// The program that is told of what waits for the person, with its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// Rules that answer what Codex asks, in the person's place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Rule>,
    /// What has to be looked at before work goes on. Here less is more, and the yes is for what holds.
    #[serde(default, skip_serializing_if = "Oversight::is_none")]
    pub oversight: Oversight,
    /// What clients of the harness have at most; never less than what needs no yes.
    #[serde(default, skip_serializing_if = "Ceilings::is_default")]
    pub harness: Ceilings,
}

/// One entry of the question: what the file says now, and what the person said yes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Where it stands in `governance.yaml`, for a file with its name behind a colon; `reviews` are menxia's reviews of plans.
    pub entry: String,
    /// What it says; null for a file that is gone. Hidden characters are spelled out.
    pub now: Option<String>,
    /// What the last yes was for; null when it had no such entry.
    pub before: Option<String>,
    /// Whether it holds.
    pub approved: bool,
    /// Whether no sandbox holds what it gives.
    pub unsandboxed: bool,
    /// How a file that a command line names stands to the last yes; null for everything else.
    pub file: Option<FileNews>,
}

impl Powers {
    /// Names exactly this: the yes repeats it.
    pub fn sha256(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("powers are plain data");
        hex(&Sha256::digest(bytes))
    }

    /// Notes what these sessions get, if it is more than is safe.
    pub fn give(&mut self, who: impl Into<String>, held: Held) {
        let who = who.into();
        if !Held::safe(&who).covers(&held) {
            self.sessions.insert(who, held);
        }
    }

    /// Whether this yes is enough for these sessions to be held like that. The program's own command line is another
    /// question: [`Powers::runs`].
    pub fn allows(&self, who: &str, held: &Held) -> bool {
        Held::safe(who).covers(held) || self.sessions.get(who).is_some_and(|it| it.covers(held))
    }

    /// Whether this yes is for exactly the command line that `wanted` has for this driver, and for what it names.
    pub fn runs(&self, driver: &str, wanted: &Self) -> bool {
        let command = self.commands.get(driver);
        command.is_some()
            && command == wanted.commands.get(driver)
            && self.news_of(driver, wanted).is_empty()
    }

    /// Files that keep this yes from being one to the driver's command line, each with the reason.
    pub fn news_of<'a>(&'a self, driver: &str, wanted: &'a Self) -> BTreeMap<&'a str, FileNews> {
        let mut news = FileNews::of(wanted.files_of(driver), self.files_of(driver));
        news.retain(|_, news| *news != FileNews::Same);
        news
    }

    /// The first of these files, which the driver's command line was found to name, that this yes is not for.
    pub fn stray<'a>(&self, driver: &str, found: &'a Seals) -> Option<&'a str> {
        let approved = self.files_of(driver);
        let stray = |(name, seal): &(&String, &Seal)| {
            **seal == Seal::Unread || approved.get(*name) != Some(*seal)
        };
        found.iter().find(stray).map(|(name, _)| name.as_str())
    }

    fn files_of(&self, driver: &str) -> &Seals {
        static NONE: Seals = Seals::new();
        self.files.get(driver).unwrap_or(&NONE)
    }

    /// This yes, as far as `wanted` still asks for it. What is gone or has become narrower needs a new yes to come back, and
    /// what is to be looked at from now on stays so. What says something else stays for comparison.
    pub fn narrowed_to(&self, wanted: &Self) -> Self {
        let mut left = self.clone();
        left.commands
            .retain(|it, _| wanted.commands.contains_key(it));
        left.files.retain(|it, _| wanted.commands.contains_key(it));
        left.sessions
            .retain(|it, _| wanted.sessions.contains_key(it));
        for (who, held) in &mut left.sessions {
            let now = &wanted.sessions[who];
            if held.covers(now) {
                *held = now.clone();
            }
        }
        left.run_verify &= wanted.run_verify;
        if wanted.notify.is_empty() {
            left.notify.clear();
        }
        left.allow.retain(|rule| wanted.allow.contains(rule));
        left.oversight = left.oversight.and(wanted.oversight);
        left.harness = left.harness.and(&wanted.harness);
        left
    }

    /// Whether this yes is enough for everything that `wanted` asks for.
    pub fn covers(&self, wanted: &Self) -> bool {
        let mut drivers = wanted.commands.keys();
        let sessions = wanted.sessions.iter();
        (self.run_verify || !wanted.run_verify)
            && (wanted.notify.is_empty() || self.notify == wanted.notify)
            && wanted.allow.iter().all(|rule| self.allow.contains(rule))
            && drivers.all(|driver| self.runs(driver, wanted))
            && sessions.into_iter().all(|(who, it)| self.allows(who, it))
            && self.oversight.allows(wanted.oversight)
            && self.harness.covers(&wanted.harness)
    }

    /// What is asked for, entry by entry, beside what `approved` was for.
    pub fn lines(&self, approved: &Self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (name, now) in &self.commands {
            let before = approved.commands.get(name);
            lines.push(Line {
                entry: format!("drivers.{name}.command"),
                now: Some(command_line(now)),
                before: before.map(|it| command_line(it)),
                approved: before == Some(now),
                unsandboxed: true,
                file: None,
            });
            let (here, there) = (self.files_of(name), approved.files_of(name));
            for (file, news) in FileNews::of(here, there) {
                lines.push(Line {
                    entry: format!("drivers.{name}.command: {}", shown_line(file)),
                    now: here.get(file).map(Seal::words),
                    before: there.get(file).map(Seal::words),
                    approved: news == FileNews::Same,
                    unsandboxed: true,
                    file: Some(news),
                });
            }
        }
        for (who, now) in &self.sessions {
            lines.push(Line {
                entry: who.clone(),
                now: Some(now.words()),
                before: approved.sessions.get(who).map(Held::words),
                approved: approved.allows(who, now),
                unsandboxed: now.is_bare(),
                file: None,
            });
        }
        if self.run_verify {
            let says = |it: &Self| it.run_verify.then(|| "true".to_owned());
            lines.push(Line {
                entry: "run_verify".to_owned(),
                now: says(self),
                before: says(approved),
                approved: approved.run_verify,
                unsandboxed: false,
                file: None,
            });
        }
        if !self.notify.is_empty() {
            let says = |it: &Self| (!it.notify.is_empty()).then(|| command_line(&it.notify));
            lines.push(Line {
                entry: "notify".to_owned(),
                now: says(self),
                before: says(approved),
                approved: approved.notify == self.notify,
                unsandboxed: true,
                file: None,
            });
        }
        for rule in &self.allow {
            let is_approved = approved.allow.contains(rule);
            lines.push(Line {
                entry: "allow".to_owned(),
                now: Some(rule.words()),
                before: is_approved.then(|| rule.words()),
                approved: is_approved,
                unsandboxed: rule.leaves_the_sandbox(),
                file: None,
            });
        }
        lines.extend(self.oversight.lines(approved.oversight));
        lines.extend(harness::lines(&self.harness, &approved.harness));
        lines
    }
}

/// A command as a shell would take it, on one line, with every hidden character spelled out.
pub fn command_line(command: &[String]) -> String {
    let words = command.iter().map(|word| quoted(word));
    words.collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    // Braces stand for our own placeholders, and are left as they are written.
    let plain = |c: char| c.is_alphanumeric() || "@%+=:,./_-{}".contains(c);
    let shown = shown_line(word);
    match !word.is_empty() && word.chars().all(plain) {
        true => shown.into_owned(),
        false => format!("'{}'", shown.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests;
