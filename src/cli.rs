//! The command line: names, flags and help texts, and the exit codes. It parses and never acts.
//!
//! - `exit`: what the process ends with; `harness`: commands that are made of a document; others by their names

pub mod attention;
mod exit;
pub mod harness;
pub mod history;
pub mod session;
pub mod token;
pub mod transcript;
pub mod usage;

use crate::config::Flags;
use crate::domain::report::FailOn;
use crate::domain::rules::RiskLevel;
use crate::governance::render::Format;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
pub use exit::ExitCode;
use std::path::PathBuf;
pub use token::TokenCommand;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "zhongshu",
    version,
    about = "Run a planner and several department coding agents on one Git repository, under your control",
    long_about = "Run a planner and several department coding agents on one Git repository, under your control.\n\n\
        Without a command it starts the server for the repository you are in and opens the dashboard in your browser. \
        There you start a planner; it proposes who should do what; nothing runs before you confirm it.",
    after_help = "Exit codes: 0 it worked; 1 it failed or something was found; 2 wrong arguments or configuration; \
        3 another zhongshu runs for this repository; 4 none runs and one is needed. Of `harness` also: 5 not allowed; \
        6 not there; 7 not in this state; 8 not now.\n\n\
        First steps: `zhongshu doctor` checks this machine, `zhongshu demo` shows everything without an account.",
    args_conflicts_with_subcommands = false
)]
pub struct Cli {
    /// The command; without one, the server is started.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// Flags of the server, for when no command is given.
    #[command(flatten)]
    pub serve: Serve,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// The Git repository to work on [default: the one you are in]
    #[arg(long, value_name = "PATH", global = true)]
    pub repo: Option<PathBuf>,
    /// Where zhongshu keeps its journal and locks, outside of the repository [default: $XDG_STATE_HOME/zhongshu/…]
    #[arg(long, value_name = "PATH", global = true)]
    pub state_dir: Option<PathBuf>,
}

