//! The pages of threads that are no sessions: their list, one of them in a real browser, and what the streams tell of them.

use crate::rig::{house, house_with};
use crate::suggestions::suggests;
use crate::support::script::{assignment, fails, hang, on_message, plan, planner};
use crate::support::{GOVERNANCE, House, PATIENCE};
use futures_util::StreamExt as _;
use mock_model::{Call, Step};
use serde_json::{Value, json};

impl House {
    /// A fragment of the dashboard.
    async fn fragment(&self, path: &str) -> String {
        let reply = self.client().request("GET", path, None).await.unwrap();
        assert_eq!(reply.status.as_u16(), 200, "{path}");
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    /// The session in which something was said last.
    async fn last_talked(&self) -> String {
        let page = self.look("/sessions").await;
        let mut sessions = page["data"].as_array().unwrap().iter();
        let talked = sessions.find(|it| it["materialized"] == true);
        talked.unwrap()["sessionId"].as_str().unwrap().to_owned()
    }

    /// A new session of this name.
    async fn named(&self, title: &str) -> String {
        let id = self.chat().await;
        let path = format!("/sessions/{id}/rename");
        self.make(&path, json!({ "title": title })).await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_are_worked_with_from_their_pages_in_a_browser() {
    let makes = Call::Shell {
        cmd: "touch made.txt".to_owned(),
        workdir: None,
        escalate: Some("The greeter needs this file.".to_owned()),
        yield_time_ms: None,
    };
    let makes = || {
        let steps = vec![Step::call(makes.clone()), Step::say("It is there.")];
        on_message("makes", "MAKE THE FILE", steps)
    };
    let house = house([makes()]).await;
    let obey = async |wish: &str| {
        if let Some(title) = wish.strip_prefix("rename ") {
            let path = format!("/sessions/{}/rename", house.last_talked().await);
            house.make(&path, json!({ "title": title })).await;
        } else if let Some(how) = wish.strip_prefix("suggests ") {
            let step = match how {
                "hang" => hang(),
                "nothing" => Step::call(Call::shell("ls")),
                "failure" => fails("broken"),
                words => Step::say(words),
            };
            let rules = [suggests(vec![step]), makes()];
            house.model.set_script(crate::rig::script(rules));
        } else if wish == "fresh" {
            return house.chat().await;
        } else if wish == "jobs" {
            let id = house.last_talked().await;
            for key in ["one", "two"] {
                let payload = json!({ "sessionId": id, "requestKey": key });
                let job =
                    json!({ "type": "suggest_request", "payload": payload, "dedupe": "none" });
                let path = "/orchestrator/jobs";
                house.granted("POST", path, Some(job), 202).await;
            }
        } else {
            assert_eq!(wish, "many");
            for number in 1..=30 {
                house.named(&format!("number {number} of many")).await;
            }
        }
        String::new()
    };
    house.walk("threads.mjs", "", obey).await;
    house.close().await;
}

#[tokio::test]
async fn the_list_has_projects_states_and_those_of_the_launcher_when_asked() {
    let house = house([planner(plan([assignment("lingyubu", "something")]))]).await;
    let project = house
        .make("/projects", json!({ "name": "<i>Tea</i>" }))
        .await;
    let project = project["project"]["projectId"].as_str().unwrap().to_owned();
    let inside = house.named("Inside").await;
    let outside = house.named("<b>Outside</b> 天气").await;
    let path = format!("/sessions/{inside}/project");
    house.make(&path, json!({ "projectId": project })).await;
    house.has_turn(&outside, "Hello").await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;

    let list = house.fragment("/ui/threads?lang=en").await;
    let group = |name: &str| {
        let at = list.find(&format!("data-key=\"group-{name}\"")).unwrap();
        let rest = &list[at..];
        rest.split("</section>").next().unwrap().to_owned()
    };
    assert!(group(&project).contains("&#60;i&#62;Tea&#60;/i&#62;"));
    assert!(group(&project).contains("Inside"), "{list}");
    assert!(!group("none").contains("Inside"), "{list}");
    assert!(group("none").contains("&#60;b&#62;Outside&#60;/b&#62; 天气"));
    assert!(list.contains(&format!("href=\"#thread/{outside}\"")));
    assert!(!list.contains("#session/"), "{list}");

    let all = house.fragment("/ui/threads?lang=en&launchers=true").await;
    assert!(
        all.contains(&format!("href=\"#session/{planner}\"")),
        "{all}"
    );
    let found = house.fragment("/ui/threads?lang=zh&words=OUTSIDE").await;
    assert!(
        found.contains(&outside) && !found.contains(&inside),
        "{found}"
    );
    assert!(found.contains("新建线程"));
    let archived = house.fragment("/ui/threads?lang=en&archived=true").await;
    assert!(archived.contains("Nothing is archived."), "{archived}");
    house
        .make(&format!("/sessions/{outside}/archive"), json!({}))
        .await;
    let archived = house.fragment("/ui/threads?lang=en&archived=true").await;
    assert!(archived.contains(&outside) && !archived.contains(&inside));
    house.close().await;
}

#[tokio::test]
async fn a_transcript_is_read_by_the_name_of_a_thread_until_it_is_deleted() {
    let house = house([]).await;
    let id = house.chat().await;
    let path = format!("/api/thread?id={id}");
    assert_eq!(house.get(&path).await["turns"], json!([]));
    let turn = house.has_turn(&id, "Hello there").await;
    let page = house.get(&path).await;
    assert_eq!(page["session_id"], Value::Null);
    assert_eq!(
        (&page["thread_id"], &page["turns"][0]["id"]),
        (&json!(id), &json!(turn))
    );
    let row = page["turns"][0]["rows"][0]["id"].as_str().unwrap();
    let whole = house
        .get(&format!("/api/thread/item?id={id}&item={row}"))
        .await;
    assert_eq!(whole["row"]["text"]["text"], "Hello there");
    let fragment = house.fragment(&format!("/ui/thread?id={id}&lang=en")).await;
    assert!(
        fragment.contains("data-form=\"chat-message\""),
        "{fragment}"
    );
    assert!(
        !fragment.contains("data-form=\"steer-message\""),
        "{fragment}"
    );
    house
        .granted("DELETE", &format!("/sessions/{id}"), None, 200)
        .await;
    let gone = house.client().request("GET", &path, None).await.unwrap();
    assert_eq!(gone.status.as_u16(), 410);
    let fragment = house.fragment(&format!("/ui/thread?id={id}&lang=en")).await;
    assert!(fragment.contains("data-reason"), "{fragment}");
    assert!(
        !fragment.contains("data-form=\"chat-message\""),
        "{fragment}"
    );
    // What stood there goes with it.
    assert!(
        fragment.contains("<div data-region=\"thread-say\"></div>"),
        "{fragment}"
    );
    house.close().await;
}

#[tokio::test]
async fn what_the_launcher_drives_is_not_driven_from_the_page_of_its_thread() {
    let house = house([planner(plan([assignment("lingyubu", "something")]))]).await;
    let planner = house.planner("Make the greeter louder.").await;
    let running = house.session(&planner, "a thread", |it| it["thread_id"].is_string());
    let thread = running.await["thread_id"].as_str().unwrap().to_owned();
    let fragment = house
        .fragment(&format!("/ui/thread?id={thread}&lang=en"))
        .await;
    assert!(
        fragment.contains("data-form=\"steer-message\""),
        "{fragment}"
    );
    assert!(!fragment.contains("data-form=\"chat-"), "{fragment}");
    // A copy of its thread is anybody's, and is only read in the page of the session.
    let idle = house.session(&planner, "idle", |it| it["activity"] == "idle");
    idle.await;
    let copied = json!({ "session_id": planner });
    let copied = house.post("/api/fork_session", copied).await;
    let copy = copied["fork_id"].as_str().unwrap();
    for (wish, is_driven) in [("", false), ("&chat=true", true)] {
        let path = format!("/ui/thread?id={copy}&lang=en{wish}");
        let fragment = house.fragment(&path).await;
        let has = fragment.contains("data-form=\"chat-message\"");
        assert_eq!(has, is_driven, "{fragment}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_lock_of_the_defaults_is_shown_where_they_would_be_changed() {
    let governance = format!("{GOVERNANCE}harness: {{lock_defaults: true}}\n");
    let house = house_with([], &governance).await;
    let id = house.chat().await;
    for (lang, locked, reason) in [
        (
            "en",
            "locked",
            "what new sessions begin with is locked in governance.yaml",
        ),
        (
            "zh",
            "已锁定",
            "新会话的初始设置已在 governance.yaml 中锁定",
        ),
    ] {
        let fragment = house
            .fragment(&format!("/ui/thread?id={id}&lang={lang}"))
            .await;
        let (own, all) = fragment.split_once("data-scope=\"default\"").unwrap();
        assert!(all.contains(locked) && all.contains(reason), "{all}");
        assert!(all.contains("<fieldset class=\"stack\" disabled>"), "{all}");
        assert!(!own.contains("disabled"), "{own}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_stream_of_the_pages_tells_that_threads_are_otherwise() {
    let house = house([]).await;
    let client = house.client();
    let events = client.events("/api/session_stream").await.unwrap();
    let mut events = Box::pin(events);
    // The number, once it is beyond this one.
    let mut beyond = async |number: u64| {
        let news = async {
            loop {
                let event = events.next().await.expect("the stream goes on").unwrap();
                if event.event == "threads" {
                    let told: Value = serde_json::from_str(&event.data).unwrap();
                    let told = told["number"].as_u64().unwrap();
                    if told > number {
                        return told;
                    }
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, news).await;
        waited.expect("the stream tells nothing")
    };
    let first = beyond(0).await;
    let id = house.named("Something").await;
    let named = beyond(first).await;
    let path = format!("/sessions/{id}/approval-policy");
    let never = json!({ "approvalPolicy": "never" });
    house.make(&path, never).await;
    assert!(beyond(named).await > named);
    house.close().await;
}
