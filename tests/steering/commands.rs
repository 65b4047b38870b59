//! Each act from the command line.

use crate::rig::idle_planner;
use crate::support::House;
use serde_json::Value;

impl House {
    async fn said(&self, arguments: &[&str]) -> String {
        let arguments: Vec<&str> = ["session"].iter().chain(arguments).copied().collect();
        let (code, said, complaint) = self.run(&arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {complaint}");
        said
    }

    async fn complains(&self, arguments: &[&str], exit: i32, says: &str) {
        let arguments: Vec<&str> = ["session"].iter().chain(arguments).copied().collect();
        let (code, said, complaint) = self.run(&arguments).await;
        assert_eq!(code, Some(exit), "{arguments:?}: {said}{complaint}");
        assert!(complaint.contains(says), "{arguments:?}: {complaint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_each_act_is_a_command() {
    let (house, id) = idle_planner().await;
    let id = id.as_str();
    house.complains(&["interrupt", id], 1, "no turn").await;
    house.complains(&["set", id], 2, "--model").await;
    house
        .complains(&["set", id, "--effort", "gigantic"], 1, "it takes")
        .await;
    house
        .complains(&["set", id, "--sandbox", "workspace-write"], 1, "wider")
        .await;
    house
        .complains(&["rename", "nobody", "x"], 1, "nobody")
        .await;
    house
        .said(&[
            "set",
            id,
            "--sandbox",
            "workspace-write",
            "--effort",
            "low",
            "--wider",
        ])
        .await;
    house
        .session(id, "its settings", |it| {
            it["thread_settings"]["sandbox"] == "workspace-write"
        })
        .await;
    let said = house.said(&["rename", id, "Louder"]).await;
    assert!(said.contains("Louder"), "{said}");
    house.stands_still(id).await;
    let said = house
        .said(&["message", id, "Tell me later.", "--after"])
        .await;
    assert!(said.contains("waits for the end of the turn"), "{said}");
    let other = house
        .said(&["message", id, "Tell me never.", "--after"])
        .await;
    let (other, _) = other.split_once(':').unwrap();
    let said = house.said(&["take-back", id, other]).await;
    assert!(said.contains("nothing was sent"), "{said}");
    house
        .complains(&["take-back", id, other], 1, "does not wait any more")
        .await;
    house
        .complains(&["compact", id], 1, "middle of a turn")
        .await;
    let said = house.said(&["interrupt", id, "--background"]).await;
    assert!(said.contains("is broken off"), "{said}");
    let told = async || {
        let turns = house.turns(id).await;
        (turns.len() == 3).then_some(turns)
    };
    let turns = house.wait_for("what was said later", told).await;
    house.idle(id).await;
    let all = house.model.requests();
    let heard = |it: &str| {
        all.iter()
            .flat_map(|it| &it.user_texts)
            .any(|text| text.contains(it))
    };
    assert!(heard("Tell me later.") && !heard("Tell me never."));
    let turn = turns[0]["id"].as_str().unwrap();
    house.said(&["revert", id, turn]).await;
    assert_eq!(house.turns(id).await.len(), 2);
    house.said(&["message", id, "Tell me now."]).await;
    house.wait_for("what was said now", told).await;
    house.idle(id).await;
    house.said(&["compact", id]).await;
    house
        .audited("the summary", |all| {
            all.iter().any(|it| it["event"] == "thread_compacted")
        })
        .await;
    house.idle(id).await;
    let said = house
        .said(&["review", id, "--instructions", "Tell me what is odd."])
        .await;
    assert!(said.contains("it reviews"), "{said}");
    house.idle(id).await;
    house.complains(&["back", id], 1, "own thread").await;
    let said = house
        .said(&["--json", "fork", id, "--title", "Another way"])
        .await;
    let copy: Value = serde_json::from_str(&said).unwrap();
    let fork = copy["fork_id"].as_str().unwrap();
    let (code, ..) = house.run(&["stop", id]).await;
    assert_eq!(code, Some(0));
    let ended = |it: &Value| !it["ended_at"].is_null();
    house.session(id, "it has ended", ended).await;
    house.complains(&["delete", id], 1, "copy").await;
    house.said(&["delete", id, "--fork", fork]).await;
    house.said(&["archive", id]).await;
    house.said(&["delete", id]).await;
    house.close().await;
}
