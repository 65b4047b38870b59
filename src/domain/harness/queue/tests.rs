//! The queue held against a model of it that is simple to the point of being slow, and its bounds one by one.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::harness::job::{JobId, SuggestRequest, Work};
use crate::domain::harness::jobs::{ENDED_IN_ALL, ENDED_PER_PROJECT};
use proptest::prelude::*;
use serde_json::json;

fn second(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + at, 0).unwrap()
}

fn new(project: usize, priority: Priority, dedupe: Dedupe, key: &str) -> NewJob {
    NewJob {
        project_id: ProjectId(format!("p{project}")),
        source_session_id: Some("s".to_owned()),
        work: Work::SuggestRequest(SuggestRequest {
            session_id: "s".to_owned(),
            request_key: "k".to_owned(),
            model: None,
            effort: None,
            draft: None,
        }),
        dedupe,
        dedupe_key: Some(key.to_owned()),
        priority,
    }
}

fn id(number: usize) -> JobId {
    JobId(format!("job-{number:06}"))
}

fn queue(jobs: &mut Jobs, number: usize, new: NewJob, at: i64) {
    let job = Box::new(new.queued(id(number), second(at)));
    jobs.apply(second(at), &Event::JobQueued { job });
}

fn start(jobs: &mut Jobs, number: usize, at: i64) {
    let job_id = id(number);
    jobs.apply(second(at), &Event::JobStarted { job_id });
}

fn end(jobs: &mut Jobs, number: usize, end: End, at: i64) {
    let event = ended(jobs.get(&id(number)).unwrap(), end, second(at));
    jobs.apply(second(at), &event);
}

fn result() -> End {
    End::Result(json!({}))
}

fn fails(passes: bool) -> End {
    End::Failure {
        code: "broken".to_owned(),
        message: "it broke".to_owned(),
        passes,
    }
}

fn first_of(jobs: &Jobs, at: i64) -> Vec<String> {
    let next = next(jobs, second(at));
    next.into_iter().map(|job| job.id.0.clone()).collect()
}

/// How far a job of the model is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Far {
    /// It waits, not before then.
    Waits(i64),
    Runs,
    Over,
}

/// A job of the model.
#[derive(Debug, Clone)]
struct Simple {
    number: usize,
    project: usize,
    is_interactive: bool,
    key: usize,
    since: i64,
    tried: u32,
    far: Far,
}

/// The rules in the words of the contract, over one list.
#[derive(Debug, Default)]
struct Model {
    jobs: Vec<Simple>,
    /// What began, in order: project and whether it was interactive. `None`: the project stood still.
    began: Vec<(usize, Option<bool>)>,
}

impl Model {
    fn in_a_row(&self, project: usize) -> usize {
        let of = self.began.iter().rev().filter(|it| it.0 == project);
        of.take_while(|it| it.1 == Some(true)).count()
    }

    fn first(&self, project: usize, now: i64) -> Option<&Simple> {
        let mut due = self.jobs.iter().filter(
            |it| matches!(it.far, Far::Waits(from) if it.project == project && from <= now),
        );
        let waited = due
            .clone()
            .find(|it| !it.is_interactive && now - it.since >= 15);
        if let Some(waited) = waited.filter(|_| self.in_a_row(project) >= 3) {
            return Some(waited);
        }
        let interactive = due.clone().find(|it| it.is_interactive);
        interactive.or_else(|| due.next())
    }

    fn next(&self, now: i64) -> Vec<usize> {
        let mut running: Vec<usize> = Vec::new();
        for job in &self.jobs {
            if job.far == Far::Runs {
                running.push(job.project);
            }
        }
        let idle = (0..PROJECTS).filter(|it| !running.contains(it));
        let mut firsts: Vec<&Simple> = idle.filter_map(|it| self.first(it, now)).collect();
        let may_wait = |it: &Simple| !it.is_interactive && now - it.since < 15;
        firsts.sort_by_key(|it| (may_wait(it), it.number));
        let free = 2 - running.len();
        firsts.iter().take(free).map(|it| it.number).collect()
    }

