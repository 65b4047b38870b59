//! The real Codex TUI in the real page: a person types, reloads in the middle of an answer, and finds the same screen.
//! The model behind Codex is a script on loopback.
//!
//! Three pictures must be the same in every round: the reloaded page's, that of a page which was there all the time
//! and never reloaded, and what the sidecar's own model of the screen draws on a page that is loaded at rest.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod chromium;
mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chromium::{Browser, SCREEN, contains};
use codex_terminal::client::Client;
use codex_terminal::descriptor::Mode;
use codex_terminal::spec::{Source, Spec};
use mock_model::{Count, Rule, Script, Step, When};
use serde_json::Value;
use support::{DEADLINE, Sidecar, with_paths};

/// How many reloads; more of them by hand.
const ROUNDS: &str = "CODEX_TERMINAL_RELOADS";
const DEFAULT_ROUNDS: usize = 20;
/// Between two words of the model.
const WORD_MS: u64 = 8;

fn codex() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(
        "../../.tmp/tools/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
    );
    let path = std::env::var_os("CODEX_BIN").map_or(installed, PathBuf::from);
    let advice = "there is no codex at {}; run ./tools/test once, or set CODEX_BIN";
    assert!(
        path.is_file(),
        "{}",
        advice.replace("{}", &path.display().to_string())
    );
    path.canonicalize().unwrap()
}

/// An answer with everything that a TUI draws differently: headings, lists, code, wide characters, long lines.
fn answer(round: usize) -> String {
    format!(
        "# Answer {round}\n\nIt begins with **bold**, *slanted* and `plain` words, 混合宽字符和标点，以及 emoji ✅ 🚀 é.\n\n\
         - one item that is long enough to be wrapped by any terminal of ordinary width, with 中文 in the middle of it, \
         and that goes on for a while after that\n- another\n\n```rust\nfn main() {{\n    println!(\"{round} 你好\");\n}}\n```\n\n\
         | a | b |\n|---|---|\n| 1 | 二 |\n\nThat is all of it. END-{round}."
    )
}

fn script(rounds: usize) -> Script {
    Script::new((0..rounds).map(|round| Rule {
        name: format!("round {round}"),
        when: When {
            last_user_contains: format!("question-{round}.").as_str().into(),
            ..When::default()
        },
        count: Count::Message,
        steps: vec![Step {
            chunk_delay_ms: Some(WORD_MS),
            ..Step::say(answer(round))
        }],
        ..Rule::default()
    }))
}

/// Everything that can be seen: each cell with its look, the cursor, and the modes that decide what keys and mouse do.
const PICTURE: &str = r"(() => {
    const { term } = codexTerminal.screen;
    const core = term._core;
    const buffer = term.buffer.active;
    const rows = [];
    let cell;
    for (let y = 0; y < term.rows; y++) {
        const line = buffer.getLine(buffer.baseY + y);
        const row = [];
        for (let x = 0; x < term.cols; x++) {
            cell = line.getCell(x, cell);
            // A cell that was never written and one with a blank look the same.
            row.push([cell.getChars() || ' ', cell.getWidth(), cell.getFgColorMode(), cell.getFgColor(), cell.getBgColorMode(), cell.getBgColor(),
                cell.isBold(), cell.isDim(), cell.isItalic(), cell.isUnderline(), cell.getUnderlineStyle(), cell.getUnderlineColor(), cell.isInverse(),
                cell.isInvisible(), cell.isStrikethrough(), cell.isOverline(), cell.isBlink()]
                .join(','));
        }
        rows.push([...row, line.isWrapped]);
    }
    return {
        rows, size: [term.cols, term.rows], buffer: buffer.type, cursor: [buffer.cursorX, buffer.cursorY],
        hidden: core.coreService.isCursorHidden, modes: { ...term.modes }, mouse: core.mouseStateService?.activeEncoding ?? core.coreMouseService?.activeEncoding,
        scrollback: buffer.baseY, style: [core.coreService.decPrivateModes.cursorStyle, core.coreService.decPrivateModes.cursorBlink],
        region: [core.buffer.scrollTop, core.buffer.scrollBottom], saved: [core.buffer.savedX, core.buffer.savedY],
    };
})()";

/// All that came is drawn, up to this byte.
const DRAWN: &str = "new Promise((done) => codexTerminal.screen.term.write('', () => done(codexTerminal.connection.offset)))";

