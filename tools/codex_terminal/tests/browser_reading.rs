//! The page of somebody who looks, in a real Chromium: nothing leaves it, and everything can be seen and read.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod chromium;
mod support;

use chromium::{Browser, CONNECTION, SCREEN, Sent, contains};
use codex_terminal::descriptor::Mode;
use serde_json::{Value, json};
use support::Sidecar;

/// A program that turns on everything that makes a terminal speak, and asks for more.
const CURIOUS: &str = r"stty raw -echo; printf '\033[?1003h\033[?1006h\033[?1004h\033[?2004h\033[>7u\033[c\033[6n\033]10;?\033\\\033]11;?\033\\\033]4;1;?\033\\\033[?2026$p\033[14t\033[18t\033P+q544e\033\\READY'; cat | od -An -c";

#[tokio::test]
async fn a_read_only_page_sends_nothing_but_what_it_has_drawn() {
    let sidecar = Sidecar::script(CURIOUS);
    let mut page = Browser::open(&sidecar.url(Mode::Read)).await;
    page.until(SCREEN, contains("READY")).await;
    page.eval("codexTerminal.screen.term.focus()").await;
    page.type_text("typed").await;
    for (key, code, number, modifiers) in [
        ("Enter", "Enter", 13, 0),
        ("c", "KeyC", 67, 2),
        ("ArrowUp", "ArrowUp", 38, 0),
        ("F1", "F1", 112, 0),
        ("V", "KeyV", 86, 2 | 8),
    ] {
        page.key(key, code, number, modifiers).await;
    }
    page.paste("pasted").await;
    let composing = json!({"text": "ni", "selectionStart": 2, "selectionEnd": 2});
    page.call("Input.imeSetComposition", composing).await;
    page.type_text("你").await;
    for x in 0..20 {
        let at = (100.0 + f64::from(x), 200.0);
        page.mouse("mouseMoved", at, json!({})).await;
    }
    page.click(".xterm-screen").await;
    let wheel = json!({"deltaX": 0, "deltaY": 120});
    page.mouse("mouseWheel", (100.0, 200.0), wheel).await;
    page.window(700, 500).await;
    page.eval("codexTerminal.screen.term.paste('by script'); codexTerminal.screen.term.input('x')")
        .await;
    page.eval("document.activeElement.blur()").await;
    page.eval("new Promise((done) => setTimeout(done, 300))")
        .await;
    let (client, _events) = sidecar.control().await;
    let viewers = client.state().await.unwrap().viewers;
    assert_eq!((viewers.len(), viewers[0].dropped), (1, 0));
    let (attach, rest) = page.sent.split_first().unwrap();
    assert_eq!(attach.kind(), "attach");
    let consumed = |sent: &Sent| matches!(sent, Sent::Binary(bytes) if bytes[0] == 3);
    assert!(rest.iter().all(consumed), "{:?}", page.sent);
    assert_eq!(page.errors, Vec::<String>::new());
}

/// What `static/mends.js` is there for, in the page's own build of xterm.js; and sizes keep their order.
#[tokio::test]
async fn faults_of_the_terminal_do_not_reach_the_page() {
    let sidecar = Sidecar::script("stty -echo; printf READY; cat >/dev/null");
    let mut page = Browser::open(&sidecar.url(Mode::Read)).await;
    page.until(SCREEN, contains("READY")).await;
    let write = r"(() => { const { screen } = codexTerminal; const bytes = (text) => new TextEncoder().encode(text);
        screen.write(bytes('\x1b[?1049h\x1b[999;999H\x1b[1J\x1b[Hwhole '));
        for (const byte of bytes('—x')) screen.write(Uint8Array.of(byte)); })()";
    page.eval(write).await;
    page.until(SCREEN, contains("whole —x")).await;
    // However long it is, what is whole is shown, and what is begun waits for its rest.
    let pieces = r"(() => { const { screen } = codexTerminal; const fresh = () => new screen.characters.constructor();
        const text = (length) => new Uint8Array(length).fill(97);
        const shown = (characters, bytes) => characters.pieces(bytes).reduce((sum, piece) => sum + piece.length, 0);
        const sizes = [0, 1, 3, 65535, 65536, 65537, 65539, 131073].filter((size) => shown(fresh(), text(size)) !== size);
        const begun = fresh();
        return [sizes, shown(begun, Uint8Array.of(97, 0xf0, 0x9f)), shown(begun, Uint8Array.of(0x98, 0x80, 98))]; })()";
    assert_eq!(page.eval(pieces).await, json!([[], 1, 5]));
    let sizes = r"(() => { const { connection: { handler }, screen } = codexTerminal;
        handler.size({ cols: 91, rows: 31 }); handler.snapshot(new Uint8Array(), 71, 21, 0);
        return new Promise((done) => screen.afterwards(() => done([screen.term.cols, screen.term.rows]))); })()";
    assert_eq!(page.eval(sizes).await, json!([71, 21]));
    assert_eq!(page.errors, Vec::<String>::new());
}

