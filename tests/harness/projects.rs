//! Projects: made, renamed, filled, emptied, and gone.

use crate::rig::house;
use serde_json::json;

#[tokio::test]
async fn without_projects_the_list_is_empty() {
    let house = house([]).await;
    assert_eq!(house.look("/projects").await, json!({ "data": [] }));
    house.close().await;
}
