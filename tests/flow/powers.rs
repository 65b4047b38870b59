//! What a changed `governance.yaml`, which agents can write, may do to a running launcher.

use crate::world::World;
use zhongshu::domain::department::{Approval, Sandbox};

#[test]
fn a_changed_file_gives_nobody_another_program_or_sandbox() {
    let start = World::new().policy;
    let mut edited = start.clone();
    edited.slots = 7;
    edited.driver = "sh".to_owned();
    edited.drivers.insert(
        "sh".to_owned(),
        vec!["sh".to_owned(), "-c".to_owned(), "evil".to_owned()],
    );
    edited.planner.sandbox = Sandbox::DangerFullAccess;
    edited.planner.approval = Approval::Never;
    edited.review_limit = Some(900);
    let first = &mut edited.catalog.departments[0];
    first.sandbox = Some(Sandbox::DangerFullAccess);
    first.approval = Some(Approval::Never);
    first.driver = Some("sh".to_owned());
    let mut newcomer = first.clone();
    newcomer.key = "newcomer".to_owned();
    edited.catalog.departments.push(newcomer);

    let in_force = edited.with_powers_of(&start);
    assert_eq!(in_force.slots, 7, "what gives no power changes at once");
    assert!(in_force.catalog.department("newcomer").is_some());
    assert_eq!(in_force.driver, start.driver);
    assert_eq!(in_force.drivers, start.drivers);
    assert_eq!(in_force.review_limit, start.review_limit);
    assert_eq!(in_force.planner.sandbox, start.planner.sandbox);
    assert_eq!(in_force.planner.approval, start.planner.approval);
    for department in &in_force.catalog.departments {
        let powers = (&department.driver, department.sandbox, department.approval);
        assert_eq!(powers, (&None, None, None), "{}", department.key);
    }
    assert!(
        in_force
            .warning
            .is_some_and(|warning| warning.contains("started again"))
    );
}

#[test]
fn a_file_that_changes_no_power_brings_no_warning() {
    let start = World::new().policy;
    let mut edited = start.clone();
    edited.slots = 3;
    assert_eq!(edited.with_powers_of(&start).warning, None);
}
