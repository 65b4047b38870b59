//! A report in its four forms and with its exit codes, from the command line and from the server.

use crate::world::World;
use serde_json::json;

/// A repository with one finding of each level and one reference that only holds on one machine.
fn fill(world: &World) {
    world.write(".env", "A=1\n");
    world.write("output/x", "1\n");
    world.write("build.rs", "fn main() {}\n");
}

#[test]
fn levels_decide_the_exit_code() {
    let world = World::new();
    let code = |arguments: &[&str], code: i32| {
        let all = [&["report"], arguments].concat();
        world.run(&all).exits(code);
    };
    code(&["--fail-on", "low"], 0);
    world.write("build.rs", "fn main() {}\n");
    code(&[], 0);
    code(&["--fail-on", "low"], 1);
    code(&["--fail-on", "medium"], 0);
    world.write("README.md", "see file:///home/someone/notes.md\n");
    code(&["--fail-on", "medium"], 1);
    code(&["--fail-on", "high"], 0);
    code(&["--preflight"], 1);
    code(&["--preflight", "--fail-on", "low"], 1);
    code(&["--preflight", "--fail-on", "high"], 0);
    code(&["--preflight", "--fail-on", "never"], 0);
    world.write(".env", "A=1\n");
    code(&["--fail-on", "high", "--staged"], 0);
    world.stage(".env");
    code(&["--fail-on", "high", "--staged"], 1);
    code(&["--fail-on", "never"], 0);
    code(&[], 0);
    code(&["--fail-on", "sometimes"], 2);
    // Rules that cannot be used are a finding of their own.
    world.write(
        "governance.yaml",
        "risk_rules:\n  - {name: x, level: low, message: m, content: 'a('}\n",
    );
    let said = world.run(&["report", "--fail-on", "high"]).exits(1);
    assert!(said.contains("governance.yaml:2:"), "{said}");
    code(&["--fail-on", "never"], 0);
}

#[test]
fn the_command_line_prints_every_form() {
    let world = World::new();
    fill(&world);
    let text = world.run(&["report", "--format", "text"]).exits(0);
    assert!(text.starts_with("Governance report: "), "{text}");
    assert_eq!(text, world.run(&["report"]).exits(0));
    let markdown = world.run(&["report", "--format", "markdown"]).exits(0);
    assert!(markdown.starts_with("# Governance report\n"), "{markdown}");
    assert_eq!(markdown, world.run(&["report", "--markdown"]).exits(0));
    let json = world.run(&["report", "--format", "json"]).json();
    let sarif = world.run(&["report", "--format", "sarif"]).json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["properties"]["digest"], json["digest"]);
    let preflight = world
        .run(&["report", "--preflight", "--format", "sarif"])
        .json();
    assert_eq!(preflight["runs"][0]["results"], json!([]));
    for form in ["text", "markdown"] {
        let said = world
            .run(&["report", "--preflight", "--format", form])
            .exits(0);
        assert!(said.contains("PASS") && !said.contains(".env"), "{said}");
    }
}

#[test]
fn the_server_answers_in_every_form() {
    let world = World::serving();
    fill(&world);
    let report = world.get("/api/report").ok();
    for (form, kind, start) in [
        ("json", "application/json", "{\"ok\":true,"),
        ("sarif", "application/sarif+json", "{\"$schema\":"),
        ("markdown", "text/markdown; charset=utf-8", "# "),
        ("text", "text/plain; charset=utf-8", "Governance report: "),
    ] {
        let answer = world.get(&format!("/api/report?mode=worktree&format={form}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some(kind));
        assert!(answer.body.starts_with(start), "{answer:?}");
        assert!(answer.body.contains(report["digest"].as_str().unwrap()));
    }
    let sentence = world
        .get("/api/report?format=xml")
        .refused(400, "unknown_format");
    assert!(sentence.contains("sarif"), "{sentence}");
}
