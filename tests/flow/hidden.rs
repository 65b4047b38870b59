//! Characters that nobody sees: refused where a program would obey them, told of everywhere else.

use crate::world::{World, proposal, work};
use zhongshu::domain::message::Purpose;
use zhongshu::domain::plan::{PlanCheck, PlanLevel, PlannedAssignment};
use zhongshu::domain::shown;

/// One of each kind that a person would not notice in a command.
const UNSEEN: [char; 14] = [
    '\u{202e}',
    '\u{2069}',
    '\u{200e}',
    '\u{61c}',
    '\u{200b}',
    '\u{200d}',
    '\u{2060}',
    '\u{feff}',
    '\u{e0041}',
    '\u{ad}',
    '\u{180e}',
    '\u{3164}',
    '\u{fe0f}',
    '\n',
];

fn line(change: impl FnOnce(&mut PlannedAssignment)) -> PlannedAssignment {
    let mut line = work("gongchengbu", "prune the trees");
    change(&mut line);
    line
}

#[test]
fn what_a_program_obeys_holds_nothing_that_a_person_does_not_see() {
    let mut world = World::new();
    let planner = world.planner();
    for c in UNSEEN {
        let shown = format!("U+{:04X}", u32::from(c));
        let lines = [
            (
                "files[1]",
                line(|it| it.files = vec!["src/a".into(), format!("src/{c}b")]),
            ),
            (
                "verify[0]",
                line(|it| it.verify = vec![format!("git {c}diff")]),
            ),
        ];
        for (field, line) in lines {
            let lines = vec![work("menxia", "look"), line];
            let mut plan = proposal(&[]);
            plan.summary = "prune".into();
            plan.assignments.clone_from(&lines);
            let refusal = world.report_plan(&planner, plan).unwrap_err();
            assert_eq!(refusal.code, "hidden_character", "{shown}");
            let says = |part: &str| assert!(refusal.to_string().contains(part), "{refusal}");
            says(&format!("assignments[1].{field}: "));
            says(&shown);
            says(match c {
                '\n' => "give each line an entry of its own",
                _ => "leave it out",
            });
            // A person's own words are looked at as well.
            let refusal = world.confirm(&planner, lines, None).unwrap_err();
            assert_eq!(refusal.code, "hidden_character", "{shown}");
        }
    }
    assert!(world.session(&planner).plans.is_empty());
}

#[test]
fn what_a_plan_hides_elsewhere_is_told_and_kept_as_data() {
    let mut world = World::new();
    let planner = world.planner();
    let mut plan = proposal(&["gongchengbu", "menxia"]);
    plan.summary = "tidy\u{e0041}\u{e0042}".into();
    plan.assignments[1].task = "look \u{202e}\u{200b}\u{202e}at it".into();
    plan.assignments[1].reason = "wh\u{2066}y".into();
    world.report_plan(&planner, plan.clone()).unwrap();
    let stored = world.session(&planner).plan().unwrap();
    assert_eq!(
        *stored.proposal, plan,
        "the journal has the data as it came"
    );
    let found = stored.findings.iter().flatten();
    let found: Vec<_> = found
        .filter(|finding| finding.check == PlanCheck::HiddenCharacters)
        .map(|finding| {
            (
                finding.assignments.clone(),
                finding.level,
                finding.message.en.as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                vec![1],
                PlanLevel::Warning,
                "characters that nobody sees (U+202E, U+200B, U+2066) in: task, reason; the form leaves them out"
            ),
            (
                vec![],
                PlanLevel::Warning,
                "the summary holds characters that nobody sees (U+E0041, U+E0042); they are spelled out here"
            ),
        ]
    );
    // An emoji, and a language that is spelled with joiners, hide nothing.
    plan.summary = "\u{1f469}\u{200d}\u{1f4bb} \u{645}\u{6cc}\u{200c}\u{62e}".into();
    plan.assignments.truncate(1);
    world.report_plan(&planner, plan).unwrap();
    let stored = world.session(&planner).plan().unwrap();
    let mut found = stored.findings.iter().flatten();
    assert!(!found.any(|finding| finding.check == PlanCheck::HiddenCharacters));
}

#[test]
fn one_agents_words_reach_another_spelled_out() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    let mut plan = proposal(&["gongchengbu"]);
    plan.assignments[0].task = "prune\u{e0041} it".into();
    let receipt = world.report_plan(&planner, plan.clone()).unwrap();
    let reviewer = world.begin_review(&planner).unwrap();
    let mut wish = world.confirmation(&planner, plan.assignments, Some(receipt.plan_sha256));
    wish.override_reason = Some("in a hurry".into());
    world.confirm_so(wish).unwrap();
    let department = world.dispatch().unwrap();
    let mut submission = world.submission(&department, "done \u{202e}well");
    submission.findings.risks = vec!["no\u{200b}ne".into()];
    world.submit(submission).unwrap();
    let told = world.owed(&planner, Purpose::Result)[0].text.clone();
    let successor = world.replace(&planner).unwrap();
    for (text, expected) in [
        (world.prompt(&reviewer), "prune⟨U+E0041⟩ it"),
        (world.prompt(&department), "prune⟨U+E0041⟩ it"),
        (told.clone(), "done ⟨U+202E⟩well"),
        (told.clone(), "no⟨U+200B⟩ne"),
        (world.prompt(&successor), "done ⟨U+202E⟩well"),
    ] {
        assert!(text.contains(expected), "{text}");
        assert_eq!(shown::hidden(&text).count(), 0, "{text}");
    }
    assert!(
        told.contains("whoever can write into the mailbox may have written it"),
        "{told}"
    );
}
