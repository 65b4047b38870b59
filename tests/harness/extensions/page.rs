//! The page of extensions in a real browser.

use super::rig::{Extension, NOTHING, house};

#[tokio::test(flavor = "multi_thread")]
async fn extensions_are_looked_at_and_let_run_on_their_page_in_a_browser() {
    let house = house().await;
    let greeter = |code: &str| house.extension(&Extension::of_turns("greeter", code));
    let obey = async |wish: &str| {
        match wish {
            "write" => greeter(NOTHING),
            "change" => greeter(&format!("# Another one.\n{NOTHING}")),
            // It is trusted, so that it is started and says why it cannot be.
            "break" => {
                house.extension(&Extension::of_turns("broken", "def handle(:"));
                house.reloads().await;
                house.trusts("broken").await;
            }
            "mend" => std::fs::remove_dir_all(house.extension_folder("broken")).unwrap(),
            other => panic!("{other}"),
        }
        String::new()
    };
    house.walk("extensions.mjs", "", obey).await;
    house.close().await;
}
