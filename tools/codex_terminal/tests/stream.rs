//! Output: byte-exact resuming, snapshots that equal the model, slow viewers, large pastes.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use codex_terminal::descriptor::Mode;
use codex_terminal::model::Model;
use futures_util::StreamExt;
use support::{Dice, Got, Sidecar, Viewer, script, wait_until};

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

/// Writes 4 KiB of UTF-8, colours, titles and cursor moves for each byte that it reads, in pieces of any length, and keeps
/// the same bytes in a file. A burst ends anywhere, also within a character or a sequence.
const BURSTS: &str = r#"stty raw -echo; exec python3 -c '
import os, random
dice = random.Random(7501)
truth = open("truth", "ab", buffering=0)
number, pending = 0, b""
open("ready", "w")
def piece():
    global number
    number += 1
    kind = dice.randrange(6)
    if kind == 0: text = "\x1b]0;titel %d ü 宽\x07" % number
    elif kind == 1: text = "\x1b[38;2;%d;%d;%dm" % tuple(dice.randrange(256) for _ in range(3))
    elif kind == 2: text = "\x1b[%d;%dH" % (dice.randrange(1, 33), dice.randrange(1, 121))
    elif kind == 3: text = "\x1b]8;;http://example.org/%d\x1b\\link\x1b]8;;\x1b\\" % number
    elif kind == 4: text = "\x1b[?2026h\x1b[2K%d\x1b[m\x1b[?2026l\r\n" % number
    else: text = "".join(dice.choice("é行🙂ё宽a ") for _ in range(dice.randrange(1, 24)))
    return text.encode()
while True:
    for _ in os.read(0, 64):
        while len(pending) < 4096: pending += piece()
        burst, pending = pending[:4096], pending[4096:]
        truth.write(burst)
        while burst: burst = burst[os.write(1, burst[:dice.randrange(1, 3000)]):]
'"#;
const BURST_BYTES: u64 = 4096;

/// The length of the control sequence that these bytes begin with, of the kinds that the stream has.
fn sequence(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.get(2..)?;
    let end = match bytes[1] {
        b'[' => rest.iter().position(|byte| (0x40..=0x7e).contains(byte))? + 1,
        _ => {
            let end = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b))?;
            end + if rest[end] == 0x07 { 1 } else { 2 }
        }
    };
    Some(2 + end)
}

/// How many of these cuts of a stream go through a character, and through a control sequence.
fn cut_through(stream: &[u8], cuts: &HashSet<usize>) -> (usize, usize) {
    // A byte that goes on with a character begins with the bits 10.
    let goes_on = |cut: &&usize| stream.get(**cut).is_some_and(|byte| byte & 0xc0 == 0x80);
    let characters = cuts.iter().filter(goes_on).count();
    let (mut sequences, mut at) = (0, 0);
    while let Some(begin) = stream[at..].iter().position(|byte| *byte == 0x1b) {
        let begin = at + begin;
        let Some(length) = sequence(&stream[begin..]) else {
            break;
        };
        let inside = (begin + 1..begin + length).filter(|cut| cuts.contains(cut));
        sequences += inside.count();
        at = begin + length;
    }
    (characters, sequences)
}

#[tokio::test]
async fn a_thousand_random_disconnects_lose_and_repeat_no_byte() {
    let sidecar = Sidecar::script(BURSTS);
    let (client, _events) = sidecar.control().await;
    support::wait_until("the program to read", || {
        sidecar.path("ready").exists().then_some(())
    });
    let mut dice = Dice::new(0x9e37_79b9_7f4a_7c15);
    let (mut whole, mut written) = (Vec::new(), 0);
    let mut cuts = HashSet::new();
    for _ in 0..1000 {
        client.input("x").await.unwrap();
        written += BURST_BYTES;
        let mut viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
        let offset = whole.len() as u64;
        viewer.attach(sidecar.token(Mode::Read), Some(offset)).await;
        assert!(viewer.resumed, "at {offset}");
        viewer.base = offset;
        let stop = written.min(offset + dice.roll(10_000));
        while viewer.end() < stop {
            viewer.next().await;
        }
        // What was received counts, up to a random byte of it.
        let keep = viewer.seen.len().saturating_sub(dice.roll(50) as usize);
        whole.extend_from_slice(&viewer.seen[..keep]);
        cuts.insert(whole.len());
        if dice.roll(4) == 0 {
            // An orderly good-bye; otherwise the connection is dropped, often with a frame on its way.
            viewer.socket.close(None).await.unwrap();
        }
    }
    let mut last = Viewer::connect(&sidecar.descriptor).await.unwrap();
    let offset = whole.len() as u64;
    last.attach(sidecar.token(Mode::Read), Some(offset)).await;
    last.base = offset;
    while last.end() < written {
        last.next().await;
    }
    whole.extend_from_slice(&last.seen);
    let truth = std::fs::read(sidecar.path("truth")).unwrap();
    assert_eq!(truth.len() as u64, written);
    let differs = whole.iter().zip(&truth).position(|(got, sent)| got != sent);
    assert!(
        whole.len() == truth.len() && differs.is_none(),
        "{} of {} bytes, the first difference is at {differs:?}",
        whole.len(),
        truth.len()
    );
    let (characters, sequences) = cut_through(&truth, &cuts);
    assert!(
        characters > 100 && sequences > 100,
        "{characters} cuts within characters, {sequences} within sequences"
    );
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
    // Viewers see the end before the recorder does.
    model.feed(&wait_until("the whole transcript", || {
        let bytes = std::fs::read(sidecar.path("t.log")).unwrap();
        bytes.ends_with(b"DONE").then_some(bytes)
    }));
    for screen in screens {
        assert_eq!(screen, model.contents());
    }
}

