//! The queue: slots, holds, and a person's changes to it.

use zhongshu::domain::assignment::{AssignmentState, Hold};
use zhongshu::domain::event::Event;
use zhongshu::domain::fault::Shared;
use zhongshu::domain::flow::{inbox, queue};
use zhongshu::domain::ids::AssignmentId;
use zhongshu::domain::session::Outcome;

use super::world::{World, by_tool};

fn order(world: &World) -> Vec<String> {
    let queue = world.state.queue.iter();
    queue
        .map(|id| world.assignment(id).order.task.clone())
        .collect()
}

#[test]
fn no_more_departments_run_than_there_are_slots() {
    let mut world = World::new();
    let planner = world.planner();
    let ids = world.confirmed(&planner, &["menxia", "zhilibu", "gongchengbu"]);
    let first = world.dispatch().unwrap();
    world.dispatch().unwrap();
    assert_eq!(world.state.slots_taken(), 2, "the planner never counts");
    assert_eq!(world.dispatch(), None);
    assert_eq!(world.state.queue, [ids[2].clone()]);
    world.reports_by_tool(&first, "done");
    let third = world.dispatch().expect("who has reported holds no slot");
    assert_eq!(
        world.session(&third).brief.assignment_id,
        Some(ids[2].clone())
    );
    let state = &world.assignment(&ids[2]).state;
    assert_eq!(*state, AssignmentState::Dispatched { session_id: third });
}

#[test]
fn a_report_that_only_a_file_claims_frees_no_slot() {
    let mut world = World::new();
    world.policy.slots = 1;
    let planner = world.planner();
    let running = world.department(&planner);
    world.confirmed(&planner, &["zhilibu"]);
    world
        .submit(world.submission(&running, "done, honestly"))
        .unwrap();
    assert_eq!(world.dispatch(), None);
    world.close(&running, Outcome::Reported);
    assert!(world.dispatch().is_some());
}

#[test]
fn an_assignment_whose_planner_ended_holds_and_is_not_lost() {
    let mut world = World::new();
    world.policy.slots = 5;
    let (gone, other) = (world.planner(), world.planner());
    let held = world.confirmed(&gone, &["menxia"]);
    let free = world.confirmed(&other, &["zhilibu"]);
    world.close(
        &gone,
        Outcome::Exited {
            code: Some(1),
            signal: None,
        },
    );
    assert_eq!(world.hold(&held[0]), Some(Hold::PlannerEnded));
    let next = world.dispatch().expect("the queue goes on past it");
    assert_eq!(
        world.session(&next).brief.assignment_id,
        Some(free[0].clone())
    );
    assert_eq!(world.dispatch(), None);
    assert_eq!(world.state.queue, held, "it waits");
    let heir = world.replace(&gone).unwrap();
    let taken_along = world.dispatch().expect("its planner is there again");
    assert_eq!(
        world.session(&taken_along).brief.assignment_id,
        Some(held[0].clone())
    );
    assert_eq!(
        world.session(&taken_along).brief.parent_session_id,
        Some(heir)
    );
}

#[test]
fn needs_user_confirmation_holds_the_queue() {
    let mut world = World::new();
    let (asking, other) = (world.planner(), world.planner());
    let department = world.department(&asking);
    let waiting = world.confirmed(&asking, &["lingyubu"]);
    let mut submission = by_tool(world.submission(&department, "which licence?"));
    submission.findings.needs_user_confirmation = true;
    world.submit(submission).unwrap();
    let report = world.report_of(&department).report_id.clone();
    world
        .decide(|state, _| inbox::read(state, &asking))
        .unwrap();
    assert_eq!(
        world.hold(&waiting[0]),
        Some(Hold::WaitsForPerson),
        "reading is not deciding"
    );
    assert_eq!(world.dispatch(), None);
    world.confirmed(&other, &["zhilibu"]);
    assert!(
        world.dispatch().is_some(),
        "another planner's work is not held"
    );
    world
        .decide(|state, _| inbox::acknowledge(state, &report))
        .unwrap();
    assert!(world.dispatch().is_some());
}

#[test]
fn a_planners_restart_does_not_free_what_waits_for_a_person() {
    let mut world = World::new();
    let planner = world.planner();
    let department = world.department(&planner);
    world.confirmed(&planner, &["lingyubu"]);
    let mut submission = by_tool(world.submission(&department, "which licence?"));
    submission.findings.needs_user_confirmation = true;
    world.submit(submission).unwrap();
    world
        .decide(|state, _| inbox::read(state, &planner))
        .unwrap();
    world.replace(&planner).unwrap();
    assert_eq!(world.dispatch(), None);
}

#[test]
fn a_cancelled_assignment_never_runs() {
    let mut world = World::new();
    let planner = world.planner();
    let ids = world.confirmed(&planner, &["menxia", "zhilibu"]);
    world
        .decide(|state, _| queue::cancel(state, &ids[0]))
        .unwrap();
    let next = world.dispatch().unwrap();
    assert_eq!(
        world.session(&next).brief.assignment_id,
        Some(ids[1].clone())
    );
    assert_eq!(world.dispatch(), None);
    let cancel = |world: &mut World, id: &AssignmentId| {
        world
            .decide(|state, _| queue::cancel(state, id))
            .unwrap_err()
            .code
    };
    assert_eq!(cancel(&mut world, &ids[0]), "already_cancelled");
    assert_eq!(cancel(&mut world, &ids[1]), "already_dispatched");
    assert_eq!(
        cancel(&mut world, &AssignmentId::fresh("assignment")),
        "unknown_assignment"
    );
}

