//! Rules that answer for a person: a command by its first words, or a tool of an MCP server, in one session, department or repository. Made by a
//! person from a decision, or written in `governance.yaml` and approved there; narrower than what Codex itself remembers.

use super::{Ask, CommandKind, What};
use crate::domain::hex::hex;
use crate::domain::ids::{AskId, RuleId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::Session;
use crate::domain::shown::{short, shown_line};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Rules that there may be; more nobody overlooks.
pub const MAX_RULES: usize = 256;

/// Where a rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum Scope {
    /// In one session.
    Session {
        /// Which.
        session_id: SessionId,
    },
    /// In every session of a department, here.
    Department {
        /// Its key.
        department: String,
    },
    /// In every session of this repository.
    Repository,
}

/// What a rule allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "allows", rename_all = "snake_case")]
pub enum Allows {
    /// A command that is these words, alone or with more behind them.
    Command {
        /// The words.
        prefix: Vec<String>,
        /// Also where the command may leave its sandbox. Codex does not tell whether it wants to, so without this the rule counts only where
        /// there is no sandbox.
        #[serde(default)]
        unsandboxed: bool,
    },
    /// A tool of an MCP server, whatever it is called with.
    McpTool {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub rule_id: RuleId,
    /// Where it holds.
    #[serde(flatten)]
    pub scope: Scope,
    /// What it allows.
    #[serde(flatten)]
    pub allows: Allows,
    /// Who made it; [`WRITTEN`] for one of the file.
    pub by: String,
    /// The ask that it was made from; none for one of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_id: Option<AskId>,
}

/// Who made the rules that stand in the file.
pub const WRITTEN: &str = "governance.yaml";

/// A rule that holds, and how often it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Since when; a file does not say.
    pub added_at: Option<DateTime<Utc>>,
    /// How often it was used.
    #[serde(flatten)]
    pub used: Used,
}

/// How often a rule was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// How many asks it answered.
    pub uses: u64,
    /// The last time.
    pub used_at: Option<DateTime<Utc>>,
}

impl Used {
    pub(super) fn again(&mut self, at: DateTime<Utc>) {
        self.uses += 1;
        self.used_at = Some(at);
    }
}

/// The rules that hold, by id and so by age.
pub type Rules = BTreeMap<RuleId, Standing>;

/// Where somebody wants a rule to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeWish {
    /// In the session that asks.
    Session,
    /// In its department.
    Department,
    /// In this repository.
    Repository,
}

/// A rule that is to be made from a decision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Where it shall hold.
    pub scope: ScopeWish,
    /// The first words of the command; without it all of them.
    #[serde(default)]
    pub prefix: Option<Vec<String>>,
    /// Whether it shall count where a command may leave its sandbox.
    #[serde(default)]
    pub unsandboxed: bool,
}

/// The words of a plain command. None when a shell would make anything else of it than one program with these arguments.
pub fn words(command: &str) -> Option<Vec<String>> {
    let line = match given_to_shell(command) {
        Some(quoted) if quoted.starts_with('\'') => quoted
            .strip_prefix('\'')
            .and_then(|it| it.strip_suffix('\''))?,
        // Without quotes the shell gets one word, and the rest as arguments to it.
        Some(word) if word.contains(' ') => return None,
        Some(word) => word,
        None => command,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    let words: Vec<&str> = line.split(' ').collect();
    let is_plain = |word: &&str| !word.is_empty() && word.chars().all(plain);
    // An assignment before the program changes what it is, and a path from the folder of the moment is another program elsewhere.
    let is_one_program = !words[0].contains('=') && is_bare_or_absolute(words[0]);
    let sound = words.iter().all(is_plain) && is_one_program;
    sound.then(|| words.into_iter().map(str::to_owned).collect())
}

fn is_bare_or_absolute(program: &str) -> bool {
    !program.contains('/') || program.starts_with('/')
}

/// Where shells are that nobody but the system, or the person, puts there. One by any other path may be a program of the repository.
const SHELL_FOLDERS: [&str; 4] = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];

/// What a shell is given that Codex starts for a command line: it names it by its whole path.
fn given_to_shell(command: &str) -> Option<&str> {
    let (program, rest) = command.split_once(' ')?;
    let (folder, name) = program.rsplit_once('/')?;
    let (flag, line) = rest.split_once(' ')?;
    let is_shell = matches!(name, "bash" | "zsh" | "sh") && SHELL_FOLDERS.contains(&folder);
    (is_shell && matches!(flag, "-lc" | "-c")).then_some(line)
}

