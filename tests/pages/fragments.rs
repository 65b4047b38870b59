//! The shell, and the fragments that a page fetches.

use super::LANGUAGES;
use super::rules::dictionary;
use super::samples::attention;
use super::samples::{PLANNER, Sample, at, busy, clean_report, empty, question, report, session};
use codex_terminal::colours::Theme;
use regex::Regex;
use zhongshu::domain::department::built_in;
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::language::Language;
use zhongshu::web::pages::{
    Work, language, render_attention, render_report, render_shell, render_work,
};
use zhongshu::web::preferences::Preferences;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'</textarea></pre></script>{{7*7}} &lt;b&gt;";

fn plain(text: &str) -> String {
    text.to_owned()
}

fn hostile(text: &str) -> String {
    format!("{HOSTILE}{text}")
}

pub fn page(sample: &Sample, language: Language) -> String {
    let waiting = attention::waiting(sample, language);
    let work = Work {
        waiting: &waiting,
        ..sample.work(language)
    };
    let attention =
        render_attention(&waiting, &sample.sessions, &sample.departments, language).unwrap();
    render_work(&work).unwrap() + &attention
}

/// A busy launcher in which everything that can be shown is shown.
fn everything(say: &dyn Fn(&str) -> String) -> Sample {
    let mut sample = busy(say);
    sample.trust = Some(say("Codex will write into its own configuration."));
    sample.read_only = Some(say("the disk is full"));
    sample.codex = (say("unavailable"), Some(say("codex was not found")));
    sample.queue_paused = true;
    sample.powers = question(say);
    sample.powers.needed = true;
    sample.powers.unsandboxed = vec![say("Engineering (other-agent)")];
    for department in &mut sample.departments {
        department.title.en = say(&department.title.en);
        department.title.zh = say(&department.title.zh);
        department.duty.en = say(&department.duty.en);
        department.duty.zh = say(&department.duty.zh);
    }
    sample
}

#[test]
fn hostile_text_stays_text_in_every_fragment() {
    for language in LANGUAGES {
        let pairs = [
            (
                page(&everything(&plain), language),
                page(&everything(&hostile), language),
            ),
            (
                render_report(&report(&plain), &built_in(), language).unwrap(),
                render_report(&report(&hostile), &built_in(), language).unwrap(),
            ),
        ];
        for (benign, attacked) in pairs {
            assert!(
                attacked.contains("&#60;img src=x"),
                "the text is not shown at all"
            );
            assert!(!attacked.contains("<img"));
            assert!(
                !attacked.contains("&lt;b&gt;"),
                "text was shown without being escaped again"
            );
            // Not one tag and not one quoted attribute more than without the attack.
            for mark in ['<', '>', '"'] {
                let count = |text: &str| text.matches(mark).count();
                assert_eq!(count(&benign), count(&attacked), "{mark}");
            }
        }
    }
}

/// Every kind of character that nobody sees, and a text in which such characters belong.
const UNSEEN: &str = "\u{202e}\u{2066}\u{200f}\u{61c}\u{200b}\u{2060}\u{feff}\u{e0041}\u{e007f}\u{ad}\u{180e}\u{fff9}\u{3164}\u{ffa0}\u{fe00}\u{1b}\u{9b}👩\u{200d}💻";

#[test]
fn what_nobody_would_see_is_spelled_out_in_every_fragment() {
    let unseen = |text: &str| format!("{UNSEEN}{text}");
    for language in LANGUAGES {
        let pages = [
            page(&everything(&unseen), language),
            render_report(&report(&unseen), &built_in(), language).unwrap(),
        ];
        for text in pages {
            assert!(text.contains("⟨U+202E⟩⟨U+2066⟩⟨U+200F⟩⟨U+061C⟩⟨U+200B⟩"));
            assert!(text.contains("👩\u{200d}💻"));
            let left: Vec<char> = zhongshu::domain::shown::hidden(&text).collect();
            assert!(left.is_empty(), "these are not spelled out: {left:?}");
        }
    }
}

