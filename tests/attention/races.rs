//! Two answers at the same moment: what Codex did is what is told.

use crate::asking::{GOVERNANCE, decision, named, path_of, script, touches};
use crate::support::House;
use crate::support::thread::Stranger;
use mock_model::Script;
use serde_json::json;

const ROUNDS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn codex_of_two_answers_at_the_same_moment_the_one_that_counted_is_told() {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let file = |number: usize| house.codex_home.join(format!("file-{number}"));
    let calls: Vec<_> = (0..=ROUNDS).map(|number| touches(&file(number))).collect();
    house.model.set_script(script(calls));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    let mut stranger = Stranger::connect(&house).await;
    let (mut here, mut crossed) = (0, 0);
    for number in 0..ROUNDS {
        let ask = house.ask(number).await;
        let request = ask["request_key"]["request"].as_str().unwrap();
        let request: u64 = request.parse().unwrap();
        let (client, path, yes) = (house.client(), path_of(&ask), decision("accept"));
        let ours = client.post(&path, &yes);
        let theirs = async {
            // Ours takes some milliseconds to be durable and sent; they come before, between and after.
            tokio::time::sleep(STEP * u32::try_from(number % 10).unwrap()).await;
            stranger
                .reply(request, json!({ "decision": "decline" }))
                .await;
        };
        let (ours, ()) = tokio::join!(ours, theirs);
        // The next ask is raised after this one's item has ended.
        house.ask(number + 1).await;
        let audit = house.audit().await;
        let mine = |name: &str| {
            let mut mine = named(&audit, name);
            mine.retain(|it| it["ask_id"] == ask["ask_id"]);
            mine
        };
        let ran = house.codex_home.join(format!("file-{number}")).exists();
        let settled = mine("ask_settled").pop().unwrap();
        let is_here = settled["how"] == "here";
        assert_eq!(is_here, ran, "round {number}: {settled}");
        if !ran {
            assert_eq!(settled["reply"]["decision"], "decline", "round {number}");
        }
        assert_eq!(mine("ask_answered").len(), usize::from(ours.is_ok()));
        here += usize::from(is_here);
        crossed += usize::from(ours.is_ok() && !is_here);
    }
    eprintln!("{here} of {ROUNDS} were answered here, {crossed} crossed");
    let last = house.ask(ROUNDS).await;
    house.decide(&last, decision("accept")).await;
    house.goes_on(&planner).await;
    house.close().await;
}

/// Between the moments at which the other answers.
const STEP: std::time::Duration = std::time::Duration::from_micros(500);
