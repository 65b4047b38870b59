//! Calls, events and requests against a healthy app-server.

use std::time::{Duration, Instant};

use serde_json::json;
use zhongshu::codex::{
    CallError, Codex, EVENT_CAPACITY, Incoming,
    calls::{ThreadResume, TurnStart},
    events::{Notification, RequestKind},
    items::{Item, TurnStatus},
};

use super::rig::{PATIENCE, Rig, connected, next, turn_end};

async fn request(
    events: &mut tokio::sync::mpsc::Receiver<Incoming>,
) -> (
    zhongshu::codex::RequestKey,
    zhongshu::codex::events::ServerRequest,
) {
    next("a request", events, |event| match event {
        Incoming::Request { key, request } => Some((key, request)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_thread_is_started_named_and_talked_to() {
    let rig = Rig::new().await;
    let began = Instant::now();
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    println!("ready after {:?}", began.elapsed());
    assert!(!connected(&mut events).await.2);
    let opened = codex.start_thread(&rig.thread()).await.unwrap();
    let thread = opened.thread.id;
    assert_eq!(
        (opened.model.as_str(), opened.thread.cwd),
        ("mock-model", rig.path("repo"))
    );
    codex.name_thread(&thread, "部门 one").await.unwrap();
    let mut message = TurnStart::text(thread.clone(), "hello");
    message.client_user_message_id = Some("mail-1".into());
    let turn = codex.start_turn(&message).await.unwrap();
    let own = next("our message", &mut events, |event| match event {
        Incoming::Notification(Notification::ItemCompleted(done)) => match done.item {
            Item::UserMessage { client_id, .. } => Some(client_id),
            _ => None,
        },
        _ => None,
    })
    .await;
    assert_eq!(own.as_deref(), Some("mail-1"));
    let done = turn_end(&mut events, &thread).await;
    assert_eq!(
        (done.id, done.status),
        (turn.id.clone(), TurnStatus::Completed)
    );
    assert!(matches!(&done.items[..], [Item::AgentMessage { text, .. }] if text == "done"));
    let asked = rig.model.requests();
    assert!(
        asked.len() == 1 && asked[0].to_string().contains("hello"),
        "{asked:?}"
    );
    let read = codex.read_thread(&thread).await.unwrap();
    assert_eq!(read.name.as_deref(), Some("部门 one"));
    let turns = codex.turns(&thread, 5).await.unwrap().data;
    assert_eq!(
        turns.iter().map(|turn| &turn.id).collect::<Vec<_>>(),
        [&turn.id]
    );
    assert_eq!(
        codex.loaded_threads().await.unwrap(),
        std::slice::from_ref(&thread)
    );
    assert!(!codex.models().await.unwrap().is_empty());
    assert!(codex.account().await.unwrap().is_usable());
    assert_eq!(
        codex.config(None).await.unwrap().model(),
        Some("mock-model")
    );
    assert!(codex.mcp_servers(None).await.unwrap().is_empty());
    codex.unsubscribe(&thread).await.unwrap();
    codex.archive(&thread).await.unwrap();
    rig.end(&codex).await;
}

#[tokio::test]
async fn refusals_come_back_as_errors() {
    let rig = Rig::new().await;
    let (codex, _events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let unknown = codex
        .call_raw("thread/dance", &json!({}))
        .await
        .unwrap_err();
    assert!(
        matches!(&unknown, CallError::Refused { code: -32600, .. }),
        "{unknown}"
    );
    let missing = codex
        .start_turn(&TurnStart::text(
            "0199a213-81c0-7800-8aa1-bbab2a035a53".into(),
            "x",
        ))
        .await;
    assert!(missing.unwrap_err().is_refusal("thread not found"));
    let huge = codex
        .call_raw("turn/start", &json!({"x": "a".repeat(17 * 1024 * 1024)}))
        .await
        .unwrap_err();
    assert!(matches!(huge, CallError::TooLarge { .. }), "{huge}");
    assert!(
        codex.account().await.is_ok(),
        "the connection survives all of it"
    );
    rig.end(&codex).await;
}

#[tokio::test]
async fn many_calls_at_once_all_get_their_answer() {
    let rig = Rig::new().await;
    let (codex, _events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let calls: Vec<_> = (0..600)
        .map(|_| {
            let codex = codex.clone();
            tokio::spawn(async move { codex.account().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    rig.end(&codex).await;
}

#[tokio::test]
async fn an_approval_reaches_us_and_our_answer_counts() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    for (decision, status) in [("accept", "completed"), ("decline", "declined")] {
        let file = rig.path(decision);
        rig.model
            .will_run(&format!("touch {}", file.display()), true);
        codex
            .start_turn(&TurnStart::text(thread.clone(), "go"))
            .await
            .unwrap();
        let (key, request) = request(&mut events).await;
        assert_eq!(
            (request.kind(), request.thread_id()),
            (RequestKind::CommandApproval, Some(thread.clone()))
        );
        assert!(
            request.params["command"]
                .as_str()
                .unwrap()
                .contains("touch")
        );
        // The reader does not wait for us: calls go through while the request is open.
        assert!(
            codex
                .read_thread(&thread)
                .await
                .unwrap()
                .status
                .waits_for_person()
        );
        codex
            .answer(&key, &json!({"decision": decision}))
            .await
            .unwrap();
        let end = next("the command's end", &mut events, |event| match event {
            Incoming::Notification(Notification::ItemCompleted(done)) => match done.item {
                Item::CommandExecution { status, .. } => Some(status),
                _ => None,
            },
            _ => None,
        })
        .await;
        assert_eq!(end, status);
        turn_end(&mut events, &thread).await;
        assert_eq!(file.exists(), decision == "accept");
    }
    rig.end(&codex).await;
}

#[tokio::test]
async fn two_clients_share_a_thread_and_the_first_answer_wins() {
    let rig = Rig::new().await;
    let (first, mut first_events) = Codex::start(rig.settings());
    first.ready(PATIENCE).await.unwrap();
    let (second, mut second_events) = Codex::start(rig.settings());
    second.ready(PATIENCE).await.unwrap();
    assert!(
        connected(&mut second_events).await.2,
        "the second one adopts"
    );
    let thread = first.start_thread(&rig.thread()).await.unwrap().thread.id;
    first.name_thread(&thread, "shared").await.unwrap();
    second
        .resume_thread(&ThreadResume::new(thread.clone()))
        .await
        .unwrap();
    rig.model.will_run("true", true);
    first
        .start_turn(&TurnStart::text(thread.clone(), "go"))
        .await
        .unwrap();
    let (one, _) = request(&mut first_events).await;
    let (two, _) = request(&mut second_events).await;
    assert_eq!(one, two);
    second
        .answer(&two, &json!({"decision": "accept"}))
        .await
        .unwrap();
    let resolved = next(
        "the end of the request",
        &mut first_events,
        |event| match event {
            Incoming::Notification(Notification::ServerRequestResolved(done)) => {
                Some(done.request_id)
            }
            _ => None,
        },
    )
    .await;
    assert_eq!(resolved, one.id);
    first
        .answer(&one, &json!({"decision": "decline"}))
        .await
        .unwrap();
    assert_eq!(
        turn_end(&mut first_events, &thread).await.status,
        TurnStatus::Completed
    );
    assert_eq!(
        turn_end(&mut second_events, &thread).await.status,
        TurnStatus::Completed
    );
    second.detach().await;
    rig.end(&first).await;
}

#[tokio::test]
async fn an_open_request_is_replayed_with_its_key_to_the_next_launcher() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    rig.model.will_run("true", true);
    codex
        .start_turn(&TurnStart::text(thread.clone(), "go"))
        .await
        .unwrap();
    let (key, asked) = request(&mut events).await;
    codex.detach().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    assert!(connected(&mut events).await.2);
    codex
        .resume_thread(&ThreadResume::new(thread.clone()))
        .await
        .unwrap();
    let (again, replayed) = request(&mut events).await;
    assert_eq!((&again, &replayed.params), (&key, &asked.params));
    let other = zhongshu::process::Identity {
        pid: 1,
        ..key.server
    };
    let old = zhongshu::codex::RequestKey {
        server: other,
        ..key
    };
    assert_eq!(
        codex.answer(&old, &json!({"decision": "accept"})).await,
        Err(CallError::Outdated)
    );
    codex
        .answer(&again, &json!({"decision": "accept"}))
        .await
        .unwrap();
    assert_eq!(
        turn_end(&mut events, &thread).await.status,
        TurnStatus::Completed
    );
    rig.end(&codex).await;
}

#[tokio::test]
async fn a_turn_is_steered_and_interrupted() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    rig.model.will_run("true", true);
    let turn = codex
        .start_turn(&TurnStart::text(thread.clone(), "go"))
        .await
        .unwrap();
    request(&mut events).await;
    assert_eq!(
        codex
            .steer_text(&thread, &turn.id, "and this")
            .await
            .unwrap(),
        turn.id
    );
    assert!(
        codex
            .steer_text(&thread, &"no-turn".into(), "x")
            .await
            .is_err()
    );
    codex.interrupt(&thread, &turn.id).await.unwrap();
    assert_eq!(
        turn_end(&mut events, &thread).await.status,
        TurnStatus::Interrupted
    );
    rig.end(&codex).await;
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_reconnected_and_told() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let (_, server, _) = connected(&mut events).await;
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    // Each message begins and ends, and nobody takes the events: more than there is room for. Calls are answered until then.
    rig.model.will_say(EVENT_CAPACITY / 2 + 100);
    codex
        .start_turn(&TurnStart::text(thread.clone(), "talk"))
        .await
        .unwrap();
    // A refusal (the thread's file is not there yet) or a late answer is no loss of the connection.
    let began = Instant::now();
    while !matches!(
        codex.read_thread(&thread).await,
        Err(CallError::Closed { .. })
    ) {
        assert!(
            began.elapsed() < PATIENCE,
            "the connection was never dropped"
        );
    }
    let (generation, behind) = next("the loss", &mut events, |event| match event {
        Incoming::Disconnected {
            generation,
            reason,
            server_ended: false,
        } => Some((generation, reason)),
        _ => None,
    })
    .await;
    assert_eq!(generation, 1);
    assert!(behind.contains("events behind"), "{behind}");
    assert_eq!(connected(&mut events).await, (2, server, true));
    tokio::time::timeout(Duration::from_secs(10), codex.read_thread(&thread))
        .await
        .unwrap()
        .unwrap();
    rig.end(&codex).await;
}
