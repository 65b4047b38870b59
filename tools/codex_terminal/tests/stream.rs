//! Output: byte-exact resuming, snapshots that equal the model, slow viewers, large pastes.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use codex_terminal::descriptor::Mode;
use codex_terminal::model::Model;
use futures_util::StreamExt;
use support::{Got, Sidecar, Viewer, script};

/// UTF-8 of all lengths, colours, titles, cursor moves; ends with DONE. About 1.5 MiB, in small bursts.
const MIXED: &str = r#"python3 -u -c '
import sys, time
w = sys.stdout.buffer
for i in range(12000):
    w.write(("\x1b[%d;%dm行%d é 🙂 \x1b]0;titel %d ü\x07\x1b[%d;%dH\x1b[?2026h%s\x1b[?2026l\x1b[m\r\n" % (i % 8 + 30, i % 2, i, i, i % 30 + 1, i % 90 + 1, "宽" * (i % 20))).encode())
    if i % 40 == 0:
        w.flush(); time.sleep(0.004)
w.write(b"DONE"); w.flush()
time.sleep(1000)
'"#;

/// A small, reproducible source of numbers; its seed is printed by the assertion that fails.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[tokio::test]
async fn two_hundred_random_disconnects_lose_and_repeat_no_byte() {
    let sidecar = Sidecar::script(MIXED);
    let mut whole = Vec::new();
    let mut begin = None;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut resumed = 0;
    let mut done = false;
    while !done || resumed < 200 {
        let mut viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
        let offset = begin.map(|begin: u64| begin + whole.len() as u64);
        viewer.attach(sidecar.token(Mode::Read), offset).await;
        if let Some(offset) = offset {
            assert!(viewer.resumed, "at {offset}");
            viewer.base = offset;
            resumed += 1;
        } else {
            viewer
                .until("the snapshot", |got| matches!(got, Got::Snapshot { .. }))
                .await;
            begin = Some(viewer.base);
        }
        let stop = dice.roll(12_000) as usize;
        while viewer.seen.len() < stop && !done {
            viewer.next().await;
            done = viewer.seen.ends_with(b"DONE");
        }
        // A dropped connection: what was received counts, up to a random byte of it.
        let keep = if done {
            viewer.seen.len()
        } else {
            viewer.seen.len().saturating_sub(dice.roll(50) as usize)
        };
        whole.extend_from_slice(&viewer.seen[..keep]);
        done = whole.ends_with(b"DONE");
        drop(viewer);
    }
    let transcript = std::fs::read(sidecar.path("t.log")).unwrap();
    let begin = begin.unwrap() as usize;
    assert!(
        whole == transcript[begin..],
        "{} and {} bytes",
        whole.len(),
        transcript.len() - begin
    );
    assert!(resumed >= 200, "{resumed}");
}

#[tokio::test]
async fn a_viewer_that_attaches_at_any_moment_sees_what_the_model_sees() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(&dir, MIXED);
    (spec.cols, spec.rows) = (100, 32);
    let sidecar = Sidecar::start(dir, &spec);
    let mut viewers = Vec::new();
    for number in 0..8 {
        tokio::time::sleep(Duration::from_millis(number * 40)).await;
        viewers.push(sidecar.viewer(Mode::Read).await);
    }
    let mut screens = Vec::new();
    for viewer in &mut viewers {
        viewer
            .until(
                "the end",
                |got| matches!(got, Got::Output(_, bytes) if bytes.ends_with(b"DONE")),
            )
            .await;
        assert!(
            !viewer.snapshot.is_empty() && std::str::from_utf8(&viewer.seen).is_ok(),
            "begins with whole characters"
        );
        screens.push(viewer.screen());
    }
    let mut model = Model::new(100, 32);
    model.feed(&std::fs::read(sidecar.path("t.log")).unwrap());
    for screen in screens {
        assert_eq!(screen, model.contents());
    }
}