impl Ask {
    /// The rule that somebody wants to make from a yes to this.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn rule(&self, wish: Wish, session: Option<&Session>, by: &str) -> Result<Rule, Refusal> {
        let invalid = |message: Sentence| Refusal::invalid("rule_not_possible", message);
        let session = session.ok_or_else(|| invalid(say!("refusal.rule.no_session")))?;
        let scope = match wish.scope {
            ScopeWish::Session => Scope::Session {
                session_id: session.id().clone(),
            },
            ScopeWish::Department => Scope::Department {
                department: session.brief.department.clone(),
            },
            ScopeWish::Repository => Scope::Repository,
        };
        let allows = match &self.what {
            What::Command {
                command,
                network: None,
                permissions: None,
                command_kind: CommandKind::Command,
                ..
            } if self.cut.is_empty() => {
                let all = words(command).ok_or_else(|| invalid(say!("refusal.rule.not_plain")))?;
                let prefix = wish.prefix.unwrap_or_else(|| all.clone());
                if prefix.is_empty() || !all.starts_with(&prefix) {
                    let command = short(&all.join(" "));
                    return Err(invalid(say!("refusal.rule.other_prefix", command)));
                }
                if !wish.unsandboxed && has_sandbox(session) {
                    return Err(invalid(say!("refusal.rule.unsandboxed")));
                }
                let unsandboxed = wish.unsandboxed;
                Allows::Command {
                    prefix,
                    unsandboxed,
                }
            }
            What::McpTool { server, tool, .. } => {
                if wish.prefix.is_some() {
                    return Err(invalid(say!("refusal.rule.prefix_of_tool")));
                }
                Allows::McpTool {
                    server: server.clone(),
                    tool: tool.clone(),
                }
            }
            _ => {
                return Err(invalid(say!("refusal.rule.not_for_this")));
            }
        };
        Ok(Rule {
            rule_id: RuleId::fresh("rule"),
            scope,
            allows,
            by: by.to_owned(),
            ask_id: Some(self.id.clone()),
        })
    }
}

/// Whether a command may leave a sandbox: the one that the session was confirmed with, or the one that its thread has since.
fn has_sandbox(session: &Session) -> bool {
    use crate::domain::department::Sandbox;
    let none = Sandbox::DangerFullAccess;
    let in_force = session.thread_state.settings.as_ref();
    session.brief.sandbox != none || in_force.is_some_and(|it| it.sandbox != none.name())
}

impl Rule {
    /// One that stands in the file. Its id follows from what it says, so that its uses are counted for as long as it says that.
    pub fn written(scope: Scope, allows: Allows) -> Self {
        let says = serde_json::to_vec(&(&scope, &allows)).expect("it is plain data");
        let digest = hex(&Sha256::digest(says));
        Self {
            rule_id: RuleId::parse(&format!("rule-{}", &digest[..32])).expect("it is a plain name"),
            scope,
            allows,
            by: WRITTEN.to_owned(),
            ask_id: None,
        }
    }

    /// What it says, in the words of the file.
    pub fn words(&self) -> String {
        let mut words = match &self.allows {
            Allows::Command { prefix, .. } => format!("command: {}", prefix.join(" ")),
            Allows::McpTool { server, tool } => format!("tool: {server}/{tool}"),
        };
        if let Scope::Department { department } = &self.scope {
            words += &format!(", department: {department}");
        }
        if self.leaves_the_sandbox() {
            words += ", unsandboxed: true";
        }
        shown_line(&words).into_owned()
    }

    /// Whether it counts where a command may leave its sandbox.
    pub fn leaves_the_sandbox(&self) -> bool {
        let unsandboxed = |it: &Allows| {
            matches!(
                it,
                Allows::Command {
                    unsandboxed: true,
                    ..
                }
            )
        };
        unsandboxed(&self.allows)
    }

    /// Whether it says yes to this.
    pub fn allows(&self, ask: &Ask, session: &Session) -> bool {
        let here = match &self.scope {
            Scope::Session { session_id } => session_id == session.id(),
            Scope::Department { department } => *department == session.brief.department,
            Scope::Repository => true,
        };
        let this = match (&self.allows, &ask.what) {
            (
                Allows::Command {
                    prefix,
                    unsandboxed,
                },
                What::Command {
                    command,
                    network: None,
                    permissions: None,
                    command_kind: CommandKind::Command,
                    ..
                },
            ) => {
                (*unsandboxed || !has_sandbox(session))
                    && words(command).is_some_and(|words| words.starts_with(prefix))
            }
            (
                Allows::McpTool { server, tool },
                What::McpTool {
                    server: s, tool: t, ..
                },
            ) => server == s && tool == t,
            _ => false,
        };
        here && this && ask.cut.is_empty() && ask.offers("accept").is_some()
    }

