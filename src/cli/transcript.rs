//! What `zhongshu transcript` takes.

use clap::Args;

/// Which transcript, and how it is printed.
#[derive(Debug, Clone, Args)]
pub struct Transcript {
    /// Id of the session, as `zhongshu ps` shows it, or of its thread
    #[arg(value_name = "ID")]
    pub id: String,
    /// Go on with what is said from now on
    #[arg(long, short)]
    pub follow: bool,
    /// Print a line of JSON for each step
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a Markdown document
    #[arg(long, conflicts_with = "follow")]
    markdown: bool,
}

/// How a transcript is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines for a person.
    Text,
    /// A line of JSON for each step.
    Json,
    /// A document.
    Markdown,
}

impl Transcript {
    /// The form to print it in.
    pub fn form(&self) -> Form {
        match (self.json, self.markdown) {
            (true, _) => Form::Json,
            (_, true) => Form::Markdown,
            _ => Form::Text,
        }
    }
}