#[test]
fn the_editor_of_a_plan_holds_what_can_be_seen() {
    let text = page(&busy(&|text| format!("a\u{202e}b{text}")), Language::En);
    let form = text.split("data-form=\"plan\"").nth(1).unwrap();
    let rows = form.split("<tbody>").nth(1).unwrap();
    let rows = rows.split("</tbody>").next().unwrap();
    assert!(rows.contains("\nabImplement the flag"), "{rows}");
    for name in ["task", "files", "verify", "reason", "model_reason"] {
        let field = rows.split(&format!("name=\"{name}\"")).nth(1).unwrap();
        let field = field.split("</textarea>").next().unwrap();
        let field = field.split("<input").next().unwrap();
        assert!(!field.contains("U+202E"), "{name}: {field}");
    }
}

#[test]
fn a_command_that_a_notice_names_is_code() {
    let mut sample = empty();
    sample.codex = (
        plain("unavailable"),
        Some(plain("run `codex <login>` first")),
    );
    let shown = "<p class=\"text\">run <code>codex &#60;login&#62;</code> first</p>";
    assert!(page(&sample, Language::En).contains(shown));
}

#[test]
fn a_terminal_that_shows_another_thread_is_said_once_in_the_language_of_the_page() {
    let mut sample = busy(&plain);
    let of_terminal = "its terminal shows another thread; close it and open it again to come back";
    // A department and the planner.
    for at in [0, 4] {
        sample.sessions[at].browser_terminal_elsewhere = true;
        sample.sessions[at].status_reason = Some(of_terminal.to_owned());
    }
    for (language, way_back) in [(Language::En, "Bring it back"), (Language::Zh, "让它回来")] {
        let text = page(&sample, language);
        assert_eq!(text.matches(way_back).count(), 2);
        assert!(!text.contains(of_terminal));
    }
}

#[test]
fn both_languages_render_without_a_missing_word() {
    let words: Vec<_> = LANGUAGES.iter().map(|l| dictionary(*l)).collect();
    let hole = Regex::new(r"\{\d\}").unwrap();
    let chinese = Regex::new("[\u{4e00}-\u{9fff}]").unwrap();
    for language in LANGUAGES {
        let pages = [
            render_shell(language, &Preferences::default()).unwrap(),
            page(&empty(), language),
            page(&everything(&plain), language),
            render_report(&report(&plain), &built_in(), language).unwrap(),
            render_report(&clean_report(), &built_in(), language).unwrap(),
        ];
        for text in pages {
            for key in words[0].keys().filter(|key| key.contains('.')) {
                for leak in [
                    format!(">{key}<"),
                    format!("\"{key}\" aria"),
                    format!("> {key} <"),
                ] {
                    assert!(!text.contains(&leak), "{key} shows itself");
                }
            }
            assert!(!hole.is_match(&text), "a hole was not filled");
            let foreign = text.replace("中书省", "").replace("中文", "");
            if language == Language::En {
                assert!(!chinese.is_match(&foreign), "{:?}", chinese.find(&foreign));
            } else {
                assert!(chinese.is_match(&foreign));
            }
        }
    }
    let dark = Preferences {
        theme: Some(Theme::Dark),
        ..Preferences::default()
    };
    let (plain, dark) = (
        render_shell(Language::Zh, &Preferences::default()).unwrap(),
        render_shell(Language::Zh, &dark).unwrap(),
    );
    let begin = "<html lang=\"zh\" data-dock-size=\"medium\" data-notify=\"false\"";
    assert!(plain.contains(begin) && !plain.contains("data-theme"));
    assert!(dark.contains(begin) && dark.contains(" data-theme=\"dark\">"));
}

#[test]
fn a_pending_plan_is_an_editor_that_names_what_was_seen() {
    let text = page(&busy(&plain), Language::En);
    assert!(text.contains(&format!("data-sha=\"{:064}\"", 3)));
    assert!(text.contains("data-version=\"3\""));
    let form = text
        .split("data-form=\"plan\"")
        .nth(1)
        .unwrap()
        .split("</form>")
        .next()
        .unwrap();
    // Three lines and the blank one that the page clones.
    assert_eq!(form.matches("class=\"plan-row\"").count(), 4);
    assert!(form.contains("\nsrc/cli.rs\ntests/cli.rs</textarea>"));
    assert_eq!(form.matches("name=\"selected\" checked").count(), 3);
}

