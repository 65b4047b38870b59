//! The app-server dies while departments begin. Until Codex has written down their first prompt it forgets them without a word:
//! whatever it answers of such a thread afterwards, the work is started anew and nobody is given up.

use super::events;
use crate::support::script::{assignment, by_tool, department, plan, planner};
use crate::support::thread::app_server_pid;
use crate::support::{House, Random};
use mock_model::{Count, Rule, Script, Step};
use serde_json::{Value, json};
use std::time::Duration;
use zhongshu::process::Identity;

const QUIET: &str = "version: 1\nlanguage: en\nmax_departments: 3\ntuis_started_with_session: 0\n";
const ROUNDS: u32 = 6;

fn script() -> Script {
    let reports = vec![Step::call(by_tool("DONE")), Step::say("Done.")];
    Script::new([
        planner(plan([assignment("menxia", "never confirmed")])),
        // Whatever broke off, the reminder is answered by a report.
        Rule {
            count: Count::Message,
            ..department("lingyubu", reports)
        },
    ])
}

async fn begin(house: &House, planner: &str, task: &str) -> String {
    let body = json!({ "parent_session_id": planner, "department": "lingyubu", "task": task });
    let started = house.post("/api/start_department_for_zhongshu", body).await;
    started["assignment"]["assignment_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn kill_app_server(house: &House) {
    let pid = app_server_pid(house);
    if let Some(identity) = Identity::of(pid) {
        identity.signal(zhongshu::process::Signal::Kill);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_that_dies_while_work_begins_forgets_nothing() {
    let seed = Random::seed();
    println!("seed {seed}");
    let mut random = Random::of(seed);
    let mut house = House::open(script(), QUIET).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    for round in 0..ROUNDS {
        let mut begun = Vec::new();
        for number in 0..3 {
            begun.push(begin(&house, &planner, &format!("Step {round}.{number}.")).await);
        }
        house
            .audited("the first of them has a thread", |audit| {
                events(audit, "session_thread_opened").len() > 1 + round as usize * 3
            })
            .await;
        tokio::time::sleep(Duration::from_millis(random.below(25).into())).await;
        // Alone, or as with the power.
        let alone = round % 2 == 0;
        if !alone {
            house.kill_launcher().await;
        }
        kill_app_server(&house);
        if !alone {
            house.start(&[]).await;
        }
        house
            .audited("all of this round have reported and ended", |audit| {
                begun.iter().all(|id| {
                    let of = |name: &str| {
                        let mut all = events(audit, name).into_iter();
                        all.find(|event| event["assignment_id"] == *id).cloned()
                    };
                    of("assignment_dispatched").is_some_and(|dispatched| {
                        let mut ends = events(audit, "session_closed").into_iter();
                        ends.any(|end| end["session_id"] == dispatched["session_id"])
                    })
                })
            })
            .await;
    }
    let audit = house.audit().await;
    for end in events(&audit, "session_closed") {
        assert_eq!(end["outcome"]["how"], "reported", "{end}");
    }
    for result in events(&audit, "result_registered") {
        assert_ne!(result["source"], "launcher_fallback", "{result}");
    }
    // Where it worked, it was told its task.
    let opened = |session: &Value| -> Vec<String> {
        let all = events(&audit, "session_thread_opened").into_iter();
        let own = all.filter(|event| event["session_id"] == *session);
        own.map(|event| event["thread_id"].as_str().unwrap().to_owned())
            .collect()
    };
    for end in events(&audit, "session_closed") {
        let threads = opened(&end["session_id"]);
        let said = house.said_to(threads.last().unwrap());
        assert!(said[0].contains("Step "), "{end}: {said:?}");
    }
    let opened = events(&audit, "session_thread_opened").len() - 1;
    println!("{opened} threads for {} departments", ROUNDS * 3);
    house.close().await;
}
