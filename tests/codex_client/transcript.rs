//! A thread's history as the real Codex tells it: page by page, while it runs, and after everything that can happen to a thread.

use serde_json::json;
use tokio::sync::mpsc::Receiver;
use zhongshu::{
    codex::{
        Codex, Incoming,
        calls::{ApprovalPolicy, SandboxMode, ThreadStart, TurnStart},
        events::Notification,
        wire::ThreadId,
    },
    domain::transcript::{Row, Turn, What},
    threads::{Change, NotRead, Threads, Wanted},
};

use super::codex_program::codex_program;
use super::rig::{PATIENCE, Rig, connected, status};

struct Scene {
    rig: Rig,
    codex: Codex,
    events: Receiver<Incoming>,
    threads: Threads,
    thread: ThreadId,
}

const NEWEST: Wanted = Wanted {
    cursor: None,
    limit: 20,
    oldest_first: false,
};

impl Scene {
    async fn begin() -> Self {
        let rig = Rig::new().await.with_catalog();
        let (codex, mut events) = Codex::start(rig.settings());
        codex.ready(PATIENCE).await.unwrap();
        connected(&mut events).await;
        let start = ThreadStart {
            approval_policy: Some(ApprovalPolicy::Never),
            sandbox: Some(SandboxMode::DangerFullAccess),
            ..rig.thread()
        };
        let thread = codex.start_thread(&start).await.unwrap().thread.id;
        codex.name_thread(&thread, "told").await.unwrap();
        let threads = Threads::new(Ok(codex.clone()), codex_program());
        Self {
            rig,
            codex,
            events,
            threads,
            thread,
        }
    }

    async fn say(&mut self, text: &str) {
        let message = TurnStart::text(self.thread.clone(), text);
        self.codex.start_turn(&message).await.unwrap();
    }

    /// Listens until `seen` takes a notification.
    async fn until(&mut self, what: &str, mut seen: impl FnMut(&Notification) -> bool) {
        let threads = &self.threads;
        super::rig::next(what, &mut self.events, |event| {
            let Incoming::Notification(notification) = event else {
                return None;
            };
            threads.hear(&notification);
            seen(&notification).then_some(())
        })
        .await;
    }

    async fn turn(&mut self, text: &str) {
        self.say(text).await;
        self.until("the end of the turn", |it| {
            matches!(it, Notification::TurnCompleted(_))
        })
        .await;
    }

    async fn turns(&self) -> Vec<Turn> {
        let page = self.threads.page(&self.thread.0, &NEWEST).await.unwrap();
        assert_eq!(page.next, None);
        page.turns
    }
}

fn message(row: &Row) -> &str {
    match &row.what {
        What::Message { text, .. } => &text.text,
        other => panic!("no message: {other:?}"),
    }
}

fn answer(row: &Row) -> &str {
    match &row.what {
        What::Answer { text } => &text.text,
        other => panic!("no answer: {other:?}"),
    }
}

