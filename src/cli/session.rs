//! `zhongshu session …`

use clap::{ArgGroup, Args, Subcommand};

/// What to do to which session.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zhongshu session message zhongshu-0199… \"Write the tests first.\" --after\n  \
        zhongshu session interrupt zhongshu-0199… --background\n  \
        zhongshu session set lingyubu-0199… --effort high\n  \
        zhongshu session review menxia-0199… --commit HEAD\n\n`zhongshu ps` shows the ids."
)]
pub struct Session {
    /// What to do.
    #[command(subcommand)]
    pub command: SessionCommand,
    /// Print the server's answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do to a session.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum SessionCommand {
    /// Say something to it, into the turn that runs
    Message {
        /// Id of the session
        id: String,
        /// What to say
        text: String,
        /// Only when the turn that runs has ended
        #[arg(long)]
        after: bool,
    },
    /// Take a message back that waits for the end of the turn
    TakeBack {
        /// Id of the session
        id: String,
        /// Id of the message, as `message --after` printed it
        message: String,
    },
    /// Break off the turn that runs; a program of your own gets Ctrl-C
    Interrupt {
        /// Id of the session
        id: String,
        /// End the commands that it left in the background as well
        #[arg(long)]
        background: bool,
    },
    /// Have the model sum its history up and go on from that
    Compact {
        /// Id of the session
        id: String,
        /// Break off the turn that runs
        #[arg(long)]
        interrupt: bool,
    },
    /// Take back a turn and all after it; files stay as they are
    Revert {
        /// Id of the session
        id: String,
        /// Id of the turn, as `zhongshu api GET '/api/thread?id=…'` shows it
        turn: String,
        /// Break off the turn that runs
        #[arg(long)]
        interrupt: bool,
    },
    /// Copy its thread; the copy is nobody's session
    Fork {
        /// Id of the session
        id: String,
        /// What the copy is called
        #[arg(long)]
        title: Option<String>,
    },
    /// Give its thread another name
    Rename {
        /// Id of the session
        id: String,
        /// The name
        title: String,
    },
    /// Put the thread of a session that is over away; `resume` fetches it back
    Archive {
        /// Id of the session
        id: String,
    },
    /// Delete the thread of a session that is over, for good
    Delete {
        /// Id of the session
        id: String,
        /// Delete this copy of its thread instead
        #[arg(long, value_name = "FORK_ID")]
        fork: Option<String>,
    },
    /// Choose other settings from the next turn on
    Set(Set),
    /// Have Codex review what is not committed, or something else
    Review(Review),
    /// Bring a terminal back that left the session's thread (/new, /resume)
    Back {
        /// Id of the session
        id: String,
    },
}

/// Settings; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(group = ArgGroup::new("what").args(["model", "effort", "approval", "sandbox"]).required(true).multiple(true))]
pub struct Set {
    /// Id of the session
    pub id: String,
    /// The model
    #[arg(long)]
    pub model: Option<String>,
    /// How long it thinks
    #[arg(long)]
    pub effort: Option<String>,
    /// When it asks: untrusted, on-request, never
    #[arg(long)]
    pub approval: Option<String>,
    /// What its commands may do: read-only, workspace-write, danger-full-access
    #[arg(long)]
    pub sandbox: Option<String>,
    /// It may do more than the session was confirmed with
    #[arg(long)]
    pub wider: bool,
}

/// What is reviewed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(group = ArgGroup::new("target").args(["base", "commit", "instructions"]))]
pub struct Review {
    /// Id of the session
    pub id: String,
    /// What differs from where this branch left another one
    #[arg(long, value_name = "BRANCH")]
    pub base: Option<String>,
    /// One commit
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// Whatever this says
    #[arg(long, value_name = "TEXT")]
    pub instructions: Option<String>,
    /// Break off the turn that runs
    #[arg(long)]
    pub interrupt: bool,
}
