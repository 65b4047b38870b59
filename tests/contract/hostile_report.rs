//! Repositories that want to hold up the server: a report about them ends, with a sentence when there is none, and the
//! server answers everybody else meanwhile.

use crate::http::Answer;
use crate::world::World;
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
