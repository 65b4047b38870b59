//! A program writes as fast as it can; one viewer takes it all and compares every byte.

use std::time::Instant;

use anyhow::{Context, ensure};

use crate::content::Flood;
use crate::floor;
use crate::peer::Peer;
use crate::play::READY;
use crate::process;
use crate::rounds;
use crate::table::{Bound, Table, Targets, ratio, spread};
use crate::viewer::Viewer;

struct Turn {
    rate: f64,
    cpu: f64,
    lost: u64,
}

/// Prints the table.
pub fn measure(
    peers: &[Peer],
    rounds: usize,
    megabytes: u64,
    targets: &mut Targets,
) -> anyhow::Result<()> {
    let flood = Flood::new();
    // The floor first, then the peers.
    let turns = rounds::measure("flood", rounds, 1 + peers.len(), |at| {
        match at.checked_sub(1) {
            None => floor(&flood, megabytes),
            Some(at) => {
                let peer = &peers[at];
                one(peer, &flood, megabytes).with_context(|| peer.name.clone())
            }
        }
    })?;
    let rate = rounds::each(&turns, |turn| turn.rate);
    let cpu = rounds::each(&turns, |turn| turn.cpu);
    let mut table = Table::new(&[
        "",
        "MB/s (least–most)",
        "of the floor",
        "server CPU s",
        "MB lost",
    ]);
    let peer_names = peers.iter().map(|peer| peer.name.as_str());
    for (at, name) in std::iter::once("PTY read floor")
        .chain(peer_names)
        .enumerate()
    {
        let lost: u64 = turns[at].iter().map(|turn| turn.lost).sum();
        table.row(vec![
            name.to_owned(),
            spread(&rate[at], 1),
            format!("{:.2}", ratio(&rate[at], &rate[0])),
            spread(&cpu[at], 2),
            format!("{:.1}", lost as f64 / 1e6),
        ]);
    }
    table.print(
        "Flood",
        &format!("{megabytes} MB of coloured UTF-8 lines to one viewer, {rounds} rounds."),
    );
    targets.value(
        "flood: MB/s, ÷ PTY read floor",
        ratio(&rate[1], &rate[0]),
        Bound::AtLeast(0.85),
    );
    targets.ratio("flood: MB/s", &rate[1..], Bound::AtLeast(1.2));
    targets.ratio("flood: server CPU s", &cpu[1..], Bound::AtMost(0.8));
    Ok(())
}

fn floor(flood: &Flood, megabytes: u64) -> anyhow::Result<Turn> {
    let (took, cpu) = floor::flood(megabytes)?;
    Ok(Turn {
        rate: flood.blocks(megabytes).1 as f64 / 1e6 / took,
        cpu,
        lost: 0,
    })
}

fn one(peer: &Peer, flood: &Flood, megabytes: u64) -> anyhow::Result<Turn> {
    let (blocks, total) = flood.blocks(megabytes);
    let server = peer.start()?;
    let mut viewer = server.open()?;
    viewer.until(READY)?;
    let (begin, cpu) = (Instant::now(), process::cpu_seconds(&server.pids)?);
    viewer.input(format!("flood {blocks}\r").as_bytes())?;
    let got = take(&mut viewer, flood, total)?;
    let took = begin.elapsed().as_secs_f64();
    Ok(Turn {
        rate: total as f64 / 1e6 / took,
        cpu: process::cpu_seconds(&server.pids)? - cpu,
        lost: total - got,
    })
}

/// Takes a flood to its end; gives the number of bytes that came.
fn take(viewer: &mut Viewer, flood: &Flood, total: u64) -> anyhow::Result<u64> {
    let first = READY.len() as u64;
    let mut got = 0;
    loop {
        let output = viewer.next()?.context("the flood ran dry")?;
        let offset = output.offset - first;
        let length = output.bytes.len() as u64;
        ensure!(
            flood.holds(offset, output.bytes),
            "other bytes came than were written, in {length} at {offset}"
        );
        got += length;
        if offset + length >= total {
            return Ok(got);
        }
    }
}
