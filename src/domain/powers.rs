//! What `governance.yaml` gives to sessions beyond the safe defaults: programs that no sandbox holds, wider sandboxes,
//! approvals that ask nobody, verify commands that run unasked.
//!
//! Agents can write that file. So none of this holds before a person has said yes to exactly it; the journal keeps the
//! last yes (`powers_approved`). What only narrows needs none. Pure values: who reads the file compares them with the yes.

use super::department::{Approval, Sandbox};
use super::fault::CODEX;
use super::hex::hex;
use super::shown::shown_line;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

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
    pub fn of(driver: &str, sandbox: Sandbox, approval: Approval) -> Self {
        match driver {
            CODEX => Self::Codex { sandbox, approval },
            _ => Self::Nothing {
                driver: driver.to_owned(),
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
    /// What holds the sessions that have more than the safe defaults.
    pub sessions: BTreeMap<String, Held>,
    /// Whether verify commands are run when the person who confirms work says nothing about it.
    pub run_verify: bool,
}

/// One entry of the question: what the file says now, and what the person said yes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Where it stands in `governance.yaml`; `reviews` are menxia's reviews of plans.
    pub entry: String,
    /// What it says; null when it says nothing any more. Hidden characters are spelled out.
    pub now: Option<String>,
    /// What the last yes was for; null when it had no such entry.
    pub before: Option<String>,
    /// Whether it holds.
    pub approved: bool,
    /// Whether no sandbox holds what it gives.
    pub unsandboxed: bool,
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

    /// Whether this yes is for exactly this command line.
    pub fn runs(&self, driver: &str, command: &[String]) -> bool {
        self.commands.get(driver).is_some_and(|it| it == command)
    }

    /// Whether this yes is enough for everything that `wanted` asks for.
    pub fn covers(&self, wanted: &Self) -> bool {
        let commands = wanted.commands.iter();
        let sessions = wanted.sessions.iter();
        (self.run_verify || !wanted.run_verify)
            && commands.into_iter().all(|(name, it)| self.runs(name, it))
            && sessions.into_iter().all(|(who, it)| self.allows(who, it))
    }

    /// What is asked for, entry by entry, beside what `approved` was for.
    pub fn lines(&self, approved: &Self) -> Vec<Line> {
        let mut lines = Vec::new();
        let names: BTreeSet<_> = self
            .commands
            .keys()
            .chain(approved.commands.keys())
            .collect();
        for name in names {
            let command = |it: &Self| it.commands.get(name).map(|it| command_line(it));
            let now = self.commands.get(name);
            lines.push(Line {
                entry: format!("drivers.{name}.command"),
                now: command(self),
                before: command(approved),
                approved: now.is_none_or(|it| approved.runs(name, it)),
                unsandboxed: true,
            });
        }
        let whose: BTreeSet<_> = self
            .sessions
            .keys()
            .chain(approved.sessions.keys())
            .collect();
        for who in whose {
            let (now, before) = (self.sessions.get(who), approved.sessions.get(who));
            lines.push(Line {
                entry: who.clone(),
                now: now.map(Held::words),
                before: before.map(Held::words),
                approved: now.is_none_or(|it| approved.allows(who, it)),
                unsandboxed: now.or(before).is_some_and(Held::is_bare),
            });
        }
        if self.run_verify || approved.run_verify {
            let says = |it: &Self| it.run_verify.then(|| "true".to_owned());
            lines.push(Line {
                entry: "run_verify".to_owned(),
                now: says(self),
                before: says(approved),
                approved: approved.run_verify || !self.run_verify,
                unsandboxed: false,
            });
        }
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