#[test]
fn a_leading_newline_of_a_task_survives_the_editor() {
    let mut sample = busy(&plain);
    sample.plans[0].assignments[0].task = "\nfirst line is empty".to_owned();
    // HTML drops one newline right after <textarea>; the template gives it one to drop.
    assert!(page(&sample, Language::En).contains(">\n\nfirst line is empty</textarea>"));
}

#[test]
fn a_decided_plan_or_an_ended_planner_offers_no_confirmation() {
    for status in ["confirmed", "rejected", "superseded"] {
        let mut sample = busy(&plain);
        sample.plans[0].status = status;
        let text = page(&sample, Language::En);
        assert!(!text.contains("data-form=\"plan\""), "{status}");
        assert!(text.contains("plan-text"), "{status}");
    }
    let mut sample = busy(&plain);
    let planner = sample
        .sessions
        .iter_mut()
        .find(|s| s.id.as_str() == PLANNER)
        .unwrap();
    planner.ended_at = Some(at(1));
    planner.status = "lost";
    let text = page(&sample, Language::En);
    for gone in [
        "data-form=\"plan\"",
        "data-form=\"reject\"",
        "data-form=\"start-department\"",
    ] {
        assert!(!text.contains(gone), "{gone}");
    }
    assert!(text.contains("The planner has ended."));
}

#[test]
fn a_result_that_needs_a_decision_stands_first_in_the_inbox_and_nowhere_else() {
    let text = page(&busy(&plain), Language::En);
    let place = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("{what} is not there"))
    };
    assert_eq!(text.matches("data-key=\"result-report-1-1\"").count(), 1);
    assert!(place("data-key=\"result-report-1-1\"") > place("data-key=\"inbox-"));
    assert!(place("data-key=\"result-report-2-2\"") > place("data-key=\"result-report-1-1\""));
    assert!(text.contains("author not verified") && text.contains("Revision 2"));
    assert!(text.contains("written by the launcher"));
    // Read but not answered is still a question; answered is not.
    let mut sample = busy(&plain);
    let mut asked = sample.unread.remove(0);
    asked.read = true;
    sample.read.push(asked);
    assert!(page(&sample, Language::En).contains("data-form=\"decide\""));
    sample.read.last_mut().unwrap().acknowledged = true;
    assert!(!page(&sample, Language::En).contains("data-form=\"decide\""));
}

