//! Who wrote it: every pair of what stands and what comes, for sessions with a tool and for programs that can only write files.

use crate::world::{World, assert_same, by_tool, proposal};
use chrono::{DateTime, Utc};
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::plan_files::{self, InFile};
use zhongshu::domain::flow::plan_reviews;
use zhongshu::domain::flow::plans::Reported;
use zhongshu::domain::flow::review_wanted::{self, SeenPlan};
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::plan::{Checked, PlanState, Proposal, Source};
use zhongshu::domain::plan_file::{MAX_BESIDE, MAX_FOUND, Why};
use zhongshu::domain::plan_review::{Judgement, Review};
use zhongshu::domain::refusal::Refusal;
use zhongshu::domain::session::Outcome;
use zhongshu::domain::state::State;

/// What stands as the plan when another one comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plan {
    Nothing,
    /// From the tool, or from a person through the API.
    Waits(Source),
    /// The same, and a person has decided.
    Rejected(Source),
    /// A file that a person took.
    Taken,
}

fn saying(summary: &str) -> Proposal {
    Proposal {
        summary: summary.to_owned(),
        ..proposal(&["gongchengbu"])
    }
}

impl World {
    fn without_tools(&mut self, id: &SessionId) {
        self.state.sessions.get_mut(id).unwrap().brief.driver = "script".into();
    }

    /// A plan comes through this door, as a file unless it is the API's.
    fn plan_comes(
        &mut self,
        planner: &SessionId,
        summary: &str,
        source: Source,
    ) -> Result<(), Refusal> {
        let written_at = self.now;
        self.plan_comes_at(planner, summary, source, written_at)
    }

    fn plan_comes_at(
        &mut self,
        planner: &SessionId,
        summary: &str,
        source: Source,
        written_at: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let proposal = saying(summary);
        self.decide(|state, policy| {
            let Checked { proposal, findings } = policy.catalog.look_at(proposal);
            let plan = Reported {
                checked: Checked { proposal, findings },
                source,
                written_at: Some(written_at),
            };
            let file = InFile {
                file: format!("plan-{summary}.json"),
                sha256: format!("bytes of {summary}"),
            };
            plan_files::come_in(state, &policy.catalog, planner, plan, file)
        })
    }

    fn take_file(&mut self, planner: &SessionId, summary: &str) -> Result<(), Refusal> {
        let digest = saying(summary).sha256();
        self.decide(|state, policy| {
            let (events, _) = plan_files::take(state, &policy.catalog, planner, &digest)?;
            Ok((events, ()))
        })
    }

    /// A person asks for the review of the plan with this summary.
    fn ask_for_review(
        &mut self,
        planner: &SessionId,
        version: u32,
        summary: &str,
    ) -> Result<(), Refusal> {
        let seen = SeenPlan {
            session_id: planner.clone(),
            version,
            plan_sha256: saying(summary).sha256(),
        };
        self.decide(|state, policy| review_wanted::ask(state, policy.catalog.review, &seen))
    }

    /// What the journal says so far.
    fn replayed(&self) -> State {
        let mut state = State::default();
        for (seq, at, event) in &self.log {
            let line = serde_json::to_string(event).unwrap();
            state.apply(*seq, *at, &serde_json::from_str(&line).unwrap());
        }
        state
    }

    fn beside(&self, planner: &SessionId) -> Vec<String> {
        let files = self.session(planner).plan_files.beside.iter();
        files.map(|one| one.file.proposal.summary.clone()).collect()
    }

    fn plan_is(&self, planner: &SessionId) -> Option<(&str, bool)> {
        let plan = self.session(planner).plan()?;
        Some((&plan.proposal.summary, plan.source.is_verified()))
    }
}