    fn is_still(&self, project: usize) -> bool {
        let active = self.jobs.iter().filter(|it| it.far != Far::Over);
        active.filter(|it| it.project == project).count() == 0
    }
}

const PROJECTS: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    Queue(usize, bool, usize, Dedupe),
    Wait(i64),
    Begin,
    /// Of those that run, the one at this place ends: with a result, or without for a cause that passes or not.
    End(usize, Option<bool>),
    Cancel(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let dedupes = prop::sample::select(vec![
        Dedupe::None,
        Dedupe::SingleFlight,
        Dedupe::DropDuplicate,
        Dedupe::MergeDuplicate,
    ]);
    let queued = (0..PROJECTS, any::<bool>(), 0..3_usize, dedupes);
    let step = prop_oneof![
        4 => queued.prop_map(|(project, is, key, dedupe)| Step::Queue(project, is, key, dedupe)),
        2 => (1..20_i64).prop_map(Step::Wait),
        4 => Just(Step::Begin),
        4 => (0..2_usize, prop::option::of(any::<bool>())).prop_map(|(at, how)| Step::End(at, how)),
        1 => (0..40_usize).prop_map(Step::Cancel),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    /// Whatever comes and ends, the queue begins what the model begins, takes for the same what the model does, and loses nothing.
    #[test]
    fn order_and_sameness_are_those_of_the_model(steps in steps()) {
        let (mut jobs, mut model, mut now) = (Jobs::default(), Model::default(), 0);
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::Queue(project, is_interactive, key, dedupe) => {
                    let priority = match is_interactive {
                        true => Priority::Interactive,
                        false => Priority::Background,
                    };
                    let wanted = new(project, priority, dedupe, &format!("k{key}"));
                    let counts = |it: &&Simple| it.project == project && it.key == key && match dedupe {
                        Dedupe::None => false,
                        Dedupe::SingleFlight => it.far != Far::Over,
                        Dedupe::DropDuplicate => true,
                        Dedupe::MergeDuplicate => matches!(it.far, Far::Waits(_)),
                    };
                    let same = model.jobs.iter().rev().find(counts).map(|it| id(it.number));
                    let found = match admit(&jobs, &wanted).unwrap() {
                        Admitted::New => None,
                        Admitted::Already(job) | Admitted::Merged(job) => Some(job.id.clone()),
                    };
                    prop_assert_eq!(&found, &same);
                    if same.is_none() {
                        let number = model.jobs.len();
                        queue(&mut jobs, number, wanted, now);
                        model.jobs.push(Simple {
                            number, project, is_interactive, key, since: now, tried: 0, far: Far::Waits(now),
                        });
                    }
                }
                Step::Begin => {
                    let begins = model.next(now);
                    let expected: Vec<_> = begins.iter().map(|it| id(*it).0).collect();
                    prop_assert_eq!(first_of(&jobs, now), expected);
                    for number in begins {
                        start(&mut jobs, number, now);
                        let job = &mut model.jobs[number];
                        (job.far, job.tried) = (Far::Runs, job.tried + 1);
                        model.began.push((job.project, Some(job.is_interactive)));
                    }
                    prop_assert!(first_of(&jobs, now).is_empty());
                }
                Step::End(place, how) => {
                    let running = model.jobs.iter().filter(|it| it.far == Far::Runs).nth(place);
                    let Some(number) = running.map(|it| it.number) else { continue };
                    let ending = how.map_or_else(result, fails);
                    end(&mut jobs, number, ending, now);
                    let job = &mut model.jobs[number];
                    job.far = match how {
                        Some(true) if job.tried < 2 => Far::Waits(now + 2),
                        _ => Far::Over,
                    };
                    let project = job.project;
                    if model.is_still(project) {
                        model.began.push((project, None));
                    }
                }
                Step::Cancel(number) => {
                    let Some(job) = model.jobs.get_mut(number) else { continue };
                    if !matches!(job.far, Far::Waits(_)) { continue }
                    let canceled = cancel(jobs.get(&id(number)).unwrap(), Canceled::Asked).unwrap();
                    jobs.apply(second(now), &canceled);
                    job.far = Far::Over;
                    let project = job.project;
                    if model.is_still(project) {
                        model.began.push((project, None));
                    }
                }
            }
            let running = jobs.active().filter(|it| it.state == JobState::Running);
            let running: Vec<_> = running.map(|it| &it.project_id).collect();
            let projects: HashSet<_> = running.iter().collect();
            prop_assert!(running.len() <= 2 && projects.len() == running.len());
            prop_assert_eq!(jobs.iter().count(), model.jobs.len());
        }
        // Left alone it empties itself: nothing is forgotten.
        for _ in 0..2 * model.jobs.len() + 2 {
            now += 20;
            let running: Vec<_> = jobs.active().filter(|it| it.state == JobState::Running).map(|it| it.id.clone()).collect();
            for job_id in running {
                let event = ended(jobs.get(&job_id).unwrap(), result(), second(now));
                jobs.apply(second(now), &event);
            }
            let begin: Vec<_> = next(&jobs, second(now)).into_iter().map(|it| it.id.clone()).collect();
            for job_id in begin {
                jobs.apply(second(now), &Event::JobStarted { job_id });
            }
        }
        prop_assert_eq!(jobs.active().count(), 0);
    }
}

