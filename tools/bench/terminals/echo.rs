//! How long a key takes until it comes back: alone, and beside terminals that flood.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::floor::Bare;
use crate::peer::{Peer, Server};
use crate::play::{ECHOING, READY};
use crate::rounds;
use crate::table::{Bound, Table, Targets, median, percentile, spread};
use crate::viewer::Viewer;

/// Between two keys everything comes to rest.
const PAUSE: Duration = Duration::from_millis(3);
/// So many keys are typed before the next server has its turn. The rare key is as slow as the machine happens to be just then, so
/// turns are short.
const KEYS_IN_A_ROW: usize = 50;
/// What the server before has put off is done before a turn.
const REST: Duration = Duration::from_millis(100);
/// Floods run for so long before the first key.
const WARM_UP: Duration = Duration::from_secs(1);

/// Prints the table of an idle machine.
pub fn measure(peers: &[Peer], keys: usize, targets: &mut Targets) -> anyhow::Result<()> {
    let servers = peers
        .iter()
        .map(Peer::start)
        .collect::<anyhow::Result<Vec<_>>>()?;
    // The floor first, then the peers.
    let mut typists = vec![on_bare(Bare::echoing()?)];
    for server in &servers {
        typists.push(on_viewer(echoing(server)?));
    }
    let rounds = keys.div_ceil(KEYS_IN_A_ROW);
    let turns = rounds::measure("echo", rounds, typists.len(), |at| {
        std::thread::sleep(REST);
        strike(KEYS_IN_A_ROW, &mut typists[at])
    })?;
    let times: Vec<Vec<f64>> = turns.iter().map(|turns| turns.concat()).collect();
    let at = |percent| -> Vec<Vec<f64>> {
        let of_server = |times: &Vec<f64>| vec![percentile(times, percent)];
        times.iter().map(of_server).collect()
    };
    let [p50, p90, p99] = [50.0, 90.0, 99.0].map(at);
    let mut table = Table::new(&["", "p50 µs", "p90 µs", "p99 µs"]);
    let peer_names = peers.iter().map(|peer| peer.name.as_str());
    for (at, name) in std::iter::once("PTY floor").chain(peer_names).enumerate() {
        let of = |percentiles: &[Vec<f64>]| format!("{:.0}", percentiles[at][0]);
        table.row(vec![name.to_owned(), of(&p50), of(&p90), of(&p99)]);
    }
    table.print(
        "Echo, nothing else running",
        &format!(
            "{} keys each, {} ms apart, {KEYS_IN_A_ROW} in turn.",
            rounds * KEYS_IN_A_ROW,
            PAUSE.as_millis()
        ),
    );
    targets.ratio("echo: p50", &p50[1..], Bound::AtMost(1.1));
    targets.ratio("echo: p99", &p99[1..], Bound::AtMost(1.2));
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
    let each = keys.div_ceil(rounds);
    let turns = rounds::measure("neighbours", rounds, peers.len(), |at| {
        let peer = &peers[at];
        beside(peer, neighbours, each)
            .with_context(|| format!("type beside floods at {}", peer.name))
    })?;
    let at = |percent| rounds::each(&turns, |turn| percentile(&turn.times, percent));
    let [p50, p99] = [50.0, 99.0].map(at);
    let rates = rounds::each(&turns, |turn| turn.rate);
    let mut table = Table::new(&["", "p50 ms", "p99 ms", "MB/s of all floods", "processes"]);
    for (at, peer) in peers.iter().enumerate() {
        let of = |rounds: &[Vec<f64>]| format!("{:.2}", median(&rounds[at]) / 1000.0);
        let processes = if peer.shares_a_process() {
            "one for all terminals".to_owned()
        } else {
            "one for each terminal".to_owned()
        };
        table.row(vec![
            peer.name.clone(),
            of(&p50),
            of(&p99),
            spread(&rates[at], 1),
            processes,
        ]);
    }
    table.print(
        &format!("Echo beside {neighbours} flooding terminals"),
        &format!("{keys} keys each, in {rounds} rounds; medians of the rounds; every flood has a viewer that takes all of it."),
    );
    targets.ratio("echo beside floods: p99", &p99, Bound::AtMost(1.1));
    targets.ratio("echo beside floods: MB/s", &rates, Bound::AtLeast(1.2));
    Ok(())
}

/// Types one key and waits until it is back.
type Typist = Box<dyn FnMut(u8) -> anyhow::Result<()>>;

fn on_bare(mut terminal: Bare) -> Typist {
    Box::new(move |key| {
        terminal.input(&[key])?;
        ensure!(terminal.next()? == [key], "another key came back");
        Ok(())
    })
}

fn on_viewer(mut viewer: Viewer) -> Typist {
    Box::new(move |key| {
        viewer.input(&[key])?;
        let output = viewer.next()?.context("a key did not come back")?;
        ensure!(output.bytes == [key], "another key came back");
        Ok(())
    })
}

fn echoing(server: &Server) -> anyhow::Result<Viewer> {
    let mut viewer = server.open()?;
    viewer.until(READY)?;
    viewer.input(b"echo\r")?;
    viewer.until(ECHOING)?;
    Ok(viewer)
}

/// Times of keys, in µs.
fn strike(keys: usize, typist: &mut Typist) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for key in (b'a'..=b'z').cycle().take(keys) {
        std::thread::sleep(PAUSE);
        let begin = Instant::now();
        typist(key)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}

/// A turn beside floods.
struct Beside {
    /// Of keys, in µs.
    times: Vec<f64>,
    /// What all floods moved, in MB/s.
    rate: f64,
}

fn beside(peer: &Peer, neighbours: usize, keys: usize) -> anyhow::Result<Beside> {
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
    let times = strike(keys, &mut on_viewer(echoing(&servers[0])?))?;
    let rate = (moved() - before) as f64 / 1e6 / begin.elapsed().as_secs_f64();
    for flood in &floods {
        flood.stop.store(true, Ordering::Relaxed);
    }
    for flood in floods {
        let ended = flood.thread.join();
        ended.map_err(|_| anyhow::anyhow!("a flood's viewer panicked"))??;
    }
    Ok(Beside { times, rate })
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
