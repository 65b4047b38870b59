//! Nobody reads what the launcher says, or nothing more can be written: it goes on, and it ends with everything that it started.

use super::agent::Agent;
use super::processes;
use super::world::World;
use portable_pty::{PtySize, native_pty_system};
use rustix::fs::OFlags;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// Takes nothing: every write to it finds a full disk.
fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// The end of a terminal whose window is gone.
fn gone_terminal() -> File {
    let window = native_pty_system().openpty(PtySize::default()).unwrap();
    let end = File::options()
        .write(true)
        .custom_flags(OFlags::NOCTTY.bits().cast_signed())
        .open(window.master.tty_name().unwrap())
        .unwrap();
    drop(window);
    end
}

/// A pipe that is full, and that nobody reads.
fn stuck_pipe() -> (std::io::PipeReader, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut writer = File::from(std::os::fd::OwnedFd::from(writer));
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'.'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

fn exchange(one: &Path, other: &Path) {
    let flags = rustix::fs::RenameFlags::EXCHANGE;
    rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, flags).unwrap();
}

/// The work of a planner and a department, with a file on the way that makes the launcher complain.
fn works(world: &World) {
    let planner = world.planner("plan it");
    let incoming = world.mailbox(&planner.id, "incoming");
    let child = world.department(&planner.id, "lingyubu", "write it");
    // A folder that is no folder any more: the mailbox task warns of it.
    let other = incoming.with_file_name("in-the-way");
    std::fs::write(&other, "in the way").unwrap();
    exchange(&incoming, &other);
    world.wait_for("the complaint", || {
        let rejected = world.events_named("mailbox_file_rejected");
        (!rejected.is_empty()).then_some(())
    });
    exchange(&incoming, &other);
    child.reports(json!({ "summary": "it is written" }));
    let warnings = world.status()["warnings"].to_string();
    assert!(!warnings.contains("ended unexpectedly"), "{warnings}");
}

#[test]
fn with_a_log_on_a_full_disk_it_starts_works_and_ends() {
    let mut world = World::new();
    // It has something to say at its start.
    let odd = "CODEX_GOVERNANCE_NO_SUCH_THING".to_owned();
    world.variables.push((odd, "1".to_owned()));
    world.stderr = Some(full());
    world.start();
    works(&world);
    let (code, _) = world.terminate();
    assert_eq!(code, Some(0));
}

#[test]
fn with_its_terminal_gone_it_works_and_ends() {
    let mut world = World::new();
    world.stderr = Some(gone_terminal());
    world.start();
    works(&world);
    let (code, _) = world.terminate();
    assert_eq!(code, Some(0));
}

#[test]
fn with_a_log_that_nobody_reads_it_works_and_ends() {
    let mut world = World::new();
    let (_reader, pipe) = stuck_pipe();
    world
        .variables
        .push(("ZHONGSHU_LOG".into(), "debug".into()));
    world.stderr = Some(pipe);
    world.start();
    works(&world);
    let (code, took) = world.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(15), "{took:?}");
}

/// Lets the launcher write files only up to so many bytes, as a full disk would.
fn limit_files(world: &World, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(world.server_pid()).unwrap());
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

fn fill_the_disk(world: &World) {
    let journal = world.state_dir().join("journal.jsonl");
    let length = std::fs::metadata(&journal).unwrap().len();
    limit_files(world, Some(length));
    let pause = world.post("/api/queue/pause", &json!({}));
    assert_eq!(pause.status, 507, "{pause:?}");
}

fn with_a_disk_that_can_be_full() -> World {
    let mut world = World::new();
    world.stderr = Some(full());
    world.start();
    world
}

#[test]
fn after_a_full_disk_it_writes_again_and_ends_with_everything() {
    let mut world = with_a_disk_that_can_be_full();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    fill_the_disk(&world);
    limit_files(&world, None);
    world.wait_for("the journal is writable again", || {
        let pause = world.post("/api/queue/pause", &json!({}));
        (pause.status == 200).then_some(())
    });
    child.reports(json!({ "summary": "it is written" }));
    let (code, _) = world.terminate();
    assert_eq!(code, Some(0));
}

#[test]
fn on_a_full_disk_it_ends_with_everything() {
    let mut world = with_a_disk_that_can_be_full();
    let planner = world.planner("plan it");
    let _child = world.department(&planner.id, "lingyubu", "write it");
    fill_the_disk(&world);
    let (code, took) = world.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_terminal_whose_log_cannot_be_written_goes_on() {
    let mut world = World::new();
    world
        .variables
        .push(("CODEX_TERMINAL_LOG".into(), "trace".into()));
    world.start();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    let sidecar = processes::parent(child.pid());
    let limit = Rlimit {
        current: Some(0),
        maximum: None,
    };
    prlimit(
        Pid::from_raw(i32::try_from(sidecar).unwrap()),
        Resource::Fsize,
        limit,
    )
    .unwrap();
    // What is typed passes through it, and what it logs finds no room.
    let input = json!({ "session_id": child.id, "input": "are you there" });
    world.post("/api/session_input", &input).ok();
    child.wait_typed("are you there");
    child.reports(json!({ "summary": "it is written" }));
    let _ = Agent::ready(&world, &planner.id, 1);
}
