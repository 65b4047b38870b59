//! Tokens are counted by turn, session, department and plan; a person's budget stops what is new, and what runs if it shall.

use super::{count, events};
use crate::support::House;
use crate::support::script::{assignment, by_tool, department, hang, plan, planner, takes, told};
use mock_model::{Call, Limits, Script, Step, Window};
use serde_json::{Value, json};

const GOVERNANCE: &str = "version: 1\nlanguage: en\nmax_departments: 1\n";

/// A planner and departments that take a known number of tokens: 1,100 and 220 each.
fn job(departments: &[&str]) -> Script {
    let lines = departments.iter().map(|key| assignment(key, "works"));
    let mut planner = planner(plan(lines));
    planner.steps[0] = takes(1_000, 50, planner.steps[0].clone());
    planner.steps[1] = takes(40, 10, planner.steps[1].clone());
    let mut rules = vec![told("told", "", vec![Step::say("Noted.")]), planner];
    for key in departments {
        let mut last = takes(100, 10, Step::say("Done."));
        last.limits = Some(Limits {
            primary: Some(Window {
                used_percent: 42.0,
                minutes: Some(300),
                resets_in_s: Some(3600),
            }),
            ..Limits::default()
        });
        // What is taken before the report is counted before it.
        let first = takes(100, 10, Step::call(Call::shell("true")));
        let report = Step::call(by_tool("DONE"));
        rules.push(department(key, vec![first, report, last]));
    }
    Script::new(rules)
}

