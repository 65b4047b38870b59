//! `zhongshu harness …`: commands that are made of the document of the harness API when one of them is used, so that the command line has
//! each operation as soon as the server has it. Nothing else of the command line pays for that.
//!
//! - `operation`, `schema`: what the document says, in terms of a command line
//! - `names`: what an operation is called; `tree`: the commands

mod names;
mod operation;
mod schema;
mod tree;

pub use operation::{Field, Form, Operation, Place, operations};
pub use schema::Kind;
pub use tree::{ADD, BODY, SEND, WAIT, command};

use crate::web::harness::PREFIX;
use crate::web::harness::document::TEXT;
use clap::Args;
use std::ffi::OsString;

/// A command line behind `zhongshu harness`, which is read once the commands are made.
#[derive(Debug, Clone, Default, Args)]
#[command(disable_help_flag = true)]
pub struct Harness {
    /// Group, verb, and what they take
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub line: Vec<OsString>,
}

/// Every operation that this build knows.
pub fn every_operation() -> Vec<Operation> {
    let document = serde_json::from_str(TEXT).expect("the document in the repository is JSON");
    operations(&document, PREFIX)
}

/// The ids that have a name of their own, whether this build has the operation or not.
pub fn named() -> impl Iterator<Item = &'static str> {
    names::NAMES.iter().map(|name| name.id)
}
