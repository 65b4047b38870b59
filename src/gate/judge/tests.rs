//! How strict the gate is, and what it says.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::language::Language;
use crate::gate::strictness::{Stated, Statements};
use crate::gate::words::{self, Way};

fn mode(mode: GateMode) -> Stated {
    Stated::Mode { mode }
}

fn said(head: Stated, disk: Stated) -> Statements {
    Statements {
        head,
        disk,
        trailers: false,
        language: None,
    }
}

fn unusable() -> Stated {
    Stated::Unusable {
        reason: "governance.yaml:1:1: no".to_owned(),
    }
}

#[test]
fn nothing_that_lies_on_disk_makes_the_gate_weaker() {
    use GateMode::{Enforce, Off, Warn};
    let none = || Stated::Nothing;
    for (pinned, head, disk, expected) in [
        // Nobody said anything: whoever installed the hook wants it to work.
        (None, none(), none(), Enforce),
        (None, none(), mode(Off), Enforce),
        (None, unusable(), mode(Off), Enforce),
        (None, mode(Warn), none(), Warn),
        (None, mode(Warn), mode(Off), Warn),
        (None, mode(Warn), unusable(), Warn),
        (None, mode(Warn), mode(Enforce), Enforce),
        (None, mode(Off), mode(Off), Off),
        // What the person set stands in for what nobody committed, and never makes what is committed weaker.
        (Some(Off), none(), none(), Off),
        (Some(Off), none(), mode(Warn), Warn),
        (Some(Warn), unusable(), none(), Warn),
        (Some(Off), mode(Enforce), mode(Enforce), Enforce),
        // Seen once, a strict mode stays until the person says otherwise.
        (Some(Enforce), mode(Off), mode(Off), Enforce),
    ] {
        let statements = said(head, disk);
        assert_eq!(
            in_force(pinned, &statements),
            expected,
            "{pinned:?} {statements:?}"
        );
    }
}

fn id(digit: char) -> GitId {
    GitId::parse(&digit.to_string().repeat(40)).unwrap()
}

fn look(index: ObservedIndex) -> Observation {
    Observation {
        index,
        staged: None,
        base_tree: Some(id('a')),
        committed: None,
        before_head: Vec::new(),
        comment_prefix: String::new(),
        statements: said(mode(GateMode::Enforce), Stated::Nothing),
    }
}

fn tree(digit: char) -> ObservedIndex {
    ObservedIndex::Tree { tree: id(digit) }
}

#[test]
fn every_reason_says_what_is_wrong_and_what_to_do_in_both_languages() {
    let reviews = Reviews::default();
    let way = Way {
        repo: Path::new("/r\u{1b}"),
        page_url: None,
    };
    let own = Observation {
        staged: Some(id('c')),
        ..look(tree('b'))
    };
    let reasons = [
        look(ObservedIndex::Unmerged),
        look(ObservedIndex::Contradicted {
            folder: "src\u{202e}".to_owned(),
        }),
        look(ObservedIndex::Unreadable {
            reason: "it is damaged: no".to_owned(),
        }),
        look(tree('b')),
        own,
    ];
    let mut verdicts: Vec<Verdict> = reasons.iter().map(|it| judge(it, Ok(&reviews))).collect();
    verdicts.push(judge(&look(tree('b')), Err("line 3 is damaged".to_owned())));
    for mut verdict in verdicts {
        assert!(!verdict.passes(), "{verdict:?}");
        for language in [Language::En, Language::Zh] {
            let lines = words::lines(&verdict, way, language);
            assert!(!lines.is_empty(), "{verdict:?}");
            let text = lines.concat();
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
            let chinese = text.contains(|c: char| ('\u{4e00}'..'\u{9fff}').contains(&c));
            assert_eq!(chinese, language == Language::Zh, "{text}");
        }
        verdict.mode = GateMode::Warn;
        assert!(verdict.passes());
        let lines = words::lines(&verdict, way, Language::En);
        assert!(lines[0].starts_with("zhongshu warns: "), "{lines:?}");
        verdict.mode = GateMode::Off;
        assert!(verdict.passes());
        assert_eq!(words::lines(&verdict, way, Language::En), [""; 0]);
    }
    // What HEAD has already needs no journal.
    let unchanged = judge(&look(tree('a')), Err("gone".to_owned()));
    assert_eq!(unchanged.against, None);
}
