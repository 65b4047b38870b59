//! `zhongshu token …`

use crate::access::Scope;
use clap::Subcommand;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make one and print it; it is shown only now
    Create {
        /// Its name: letters, digits, `-`, `_`, `.`
        name: String,
        /// read: look at everything; harness: that, and drive threads through the harness API; human: whatever you may do yourself
        #[arg(long)]
        scope: Scope,
    },
    /// Show names, scopes and dates
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take one away; what uses it is cut off at once
    Revoke {
        /// Its name
        name: String,
    },
}
