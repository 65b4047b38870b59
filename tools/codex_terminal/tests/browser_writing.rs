//! The page of somebody who types, in a real Chromium: keys, pastes, composed characters, the size.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod chromium;
mod support;

use chromium::{Browser, SCREEN, Sent, contains};
use codex_terminal::colours::Theme;
use codex_terminal::descriptor::Mode;
use serde_json::{Value, json};
use support::{Sidecar, script};

fn inputs(page: &Browser) -> Vec<&[u8]> {
    let input = |sent: &'_ Sent| matches!(sent, Sent::Binary(bytes) if bytes[0] == 1);
    page.sent
        .iter()
        .filter(|sent| input(sent))
        .map(|sent| match sent {
            Sent::Binary(bytes) => &bytes[5..],
            Sent::Text(_) => unreachable!(),
        })
        .collect()
}

fn count(page: &Browser, kind: &str) -> usize {
    page.sent.iter().filter(|sent| sent.kind() == kind).count()
}

#[tokio::test]
async fn a_large_paste_goes_in_pieces_inside_one_pair_of_brackets() {
    let bytes = 6 + 6 * 50_000 + 5 + 6;
    let sidecar = Sidecar::script(&format!(
        r"stty raw -echo; printf '\033[?2004hREADY\r\n'; head -c {bytes} > pasted; printf 'TAKEN'; cat > rest"
    ));
    let mut page = Browser::open(&sidecar.url(Mode::Write)).await;
    page.until(SCREEN, contains("READY")).await;
    // What would end the brackets, or press keys, is taken out.
    let text = format!("{}\u{1b}[201~\u{3}", "宽é\n".repeat(50_000));
    page.paste(&text).await;
    page.until(SCREEN, contains("TAKEN")).await;
    let pasted = std::fs::read(sidecar.path("pasted")).unwrap();
    let expected = format!("\x1b[200~{}[201~\x1b[201~", "宽é\r".repeat(50_000));
    assert!(pasted == expected.as_bytes(), "{} bytes", pasted.len());
    let pieces = inputs(&page);
    assert!(pieces.len() >= 18, "{}", pieces.len());
    assert!(pieces.iter().all(|piece| piece.len() <= 16 << 10));
    assert_eq!(page.errors, Vec::<String>::new());
}

#[tokio::test]
async fn composed_characters_arrive_once_and_whole() {
    let sidecar = Sidecar::script("PS1='$ ' exec bash --norc --noprofile -i");
    let mut page = Browser::open(&sidecar.url(Mode::Write)).await;
    page.until(SCREEN, contains("$")).await;
    page.type_text("echo ").await;
    page.until(SCREEN, contains("$ echo")).await;
    assert_eq!(inputs(&page).concat(), b"echo ");
    for text in ["n", "ni", "ni'h", "ni'hao"] {
        let long = text.len();
        let composing = json!({"text": text, "selectionStart": long, "selectionEnd": long});
        page.call("Input.imeSetComposition", composing).await;
    }
    // Nothing is sent before a character is chosen.
    page.eval("new Promise((done) => setTimeout(done, 100))")
        .await;
    assert_eq!(inputs(&page).concat(), b"echo ");
    page.type_text("你好").await;
    let composing = json!({"text": "shi", "selectionStart": 3, "selectionEnd": 3});
    page.call("Input.imeSetComposition", composing).await;
    page.type_text("世界").await;
    page.key("Enter", "Enter", 13, 0).await;
    page.until(SCREEN, contains("\n你好世界\n")).await;
    assert_eq!(inputs(&page).concat(), "echo 你好世界\r".as_bytes());

    // All at once, as a busy page gets it: the key waits for the characters before it.
    page.eval(
        "(() => { const t = codexTerminal.screen.term.textarea;
        const say = (type, data) => t.dispatchEvent(new CompositionEvent(type, { data, bubbles: true }));
        const press = (key, code, keyCode) => t.dispatchEvent(new KeyboardEvent('keydown', { key, code, keyCode, bubbles: true, cancelable: true }));
        for (const key of 'echo') press(key, '', key.toUpperCase().charCodeAt(0));
        for (const text of ['很', '好']) { say('compositionstart', ''); say('compositionupdate', text); t.value += text; say('compositionend', text); }
        press(' ', 'Space', 32); press('!', 'Digit1', 49); press('b', 'KeyB', 66); press('Backspace', 'Backspace', 8);
        press('Enter', 'Enter', 13); })()",
    )
    .await;
    page.until(SCREEN, contains("echo很好 !\n")).await;
    assert_eq!(
        inputs(&page).concat(),
        "echo 你好世界\recho很好 !b\x7f\r".as_bytes()
    );
    assert_eq!(page.errors, Vec::<String>::new());
}