#[test]
fn plans_by_who_wrote_them() {
    use Plan::{Nothing, Rejected, Taken, Waits};
    use Source::{Api, Mailbox, Tool};
    let tool = [
        (Nothing, Tool, None),
        (Nothing, Api, None),
        (Nothing, Mailbox, Some(Why::PlannerHasTool)),
        (Waits(Tool), Tool, None),
        (Waits(Tool), Api, None),
        (Waits(Tool), Mailbox, Some(Why::PlannerHasTool)),
        (Waits(Api), Mailbox, Some(Why::PlannerHasTool)),
        (Rejected(Tool), Tool, None),
        (Rejected(Tool), Mailbox, Some(Why::PlannerHasTool)),
        (Taken, Tool, None),
        (Taken, Mailbox, Some(Why::PlannerHasTool)),
    ];
    let files_only = [
        (Nothing, Mailbox, None),
        (Nothing, Api, None),
        (Waits(Mailbox), Mailbox, None),
        (Waits(Mailbox), Api, None),
        (Waits(Api), Mailbox, Some(Why::VerifiedPlanWaits)),
        (Waits(Api), Api, None),
        (Rejected(Mailbox), Mailbox, None),
        (Rejected(Api), Mailbox, None),
        (Taken, Mailbox, None),
        (Taken, Api, None),
    ];
    let tables = [(true, tool.as_slice()), (false, files_only.as_slice())];
    for (has_tools, table) in tables {
        for (stands, comes, beside) in table {
            let case = format!("{stands:?} x {comes:?}, with a tool: {has_tools}");
            let mut world = World::new();
            world.reviewed(3);
            let planner = world.planner();
            if !has_tools {
                world.without_tools(&planner);
            }
            match stands {
                Nothing => {}
                Waits(source) | Rejected(source) => {
                    world.plan_comes(&planner, "first", *source).unwrap();
                }
                Taken => {
                    if !has_tools {
                        world.plan_comes(&planner, "a person's", Api).unwrap();
                    }
                    world.plan_comes(&planner, "first", Mailbox).unwrap();
                    world.take_file(&planner, "first").unwrap();
                }
            }
            if matches!(stands, Rejected(_)) {
                world
                    .decide(|state, policy| {
                        zhongshu::domain::flow::plans::reject(
                            state,
                            &policy.catalog,
                            &planner,
                            "no",
                        )
                    })
                    .unwrap();
            }
            let before = world.session(&planner).plan().cloned();
            world
                .plan_comes(&planner, "second", *comes)
                .unwrap_or_else(|refusal| panic!("{case}: {refusal}"));
            let wants_review = world.batches.last().unwrap().iter();
            let wants_review = wants_review
                .filter(|event| matches!(event, Event::PlanReviewRequested { .. }))
                .count();
            match beside {
                None => {
                    let expected = Some(("second", comes.is_verified()));
                    assert_eq!(world.plan_is(&planner), expected, "{case}");
                    // What nobody is known to have written starts nothing.
                    assert_eq!(wants_review, usize::from(comes.is_verified()), "{case}");
                }
                Some(why) => {
                    assert_eq!(world.session(&planner).plan(), before.as_ref(), "{case}");
                    assert_eq!(
                        wants_review, 0,
                        "{case}: a file from nobody starts a review"
                    );
                    assert_eq!(world.beside(&planner), ["second"], "{case}");
                    let file = &world.session(&planner).plan_files.beside[0].file;
                    assert_eq!(file.why, *why, "{case}");
                }
            }
        }
    }
}