/// Flags of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Serve {
    /// A port of 127.0.0.1 that stays the same, for scripts [default: a free one, another at each start]. What other programs
    /// had there before (workers that they left in a browser) can act on a page that is opened by address instead of by name
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The Codex program [default: $CODEX_BIN, else `codex` on PATH]
    #[arg(long, value_name = "PATH")]
    pub codex_bin: Option<PathBuf>,
    /// Do not open a browser; print the login link only
    #[arg(long)]
    pub no_open: bool,
    /// Leave sessions running when the server is stopped; the next start finds them again
    #[arg(long)]
    pub keep_sessions: bool,
    /// Use a state folder that sandboxed agents can write, below /tmp for example; for tests and trials
    #[arg(long)]
    pub allow_writable_state: bool,
    /// Print one line of JSON when ready: {"url","login_url","pid","state_dir"}
    #[arg(long)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server for this repository (what `zhongshu` does without a command)
    Serve(Serve),
    /// Open the dashboard of the running server with a fresh login link
    Open {
        /// Print the link and open nothing
        #[arg(long)]
        no_open: bool,
        /// A link to 127.0.0.1, for a browser that does not find names below localhost
        #[arg(long)]
        address: bool,
    },
    /// List sessions; without a server, what still runs
    Ps {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find sessions of any age by what was said in them, by file, department and time
    History(history::History),
    /// List what waits for you, and answer it
    Attention(attention::Attention),
    /// Tokens and time of sessions, departments and plans; limits of the account
    Usage(usage::Usage),
    /// What plans and sessions may take, in tokens
    Budget(usage::Budget),
    /// Say something to a session, interrupt it, change its settings, and what else you do to one without its terminal
    Session(session::Session),
    /// Stop one session, or, without an ID, the server and everything it runs
    Stop {
        /// Id of the session, as `zhongshu ps` shows it
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
    /// Send a raw request to the running server as you, and print the answer
    #[command(
        after_help = "Examples:\n  zhongshu api GET /api/status\n  zhongshu api POST /api/queue/pause\n  \
            zhongshu api POST /api/start_zhongshu_session --data '{\"task\":\"tidy the docs\"}'"
    )]
    Api {
        /// GET, POST, …
        #[arg(value_name = "METHOD")]
        method: String,
        /// Path with its query, such as /api/report?mode=staged
        #[arg(value_name = "PATH")]
        path: String,
        /// The body as JSON; `-` reads it from standard input, `@FILE` from a file [default for anything but GET: {}]
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
        /// Repeat a request whose answer was lost: with the key it had, it happens once [default: a fresh key]
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Sessions of Codex through the harness API; `zhongshu harness --help` shows the commands
    Harness(harness::Harness),
    /// Named tokens for scripts that reach the server over HTTP
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: token::TokenCommand,
    },
    /// What changed in the repository, whose it is, what is risky, what to verify (needs no server)
    Report(Report),
    /// Say whether a commit may go on: what it takes must have been approved (Git's hooks run this; needs no server)
    #[command(
        after_help = "Exit codes: 0 the commit may go on; 1 it is refused; 2 the command is wrong.\n\n\
            Without arguments it judges what is staged, or the index that Git names to its hooks."
    )]
    Gate(Gate),
    /// Put the gate before every commit, or take it away again; other hooks go on working
    Hook {
        /// What to do with the hooks.
        #[command(subcommand)]
        command: HookCommand,
    },
    /// What happened so far, one line per event (needs no server)
    Audit {
        /// Check the journal and its copy, or, without this, show events
        #[command(subcommand)]
        command: Option<AuditCommand>,
        /// Go on with new events as they happen (needs the server)
        #[arg(long, short)]
        follow: bool,
        /// Print the journal's lines as they are
        #[arg(long)]
        json: bool,
    },
    /// Check this machine: codex, git, ports, login, sandbox; say what is wrong and how to mend it
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// What came of one planner's work, as a Markdown page, made from the journal (needs no server)
    Dossier {
        /// Id of the planner session, as `zhongshu ps` or `zhongshu audit` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// What was said and done in a session: messages, commands with their output, differences (needs the server)
    Transcript(transcript::Transcript),
    /// Show the whole job in a scratch repository, without account or network
    Demo {
        /// Use the real Codex CLI against the built-in model; you do on the page what the person does
        #[arg(long)]
        codex: bool,
        /// End when the flow is through; exit 0 only if every step happened
        #[arg(long)]
        exit: bool,
        /// The flags of the server that shows it
        #[command(flatten)]
        serve: Serve,
    },
    /// The tool server of a session; Codex starts it
    #[command(hide = true)]
    Mcp,
    /// The limited child that reads the repository; the gate and the server start it
    #[command(hide = true)]
    Reader,
    /// Runs an extension's program within limits, and ends it with the server; the server starts it
    #[command(hide = true)]
    Keep {
        /// The program and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<std::ffi::OsString>,
    },
    /// Ends Codex's app-server when no launcher comes back; the server starts it
    #[command(hide = true)]
    Watchdog {
        /// How long nobody may have come back
        #[arg(long, value_name = "SECONDS")]
        limit_seconds: u64,
    },
    /// The demo's scripted agent, or its MCP server
    #[command(hide = true)]
    DemoAgent {
        /// The file with the agent's prompt; without one it is the server
        prompt_file: Option<PathBuf>,
    },
    /// One terminal for the browser; the server starts it
    #[command(hide = true)]
    Terminal(codex_terminal::cli::Arguments),
}

/// What to do with the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum AuditCommand {
    /// Check every line of the journal, and that the copy in the repository is the same
    Verify,
    /// Make a damaged journal writable again; what is cut off is kept beside it (the server must not run)
    Repair {
        /// Take the copy in the repository, if it is sound, and lose nothing: only where nobody can have changed it
        #[arg(long)]
        from_copy: bool,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
}

/// What the gate is asked.
#[derive(Debug, Clone, Default, Args)]
#[command(group = ArgGroup::new("moment").args(["message", "committed"]))]
pub struct Gate {
    /// Write the trailers into this commit message instead (for a commit-msg hook)
    #[arg(long, value_name = "FILE")]
    pub message: Option<PathBuf>,
    /// Say whether the last commit was approved (for a post-commit hook)
    #[arg(long)]
    pub committed: bool,
    /// See that a branch moves to what the gate let pass (for a reference-transaction hook, whose input is read)
    #[arg(long, requires = "git", conflicts_with_all = ["message", "committed"])]
    pub moving: bool,
    /// The process of the git that runs the hook
    #[arg(long, value_name = "PID")]
    pub git: Option<u32>,
}

/// What to do with the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum HookCommand {
    /// Put the gate before every commit; an earlier hook is kept and still runs
    Install,
    /// Take the gate away and put back what was there before
    Remove,
    /// Say which hooks are there and how strict the gate is; exit 1 when it is not installed
    Status,
}