#[tokio::test]
async fn one_window_owns_the_size_and_asks_for_it_only_when_it_changes() {
    let sidecar = Sidecar::script(
        r"stty raw -echo; printf '\033[?1003h\033[?1006hREADY'; trap 'printf W' WINCH; cat > typed & while :; do wait; done",
    );
    let url = sidecar.url(Mode::Write);
    let mut first = Browser::open(&url).await;
    first.until(SCREEN, contains("READY")).await;
    let owner = "codexTerminal.screen.owner";
    first.until(owner, |yes| *yes == true).await;
    let own = "(() => { const { term, area } = codexTerminal.screen; return [term.cols, term.rows, area.classList.contains('letterbox')]; })()";
    first
        .until(own, |size| size[0] != 120 && size[2] == false)
        .await;
    assert_eq!(count(&first, "resize"), 1);
    let wide = first.eval(own).await[0].as_f64().unwrap();
    // A window this many times as wide as the first.
    let sized = |times: f64| {
        move |size: &Value| {
            (size[0].as_f64().unwrap() / wide - times).abs() < 0.04 && size[2] == false
        }
    };
    // A drag of the window's edge is one size; a window that did not change asks for nothing.
    for width in (600..1000).step_by(20) {
        first.window(width, 640).await;
    }
    first.window(700, 640).await;
    first.until(own, sized(0.7)).await;
    first.window(700, 640).await;
    first
        .eval("window.dispatchEvent(new Event('focus')); new Promise((done) => setTimeout(done, 200))")
        .await;
    let asked = count(&first, "resize");
    assert!((2..8).contains(&asked), "{asked}");
    let size = first.eval(own).await;

    // Another window is shown the same, in a frame; a mouse that passes over it changes nothing.
    let mut second = Browser::start(&[]).await;
    second.window(1300, 900).await;
    second.go("about:blank").await;
    second.go(&url).await;
    second.until(SCREEN, contains("READY")).await;
    second.eval("document.activeElement.blur()").await;
    first.eval("window.dispatchEvent(new Event('focus'))").await;
    second.until(owner, |no| *no == false).await;
    first.until(own, sized(0.7)).await;
    second
        .until(own, |now| {
            now[0] == size[0] && now[1] == size[1] && now[2] == true
        })
        .await;
    let badge = "!document.getElementById('badge-size').hidden";
    second.until(badge, |shown| *shown == true).await;
    let (sent, asked) = (second.sent.len(), count(&first, "resize"));
    for x in 0..20 {
        second
            .mouse("mouseMoved", (500.0 + f64::from(x), 400.0), json!({}))
            .await;
    }
    assert_eq!(inputs(&second), Vec::<&[u8]>::new());
    assert_eq!(second.sent.len(), sent);
    // The one that is clicked into decides from then on.
    second.click(".xterm-screen").await;
    second.until(own, sized(1.3)).await;
    first.until(owner, |no| *no == false).await;
    assert_eq!(count(&first, "resize"), asked);
    // Also when it had the focus all the time, in a browser of its own.
    assert_eq!(first.eval("document.hasFocus()").await, true);
    first.click(".xterm-screen").await;
    first.until(own, sized(0.7)).await;
    second.until(owner, |no| *no == false).await;
    assert_eq!(first.errors, Vec::<String>::new());
    assert_eq!(second.errors, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_typed_after_the_end_goes_nowhere_and_the_page_says_so() {
    let sidecar = Sidecar::script("echo READY; read -r line; exit 3");
    let mut page = Browser::open(&format!("{}&lang=en", sidecar.url(Mode::Write))).await;
    page.until(SCREEN, contains("READY")).await;
    assert_eq!(
        page.eval("document.getElementById('dot').dataset.state")
            .await,
        "live"
    );
    page.key("Enter", "Enter", 13, 0).await;
    let end = "[document.getElementById('badge-exit').textContent, document.getElementById('dot').dataset.state, \
        codexTerminal.screen.term._core.coreService.isCursorHidden]";
    let ended = |shown: &Value| *shown == json!(["ended with code 3", "ended", true]);
    page.until(end, ended).await;
    let notice = "document.getElementById('notice').textContent";
    for _ in 0..2 {
        page.type_text("hello").await;
        page.until(notice, contains("the program has ended")).await;
        page.eval("codexTerminal.input.notices.waiting(true)").await;
    }
    assert_eq!(inputs(&page), [b"\r"]);
    page.eval("globalThis.before = true").await;
    page.call("Page.reload", json!({})).await;
    page.until("globalThis.before ?? false", |old| *old == false)
        .await;
    page.until(end, ended).await;
    assert_eq!(page.errors, Vec::<String>::new());
}

/// Asks for the background when told to, and writes down what comes back until it is told to go on.
const ASKS: &str = r#"exec python3 -u -c '
import os, select, sys, time, tty
tty.setraw(0)
def ask(name):
    os.write(1, b"\x1b]11;?\x1b\\")
    got = b""
    end = time.time() + 15
    while time.time() < end:
        if select.select([0], [], [], 0.05)[0]: got += os.read(0, 1000)
        if got.endswith(b"."): break
    open(name + ".new", "wb").write(got[:-1])
    os.rename(name + ".new", name)
for name in ["alone", "read", "write", "again"]:
    while not os.path.exists("ask-" + name): time.sleep(0.005)
    ask(name)
time.sleep(1000)
'"#;

#[tokio::test]
async fn a_program_that_asks_for_its_colours_gets_one_answer_whoever_looks() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = script(&dir, ASKS);
    spec.theme = Some(Theme::Light);
    let sidecar = Sidecar::start(dir, &spec);
    let (client, mut events) = sidecar.control().await;
    let url = |mode| format!("{}&theme=dark", sidecar.url(mode));
    let (light, dark) = ("rgb:fbfb/fbfb/fafa", "rgb:1414/1717/1c1c");
    let mut pages = Vec::new();
    for (name, colour) in [
        ("alone", light),
        ("read", light),
        ("write", dark),
        ("again", light),
    ] {
        match name {
            "read" | "write" => {
                let mode = match name {
                    "read" => Mode::Read,
                    _ => Mode::Write,
                };
                let mut page = Browser::open(&url(mode)).await;
                page.until(chromium::CONNECTION, |state| state == "live")
                    .await;
                pages.push(page);
            }
            "again" => {
                pages.clear();
                while !client.state().await.unwrap().viewers.is_empty() {
                    events.recv().await;
                }
            }
            _ => {}
        }
        let offset = client.state().await.unwrap().offset;
        std::fs::write(sidecar.path(&format!("ask-{name}")), "").unwrap();
        let end = offset + 8;
        // Asked, and drawn by every page: whoever answers has answered, or is not going to.
        while client.state().await.unwrap().offset < end {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        for page in &mut pages {
            let drawn = format!(
                "codexTerminal.connection.offset >= {end} && new Promise((done) => codexTerminal.screen.term.write('', () => setTimeout(done, 50, true)))"
            );
            page.until(&drawn, |yes| *yes == true).await;
        }
        // A paste waits for the recorder, which answers too.
        client.paste(".", false).await.unwrap();
        let file = sidecar.path(name);
        support::wait_until("the answer", || file.exists().then_some(()));
        let got = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(got, format!("\x1b]11;{colour}\x1b\\"), "{name}");
    }
}