#[test]
fn the_queue_says_why_and_moves_by_one_step() {
    let text = page(&busy(&plain), Language::En);
    assert!(
        text.contains("a result needs your decision first") && text.contains("its planner ended")
    );
    let moves: Vec<_> =
        Regex::new(r#"data-do="queue-move" data-id="([^"]*)" data-before="([^"]*)""#)
            .unwrap()
            .captures_iter(&text)
            .map(|found| (found[1].to_owned(), found[2].to_owned()))
            .collect();
    let step = |id: &str, before: &str| (format!("assignment-{id}"), before.to_owned());
    let expected = [
        step("1", "assignment-3"),
        step("2", "assignment-1"),
        step("2", ""),
        step("3", "assignment-2"),
    ];
    assert_eq!(moves, expected);
}

#[test]
fn every_empty_place_says_what_to_do() {
    let text = page(&empty(), Language::En);
    assert!(
        text.contains("What shall be done in this repository?") && text.contains("How it works")
    );
    assert!(text.contains("data-path=\"/api/trust\""));
    let mut sample = empty();
    sample.sessions = vec![session(PLANNER, "zhongshu", "a task")];
    sample.chosen = Some(SessionId::parse(PLANNER).unwrap());
    let text = page(&sample, Language::En);
    for sentence in ["No plan yet.", "No department works for this planner yet."] {
        assert!(text.contains(sentence), "{sentence}");
    }
    // What cannot hold anything yet takes no room.
    for sentence in ["Nothing waits.", "No results yet."] {
        assert!(!text.contains(sentence), "{sentence}");
    }
    sample.queue_paused = true;
    let mut department = session("lingyubu-1", "lingyubu", "a part");
    department.parent_session_id = Some(SessionId::parse(PLANNER).unwrap());
    sample.sessions.push(department);
    let text = page(&sample, Language::En);
    for sentence in ["Nothing waits.", "No results yet."] {
        assert!(text.contains(sentence), "{sentence}");
    }
    let clean = render_report(&clean_report(), &built_in(), Language::En).unwrap();
    assert!(clean.contains("Nothing changed here."));
}

#[test]
fn the_question_about_powers_shows_what_changed_and_what_the_answer_names() {
    let mut sample = empty();
    assert!(!page(&sample, Language::En).contains("/api/powers"));
    sample.powers.needed = true;
    let text = page(&sample, Language::En);
    let sha256 = format!("sha256&#34;:&#34;{}&#34;", sample.powers.sha256);
    for part in [
        "data-path=\"/api/powers\"",
        &sha256,
        "other-agent --prompt-file {prompt_file}",
        "other-agent {prompt_file}",
        "drivers.other-agent.command: tools/other-agent.sh",
        "This file changed since your yes.",
        "no sandbox",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn the_language_is_the_query_then_the_setting_then_the_header() {
    use Language::{En, Zh};
    assert_eq!(language(Some("zh"), Some(En), Some("en")), Zh);
    assert_eq!(language(Some("fr"), Some(Zh), Some("en")), Zh);
    for (header, expected) in [
        ("zh-CN,zh;q=0.9,en;q=0.8", Zh),
        ("en-GB,en;q=0.9,zh;q=0.8", En),
        ("de-DE,de;q=0.9,zh;q=0.5,en;q=0.4", Zh),
        ("fr", En),
        ("zh;q=0", En),
        ("", En),
    ] {
        assert_eq!(language(None, None, Some(header)), expected, "{header}");
    }
    assert_eq!(language(None, None, None), En);
}

#[test]
fn something_that_is_no_report_is_an_error_and_no_panic() {
    let broken = serde_json::json!({"ok": false, "error": "base: there is no such ref", "code": "unknown_ref"});
    assert!(render_report(&broken, &built_in(), Language::En).is_err());
}

#[test]
fn findings_stand_once_under_their_department_and_lead_to_their_file() {
    let mut report = report(&plain);
    let finding = |rule: &str, level: &str, path: &str| serde_json::json!({"rule": rule, "level": level, "path": path, "message": "m", "how_to_silence": "h"});
    report["departments"] = serde_json::json!([
        {"key": "zhilibu", "title": "Governance", "files": ["README.md"], "verify": []},
        {"key": "lingyubu", "title": "Domain", "files": ["README.md", "src/new.rs"], "verify": []},
    ]);
    report["changed_files"] = serde_json::json!([
        {"path": "README.md", "status": "modified", "departments": ["zhilibu", "lingyubu"]},
        {"path": "src/new.rs", "old_path": "src/old.rs", "status": "renamed", "departments": ["lingyubu"]},
        {"path": "x", "status": "added"},
    ]);
    report["risks"] = serde_json::json!([
        finding("one", "high", "src/old.rs"),
        finding("two", "medium", "README.md"),
        finding("three", "low", "x"),
        finding("four", "low", "gone"),
    ]);
    let text = render_report(&report, &built_in(), Language::En).unwrap();
    let at = |words: &str| {
        assert_eq!(text.matches(words).count(), 1, "{words}");
        text.find(words).unwrap()
    };
    let groups =
        ["risks-lingyubu", "risks-zhilibu", "risks-"].map(|key| at(&format!("data-key=\"{key}\"")));
    assert!(groups.is_sorted(), "the worst group comes first");
    let rules = ["one", "two", "three", "four"]
        .map(|rule| at(&format!("<span class=\"muted\">{rule}</span>")));
    assert!(groups[0] < rules[0] && rules[0] < groups[1]);
    assert!(groups[1] < rules[1] && rules[1] < groups[2] && groups[2] < rules[2]);
    let places = Regex::new("data-place=\"([^\"]*)\"").unwrap();
    let places: Vec<&str> = places
        .captures_iter(&text)
        .map(|found| found.extract::<1>().1[0])
        .collect();
    assert_eq!(places, ["changed-1", "changed-0", "changed-2", ""]);
    for place in &places[..3] {
        at(&format!("<tr id=\"{place}\""));
    }
}