#[test]
fn a_person_orders_the_queue() {
    let mut world = World::new();
    let planner = world.planner();
    let ids = world.confirmed(&planner, &["menxia", "zhilibu", "gongchengbu"]);
    let move_to = |world: &mut World, id: &AssignmentId, before: Option<&AssignmentId>| {
        world.decide(|state, _| queue::reorder(state, id, before))
    };
    move_to(&mut world, &ids[2], Some(&ids[0])).unwrap();
    assert_eq!(order(&world), ["task 2", "task 0", "task 1"]);
    move_to(&mut world, &ids[2], None).unwrap();
    assert_eq!(order(&world), ["task 0", "task 1", "task 2"]);
    move_to(&mut world, &ids[0], Some(&ids[2])).unwrap();
    assert_eq!(order(&world), ["task 1", "task 0", "task 2"]);
    let refusal = move_to(&mut world, &ids[0], Some(&ids[0])).unwrap_err();
    assert_eq!(refusal.code, "same_assignment");
    let running = world.dispatch().unwrap();
    assert_eq!(world.session(&running).brief.task, "task 1");
    let refusal = move_to(&mut world, &ids[0], Some(&ids[1])).unwrap_err();
    assert_eq!(refusal.code, "already_dispatched");
    assert_eq!(
        order(&world),
        ["task 0", "task 2"],
        "a refusal changes nothing"
    );
}

#[test]
fn a_paused_queue_gives_nothing_out_until_it_is_resumed() {
    let mut world = World::new();
    let planner = world.planner();
    world.confirmed(&planner, &["menxia"]);
    for _ in 0..2 {
        world.decide(|state, _| queue::pause(state, true)).unwrap();
    }
    assert_eq!(
        world.batches.last().unwrap().len(),
        0,
        "saying it twice is no event"
    );
    assert_eq!(world.dispatch(), None);
    world.confirmed(&planner, &["zhilibu"]);
    assert_eq!(world.dispatch(), None);
    world.decide(|state, _| queue::pause(state, false)).unwrap();
    assert!(world.dispatch().is_some());
}

#[test]
fn only_what_the_next_slot_goes_to_does_not_wait() {
    let mut world = World::new();
    world.policy.slots = 1;
    let planner = world.planner();
    let ids = world.confirmed(&planner, &["menxia", "zhilibu"]);
    let waits = |world: &World| {
        let limits = world.policy.limits();
        let each = ids.iter().map(|id| queue::waits(&world.state, &limits, id));
        each.collect::<Vec<_>>()
    };
    assert_eq!(waits(&world), [false, true], "one stands ahead");
    world.decide(|state, _| queue::pause(state, true)).unwrap();
    assert_eq!(waits(&world), [true, true], "the queue is paused");
    world.decide(|state, _| queue::pause(state, false)).unwrap();
    let running = world.dispatch().unwrap();
    assert_eq!(waits(&world), [false, true], "no slot is free");
    let mut asks = by_tool(world.submission(&running, "which colour?"));
    asks.findings.needs_user_confirmation = true;
    world.submit(asks).unwrap();
    assert_eq!(
        waits(&world),
        [false, true],
        "its planner waits for a person"
    );
}

#[test]
fn what_failed_holds_back_its_own_until_something_shows_that_it_works() {
    let mut world = World::new();
    world.policy.slots = 1;
    let planner = world.planner();
    let ids = world.confirmed(&planner, &["menxia", "zhilibu"]);
    let first = world.dispatch().unwrap();
    let model = Shared::Model {
        driver: world.session(&first).brief.driver.clone(),
        model: world.session(&first).brief.model.clone(),
    };
    let held = |world: &mut World| {
        let (shared, id) = (model.clone(), first.clone());
        world
            .decide(|state, _| queue::hold(state, shared, &id, "the model is gone"))
            .unwrap();
        world.hold(&ids[1]).map(|hold| hold.word())
    };
    assert_eq!(held(&mut world), Some("model_failed"));
    assert_eq!(
        held(&mut world),
        Some("model_failed"),
        "saying it twice is fine"
    );
    assert_eq!(world.state.faults.len(), 1);
    // A person's word, a start of the server, and a result by the same model.
    world.decide(|state, _| queue::pause(state, false)).unwrap();
    assert_eq!(world.hold(&ids[1]), None);
    assert_eq!(held(&mut world), Some("model_failed"));
    world.happen(Event::ServerStarted {
        version: "1".into(),
        pid: 1,
        findings: Vec::new(),
    });
    assert_eq!(world.hold(&ids[1]), None);
    assert_eq!(held(&mut world), Some("model_failed"));
    world.reports_by_tool(&first, "done");
    assert_eq!(world.hold(&ids[1]), None);
    // A planner's own trouble holds back nobody.
    let shared = model.clone();
    world
        .decide(|state, _| queue::hold(state, shared, &planner, "no"))
        .unwrap();
    assert!(world.state.faults.is_empty());
}
