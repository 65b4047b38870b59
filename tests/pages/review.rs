//! The review page of real repositories: an ordinary one, and one in which every text comes from an enemy.

use super::LANGUAGES;
use super::rules::dictionary;
use super::samples::work;
use chrono::Utc;
use std::path::Path;
use zhongshu::domain::event::Event;
use zhongshu::domain::language::Language;
use zhongshu::domain::review::{Approval, CommitSeen, GitId, Rejection, RiskCounts, Staged};
use zhongshu::domain::state::State;
use zhongshu::gate::review::{Wanted, read};
use zhongshu::git::diff::{OVERVIEW, WHOLE_FILE};
use zhongshu::governance::judging::RulesCache;
use zhongshu::governance::report::ReportRequest;
use zhongshu::web::api::reviews::{ReviewView, Stage, assemble};
use zhongshu::web::pages::{Words, render_review, render_review_file};
use zhongshu::web::views::work::seen;

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'<script>{{7*7}} &lt;b&gt;";

/// A repository with one commit and a little of everything staged; `say` makes each text.
fn repository(folder: &Path, say: &dyn Fn(&str) -> String) {
    let repo = git2::Repository::init(folder).unwrap();
    let write = |name: &str, text: &[u8]| {
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    };
    let stage = || {
        let mut index = repo.index().unwrap();
        let all = ["*"];
        index
            .add_all(all, git2::IndexAddOption::DEFAULT, None)
            .unwrap();
        index.update_all(all, None).unwrap();
        index.write().unwrap();
        index
    };
    let (main, old) = (format!("src/{}", say("main.rs")), say("old.txt"));
    write(&main, say("one\n").as_bytes());
    let body: String = (0..30).map(|n| format!("line {n}\n")).collect();
    write(&old, body.as_bytes());
    let rules = format!(
        "risk_rules: [{{name: mine, level: high, pattern: src/, message: {}}}]\n",
        serde_json::to_string(&say("look here")).unwrap()
    );
    write("governance.yaml", rules.as_bytes());
    let tree = repo.find_tree(stage().write_tree().unwrap()).unwrap();
    let who = git2::Signature::now("mei", "mei@localhost").unwrap();
    repo.commit(Some("HEAD"), &who, &who, "start", &tree, &[])
        .unwrap();
    write(
        &main,
        format!("{}\nadded \u{202e}\n", say("two")).as_bytes(),
    );
    std::fs::rename(folder.join(&old), folder.join(say("new.txt"))).unwrap();
    write("binary", &[0, 1, 2]);
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid {}\nsize 5\n",
        say("o")
    );
    write("film", pointer.as_bytes());
    write("wide", "x".repeat(2_000).as_bytes());
    let long: String = (0..700).map(|n| format!("{n}\n")).collect();
    write("long", long.as_bytes());
    write("governance.yaml", format!("gate: warn\n{rules}").as_bytes());
    stage();
}

fn view(folder: &Path, state: &State, only: Option<usize>) -> ReviewView {
    let limits = only.map_or(OVERVIEW, |_| WHOLE_FILE);
    let wanted = Some(Wanted { limits, only });
    let review = read(
        folder,
        &mut RulesCache::default(),
        &ReportRequest::default(),
        wanted,
        &seen(state),
    )
    .unwrap();
    assemble(state, Some(false), review, Language::En)
}

fn staged(view: &ReviewView) -> Staged {
    Staged {
        tree: view.tree.clone().unwrap(),
        base_tree: view.base_tree.clone(),
        head: None,
        branch: None,
    }
}

fn approval(staged: Staged, note: Option<String>) -> Event {
    Event::TreeApproved {
        approval: Approval {
            staged,
            report_id: "report-1".to_owned(),
            report_digest: "sha256:0".to_owned(),
            files: 1,
            risks: RiskCounts::default(),
            plans: Vec::new(),
            note,
            by: "person".to_owned(),
        },
    }
}

fn around(say: &dyn Fn(&str) -> String) -> Event {
    let id = |digit: &str| GitId::parse(&digit.repeat(40)).unwrap();
    Event::CommitUnapproved {
        seen: CommitSeen {
            commit: id("c"),
            tree: id("d"),
            base_tree: None,
            branch: Some(say("side")),
            subject: say("went around"),
            report_id: None,
            older: None,
        },
        mode: zhongshu::domain::review::GateMode::Enforce,
    }
}

