//! What needs a yes, and what a yes is for.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::ask::rule::{Allows, Rule, Scope};
use crate::domain::harness::controls::FilesystemSandbox;

fn codex(sandbox: Sandbox, approval: Approval) -> Held {
    Held::Codex { sandbox, approval }
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_only_narrows_needs_no_yes() {
    let mut asked = Powers::default();
    asked.give(PLANNER, codex(Sandbox::ReadOnly, Approval::Untrusted));
    asked.give(
        department("a"),
        codex(Sandbox::ReadOnly, Approval::OnRequest),
    );
    asked.give(
        department("b"),
        codex(Sandbox::WorkspaceWrite, Approval::Untrusted),
    );
    asked.give(REVIEWS, codex(Sandbox::ReadOnly, Approval::OnRequest));
    assert_eq!(asked, Powers::default());
    assert!(Powers::default().covers(&asked));
}

#[test]
fn every_wider_wall_and_every_program_needs_one() {
    let wider = [
        (PLANNER, codex(Sandbox::WorkspaceWrite, Approval::OnRequest)),
        (REVIEWS, codex(Sandbox::WorkspaceWrite, Approval::OnRequest)),
        (
            "departments.a",
            codex(Sandbox::DangerFullAccess, Approval::Untrusted),
        ),
        ("departments.a", codex(Sandbox::ReadOnly, Approval::Never)),
        (
            OTHERS,
            Held::Nothing {
                driver: "x".to_owned(),
            },
        ),
    ];
    for (who, held) in wider {
        let mut asked = Powers::default();
        asked.give(who, held.clone());
        assert_eq!(asked.sessions.len(), 1, "{who} {held:?}");
        assert!(!Powers::default().covers(&asked), "{who} {held:?}");
        assert!(asked.covers(&asked));
    }
}

#[test]
fn a_yes_is_for_the_walls_together() {
    let mut approved = Powers::default();
    let careful = codex(Sandbox::DangerFullAccess, Approval::Untrusted);
    approved.give("departments.a", careful);
    // It asked before everything; without that it is another power.
    let wider = codex(Sandbox::DangerFullAccess, Approval::OnRequest);
    assert!(!approved.allows("departments.a", &wider));
    let narrower = codex(Sandbox::WorkspaceWrite, Approval::Untrusted);
    assert!(approved.allows("departments.a", &narrower));
    assert!(!approved.allows(
        "departments.b",
        &codex(Sandbox::DangerFullAccess, Approval::Untrusted)
    ));
}

#[test]
fn a_yes_to_a_program_is_for_its_command_line_and_for_who_runs_it() {
    let mut approved = Powers::default();
    approved
        .commands
        .insert("x".to_owned(), command(&["x", "{prompt_file}"]));
    approved.give(
        "departments.a",
        Held::Nothing {
            driver: "x".to_owned(),
        },
    );
    let asks = |words: &[&str], files: &[(&str, Seal)]| {
        let mut asked = Powers::default();
        asked.commands.insert("x".to_owned(), command(words));
        if !files.is_empty() {
            let files = files.iter().cloned();
            let files = files.map(|(name, seal)| (name.to_owned(), seal));
            asked.files.insert("x".to_owned(), files.collect());
        }
        asked
    };
    let words = ["x", "{prompt_file}"];
    assert!(approved.runs("x", &asks(&words, &[])));
    assert!(!approved.runs("x", &asks(&["x", "{prompt_file} "], &[])));
    assert!(!approved.runs("y", &asks(&words, &[])));
    // And for what it names.
    let file = |content: &str| [("a", Seal::Sha256(content.to_owned()))];
    let with_file = asks(&words, &file("1"));
    assert!(!approved.runs("x", &with_file));
    assert!(with_file.runs("x", &with_file));
    for other in [asks(&words, &file("2")), asks(&words, &[])] {
        assert!(!with_file.runs("x", &other));
        assert!(!with_file.covers(&other));
    }
    let unread = asks(&words, &[("a", Seal::Unread)]);
    assert!(!unread.runs("x", &unread), "nobody has looked");
    assert!(!approved.allows(
        "departments.b",
        &Held::Nothing {
            driver: "x".to_owned()
        }
    ));
    assert!(!approved.allows(
        "departments.a",
        &Held::Nothing {
            driver: "y".to_owned()
        }
    ));
    // Back in Codex's walls it needs nothing.
    assert!(approved.allows("departments.a", &Held::safe("departments.a")));
}

#[test]
fn the_digest_names_the_content() {
    let mut one = Powers::default();
    let empty = one.sha256();
    one.commands.insert("x".to_owned(), command(&["a b"]));
    let mut other = Powers::default();
    other.commands.insert("x".to_owned(), command(&["a", "b"]));
    assert_eq!(empty.len(), 64);
    assert_ne!(one.sha256(), empty);
    assert_ne!(one.sha256(), other.sha256());
    let back: Powers = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    assert_eq!(back, one);
}

#[test]
fn a_yes_shrinks_with_what_is_asked_for() {
    let mut approved = Powers::default();
    let open = codex(Sandbox::DangerFullAccess, Approval::Never);
    for name in ["a", "b", "c"] {
        approved.give(department(name), open.clone());
        approved.commands.insert(name.to_owned(), command(&[name]));
    }
    approved.run_verify = true;
    let mut asked = Powers::default();
    let narrower = codex(Sandbox::DangerFullAccess, Approval::OnRequest);
    let other = Held::Nothing {
        driver: "c".to_owned(),
    };
    asked.give(department("b"), narrower.clone());
    asked.give(department("c"), other);
    asked.commands.insert("c".to_owned(), command(&["c", "d"]));
    let left = approved.narrowed_to(&asked);
    assert_eq!(
        left.sessions,
        [(department("b"), narrower), (department("c"), open)].into()
    );
    // What says something else stays, so that the question can show both.
    assert_eq!(left.commands, [("c".to_owned(), command(&["c"]))].into());
    assert!(!left.run_verify);
    assert!(!left.covers(&approved));
    assert_eq!(approved.narrowed_to(&approved), approved);
    assert_eq!(left.narrowed_to(&asked), left);
}

#[test]
fn a_yes_of_an_older_journal_is_one_to_no_file() {
    let older = r#"{"commands":{"x":["sh","a"]},"sessions":{},"run_verify":false}"#;
    let powers: Powers = serde_json::from_str(older).unwrap();
    assert_eq!(serde_json::to_string(&powers).unwrap(), older);
}

#[test]
fn the_question_shows_each_entry_with_what_it_was() {
    let mut approved = Powers::default();
    approved
        .commands
        .insert("x".to_owned(), command(&["x", "-a"]));
    let mut asked = Powers::default();
    asked.commands.insert("x".to_owned(), command(&["x", "-b"]));
    asked.give(
        PLANNER,
        Held::Nothing {
            driver: "x".to_owned(),
        },
    );
    asked.run_verify = true;
    let lines: Vec<_> = asked
        .lines(&approved)
        .into_iter()
        .map(|it| (it.entry, it.before, it.now, it.approved))
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        lines,
        [
            (
                "drivers.x.command".to_owned(),
                text("x -a"),
                text("x -b"),
                false
            ),
            ("planner".to_owned(), None, text("x"), false),
            ("run_verify".to_owned(), None, text("true"), false),
        ]
    );
}

