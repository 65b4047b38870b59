//! `zhongshu demo --codex`: the built-in model brings about every kind of ask, and the scripted person answers them all.

use crate::support::{House, Processes};
use mock_model::Script;

#[tokio::test(flavor = "multi_thread")]
async fn codex_the_demo_asks_everything_that_a_person_is_asked_and_all_is_answered() {
    let house = House::build(Script::default(), crate::support::GOVERNANCE).await;
    let told = ["demo", "--codex", "--exit", "--allow-writable-state"];
    let (code, said, error) = house.run(&told).await;
    assert_eq!(code, Some(0), "{said}\n{error}");
    for answered in [
        "It asked (questions): ",
        "lingyubu asked (command): ",
        "zhilibu asked (patch): ",
        "menxia asked (permissions): ",
        "menxia asked (form): ",
    ] {
        assert!(said.contains(answered), "{answered:?} is missing:\n{said}");
    }
    assert!(said.contains("Every step happened."), "{said}");
    let left: Processes = house.processes();
    assert!(left.is_empty(), "{left:#?}");
    house.close().await;
}
