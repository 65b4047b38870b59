//! The page in a real Chromium.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod chromium;
mod support;

use chromium::{Browser, CONNECTION, SCREEN, contains};
use codex_terminal::descriptor::Mode;
use codex_terminal::model::Model;
use support::{Sidecar, wait_until};

#[tokio::test]
async fn a_person_types_into_a_shell_and_finds_it_again_after_a_reload() {
    let sidecar = Sidecar::script("PS1='$ ' exec bash --norc --noprofile -i");
    let mut page = Browser::open(&format!("{}&lang=zh", sidecar.url(Mode::Write))).await;
    page.until(SCREEN, contains("$")).await;
    page.type_text("printf '\\033[32m绿色\\033[m ok-%s\\n' $((40+2)); seq 20")
        .await;
    page.key("Enter", "Enter", 13, 0).await;
    let whole = contains("绿色 ok-42\n1\n2\n");
    let finished = |screen: &serde_json::Value| {
        whole(screen)
            && screen
                .as_str()
                .is_some_and(|screen| screen.ends_with("\n20\n$"))
    };
    page.until(SCREEN, finished).await;
    if let Some(path) = std::env::var_os("SCREENSHOT_DIR") {
        page.screenshot(&std::path::Path::new(&path).join("shell.png"))
            .await;
    }
    let before = page.eval(SCREEN).await;
    page.call("Page.reload", serde_json::json!({})).await;
    page.until(SCREEN, finished).await;
    assert_eq!(page.eval(SCREEN).await, before);
    assert_eq!(page.errors, Vec::<String>::new());
}

/// Draws a burst of full screens for each line it reads: colours, wide characters, regions, the alternate screen.
const REDRAWS: &str = r#"stty -echo; printf '\033[?1049h\033[?2004h'; python3 -u -c '
import sys, random, time
r = random.Random(4)
def draw():
    out = ["\x1b[?2026h\x1b[H"]
    for row in range(1, 31):
        out.append("\x1b[%d;1H\x1b[%d;%dm" % (row, r.randint(30, 37), r.randint(40, 47)))
        out.append("".join(r.choice(["a", "é", "宽", " ", "─", "度"]) for _ in range(r.randint(0, 50))) + "\x1b[m\x1b[K")
    out.append("\x1b[5;20r\x1b[20;1H\n\n\x1b[r\x1b7\x1b[%d;%dH*\x1b8\x1b[?2026l" % (r.randint(1, 30), r.randint(1, 100)))
    sys.stdout.write("".join(out)); sys.stdout.flush()
for n, line in enumerate(sys.stdin):
    for i in range(12):
        draw(); time.sleep(0.012)
    sys.stdout.write("\x1b[32;1H\x1b[KEND %d." % n); sys.stdout.flush()
'"#;

#[tokio::test]
async fn reloads_in_the_middle_of_redraws_end_with_the_screen_of_the_model() {
    let sidecar = Sidecar::script(REDRAWS);
    let (client, _events) = sidecar.control().await;
    let url = format!("{}&theme=dark", sidecar.url(Mode::Read));
    let mut page = Browser::open(&url).await;
    page.until(CONNECTION, |state| state == "live").await;
    for round in 0..20u64 {
        client.input("\r").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(round * 37 % 150)).await;
        page.call("Page.reload", serde_json::json!({})).await;
        page.until(SCREEN, contains(&format!("END {round}."))).await;
        let mut model = Model::new(120, 32);
        // The page may show the end before it is recorded.
        model.feed(&wait_until("the round in the transcript", || {
            let text = std::fs::read_to_string(sidecar.path("t.log")).ok()?;
            text.contains(&format!("END {round}."))
                .then_some(text.into_bytes())
        }));
        let rows: Vec<_> = model.rows();
        let rows: Vec<_> = rows.iter().map(|row| row.trim_end()).collect();
        assert_eq!(page.eval(SCREEN).await, rows.join("\n"), "round {round}");
    }
    if let Some(path) = std::env::var_os("SCREENSHOT_DIR") {
        page.screenshot(&std::path::Path::new(&path).join("read-only-dark.png"))
            .await;
    }
    let badge = "!document.getElementById('badge-read').hidden";
    assert_eq!(page.eval(badge).await, true);
    assert_eq!(page.errors, Vec::<String>::new());
}

#[tokio::test]
async fn hostile_output_changes_nothing_outside_the_picture() {
    let sidecar = Sidecar::script(
        r#"printf '\033]52;c;c3RvbGVu\007\033]0;evil\007\033]2;evil\033\\\033[8;5;5t\033[3;900;900t\033P1$qm\033\\'
        printf '\033]8;;javascript:document.title=1\033\\click\033]8;;\033\\ \033]8;;file:///etc/passwd\033\\file\033]8;;\033\\'
        head -c 1000000 /dev/zero | tr '\0' x | sed 's/^/\x1b]0;/'; printf '\007<script>document.title=2</script>'
        echo END; exec sleep 1000"#,
    );
    let mut page = Browser::open(&sidecar.url(Mode::Write)).await;
    let screen = page.until(SCREEN, contains("END")).await;
    assert!(
        screen.as_str().unwrap().contains("click file<script>"),
        "{screen}"
    );
    assert_eq!(page.eval("document.title").await, "t1");
    assert_eq!(
        page.eval("location.hash").await,
        "",
        "the key has left the address"
    );
    let rows = page.eval("codexTerminal.screen.term.rows").await;
    assert!(rows.as_u64().unwrap() > 10, "{rows}");
    let own = format!("http://127.0.0.1:{}/", sidecar.descriptor.port);
    for address in &page.requests {
        assert!(
            address.starts_with(&own) || address.starts_with("data:"),
            "{address}"
        );
        assert!(
            !address.contains(sidecar.token(Mode::Write)) || address.contains('#'),
            "{address}"
        );
    }
    assert!(page.requests.len() > 5);
}

#[tokio::test]
async fn the_keyboard_reaches_search_and_toolbar_and_a_lost_connection_comes_back() {
    let sidecar = Sidecar::script("for i in $(seq 300); do echo row-$i-x; done; exec cat");
    let mut page = Browser::open(&sidecar.url(Mode::Write)).await;
    page.until(SCREEN, contains("row-300-x")).await;
    page.key("F", "KeyF", 70, 2 | 8).await;
    page.type_text("row-17-x").await;
    let hits = "document.getElementById('hits').textContent";
    page.until(hits, |text| text == "1 of 1").await;
    page.key("Escape", "Escape", 27, 0).await;
    page.key("E", "KeyE", 69, 2 | 8).await;
    assert_eq!(page.eval("document.activeElement.id").await, "pause");
    page.key("Escape", "Escape", 27, 0).await;
    // Cut off, typed meanwhile, back at the byte: nothing is lost or doubled.
    let (client, _events) = sidecar.control().await;
    let request = codex_terminal::control::Request::CloseViewers;
    client.request(request).await.unwrap();
    page.until(CONNECTION, |state| state == "cut" || state == "live")
        .await;
    page.type_text("typed-once").await;
    page.key("Enter", "Enter", 13, 0).await;
    page.until(SCREEN, |screen| {
        screen
            .as_str()
            .is_some_and(|screen| screen.matches("typed-once").count() == 2)
    })
    .await;
    let lines = "codexTerminal.screen.term.buffer.active.getLine(0).translateToString(true)";
    assert_eq!(page.eval(lines).await, "row-1-x");
    assert_eq!(page.errors, Vec::<String>::new());
}