#[test]
fn what_nobody_is_known_to_have_written_is_reviewed_by_a_persons_word_alone() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world.without_tools(&planner);
    // As many as come in at all: none starts a session, and none uses up a review.
    for number in 1..=MAX_FOUND {
        let summary = number.to_string();
        world
            .plan_comes(&planner, &summary, Source::Mailbox)
            .unwrap();
        assert_eq!(world.begin_review(&planner), None);
        let plan = world.session(&planner).plan().unwrap();
        assert_eq!(
            (plan.version, plan.state.word(), plan.review.word()),
            (number, "pending", "author_unknown")
        );
    }
    let newest = MAX_FOUND;
    let summary = newest.to_string();
    assert_eq!(plan_reviews::since_person(world.session(&planner)), (0, 0));
    // It does not pass without a reason, by its digest or around it.
    let lines = saying(&summary).assignments;
    for digest in [Some(saying(&summary).sha256()), None] {
        let refusal = world.confirm(&planner, lines.clone(), digest).unwrap_err();
        assert_eq!(refusal.code, "verdict_missing");
        assert!(refusal.to_string().contains("nobody is known"), "{refusal}");
    }
    // A person's word is for exactly one version and digest.
    for (version, summary) in [(newest - 1, "19"), (newest, "19"), (newest - 1, "20")] {
        let refusal = world
            .ask_for_review(&planner, version, summary)
            .unwrap_err();
        assert_eq!(refusal.code, "plan_changed", "{version} {summary}");
    }
    world.ask_for_review(&planner, newest, &summary).unwrap();
    assert_eq!(
        world.session(&planner).plan().unwrap().review,
        Review::Waiting { session_id: None }
    );
    let again = world
        .ask_for_review(&planner, newest, &summary)
        .unwrap_err();
    assert_eq!(again.code, "review_not_withheld");
    let reviewer = world.begin_review(&planner).unwrap();
    world.judges(&reviewer, Judgement::Approve).unwrap();
    world
        .confirm(&planner, lines, Some(saying(&summary).sha256()))
        .unwrap();
    let decided = world
        .ask_for_review(&planner, newest, &summary)
        .unwrap_err();
    assert_eq!(decided.code, "plan_decided");
    // The journal tells the same.
    let replayed = world.replayed();
    assert!(replayed.session(&planner).unwrap().plans == world.session(&planner).plans);
}

#[test]
fn what_nobody_is_known_to_have_written_can_be_confirmed_with_a_reason() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world.without_tools(&planner);
    world
        .plan_comes(&planner, "first", Source::Mailbox)
        .unwrap();
    let plan = saying("first");
    let mut wish = world.confirmation(&planner, plan.assignments.clone(), Some(plan.sha256()));
    wish.override_reason = Some("I saw it being written".to_owned());
    world.confirm_so(wish).unwrap();
    let confirmed = world.session(&planner).plan().unwrap();
    assert_eq!(
        confirmed.overruled.as_deref(),
        Some("I saw it being written")
    );
    // Without the setting nothing waits for a word.
    let mut world = World::new();
    let planner = world.planner();
    world.without_tools(&planner);
    world
        .plan_comes(&planner, "first", Source::Mailbox)
        .unwrap();
    assert_eq!(
        world.ask_for_review(&planner, 1, "first").unwrap_err().code,
        "review_not_withheld"
    );
    world
        .confirm(&planner, plan.assignments.clone(), Some(plan.sha256()))
        .unwrap();
}

#[test]
fn a_file_that_stands_beside_becomes_the_plan_by_a_persons_act_alone() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world.plan_comes(&planner, "mine", Source::Tool).unwrap();
    world
        .plan_comes(&planner, "whose", Source::Mailbox)
        .unwrap();
    // Nobody can confirm it, whatever is named.
    let digest = saying("whose").sha256();
    let refusal = world
        .confirm(&planner, saying("whose").assignments, Some(digest))
        .unwrap_err();
    assert_eq!(refusal.code, "plan_changed");
    assert_eq!(
        world.take_file(&planner, "other").unwrap_err().code,
        "unknown_plan_file"
    );
    world.take_file(&planner, "whose").unwrap();
    let plan = world.session(&planner).plan().unwrap();
    assert!(plan.taken && plan.state == PlanState::Pending && plan.version == 2);
    assert_eq!(plan.review, Review::Waiting { session_id: None });
    assert_eq!(world.plan_is(&planner), Some(("whose", false)));
    assert_eq!(
        world.session(&planner).plans[0].state,
        PlanState::Superseded
    );
    assert!(world.beside(&planner).is_empty());
    // The planner's own word is newer than any file, whenever the file was written.
    let earlier = world.now - chrono::TimeDelta::hours(1);
    world
        .plan_comes_at(&planner, "better", Source::Tool, earlier)
        .unwrap();
    assert_eq!(world.plan_is(&planner), Some(("better", true)));
}

