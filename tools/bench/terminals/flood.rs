//! A program writes as fast as it can; one viewer takes it all and compares every byte.

use std::time::Instant;

use anyhow::{Context, ensure};

use crate::content::Flood;
use crate::floor;
use crate::peer::Peer;
use crate::play::READY;
use crate::process;
use crate::table::{Bound, Table, Targets, median, spread};
use crate::viewer::Viewer;

#[derive(Default)]
struct Figures {
    rate: Vec<f64>,
    cpu: Vec<f64>,
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
    let bytes = flood.blocks(megabytes).1 as f64 / 1e6;
    let mut bare = Figures::default();
    let mut figures: Vec<Figures> = peers.iter().map(|_| Figures::default()).collect();
    for round in 0..rounds {
        let (took, cpu) = floor::flood(megabytes)?;
        bare.rate.push(bytes / took);
        bare.cpu.push(cpu);
        for (peer, figures) in peers.iter().zip(&mut figures) {
            one(peer, &flood, megabytes, figures)
                .with_context(|| format!("round {round} of {}", peer.name))?;
        }
        eprintln!("flood: round {} of {rounds}", round + 1);
    }
    let mut table = Table::new(&[
        "",
        "MB/s (least–most)",
        "of the floor",
        "server CPU s",
        "MB lost",
    ]);
    let floor = median(&bare.rate);
    let mut row = |name: &str, figures: &Figures| {
        table.row(vec![
            name.to_owned(),
            spread(&figures.rate, 1),
            format!("{:.2}", median(&figures.rate) / floor),
            spread(&figures.cpu, 2),
            format!("{:.1}", figures.lost as f64 / 1e6),
        ]);
    };
    row("PTY read floor", &bare);
    for (peer, figures) in peers.iter().zip(&figures) {
        row(&peer.name, figures);
    }
    table.print(
        "Flood",
        &format!("{megabytes} MB of coloured UTF-8 lines to one viewer, {rounds} rounds in turn."),
    );
    let rates: Vec<f64> = figures.iter().map(|one| median(&one.rate)).collect();
    let cpu: Vec<f64> = figures.iter().map(|one| median(&one.cpu)).collect();
    targets.value(
        "flood: MB/s, ÷ PTY read floor",
        rates[0] / floor,
        Bound::AtLeast(0.85),
    );
    targets.ratio("flood: MB/s", &rates, Bound::AtLeast(1.2));
    targets.ratio("flood: server CPU s", &cpu, Bound::AtMost(0.8));
    Ok(())
}

fn one(peer: &Peer, flood: &Flood, megabytes: u64, figures: &mut Figures) -> anyhow::Result<()> {
    let (blocks, total) = flood.blocks(megabytes);
    let server = peer.start()?;
    let mut viewer = server.open()?;
    viewer.until(READY)?;
    let (begin, cpu) = (Instant::now(), process::cpu_seconds(&server.pids)?);
    viewer.input(format!("flood {blocks}\r").as_bytes())?;
    let got = take(&mut viewer, flood, total)?;
    let took = begin.elapsed().as_secs_f64();
    figures.rate.push(total as f64 / 1e6 / took);
    figures.cpu.push(process::cpu_seconds(&server.pids)? - cpu);
    figures.lost += total - got;
    Ok(())
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