/// Which report, and how to print it.
#[derive(Debug, Clone, Default, Args)]
#[command(group = ArgGroup::new("mode").args(["staged", "base"]))]
#[command(group = ArgGroup::new("shape").args(["format", "json", "markdown"]))]
pub struct Report {
    /// What is staged for the next commit
    #[arg(long)]
    pub staged: bool,
    /// What differs between this branch, tag or commit and the files on disk
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// How to print it [default: text]
    #[arg(long)]
    format: Option<ReportFormat>,
    /// The same as --format json
    #[arg(long)]
    json: bool,
    /// The same as --format markdown
    #[arg(long)]
    markdown: bool,
    /// Only the portability scan; exit 1 when it finds something to review
    #[arg(long)]
    pub preflight: bool,
    /// Exit 1 when there is a finding of this level or above; machine-local references are medium [default: never, with
    /// --preflight medium]
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<FailLevel>,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// Lines for a terminal.
    Text,
    /// The values themselves.
    Json,
    /// A document.
    Markdown,
    /// SARIF 2.1.0 for code hosts and editors.
    Sarif,
}

/// When a report fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailLevel {
    High,
    Medium,
    Low,
    Never,
}

impl Report {
    /// The form to print it in.
    pub fn format(&self) -> Format {
        match self.format {
            Some(ReportFormat::Json) => Format::Json,
            Some(ReportFormat::Markdown) => Format::Markdown,
            Some(ReportFormat::Sarif) => Format::Sarif,
            None if self.json => Format::Json,
            None if self.markdown => Format::Markdown,
            Some(ReportFormat::Text) | None => Format::Text,
        }
    }

    /// From which level on it fails, when somebody said so.
    pub fn fail_on(&self) -> Option<FailOn> {
        self.fail_on.map(|level| match level {
            FailLevel::High => FailOn::Level(RiskLevel::High),
            FailLevel::Medium => FailOn::Level(RiskLevel::Medium),
            FailLevel::Low => FailOn::Level(RiskLevel::Low),
            FailLevel::Never => FailOn::Never,
        })
    }
}

impl Cli {
    /// The flags in the form that the configuration takes. A flag may stand before or after `serve`.
    pub fn flags(&self) -> Flags {
        let under = match &self.command {
            Some(Command::Serve(serve) | Command::Demo { serve, .. }) => serve.clone(),
            _ => Serve::default(),
        };
        let top = self.serve.clone();
        Flags {
            repo: self.global.repo.clone(),
            state_dir: self.global.state_dir.clone(),
            port: under.port.or(top.port),
            codex_bin: under.codex_bin.or(top.codex_bin),
            no_open: under.no_open || top.no_open,
            keep_sessions: under.keep_sessions || top.keep_sessions,
            allow_writable_state: under.allow_writable_state || top.allow_writable_state,
            json: under.json || top.json,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound_and_every_command_has_a_help_text() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }

    #[test]
    fn flags_of_the_server_stand_with_or_without_its_name() {
        for line in [
            "zhongshu --port 0 --no-open --json --repo /r",
            "zhongshu serve --port 0 --no-open --json --repo /r",
            "zhongshu --repo /r serve --no-open --json --port 0",
        ] {
            let flags = parse(line).unwrap().flags();
            let expected = Flags {
                repo: Some(PathBuf::from("/r")),
                port: Some(0),
                no_open: true,
                json: true,
                ..Flags::default()
            };
            assert_eq!(flags, expected, "{line}");
        }
    }

    #[test]
    fn global_flags_reach_every_command() {
        for line in [
            "zhongshu ps --repo /r --state-dir /s",
            "zhongshu api GET /x --repo /r --state-dir /s",
            "zhongshu token list --repo /r --state-dir /s",
            "zhongshu audit verify --repo /r --state-dir /s",
        ] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.global.repo.as_deref(), Some("/r".as_ref()), "{line}");
            assert_eq!(cli.global.state_dir.as_deref(), Some("/s".as_ref()));
        }
    }

    #[test]
    fn contradictions_and_bad_values_are_refused() {
        for line in [
            "zhongshu report --staged --base main",
            "zhongshu report --json --markdown",
            "zhongshu report --json --format sarif",
            "zhongshu report --format xml",
            "zhongshu report --fail-on always",
            "zhongshu --port 65536",
            "zhongshu --port x",
            "zhongshu token create ci",
            "zhongshu token create ci --scope root",
            "zhongshu nothing",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
