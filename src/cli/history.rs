//! What `zhongshu history` takes.

use clap::Args;

/// What is looked for. Everything that is named has to fit.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  zhongshu history login form\n  zhongshu history --file src/web --department menxia --since 2026-01-01\n\n\
        It finds what was asked, planned and reported. `zhongshu transcript ID` has every word of one session."
)]
pub struct History {
    /// Words that were said, as they stand there
    #[arg(value_name = "WORDS")]
    pub words: Vec<String>,
    /// Part of a path that it was about
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Key of the department; `zhongshu` for planners
    #[arg(long, value_name = "KEY")]
    pub department: Option<String>,
    /// Departments of this planner
    #[arg(long, value_name = "ID")]
    pub planner: Option<String>,
    /// Ended on or after this day, in UTC, or this moment (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Ended before this day or moment
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Go on after the last one that was shown
    #[arg(long, value_name = "ID")]
    pub before: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub limit: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
