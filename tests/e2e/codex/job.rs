//! The main job: a plan by tool, a confirmation, two slots, and every way in which a department can report, or not.

use super::events;
use crate::support::script::{
    assignment, by_file, by_tool, department, hang, hang_then, plan, planner, told,
};
use crate::support::thread::Stranger;
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, RecordedRequest, Script, Step};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// In the tasks and nowhere else: never in what a program is started with.
const SECRET: &str = "quetzal-4711";

/// A task with everything that a careless hand would break.
fn hard_task() -> String {
    let long =
        "Line of a long task with 'single' and \"double\" quotes, $HOME, `ticks` and 汉字.\n"
            .repeat(150);
    format!("--begin {SECRET}\n{long}\n{SECRET} end")
}

fn script() -> Script {
    let mut by_tool_task = assignment("lingyubu", &hard_task());
    by_tool_task["files"] = json!(["src/greet.py", "docs/with space.md"]);
    by_tool_task["verify"] = json!(["python3 -m py_compile src/greet.py", "git diff --check"]);
    let inbox = Call::mcp("zhongshu", "read_inbox", json!({ "peek": true }));
    Script::new([
        told(
            "told of the tool",
            "BY-TOOL",
            vec![hang_then(inbox), Step::say("Read.")],
        ),
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([
            by_tool_task,
            assignment("zhilibu", &format!("{SECRET} by file")),
            assignment("menxia", &format!("{SECRET} says nothing")),
            assignment("gongchengbu", &format!("{SECRET} goes away")),
        ])),
        department(
            "lingyubu",
            vec![hang_then(by_tool("BY-TOOL")), Step::say("Done.")],
        ),
        department(
            "zhilibu",
            vec![hang_then(by_file("BY-FILE")), Step::say("Done.")],
        ),
        department("menxia", vec![Step::say("I am done, I think.")]),
        department("gongchengbu", vec![hang()]),
    ])
}

fn of<'a>(requests: &'a [RecordedRequest], rule: &str) -> Vec<&'a RecordedRequest> {
    let by_rule = |request: &&RecordedRequest| request.rule.as_deref() == Some(rule);
    requests.iter().filter(by_rule).collect()
}

/// Everything that any process of the house was ever started with.
struct Arguments {
    stop: Arc<AtomicBool>,
    seen: std::thread::JoinHandle<BTreeSet<String>>,
}

