//! A crowd of terminals in which nothing happens: memory, threads, processor time, and what is left when they are closed.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::peer::Peer;
use crate::play::READY;
use crate::process;
use crate::table::{Bound, Table, Targets};

/// After the last start everything comes to rest.
const SETTLE: Duration = Duration::from_secs(2);
/// Programs get so long to notice that their terminal is gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Prints the table.
pub fn measure(
    peers: &[Peer],
    crowd: usize,
    duration: Duration,
    targets: &mut Targets,
) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        "",
        "PSS KiB each",
        "threads each",
        "CPU ms in all per s",
        "programs left after closing",
    ]);
    for (number, peer) in peers.iter().enumerate() {
        let figures = one(peer, crowd, duration).with_context(|| peer.name.clone())?;
        let of = |value: f64| format!("{:.1}", value / crowd as f64);
        table.row(vec![
            peer.name.clone(),
            of(figures.pss_kib as f64),
            of(figures.threads as f64),
            format!("{:.2}", figures.cpu_per_second * 1000.0),
            figures.left.to_string(),
        ]);
        if number == 0 {
            let mib = figures.pss_kib as f64 / crowd as f64 / 1024.0;
            targets.value("idle: PSS MiB each", mib, Bound::AtMost(4.0));
            let busy = figures.cpu_per_second * 100.0;
            targets.value("idle: % of a processor in all", busy, Bound::AtMost(0.5));
            targets.value(
                "idle: programs left",
                figures.left as f64,
                Bound::AtMost(0.0),
            );
        }
        eprintln!("idle: {}", peer.name);
    }
    table.print(
        &format!("{crowd} idle terminals"),
        &format!(
            "One viewer each, {} s. Memory includes what the process needs whatever the number of terminals.",
            duration.as_secs()
        ),
    );
    Ok(())
}

struct Figures {
    pss_kib: u64,
    threads: u64,
    cpu_per_second: f64,
    left: usize,
}

fn one(peer: &Peer, crowd: usize, duration: Duration) -> anyhow::Result<Figures> {
    let mut servers = vec![peer.start()?];
    let mut viewers = Vec::new();
    for number in 0..crowd {
        if number > 0 && !peer.shares_a_process() {
            servers.push(peer.start()?);
        }
        let mut viewer = servers[servers.len() - 1].open()?;
        viewer.until(READY)?;
        viewers.push(viewer);
    }
    std::thread::sleep(SETTLE);
    let pids: Vec<u32> = servers
        .iter()
        .flat_map(|server| server.pids.clone())
        .collect();
    let programs = process::children(&pids);
    let (pss_kib, threads) = (process::pss_kib(&pids)?, process::threads(&pids)?);
    let (before, begin) = (process::running_time(&pids), Instant::now());
    std::thread::sleep(duration);
    let used = process::running_time(&pids).saturating_sub(before);
    let cpu_per_second = used.as_secs_f64() / begin.elapsed().as_secs_f64();
    drop(viewers);
    if !peer.shares_a_process() {
        for server in &mut servers {
            server.stop()?;
        }
    }
    let deadline = Instant::now() + GONE_WITHIN;
    let left = loop {
        let left = programs.iter().filter(|pid| process::lives(**pid)).count();
        if left == 0 || Instant::now() > deadline {
            break left;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ok(Figures {
        pss_kib,
        threads,
        cpu_per_second,
        left,
    })
}