/// Where the cursor is, where the terminal is, and the letters' size.
const VIEW: &str = "(() => { const { screen } = codexTerminal; const at = screen.letterbox.geometry(); \
    const area = screen.area.getBoundingClientRect(); const host = screen.host.getBoundingClientRect(); \
    return { sight: screen.letterbox.inSight(at), font: screen.term.options.fontSize, \
    left: host.left - area.left + screen.area.scrollLeft, top: host.top - area.top + screen.area.scrollTop, \
    latest: !document.getElementById('latest').hidden, \
    bar: document.getElementById('bar').scrollWidth <= document.getElementById('bar').clientWidth }; })()";

#[tokio::test]
async fn a_terminal_larger_than_the_window_stays_readable_with_its_cursor_in_sight() {
    let script = r"stty -echo; draw() { for i in $(seq 1 32); do printf '\033[%d;1Hrow-%d-%0100d' $i $i 7; done; }
        draw; printf '\033[31;3H'; while read -r row col; do printf '\033[%d;%dH' $row $col; done";
    let sidecar = Sidecar::script(script);
    let (client, _events) = sidecar.control().await;
    let mut page = Browser::start(&[]).await;
    page.window(390, 300).await;
    page.go(&sidecar.url(Mode::Read)).await;
    page.until(SCREEN, contains("row-32-")).await;
    let good = |view: &Value| {
        view["sight"] == true
            && view["font"].as_u64().unwrap() >= 11
            && view["left"].as_f64().unwrap() >= 0.0
            && view["top"].as_f64().unwrap() >= 0.0
            && view["bar"] == true
            && view["latest"] == false
    };
    page.until(VIEW, good).await;
    for at in ["1 1\n", "16 110\n", "32 5\n"] {
        client.input(at).await.unwrap();
        let row: u16 = at.split(' ').next().unwrap().parse().unwrap();
        let there =
            format!("codexTerminal.screen.term.buffer.active.cursorY === {row} - 1 && {VIEW}");
        page.until(&there, |view| view.is_object() && good(view))
            .await;
    }
    // Whoever looks elsewhere is left there, until they come back.
    page.eval("codexTerminal.screen.area.scrollTo(0, 0)").await;
    page.until(VIEW, |view| view["latest"] == true).await;
    client.input("31 7\n").await.unwrap();
    page.until(
        "codexTerminal.screen.term.buffer.active.cursorX === 6",
        |moved| *moved == true,
    )
    .await;
    assert_eq!(page.eval("codexTerminal.screen.area.scrollTop").await, 0);
    page.click("#latest").await;
    page.until(VIEW, good).await;
    // Keys scroll for who cannot type.
    page.eval("codexTerminal.screen.term.focus()").await;
    page.key("PageUp", "PageUp", 33, 0).await;
    page.until(VIEW, |view| view["sight"] == false).await;
    page.key("End", "End", 35, 0).await;
    page.until(VIEW, good).await;
    // A window that is large enough shows all of it, with the letters that the person likes.
    page.window(1400, 900).await;
    page.until(VIEW, |view| view["font"] == 13 && view["sight"] == true)
        .await;
    assert_eq!(
        page.eval("codexTerminal.screen.letterbox.overflows()")
            .await,
        false
    );
    assert_eq!(page.errors, Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_selects_and_copies_although_the_program_uses_the_mouse() {
    let sidecar = Sidecar::script(r"printf '\033[?1003h\033[?1006hselect-me'; exec sleep 1000");
    let mut page = Browser::open(&sidecar.url(Mode::Read)).await;
    page.until(SCREEN, contains("select-me")).await;
    let corner = "(() => { const r = document.querySelector('.xterm-screen').getBoundingClientRect(); return [r.x, r.y]; })()";
    let corner = page.eval(corner).await;
    let at = |x: f64| {
        (
            corner[0].as_f64().unwrap() + x,
            corner[1].as_f64().unwrap() + 6.0,
        )
    };
    let left = json!({"button": "left", "clickCount": 2});
    page.mouse("mousePressed", at(20.0), left.clone()).await;
    page.mouse("mouseReleased", at(20.0), left).await;
    let selected = "codexTerminal.screen.term.getSelection()";
    page.until(selected, |text| text == "select-me").await;
    page.eval("globalThis.copied = null; document.addEventListener('copy', (event) => { copied = event.clipboardData.getData('text/plain'); })").await;
    // Without the permission it is the old way that copies.
    page.eval("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
        .await;
    page.key("C", "KeyC", 67, 2 | 8).await;
    page.until("document.getElementById('notice').textContent", |said| {
        said == "copied"
    })
    .await;
    assert_eq!(page.errors, Vec::<String>::new());
}

#[tokio::test]
async fn the_toolbar_does_what_it_says() {
    let script = r"stty -echo; for i in $(seq 3000); do echo row-$i-x; done; \
        printf '\033]8;;https://example.org/secret\033\\click-here\033]8;;\033\\ https://example.org/a。\n'
        while read -r line; do echo heard-$line; done";
    let sidecar = Sidecar::script(script);
    let (client, _events) = sidecar.control().await;
    let url = format!("{}&theme=light&lang=en", sidecar.url(Mode::Write));
    let mut page = Browser::open(&url).await;
    page.until(SCREEN, contains("click-here")).await;
    let text = |id: &str| format!("document.getElementById('{id}').textContent");

    // Paused: nothing moves, nothing is lost.
    page.click("#pause").await;
    client.input("one\n").await.unwrap();
    let offset = client.state().await.unwrap().offset;
    let received = format!("codexTerminal.connection.offset >= {offset}");
    page.until(&received, |yes| *yes == true).await;
    let screen = page.eval(SCREEN).await;
    assert!(!contains("heard-one")(&screen), "{screen}");
    assert_eq!(page.eval(&text("pause")).await, "Resume");
    page.click("#pause").await;
    page.until(SCREEN, contains("heard-one")).await;

    // Search finds what has scrolled out of sight.
    page.click("#find").await;
    page.type_text("row-2[0-9]{3}-x").await;
    page.until(&text("hits"), |hits| hits == "no match").await;
    page.click("#search-regex").await;
    page.until(&text("hits"), |hits| {
        hits.as_str().unwrap().ends_with(" of 1000") || hits == "more than 1000"
    })
    .await;
    page.eval("document.getElementById('needle').focus()").await;
    page.type_text("(").await;
    page.until(&text("hits"), |hits| hits == "not a regular expression")
        .await;
    page.eval("document.getElementById('needle').value = ''")
        .await;
    page.click("#search-regex").await;
    page.type_text("ROW-2999-X").await;
    page.until(&text("hits"), |hits| hits == "1 of 1").await;
    page.click("#search-case").await;
    page.until(&text("hits"), |hits| hits == "no match").await;
    page.key("Escape", "Escape", 27, 0).await;
    let focused = "document.activeElement === codexTerminal.screen.term.textarea";
    assert_eq!(page.eval(focused).await, true);

    // Away from the newest output, and back.
    page.eval("codexTerminal.screen.term.scrollToTop()").await;
    page.until("!document.getElementById('latest').hidden", |yes| {
        *yes == true
    })
    .await;
    page.click("#latest").await;
    page.until("document.getElementById('latest').hidden", |yes| {
        *yes == true
    })
    .await;

    // Letters: larger, and the program is told the size that is left.
    let cols = page.eval("codexTerminal.screen.term.cols").await;
    page.click("#larger").await;
    page.until("codexTerminal.screen.term.cols", |now| {
        now.as_u64() < cols.as_u64()
    })
    .await;
    page.eval("codexTerminal.screen.term.focus()").await;
    page.key("0", "Digit0", 48, 1 | 2).await;
    page.until("codexTerminal.screen.term.cols", |now| *now == cols)
        .await;

    // Theme and language change in place.
    page.eval("location.hash = 'theme=dark&lang=zh'").await;
    page.until(&text("pause"), |text| text == "暂停").await;
    let background = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(page.eval(background).await, "rgb(20, 23, 28)");
    page.eval("location.hash = 'theme=light&lang=en'").await;

    // The transcript is all that was printed.
    let folder = sidecar.path("downloads");
    std::fs::create_dir(&folder).unwrap();
    let allow = json!({"behavior": "allow", "downloadPath": folder});
    page.call("Page.setDownloadBehavior", allow).await;
    page.click("#download").await;
    let file = folder.join("t1.log");
    page.until("1", |_| file.exists()).await;
    let saved = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        saved,
        std::fs::read_to_string(sidecar.path("t.log")).unwrap()
    );

    // The keyboard goes round: terminal, toolbar, its buttons, back; and the keys are shown.
    page.key("E", "KeyE", 69, 2 | 8).await;
    let active = "document.activeElement.id";
    assert_eq!(page.eval(active).await, "download");
    page.key("ArrowRight", "ArrowRight", 39, 0).await;
    assert_eq!(page.eval(active).await, "keys-open");
    page.key("Home", "Home", 36, 0).await;
    assert_eq!(page.eval(active).await, "pause");
    page.eval("document.getElementById('keys-open').click()")
        .await;
    let keys = page.eval(&text("keys-list")).await;
    assert!(contains("Ctrl+Shift+E")(&keys), "{keys}");
    page.key("Escape", "Escape", 27, 0).await;
    page.until("document.getElementById('keys').open", |open| {
        *open == false
    })
    .await;
    assert_eq!(page.errors, Vec::<String>::new());
}

#[tokio::test]
async fn links_lead_to_the_web_only_and_a_hidden_address_is_shown_first() {
    let script = r"stty -echo; echo READY; read -r; printf '\033]8;;https://example.org/secret\033\\click-here\033]8;;\033\\\r\n\033]8;;file:///etc/passwd\033\\no-such\033]8;;\033\\\r\nhttps://example.org/a。然后\r\n'; exec sleep 1000";
    let sidecar = Sidecar::script(script);
    let mut page = Browser::open(&sidecar.url(Mode::Write)).await;
    page.until(SCREEN, contains("READY")).await;
    page.key("Enter", "Enter", 13, 0).await;
    page.until(SCREEN, contains("然后")).await;
    page.eval("globalThis.opened = []; window.open = (address) => { opened.push(address); }")
        .await;
    let corner = "(() => { const s = document.querySelector('.xterm-screen').getBoundingClientRect(); return [s.x, s.y, s.height / codexTerminal.screen.term.rows]; })()";
    let corner = page.eval(corner).await;
    let corner = [0, 1, 2].map(|at| corner[at].as_f64().unwrap());
    let row = |row: f64| (corner[0] + 30.0, corner[1] + (row + 0.5) * corner[2]);
    for number in [1.0, 2.0, 3.0] {
        let left = json!({"button": "left", "clickCount": 1});
        let linked = "document.querySelector('.xterm-screen').classList.contains('xterm-cursor-pointer') || document.querySelector('.xterm').classList.contains('xterm-cursor-pointer')";
        page.mouse("mouseMoved", row(number), json!({})).await;
        if number != 2.0 {
            page.until(linked, |yes| *yes == true).await;
        }
        page.mouse("mousePressed", row(number), left.clone()).await;
        page.mouse("mouseReleased", row(number), left).await;
        if number == 1.0 {
            page.until("document.getElementById('link').open", |open| *open == true)
                .await;
            let shown = page
                .eval("document.getElementById('link-address').textContent")
                .await;
            assert_eq!(shown, "https://example.org/secret");
            assert_eq!(page.eval("opened").await, json!([]));
            page.click("#link-open").await;
            page.until("opened.length", |count| *count == 1).await;
        }
    }
    page.until("opened", |opened| {
        *opened == json!(["https://example.org/secret", "https://example.org/a"])
    })
    .await;
    assert_eq!(page.errors, Vec::<String>::new());
}

#[tokio::test]
async fn what_draws_may_fail_and_the_end_of_the_terminal_is_said() {
    let sidecar = Sidecar::script("echo hello; exec sleep 1000");
    // A browser without WebGL.
    let mut plain = Browser::start(&["--disable-3d-apis"]).await;
    plain.go(&sidecar.url(Mode::Read)).await;
    plain.until(SCREEN, contains("hello")).await;
    assert_eq!(plain.eval("codexTerminal.screen.renderer").await, "dom");
    let drawn = "document.querySelector('.xterm-rows').textContent";
    plain.until(drawn, contains("hello")).await;
    // One that loses it.
    let mut page = Browser::open(&sidecar.url(Mode::Read)).await;
    page.until(SCREEN, contains("hello")).await;
    if page.eval("codexTerminal.screen.renderer").await == "webgl" {
        page.eval("for (const canvas of document.querySelectorAll('.xterm-screen canvas')) canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context').loseContext()").await;
        page.until("codexTerminal.screen.renderer", |name| name == "dom")
            .await;
    }
    page.until(drawn, contains("hello")).await;
    let (client, _events) = sidecar.control().await;
    client
        .close(std::time::Duration::from_secs(1))
        .await
        .unwrap();
    page.until(CONNECTION, |state| state == "closed").await;
    let status = page
        .eval("document.getElementById('status').textContent")
        .await;
    assert_eq!(status, "the terminal was closed");
    page.until(SCREEN, contains("hello")).await;
    assert_eq!(page.errors, Vec::<String>::new());
}
