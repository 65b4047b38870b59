//! `zhongshu demo --codex`: the built-in model brings about every kind of ask; the scripted person answers them all, and so does one
//! in a real browser, by keys alone.

use crate::support::browser::person;
use crate::support::{GOVERNANCE, House};
use mock_model::Script;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

/// The walk takes some fifteen seconds; a machine that is busy gets many times that.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn codex_the_demo_asks_everything_that_a_person_is_asked_and_all_is_answered() {
    let house = House::build(Script::default(), GOVERNANCE).await;
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
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_the_whole_job_of_the_demo_is_done_on_the_page_by_keys_alone() {
    let house = House::build(Script::default(), GOVERNANCE).await;
    let mut demo = house
        .zhongshu()
        .args(["demo", "--codex", "--allow-writable-state"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(demo.stdout.take().unwrap());
    let mut link = String::new();
    while !link.contains("#key=") {
        link.clear();
        let read = said.read_line(&mut link).await.unwrap();
        assert!(read > 0, "it ended");
    }
    let mut walk = person("keys.mjs", link.trim(), &house.root)
        .spawn()
        .unwrap();
    let mut story = String::new();
    let mut told = walk.stdout.take().unwrap();
    let walked = async {
        told.read_to_string(&mut story).await.unwrap();
        walk.wait().await.unwrap()
    };
    let ended = tokio::time::timeout(PATIENCE, walked).await;
    let ended = ended.expect("the walk does not end");
    assert!(ended.success(), "{story}");
    let pid = i32::try_from(demo.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(demo.wait().await.unwrap().code(), Some(0), "{story}");
    house.close().await;
}