#[tokio::test]
async fn a_transcript_tells_what_was_said_run_and_changed_and_why_a_turn_failed() {
    let mut scene = Scene::begin().await;
    assert_eq!(scene.turns().await, []);
    scene.turn("hello").await;
    scene.rig.model.will_run("echo heard; exit 3", false);
    scene.turn("run it").await;
    scene
        .rig
        .model
        .will_patch("*** Begin Patch\n*** Add File: made.txt\n+one\n+two\n*** End Patch\n");
    scene.turn("patch it").await;
    scene.rig.model.will_fail();
    scene.turn("fail").await;
    let turns = scene.turns().await;
    let [failed, patched, ran, said] = &turns[..] else {
        panic!("{turns:#?}");
    };
    assert_eq!(
        (message(&said.rows[0]), answer(&said.rows[1])),
        ("hello", "done")
    );
    assert!(
        said.rows
            .iter()
            .all(|row| row.at.is_some() && row.ended_at.is_some())
    );
    assert!(said.rows[0].id.starts_with(&format!("{}/", said.id)));
    let What::Command {
        command,
        cwd,
        status,
        exit_code,
        output,
        ..
    } = &ran.rows[1].what
    else {
        panic!("{ran:#?}");
    };
    assert!(command.text.contains("echo heard; exit 3"), "{command:?}");
    assert!(cwd.ends_with("/repo"), "{cwd}");
    assert_eq!(
        (status.as_str(), *exit_code, output.text.as_str()),
        ("failed", Some(3), "heard\n")
    );
    let What::Patch { status, files, .. } = &patched.rows[1].what else {
        panic!("{patched:#?}");
    };
    assert_eq!(status, "completed");
    assert!(files[0].path.ends_with("made.txt") && files[0].change == "add");
    assert!(files[0].diff.text.contains("one\n"), "{files:?}");
    assert_eq!(failed.status, "failed");
    let What::TurnFailed { reason, .. } = &failed.rows.last().unwrap().what else {
        panic!("{failed:#?}");
    };
    assert!(!reason.text.is_empty());
    // One turn a page: the same, in the same order.
    let mut walked = Vec::new();
    let mut wanted = Wanted { limit: 1, ..NEWEST };
    loop {
        let page = scene.threads.page(&scene.thread.0, &wanted).await.unwrap();
        walked.extend(page.turns);
        match page.next {
            Some(cursor) => wanted.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(walked, turns);
    let oldest = Wanted {
        oldest_first: true,
        ..NEWEST
    };
    let page = scene.threads.page(&scene.thread.0, &oldest).await.unwrap();
    assert_eq!(page.turns[0], *said);
    let whole = scene.threads.row(&scene.thread.0, &ran.rows[1].id).await;
    assert_eq!(whole.unwrap().unwrap(), ran.rows[1]);
    let none = scene.threads.row(&scene.thread.0, "nothing/at-all").await;
    assert_eq!(none.unwrap(), None);
    let bad = Wanted {
        cursor: Some("x".into()),
        ..NEWEST
    };
    let refused = scene.threads.page(&scene.thread.0, &bad).await;
    assert!(matches!(refused, Err(NotRead::BadCursor)), "{refused:?}");
    let unknown = "0199a213-81c0-7800-8aa1-bbab2a035a53";
    let refused = scene.threads.page(unknown, &NEWEST).await;
    assert!(matches!(refused, Err(NotRead::Nothing)), "{refused:?}");
    scene.rig.end(&scene.codex).await;
}

#[tokio::test]
async fn what_streams_is_there_for_who_comes_late_and_an_interruption_is_told() {
    let mut scene = Scene::begin().await;
    scene.turn("hello").await;
    scene.rig.model.will_stop_after("the beginning of");
    scene.say("go on").await;
    scene
        .until("a piece of the answer", |it| {
            matches!(it, Notification::AgentMessageDelta(_))
        })
        .await;
    let turns = scene.turns().await;
    assert!(turns[0].is_running(), "{turns:#?}");
    let last = turns[0].rows.last().unwrap();
    assert_eq!(answer(last), "the beginning of");
    assert_eq!(last.ended_at, None);
    let running = turns[0].id.clone();
    let number = scene.threads.running().news(&scene.thread.0, 0).number;
    let turn = zhongshu::codex::wire::TurnId(running.clone());
    scene.codex.interrupt(&scene.thread, &turn).await.unwrap();
    scene
        .until("the end of the turn", |it| {
            matches!(it, Notification::TurnCompleted(_))
        })
        .await;
    let news = scene.threads.running().news(&scene.thread.0, number);
    assert_eq!(news.changed, Some(Change::TurnEnded));
    let turns = scene.turns().await;
    assert_eq!(
        (&turns[0].id, turns[0].status.as_str()),
        (&running, "interrupted")
    );
    assert_eq!(turns[0].rows.last().unwrap().what, What::TurnInterrupted);
    scene.rig.end(&scene.codex).await;
}

#[tokio::test]
async fn a_revert_is_followed_and_unloaded_and_archived_threads_are_read() {
    let mut scene = Scene::begin().await;
    for text in ["one", "two", "three"] {
        scene.turn(text).await;
    }
    let before = scene.turns().await;
    let params = json!({"threadId": scene.thread, "beforeTurnId": before[1].id});
    scene
        .codex
        .call_raw("thread/revert", &params)
        .await
        .unwrap();
    scene
        .until("word of the revert", |it| {
            matches!(it, Notification::ThreadReverted(_))
        })
        .await;
    assert_eq!(
        scene.turns().await,
        before[2..],
        "two turns were taken back"
    );
    scene.turn("four").await;
    let after = scene.turns().await;
    assert_eq!(message(&after[0].rows[0]), "four");
    scene.codex.restart().await;
    status(
        &scene.codex,
        "it to be back",
        |now| matches!(now, zhongshu::codex::Status::Ready { generation, .. } if *generation > 1),
    )
    .await;
    assert_eq!(scene.codex.loaded_threads().await.unwrap(), []);
    scene.threads = Threads::new(Ok(scene.codex.clone()), codex_program());
    assert_eq!(scene.turns().await, after, "unloaded");
    scene.codex.archive(&scene.thread).await.unwrap();
    scene.threads = Threads::new(Ok(scene.codex.clone()), codex_program());
    assert_eq!(scene.turns().await, after, "archived");
    let gone = json!({ "threadId": scene.thread });
    scene.codex.call_raw("thread/delete", &gone).await.unwrap();
    let refused = scene.threads.page(&scene.thread.0, &NEWEST).await;
    assert!(matches!(refused, Err(NotRead::Nothing)), "{refused:?}");
    scene.rig.end(&scene.codex).await;
}