#[test]
fn few_files_stand_beside_and_the_oldest_gives_way() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    for number in 0..MAX_BESIDE + 3 {
        world
            .plan_comes(&planner, &format!("{number}"), Source::Mailbox)
            .unwrap();
    }
    assert_eq!(world.beside(&planner), ["3", "4", "5", "6", "7"]);
    assert_eq!(world.session(&planner).plan_files.gave_way, 3);
    let gone = world.events().filter(|event| {
        matches!(
            event,
            Event::PlanFileFound {
                gave_way: Some(_),
                ..
            }
        )
    });
    assert_eq!(gone.count(), 3);
    assert!(
        !world
            .events()
            .any(|event| matches!(event, Event::PlanReviewRequested { .. }))
    );
    // The same bytes count once, also when they have gone; the same plan in other bytes stands there once.
    let before = world.log.len();
    world.plan_comes(&planner, "0", Source::Mailbox).unwrap();
    world.plan_comes(&planner, "5", Source::Mailbox).unwrap();
    assert_eq!(world.log.len(), before);
    // What a person takes away is gone, and a successor inherits the rest.
    let digest = saying("5").sha256();
    world
        .decide(|state, _| plan_files::discard(state, &planner, &digest))
        .unwrap();
    let successor = world.replace(&planner).unwrap();
    assert_eq!(world.beside(&successor), ["3", "4", "6", "7"]);
    // What a program obeys is looked at there as well: nothing that cannot be read stands beside.
    assert_same(&world.replayed(), &world.state);
}

#[test]
fn so_many_files_are_journalled_until_a_person_acts_and_further_ones_are_set_aside() {
    let found = |world: &World| {
        let all = world.events();
        all.filter(|event| matches!(event, Event::PlanFileFound { .. }))
            .count()
    };
    let mut world = World::new();
    let planner = world.planner();
    world.plan_comes(&planner, "mine", Source::Tool).unwrap();
    let mut number = 0;
    let mut flood = |world: &mut World, planner: &SessionId| {
        let mut taken = 0;
        loop {
            number += 1;
            let summary = format!("forged {number}");
            match world.plan_comes(planner, &summary, Source::Mailbox) {
                Ok(()) => taken += 1,
                Err(refusal) => {
                    assert_eq!(refusal.code, "too_many_plan_files");
                    return taken;
                }
            }
            assert!(taken <= 100, "there is no end to it");
        }
    };
    assert_eq!(flood(&mut world, &planner), 20);
    assert_eq!(found(&world), 20);
    // One that is known already is no further one, and the planner's own word comes in as ever.
    world
        .plan_comes(&planner, "forged 1", Source::Mailbox)
        .unwrap();
    world.plan_comes(&planner, "better", Source::Tool).unwrap();
    assert_eq!(world.plan_is(&planner), Some(("better", true)));
    assert_eq!(flood(&mut world, &planner), 0);
    // Each act of a person's makes room.
    let newest = world.session(&planner).plan_files.beside[4]
        .file
        .plan_sha256
        .clone();
    world
        .decide(|state, _| plan_files::discard(state, &planner, &newest))
        .unwrap();
    assert_eq!(flood(&mut world, &planner), 20);
    world
        .decide(|state, policy| {
            zhongshu::domain::flow::plans::reject(state, &policy.catalog, &planner, "no")
        })
        .unwrap();
    assert_eq!(flood(&mut world, &planner), 20);
    let summary = world.beside(&planner)[4].clone();
    world.take_file(&planner, &summary).unwrap();
    assert_eq!(flood(&mut world, &planner), 20);
    let plan = saying(&summary);
    world
        .confirm(&planner, plan.assignments.clone(), Some(plan.sha256()))
        .unwrap();
    assert_eq!(flood(&mut world, &planner), 20);
    assert_eq!(found(&world), 100);
    assert_same(&world.replayed(), &world.state);
}

