//! Plans through real files: what the planner said with its tool, and what stands in a file that anybody may have written.

use super::support::{House, id, names, plan};
use super::{digest, receipt};
use zhongshu::domain::ids::SessionId;
use zhongshu::mailbox::receipts;

/// A planner on Codex.
async fn on_codex(house: &House) -> SessionId {
    let planner = id("zhongshu-1");
    house.thread(&planner, "t-1").await;
    planner
}

/// The planner's tool writes a plan.
fn report(house: &House, name: &str, text: &str) {
    let proof = receipt("zhongshu-1", "t-1");
    receipts::write(&house.state_dir, &digest(text), &proof).unwrap();
    house.drop_file(name, text);
}

fn summaries(house: &House) -> Vec<String> {
    house.ledger.read(|state| {
        let planner = state.session(&id("zhongshu-1")).unwrap();
        let plans = planner.plans.iter();
        plans.map(|plan| plan.proposal.summary.clone()).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_never_takes_the_place_of_what_the_planner_said_with_its_tool() {
    let house = House::open().await;
    on_codex(&house).await;
    report(&house, "plan-1.json", &plan("mine"));
    house
        .until("the plan is in", || summaries(&house) == ["mine"])
        .await;
    house.until_empty().await;
    house.drop_file("plan-2.json", plan("somebody else's"));
    house.until_empty().await;
    assert_eq!(summaries(&house), ["mine"]);
    assert_eq!(
        names(&house.paths().archive),
        ["plan-1.json", "plan-2.json"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_is_known_to_have_written_stands_beside_and_survives_a_restart() {
    let mut house = House::open().await;
    let planner = on_codex(&house).await;
    for number in 0..7 {
        house.drop_file(
            format!("plan-{number}.json"),
            plan(&format!("forged {number}")),
        );
        house.until_empty().await;
    }
    report(&house, "plan-mine.json", &plan("mine"));
    house
        .until("the plan is in", || summaries(&house) == ["mine"])
        .await;
    let beside = |house: &House| {
        house.ledger.read(|state| {
            let files = &state.session(&planner).unwrap().plan_files;
            let names = files.beside.iter().map(|one| one.file.file.clone());
            (names.collect::<Vec<_>>(), files.gave_way)
        })
    };
    let expected = [
        "plan-2.json",
        "plan-3.json",
        "plan-4.json",
        "plan-5.json",
        "plan-6.json",
    ];
    assert_eq!(beside(&house), (expected.map(String::from).to_vec(), 2));
    house.until_empty().await;
    assert_eq!(names(&house.paths().archive).len(), 8, "nothing is lost");
    house.restart().await;
    assert_eq!(beside(&house), (expected.map(String::from).to_vec(), 2));
    assert_eq!(summaries(&house), ["mine"]);
    let found = house.events("plan_file_found");
    assert_eq!(found.len(), 7);
    assert_eq!(found[6]["why"], "planner_has_tool");
    assert!(found[6]["reason"].as_str().unwrap().contains("its tool"));
    assert!(found[6]["gave_way"].is_string() && found[4]["gave_way"].is_null());
    assert!(found.iter().all(|event| event["actor"] == "mailbox"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_plan_files_is_counted() {
    let house = House::open().await;
    on_codex(&house).await;
    for number in 0..300 {
        house.drop_file(
            format!("plan-{number}.json"),
            plan(&format!("forged {number}")),
        );
    }
    house.until_empty().await;
    let counted = || {
        let events = house.events("mailbox_rejections_counted").into_iter();
        events.map(|event| event["count"].as_u64().unwrap()).sum()
    };
    let named = || house.events("mailbox_file_rejected").len() as u64;
    house
        .until("all to be counted", || {
            let counted: u64 = counted();
            named() + counted == 280
        })
        .await;
    assert_eq!(house.events("plan_file_found").len(), 20);
    assert!(named() < 200, "{} are told by name", named());
    let reason = &house.events("mailbox_file_rejected")[0]["reason"];
    assert!(reason.as_str().unwrap().contains("set aside"), "{reason}");
    assert_eq!(names(&house.paths().archive).len(), 20);
    assert_eq!(names(&house.paths().rejected).len(), 560);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_the_tool_wrote_once_prove_nothing_later() {
    let house = House::open().await;
    on_codex(&house).await;
    report(&house, "plan-1.json", &plan("old"));
    house
        .until("the plan is in", || summaries(&house) == ["old"])
        .await;
    report(&house, "plan-2.json", &plan("new"));
    house
        .until("the plan is in", || summaries(&house) == ["old", "new"])
        .await;
    house.until_empty().await;
    // The archive can be read by everybody.
    let old = std::fs::read(house.paths().archive.join("plan-1.json")).unwrap();
    house.drop_file("plan-3.json", old);
    house.until_empty().await;
    assert_eq!(summaries(&house), ["old", "new"]);
    assert_eq!(house.events("plan_file_found").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_can_only_write_files_has_its_files_taken() {
    let house = House::open().await;
    for summary in ["first", "second"] {
        house.drop_file(format!("plan-{summary}.json"), plan(summary));
        house.until_empty().await;
    }
    assert_eq!(summaries(&house), ["first", "second"]);
    house.ledger.read(|state| {
        let planner = state.session(&id("zhongshu-1")).unwrap();
        assert!(
            planner
                .plans
                .iter()
                .all(|plan| !plan.source.is_verified() && !plan.taken)
        );
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_with_unseen_characters_in_what_is_obeyed_is_not_taken() {
    let house = House::open().await;
    let hidden = plan("p").replace("cargo test", "cargo \u{202e}test");
    house.drop_file("plan-1.json", hidden);
    let reason = house.until_rejected("plan-1.json").await;
    assert!(
        reason.contains("assignments[0].verify[0]: U+202E"),
        "{reason}"
    );
    assert!(summaries(&house).is_empty());
}
