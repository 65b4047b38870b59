//! Extensions in whatever language.

use super::rig::{house, manifest};
use serde_json::json;
use std::path::Path;
use std::process::Command;

#[tokio::test]
async fn one_in_rust_without_any_library_works() {
    let house = house().await;
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/extensions/samples/greeter.rs");
    let declares = json!({"events": ["turn.completed"], "actions": ["transcript.upsert"]});
    let mut says = manifest("greeter", &declares);
    says["command"] = json!(["./greeter"]);
    house.writes("greeter", &[("extension.manifest.json", &says.to_string())]);
    let program = house.extension_folder("greeter").join("greeter");
    let built = Command::new("rustc")
        .args(["--edition", "2024", "-o"])
        .args([&program, &source])
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    let module = house.trusts("greeter").await;
    assert_eq!(module["state"], "running", "{module:#}");
    let (id, turn) = house.session_with_turn().await;
    let row = house.row(&id, "rust.note").await;
    assert_eq!(
        (&row["turnId"], &row["content"], &row["status"]),
        (
            &json!(turn),
            &json!("This turn is over."),
            &json!("complete")
        )
    );
    let module = house.module("greeter").await;
    assert_eq!(module["diagnostics"], json!([]), "{module:#}");
    house.close().await;
}
