//! The command line against a running server, and without one.

use crate::house::{Happened, House, PATIENCE};
use clap::Parser as _;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zhongshu::cli::{Cli, ExitCode};
use zhongshu::commands::{self, CommandError};
use zhongshu::paths::Environment;

/// What a command has printed so far, for whoever waits for it.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    async fn until(&self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
            if text.contains(part) {
                return;
            }
            assert!(Instant::now() < deadline, "{part} was not printed: {text}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn run(house: &House, line: &[&str]) -> Result<(ExitCode, String), CommandError> {
    let mut words = vec!["zhongshu"];
    words.extend(line);
    let (repo, state) = (
        house.places.repo.to_str().unwrap(),
        house.places.state.to_str().unwrap(),
    );
    words.extend(["--repo", repo, "--state-dir", state]);
    let cli = Cli::try_parse_from(words).unwrap();
    let mut out = Vec::new();
    let environment = Environment::default();
    let ended = commands::run(&cli, Path::new("/"), &environment, &mut out);
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap()?;
    Ok((ended, String::from_utf8(out).unwrap()))
}

async fn ok(house: &House, line: &[&str]) -> String {
    let (code, text) = run(house, line).await.unwrap();
    assert_eq!(code, ExitCode::Ok, "{line:?}: {text}");
    text
}

#[tokio::test]
async fn open_prints_a_link_that_logs_in_once() {
    let house = House::open().await;
    let address = house.access.address();
    for (line, page) in [
        (&["open", "--no-open"][..], address.page_url()),
        (&["open", "--no-open", "--address"], address.url()),
    ] {
        let url = ok(&house, line).await;
        let (page_url, key) = url.trim().split_once("#key=").unwrap();
        assert_eq!(page_url, page);
        let body = serde_json::json!({ "key": key });
        assert_eq!(house.post("/api/login", &body).send().await.status, 200);
    }
    house.close().await;
}

#[tokio::test]
async fn api_prints_the_body_and_exits_by_the_status() {
    let house = House::open().await;
    let text = ok(&house, &["api", "get", "/api/status"]).await;
    assert!(
        text.contains("person:cli") && text.ends_with('\n'),
        "{text}"
    );
    let text = ok(
        &house,
        &["api", "POST", "/api/thing", "--data", "{\"number\":5}"],
    )
    .await;
    assert!(text.contains("\"number\":5"), "{text}");
    ok(&house, &["api", "POST", "/api/thing"]).await;
    let (code, text) = run(&house, &["api", "GET", "/api/nothing"]).await.unwrap();
    assert_eq!(code, ExitCode::Failed);
    assert!(text.contains("unknown_path"), "{text}");
    for wrong in [
        &["api", "GET", "/api/status", "--data", "{}"][..],
        &["api", "GET", "api/status"],
        &["api", "G T", "/api/status"],
        &["api", "GET", "/api /x"],
    ] {
        let error = run(&house, wrong).await.unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Usage, "{wrong:?}: {error}");
    }
    house.close().await;
}

#[tokio::test]
async fn tokens_are_made_shown_and_taken_away() {
    let house = House::open().await;
    let token = ok(&house, &["token", "create", "ci", "--scope", "read"]).await;
    let read = || house.ask("GET", "/api/status").bearer(token.trim()).send();
    assert_eq!(read().await.json()["actor"], "reader:ci");
    let list = ok(&house, &["token", "list"]).await;
    assert!(list.contains("ci") && list.contains("read"), "{list}");
    assert!(!list.contains(token.trim()));
    let drives = ok(&house, &["token", "create", "bot", "--scope", "harness"]).await;
    let bot = house.ask("GET", "/api/status").bearer(drives.trim());
    assert_eq!(bot.send().await.json()["actor"], "harness:bot");
    let list = ok(&house, &["token", "list", "--json"]).await;
    assert!(list.contains("\"harness\""), "{list}");
    let again = run(&house, &["token", "create", "ci", "--scope", "read"])
        .await
        .unwrap_err();
    assert!(again.to_string().contains("exists already"), "{again}");
    ok(&house, &["token", "revoke", "ci"]).await;
    read().await.refused(401);
    let events = house.events.lock().unwrap().len();
    assert!(events >= 2, "the journal hears of it");
    house.close().await;
}

#[tokio::test]
async fn ps_shows_sessions_and_stop_ends_one_or_everything() {
    let house = House::open().await;
    let text = ok(&house, &["ps"]).await;
    assert!(
        text.contains("zhongshu-1") && text.contains("running"),
        "{text}"
    );
    let text = ok(&house, &["stop", "zhongshu-1"]).await;
    assert!(text.contains("zhongshu-1"), "{text}");
    let text = ok(&house, &["stop"]).await;
    assert!(text.contains("has stopped"), "{text}");
    // Now there is none.
    let text = ok(&house, &["stop"]).await;
    assert!(text.contains("no zhongshu runs"), "{text}");
    let text = ok(&house, &["ps"]).await;
    assert!(text.contains("no zhongshu runs"), "{text}");
    for line in [
        &["open"][..],
        &["api", "GET", "/x"],
        &["audit", "--follow"],
        &["stop", "x"],
    ] {
        let error = run(&house, line).await.unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::NotRunning, "{line:?}");
        assert!(
            error.to_string().contains("start it with `zhongshu`"),
            "{error}"
        );
    }
    let token = ok(&house, &["token", "create", "offline", "--scope", "human"]).await;
    assert!(token.starts_with("zhongshu_"));
    ok(&house, &["token", "revoke", "offline"]).await;
    house.close().await;
}

