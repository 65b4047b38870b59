//! The page Find: what was found among everything that was done.

use super::LANGUAGES;
use super::samples::{PLANNER, at, session};
use zhongshu::domain::department::built_in;
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::language::Language;
use zhongshu::web::pages::{Found, render_found};
use zhongshu::web::views::{FoundSession, FoundView};

const DEPARTMENT: &str = "lingyubu-01900000000070008000000000000002";
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'</a></li>{{7*7}} &lt;b&gt;";

/// A planner that goes on, and a department of it that is over.
fn found(say: &dyn Fn(&str) -> String, older_sessions: usize) -> FoundView {
    let planner = session(PLANNER, "zhongshu", &say("plan the palace"));
    let mut department = session(DEPARTMENT, "lingyubu", &say("draw the east gate"));
    department.ended_at = Some(at(9));
    department.status = "reported";
    department.parent_session_id = Some(planner.id.clone());
    let done = |session, summary| FoundSession {
        session,
        summary,
        is_fallback: false,
    };
    FoundView {
        sessions: vec![
            done(department, Some(say("the gate is drawn"))),
            done(planner, None),
        ],
        older_sessions,
    }
}

fn page(found: &FoundView, planner: Option<&str>, is_narrow: bool, language: Language) -> String {
    let planner = planner.map(|id| SessionId::parse(id).unwrap());
    render_found(&Found {
        language,
        found,
        departments: &built_in(),
        planner: planner.as_ref(),
        is_narrow,
    })
    .unwrap()
}

#[test]
fn each_says_what_was_asked_and_what_came_of_it_and_leads_there() {
    let text = page(&found(&str::to_owned, 0), None, true, Language::En);
    for part in [
        "2 found",
        "draw the east gate",
        "the gate is drawn",
        "plan the palace",
        ">reported<",
        "000002</code>",
        &format!("href=\"#session/{DEPARTMENT}\""),
        &format!("href=\"#work/{PLANNER}\""),
        &format!("href=\"#session/{PLANNER}\""),
        &format!("href=\"#find/{PLANNER}\""),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("find-older"), "{text}");
    let zh = page(&found(&str::to_owned, 0), None, true, Language::Zh);
    assert!(!zh.contains(">find."), "{zh}");
    assert!(zh.contains("找到 2 个"), "{zh}");
}

#[test]
fn of_many_the_next_page_begins_behind_the_last_one() {
    let text = page(
        &found(&str::to_owned, 40),
        Some(PLANNER),
        true,
        Language::En,
    );
    let button = format!("data-do=\"find-older\" data-before=\"{PLANNER}\"");
    assert!(text.contains(&button), "{text}");
    assert!(text.contains("42 found"), "{text}");
    assert!(
        text.contains("Only departments of the planner 000001"),
        "{text}"
    );
}

#[test]
fn where_there_is_none_the_page_says_what_can_be_done() {
    let none = FoundView {
        sessions: Vec::new(),
        older_sessions: 0,
    };
    for (is_narrow, en, zh) in [
        (true, "Fewer words", "没有找到"),
        (false, "Nothing was done here yet", "这里还没有做过什么"),
    ] {
        assert!(page(&none, None, is_narrow, Language::En).contains(en));
        assert!(page(&none, None, is_narrow, Language::Zh).contains(zh));
    }
}

#[test]
fn what_an_enemy_calls_things_is_text() {
    for language in LANGUAGES {
        let benign = page(&found(&str::to_owned, 3), None, true, language);
        let enemy = found(&|text| format!("{HOSTILE}{text}"), 3);
        let attacked = page(&enemy, None, true, language);
        assert!(attacked.contains("&#60;img src=x"), "{attacked}");
        for mark in ['<', '>', '"'] {
            let count = |text: &str| text.matches(mark).count();
            assert_eq!(count(&benign), count(&attacked), "{mark}");
        }
    }
}
