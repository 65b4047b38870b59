//! What goes wrong outside of us, and what a person is told about it. And what goes right with a configuration that we never saw.

use super::count;
use crate::support::script::{assignment, fails, plan, planner, reports, told};
use crate::support::thread::app_server_pid;
use crate::support::{GOVERNANCE, House, codex_program};
use mock_model::{Call, Script, Step};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use zhongshu::process::{Identity, Signal};

fn job() -> Script {
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "works")])),
        reports("lingyubu", "DONE"),
    ])
}

/// A CODEX_HOME as somebody may have it: a provider on loopback under a name of their own.
fn foreign_config(house: &House, requires_login: bool) {
    let url = house.model.base_url();
    let config = format!(
        "model = \"house-model-7b\"\nmodel_provider = \"elsewhere\"\ncheck_for_update_on_startup = false\n\n\
         [model_providers.elsewhere]\nname = \"Elsewhere Inc.\"\nbase_url = \"{url}\"\nwire_api = \"responses\"\n\
         requires_openai_auth = {requires_login}\nrequest_max_retries = 0\nstream_max_retries = 0\n\n\
         [features]\ndaemon_auto_start = false\n\n[analytics]\nenabled = false\n"
    );
    for entry in std::fs::read_dir(&house.codex_home).unwrap().flatten() {
        std::fs::remove_file(entry.path()).unwrap();
    }
    std::fs::write(house.codex_home.join("config.toml"), config).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_with_a_provider_of_the_users_own_works_unchanged() {
    let mut house = House::build(job(), GOVERNANCE).await;
    foreign_config(&house, false);
    let before = std::fs::read_to_string(house.codex_home.join("config.toml")).unwrap();
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "DONE");
    let requests = house.model.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.model == "house-model-7b")
    );
    house
        .status("the configured model is on offer", |status| {
            let choices = status["model_choices"].as_array().unwrap();
            choices.contains(&json!("house-model-7b"))
        })
        .await;
    let after = std::fs::read_to_string(house.codex_home.join("config.toml")).unwrap();
    let own: Vec<&str> = after
        .lines()
        .filter(|line| !before.contains(line))
        .collect();
    let expected = format!("[projects.\"{}\"]", house.repo.display());
    assert_eq!(
        own,
        [expected.as_str(), "trust_level = \"trusted\""],
        "what Codex noted, as the person was told"
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_that_is_not_installed_is_said_to_be_missing() {
    let mut house = House::build(job(), GOVERNANCE).await;
    house.use_codex(None);
    house.start(&[]).await;
    let status = house.get("/api/status").await;
    assert_eq!(status["codex"]["state"], "unavailable");
    let reason = status["codex"]["reason"].as_str().unwrap();
    assert!(reason.contains("npm install"), "{reason}");
    assert_eq!(status["trust"]["needed"], false, "nothing to allow");
    let refused = house
        .refused("/api/start_zhongshu_session", json!({ "task": "x" }))
        .await;
    assert_eq!(refused, (503, "codex_unavailable".to_owned()));
    assert_eq!(house.get("/api/status").await["sessions"], json!([]));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_that_ends_at_once_is_quoted_in_the_reason() {
    let mut house = House::build(job(), GOVERNANCE).await;
    let broken = house.root.join("broken-codex");
    std::fs::write(
        &broken,
        "#!/bin/sh\necho 'libfoo.so.3 is missing' >&2\nexit 3\n",
    )
    .unwrap();
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    house.use_codex(Some(&broken));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.planner("x").await;
    let failed = house
        .session(&planner, "the start fails", |session| {
            session["status"] == "failed"
        })
        .await;
    let reason = failed["status_reason"].as_str().unwrap();
    assert!(
        reason.contains("libfoo.so.3 is missing") && reason.contains("zhongshu doctor"),
        "{reason}"
    );
    let status = house.get("/api/status").await;
    assert_eq!(status["codex"]["state"], "unavailable");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_whose_model_fails_shows_why_and_goes_on_later() {
    let plan = plan([assignment("lingyubu", "works")]);
    let mut script = job();
    script.rules[1].steps = vec![
        fails("the engine room is flooded"),
        Step::call(Call::mcp("zhongshu", "report_plan", plan)),
        Step::say("Reported."),
    ];
    let house = House::open(script, GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    let session = house
        .session(&planner, "its turn fails", |session| {
            let reason = session["status_reason"].as_str().unwrap_or_default();
            reason.starts_with("its last turn failed: ") && session["activity"] == "idle"
        })
        .await;
    assert_eq!(session["status"], "running");
    house
        .post(
            "/api/session_input",
            json!({ "session_id": planner, "input": "Try again." }),
        )
        .await;
    house.plan(&planner, 1).await;
    house
        .session(&planner, "its turn is over", |session| {
            session["activity"] == "idle" && session["status_reason"].is_null()
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_that_is_not_logged_in_says_so_before_the_first_turn() {
    let mut house = House::build(job(), GOVERNANCE).await;
    foreign_config(&house, true);
    house.start(&[]).await;
    house.allow().await;
    let planner = house.planner("x").await;
    let failed = house
        .session(&planner, "the start fails", |session| {
            session["status"] == "failed"
        })
        .await;
    let reason = failed["status_reason"].as_str().unwrap();
    assert!(reason.contains("codex login"), "{reason}");
    assert_eq!(count(&house.model.requests(), "planner"), 0);
    let warnings = house.get("/api/status").await["warnings"].to_string();
    assert!(warnings.contains("codex login"), "{warnings}");

    // After the login, which is made outside of us, the same session goes on.
    let auth = json!({ "OPENAI_API_KEY": "no-real-key" });
    std::fs::write(house.codex_home.join("auth.json"), auth.to_string()).unwrap();
    let body = json!({ "session_id": planner });
    house.post("/api/resume_session", body).await;
    house.plan(&planner, 1).await;
    let status = house.get("/api/status").await;
    let warnings = status["warnings"].to_string();
    assert!(!warnings.contains("codex login"), "{warnings}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_work_that_waits_for_a_login_begins_on_a_persons_word_once_there_is_one() {
    let mut house = House::build(job(), GOVERNANCE).await;
    foreign_config(&house, true);
    let file = house.codex_home.join("auth.json");
    let auth = json!({ "OPENAI_API_KEY": "no-real-key" }).to_string();
    std::fs::write(&file, &auth).unwrap();
    house.start(&[]).await;
    house.allow().await;
    let planner = house.planner("Make the greeter louder.").await;
    let plan = house.plan(&planner, 1).await;
    house
        .session(&planner, "it is idle", |session| {
            session["activity"] == "idle"
        })
        .await;
    // The login ends, and Codex comes back without it.
    std::fs::remove_file(&file).unwrap();
    let server = Identity::of(app_server_pid(&house)).unwrap();
    server.signal(Signal::Kill);
    house
        .status("the login is missed", |status| {
            status["warnings"].to_string().contains("codex login")
        })
        .await;
    house.confirm(&planner, &plan).await;
    let held = house
        .status("the work waits", |status| {
            status["queue"][0]["hold"] == "driver_failed"
        })
        .await;
    let reason = held["queue"][0]["hold_reason"].to_string();
    assert!(reason.contains("codex login"), "{reason}");
    // Nothing is spent on a login that is made outside of us.
    std::fs::write(&file, &auth).unwrap();
    house.post("/api/queue/resume", json!({})).await;
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "DONE");
    let failed = |session: &serde_json::Value| session["status"] == "failed";
    let status = house.get("/api/status").await;
    let sessions = status["sessions"].as_array().unwrap();
    assert!(!sessions.iter().any(failed), "{sessions:#?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_codex_lacks_is_switched_off_by_name_and_the_rest_works() {
    let mut house = House::build(job(), GOVERNANCE).await;
    let other = house.root.join("other-codex");
    let real = codex_program();
    // The real one, whose schema says that it cannot list models.
    let script = format!(
        "#!/bin/sh\n[ \"$2\" = generate-json-schema ] || exec '{0}' \"$@\"\n'{0}' \"$@\" && sed -i s#model/list#model/none# \"$5/ClientRequest.json\"\n",
        real.display()
    );
    std::fs::write(&other, script).unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    house.use_codex(Some(&other));
    house.start(&[]).await;
    assert_eq!(
        house.get("/api/status").await["codex"]["lacks"],
        json!(null)
    );
    house.allow().await;
    let status = house
        .status("it is known what this Codex lacks", |status| {
            status["codex"]["lacks"].is_array()
        })
        .await;
    let loss = "the models on offer are not known; list them in governance.yaml (`models`)";
    assert_eq!(
        status["codex"]["lacks"],
        json!([{ "feature": "models", "methods": ["model/list"], "loss": loss }])
    );
    let warnings = status["warnings"].as_array().unwrap();
    assert!(
        warnings.contains(&json!(format!("{loss} (it lacks `model/list`)"))),
        "{warnings:?}"
    );
    let planner = house.at_work().await;
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "DONE");
    house.close().await;
}
