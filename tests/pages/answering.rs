//! Rules that answer for the person, on the page of work.

use super::fragments::page;
use super::samples::attention::waiting;
use super::samples::{Sample, busy, empty};
use zhongshu::domain::ask::rule::{Allows, Rule, Scope, Standing, Used};
use zhongshu::domain::language::Language;
use zhongshu::web::pages::render_attention;
use zhongshu::web::views::RuleView;

#[test]
fn rules_that_answer_for_the_person_are_shown_with_where_they_are_taken_away() {
    let rule = |by: &str, source| {
        let prefix = vec!["git".to_owned(), "status".to_owned()];
        let allows = Allows::Command {
            prefix,
            unsandboxed: true,
        };
        let department = "menxia".to_owned();
        let mut rule = Rule::written(Scope::Department { department }, allows);
        rule.by = by.to_owned();
        let used = Used {
            uses: 7,
            used_at: None,
        };
        let standing = Standing {
            rule,
            added_at: None,
            used,
        };
        RuleView { standing, source }
    };
    let mut sample = empty();
    assert!(!page(&sample, Language::En).contains("Rules that answer for you"));
    sample.rules = vec![rule("person", "decision")];
    let made = page(&sample, Language::En);
    for part in [
        "Rules that answer for you",
        "git status",
        "used 7 times",
        "also outside of the sandbox",
        "data-do=\"rule-remove\"",
    ] {
        assert!(made.contains(part), "{part}");
    }
    sample.rules = vec![rule("governance.yaml", "governance.yaml")];
    let written = page(&sample, Language::Zh);
    assert!(written.contains("写在 governance.yaml 中"), "{written}");
    assert!(!written.contains("rule-remove"));
}

#[test]
fn what_only_a_terminal_can_answer_has_a_button_that_opens_it() {
    let mut sample = busy(&|text| text.to_owned());
    let session = sample.sessions[0].id.clone();
    sample.asks.truncate(1);
    sample.asks[0].session_id = Some(session);
    assert!(!opens(&sample), "it can be answered here");
    sample.asks[0].offered.clear();
    assert!(opens(&sample));
}

/// Whether a card opens a terminal.
fn opens(sample: &Sample) -> bool {
    let waiting = waiting(sample, Language::En);
    let cards = render_attention(
        &waiting,
        &sample.sessions,
        &sample.departments,
        Language::En,
    )
    .unwrap();
    cards.contains("data-do=\"open-terminal\"")
}
