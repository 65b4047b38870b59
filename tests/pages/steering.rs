//! What of a session's page is for steering it: in both languages, with an enemy's texts, and only what can be done.

use super::LANGUAGES;
use super::samples::session;
use zhongshu::domain::language::Language;
use zhongshu::domain::steering::{Fate, Settings, Wider};
use zhongshu::domain::transcript::Turn;
use zhongshu::web::pages::{Thread, render_thread};
use zhongshu::web::views::{SessionView, SettingsView};

const PLANNER: &str = "zhongshu-0190a000000070008000000000000001";
const HOSTILE: &str = "<img src=x onerror=alert(1)>\" data-do=\"stop";

fn page(session: Option<&SessionView>, language: Language) -> String {
    let turn = Turn {
        id: "turn-1".to_owned(),
        status: "completed".to_owned(),
        started_at: None,
        ended_at: None,
        duration_ms: None,
        rows: Vec::new(),
        rows_left_out: false,
    };
    render_thread(Thread {
        language,
        session_id: PLANNER,
        title: "The planner",
        status: "running",
        doing: None,
        turns: &[turn],
        older: None,
        reason: None,
        session,
        models: &[],
        chat: None,
    })
    .unwrap()
}

fn planner() -> SessionView {
    let mut planner = session(PLANNER, "zhongshu", "Sell tea.");
    planner.thread_id = Some("0190a000-0000-7000-8000-000000000001".to_owned());
    planner
}

/// What buttons and forms do.
fn deeds(page: &str) -> Vec<&str> {
    let named = page.split("data-do=\"steer-").skip(1);
    let forms = page.split("data-form=\"steer-").skip(1);
    named
        .chain(forms)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn what_an_enemy_calls_a_thread_is_text_in_both_languages() {
    let mut planner = planner();
    planner.browser_terminal_elsewhere = true;
    planner.thread.thread_name = Some(HOSTILE.to_owned());
    planner.thread.forks = vec![HOSTILE.to_owned()];
    planner.thread.thread_settings = Some(SettingsView {
        settings: Settings {
            model: HOSTILE.to_owned(),
            effort: Some(HOSTILE.to_owned()),
            approval: HOSTILE.to_owned(),
            sandbox: HOSTILE.to_owned(),
            network: true,
        },
        wider: vec![Wider::Approval, Wider::Sandbox, Wider::Network],
    });
    for language in LANGUAGES {
        let text = page(Some(&planner), language);
        assert!(!text.contains("<img"), "{text}");
        assert!(!text.contains("data-do=\"stop"), "{text}");
        assert!(!text.contains(">steer."), "a word is missing: {text}");
    }
}

#[test]
fn only_what_can_be_done_is_offered() {
    let mut session = planner();
    let running = page(Some(&session), Language::En);
    let running = deeds(&running);
    for deed in [
        "interrupt",
        "compact",
        "fork",
        "revert",
        "message",
        "rename",
        "settings",
        "review",
    ] {
        assert!(running.contains(&deed), "{deed}: {running:?}");
    }
    assert!(!running.contains(&"archive") && !running.contains(&"delete"));

    session.ended_at = Some(session.started_at);
    session.status = "stopped";
    let ended = page(Some(&session), Language::En);
    let mut ended = deeds(&ended);
    ended.sort_unstable();
    assert_eq!(ended, ["archive", "delete", "fork", "rename"]);

    session.thread.thread_fate = Some(Fate::Archived);
    let archived = page(Some(&session), Language::En);
    assert_eq!(deeds(&archived), ["delete"]);
    session.thread.thread_fate = Some(Fate::Deleted);
    let deleted = page(Some(&session), Language::En);
    assert_eq!(deeds(&deleted), [""; 0]);

    let mut program = planner();
    program.thread_id = None;
    let program = page(Some(&program), Language::En);
    assert!(!deeds(&program).contains(&"settings"));
    // A copy of a thread is only read.
    assert_eq!(deeds(&page(None, Language::En)), [""; 0]);
}