#[test]
fn so_many_bare_plans_of_a_program_are_versions_until_a_person_acts() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world.without_tools(&planner);
    let mut number = 0;
    let mut flood = |world: &mut World| {
        let before = world.session(&planner).plans.len();
        loop {
            number += 1;
            let summary = format!("plan {number}");
            match world.plan_comes(&planner, &summary, Source::Mailbox) {
                Ok(()) => assert!(number <= 200, "there is no end to it"),
                Err(refusal) => {
                    assert_eq!(refusal.code, "too_many_plan_files");
                    return world.session(&planner).plans.len() - before;
                }
            }
        }
    };
    assert_eq!(flood(&mut world), 20);
    assert_eq!(flood(&mut world), 0);
    // The same plan again is nothing new, and a person's own comes in.
    world
        .plan_comes(&planner, "plan 20", Source::Mailbox)
        .unwrap();
    // Each act of a person's makes room.
    world.ask_for_review(&planner, 20, "plan 20").unwrap();
    assert_eq!(flood(&mut world), 20);
    world
        .decide(|state, policy| {
            zhongshu::domain::flow::plans::reject(state, &policy.catalog, &planner, "no")
        })
        .unwrap();
    assert_eq!(flood(&mut world), 20);
    world.plan_comes(&planner, "mine", Source::Api).unwrap();
    let plan = saying("mine");
    let mut wish = world.confirmation(&planner, plan.assignments.clone(), Some(plan.sha256()));
    wish.override_reason = Some("it is mine".to_owned());
    world.confirm_so(wish).unwrap();
    assert_eq!(flood(&mut world), 20);
    let replayed = world.replayed();
    assert!(replayed.session(&planner).unwrap().plan_files == world.session(&planner).plan_files);
}

#[test]
fn a_plan_that_waited_for_a_word_passes_when_plans_are_not_reviewed_any_more() {
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world.without_tools(&planner);
    world
        .plan_comes(&planner, "first", Source::Mailbox)
        .unwrap();
    world.policy.catalog.review.required = false;
    let refusal = world.ask_for_review(&planner, 1, "first").unwrap_err();
    assert_eq!(refusal.code, "reviews_are_off", "{refusal}");
    let plan = saying("first");
    world
        .confirm(&planner, plan.assignments.clone(), Some(plan.sha256()))
        .unwrap();
    assert_eq!(world.session(&planner).plan().unwrap().overruled, None);
    // A verdict that is still awaited is wanted no more, but a veto that was given stands.
    for vetoed in [false, true] {
        let mut world = World::new();
        world.reviewed(3);
        let planner = world.planner();
        world.plan_comes(&planner, "first", Source::Tool).unwrap();
        let reviewer = world.begin_review(&planner).unwrap();
        if vetoed {
            world.judges(&reviewer, Judgement::Veto).unwrap();
        }
        world.policy.catalog.review.required = false;
        let confirmed = world.confirm(&planner, plan.assignments.clone(), Some(plan.sha256()));
        match vetoed {
            false => drop(confirmed.unwrap()),
            true => assert_eq!(confirmed.unwrap_err().code, "plan_vetoed"),
        }
    }
}

/// What is there when a report comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Nothing,
    Bare,
    Verified,
    Fallback,
}

/// What comes in, and when it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Comes {
    Verified,
    Bare,
    /// Written before its session ended, read afterwards.
    BareInTime,
}