#[tokio::test]
async fn a_stopped_viewer_costs_little_and_nobody_notices() {
    let flood = r#"while [ ! -e go ]; do sleep 0.02; done; python3 -c '
import sys
line = ("\x1b[3%dm" + "0123456789 é 宽 " * 6 + "\r\n")
block = "".join(line % (i % 8) for i in range(200)).encode()
for i in range(3000): sys.stdout.buffer.write(block)
sys.stdout.buffer.write(b"DONE"); sys.stdout.buffer.flush()
'; exec sleep 1000"#;
    let sidecar = Sidecar::script(flood);
    // One does not read at all, one wants no more than a small window and consumes nothing.
    let stopped = sidecar.viewer(Mode::Read).await;
    let mut windowed = Viewer::connect(&sidecar.descriptor).await.unwrap();
    let token = sidecar.token(Mode::Read).to_owned();
    windowed
        .attach_as(serde_json::json!({"type": "attach", "token": token, "window": 100_000}))
        .await;
    let mut good = sidecar.viewer(Mode::Read).await;
    good.until("its snapshot", |got| matches!(got, Got::Snapshot { .. }))
        .await;
    let before = sidecar.status_kib("VmRSS");
    std::fs::write(sidecar.path("go"), "").unwrap();
    let (mut total, mut most) = (0, before);
    let mut tail = Vec::new();
    while !tail.ends_with(b"DONE") {
        match good.next().await {
            Got::Output(_, bytes) => {
                total += bytes.len();
                // The viewer's own check (no hole) needs the position only.
                good.base += good.seen.len() as u64;
                good.seen.clear();
                tail = bytes;
            }
            other => panic!("{other:?}"),
        }
        most = most.max(sidecar.status_kib("VmRSS"));
    }
    assert!(total > 60 << 20, "{total}");
    assert!(good.gaps.is_empty());
    let grown = most - before;
    assert!(grown < 12 << 10, "grew by {grown} KiB");
    // The windowed one got its window, then learns of the gap once it consumes, and sees the same end.
    let mut got = 0;
    while let Ok(message) = tokio::time::timeout(Duration::from_millis(300), windowed.next()).await
    {
        if let Got::Output(_, bytes) = message {
            got += bytes.len();
        }
    }
    assert!((60_000..=100_000).contains(&got), "{got}");
    let mut consumed = vec![3];
    consumed.extend_from_slice(&windowed.end().to_be_bytes());
    windowed.send_binary(consumed).await;
    windowed
        .until("the gap", |got| matches!(got, Got::Gap(..)))
        .await;
    windowed.until_screen("DONE").await;
    let (from, to) = windowed.gaps[0];
    assert!(to - from > 50 << 20, "{from} {to}");
    // The stopped one finds a gap too when it reads again.
    let mut stopped = stopped;
    let gap = tokio::time::timeout(support::DEADLINE, async {
        loop {
            let message = stopped.socket.next().await.unwrap().unwrap();
            if message.is_binary() && message.into_data()[0] == 3 {
                break;
            }
        }
    });
    gap.await.unwrap();
}

#[tokio::test]
async fn a_large_paste_arrives_whole_also_over_a_reconnect() {
    let sidecar = Sidecar::script(
        "stty raw -echo; echo ready; sleep 0.3; head -c 3000000 | sha256sum; sleep 1000",
    );
    let mut viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
    let token = sidecar.token(Mode::Write).to_owned();
    let attach = serde_json::json!({"type": "attach", "token": token, "client": "me"});
    viewer.attach_as(attach.clone()).await;
    viewer.until_screen("ready").await;
    let paste: Vec<u8> = (0..3_000_000u32)
        .map(|i| b'a' + (i % 7 + i / 1000 % 13) as u8)
        .collect();
    let pieces: Vec<&[u8]> = paste.chunks(16 << 10).collect();
    let mut next = 0u32;
    let mut busy = 0;
    while (next as usize) < pieces.len() {
        // Three pieces at once, as the page does; the answers say where to go on.
        for number in next..(next + 3).min(pieces.len() as u32) {
            let mut frame = vec![1];
            frame.extend_from_slice(&number.to_be_bytes());
            frame.extend_from_slice(pieces[number as usize]);
            viewer.send_binary(frame).await;
        }
        if next == 60 {
            // Gone with three pieces of unknown fate.
            viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
            viewer.attach_as(attach.clone()).await;
            assert!((60..=63).contains(&viewer.next_input));
            next = viewer.next_input.max(61);
            if viewer.next_input == 60 {
                next = 60;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            continue;
        }
        match viewer
            .until("an answer", |got| {
                matches!(got, Got::Taken(_) | Got::Busy(_))
            })
            .await
        {
            Got::Taken(number) => next = number,
            Got::Busy(number) => {
                (next, busy) = (number, busy + 1);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            _ => unreachable!(),
        }
    }
    use sha2::Digest;
    let hash: String = sha2::Sha256::digest(&paste)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    viewer.until_screen(&hash[..40]).await;
    assert!(busy > 0, "the program that did not read was noticed");
}

#[tokio::test]
async fn a_control_paste_is_bracketed_when_the_program_wants_it() {
    let sidecar = Sidecar::script(
        "stty raw -echo; printf '\\033[?2004hready'; python3 -c '
import sys
d = sys.stdin.buffer.read(200013)
print(ascii(d[:10]), ascii(d[-9:]))'; sleep 1000",
    );
    let mut viewer = sidecar.viewer(Mode::Read).await;
    viewer.until_screen("ready").await;
    let (client, _events) = sidecar.control().await;
    let text = format!("a\n{}", "b".repeat(199_998));
    client.paste(text, true).await.unwrap();
    let wanted = r"b'\x1b[200~a\rbb' b'bb\x1b[201~\r'";
    viewer.until_screen(wanted).await;
}
