//! Rules that answer for the person, on the page of work.

use super::fragments::page;
use super::samples::empty;
use zhongshu::domain::ask::rule::{Allows, Rule, Scope, Standing, Used};
use zhongshu::domain::language::Language;
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
