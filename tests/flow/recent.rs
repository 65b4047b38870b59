//! What lists show of what grows for ever: what goes on and the newest of the rest, and pages that have each once.

use super::world::World;
use std::collections::BTreeSet;
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::session::{Outcome, Session};
use zhongshu::domain::state::recent::{NEWEST, OVER, Page, Recent};
use zhongshu::web::pages::{Desk, chosen_planner};

fn ids(list: &[&Session]) -> Vec<SessionId> {
    list.iter().map(|it| it.id().clone()).collect()
}

/// A planner that is over, with a department that reported, over as well.
fn past(world: &mut World) -> SessionId {
    let planner = world.planner();
    let department = world.department(&planner);
    world.reports_by_tool(&department, "done");
    world.close(&department, Outcome::Reported);
    world.close(&planner, Outcome::Stopped);
    planner
}

#[test]
fn what_goes_on_is_shown_and_the_newest_of_the_rest() {
    let mut world = World::new();
    let planner = world.planner();
    let old = world.department(&planner);
    world.close(&old, Outcome::Stopped);
    let past = Vec::from_iter((0..20).map(|_| past(&mut world)));
    let recent = world.state.recent_sessions();
    let shown = BTreeSet::from_iter(ids(&recent.shown));
    // The department is over, and older than all of them, but its planner goes on.
    assert!(shown.contains(&planner) && shown.contains(&old));
    assert_eq!(shown.len(), 2 + OVER);
    assert_eq!(shown.len() + recent.older, world.state.sessions.len());
    assert!(shown.contains(past.last().unwrap()) && !shown.contains(&past[0]));
    let mut newest_first = ids(&recent.shown);
    newest_first.sort();
    newest_first.reverse();
    assert_eq!(ids(&recent.shown), newest_first);
}

#[test]
fn pages_have_each_session_once_and_say_how_many_are_left() {
    let mut world = World::new();
    world.planner();
    (0..10).for_each(|_| drop(past(&mut world)));
    let everything = Vec::from_iter(world.state.sessions.keys().rev().cloned());
    for limit in [1, 3, 7, 21, 100] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = Page { before, limit };
            let Recent { shown, older } = world.state.page_of_sessions(&page);
            seen.extend(ids(&shown));
            assert_eq!(seen.len() + older, everything.len(), "{limit}");
            before = seen.last().cloned();
            if older == 0 {
                break;
            }
        }
        assert_eq!(seen, everything, "{limit}");
    }
    let first = world.state.page_of_past_planners(&Page::newest(4));
    assert_eq!((first.shown.len(), first.older), (4, 6));
    let before = first.shown.last().map(|it| it.id().clone());
    let second = world
        .state
        .page_of_past_planners(&Page { before, limit: 100 });
    assert_eq!((second.shown.len(), second.older), (6, 0));
}

#[test]
fn of_a_planner_with_much_behind_it_the_desk_holds_the_newest_and_says_how_much_there_is() {
    let mut world = World::new();
    let planner = world.planner();
    let mut reports = Vec::new();
    for number in 0..NEWEST + 30 {
        let department = world.department(&planner);
        reports.push(world.reports_by_tool(&department, &format!("number {number}")));
        world.close(&department, Outcome::Reported);
    }
    let at_work = world.department(&planner);
    let children = world.state.recent_children(&planner, NEWEST, |_| true);
    assert_eq!((children.shown.len(), children.older), (NEWEST + 1, 30));
    assert_eq!(children.shown[0].id(), &at_work);
    let page = Page::newest(NEWEST);
    let page = world.state.page_of_reports(&planner, &page, |_| true);
    assert_eq!((page.shown.len(), page.older), (NEWEST, 30));
    assert_eq!(Some(&page.shown[0].report_id), reports.last());
    assert_eq!(world.state.unread_count(&planner), NEWEST + 30);

    let desk = Desk::of(&world.state, Some(&planner), OVER, &[]);
    assert_eq!(desk.more.unread + desk.unread.len(), NEWEST + 30);
    let listed = |id: &SessionId| desk.sessions.iter().any(|it| it.id() == id);
    for result in &desk.unread {
        assert!(
            listed(&result.current().department_session_id),
            "its author lies there"
        );
    }
    assert!(listed(&planner) && listed(&at_work));
    assert!(desk.sessions.len() < NEWEST);
    let departments = desk.sessions.len() - 1;
    // Authors of results lie there besides the newest, and are not counted twice.
    assert_eq!(desk.more.departments + departments, NEWEST + 31);
    assert_eq!(desk.more.read, 0);
}

#[test]
fn the_page_follows_a_planner_to_its_successor() {
    let mut world = World::new();
    assert_eq!(chosen_planner(&world.state, Some("zhongshu-a")), None);
    let old = world.planner();
    let department = world.department(&old);
    let new = world.replace(&old).unwrap();
    world.close(&old, Outcome::Replaced { by: new.clone() });
    let ended = past(&mut world);
    let chosen = |wanted| chosen_planner(&world.state, wanted).cloned();
    assert_eq!(chosen(Some(old.as_str())), Some(new.clone()));
    assert_eq!(chosen(Some(ended.as_str())), Some(ended.clone()));
    // Nothing asked for, nonsense, or a department: the newest live planner.
    for wanted in [None, Some("../x"), Some(department.as_str())] {
        assert_eq!(chosen(wanted), Some(new.clone()));
    }
    world.close(&new, Outcome::Stopped);
    let newest = chosen_planner(&world.state, None);
    assert_eq!(newest, Some(&ended), "none lives");
}
