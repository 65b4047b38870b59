//! The provider refuses: everything stands still until it answers again, and goes on by itself, one after the other.

use super::{count, events};
use crate::support::House;
use crate::support::script::{assignment, by_tool, department, plan, planner, refuses, told};
use mock_model::{Call, Limits, Rule, Script, Step, Window};
use serde_json::{Value, json};

const GOVERNANCE: &str = "version: 1\nlanguage: en\nmax_departments: 3\n";
const LIMITED: [&str; 3] = ["lingyubu", "gongchengbu", "zhilibu"];

/// A department that is refused so often, and then reports.
fn refused(key: &str, refusals: Vec<Step>) -> Rule {
    let mut steps = refusals;
    steps.extend([Step::call(by_tool("DONE")), Step::say("Done.")]);
    department(key, steps)
}

fn job(refusals: &dyn Fn() -> Vec<Step>) -> Script {
    let lines = LIMITED.iter().chain(&["menxia"]);
    let lines = lines.map(|key| assignment(key, "works"));
    let mut rules = vec![
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan(lines)),
        refused("menxia", Vec::new()),
    ];
    rules.extend(LIMITED.map(|key| refused(key, refusals())));
    Script::new(rules)
}

fn item(attention: &Value) -> Option<&Value> {
    let mut items = attention["items"].as_array().unwrap().iter();
    items.find(|item| item["kind"] == "rate_limited")
}

fn ids(events: &[&Value]) -> Vec<String> {
    let ids = events
        .iter()
        .map(|it| it["session_id"].as_str().unwrap().to_owned());
    ids.collect()
}

