//! How long a key takes until it comes back: alone, and beside terminals that flood.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::floor::Bare;
use crate::peer::{Peer, Server};
use crate::play::{ECHOING, READY};
use crate::table::{Bound, Table, Targets, median, percentile, spread};
use crate::viewer::Viewer;

/// Between two keys everything comes to rest.
const PAUSE: Duration = Duration::from_millis(3);
/// Floods run for so long before the first key.
const WARM_UP: Duration = Duration::from_secs(1);

/// Times of keys in µs, round by round.
#[derive(Default)]
struct Rounds(Vec<Vec<f64>>);

impl Rounds {
    fn begin(&mut self) -> &mut Vec<f64> {
        self.0.push(Vec::new());
        self.0.last_mut().expect("one was just put there")
    }

    /// The percentile of each round, and of these the median: a moment in which the machine did something else does not
    /// decide, whichever server's turn it was.
    fn at(&self, percent: f64) -> f64 {
        let rounds: Vec<f64> = self.0.iter().map(|it| percentile(it, percent)).collect();
        median(&rounds)
    }
}

/// Prints the table of an idle machine.
pub fn measure(
    peers: &[Peer],
    rounds: usize,
    keys: usize,
    targets: &mut Targets,
) -> anyhow::Result<()> {
    let mut bare = Rounds::default();
    let mut figures: Vec<Rounds> = peers.iter().map(|_| Rounds::default()).collect();
    for round in 0..rounds {
        let mut terminal = Bare::echoing()?;
        strike(keys.div_ceil(rounds), bare.begin(), |key| {
            terminal.input(&[key])?;
            ensure!(terminal.next()? == [key], "another key came back");
            Ok(())
        })?;
        for (peer, figures) in peers.iter().zip(&mut figures) {
            let server = peer.start()?;
            typed(&server, keys.div_ceil(rounds), figures.begin())
                .with_context(|| format!("type at {}", peer.name))?;
        }
        eprintln!("echo: round {} of {rounds}", round + 1);
    }
    let mut table = Table::new(&["", "p50 µs", "p90 µs", "p99 µs"]);
    let mut row = |name: &str, times: &Rounds| {
        let at = |percent| format!("{:.0}", times.at(percent));
        table.row(vec![name.to_owned(), at(50.0), at(90.0), at(99.0)]);
    };
    row("PTY floor", &bare);
    for (peer, times) in peers.iter().zip(&figures) {
        row(&peer.name, times);
    }
    table.print(
        "Echo, nothing else running",
        &format!(
            "{keys} keys each, {} ms apart, in {rounds} rounds in turn; medians of the rounds.",
            PAUSE.as_millis()
        ),
    );
    let at = |percent| -> Vec<f64> { figures.iter().map(|times| times.at(percent)).collect() };
    targets.ratio("echo: p50", &at(50.0), Bound::AtMost(1.1));
    targets.ratio("echo: p99", &at(99.0), Bound::AtMost(1.2));
    Ok(())
}

/// Prints the table of a busy machine.
pub fn measure_beside(
    peers: &[Peer],
    rounds: usize,
    keys: usize,
    neighbours: usize,
    targets: &mut Targets,
) -> anyhow::Result<()> {
    let mut times: Vec<Rounds> = peers.iter().map(|_| Rounds::default()).collect();
    let mut rates = vec![Vec::new(); peers.len()];
    for round in 0..rounds {
        for (at, peer) in peers.iter().enumerate() {
            let rate = beside(peer, neighbours, keys.div_ceil(rounds), times[at].begin())
                .with_context(|| format!("type beside floods at {}", peer.name))?;
            rates[at].push(rate);
        }
        eprintln!("neighbours: round {} of {rounds}", round + 1);
    }
    let mut table = Table::new(&["", "p50 ms", "p99 ms", "MB/s of all floods", "processes"]);
    for (at, peer) in peers.iter().enumerate() {
        let of = |percent| format!("{:.2}", times[at].at(percent) / 1000.0);
        let processes = if peer.shares_a_process() {
            "one for all terminals".to_owned()
        } else {
            "one for each terminal".to_owned()
        };
        table.row(vec![
            peer.name.clone(),
            of(50.0),
            of(99.0),
            spread(&rates[at], 1),
            processes,
        ]);
    }
    table.print(
        &format!("Echo beside {neighbours} flooding terminals"),
        &format!("{keys} keys each, in {rounds} rounds in turn; medians of the rounds; every flood has a viewer that takes all of it."),
    );
    let p99: Vec<f64> = times.iter().map(|times| times.at(99.0)).collect();
    let rates: Vec<f64> = rates.iter().map(|all| median(all)).collect();
    targets.ratio("echo beside floods: p99", &p99, Bound::AtMost(1.1));
    targets.ratio("echo beside floods: MB/s", &rates, Bound::AtLeast(1.2));
    Ok(())
}

fn typed(server: &Server, keys: usize, times: &mut Vec<f64>) -> anyhow::Result<()> {
    let mut viewer = server.open()?;
    viewer.until(READY)?;
    viewer.input(b"echo\r")?;
    viewer.until(ECHOING)?;
    strike(keys, times, |key| {
        viewer.input(&[key])?;
        let output = viewer.next()?.context("a key did not come back")?;
        ensure!(output.bytes == [key], "another key came back");
        Ok(())
    })
}

fn strike(
    keys: usize,
    times: &mut Vec<f64>,
    mut stroke: impl FnMut(u8) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for key in (b'a'..=b'z').cycle().take(keys) {
        std::thread::sleep(PAUSE);
        let begin = Instant::now();
        stroke(key)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok(())
}

/// Gives what all floods moved, in MB/s.
fn beside(
    peer: &Peer,
    neighbours: usize,
    keys: usize,
    times: &mut Vec<f64>,
) -> anyhow::Result<f64> {
    let mut servers = vec![peer.start()?];
    let mut floods = Vec::new();
    for _ in 0..neighbours {
        if !peer.shares_a_process() {
            servers.push(peer.start()?);
        }
        let newest = &servers[servers.len() - 1];
        floods.push(Neighbour::start(newest.open()?)?);
    }
    std::thread::sleep(WARM_UP);
    let moved = || -> u64 { floods.iter().map(Neighbour::moved).sum() };
    let (before, begin) = (moved(), Instant::now());
    typed(&servers[0], keys, times)?;
    let rate = (moved() - before) as f64 / 1e6 / begin.elapsed().as_secs_f64();
    for flood in &floods {
        flood.stop.store(true, Ordering::Relaxed);
    }
    for flood in floods {
        let ended = flood.thread.join();
        ended.map_err(|_| anyhow::anyhow!("a flood's viewer panicked"))??;
    }
    Ok(rate)
}

/// A terminal that floods and its viewer.
struct Neighbour {
    moved: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Neighbour {
    fn start(mut viewer: Viewer) -> anyhow::Result<Self> {
        viewer.until(READY)?;
        viewer.input(b"flood 0\r")?;
        let (moved, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let thread = std::thread::spawn({
            let (moved, stop) = (moved.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let output = viewer.next()?.context("a flood ran dry")?;
                    moved.fetch_add(output.bytes.len() as u64, Ordering::Relaxed);
                }
                Ok(())
            }
        });
        Ok(Self {
            moved,
            stop,
            thread,
        })
    }

    fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }
}