#[test]
fn a_command_line_hides_nothing() {
    let shown = command_line(&command(&[
        "sh",
        "-c",
        "a'b",
        "",
        "{repo}",
        "x\u{202e}\u{200b}\n\u{e0041}y",
    ]));
    assert_eq!(
        shown,
        r"sh -c 'a'\''b' '' {repo} 'x⟨U+202E⟩⟨U+200B⟩⟨U+000A⟩⟨U+E0041⟩y'"
    );
}

#[test]
fn a_program_that_is_told_of_things_needs_a_yes_to_its_command_line() {
    let mut asked = Powers {
        notify: command(&["notify-send", "-u\u{202e}"]),
        ..Powers::default()
    };
    assert!(!Powers::default().covers(&asked) && asked.covers(&asked));
    let lines = asked.lines(&Powers::default());
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].entry.as_str(), lines[0].approved),
        ("notify", false)
    );
    assert_eq!(lines[0].now.as_deref(), Some("notify-send '-u⟨U+202E⟩'"));
    let approved = asked.clone();
    asked.notify.push("more".to_owned());
    assert!(!approved.covers(&asked));
    // What the file has stopped to ask for needs a new yes to come back.
    asked.notify.clear();
    assert!(approved.covers(&asked));
    assert_eq!(approved.narrowed_to(&asked), Powers::default());
}

#[test]
fn a_rule_that_answers_for_the_person_needs_a_yes_to_exactly_what_it_says() {
    let rule = |prefix: &[&str], unsandboxed| {
        let allows = Allows::Command {
            prefix: command(prefix),
            unsandboxed,
        };
        Rule::written(Scope::Repository, allows)
    };
    let mut asked = Powers {
        allow: vec![rule(&["git", "status"], false)],
        ..Powers::default()
    };
    assert!(!Powers::default().covers(&asked) && asked.covers(&asked));
    let lines = asked.lines(&Powers::default());
    assert_eq!(lines[0].entry, "allow");
    assert_eq!(lines[0].now.as_deref(), Some("command: git status"));
    assert!(!lines[0].approved && !lines[0].unsandboxed);
    // The same rule where it counts for more is another one, and so is one more.
    let approved = asked.clone();
    asked.allow = vec![rule(&["git", "status"], true)];
    assert!(!approved.covers(&asked) && asked.lines(&approved)[0].unsandboxed);
    assert_ne!(asked.allow[0].rule_id, approved.allow[0].rule_id);
    // Gone, it needs a new yes to come back.
    asked.allow.clear();
    assert!(approved.covers(&asked));
    assert_eq!(approved.narrowed_to(&asked), Powers::default());
}

#[test]
fn ceilings_of_the_harness_are_raised_by_a_yes_and_lowered_without() {
    let wide = Ceilings {
        exec: true,
        folders: vec!["/srv/other".into()],
        sandbox: FilesystemSandbox::DangerFullAccess,
        ..Ceilings::default()
    };
    let mut asked = Powers {
        harness: wide.beyond_default(),
        ..Powers::default()
    };
    assert!(!Powers::default().covers(&asked) && asked.covers(&asked));
    let lines = asked.lines(&Powers::default());
    let shown: Vec<_> = lines
        .iter()
        .map(|it| {
            (
                it.entry.as_str(),
                it.now.as_deref(),
                it.approved,
                it.unsandboxed,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("harness.sandbox", Some("danger-full-access"), false, true),
            ("harness.folders", Some("/srv/other"), false, false),
            ("harness.exec", Some("true"), false, false),
        ]
    );
    let approved = asked.clone();
    assert!(asked.lines(&approved).iter().all(|line| line.approved));
    // Back to the default, it needs a new yes to come back.
    asked.harness = Ceilings::default();
    assert_eq!(approved.narrowed_to(&asked), Powers::default());
    // What says less than the default was never a power.
    let narrow = Ceilings {
        sandbox: FilesystemSandbox::ReadOnly,
        ..Ceilings::default()
    };
    assert!(narrow.beyond_default().is_default());
}
