//! The session's page, in a real browser, with the real Codex behind it.

use crate::rig::idle_planner;

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_session_is_steered_from_its_page_in_a_browser() {
    let (house, session) = idle_planner().await;
    let obey = async |wish: &str| {
        let wanted = if wish == "works" { "working" } else { "idle" };
        house
            .session(&session, wish, |it| it["activity"] == wanted)
            .await;
        String::new()
    };
    house.walk("steering.mjs", &session, obey).await;
    house.close().await;
}
