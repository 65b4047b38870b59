//! `zhongshu usage` and `zhongshu budget …`

use clap::{ArgGroup, Args, Subcommand};

/// How to print what was taken.
#[derive(Debug, Args)]
pub struct Usage {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Try a provider that refuses again, before its time; a queue that you paused stays so
    #[arg(long)]
    pub try_now: bool,
}

/// What to do with budgets.
#[derive(Debug, Args)]
pub struct Budget {
    /// What to do.
    #[command(subcommand)]
    pub command: BudgetCommand,
}

/// What to do with budgets.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BudgetCommand {
    /// Allow so many tokens; at the line nothing new starts
    #[command(
        after_help = "Examples:\n  zhongshu budget set --plan zhongshu-0199… 2M\n  \
            zhongshu budget set --session department-0199… 500k --interrupt"
    )]
    Set {
        /// For what.
        #[command(flatten)]
        subject: Subject,
        /// So many tokens, read and written: 250000, 500k, 1.5M
        #[arg(value_name = "TOKENS")]
        tokens: String,
        /// Interrupt turns that run at the line; they go on when it is raised
        #[arg(long)]
        interrupt: bool,
    },
    /// Show what is allowed and how much of it was used
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a budget away; what governance.yaml says holds again
    Clear {
        /// For what.
        #[command(flatten)]
        subject: Subject,
    },
}

/// What a budget is for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(group = ArgGroup::new("subject").args(["session", "plan"]).required(true))]
pub struct Subject {
    /// One session
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// A plan, by its planner's session
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Its version [default: the newest]
    #[arg(long, value_name = "NUMBER", requires = "plan")]
    pub version: Option<u32>,
}
