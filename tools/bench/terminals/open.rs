//! How long it takes until somebody sees the first byte of a new terminal.

use std::time::Instant;

use anyhow::Context;

use crate::peer::Peer;
use crate::table::{Bound, Table, Targets, median, spread};

/// Prints the table.
pub fn measure(peers: &[Peer], times: usize, targets: &mut Targets) -> anyhow::Result<()> {
    // Servers of many terminals run already, ours starts with each.
    let mut running = Vec::new();
    for peer in peers {
        running.push(match peer.shares_a_process() {
            true => Some(peer.start()?),
            false => None,
        });
    }
    let mut figures = vec![Vec::new(); peers.len()];
    for _ in 0..times {
        for (at, peer) in peers.iter().enumerate() {
            let begin = Instant::now();
            let fresh = match running[at] {
                Some(_) => None,
                None => Some(peer.start()?),
            };
            let server = fresh.as_ref().or(running[at].as_ref());
            let mut viewer = server.context("a server")?.open()?;
            viewer.next()?.context("nothing came")?;
            figures[at].push(begin.elapsed().as_secs_f64() * 1000.0);
        }
    }
    eprintln!("open: {times} times");
    let mut table = Table::new(&["", "ms to the first byte (least–most)", "begins with"]);
    for (at, peer) in peers.iter().enumerate() {
        let begins = match running[at] {
            Some(_) => "a viewer of a running server",
            None => "the start of the server's process",
        };
        table.row(vec![
            peer.name.clone(),
            spread(&figures[at], 1),
            begins.to_owned(),
        ]);
    }
    table.print("Opening", &format!("{times} times in turn."));
    targets.value("open: ms", median(&figures[0]), Bound::AtMost(15.0));
    Ok(())
}
