//! `zhongshu attention …`

use clap::{Args, Subcommand};

/// What to look at.
#[derive(Debug, Args)]
#[command(after_help = "Without a command it lists what waits, the most urgent first.")]
pub struct Attention {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<AttentionCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with what waits.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AttentionCommand {
    /// List what waits, the most urgent first
    List,
    /// Show one thing that waits: what, why, since when, and what can be done
    Show {
        /// Its id, as the list shows it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Decide: allow or decline what Codex asks, answer its questions, or do what an item offers
    Answer(Answer),
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  zhongshu attention answer ask-0199… accept\n  \
        zhongshu attention answer ask-0199… decline --words \"write it to the project instead\"\n  \
        zhongshu attention answer ask-0199… answer --answer colour=Red --answer key=-\n  \
        zhongshu attention answer ask-0199… accept --always department --unsandboxed\n  \
        zhongshu attention answer ask-0199… accept --content '{\"size\":3}'\n  \
        zhongshu attention answer plan_to_confirm-zhongshu-0199…-1 reject --words \"smaller steps\""
)]
pub struct Answer {
    /// Its id, as the list shows it
    #[arg(value_name = "ID")]
    pub id: String,
    /// One of the decisions that it offers, as `show` names them: accept, decline, cancel, answer, …
    #[arg(value_name = "DECISION")]
    pub decision: String,
    /// The answer to one question, or a note to it when given again; `QUESTION=-` reads it from standard input, where no other program sees it
    #[arg(long = "answer", value_name = "QUESTION=TEXT")]
    pub answers: Vec<String>,
    /// What is filled into a form, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub content: Option<String>,
    /// What is granted of the permissions that were asked for, as JSON such as {"read":["/a"]} [default: all]
    #[arg(long, value_name = "JSON")]
    pub permissions: Option<String>,
    /// With `accept` of a command or tool: the same is not asked again, in this `session`, its `department` or the `repository`
    #[arg(long, value_name = "SCOPE")]
    pub always: Option<String>,
    /// With `--always`: also where the command leaves its sandbox
    #[arg(long, requires = "always")]
    pub unsandboxed: bool,
    /// With a no: what the session is told; or whatever else the action needs in words
    #[arg(long, value_name = "TEXT")]
    pub words: Option<String>,
}
