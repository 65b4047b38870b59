//! Many viewers of one terminal: whoever is slow, silent or gone costs only itself.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use codex_terminal::descriptor::Mode;
use codex_terminal::wire::ToPage;
use support::{DEADLINE, Got, Sidecar, Viewer, script, wait_until};

/// Floods when it is told to: `w` about 8 MB, `f` about 40 MB. Counts its blocks in a file, so that it shows when somebody
/// holds it up. Says DONE and the number of its last block.
const FLOOD: &str = r#"stty raw -echo; exec python3 -c '
import os
count = os.open("count", os.O_CREAT | os.O_WRONLY)
line = "\x1b[3%dm" + "0123456789 é 宽 " * 6 + "\r\n"
text = "".join(line % (i % 8) for i in range(160)).encode()
number = 0
def flood(blocks):
    global number
    for _ in range(blocks):
        number += 1
        block = b"\x1b]0;block %d\x07" % number + text
        while block: block = block[os.write(1, block):]
        os.pwrite(count, b"%012d" % number, 0)
    os.write(1, b"DONE %d." % number)
open("ready", "w")
while True:
    told = os.read(0, 4096)
    if b"w" in told: flood(400)
    if b"f" in told: flood(2000)
'"#;

/// How far a viewer has come, for others to see.
#[derive(Default)]
struct Progress {
    end: AtomicU64,
    /// The longest time until one of its inputs was taken.
    slowest_input_ms: AtomicU64,
}

