//! The way between a Codex TUI and its app-server. What a person decides in a TUI is in no event of Codex, so the terminal's process stands
//! between the two: it passes every byte on as it is, and reads on the side what the TUI says. It decides nothing and outlives the launcher.
//!
//! - `handshake` the one header that it takes out, so that frames are plain · `pass` bytes, both ways
//! - `frames` bytes → messages · `said` messages → what matters of them · `reports` what waits for a launcher · [`report`] what it is told

mod frames;
mod handshake;
mod pass;
pub mod report;
pub(crate) mod reports;
mod said;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use local_os::platform;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::control_server;
use crate::spec;
use frames::Frames;
use report::{Said, Server};
use reports::Reports;

/// What it is called in an error.
const SOCKET: &str = "relay's socket";
/// One TUI has one or two; a program that opens more is no TUI.
const MAX_CONNECTIONS: usize = 16;

/// See the module.
pub(crate) struct Relay {
    listener: UnixListener,
    socket: PathBuf,
    upstream: PathBuf,
    reports: Arc<Reports>,
}

impl Relay {
    /// Listens, for this user alone.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(crate) fn bind(wanted: &spec::Relay, reports: Arc<Reports>) -> io::Result<Self> {
        Ok(Self {
            listener: control_server::bind(&wanted.socket, SOCKET)?,
            socket: wanted.socket.clone(),
            upstream: wanted.upstream.clone(),
            reports,
        })
    }

    /// Passes bytes for as long as it is polled; all connections end with it.
    pub(crate) async fn serve(mut self) {
        let own_uid = rustix::process::geteuid().as_raw();
        let mut connections = JoinSet::new();
        let mut number = 0;
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => {
                    self.stay_reachable();
                    continue;
                }
            };
            match accepted {
                Ok((client, _)) => {
                    let uid = client.peer_cred().map(|peer| peer.uid());
                    if uid.ok() != Some(own_uid) {
                        tracing::warn!("a relay connection of another user was refused");
                    } else if connections.len() >= MAX_CONNECTIONS {
                        tracing::warn!("a relay connection too many was refused");
                    } else {
                        number += 1;
                        let upstream = self.upstream.clone();
                        let listening = Listening::new(number, Arc::clone(&self.reports));
                        connections.spawn(connection(client, upstream, listening));
                    }
                }
                Err(error) => {
                    // Out of descriptors: it passes, and a busy loop would not help.
                    tracing::warn!(%error, "a relay connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Relay {
    /// Makes the socket anew if somebody took it away: whoever's connection ended is about to connect again. Where there is no other folder
    /// for it than one in `/tmp`, an agent can do that, as to the app-server's, which is made anew with each app-server.
    fn stay_reachable(&mut self) {
        if self.socket.exists() {
            return;
        }
        match control_server::bind(&self.socket, SOCKET) {
            Ok(listener) => self.listener = listener,
            Err(error) => tracing::warn!(%error, "the relay cannot be reached any more"),
        }
    }
}

async fn connection(client: UnixStream, upstream: PathBuf, mut listening: Listening) {
    let upstream = match UnixStream::connect(&upstream).await {
        Ok(upstream) => upstream,
        Err(error) => {
            // The client's connection ends with this, and it tries again by itself.
            tracing::debug!(%error, "there is no server to pass on to");
            return;
        }
    };
    listening.server = peer(&upstream);
    pass::both_ways(client, upstream, &mut listening).await;
    listening.says(Said::Ended {});
}

fn peer(upstream: &UnixStream) -> Option<Server> {
    let pid = upstream.peer_cred().ok()?.pid()?;
    let pid = u32::try_from(pid).ok()?;
    Some(Server {
        pid,
        started_at_ticks: platform::process_start_ticks(pid)?,
    })
}

/// What reads one connection on the side.
struct Listening {
    connection: u64,
    server: Option<Server>,
    /// None: it cannot be read any more.
    frames: Option<Frames>,
    reports: Arc<Reports>,
}

impl Listening {
    fn new(connection: u64, reports: Arc<Reports>) -> Self {
        Self {
            connection,
            server: None,
            frames: Some(Frames::default()),
            reports,
        }
    }

    /// Reads what the client said after its handshake.
    fn hear(&mut self, bytes: &[u8]) {
        let Some(frames) = &mut self.frames else {
            return;
        };
        let mut heard = Vec::new();
        let read = frames.take(bytes, |message| heard.extend(said::of(&message)));
        for said in heard {
            self.says(said);
        }
        if let Err(broken) = read {
            self.give_up(&broken.to_string());
        }
    }

    /// What is said from here on cannot be read.
    fn give_up(&mut self, reason: &str) {
        if self.frames.take().is_some() {
            tracing::info!(reason, "a connection is passed on unread");
            let reason = reason.to_owned();
            self.says(Said::Unreadable { reason });
        }
    }

    fn says(&self, said: Said) {
        self.reports.add(self.connection, self.server, said);
    }
}
