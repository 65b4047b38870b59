//! Repositories that want to hold up the server: a report about them ends, with a sentence when there is none, and the
//! server answers everybody else meanwhile.

use crate::forged_pack::{Chain, Kind, plant};
use crate::http::Answer;
use crate::world::World;
use git2::Oid;
use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

/// A server that is held up answers after seconds; one on a busy machine long before.
const PROMPT: Duration = Duration::from_secs(5);

/// The answer to a request for a report, while others ask for something else.
#[track_caller]
fn report(world: &World) -> Answer {
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| world.get("/api/report"));
        loop {
            let begin = Instant::now();
            world.get("/api/status").ok();
            assert!(begin.elapsed() < PROMPT, "the server was held up");
            if asked.is_finished() {
                return asked.join().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    })
}

fn paths(answer: &Answer) -> Vec<String> {
    let report = answer.ok();
    let files = report["changed_files"].as_array().unwrap();
    let path = |file: &serde_json::Value| file["path"].as_str().unwrap().to_owned();
    files.iter().map(path).collect()
}

fn sparse(world: &World, path: &str, bytes: u64) {
    let file = File::create(world.repo().join(path)).unwrap();
    file.set_len(bytes).unwrap();
}

#[test]
fn pipes_holes_and_depths_are_reported() {
    let world = World::serving();
    let readme = world.repo().join("README.md");
    std::fs::remove_file(&readme).unwrap();
    for pipe in [readme, world.repo().join("pipe")] {
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    sparse(&world, "hole.md", 2 << 30);
    let deep = "d/".repeat(1_500);
    world.write(&format!("{deep}bottom"), "x\n");
    let deepest = format!("{deep}bottom");
    for _ in 0..2 {
        assert_eq!(paths(&report(&world)), ["README.md", &deepest, "hole.md"]);
    }
}

#[test]
fn a_huge_index_is_refused_with_a_sentence() {
    let world = World::serving();
    let index = world.repo().join(".git/index");
    let before = std::fs::read(&index).unwrap();
    sparse(&world, ".git/index", 2 << 30);
    let sentence = report(&world).refused(503, "report_failed");
    assert!(
        sentence.contains("an index of more than 256 MiB"),
        "{sentence}"
    );
    // As many entries as a header can promise.
    let mut promised = b"DIRC\0\0\0\x02\xff\xff\xff\xff".to_vec();
    promised.resize(1 << 20, 0);
    std::fs::write(&index, promised).unwrap();
    report(&world).refused(503, "report_failed");
    std::fs::write(&index, before).unwrap();
    report(&world).ok();
}

/// The index keeps sizes modulo 4 GiB: here is a file that looks as large as before and has to be read.
#[test]
fn a_report_that_takes_too_long_ends_with_a_sentence() {
    let world = World::serving();
    let size = std::fs::metadata(world.repo().join("README.md"))
        .unwrap()
        .len();
    sparse(&world, "README.md", size + (1 << 40));
    let begin = Instant::now();
    let sentence = report(&world).refused(503, "report_failed");
    assert!(sentence.contains("longer than"), "{sentence}");
    assert!(
        begin.elapsed() >= Duration::from_secs(9),
        "it gave up early: {sentence}"
    );
    world.write("README.md", "# a project\n");
    report(&world).ok();
}

/// The server's own memory, which no repository moves; a report of this one takes a few MiB.
const MEMORY_KIB: u64 = 128 << 10;

#[track_caller]
fn assert_small(world: &World) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.server_pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak: u64 = line.unwrap()["VmHWM:".len()..]
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < MEMORY_KIB, "the server had {peak} KiB");
}

/// Stages a file whose content is `blob`.
fn stage_blob(world: &World, path: &str, blob: Oid) {
    world.in_index(|index| {
        let entry = git2::IndexEntry {
            ctime: git2::IndexTime::new(0, 0),
            mtime: git2::IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            file_size: 10,
            id: blob,
            flags: 0,
            flags_extended: 0,
            path: path.into(),
        };
        index.add(&entry).unwrap();
    });
}

/// Commits HEAD's tree with a further folder, which is `tree`.
fn commit_folder(world: &World, name: &str, tree: Oid) {
    let repository = git2::Repository::open(world.repo()).unwrap();
    let head = repository.head().unwrap().peel_to_commit().unwrap();
    let mut root = repository.treebuilder(Some(&head.tree().unwrap())).unwrap();
    root.insert(name, tree, 0o040_000).unwrap();
    let root = repository.find_tree(root.write().unwrap()).unwrap();
    let author = git2::Signature::now("a person", "person@example.org").unwrap();
    repository
        .commit(Some("HEAD"), &author, &author, "more", &root, &[&head])
        .unwrap();
}

/// A few megabytes that become five gigabytes when a file of ten bytes, or a folder, is read.
#[test]
fn a_small_pack_that_becomes_gigabytes_ends_with_a_sentence() {
    let world = World::serving();
    let git = world.repo().join(".git");
    let bomb = |kind| Chain {
        kind,
        zeros: 5 << 30,
        steps: 0,
    };
    stage_blob(&world, "bomb.txt", plant(&git, &bomb(Kind::Blob)));
    // What cannot be read is said, beside all that can.
    let report_of = |mode| world.get(&format!("/api/report?mode={mode}")).ok();
    for skipped in [
        &report_of("worktree")["content_scan"]["skipped_files"],
        &report_of("staged")["content_scan"]["skipped_files"],
        &world.get("/api/review").ok()["report"]["content_scan"]["skipped_files"],
    ] {
        assert_eq!(skipped[0]["path"], "bomb.txt", "{skipped}");
    }
    assert_small(&world);
    commit_folder(&world, "folder", plant(&git, &bomb(Kind::Tree)));
    let begin = Instant::now();
    let sentence = report(&world).refused(503, "report_failed");
    assert!(sentence.contains("takes more memory"), "{sentence}");
    assert!(begin.elapsed() < PROMPT);
    assert_small(&world);
}

/// Each step of it is as large as a child may just hold, and there is no looking at the clock in between.
#[test]
fn a_pack_that_takes_for_ever_ends_with_a_sentence() {
    let world = World::serving();
    let chain = Chain {
        kind: Kind::Blob,
        zeros: 300 << 20,
        steps: 400,
    };
    stage_blob(
        &world,
        "slow.txt",
        plant(&world.repo().join(".git"), &chain),
    );
    let begin = Instant::now();
    let sentence = report(&world).refused(503, "report_failed");
    assert!(
        sentence.contains("took longer than 11 seconds"),
        "{sentence}"
    );
    assert!(begin.elapsed() < Duration::from_secs(14));
    assert_small(&world);
}
