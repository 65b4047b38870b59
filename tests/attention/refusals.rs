//! What does not fit is refused by its field, and the ask still waits.

use crate::asking::{GOVERNANCE, decision, path_of, touches, wants_outside};
use crate::support::House;
use crate::support::script::{assignment, by_tool, department, hang_then, plan, planner, told};
use mock_model::{RecordedRequest, Script, Step};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use zhongshu::client::ClientError;

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_wrong_answer_is_refused_by_its_field_and_the_ask_still_waits() {
    let (house, path, planner) = wants_outside().await;
    let ask = house.ask(0).await;
    for (body, status, field) in [
        (decision("grant_session"), 400, "decision: "),
        (decision("nonsense"), 400, "decision: "),
        (json!({}), 400, "decision"),
        (json!({ "decision": 7 }), 400, "decision"),
        (
            json!({ "decision": "accept", "answers": { "x": "y" } }),
            400,
            "answers: ",
        ),
        (
            json!({ "decision": "accept", "content": {} }),
            400,
            "content: ",
        ),
        (
            json!({ "decision": "accept", "permissions": {} }),
            400,
            "permissions: ",
        ),
        (
            json!({ "decision": "accept", "words": "go" }),
            400,
            "words: ",
        ),
        (
            json!({ "decision": "decline", "words": "x".repeat(100_000) }),
            400,
            "words: ",
        ),
        (json!({ "decision": "accept", "more": 1 }), 400, "more"),
    ] {
        let refused = house.client().post(&path_of(&ask), &body).await;
        let Err(ClientError::Refused {
            status: was,
            message,
            ..
        }) = refused
        else {
            panic!("{body}: {refused:?}");
        };
        assert_eq!(was, status, "{message}");
        assert!(message.contains(field), "{message}");
    }
    for id in ["ask-nobody", "..", "plan-1"] {
        let (status, code) = house
            .refused(&format!("/api/attention/{id}"), decision("accept"))
            .await;
        assert_eq!(status, 404, "{id}: {code}");
    }
    assert!(!path.exists());
    house.waits("it asks to run: ").await;
    // An agent answers nothing, not even what it asks itself.
    let agent = house
        .client()
        .for_thread(ask["thread_id"].as_str().unwrap());
    let refused = agent.post(&path_of(&ask), &decision("accept")).await;
    assert!(
        matches!(
            refused,
            Err(ClientError::Refused {
                status: 401 | 403,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(!path.exists());
    // Many at once: one wins.
    let client = house.client();
    let tries = (0..8).map(|number| {
        let (client, path) = (client.clone(), path_of(&ask));
        let id = if number % 2 == 0 { "accept" } else { "decline" };
        async move { client.post(&path, &decision(id)).await.is_ok() }
    });
    let won = futures_util::future::join_all(tries).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let settled = house.settled(&ask).await;
    assert_eq!(settled["how"], "here");
    house.goes_on(&planner).await;
    let audit = house.audit().await;
    let answered = crate::asking::named(&audit, "ask_answered");
    assert_eq!(answered.len(), 1);
    assert_eq!(path.exists(), answered[0]["decision"] == "accept");
    house.close().await;
}

/// Lets the launcher write files only up to so many bytes, as a full disk would.
fn limit_files(house: &House, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(house.launcher_pid()).unwrap());
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_an_answer_that_cannot_be_kept_is_refused_and_the_ask_stays() {
    let (house, path, planner) = wants_outside().await;
    let ask = house.ask(0).await;
    house.waits("it asks to run: ").await;
    let journal = std::fs::metadata(house.state.join("journal.jsonl")).unwrap();
    limit_files(&house, Some(journal.len()));
    let (status, _) = house.refused(&path_of(&ask), decision("accept")).await;
    assert_eq!(status, 507);
    limit_files(&house, None);
    assert!(!path.exists(), "nothing ran");
    let look = async || {
        let (client, yes) = (house.client(), decision("accept"));
        client.post(&path_of(&ask), &yes).await.ok()
    };
    house.wait_for("room for the answer", look).await;
    assert_eq!(house.settled(&ask).await["how"], "here");
    house.goes_on(&planner).await;
    assert!(path.exists());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_what_cannot_be_recorded_is_not_shown_before_it_is() {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let path = house.codex_home.join("outside.txt");
    let steps = vec![
        hang_then(touches(&path)),
        Step::call(by_tool("ASKED")),
        Step::say("Done."),
    ];
    house.model.set_script(Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "asks")])),
        department("lingyubu", steps),
    ]));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    let works = |session: &Value| {
        session["activity"] == "working" && session["browser_terminal_status"] == "running"
    };
    house.department("lingyubu", "it works", works).await;
    let begun = |requests: &[RecordedRequest]| {
        let mut all = requests.iter();
        all.any(|it| it.rule.as_deref() == Some("lingyubu"))
    };
    house.requests("the department's turn", begun).await;
    let journal = std::fs::metadata(house.state.join("journal.jsonl")).unwrap();
    limit_files(&house, Some(journal.len()));
    house.model.release();
    house.waits("cannot be recorded").await;
    assert!(crate::asking::named(&house.audit().await, "ask_raised").is_empty());
    limit_files(&house, None);
    let ask = house.ask(0).await;
    house.waits("it asks to run: ").await;
    house.decide(&ask, decision("accept")).await;
    house.goes_on(&planner).await;
    house.close().await;
}