#[tokio::test]
async fn audit_shows_follows_and_finds_a_planted_fault() {
    let house = House::open().await;
    for number in 0..5 {
        let event = Happened::ThingDone { number };
        house.ledger.commit("person", vec![event]).await.unwrap();
    }
    let text = ok(&house, &["audit"]).await;
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(
        text.contains("thing_done") && text.contains("number=4"),
        "{text}"
    );
    let lines = ok(&house, &["audit", "--json"]).await;
    assert!(
        lines.lines().all(|line| line.starts_with("{\"seq\":")),
        "{lines}"
    );

    let (mut shown, stop, ledger) = (Shown::default(), house.stop.clone(), house.ledger.clone());
    let seen = shown.clone();
    let later = tokio::spawn(async move {
        seen.until("number=0").await;
        let event = Happened::ThingDone { number: 77 };
        ledger.commit("person", vec![event]).await.unwrap();
        seen.until("number=77").await;
        stop.cancel();
    });
    let line = [
        "zhongshu",
        "audit",
        "--follow",
        "--repo",
        house.places.repo.to_str().unwrap(),
    ];
    let line = line
        .into_iter()
        .chain(["--state-dir", house.places.state.to_str().unwrap()]);
    let cli = Cli::try_parse_from(line).unwrap();
    let environment = Environment::default();
    let followed = commands::run(&cli, Path::new("/"), &environment, &mut shown);
    let followed = tokio::time::timeout(PATIENCE, followed).await.unwrap();
    assert_eq!(followed.unwrap(), ExitCode::Ok);
    later.await.unwrap();

    let sound = ok(&house, &["audit", "verify"]).await;
    assert!(sound.contains("6 good records"), "{sound}");
    let copy = house.places.audit_copy();
    let text = std::fs::read_to_string(&copy).unwrap();
    std::fs::write(&copy, text.replace("\"number\":3", "\"number\":9")).unwrap();
    let (code, text) = run(&house, &["audit", "verify"]).await.unwrap();
    assert_eq!(code, ExitCode::Failed);
    assert!(
        text.contains("differs from the journal in line 5"),
        "{text}"
    );
    let (journal, places) = (house.places.journal(), house.places.clone());
    let ground = house.close().await;
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replace("\"number\":2", "\"number\":8")).unwrap();
    let cli = [
        "zhongshu",
        "audit",
        "verify",
        "--repo",
        places.repo.to_str().unwrap(),
    ];
    let cli = cli
        .into_iter()
        .chain(["--state-dir", places.state.to_str().unwrap()]);
    let cli = Cli::try_parse_from(cli).unwrap();
    let mut out = Vec::new();
    let ended = commands::run(&cli, Path::new("/"), &Environment::default(), &mut out).await;
    assert_eq!(ended.unwrap(), ExitCode::Failed);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("line 4") && text.contains("hash"), "{text}");
    drop(ground);
}

#[test]
fn report_works_without_a_server_and_preflight_finds_a_planted_path() {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    git2::Repository::init(&repo).unwrap();
    // The program itself: it reads the repository in a child of its own.
    let report = |line: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zhongshu"));
        command.args(["report", "--repo"]).arg(&repo).args(line);
        command.env_clear().env("HOME", folder.path());
        let ended = command.output().unwrap();
        let text = String::from_utf8(ended.stdout).unwrap();
        (ended.status.code().unwrap(), text)
    };
    let ok = |line: &[&str]| {
        let (code, text) = report(line);
        assert_eq!(code, 0, "{line:?}: {text}");
        text
    };
    std::fs::write(
        repo.join("README.md"),
        "# Palace\n\nSee C:\\Users\\mo\\notes.txt first.\n",
    )
    .unwrap();
    assert!(ok(&[]).contains("README.md"));
    let read: serde_json::Value = serde_json::from_str(&ok(&["--json"])).unwrap();
    assert_eq!(read["mode"], "worktree");
    assert!(ok(&["--markdown"]).contains('#'));
    let (code, text) = report(&["--preflight"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("README.md:3"), "{text}");
    assert_eq!(report(&["--base", "nowhere"]).0, 1);
    std::fs::write(repo.join("governance.yaml"), "max_departments: many\n").unwrap();
    assert!(ok(&[]).contains("governance.yaml:1"));
    assert_eq!(report(&["--fail-on", "high"]).0, 1);
}

#[test]
fn a_repository_that_is_none_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let repo = folder.path().to_str().unwrap();
    let cli = Cli::try_parse_from(["zhongshu", "report", "--repo", repo]).unwrap();
    let mut out = Vec::new();
    let environment = Environment::default();
    let ended = commands::run(&cli, Path::new("/"), &environment, &mut out);
    let error = runtime.block_on(ended).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Usage);
    assert!(error.to_string().contains("git init"), "{error}");
}