#[test]
fn a_background_job_waits_for_three_others_and_no_longer() {
    let mut jobs = Jobs::default();
    queue(
        &mut jobs,
        0,
        new(0, Priority::Background, Dedupe::None, ""),
        0,
    );
    for number in 1..6 {
        queue(
            &mut jobs,
            number,
            new(0, Priority::Interactive, Dedupe::None, ""),
            0,
        );
    }
    let mut order = Vec::new();
    for at in 20..26 {
        let first = next(&jobs, second(at))[0].id.clone();
        jobs.apply(
            second(at),
            &Event::JobStarted {
                job_id: first.clone(),
            },
        );
        let event = ended(jobs.get(&first).unwrap(), result(), second(at));
        jobs.apply(second(at), &event);
        order.push(first.0);
    }
    let expected = [1, 2, 3, 0, 4, 5].map(|it| id(it).0);
    assert_eq!(order, expected);
}

#[test]
fn each_type_has_its_time_and_what_is_out_of_it_is_tried_again_once() {
    let kinds = [JobType::SuggestRequest, JobType::AgentInstruction];
    assert_eq!(kinds.map(|it| it.limit().as_secs()), [60, 180]);
    let mut jobs = Jobs::default();
    queue(
        &mut jobs,
        0,
        new(0, Priority::Interactive, Dedupe::None, "k"),
        0,
    );
    let late = || End::Failure {
        code: "timeout".to_owned(),
        message: "it took more than 60 s".to_owned(),
        passes: true,
    };
    start(&mut jobs, 0, 0);
    end(&mut jobs, 0, late(), 60);
    assert_eq!(wakes_at(&jobs, second(60)), Some(second(62)));
    assert!(first_of(&jobs, 61).is_empty());
    assert_eq!(first_of(&jobs, 62), [id(0).0]);
    start(&mut jobs, 0, 62);
    end(&mut jobs, 0, late(), 122);
    let job = jobs.get(&id(0)).unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Failed, 2));
    assert_eq!(job.error_code.as_deref(), Some("timeout"));
}

#[test]
fn what_fails_for_a_cause_that_passes_is_tried_once_more_after_a_pause() {
    let mut jobs = Jobs::default();
    queue(
        &mut jobs,
        0,
        new(0, Priority::Interactive, Dedupe::None, ""),
        0,
    );
    start(&mut jobs, 0, 0);
    end(&mut jobs, 0, fails(true), 10);
    assert_eq!(first_of(&jobs, 11), Vec::<String>::new());
    assert_eq!(wakes_at(&jobs, second(11)), Some(second(12)));
    assert_eq!(first_of(&jobs, 12), [id(0).0]);
    start(&mut jobs, 0, 12);
    end(&mut jobs, 0, fails(true), 13);
    let job = jobs.get(&id(0)).unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Failed, 2));
    assert_eq!(job.error_code.as_deref(), Some("broken"));
}