#[test]
fn results_by_who_wrote_them() {
    use Comes::{Bare, BareInTime, Verified};
    let table = [
        (Stands::Nothing, Bare, Ok(2)),
        (Stands::Nothing, Verified, Ok(2)),
        (Stands::Bare, Bare, Ok(3)),
        (Stands::Bare, Verified, Ok(3)),
        (Stands::Verified, Bare, Err("already_reported")),
        (Stands::Verified, Verified, Ok(3)),
        (Stands::Fallback, Bare, Err("session_ended")),
        (Stands::Fallback, BareInTime, Ok(3)),
        (Stands::Fallback, Verified, Ok(3)),
    ];
    for with_tool in [true, false] {
        for (stands, comes, expected) in table {
            if !with_tool && (comes == Verified || stands == Stands::Verified) {
                continue;
            }
            let mut world = World::new();
            let planner = world.planner();
            let id = world.department(&planner);
            if !with_tool {
                world.state.sessions.get_mut(&id).unwrap().brief.driver = "script".into();
            }
            let in_time = world.submission(&id, "second");
            match stands {
                Stands::Nothing => {}
                Stands::Bare => drop(world.submit(world.submission(&id, "first")).unwrap()),
                Stands::Verified => drop(world.reports_by_tool(&id, "first")),
                Stands::Fallback => world.close(&id, Outcome::Silent),
            }
            let comes_in = match comes {
                Verified => by_tool(world.submission(&id, "second")),
                Bare => {
                    world.now += chrono::TimeDelta::milliseconds(1);
                    world.submission(&id, "second")
                }
                BareInTime => in_time,
            };
            let case = format!("{stands:?} x {comes:?}, with a tool: {with_tool}");
            let before = match stands {
                Stands::Nothing => 0,
                _ => world.report_of(&id).revisions.len(),
            };
            let taken = world.submit(comes_in);
            match expected {
                Ok(_) => {
                    taken.unwrap_or_else(|refusal| panic!("{case}: {refusal}"));
                    let report = world.report_of(&id);
                    assert_eq!(report.revisions.len(), before + 1, "{case}");
                    assert_eq!(report.current().verified, comes == Verified, "{case}");
                }
                Err(code) => {
                    assert_eq!(taken.map_err(|refusal| refusal.code), Err(code), "{case}");
                    assert_eq!(world.report_of(&id).revisions.len(), before, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_verdict_by_file_counts_for_a_program_alone() {
    for has_thread in [true, false] {
        let mut world = World::new();
        world.reviewed(3);
        world.menxia_runs_on(None);
        let planner = world.planner();
        world
            .report_plan(&planner, proposal(&["gongchengbu"]))
            .unwrap();
        let reviewer = world.begin_review(&planner).unwrap();
        if has_thread {
            world.happen(zhongshu::domain::event::Event::SessionThreadOpened {
                session_id: reviewer.clone(),
                thread_id: "t-9".to_owned(),
            });
        }
        // It runs on Codex, also before its thread is there.
        let refusal = world.judges(&reviewer, Judgement::Approve).unwrap_err();
        assert_eq!(refusal.code, "not_yours", "thread: {has_thread}");
        let plan = world.session(&planner).plan().unwrap();
        assert!(matches!(plan.review, Review::Waiting { .. }));
    }
    let mut world = World::new();
    world.reviewed(3);
    let planner = world.planner();
    world
        .report_plan(&planner, proposal(&["gongchengbu"]))
        .unwrap();
    let reviewer = world.begin_review(&planner).unwrap();
    world.judges(&reviewer, Judgement::Approve).unwrap();
    let plan = world.session(&planner).plan().unwrap();
    assert!(
        plan.review
            .verdict()
            .is_some_and(|verdict| !verdict.verified)
    );
}

#[test]
fn a_journal_of_before_replays_to_what_it_was() {
    let mut world = World::new();
    let planner = world.planner();
    // Files were plans for every planner once, and events said nothing of who took them.
    let line = serde_json::json!({
        "event": "zhongshu_plan_registered",
        "session_id": planner,
        "version": 1,
        "plan_sha256": saying("old").sha256(),
        "summary": saying("old").summary,
        "assignments": saying("old").assignments,
        "source": "mailbox",
    });
    world.happen(serde_json::from_value(line).unwrap());
    let plan = world.session(&planner).plan().unwrap();
    assert_eq!((plan.state.word(), plan.taken), ("pending", false));
    assert!(world.beside(&planner).is_empty());
    // It can be confirmed as it could be, and gives way to the planner's own word.
    world.plan_comes(&planner, "mine", Source::Tool).unwrap();
    assert_eq!(world.plan_is(&planner), Some(("mine", true)));
}
