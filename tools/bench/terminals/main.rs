//! How fast and how small terminal servers are, ours beside others in one run. Not a test: it needs a quiet Linux machine and
//! prints a Markdown report for a person to judge.
//!
//!     cargo build --release && cargo run --release -p terminal-bench -- --ttyd "$(command -v ttyd)"
//!
//! - [`play`] is the program that runs in every terminal; [`content`] what it floods
//! - [`peer`] starts a server, [`viewer`] speaks its protocol (over [`ws`], [`sshx`]); [`floor`] is a PTY without any server
//! - [`flood`], [`echo`], [`slow`], [`open`], [`idle`], [`screen`] measure one thing each, with [`rounds`], [`process`] and [`table`]

mod cbor;
mod content;
mod echo;
mod flood;
mod floor;
mod idle;
mod open;
mod peer;
mod play;
mod process;
mod rounds;
mod screen;
mod slow;
mod sshx;
mod table;
mod viewer;
mod ws;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};

use crate::peer::Peer;
use crate::table::Targets;

/// Measures terminal servers side by side.
#[derive(Parser)]
#[command(name = "terminals")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Our program; default: the one built beside this one
    #[arg(long, value_name = "PATH")]
    ours: Option<PathBuf>,
    /// A ttyd of 1.7 or newer (your distribution's package, or a release binary of github.com/tsl0922/ttyd)
    #[arg(long, value_name = "PATH")]
    ttyd: Option<PathBuf>,
    /// A folder with sshx and sshx-server (`cargo install sshx sshx-server`; needs protoc)
    #[arg(long, value_name = "FOLDER")]
    sshx: Option<PathBuf>,
    /// Any other server that starts the given command for each viewer: NAME=ttyd:COMMAND, where {port} stands for
    /// the port of 127.0.0.1 and {command} for what is to run
    #[arg(long, value_name = "NAME=PROTOCOL:COMMAND")]
    peer: Vec<String>,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// How often each server's turn comes; single keys have many short turns
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How much a flood is
    #[arg(long, default_value_t = 200)]
    megabytes: u64,
    /// Keystrokes for each server
    #[arg(long, default_value_t = 4500)]
    keys: usize,
    /// How many flood beside a typist
    #[arg(long, default_value_t = 10)]
    neighbours: usize,
    /// How long a slow viewer, and an idle crowd, is watched
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The idle crowd
    #[arg(long, default_value_t = 200)]
    crowd: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Flood,
    Echo,
    Neighbours,
    Slow,
    Open,
    Idle,
    Screen,
}

/// What this program does inside of a measurement.
#[derive(Subcommand)]
enum Role {
    /// The program in the terminal
    #[command(hide = true)]
    Play,
    /// A PTY and its reader, nothing else
    #[command(hide = true)]
    Floor { megabytes: u64 },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Play) => play::run(),
        Some(Role::Floor { megabytes }) => floor::run(megabytes),
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let peers = peers(arguments)?;
    let peers = peers.as_slice();
    let mut targets = Targets::new(peers);
    let wanted = |scenario| arguments.only.is_empty() || arguments.only.contains(&scenario);
    println!("{}\n", process::machine());
    if wanted(Scenario::Flood) {
        flood::measure(peers, arguments.rounds, arguments.megabytes, &mut targets)?;
    }
    if wanted(Scenario::Echo) {
        echo::measure(peers, arguments.keys, &mut targets)?;
    }
    if wanted(Scenario::Neighbours) {
        let (rounds, keys) = (arguments.rounds, arguments.keys);
        echo::measure_beside(peers, rounds, keys, arguments.neighbours, &mut targets)?;
    }
    let duration = Duration::from_secs(arguments.seconds);
    if wanted(Scenario::Slow) {
        slow::measure(peers, duration, &mut targets)?;
    }
    if wanted(Scenario::Open) {
        open::measure(peers, 2 * arguments.rounds, &mut targets)?;
    }
    if wanted(Scenario::Idle) {
        idle::measure(peers, arguments.crowd, duration, &mut targets)?;
    }
    if wanted(Scenario::Screen) {
        screen::measure(arguments.rounds, arguments.megabytes);
    }
    targets.print();
    Ok(())
}

fn peers(arguments: &Arguments) -> anyhow::Result<Vec<Peer>> {
    let ours = match &arguments.ours {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("zhongshu"),
    };
    let mut peers = vec![Peer::ours(&ours)?];
    if let Some(path) = &arguments.ttyd {
        peers.push(Peer::ttyd(path)?);
    }
    if let Some(folder) = &arguments.sshx {
        peers.push(Peer::sshx(folder)?);
    }
    for text in &arguments.peer {
        peers.push(Peer::parse(text).with_context(|| format!("--peer {text}"))?);
    }
    Ok(peers)
}
