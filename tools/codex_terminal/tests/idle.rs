//! What terminals cost in which nothing happens, and what they leave behind.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use std::time::Duration;

use codex_terminal::descriptor::Mode;
use support::{Got, Sidecar, alive, script, wait_until};

/// Processor time in clock ticks, and how often any of its threads was woken.
fn work(pid: u32) -> (u64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split(' ').collect();
    let ticks = fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap();
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let wakes = threads.map(|thread| {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let line = status
            .lines()
            .find(|it| it.starts_with("voluntary"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    });
    (ticks, wakes.sum())
}

fn files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count()
}

#[tokio::test]
async fn thirty_idle_terminals_do_nothing_and_leave_nothing_behind() {
    let mut sidecars: Vec<Sidecar> = (0..30)
        .map(|_| Sidecar::script("PS1='$ ' exec bash --norc --noprofile -i"))
        .collect();
    // Somebody looks at every third.
    let mut viewers = Vec::new();
    for sidecar in sidecars.iter().step_by(3) {
        let mut viewer = sidecar.viewer(Mode::Write).await;
        viewer.until_screen("$ ").await;
        viewers.push(viewer);
    }
    let pids: Vec<u32> = sidecars.iter().map(|sidecar| sidecar.child.id()).collect();
    let total = || {
        let work = pids.iter().map(|pid| work(*pid));
        work.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    };
    // Shells take a moment to show their prompts.
    let mut before = total();
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = total();
        if now == before {
            break;
        }
        before = now;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = total();
    let (ticks, wakes) = (after.0 - before.0, after.1 - before.1);
    assert!(ticks <= 1 && wakes <= 30, "{ticks} ticks, {wakes} wakes");
    drop(viewers);
    let children: Vec<u32> = sidecars
        .iter()
        .map(|sidecar| sidecar.descriptor.child_pid.unwrap())
        .collect();
    for sidecar in &sidecars {
        let (client, _events) = sidecar.control().await;
        client.close(Duration::from_millis(500)).await.unwrap();
    }
    for sidecar in &mut sidecars {
        assert_eq!(sidecar.wait_for_exit(), 0);
    }
    assert!(!children.into_iter().any(alive));
}

#[tokio::test]
async fn a_thousand_children_leave_no_zombie() {
    let sidecar = Sidecar::script(
        "for i in $(seq 1000); do (true & ) ; done; setsid bash -c 'sleep 0.05 & sleep 0.06' & echo over; exec sleep 1000",
    );
    let mut viewer = sidecar.viewer(Mode::Read).await;
    viewer.until_screen("over").await;
    let pid = sidecar.child.id();
    // Its orphans are the sidecar's children; only the program is left of them.
    wait_until("the end of its orphans", || {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let all: usize = std::fs::read_dir(format!("/proc/{pid}/task"))
            .unwrap()
            .map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap())
            .map(|children| children.split_whitespace().count())
            .sum();
        (all == 1).then_some(children)
    });
}

#[tokio::test]
async fn viewers_that_come_and_go_leave_no_file_open() {
    let sidecar = Sidecar::script("exec cat");
    let pid = sidecar.child.id();
    let idle = files(pid);
    let begun = sidecar.own_kib();
    for number in 0..300 {
        let mut viewer = sidecar.viewer(Mode::Write).await;
        match number % 3 {
            // Without a word, in good order, and in the middle of a request.
            0 => drop(viewer),
            1 => viewer.socket.close(None).await.unwrap(),
            _ => viewer.send_input(0, b"x").await,
        }
        let (client, _events) = sidecar.control().await;
        client.state().await.unwrap();
    }
    wait_until("every socket to be closed", || {
        (files(pid) == idle).then_some(())
    });
    let grown = sidecar.own_kib().saturating_sub(begun);
    assert!(grown < 2 << 10, "grew by {grown} KiB");
}

#[tokio::test]
async fn a_sidecar_without_free_descriptors_serves_on_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let spec = script(
        &dir,
        "stty -echo; while read -r line; do echo \"got $line\"; done",
    );
    let sidecar = Sidecar::start(dir, &spec);
    let mut viewer = sidecar.viewer(Mode::Write).await;
    let pid = sidecar.child.id();
    let limit = files(pid) + 3;
    let limited = std::process::Command::new("prlimit")
        .args(["--pid", &pid.to_string(), &format!("--nofile={limit}")])
        .status();
    assert!(limited.unwrap().success());
    let port = sidecar.descriptor.port;
    let crowd: Vec<_> = (0..20)
        .map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).unwrap())
        .collect();
    wait_until("the last descriptor", || {
        (files(pid) >= limit).then_some(())
    });
    viewer.input(b"one\r").await;
    viewer.until_screen("got one").await;
    drop(crowd);
    let mut late = sidecar.viewer(Mode::Read).await;
    late.until("the screen", |got| matches!(got, Got::Snapshot { .. }))
        .await;
}

#[tokio::test]
async fn a_transcript_is_rotated_and_never_larger_than_two_parts() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(
        &dir,
        "stty raw; while [ ! -e go ]; do sleep 0.01; done; for i in $(seq 60000); do echo \"line $i\"; done; printf over",
    );
    spec.log_bytes = 64 << 10;
    let sidecar = Sidecar::start(dir, &spec);
    let mut viewer = sidecar.viewer(Mode::Read).await;
    std::fs::write(sidecar.path("go"), "").unwrap();
    let mut largest = 0;
    let mut tail = Vec::new();
    while !tail.ends_with(b"over") {
        if let Got::Output(_, bytes) = viewer.next().await {
            tail = bytes;
        }
        let part = |name: &str| sidecar.path(name).metadata().map_or(0, |about| about.len());
        largest = largest.max(part("t.log")).max(part("t.log.1"));
    }
    assert!((60 << 10..=64 << 10).contains(&largest), "{largest} bytes");
    // What is kept is the end, without a hole.
    let (port, token) = (sidecar.descriptor.port, sidecar.token(Mode::Read));
    let request = format!(
        "GET /transcript HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    wait_until("the end of the transcript", || {
        Some(sidecar.http(&request)).filter(|answer| answer.ends_with("over"))
    });
    // Asked for while it was still being written, the two parts may not be of one moment.
    let answer = sidecar.http(&request);
    let (_, kept) = answer.split_once("\r\n\r\n").unwrap();
    assert!(kept.len() > 60 << 10, "{} bytes", kept.len());
    assert!(viewer.seen.ends_with(kept.as_bytes()));
}
