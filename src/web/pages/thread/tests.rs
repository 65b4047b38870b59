//! What an agent wrote stays text, whatever it is.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::transcript::TEXT_BYTES;

fn row(id: &str, what: What) -> Row {
    Row {
        id: format!("t/{id}"),
        at: DateTime::from_timestamp(1_800_000_000, 0),
        ended_at: DateTime::from_timestamp(1_800_000_001, 0),
        what,
    }
}

fn text(text: &str) -> Text {
    Text::beginning(text, TEXT_BYTES)
}

fn page(rows: Vec<Row>, language: Language) -> String {
    let turn = Turn {
        id: "t".to_owned(),
        status: "failed".to_owned(),
        started_at: DateTime::from_timestamp(1_800_000_000, 0),
        ended_at: None,
        duration_ms: Some(1),
        rows,
        rows_left_out: false,
    };
    render(Thread {
        language,
        session_id: "zhongshu-1",
        title: "中书省",
        status: "running",
        doing: None,
        turns: &[turn],
        older: Some("{\"a\":1}"),
        reason: None,
        session: None,
        models: &[],
        chat: None,
    })
    .unwrap()
}

const HOSTILE: &str = "</pre><script>alert(1)</script><img src=x onerror=alert(1)> \u{202e}evil\u{1b}[2J [x](javascript:alert(1))";

#[test]
fn every_kind_of_row_is_drawn_and_nothing_hostile_is_markup() {
    let file = PatchedFile {
        path: HOSTILE.to_owned(),
        moved_to: Some(HOSTILE.to_owned()),
        change: "update".to_owned(),
        diff: text(&format!("@@ -1 +1 @@ {HOSTILE}\n-{HOSTILE}\n+x\n")),
    };
    let hostile = HOSTILE.to_owned();
    let rows = vec![
        row(
            HOSTILE,
            What::Message {
                via: Via::Terminal,
                client_id: None,
                text: text(HOSTILE),
            },
        ),
        row(
            "a",
            What::Answer {
                text: text(&format!("{HOSTILE}\n\n```{HOSTILE}\n{HOSTILE}\n```\n")),
            },
        ),
        row(
            "r",
            What::Reasoning {
                text: text(HOSTILE),
            },
        ),
        row(
            "c",
            What::Command {
                command: text(HOSTILE),
                cwd: hostile.clone(),
                status: hostile.clone(),
                exit_code: Some(1),
                duration_ms: Some(61_000),
                output: Text::end(HOSTILE, 20),
                output_at_limit: true,
            },
        ),
        row(
            "p",
            What::Patch {
                status: "declined".to_owned(),
                files: vec![file],
                files_left_out: 3,
            },
        ),
        row(
            "n",
            What::Plan {
                text: text(HOSTILE),
            },
        ),
        row(
            "t",
            What::Tool {
                server: hostile.clone(),
                tool: hostile.clone(),
                status: "failed".to_owned(),
                duration_ms: Some(3),
                arguments: text(HOSTILE),
                result: text(HOSTILE),
                error: Some(text(HOSTILE)),
            },
        ),
        row(
            "w",
            What::WebSearch {
                query: text(HOSTILE),
            },
        ),
        row(
            "i",
            What::Image {
                path: hostile.clone(),
            },
        ),
        row(
            "b",
            What::Review {
                begins: true,
                text: text(HOSTILE),
            },
        ),
        row("k", What::Compaction),
        row(
            "q",
            What::Ask {
                ask_id: hostile.clone(),
                text: text(HOSTILE),
                decision: Some(hostile.clone()),
                by: Some(hostile.clone()),
                words: Some(hostile.clone()),
            },
        ),
        row(
            "u",
            What::Unknown {
                item_type: hostile.clone(),
                raw: text(HOSTILE),
            },
        ),
        row(
            "f",
            What::TurnFailed {
                reason: text(HOSTILE),
                cause: hostile,
            },
        ),
        row("z", What::TurnInterrupted),
    ];
    for language in [Language::En, Language::Zh] {
        let page = page(rows.clone(), language);
        for never in [
            "<script",
            "<img",
            "javascript:alert(1)\"",
            "\u{202e}",
            "\u{1b}",
            "thread.kind",
            "thread.status.d",
        ] {
            assert!(!page.contains(never), "{never}\n{page}");
        }
        assert_eq!(page.matches("<article").count(), rows.len());
        assert_eq!(
            page.matches("<article").count(),
            page.matches("</article>").count()
        );
        assert!(page.contains("⟨U+202E⟩evil"));
        assert!(page.contains("data-older=\"{&#34;a&#34;:1}\""), "{page}");
        assert!(page.contains("61000") || page.contains("1 min 1 s"));
    }
}

#[test]
fn markdown_is_drawn_with_our_own_tags() {
    let markdown = "# Title\n\n**bold** and `code`, [here](https://example.org/x \"t\").\n\n* one\n* two\n\n```rust\nlet x = \"a\";\n```\n\n|a|\n|-|\n|b|\n";
    let page = page(
        vec![row(
            "a",
            What::Answer {
                text: text(markdown),
            },
        )],
        Language::En,
    );
    for part in [
        "<h4>Title</h4>",
        "<p><strong>bold</strong> and <code>code</code>, <a href=\"https://example.org/x\" target=\"_blank\" rel=\"noopener noreferrer nofollow\"",
        "↗ example.org",
        "<ul><li>one</li><li>two</li></ul>",
        "data-language=\"rust\"><code><span class=\"k-w\">let</span> x = <span class=\"k-s\">&#34;a&#34;</span>;\n</code></pre>",
        "<tr class=\"head\"><td>a</td></tr><tr><td>b</td></tr>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[test]
fn what_codex_asks_is_not_shown_whole_since_codex_keeps_no_more_of_it() {
    let ask = What::Ask {
        ask_id: "ask-1".to_owned(),
        text: Text::beginning("a long question", 6),
        decision: None,
        by: None,
        words: None,
    };
    let open = Row {
        ended_at: None,
        ..row("q", ask)
    };
    let html = page(vec![open], Language::En);
    assert!(html.contains("<code>a long</code>"), "{html}");
    assert!(!html.contains("thread-whole"), "{html}");
}
