//! What runs, and who may say so.

use super::rig::{Extension, NOTHING, house, manifest};
use crate::bot::Bot;
use crate::rig;
use serde_json::{Value, json};

#[tokio::test]
async fn nothing_runs_before_the_person_trusts_exactly_its_files() {
    let house = house().await;
    let greeter = Extension::of_turns("greeter", NOTHING);
    house.extension(&greeter);
    let (status, answer) = house.reloads().await;
    assert_eq!(
        (status, &answer["loadedCount"]),
        (200, &json!(0)),
        "{answer}"
    );
    let found = house.module("greeter").await;
    assert_eq!(
        (
            &found["trust"]["status"],
            &found["state"],
            &found["trust"]["mode"]
        ),
        (&json!("untrusted"), &json!("off"), &json!("enforced"))
    );
    assert!(house.noted("greeter", "pids").is_empty());
    let digest = found["trust"]["digest"].clone();
    let yes = json!({"agentId": "greeter", "digest": digest});
    // Whoever drives sessions for the person may look and load, and not trust.
    let bot = Bot::of(&house).await;
    let (status, refused) = bot.post("/agents/extensions/trust", yes.clone()).await;
    assert_eq!(
        (status, &refused["code"]),
        (403, &json!("insufficient_role"))
    );
    assert_eq!(
        bot.post("/agents/extensions/reload", json!({})).await.0,
        200
    );
    assert!(house.noted("greeter", "pids").is_empty());
    // A reader may not even load, and that it wanted to is on record.
    let before = house.recorded("extensions_reloaded").len();
    let lowered = bot.post_as("member", "/agents/extensions/reload").await;
    assert_eq!(
        (lowered.0, &lowered.1["code"]),
        (403, &json!("insufficient_role"))
    );
    let tried = house.recorded("extensions_reloaded").split_off(before);
    assert_eq!(
        (&tried[0]["result"], &tried[0]["role"], &tried[0]["actor"]),
        (
            &json!("insufficient_role"),
            &json!("member"),
            &json!("harness:bot")
        )
    );
    let wrong = json!({"agentId": "greeter", "digest": "0".repeat(64)});
    let wrong = house
        .denied("POST", "/agents/extensions/trust", Some(wrong), 409)
        .await;
    assert_eq!(wrong["code"], "content_changed");
    house.make("/agents/extensions/trust", yes.clone()).await;
    let running = house.module("greeter").await;
    assert_eq!(
        (
            &running["state"],
            &running["trust"]["status"],
            &running["events"]
        ),
        (
            &json!("running"),
            &json!("trusted"),
            &json!(["turn.completed"])
        ),
        "{running:#}"
    );
    assert_eq!(house.recorded("extension_trusted").len(), 1);
    // What changes is asked about again, and does not run meanwhile.
    house.writes("greeter", &[("more.py", "pass")]);
    assert_eq!(house.reloads().await.1["loadedCount"], 0);
    let changed = house.module("greeter").await;
    assert_eq!(
        (&changed["trust"]["status"], &changed["state"]),
        (&json!("changed"), &json!("off"))
    );
    // What was trusted once is trusted when it is back.
    std::fs::remove_file(house.extension_folder("greeter").join("more.py")).unwrap();
    assert_eq!(house.reloads().await.1["loadedCount"], 1);
    let no = json!({"agentId": "greeter", "digest": digest, "accept": false});
    house.make("/agents/extensions/trust", no).await;
    assert_eq!(
        house.module("greeter").await["trust"]["status"],
        "untrusted"
    );
    house.close().await;
}

#[tokio::test]
async fn extensions_are_off_until_the_person_switches_them_on() {
    let house = rig::house([]).await;
    house.extension(&Extension::of_turns("greeter", NOTHING));
    assert_eq!(house.reloads().await.1["loadedCount"], 0);
    let found = house.module("greeter").await;
    assert_eq!(found["trust"]["mode"], "disabled");
    let yes = json!({"agentId": "greeter", "digest": found["trust"]["digest"]});
    house.make("/agents/extensions/trust", yes).await;
    assert_eq!(house.module("greeter").await["state"], "off");
    // The file alone does not do it: agents can write it.
    let path = house.repo.join("governance.yaml");
    std::fs::write(&path, super::rig::governance()).unwrap();
    let asked = |status: &Value| {
        let lines = status["powers"]["lines"].to_string();
        lines.contains("harness.extensions.mode")
    };
    house.status("the question", asked).await;
    assert_eq!(house.reloads().await.1["loadedCount"], 0);
    house.allow().await;
    house
        .module_that("greeter", "it runs", |it| it["state"] == "running")
        .await;
    assert_eq!(house.noted("greeter", "pids").len(), 1);
    house.close().await;
}

#[tokio::test]
async fn what_is_not_as_it_has_to_be_keeps_the_set_before_in_force() {
    let house = house().await;
    house.runs(&Extension::of_turns("greeter", NOTHING)).await;
    let version = house.look("/agents/extensions").await["snapshotVersion"].clone();
    let declares = json!({"events": ["turn.completed"]});
    let mut deep = json!([]);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let with = |field: &str, value: Value| {
        let mut it = manifest("other", &declares);
        it[field] = value;
        it.to_string()
    };
    for (manifest, code) in [
        (
            with("runtime", json!({"coreApiVersion": 2})),
            "incompatible_runtime",
        ),
        (
            with("entrypoints", json!({"events": "../main.py"})),
            "invalid_manifest",
        ),
        (with("capabilities", deep), "invalid_manifest"),
        (with("unheard", json!(1)), "invalid_manifest"),
        (with("command", json!([])), "missing_entrypoint"),
        (with("agentId", json!("greeter")), "agent_id_conflict"),
        ("{".to_owned(), "invalid_manifest"),
    ] {
        house.writes(
            "other",
            &[("extension.manifest.json", &manifest), ("main.py", "")],
        );
        let (status, answer) = house.reloads().await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!("reload_failed")),
            "{manifest}: {answer}"
        );
        let errors = answer["errors"].as_array().unwrap();
        assert!(
            errors.iter().any(|it| it["code"] == code),
            "{manifest}: {answer}"
        );
    }
    let whole = with("name", json!("other"));
    house.writes("other", &[("extension.manifest.json", &whole)]);
    let link = house.extension_folder("other").join("link.py");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    let (_, answer) = house.reloads().await;
    assert_eq!(answer["errors"][0]["code"], "invalid_manifest", "{answer}");
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("link.py")
    );
    std::fs::remove_file(link).unwrap();
    // What nobody trusts fails nothing.
    assert_eq!(house.reloads().await.0, 200);
    let failed = house.recorded("extensions_reloaded");
    let failed = failed.iter().filter(|it| it["result"] == "reload_failed");
    assert_eq!(failed.count(), 8);
    let now = house.look("/agents/extensions").await["snapshotVersion"].clone();
    assert_ne!(now, version);
    assert_eq!(house.module("greeter").await["state"], "running");
    house.close().await;
}
