//! The page in a real Chromium.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod chromium;
mod support;

use chromium::Browser;
use codex_terminal::descriptor::Mode;
use support::Sidecar;

/// The visible screen as the page has it, blank ends cut as the model cuts them.
const SCREEN: &str = "(() => { const b = codexTerminal.screen.term.buffer.active; const out = []; \
    for (let i = 0; i < codexTerminal.screen.term.rows; i++) out.push(b.getLine(b.baseY + i).translateToString(true).trimEnd()); \
    return out.join('\\n').trimEnd(); })()";

fn contains(text: &str) -> impl Fn(&serde_json::Value) -> bool {
    let text = text.to_owned();
    move |value| value.as_str().is_some_and(|screen| screen.contains(&text))
}

#[tokio::test]
async fn a_person_types_into_a_shell_and_finds_it_again_after_a_reload() {
    let sidecar = Sidecar::script("PS1='$ ' exec bash --norc --noprofile -i");
    let mut page = Browser::open(&format!("{}&lang=zh", sidecar.descriptor.url(Mode::Write))).await;
    page.until(SCREEN, contains("$")).await;
    page.type_text("printf '\\033[32m绿色\\033[m ok-%s\\n' $((40+2)); ls --color -la /")
        .await;
    page.key("Enter", "Enter", 13, 0).await;
    page.until(SCREEN, contains("绿色 ok-42")).await;
    if let Some(path) = std::env::var_os("SCREENSHOT_DIR") {
        page.screenshot(&std::path::Path::new(&path).join("shell.png"))
            .await;
    }
    let before = page.eval(SCREEN).await;
    page.call("Page.reload", serde_json::json!({})).await;
    page.until(SCREEN, contains("绿色 ok-42")).await;
    assert_eq!(page.eval(SCREEN).await, before);
    assert_eq!(page.errors, Vec::<String>::new());
}