fn row<'a>(list: &'a Value, field: &str, value: &Value) -> &'a Value {
    let rows = list.as_array().unwrap().iter();
    let mut rows = rows.filter(|row| row[field] == *value);
    rows.next()
        .unwrap_or_else(|| panic!("no {value} in {list}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_tokens_are_counted_by_turn_session_department_and_plan() {
    let mut house = House::open(job(&["lingyubu", "gongchengbu"]), GOVERNANCE).await;
    let planner = house.at_work().await;
    house.result(&planner, "lingyubu").await;
    house.result(&planner, "gongchengbu").await;
    let complete = async || {
        let usage = house.get("/api/usage").await;
        (usage["total"]["tokens"]["total"] == 1_540 && usage["total"]["turns"].as_u64() >= Some(3))
            .then_some(usage)
    };
    let usage = house.wait_for("all is counted", complete).await;
    for (key, total) in [("zhongshu", 1_100), ("lingyubu", 220), ("gongchengbu", 220)] {
        let spent = row(&usage["departments"], "department", &json!(key));
        assert_eq!(spent["tokens"]["total"], total, "{usage}");
        assert_ne!(spent["title"], key, "a person reads a name, not a key");
    }
    let of_plan = row(&usage["plans"], "version", &json!(1));
    assert_eq!(of_plan["session_id"], planner);
    assert_eq!(of_plan["tokens"]["total"], 1_540, "{usage}");
    assert_eq!(usage["rate_limits"]["primary"]["used_percent"], 42);
    assert_eq!(usage["rate_limits"]["primary"]["minutes"], 300);
    assert_eq!(usage["rate_limits"]["others"], json!([]));
    let session = house
        .session(&planner, "its view has it", |session| {
            session["usage"]["tokens"]["total"] == 1_100
        })
        .await;
    assert!(
        session["usage"]["context_used"].as_u64().is_some(),
        "{session}"
    );
    let audit = house.audit().await;
    let turns = events(&audit, "turn_used");
    // The planner hears of two results, each a turn without tokens.
    assert!((3..=5).contains(&turns.len()), "{turns:?}");
    let planning = turns.iter().find(|turn| turn["tokens"]["input"] == 1_040);
    let size = serde_json::to_string(planning.unwrap()).unwrap().len();
    assert!(size < 600, "{size} bytes: {planning:?}");
    let (code, said, _) = house.run(&["usage"]).await;
    assert_eq!(code, Some(0));
    assert!(
        said.contains("1.5k tokens") && said.contains("42% of 5 hours"),
        "{said}"
    );

    // A launcher that was away knows the same, and counts nothing twice when the threads are resumed.
    house.kill_launcher().await;
    house.start(&[]).await;
    house
        .session(&planner, "it is at hand", |session| {
            session["activity"] == "idle"
        })
        .await;
    let again = house.get("/api/usage").await;
    assert_eq!(again["total"]["tokens"], usage["total"]["tokens"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_tokens_that_were_taken_while_nobody_listened_are_counted_afterwards() {
    let mut script = job(&["lingyubu"]);
    script.rules[1].steps[1] = takes(40, 10, hang());
    script.rules[1].steps.push(Step::say("Nothing more."));
    let mut house = House::open(script, GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    house
        .session(&planner, "the first answer is counted", |session| {
            session["usage"]["tokens"]["total"] == 1_050
        })
        .await;
    house.kill_launcher().await;
    house.model.release();
    let answered = |requests: &[mock_model::RecordedRequest]| {
        let mut requests = requests.iter();
        requests.any(|it| it.step == 1 && it.outcome == mock_model::Outcome::Answered)
    };
    house
        .model
        .wait_for(answered, crate::support::PATIENCE)
        .await
        .unwrap();
    house.start(&[]).await;
    // Codex tells its total with the next answer, which takes nothing here.
    let body = json!({ "session_id": planner, "input": "And now?" });
    house.post("/api/session_input", body).await;
    house
        .session(&planner, "all three answers are counted", |session| {
            session["usage"]["tokens"]["total"] == 1_100 && session["usage"]["turns"] == 1
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_budget_of_a_plan_stops_what_is_new_and_goes_on_when_it_is_raised() {
    let house = House::open(job(&["lingyubu", "gongchengbu"]), GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    let plan = house.plan(&planner, 1).await;
    house
        .session(&planner, "its turn is over", |session| {
            session["activity"] == "idle" && session["usage"]["tokens"]["total"] == 1_100
        })
        .await;
    // What is set too low takes effect at once, and says so.
    let set = json!({ "plan": planner, "tokens": 1_000 });
    let answer = house.post("/api/budgets", set).await;
    assert_eq!(answer["budget"]["reached"], true, "{answer}");
    assert_eq!(answer["budget"]["used"], 1_100, "{answer}");
    house.confirm(&planner, &plan).await;
    let status = house
        .status("the work waits", |status| {
            status["queue"][1]["hold"] == "budget_reached"
        })
        .await;
    let reason = status["queue"][0]["hold_reason"].as_str().unwrap();
    assert!(reason.contains("1.1k of 1.0k tokens"), "{reason}");
    assert_eq!(status["queue"][0]["can_be_forced"], false);
    let attention = house.get("/api/attention").await;
    let item = row(&attention["items"], "kind", &json!("budget_reached"));
    assert_eq!(item["what"]["waiting"], 2, "{item}");
    let raise = &item["actions"][0];
    assert_eq!(raise["id"], "raise");

    // Raised by what the item offers, in the words of a person: the first goes on, and takes the rest of it.
    let mut body = raise["body"].clone();
    body["tokens"] = json!("1.2k");
    house.post(raise["path"].as_str().unwrap(), body).await;
    house.result(&planner, "lingyubu").await;
    house
        .status("the second waits", |status| {
            status["queue"][0]["hold"] == "budget_reached"
        })
        .await;
    assert_eq!(count(&house.model.requests(), "gongchengbu"), 0);
    let (code, said, error) = house
        .run(&["budget", "set", "--plan", &planner, "1M"])
        .await;
    assert_eq!(code, Some(0), "{error}");
    assert!(said.contains("of 1.00M  plan version 1"), "{said}");
    house.result(&planner, "gongchengbu").await;
    let attention = house.get("/api/attention").await;
    assert!(
        !attention.to_string().contains("budget_reached"),
        "{attention}"
    );
    let audit = house.audit().await;
    assert_eq!(events(&audit, "budget_set").len(), 3);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_budget_of_a_session_interrupts_its_turn_and_lets_it_go_on_when_it_is_raised() {
    let mut script = job(&["lingyubu"]);
    script.rules[2].steps = vec![
        // Codex tells what an answer took when its calls are over.
        takes(5_000, 10, Step::call(Call::shell("true"))),
        hang(),
        Step::call(by_tool("DONE")),
        Step::say("Done."),
    ];
    let house = House::open(script, GOVERNANCE).await;
    let planner = house.at_work().await;
    let session = house
        .department("lingyubu", "it works", |session| {
            session["usage"]["tokens"]["total"] == 5_010
        })
        .await;
    let id = session["id"].as_str().unwrap();
    for (body, code) in [
        (json!({ "session": id, "tokens": 0 }), "invalid_budget"),
        (json!({ "session": id, "tokens": "lots" }), "invalid_budget"),
        (
            json!({ "session": id, "plan": planner, "tokens": 5 }),
            "invalid_budget_subject",
        ),
        (json!({ "tokens": 5 }), "invalid_budget_subject"),
        // Nobody takes a budget away by leaving it out.
        (json!({ "session": id }), "invalid_budget"),
        (json!({ "plan": id, "tokens": 5 }), "not_a_planner"),
    ] {
        let refused = house.refused("/api/budgets", body.clone()).await;
        assert_eq!(refused, (400, code.to_owned()), "{body}");
    }
    let unknown = json!({ "plan": planner, "version": 7, "tokens": 5 });
    let refused = house.refused("/api/budgets", unknown).await;
    assert_eq!(refused, (404, "unknown_plan".to_owned()));

    house
        .post(
            "/api/budgets",
            json!({ "session": id, "tokens": "5k", "interrupt": true }),
        )
        .await;
    house
        .session(id, "it stands still", |session| {
            session["activity"] == "idle" && session["usage"]["stopped"] == "budget_reached"
        })
        .await;
    let attention = house.get("/api/attention").await;
    let item = row(&attention["items"], "kind", &json!("budget_reached"));
    assert_eq!(item["what"]["sessions"], 1, "{item}");
    let kinds = attention["items"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds
        .map(|it| &it["kind"])
        .filter(|it| **it != "settings")
        .collect();
    assert_eq!(kinds, ["budget_reached"]);
    house
        .post(
            "/api/budgets",
            json!({ "session": id, "tokens": "50k", "interrupt": true }),
        )
        .await;
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "DONE");
    let requests = house.model.requests();
    let last = requests
        .iter()
        .rfind(|it| it.rule.as_deref() == Some("lingyubu"))
        .unwrap();
    let heard = last
        .user_texts
        .iter()
        .find(|text| text.contains("a budget was used up"));
    assert!(
        heard.is_some_and(|text| text.contains("no reminder")),
        "{:?}",
        last.user_texts
    );
    let audit = house.audit().await;
    assert!(
        events(&audit, "reminder_sent").is_empty(),
        "that is no reminder"
    );
    house.close().await;
}