/// Pages in every stage, with what the work page says and one whole file.
fn pages(say: &dyn Fn(&str) -> String, language: Language) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    repository(&root, say);
    let departments = zhongshu::domain::department::built_in();
    let mut state = State::default();
    let mut seq = 0;
    let mut apply = |state: &mut State, event: Event| {
        seq += 1;
        state.apply(seq, Utc::now(), &event);
    };
    apply(&mut state, around(say));
    for event in work::events(say, &format!("src/{}", say("main.rs"))) {
        apply(&mut state, event);
    }
    let open = view(&root, &state, None);
    assert_eq!((open.stage, open.files.len()), (Stage::Open, 7));
    let mut pages = vec![render_review(&open, &departments, language).unwrap()];
    let now = staged(&open);
    let other = Staged {
        tree: GitId::parse(&"e".repeat(40)).unwrap(),
        ..now.clone()
    };
    let rejection = Rejection {
        plans: Vec::new(),
        staged: now.clone(),
        reason: say("not like this"),
        by: "person".to_owned(),
    };
    for event in [
        approval(other, None),
        Event::TreeRejected { rejection },
        approval(now, Some(say("fine"))),
    ] {
        apply(&mut state, event);
        let view = view(&root, &state, None);
        pages.push(render_review(&view, &departments, language).unwrap());
    }
    let stages = ["changed", "rejected", "approved"];
    for (page, stage) in pages[1..].iter().zip(stages) {
        let word = Words::of(language).word("review.stage", stage).into_owned();
        assert!(page.contains(&format!(">{word}</span>")), "{stage}");
    }
    let long = open.files.iter().position(|it| it.path == "long").unwrap();
    let whole = view(&root, &state, Some(long));
    pages.push(render_review_file(&whole, long, language).unwrap().unwrap());
    assert_eq!(render_review_file(&whole, 99, language).unwrap(), None);
    pages
}

#[test]
fn hostile_text_stays_text() {
    for language in LANGUAGES {
        let benign = pages(&str::to_owned, language);
        let attacked = pages(&|text| format!("{HOSTILE}{text}"), language);
        for (benign, attacked) in benign.iter().zip(&attacked) {
            assert!(!attacked.contains("<img") && !attacked.contains("<script"));
            assert!(
                !attacked.contains("&lt;b&gt;"),
                "shown without being escaped again"
            );
            for mark in ['<', '>', '"'] {
                let count = |text: &str| text.matches(mark).count();
                assert_eq!(count(benign), count(attacked), "{mark}\n{attacked}");
            }
        }
        assert!(
            attacked[0].contains("&#60;img src=x"),
            "it is not shown at all"
        );
        assert!(attacked[0].contains("U+202E") && !attacked[0].contains('\u{202e}'));
    }
}

#[test]
fn both_languages_render_without_a_missing_word() {
    let words = dictionary(Language::En);
    for language in LANGUAGES {
        for (number, text) in pages(&str::to_owned, language).into_iter().enumerate() {
            for key in words.keys().filter(|key| key.contains('.')) {
                for leak in [format!(">{key}<"), format!("> {key} <")] {
                    assert!(!text.contains(&leak), "{key} shows itself");
                }
            }
            assert!(!text.contains("{0}") && !text.contains("{1}"));
            // A whole file of numbers has no words at all.
            let chinese = text.contains(|c: char| ('\u{4e00}'..'\u{9fff}').contains(&c));
            assert_eq!(chinese, language == Language::Zh && number != 4, "{text}");
        }
    }
}

#[test]
fn a_decision_names_what_was_drawn_and_more_is_asked_for_by_it() {
    let pages = pages(&str::to_owned, Language::En);
    let open = &pages[0];
    let tree = open.split("data-tree=\"").nth(1).unwrap()[..40].to_owned();
    let form = open.split("data-form=\"approve\"").nth(1).unwrap();
    let form = form.split("</form>").next().unwrap();
    assert!(form.contains(&format!("data-tree=\"{tree}\"")), "{form}");
    assert!(form.contains("data-digest=\"sha256:"), "{form}");
    let more = open.split("data-do=\"review-file\"").nth(1).unwrap();
    assert!(more.starts_with(" data-file=\"") && more.contains(&tree));
    assert!(open.contains("200 lines of this comparison are not shown here."));
    assert!(open.contains("+1000 characters not shown"));
    assert!(open.contains("Approving this also sets the commit gate to: warn."));
    // What is approved can only be taken back.
    assert!(!pages[3].contains("data-form=\"approve\""));
    assert!(pages[3].contains("Take the approval back"));
    // A whole file has nothing more to ask for.
    assert!(!pages[4].contains("data-do=\"review-file\""));
}

#[test]
fn the_work_behind_it_is_shown_with_what_was_seen_of_it() {
    let pages = pages(&str::to_owned, Language::En);
    let page = &pages[0];
    for part in [
        // The plan, what menxia said of it, and why the person went on.
        "Menxia vetoed the plan",
        "the second line has no checks",
        "nothing proves it",
        "it is urgent",
        // The department, held against the tree.
        "1 outside the assignment",
        "1 reported, not changed",
        "1 changed after the report",
        "data-form=\"accept-changes\"",
        // Its checks: one refuted, one that nobody ran.
        ">refuted</span>",
        "exit code 101",
        "test result: FAILED",
        ">not run</span> <code>cargo clippy</code>",
        // Whose each file is.
        "changed by Domain (lingyubu)",
        "or another",
        "changed after its end",
        "no department&#39;s",
        // What asks for nothing is one line.
        "Nothing of it is staged.",
        "Open questions about the work behind it: 1",
    ] {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
    assert_eq!(page.matches("changed by Domain").count(), 1);
}