#[tokio::test]
async fn floods_and_keys_in_turn_come_whole() {
    // Long enough pauses after every second flood that its reader goes back to where keys are read.
    const TURNS: &str = r#"stty raw -echo; exec python3 -c '
import os, time
truth = open("truth", "ab", buffering=0)
def say(text):
    truth.write(text)
    while text: text = text[os.write(1, text):]
say(b"ready")
for turn in range(1000):
    key = os.read(0, 1)
    if key == b"f":
        say(b"".join(b"\x1b[3%dm%d \xe5\xae\xbd\r\n" % (i % 8, i) for i in range(20000)))
        if turn % 4 == 0: time.sleep(0.1)
        say(b"FLOODED")
    else: say(key)
'"#;
    let sidecar = Sidecar::script(TURNS);
    let mut viewer = sidecar.viewer(Mode::Write).await;
    viewer.until_screen("ready").await;
    for turn in 0..12 {
        let key = [b'g' + turn];
        for (input, end) in [(&b"f"[..], &b"FLOODED"[..]), (&key, &key)] {
            viewer.input(input).await;
            while !viewer.seen.ends_with(end) {
                viewer.next().await;
            }
        }
    }
    let truth = std::fs::read(sidecar.path("truth")).unwrap();
    assert!(truth.len() > 3 << 20 && viewer.gaps.is_empty());
    assert!(truth.ends_with(&viewer.seen), "another stream");
    assert!(viewer.seen.len() > 3 << 20, "{}", viewer.seen.len());
    wait_until("the transcript", || {
        (std::fs::read(sidecar.path("t.log")).unwrap() == truth).then_some(())
    });
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
    // A busy disk holds the recorder up, so more than a window may follow the screen that comes after the gap.
    while !windowed.screen().contains("DONE") {
        let mut consumed = vec![3];
        consumed.extend_from_slice(&windowed.end().to_be_bytes());
        windowed.send_binary(consumed).await;
        let got = windowed.next().await;
        assert!(!matches!(got, Got::Closed(_)), "closed before the end");
    }
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
        "stty raw -echo; echo ready; while [ ! -e go ]; do sleep 0.01; done
        head -c 3000000 | sha256sum; exec sleep 1000",
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
    let (mut busy, mut cut) = (false, false);
    while (next as usize) < pieces.len() {
        // Three pieces at once, as the page does; the answers say where to go on.
        for number in next..(next + 3).min(pieces.len() as u32) {
            let mut frame = vec![1];
            frame.extend_from_slice(&number.to_be_bytes());
            frame.extend_from_slice(pieces[number as usize]);
            viewer.send_binary(frame).await;
        }
        if next >= 60 && !cut {
            // Gone with three pieces of unknown fate.
            viewer = Viewer::connect(&sidecar.descriptor).await.unwrap();
            viewer.attach_as(attach.clone()).await;
            assert!((next..=next + 3).contains(&viewer.next_input));
            (next, cut) = (viewer.next_input, true);
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
                next = number;
                if !busy {
                    // The program that did not read was noticed: now it reads.
                    busy = true;
                    std::fs::write(sidecar.path("go"), "").unwrap();
                }
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
    assert!(cut);
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
