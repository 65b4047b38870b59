//! A viewer that takes one megabyte a second of an endless flood: what it costs the server, and the others.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::content::Flood;
use crate::peer::{Peer, Server};
use crate::play::READY;
use crate::process;
use crate::table::{Bound, Table, Targets, median, ratio};
use crate::viewer::Viewer;

/// What the slow viewer takes at once, and how often: 1 MB/s.
const PIECE_BYTES: usize = 10_000;
const PIECE_EVERY: Duration = Duration::from_millis(10);
/// Rings and buffers are full after this.
const WARM_UP: Duration = Duration::from_secs(3);
/// A slow viewer of a terminal that others watch comes so often, and leaves again.
const TURNS: u32 = 5;
/// So long the fast one is alone before and after each.
const ALONE: Duration = Duration::from_secs(2);

struct Figures {
    growth_kib: u64,
    rate: f64,
    missed: u64,
    fast: Option<Fast>,
}

/// Rates of a second viewer at full speed.
struct Fast {
    alone: f64,
    beside: f64,
    kept: f64,
}

/// Prints the table.
pub fn measure(peers: &[Peer], duration: Duration, targets: &mut Targets) -> anyhow::Result<()> {
    let flood = Flood::new();
    let mut table = Table::new(&[
        "",
        "the server grew by MiB",
        "slow viewer MB/s",
        "it missed MB",
        "fast viewer MB/s alone → beside it",
    ]);
    for (number, peer) in peers.iter().enumerate() {
        let figures = one(peer, &flood, duration)
            .with_context(|| format!("a slow viewer of {}", peer.name))?;
        let grew = figures.growth_kib as f64 / 1024.0;
        table.row(vec![
            peer.name.clone(),
            format!("{grew:.1}"),
            format!("{:.2}", figures.rate),
            format!("{:.0}", figures.missed as f64 / 1e6),
            match &figures.fast {
                Some(fast) => format!("{:.1} → {:.1}", fast.alone, fast.beside),
                None => "each viewer has its own program, which waits".to_owned(),
            },
        ]);
        if number == 0 {
            targets.value("slow viewer: growth in MiB", grew, Bound::AtMost(4.0));
            if let Some(fast) = figures.fast {
                let what = "slow viewer: the fast one keeps";
                targets.value(what, fast.kept, Bound::AtLeast(0.9));
            }
        }
        eprintln!("slow: {}", peer.name);
    }
    table.print(
        "A slow viewer",
        &format!(
            "1 MB/s for {} s of an endless flood; every byte that came was compared with what belongs at its offset.",
            duration.as_secs()
        ),
    );
    Ok(())
}

fn one(peer: &Peer, flood: &Flood, duration: Duration) -> anyhow::Result<Figures> {
    let server = peer.start()?;
    let mut first = server.open()?;
    first.until(READY)?;
    first.input(b"flood 0\r")?;
    if !peer.shares_a_terminal() {
        let before = process::rss_kib(&server.pids)?;
        let mut figures = watch(&mut first, flood, duration, &server.pids)?;
        figures.growth_kib = figures.growth_kib.saturating_sub(before);
        return Ok(figures);
    }
    let shell = first.shell();
    let (stop, moved) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let fast = scope.spawn(|| -> anyhow::Result<()> {
            while !stop.load(Ordering::Relaxed) {
                let output = first.next()?.context("the flood ran dry")?;
                moved.fetch_add(output.bytes.len() as u64, Ordering::Relaxed);
            }
            Ok(())
        });
        let measured = beside(&server, shell, flood, duration, &moved);
        stop.store(true, Ordering::Relaxed);
        let ended = fast.join();
        ended.map_err(|_| anyhow::anyhow!("the fast viewer panicked"))??;
        measured
    })
}

fn beside(
    server: &Server,
    shell: Option<u64>,
    flood: &Flood,
    duration: Duration,
    moved: &AtomicU64,
) -> anyhow::Result<Figures> {
    let rate = |during: &mut dyn FnMut() -> anyhow::Result<()>| -> anyhow::Result<f64> {
        let (before, begin) = (moved.load(Ordering::Relaxed), Instant::now());
        during()?;
        let bytes = moved.load(Ordering::Relaxed) - before;
        Ok(bytes as f64 / 1e6 / begin.elapsed().as_secs_f64())
    };
    let alone = || {
        rate(&mut || {
            std::thread::sleep(ALONE);
            Ok(())
        })
    };
    std::thread::sleep(WARM_UP);
    let before = process::rss_kib(&server.pids)?;
    let mut rates = vec![alone()?];
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let mut slow = server.join(shell)?;
        let mut turn = None;
        let with_it = rate(&mut || {
            turn = Some(watch(&mut slow, flood, duration / TURNS, &server.pids)?);
            Ok(())
        })?;
        drop(slow);
        rates.extend([with_it, alone()?]);
        turns.extend(turn);
    }
    // Before and after each turn: the machine itself becomes slower and faster meanwhile.
    let pairs = rates.windows(3).step_by(2);
    let (alone, with_it): (Vec<f64>, Vec<f64>) = pairs
        .map(|rates| ((rates[0] + rates[2]) / 2.0, rates[1]))
        .unzip();
    let most = turns.iter().map(|turn| turn.growth_kib).max();
    Ok(Figures {
        growth_kib: most.unwrap_or(0).saturating_sub(before),
        rate: median(&turns.iter().map(|turn| turn.rate).collect::<Vec<_>>()),
        missed: turns.iter().map(|turn| turn.missed).sum(),
        fast: Some(Fast {
            alone: median(&alone),
            beside: median(&with_it),
            kept: ratio(&with_it, &alone),
        }),
    })
}

/// Takes a megabyte a second; `growth_kib` is the most memory that was seen.
fn watch(
    viewer: &mut Viewer,
    flood: &Flood,
    duration: Duration,
    pids: &[u32],
) -> anyhow::Result<Figures> {
    viewer.socket().read_slowly(PIECE_BYTES);
    let ready = READY.len() as u64;
    let (begin, mut got, mut missed) = (Instant::now(), 0, 0);
    let (mut most, mut expected) = (0, viewer.offset);
    let mut pieces = 0;
    while begin.elapsed() < duration {
        let due = begin + PIECE_EVERY * pieces;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let allowed = PIECE_BYTES as u64 * u64::from(pieces + 1);
        while got < allowed && begin.elapsed() < duration {
            let output = viewer.next()?.context("the flood ran dry")?;
            missed += output.offset - expected;
            expected = output.offset + output.bytes.len() as u64;
            got += output.bytes.len() as u64;
            ensure!(
                output.offset < ready || flood.holds(output.offset - ready, output.bytes),
                "other bytes came than were written"
            );
        }
        pieces += 1;
        most = most.max(process::rss_kib(pids)?);
    }
    Ok(Figures {
        growth_kib: most,
        rate: got as f64 / 1e6 / begin.elapsed().as_secs_f64(),
        missed,
        fast: None,
    })
}