fn time(stamp: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    chrono::DateTime::parse_from_rfc3339(stamp.as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_limit_holds_the_queue_says_until_when_and_all_go_on_by_themselves() {
    let mut house = House::open(job(&|| vec![refuses(Some(20))]), GOVERNANCE).await;
    let planner = house.at_work().await;
    let status = house
        .status("all three stand still, and the queue is held", |status| {
            let sessions = status["department_sessions"].as_array().unwrap().iter();
            let still = sessions.filter(|it| it["usage"]["stopped"] == "rate_limited");
            still.count() == 3 && status["queue"][0]["hold"] == "rate_limited"
        })
        .await;
    let reason = status["queue"][0]["hold_reason"].as_str().unwrap();
    assert!(reason.contains("it is tried again at 20"), "{reason}");
    let attention = house.get("/api/attention").await;
    let said = item(&attention).unwrap();
    assert_eq!(
        (&said["what"]["sessions"], &said["what"]["waiting"]),
        (&json!(3), &json!(1))
    );
    assert!(said["what"]["until"].is_string(), "{said}");
    let kinds = attention["items"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds
        .map(|it| &it["kind"])
        .filter(|it| **it != "settings")
        .collect();
    assert_eq!(kinds, ["rate_limited"], "one item for all");
    // It is in the journal: a crash forgets nothing.
    house.kill_launcher().await;
    house.start(&[]).await;
    house
        .status("it is held still", |status| {
            status["queue"][0]["hold"] == "rate_limited"
        })
        .await;
    for key in LIMITED.iter().chain(&["menxia"]) {
        assert_eq!(house.result(&planner, key).await["summary"], "DONE");
    }
    let audit = house
        .audited("the hold is over", |audit| {
            !events(audit, "queue_released").is_empty()
        })
        .await;
    assert_eq!(events(&audit, "queue_held").len(), 1, "one for all");
    assert!(
        events(&audit, "reminder_sent").is_empty(),
        "nobody was reminded"
    );
    let limited = ids(&events(&audit, "session_limited"));
    let released = events(&audit, "session_released");
    assert_eq!(
        ids(&released),
        limited,
        "one after the other, the first first"
    );
    let held = events(&audit, "queue_held")[0]["retry_at"].clone();
    assert!(
        time(&released[0]["ts"]) >= time(&held),
        "not before {held}: {:?}",
        released[0]
    );
    let requests = house.model.requests();
    assert!(count(&requests, "menxia") > 0);
    for key in LIMITED {
        let last = requests
            .iter()
            .rfind(|it| it.rule.as_deref() == Some(key))
            .unwrap();
        let told = last
            .user_texts
            .iter()
            .filter(|it| it.contains("a usage limit was reached"));
        assert_eq!(told.count(), 1, "{key}: {:?}", last.user_texts);
    }
    house.close().await;
}

/// Two limits: the account's own is used up for an hour, as an answer tells, and another one refuses for a while.
fn two_limits() -> Script {
    let limits = |id: Option<&str>, resets_in_s| Limits {
        id: id.map(str::to_owned),
        name: id.map(|_| "Other model".to_owned()),
        primary: Some(Window {
            used_percent: 100.0,
            minutes: Some(300),
            resets_in_s: Some(resets_in_s),
        }),
        ..Limits::default()
    };
    let mut answers = Step::call(Call::shell("true"));
    answers.limits = Some(limits(None, 3600));
    let mut refusal = refuses(Some(20));
    refusal.limits = Some(limits(Some("codex_other"), 20));
    let works = refused("lingyubu", vec![answers, refusal]);
    let planner = planner(plan([assignment("lingyubu", "works")]));
    Script::new([told("told", "", vec![Step::say("Noted.")]), planner, works])
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_limit_that_was_reached_is_waited_for_and_no_other() {
    let house = House::open(two_limits(), GOVERNANCE).await;
    let planner = house.at_work().await;
    let look = async || {
        let attention = house.get("/api/attention").await;
        item(&attention).cloned()
    };
    let said = house.wait_for("it stands still", look).await;
    let usage = house.get("/api/usage").await;
    let (own, others) = (&usage["rate_limits"], &usage["rate_limits"]["others"]);
    let other = &others[0];
    assert_eq!(others.as_array().unwrap().len(), 1, "{usage}");
    assert_eq!(
        (&other["limit_id"], &other["limit_name"]),
        (&json!("codex_other"), &json!("Other model"))
    );
    assert_eq!(said["what"]["until"], other["primary"]["resets_at"]);
    let (anew, anew_of_other) = (
        time(&own["primary"]["resets_at"]),
        time(&other["primary"]["resets_at"]),
    );
    assert!((anew - anew_of_other).num_minutes() > 50, "{usage}");
    let (code, text, _) = house.run(&["usage"]).await;
    assert_eq!(code, Some(0));
    let line = text.lines().find(|line| line.ends_with("  Other model"));
    assert!(line.is_some_and(|line| line.contains("100%")), "{text}");
    assert!(text.contains("zhongshu usage --try-now"), "{text}");
    let (code, text, _) = house.run(&["usage", "--try-now"]).await;
    assert_eq!(code, Some(0), "{text}");
    let result = house.result(&planner, "lingyubu").await;
    assert_eq!(result["summary"], "DONE");
    let audit = house.audit().await;
    assert_eq!(events(&audit, "queue_retried").len(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_limit_without_a_time_waits_a_minute_and_a_person_can_try_now() {
    let refusals = || vec![refuses(None)];
    let house = House::open(job(&refusals), GOVERNANCE).await;
    let planner = house.at_work().await;
    let look = async || {
        let attention = house.get("/api/attention").await;
        item(&attention)
            .filter(|it| it["what"]["sessions"] == 3)
            .cloned()
    };
    let said = house.wait_for("all three stand still", look).await;
    assert_eq!(said["what"]["until"], Value::Null);
    let why = said["why"].as_str().unwrap();
    assert!(why.starts_with("It does not say until when"), "{why}");
    let action = &said["actions"][0];
    assert_eq!(action["id"], "try_now");
    house
        .post(action["path"].as_str().unwrap(), action["body"].clone())
        .await;
    for key in LIMITED {
        assert_eq!(house.result(&planner, key).await["summary"], "DONE");
    }
    let audit = house.audit().await;
    assert_eq!(events(&audit, "queue_retried").len(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_limit_of_a_planner_ends_by_itself_and_a_person_may_speak_before() {
    let mut script = job(&Vec::new);
    script.rules[1].steps.insert(0, refuses(Some(3_600)));
    let house = House::open(script, GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    house
        .session(&planner, "it stands still", |session| {
            session["usage"]["stopped"] == "rate_limited"
        })
        .await;
    // The person is heard at once; what answers is not refused any more.
    let body = json!({ "session_id": planner, "input": "Credits were bought. Go on." });
    house.post("/api/session_input", body).await;
    house.plan(&planner, 1).await;
    let audit = house
        .audited("the hold is over", |audit| {
            !events(audit, "queue_released").is_empty()
        })
        .await;
    assert_eq!(events(&audit, "session_released").len(), 1);
    house.close().await;
}