    /// What it allows, in one line.
    pub fn title(&self) -> String {
        match &self.allows {
            Allows::Command { prefix, .. } => shown_line(&prefix.join(" ")).into_owned(),
            Allows::McpTool { server, tool } => {
                shown_line(&format!("{server} · {tool}")).into_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_plain_command_has_words() {
        for (command, expected) in [
            ("git status", Some(vec!["git", "status"])),
            (
                "/bin/bash -lc 'git status --short'",
                Some(vec!["git", "status", "--short"]),
            ),
            (
                "cargo test -p a=b",
                Some(vec!["cargo", "test", "-p", "a=b"]),
            ),
            ("/bin/bash -lc 'git status; rm -rf /'", None),
            ("/bin/bash -lc 'git status && id'", None),
            ("/bin/bash -lc 'git status | sh'", None),
            ("/bin/bash -lc 'git status > /x'", None),
            ("/bin/bash -lc 'git status $(id)'", None),
            ("/bin/bash -lc 'git status `id`'", None),
            ("/bin/bash -lc 'git status\nid'", None),
            ("/bin/bash -lc 'git  status'", None),
            ("/bin/bash -lc 'git status ~'", None),
            ("/bin/bash -lc 'git status *'", None),
            ("/bin/bash -lc 'git '\\''status'\\'''", None),
            ("/bin/bash -lc \"git status\"", None),
            ("/bin/bash -lc git status", None),
            ("/bin/bash -lc ls", Some(vec!["ls"])),
            ("/usr/bin/zsh -lc 'git status'", Some(vec!["git", "status"])),
            (
                "/opt/homebrew/bin/bash -lc 'git status'",
                Some(vec!["git", "status"]),
            ),
            ("bash -c 'git status", None),
            ("bash -lc 'git status'", None),
            ("./bash -lc 'git status'", None),
            ("./bash -lc ls", None),
            ("bin/bash -lc ls", None),
            ("/repo/bin/bash -lc 'git status'", None),
            ("/bin/../repo/bash -lc 'git status'", None),
            ("./make all", None),
            ("/bin/bash -lc './make all'", None),
            ("/bin/bash -lc 'scripts/make all'", None),
            (
                "/bin/bash -lc '/usr/bin/make all'",
                Some(vec!["/usr/bin/make", "all"]),
            ),
            ("GIT_PAGER=sh git status", None),
            ("git status\u{202e}", None),
            ("git status\u{a0}x", None),
            ("", None),
            (" ", None),
        ] {
            let words = words(command);
            let words = words
                .as_ref()
                .map(|it| it.iter().map(String::as_str).collect());
            assert_eq!(words, expected, "{command:?}");
        }
    }

    #[test]
    fn there_is_a_sandbox_to_leave_where_one_was_confirmed_or_is_in_force() {
        use crate::domain::steering::Settings;
        let confirmed = |sandbox: &str| -> Session {
            let brief = serde_json::json!({
                "id": "lingyubu-01900000000070008000000000000001", "session_kind": "department", "department": "lingyubu",
                "title": "Core", "task": "tidy up", "files": [], "verify": [], "model": null, "driver": "codex",
                "sandbox": sandbox, "approval": "on-request", "parent_session_id": null, "assignment_id": null,
                "resumed_from_session_id": null, "prompt_path": "p", "log_path": "l",
            });
            Session::new(serde_json::from_value(brief).unwrap(), DateTime::UNIX_EPOCH)
        };
        let in_force = |sandbox: &str| Settings {
            model: "m".to_owned(),
            effort: None,
            approval: "on-request".to_owned(),
            sandbox: sandbox.to_owned(),
            network: false,
        };
        for (brief, now, expected) in [
            ("danger-full-access", None, false),
            ("danger-full-access", Some("danger-full-access"), false),
            ("danger-full-access", Some("workspace-write"), true),
            ("danger-full-access", Some("externalSandbox"), true),
            ("workspace-write", None, true),
            ("workspace-write", Some("danger-full-access"), true),
        ] {
            let mut session = confirmed(brief);
            session.thread_state.settings = now.map(in_force);
            assert_eq!(has_sandbox(&session), expected, "{brief} {now:?}");
        }
    }
}