impl Arguments {
    fn watch(house: &House) -> Self {
        let (root, stop) = (house.root.clone(), Arc::new(AtomicBool::new(false)));
        let stopping = Arc::clone(&stop);
        let seen = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !stopping.load(Ordering::SeqCst) {
                let found = crate::support::Processes::of(&root);
                seen.extend(found.0.iter().map(crate::support::Found::line));
                std::thread::sleep(Duration::from_millis(40));
            }
            seen
        });
        Self { stop, seen }
    }

    fn end(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::SeqCst);
        self.seen.join().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_does_the_main_job_from_plan_to_results() {
    let governance = format!("{GOVERNANCE}reminder_grace_seconds: 1\n");
    let house = House::open(script(), &governance).await;
    let arguments = Arguments::watch(&house);

    // The plan, and nothing more before the confirmation.
    let planner = house.planner("Make the greeter louder.").await;
    let plan = house.plan(&planner, 1).await;
    assert_eq!(plan["source"], "tool");
    assert_eq!(plan["assignments"].as_array().unwrap().len(), 4);
    house
        .session(&planner, "the planner's turn is over", |session| {
            session["activity"] == "idle"
        })
        .await;
    let status = house.get("/api/status").await;
    assert_eq!(status["department_sessions"], json!([]));
    assert_eq!(status["queue"], json!([]));
    let threads: BTreeSet<String> = house
        .model
        .requests()
        .iter()
        .map(|r| r.thread_id.clone())
        .collect();
    assert_eq!(
        threads.len(),
        1,
        "only the planner has a thread: {threads:?}"
    );
    // The thread's id is no secret. Whoever names it and was not started by Codex gets nothing.
    for thread in &threads {
        let client = house.client().for_thread(thread);
        let inbox = client.request("GET", "/mcp/inbox?peek=1", None).await;
        let refused = inbox.unwrap().accepted().unwrap_err().to_string();
        assert!(refused.contains("only the tool server"), "{refused}");
    }

    // Two at once, each with a thread and a terminal; the others wait for a slot.
    house.confirm(&planner, &plan).await;
    let requests = house
        .requests("two departments at work", |requests| {
            of(requests, "lingyubu").len() == 1 && of(requests, "zhilibu").len() == 1
        })
        .await;
    let status = house
        .status("two departments with terminals", |status| {
            let sessions = status["department_sessions"].as_array().unwrap();
            sessions.len() == 2
                && sessions.iter().all(|session| {
                    session["status"] == "running"
                        && session["activity"] == "working"
                        && session["browser_terminal_status"] == "running"
                })
        })
        .await;
    let distinct = |key: &str| {
        let values = status["sessions"].as_array().unwrap().iter();
        let values: BTreeSet<String> = values.map(|session| session[key].to_string()).collect();
        values.len()
    };
    assert_eq!(
        (distinct("thread_id"), distinct("browser_terminal_id")),
        (3, 3)
    );
    let queue = status["queue"].as_array().unwrap();
    let waiting: Vec<&Value> = queue.iter().map(|entry| &entry["department"]).collect();
    assert_eq!(waiting, ["menxia", "gongchengbu"]);
    assert!(of(&requests, "menxia").is_empty() && of(&requests, "gongchengbu").is_empty());
    let terminals = house.processes().with(" resume ");
    assert_eq!(
        terminals.len(),
        3,
        "the real TUI runs in each terminal: {terminals:#?}"
    );

    // The prompt reached the model whole.
    let prompt = &of(&requests, "lingyubu")[0].user_texts[0];
    for part in [
        hard_task().as_str(),
        "- src/greet.py\n",
        "- docs/with space.md\n",
        "python3 -m py_compile src/greet.py",
        "# Boundaries",
        "Never roll back",
    ] {
        assert!(prompt.contains(part), "the prompt lacks {part:?}: {prompt}");
    }

    // One reports by tool, one by a file from inside the sandbox.
    house.model.release();
    let tool = house.result(&planner, "lingyubu").await;
    assert_eq!(
        (&tool["summary"], &tool["channel"], &tool["verified"]),
        (&json!("BY-TOOL"), &json!("tool"), &json!(true))
    );
    let file = house.result(&planner, "zhilibu").await;
    assert_eq!(
        (&file["summary"], &file["channel"], &file["verified"]),
        (&json!("BY-FILE"), &json!("mailbox"), &json!(false))
    );
    for key in ["lingyubu", "zhilibu"] {
        let ended = house
            .department(key, "its round is closed", |session| {
                session["status"] == "reported"
            })
            .await;
        assert_eq!(ended["report_status"], "reported");
        assert_eq!(ended["auto_closed"], true);
    }

    // The planner is in the middle of a turn about the first result; the second one waits for its end.
    let requests = house
        .requests("the planner hears of the first result", |requests| {
            !of(requests, "told of the tool").is_empty()
        })
        .await;
    let first = of(&requests, "told of the tool")[0].clone();
    assert_eq!(
        first
            .user_texts
            .iter()
            .filter(|text| text.contains("BY-TOOL"))
            .count(),
        1
    );

    // The third never reports: two reminders, then the launcher speaks for it.
    let silent = house.result(&planner, "menxia").await;
    assert_eq!(silent["source"], "launcher_fallback");
    let ended = house
        .department("menxia", "it is ended", |session| {
            session["status"] == "silent"
        })
        .await;
    assert_eq!(ended["reminders"], 2);
    let requests = house.model.requests();
    let reminders = of(&requests, "menxia").last().map(|request| {
        request
            .user_texts
            .iter()
            .filter(|text| text.starts_with("Reminder "))
            .count()
    });
    assert_eq!(reminders, Some(2));
    let knows_of_file = |requests: &[RecordedRequest]| {
        let mine = requests
            .iter()
            .filter(|request| request.thread_id == first.thread_id);
        mine.filter(|request| {
            request
                .user_texts
                .iter()
                .any(|text| text.contains("BY-FILE"))
        })
        .count()
    };
    if first
        .user_texts
        .iter()
        .all(|text| !text.contains("BY-FILE"))
    {
        assert_eq!(
            knows_of_file(&requests),
            0,
            "a running turn of the planner was interrupted"
        );
    }

    // The fourth loses its thread: that is an exit.
    let gone = house
        .department("gongchengbu", "it works", |session| {
            session["activity"] == "working" && session["thread_id"].is_string()
        })
        .await;
    house
        .requests("the fourth's turn hangs", |requests| {
            !of(requests, "gongchengbu").is_empty()
        })
        .await;
    let mut stranger = Stranger::connect(&house).await;
    stranger
        .call("thread/archive", json!({ "threadId": gone["thread_id"] }))
        .await;
    let lost = house.result(&planner, "gongchengbu").await;
    assert_eq!(lost["source"], "launcher_fallback");
    house
        .department("gongchengbu", "it is lost, and says why", |session| {
            let reason = session["status_reason"].as_str().unwrap_or_default();
            session["status"] == "lost" && reason.contains("archived")
        })
        .await;

    // Now the planner's own turn ends: it reads the inbox and then hears the rest, in one more turn.
    house.model.release();
    let requests = house
        .requests("the planner knows everything", |requests| {
            requests.iter().any(|request| {
                request.thread_id == first.thread_id
                    && request.turn_id != first.turn_id
                    && ["BY-FILE", "\"menxia\"", "\"gongchengbu\""]
                        .iter()
                        .all(|part| request.user_texts.iter().any(|text| text.contains(part)))
            })
        })
        .await;
    let read = of(&requests, "told of the tool");
    let inbox: Value =
        serde_json::from_str(inner_json(&read[1].tool_outputs.last().unwrap().output)).unwrap();
    assert_eq!(inbox["unread_count"], 4, "the planner's own look: {inbox}");

    // Each result was told once.
    house
        .audited("every message is delivered", |audit| {
            events(audit, "message_delivered").len() == events(audit, "message_queued").len()
        })
        .await;
    let requests = house.model.requests();
    let last = requests
        .iter()
        .rfind(|request| request.thread_id == first.thread_id)
        .unwrap();
    for report in [&tool, &file, &silent, &lost] {
        let id = report["report_id"].as_str().unwrap();
        let told = last
            .user_texts
            .iter()
            .map(|text| text.matches(&format!("`{id}`")).count());
        assert_eq!(
            told.sum::<usize>(),
            1,
            "{id} was told once: {:#?}",
            last.user_texts
        );
    }

    // Peeking leaves the results unread, reading does not; a packet lies beside each.
    assert_eq!(house.inbox(&planner).await["unread_count"], 4);
    let inbox = house
        .get(&format!("/api/zhongshu_inbox?id={planner}"))
        .await;
    assert_eq!(inbox["unread_results"].as_array().unwrap().len(), 4);
    let inbox = house.inbox(&planner).await;
    assert_eq!(
        (
            &inbox["unread_count"],
            inbox["read_results"].as_array().unwrap().len()
        ),
        (&json!(0), 4)
    );
    for report in [&tool, &file, &silent, &lost] {
        let id = report["report_id"].as_str().unwrap();
        let packet = house.get(&format!("/api/handoff?id={id}")).await;
        let on_disk = house.repo.join(report["handoff_packet"].as_str().unwrap());
        assert_eq!(
            std::fs::read_to_string(on_disk).unwrap(),
            packet["markdown"].as_str().unwrap()
        );
        house
            .post("/api/ack_result", json!({ "report_id": id }))
            .await;
    }
    let mailbox = house
        .repo
        .join(".tmp/codex_governance_mailbox")
        .join(&planner);
    let count = |folder: &str| std::fs::read_dir(mailbox.join(folder)).unwrap().count();
    assert_eq!((count("incoming"), count("rejected")), (0, 0));

    // The audit log tells the story, and is whole.
    let audit = house.audit().await;
    for (name, times) in [
        ("zhongshu_plan_registered", 1),
        ("plan_confirmed", 1),
        ("assignment_queued", 4),
        ("assignment_dispatched", 4),
        ("session_started", 5),
        ("result_registered", 4),
        ("reminder_sent", 2),
        ("result_acknowledged", 4),
        ("session_closed", 4),
    ] {
        assert_eq!(events(&audit, name).len(), times, "{name}");
    }
    let at = |name: &str| {
        audit
            .iter()
            .position(|event| event["event"] == name)
            .unwrap()
    };
    assert!(at("plan_confirmed") < at("assignment_queued"));
    assert!(at("assignment_queued") < at("assignment_dispatched"));
    let (code, said, error) = house.run(&["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{said}{error}");

    // Nothing of a task, and no key, was ever an argument of a program.
    let seen = arguments.end();
    assert!(
        seen.iter().any(|line| line.contains(" resume ")),
        "the scan saw nothing: {seen:#?}"
    );
    let mut secrets = vec![SECRET.to_owned()];
    let terminals = house.get("/api/browser_terminals").await;
    for terminal in terminals["browser_terminals"].as_array().unwrap() {
        let url = terminal["url"].as_str().unwrap_or_default();
        secrets.extend(url.split_once("token=").map(|(_, token)| token.to_owned()));
    }
    assert!(secrets.len() > 1, "no terminal's token was found");
    for line in &seen {
        for secret in &secrets {
            assert!(
                !line.contains(secret.as_str()),
                "an argument holds {secret}: {line}"
            );
        }
    }
    house.close().await;
}

/// The JSON object inside a tool's output, which Codex frames in words of its own.
fn inner_json(output: &str) -> &str {
    let from = output.find('{').unwrap_or(0);
    let to = output.rfind('}').map_or(output.len(), |at| at + 1);
    &output[from..to]
}
