//! How fast reports are, beside `git` in the same run. Not a test: it needs a quiet Linux machine, and prints a Markdown
//! report for a person to judge.
//!
//!     cargo build --release --workspace --bins --examples
//!     ./target/release/examples/report --repo ../some-repository
//!
//! - [`repositories`] makes what is reported on, once, and finds it again the next time
//! - [`yardstick`] asks git, [`ours`] asks the library, [`served`] asks a server that runs
//! - [`rounds`] lets them take turns, sees that all name the same paths, and compares
#![allow(clippy::unwrap_used)]

mod ours;
mod repositories;
mod rounds;
mod served;
mod table;
mod yardstick;

use std::path::PathBuf;

use clap::Parser;

use crate::table::Targets;

/// Measures reports beside git.
#[derive(Parser)]
#[command(name = "report")]
struct Arguments {
    /// Where the repositories that are made for this lie, and stay
    #[arg(long, value_name = "FOLDER", default_value = ".tmp/bench-report")]
    folder: PathBuf,
    /// Two folders with an older and a newer version of some sources; a repository is made of them
    #[arg(long, value_names = ["OLD", "NEW"], num_args = 2)]
    versions: Option<Vec<PathBuf>>,
    /// A further repository; it is only read
    #[arg(long, value_name = "PATH")]
    repo: Vec<PathBuf>,
    /// How often everybody's turn comes
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Makes one report and says what memory that took; this program asks itself so
    #[arg(long, hide = true, value_name = "PATH")]
    once: Option<PathBuf>,
}

fn main() {
    let arguments = Arguments::parse();
    if let Some(repo) = arguments.once {
        println!("{}", ours::peak_of_one(&repo));
        return;
    }
    let mut subjects = repositories::made(&arguments.folder);
    if let Some([old, new]) = arguments.versions.as_deref() {
        subjects.push(repositories::of_versions(&arguments.folder, [old, new]));
    }
    let given = arguments.repo.into_iter().map(repositories::given);
    subjects.extend(given);
    let mut targets = Targets::default();
    for subject in &subjects {
        rounds::measure(subject, arguments.rounds, &mut targets);
    }
    targets.print();
}