/// Reads on until `last` was shown, at most `pace` bytes a second. A writer types all the while.
async fn read_on(
    mut viewer: Viewer,
    last: &str,
    pace: Option<u64>,
    progress: Arc<Progress>,
) -> Viewer {
    let (mut number, mut typed_at) = (viewer.next_input, None);
    let mut tail = Vec::new();
    loop {
        if viewer.mode == Mode::Write && typed_at.is_none() {
            viewer.send_input(number, b".").await;
            typed_at = Some(Instant::now());
        }
        let took = match viewer.next().await {
            Got::Output(_, bytes) => {
                tail.extend_from_slice(&bytes);
                bytes.len()
            }
            Got::Snapshot { bytes, .. } => {
                tail.clone_from(&bytes);
                bytes.len()
            }
            Got::Taken(next) => {
                number = next;
                let took = typed_at
                    .take()
                    .map_or(0, |at: Instant| at.elapsed().as_millis());
                let slowest = &progress.slowest_input_ms;
                slowest.fetch_max(took as u64, Ordering::Relaxed);
                0
            }
            Got::Closed(code) => panic!("closed with {code} at {}", viewer.end()),
            _ => 0,
        };
        progress.end.store(viewer.end(), Ordering::Release);
        if pace.is_none() {
            viewer.drawn();
        }
        tail.drain(..tail.len().saturating_sub(100));
        if String::from_utf8_lossy(&tail).contains(last) {
            viewer.next_input = number;
            return viewer;
        }
        if let Some(pace) = pace {
            tokio::time::sleep(Duration::from_secs(took as u64) / pace as u32).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_viewers_a_stopped_and_a_slow_one_are_noticed_by_nobody() {
    let sidecar = Sidecar::script(FLOOD);
    let (client, _events) = sidecar.control().await;
    wait_until("the program", || {
        sidecar.path("ready").exists().then_some(())
    });
    let normal = sidecar.viewer(Mode::Write).await;
    let reader = sidecar.viewer(Mode::Read).await;
    // Once without the slow ones: ring, screen and scrollback are full from here on.
    client.input("w").await.unwrap();
    let progress: [Arc<Progress>; 2] = Default::default();
    let start = |viewer, last: &'static str, number: usize| {
        tokio::spawn(read_on(viewer, last, None, progress[number].clone()))
    };
    let (normal, reader) = (start(normal, "DONE 400.", 0), start(reader, "DONE 400.", 1));
    let (normal, reader) = (normal.await.unwrap(), reader.await.unwrap());
    let before = sidecar.own_kib();

    let mut stopped = Viewer::connect_narrow(&sidecar.descriptor).await;
    stopped.attach(sidecar.token(Mode::Read), None).await;
    let mut slow = Viewer::connect_narrow(&sidecar.descriptor).await;
    slow.attach(sidecar.token(Mode::Read), None).await;
    client.input("f").await.unwrap();
    let slow = tokio::spawn(read_on(slow, "DONE 2400.", Some(1_000_000), Arc::default()));
    let (normal, reader) = (
        start(normal, "DONE 2400.", 0),
        start(reader, "DONE 2400.", 1),
    );

    let counted = || {
        let text = std::fs::read_to_string(sidecar.path("count")).unwrap();
        text.parse::<u64>().unwrap()
    };
    let (mut most, mut lags) = (before, Vec::new());
    let (mut count, mut counted_at, mut longest_stop) = (0, Instant::now(), Duration::ZERO);
    while count < 2400 {
        let now = counted();
        if now != count {
            longest_stop = longest_stop.max(counted_at.elapsed());
            (count, counted_at) = (now, Instant::now());
        }
        assert!(
            counted_at.elapsed() < DEADLINE,
            "the program stands at {count}"
        );
        most = most.max(sidecar.own_kib());
        // What the server had by now, both quick viewers have a moment later.
        let (begun, offset) = (Instant::now(), client.state().await.unwrap().offset);
        for viewer in &progress {
            while viewer.end.load(Ordering::Acquire) < offset {
                assert!(
                    begun.elapsed() < DEADLINE,
                    "a quick viewer is behind {offset}"
                );
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        lags.push(begun.elapsed());
        // The machine is there for the others too.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (normal, reader) = (normal.await.unwrap(), reader.await.unwrap());
    lags.sort();
    let (median, worst) = (lags[lags.len() / 2], lags[lags.len() - 1]);
    let typing = progress[0].slowest_input_ms.load(Ordering::Relaxed);
    println!(
        "{} looks, lag {median:?}, at worst {worst:?}; input {typing} ms; stop {longest_stop:?}; {before} to {most} KiB",
        lags.len()
    );
    assert!(lags.len() > 10, "{} looks", lags.len());
    assert!(median < Duration::from_millis(100), "{median:?}");
    assert!(worst < Duration::from_secs(2), "{worst:?}");
    assert!(longest_stop < Duration::from_secs(2), "{longest_stop:?}");
    assert!(typing < 2000, "{typing} ms");
    assert!(most < before + (4 << 10), "{before} KiB became {most} KiB");
    assert!(normal.gaps.is_empty() && reader.gaps.is_empty());

    // The slow ones were left behind, each alone, and then see what everybody sees.
    let slow = tokio::time::timeout(DEADLINE, slow).await.unwrap().unwrap();
    let stopped = read_on(
        stopped,
        "DONE 2400.",
        Some(u64::from(u32::MAX)),
        Arc::default(),
    );
    let stopped = tokio::time::timeout(DEADLINE, stopped).await.unwrap();
    let state = client.state().await.unwrap();
    let gaps: Vec<_> = state.viewers.iter().map(|view| view.gaps > 0).collect();
    assert_eq!(gaps, [false, false, true, true]);
    let mut model = sidecar.viewer(Mode::Read).await;
    model.until_screen("DONE 2400.").await;
    let screen = model.parser();
    for late in [&slow, &stopped] {
        let (from, to) = late.gaps[0];
        assert!(from < to && to <= state.offset, "{from} {to}");
        assert_eq!(late.end(), state.offset);
        let shown = late.parser();
        assert_eq!(shown.screen().contents(), screen.screen().contents());
        assert_eq!(
            shown.screen().state_formatted(),
            screen.screen().state_formatted()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_answers_no_ping_is_gone_in_time_and_one_that_does_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(&dir, "exec cat");
    spec.silent_after_seconds = 2;
    let sidecar = Sidecar::start(dir, &spec);
    let begun = Instant::now();
    let silent = sidecar.viewer(Mode::Write).await;
    let mut good = sidecar.viewer(Mode::Write).await;
    // Whoever reads answers pings.
    let good = tokio::spawn(async move {
        let owner = |got: &Got| *got == Got::Text(ToPage::Owner { owner: true });
        good.until("the size, when its owner is gone", owner).await;
        let freed = begun.elapsed();
        good.input(b"still here\r").await;
        good.until_screen("still here").await;
        freed
    });
    let freed = tokio::time::timeout(DEADLINE, good).await.unwrap().unwrap();
    assert!(freed >= Duration::from_millis(1300), "{freed:?}");
    assert!(freed <= Duration::from_secs(4), "{freed:?}");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_reads_nothing_is_gone_in_time_under_a_flood() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(
        &dir,
        "while :; do echo a line of a flood that fills every buffer there is; done",
    );
    spec.silent_after_seconds = 2;
    let sidecar = Sidecar::start(dir, &spec);
    let mut stopped = Viewer::connect_narrow(&sidecar.descriptor).await;
    stopped.attach(sidecar.token(Mode::Read), None).await;
    let (client, _events) = sidecar.control().await;
    let begun = Instant::now();
    while !client.state().await.unwrap().viewers.is_empty() {
        assert!(begun.elapsed() < DEADLINE, "it is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let offset = client.state().await.unwrap().offset;
    while client.state().await.unwrap().offset == offset {
        assert!(begun.elapsed() < DEADLINE, "the program stands");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn sizes_of_any_kind_are_clamped_and_the_program_lives() {
    let sidecar = Sidecar::script("PS1='$ ' exec bash --norc --noprofile -i");
    let mut viewer = sidecar.viewer(Mode::Write).await;
    for (cols, rows, expected) in [
        (serde_json::json!(0), serde_json::json!(0), (1, 1)),
        (65_535.into(), 65_535.into(), (1000, 1000)),
        ((-7).into(), 5.into(), (1, 5)),
        (1e300.into(), (-1e300).into(), (1000, 1)),
        (80.9.into(), 24.2.into(), (80, 24)),
    ] {
        viewer
            .send_text(serde_json::json!({"type": "resize", "cols": cols, "rows": rows}))
            .await;
        let (cols, rows) = expected;
        let sized = |got: &Got| *got == Got::Text(ToPage::Size { cols, rows });
        viewer.until("the clamped size", sized).await;
    }
    viewer.input(b"stty size\r").await;
    viewer.until_screen("24 80").await;
    // What draws a screen of any of these sizes is there for the next one.
    let mut next = sidecar.viewer(Mode::Read).await;
    next.until_screen("24 80").await;
}

#[tokio::test]
async fn endless_titles_clipboards_and_images_stay_small_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"stty raw -echo; exec python3 -c '
import os
def put(data):
    while data: data = data[os.write(1, data):]
long = b"x" * (1 << 20)
def all():
    for end in (b"\x07", b"\x1b\\"):
        for code in (b"0;", b"1;", b"2;", b"52;c;", b"7501;state=", b"8;;javascript:", b"8;;file:///"):
            put(b"\x1b]" + code + long + end)
    put(b"\x1b]8;;\x1b\\\x1bPq" + long * 20 + b"\x1b\\\x1b_" + long + b"\x1b\\\x1b^" + long + b"\x1b\\")
    # A size, a place, the title back, colours, a setting and a position asked for.
    put(b"\x1b[8;5;5t\x1b[3;0;0t\x1b[21t\x1b]52;c;?\x07\x1bP$qm\x1b\\\x1b[6n\x1b[c")
all()
put(b"ready")
os.read(0, 1)
all()
put(b"\x1b]0;")
for _ in range(48): put(long)
open("endless", "w")
# Whoever waits for the file hears of something once more.
put(b"x")
os.read(0, 1)
put(b"\x1b\\\x1b[2J\x1b[Hafter")
print(len(os.read(0, 4096)))
'"#;
    let mut spec = script(&dir, text);
    spec.title = "the title of the launcher".into();
    let sidecar = Sidecar::start(dir, &spec);
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.until_screen("ready").await;
    // Ring and screen model have taken their memory by now.
    let before = sidecar.own_kib();
    viewer.send_input(0, b"x").await;
    while !sidecar.path("endless").exists() {
        viewer.next().await;
        viewer.drawn();
    }
    let after = sidecar.own_kib();
    assert!(
        after < before + (4 << 10),
        "{before} KiB became {after} KiB"
    );
    viewer.send_input(1, b"x").await;
    viewer.next_input = 2;
    viewer.until_screen("after").await;
    let (client, _events) = sidecar.control().await;
    let state = client.state().await.unwrap();
    assert_eq!((state.cols, state.rows), (120, 32));
    assert!(state.agent_state.is_none());
    // Whoever comes now gets a short title, no clipboard and no link; the page's own title is the launcher's.
    let mut late = sidecar.viewer(Mode::Read).await;
    late.until_screen("after").await;
    let drawn = String::from_utf8(late.snapshot).unwrap();
    assert!(drawn.len() < 8 << 10, "{} bytes", drawn.len());
    assert!(!drawn.contains("]52;") && !drawn.contains("]8;"));
    assert_eq!(sidecar.reread().title, "the title of the launcher");
    // Nobody but a viewer answers what the program asks: it has been told nothing yet.
    viewer.input(b"12345").await;
    viewer.until_screen("5").await;
}
