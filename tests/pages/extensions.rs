//! The page of extensions.

use super::LANGUAGES;
use super::samples::at;
use zhongshu::domain::harness::extension::content::FileFact;
use zhongshu::domain::harness::extension::mode::Mode;
use zhongshu::domain::language::Language;
use zhongshu::harness::extensions::set::Trust;
use zhongshu::harness::extensions::{Level, Note};
use zhongshu::web::pages::render_extensions;
use zhongshu::web::views::{ExtensionItem, ExtensionList, ExtensionSaid, ExtensionState};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'</code></h2>{{7*7}} &lt;b&gt;";

fn item(say: &dyn Fn(&str) -> String, state: ExtensionState, trust: Trust) -> ExtensionItem {
    let file = |path: &str, bytes, is_executable| FileFact {
        path: say(path),
        bytes,
        is_executable,
    };
    ExtensionItem {
        name: say("greeter"),
        path: say("/repo/agents/greeter"),
        said: Some(ExtensionSaid {
            agent_id: "greeter".to_owned(),
            display_name: say("Greeter"),
            version: say("1.0.0"),
            command: say("python3 main.py"),
            events: vec![say("turn.completed")],
            actions: Vec::new(),
            digest: "d1".to_owned(),
            files: vec![
                file("main.py", 1_234, false),
                file("run.sh", 20 << 10, true),
            ],
        }),
        state,
        trust,
        faults: vec![say("it closed the conversation")],
        undeclared: vec![say("app_server.turn.started")],
        hears: vec![say("turn.completed")],
        queued: 3,
        dropped: 4,
        notes: vec![Note {
            at: at(9),
            level: Level::Error,
            code: "handler_error",
            message: say("it closed the conversation"),
            complaints: Some(say("Traceback:\n  line 1")),
            times: 2,
        }],
    }
}

fn page(mode: Mode, items: Vec<ExtensionItem>, language: Language) -> String {
    let list = ExtensionList {
        mode,
        loaded_at: Some(at(1)),
        items,
    };
    render_extensions(language, &list).unwrap()
}

#[test]
fn each_says_why_it_runs_or_not_and_what_a_yes_is_for() {
    use ExtensionState::*;
    let plain = |text: &str| text.to_owned();
    for (state, trust, words, acts) in [
        (Running, Trust::Trusted, "It runs", "take"),
        (
            Waiting(at(10)),
            Trust::Trusted,
            "is started again at",
            "take",
        ),
        (Failed, Trust::Unknown, "something is wrong", ""),
        (SwitchedOff, Trust::Trusted, "are switched off", "take"),
        (Untrusted, Trust::Untrusted, "before you say yes", "trust"),
        (
            Changed,
            Trust::Changed,
            "not those that you trust",
            "trust take",
        ),
        (Ended, Trust::Trusted, "over with it", "take"),
    ] {
        let items = vec![item(&plain, state, trust)];
        let text = page(Mode::Enforced, items.clone(), Language::En);
        assert!(text.contains(words), "{words}: {text}");
        for (act, accept) in [("trust", true), ("take", false)] {
            let button = format!("data-digest=\"d1\" data-accept=\"{accept}\"");
            assert_eq!(text.contains(&button), acts.contains(act), "{text}");
        }
        // What the yes is for stands open before it, and can be looked at afterwards.
        let files = text.split("extension-files").nth(1).unwrap();
        for part in ["main.py", "1234 B", "run.sh", "20 KiB, executable"] {
            assert!(files.contains(part), "{part}: {files}");
        }
        for part in [
            "python3 main.py",
            "2 (21 KiB in all)",
            "Wants to do</dt><dd>nothing",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let zh = page(Mode::Enforced, items, Language::Zh);
        assert!(!zh.contains(">extensions."), "{zh}");
        assert!(zh.contains("它断开了对话"), "{zh}");
    }
}

#[test]
fn where_they_are_off_or_none_the_page_says_what_can_be_done() {
    let off = page(Mode::Disabled, Vec::new(), Language::En);
    assert!(off.contains("mode: enforced"), "{off}");
    assert!(off.contains("No extension was found"), "{off}");
    assert!(
        off.contains("zhongshu harness extensions add supervisor"),
        "{off}"
    );
    let on = page(Mode::Warn, Vec::new(), Language::Zh);
    assert!(!on.contains("mode: enforced"), "{on}");
    assert!(on.contains("没有找到扩展"), "{on}");
}

#[test]
fn what_an_enemy_calls_things_is_text() {
    let all = |say: &dyn Fn(&str) -> String| {
        let running = item(say, ExtensionState::Running, Trust::Trusted);
        vec![running, item(say, ExtensionState::Changed, Trust::Changed)]
    };
    for language in LANGUAGES {
        let benign = page(Mode::Enforced, all(&str::to_owned), language);
        let attacked = page(
            Mode::Enforced,
            all(&|text| format!("{HOSTILE}{text}")),
            language,
        );
        assert!(attacked.contains("&#60;img src=x"), "{attacked}");
        for mark in ['<', '>', '"'] {
            let count = |text: &str| text.matches(mark).count();
            assert_eq!(count(&benign), count(&attacked), "{mark}");
        }
    }
}