#[test]
fn an_attempt_that_the_servers_end_broke_off_does_not_count_but_not_for_ever() {
    let mut jobs = Jobs::default();
    queue(
        &mut jobs,
        0,
        new(0, Priority::Interactive, Dedupe::None, ""),
        0,
    );
    for times in 0..MAX_INTERRUPTIONS {
        start(&mut jobs, 0, 0);
        end(&mut jobs, 0, End::Interruption, 0);
        let job = jobs.get(&id(0)).unwrap();
        assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
        assert_eq!(job.interruptions, times + 1);
    }
    start(&mut jobs, 0, 0);
    end(&mut jobs, 0, End::Interruption, 0);
    let job = jobs.get(&id(0)).unwrap();
    assert_eq!(job.error_code.as_deref(), Some("interrupted"));
}

#[test]
fn a_result_counts_also_when_the_job_was_to_be_taken_back() {
    for (ending, state) in [
        (result(), JobState::Completed),
        (fails(true), JobState::Canceled),
        (End::Interruption, JobState::Canceled),
    ] {
        let mut jobs = Jobs::default();
        queue(
            &mut jobs,
            0,
            new(0, Priority::Interactive, Dedupe::None, ""),
            0,
        );
        start(&mut jobs, 0, 0);
        let asked = cancel(jobs.get(&id(0)).unwrap(), Canceled::Asked).unwrap();
        jobs.apply(second(1), &asked);
        assert_eq!(cancel(jobs.get(&id(0)).unwrap(), Canceled::Asked), None);
        end(&mut jobs, 0, ending, 2);
        assert_eq!(jobs.get(&id(0)).unwrap().state, state);
    }
}

#[test]
fn a_project_has_a_hundred_and_all_have_five_hundred() {
    let mut jobs = Jobs::default();
    let one = |project| new(project, Priority::Interactive, Dedupe::None, "");
    for number in 0..MAX_PER_PROJECT {
        assert_eq!(admit(&jobs, &one(0)), Ok(Admitted::New));
        queue(&mut jobs, number, one(0), 0);
    }
    assert_eq!(admit(&jobs, &one(0)), Err(Full::Project));
    assert_eq!(admit(&jobs, &one(1)), Ok(Admitted::New));
    for number in MAX_PER_PROJECT..MAX_IN_ALL {
        queue(&mut jobs, number, one(number), 0);
    }
    assert_eq!(admit(&jobs, &one(9_999)), Err(Full::All));
    // One that another takes the place of needs no room.
    let same = new(0, Priority::Interactive, Dedupe::SingleFlight, "");
    assert!(matches!(admit(&jobs, &same), Ok(Admitted::Already(_))));
    start(&mut jobs, 0, 0);
    end(&mut jobs, 0, result(), 0);
    assert_eq!(admit(&jobs, &one(0)), Ok(Admitted::New));
}

#[test]
fn of_what_is_over_the_newest_are_kept() {
    let mut jobs = Jobs::default();
    let over = |jobs: &mut Jobs, number: usize, project: usize| {
        queue(
            jobs,
            number,
            new(project, Priority::Interactive, Dedupe::None, ""),
            0,
        );
        start(jobs, number, 0);
        end(jobs, number, result(), 0);
    };
    for number in 0..=ENDED_PER_PROJECT {
        over(&mut jobs, number, 0);
    }
    assert_eq!(jobs.iter().count(), ENDED_PER_PROJECT);
    assert_eq!((jobs.get(&id(0)), jobs.get(&id(1)).is_some()), (None, true));
    let most = ENDED_PER_PROJECT + ENDED_IN_ALL;
    for number in ENDED_PER_PROJECT + 1..=most {
        over(&mut jobs, number, number);
    }
    assert_eq!(jobs.iter().count(), ENDED_IN_ALL);
    // One that is tried again is no longer over, and not forgotten as such.
    let job_id = id(most - 1);
    let again = Event::JobRetried {
        job_id: job_id.clone(),
        why: Again::Asked,
        next_attempt_at: None,
    };
    jobs.apply(second(0), &again);
    for number in most + 1..=most + ENDED_IN_ALL {
        over(&mut jobs, number, number);
    }
    assert_eq!(jobs.get(&job_id).unwrap().state, JobState::Queued);
    assert_eq!(jobs.iter().count(), ENDED_IN_ALL + 1);
}