/// What a page shows when it has drawn everything that the program printed, and how much that is.
async fn picture(page: &mut Browser, client: &Client) -> (u64, Value) {
    let end = Instant::now() + DEADLINE;
    loop {
        let offset = client.state().await.unwrap().offset;
        if page.eval(DRAWN).await == offset {
            let picture = page.eval(PICTURE).await;
            if client.state().await.unwrap().offset == offset {
                return (offset, picture);
            }
        }
        assert!(Instant::now() < end, "the program never rests");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What differs, in words.
fn differences(a: &Value, b: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in a.as_object().unwrap() {
        if name != "rows" && *value != b[name] {
            found.push(format!("{name}: {value} {}", b[name]));
        }
    }
    for (y, row) in a["rows"].as_array().unwrap().iter().enumerate() {
        for (x, cell) in row.as_array().unwrap().iter().enumerate() {
            let other = &b["rows"][y][x];
            if cell != other {
                found.push(format!("row {y} column {x}: {cell} {other}"));
            }
        }
    }
    found.truncate(20);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_has_the_same_screen_after_a_reload_in_the_middle_of_an_answer() {
    let rounds = std::env::var(ROUNDS).map_or(DEFAULT_ROUNDS, |text| text.parse().unwrap());
    let model = mock_model::Server::start(script(rounds)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = dir.path().canonicalize().unwrap().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let (home, repo, codex_home) = (folder("home"), folder("repo"), folder("codex"));
    mock_model::write_codex_home(&codex_home, &model.base_url(), Some(&repo)).unwrap();
    let argv = vec![codex().display().to_string(), "--no-daemon".to_owned()];
    let mut spec = with_paths(&dir, Spec::program("codex", argv, repo));
    if let Source::Program { env_set, .. } = &mut spec.source {
        env_set.insert("HOME".to_owned(), home.display().to_string());
        env_set.insert("CODEX_HOME".to_owned(), codex_home.display().to_string());
    }
    let sidecar = Sidecar::start(dir, &spec);
    let (client, mut events) = sidecar.control().await;
    // Codex announces a state now and then; a launcher that does not listen is cut off.
    tokio::spawn(async move { while events.recv().await.is_some() {} });

    // Three pages that draw without a graphics card would cost more than everything else here.
    let mut page = Browser::start(&["--disable-3d-apis"]).await;
    page.go(&sidecar.url(Mode::Write)).await;
    page.until(SCREEN, contains("Ask Codex")).await;
    let mut witness = page.tab(&sidecar.url(Mode::Read)).await;
    witness.until(SCREEN, contains("Ask Codex")).await;
    let mut fresh = page.tab(&sidecar.url(Mode::Read)).await;
    fresh.until(SCREEN, contains("Ask Codex")).await;

    let mut failures = Vec::new();
    let mut in_the_middle = 0;
    let began = Instant::now();
    for round in 0..rounds {
        page.type_text(&format!("question-{round}. 问题")).await;
        page.until(SCREEN, contains(&format!("question-{round}.")))
            .await;
        page.key("Enter", "Enter", 13, 0).await;
        page.until(SCREEN, contains(&format!("Answer {round}")))
            .await;
        // Anywhere in the answer.
        let moment = (round as u64 * 377) % 500;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let before = client.state().await.unwrap().offset;
        let reload = serde_json::json!({});
        page.call("Page.reload", reload.clone()).await;
        let end = contains(&format!("END-{round}."));
        for page in [&mut page, &mut witness] {
            // Not before the last redraw of this turn.
            page.until(SCREEN, |screen| {
                end(screen) && contains("Worked for")(screen)
            })
            .await;
        }
        let (offset, pictures) = loop {
            // A page that only looks is loaded without a word to the program: what it shows is the sidecar's model.
            fresh.call("Page.reload", reload.clone()).await;
            fresh.until(SCREEN, &end).await;
            let mut pictures = Vec::new();
            let mut offsets = Vec::new();
            for page in [&mut page, &mut witness, &mut fresh] {
                let (offset, picture) = picture(page, &client).await;
                offsets.push(offset);
                pictures.push(picture);
            }
            if offsets.iter().all(|offset| *offset == offsets[0]) {
                break (offsets[0], pictures);
            }
        };
        in_the_middle += usize::from(offset > before);
        let names = ["that stayed", "that was loaded at rest"];
        for (name, other) in names.iter().zip(&pictures[1..]) {
            let found = differences(&pictures[0], other);
            if !found.is_empty() {
                failures.push(format!(
                    "round {round}, reloaded at byte {before} of {offset}: the page and one {name} differ: {found:#?}"
                ));
            }
        }
    }
    eprintln!("{rounds} reloads in {:?}", began.elapsed());
    assert_eq!(in_the_middle, rounds, "output came after each reload");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    for page in [&page, &witness, &fresh] {
        assert_eq!(page.errors, Vec::<String>::new());
    }
    drop(sidecar);
    model.shutdown().await;
}
