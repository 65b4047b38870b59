//! Tables for counting, limits, stops and numbers.
#![allow(clippy::unwrap_used)]

use super::limits::{MAX_OTHERS, RateLimit, RateLimits, Window, retry_at};
use super::meter::Meter;
use super::stops::{Limit, Next, Stops};
use super::{Context, Tokens, TurnUsage, Usage, shown};
use crate::domain::ids::SessionId;
use chrono::{DateTime, TimeDelta, Utc};

const CONTEXT: Context = Context {
    used: 1,
    window: None,
};

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens {
        input,
        output,
        ..Tokens::default()
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000_000 + seconds)
}

/// What a turn is found to have taken: before it the thread had taken `before`; then Codex tells these totals and last answers.
fn taken(before: Tokens, told: &[(&str, Tokens, Tokens)]) -> Tokens {
    let mut meter = Meter::of("thread", before, Tokens::default());
    meter.begun("turn");
    for (turn, total, last) in told {
        meter.heard(turn, *total, *last, CONTEXT);
    }
    meter.ended().tokens
}

#[test]
fn a_turn_takes_what_the_thread_grew_by_and_never_less_than_nothing() {
    let t = tokens;
    for (what, before, told, expected) in [
        (
            "one answer",
            t(0, 0),
            vec![("turn", t(10, 2), t(10, 2))],
            t(10, 2),
        ),
        (
            "two answers",
            t(100, 9),
            vec![
                ("turn", t(110, 11), t(10, 2)),
                ("turn", t(130, 14), t(20, 3)),
            ],
            t(30, 5),
        ),
        (
            "told twice",
            t(0, 0),
            vec![("turn", t(10, 2), t(10, 2)), ("turn", t(10, 2), t(10, 2))],
            t(10, 2),
        ),
        (
            "what was missed before comes with it",
            t(100, 10),
            vec![("turn", t(150, 20), t(10, 2))],
            t(50, 10),
        ),
        (
            "turns were taken back: the answer alone counts",
            t(1_000, 100),
            vec![("turn", t(210, 22), t(10, 2))],
            t(10, 2),
        ),
        (
            "taken back by less than the answer took",
            t(1_000, 100),
            vec![("turn", t(1_004, 101), t(10, 2))],
            t(10, 2),
        ),
        (
            "an old turn is told of once more after turns were taken back",
            t(1_000, 100),
            vec![("old", t(200, 20), t(10, 2))],
            t(0, 0),
        ),
        ("nothing told", t(5, 5), vec![], t(0, 0)),
    ] {
        assert_eq!(taken(before, &told), expected, "{what}");
    }
}

#[test]
fn what_was_missed_while_nobody_listened_is_told_at_the_resume() {
    // The journal knows 100; the launcher was away while two turns ran.
    let mut meter = Meter::of("thread", tokens(90, 10), tokens(90, 10));
    assert!(meter.heard("missed", tokens(290, 30), tokens(50, 5), CONTEXT));
    let ended = meter.ended();
    assert_eq!(
        (ended.turn.as_str(), ended.tokens),
        ("missed", tokens(200, 20))
    );
    // While its record is on its way, and when it has come, it counts once.
    assert_eq!(meter.beyond(tokens(90, 10)), tokens(200, 20));
    assert_eq!(meter.beyond(tokens(290, 30)), Tokens::default());
    // Told once more by a second resume: nothing.
    assert!(!meter.heard("missed", tokens(290, 30), tokens(50, 5), CONTEXT));
    assert_eq!(meter.ended().tokens, Tokens::default());
}

#[test]
fn sums_follow_from_turns_and_a_turn_in_two_pieces_is_one() {
    let mut usage = Usage::default();
    let session = SessionId::parse("gongbu-0190000000007000800000000000aaaa").unwrap();
    let planner = SessionId::parse("zhongshu-0190000000007000800000000000eeee").unwrap();
    let turn = |tokens, seconds| TurnUsage {
        tokens,
        started_at: None,
        seconds,
        model: None,
        thread_total: tokens,
        context: None,
    };
    let plan = || Some((planner.clone(), 2));
    usage.add(&session, "gongbu", plan(), "a", &turn(tokens(10, 1), 5));
    usage.add(&session, "gongbu", plan(), "a", &turn(tokens(1, 1), 0));
    usage.add(&planner, "zhongshu", plan(), "b", &turn(tokens(100, 0), 7));
    assert_eq!(usage.sessions[&session].spent.turns, 1);
    assert_eq!(usage.departments["gongbu"].tokens, tokens(11, 2));
    let plan = usage.plans[&planner][&2];
    assert_eq!(
        (plan.tokens.total(), plan.seconds, plan.turns),
        (113, 12, 2)
    );
    assert_eq!(usage.total, plan);
    let heir = SessionId::parse("zhongshu-0190000000007000800000000000ffff").unwrap();
    usage.planner_replaced(&planner, &heir);
    assert_eq!(usage.plans[&heir][&2], plan);
    assert!(!usage.plans.contains_key(&planner));
}

fn window(used_percent: i64, resets_at: Option<DateTime<Utc>>) -> Option<Window> {
    Some(Window {
        used_percent,
        minutes: None,
        resets_at,
    })
}

#[test]
fn what_is_left_out_of_a_telling_stands_as_it_was() {
    let mut known = RateLimits::default();
    known.merge(RateLimit {
        primary: Some(Window {
            used_percent: 10,
            minutes: Some(300),
            resets_at: Some(at(60)),
        }),
        secondary: window(3, Some(at(99))),
        plan: Some("pro".to_owned()),
        reached: Some("rate_limit_reached".to_owned()),
        ..RateLimit::default()
    });
    known.merge(RateLimit {
        primary: window(20, None),
        ..RateLimit::default()
    });
    let known = known.own;
    let primary = known.primary.unwrap();
    assert_eq!(
        (primary.used_percent, primary.minutes, primary.resets_at),
        (20, Some(300), Some(at(60)))
    );
    assert_eq!(known.secondary.unwrap().used_percent, 3);
    assert_eq!((known.plan.as_deref(), known.reached), (Some("pro"), None));
}

/// What is told of a limit at a second.
fn told(id: Option<&str>, second: i64, primary: Option<Window>) -> RateLimit {
    RateLimit {
        id: id.map(str::to_owned),
        primary,
        at: Some(at(second)),
        ..RateLimit::default()
    }
}

#[test]
fn what_is_told_of_one_limit_is_nothing_about_another() {
    let mut known = RateLimits::default();
    known.merge(told(None, 1, window(10, Some(at(60)))));
    known.merge(told(Some("codex_other"), 2, window(100, Some(at(500)))));
    known.merge(told(Some("codex"), 3, window(20, None)));
    let percents = |known: &RateLimits| -> Vec<(Option<String>, i64)> {
        let all = known.all();
        all.map(|it| (it.id.clone(), it.primary.unwrap().used_percent))
            .collect()
    };
    let id = |text: &str| Some(text.to_owned());
    assert_eq!(
        percents(&known),
        [(id("codex"), 20), (id("codex_other"), 100)]
    );
    assert_eq!(known.own.primary.unwrap().resets_at, Some(at(60)));
    // A provider that makes up ids is not kept for ever: the one that was told of longest ago goes.
    for number in 0..MAX_OTHERS {
        let second = 10 + i64::try_from(number).unwrap();
        known.merge(told(
            Some(&format!("x{number:02}")),
            second,
            window(1, None),
        ));
    }
    assert_eq!(known.others.len(), MAX_OTHERS);
    assert!(known.others.iter().all(|it| it.id != id("codex_other")));
}

#[test]
fn a_refusal_waits_for_the_limit_that_was_reached() {
    let mut known = RateLimits::default();
    known.merge(told(Some("codex_other"), 1, window(100, Some(at(900)))));
    assert_eq!(known.refuses_until(at(2)), Some(at(900)));
    known.merge(told(Some("codex"), 3, window(100, Some(at(20)))));
    assert_eq!(known.refuses_until(at(4)), Some(at(20)));
    // One that is not used up does not refuse, however late it is told.
    known.merge(told(Some("codex_third"), 5, window(99, Some(at(50)))));
    assert_eq!(known.refuses_until(at(6)), Some(at(20)));
    // One that is reached without a window says no time, and the time of another is not its own.
    known.merge(RateLimit {
        reached: Some("workspace_owner_credits_depleted".to_owned()),
        ..told(Some("codex_fourth"), 7, None)
    });
    assert_eq!(known.refuses_until(at(8)), None);
}

#[test]
fn the_time_of_a_reset_is_believed_when_it_can_be() {
    let now = at(0);
    let limits = |primary, secondary| RateLimits {
        own: RateLimit {
            primary,
            secondary,
            ..RateLimit::default()
        },
        ..RateLimits::default()
    };
    for (what, limits, until, wait) in [
        (
            "in a while",
            limits(window(100, Some(at(20))), None),
            Some(20),
            20,
        ),
        ("nothing told", limits(None, None), None, 60),
        ("no time told", limits(window(100, None), None), None, 60),
        (
            "in the past",
            limits(window(100, Some(at(-5))), None),
            None,
            60,
        ),
        ("now", limits(window(100, Some(at(0))), None), None, 60),
        (
            "not used up",
            limits(window(99, Some(at(20))), None),
            None,
            60,
        ),
        (
            "the later of two",
            limits(window(100, Some(at(20))), window(130, Some(at(90)))),
            Some(90),
            90,
        ),
        (
            "only the long one is used up",
            limits(window(50, Some(at(20))), window(100, Some(at(90)))),
            Some(90),
            90,
        ),
        (
            "next year: shown, and tried before",
            limits(window(100, Some(at(400 * 86_400))), None),
            Some(400 * 86_400),
            8 * 86_400,
        ),
    ] {
        let told = limits.refuses_until(now);
        assert_eq!(told, until.map(at), "{what}");
        assert_eq!(retry_at(told, 1, now), at(wait), "{what}");
    }
    let pauses = [1, 2, 3, 4, 5, 99].map(|tries| (retry_at(None, tries, now) - now).num_seconds());
    assert_eq!(pauses, [60, 120, 300, 600, 600, 600]);
}

#[test]
fn those_that_stood_still_go_on_one_after_the_other() {
    let ids: Vec<SessionId> = (0..3)
        .map(|n| SessionId::parse(&format!("gongbu-019000000000700080000000000000a{n}")).unwrap())
        .collect();
    let mut stops = Stops::default();
    assert_eq!(stops.next(at(0), |_| None, |_| true), None);
    stops.held(at(0), Some(at(20)), at(20), 1);
    for (n, id) in ids.iter().enumerate() {
        stops.stopped(at(i64::try_from(n).unwrap()), id, Limit::RateLimited);
    }
    let never = |_: &SessionId| None;
    assert_eq!(
        stops.next(at(19), never, |_| true),
        Some(Next::Wait(at(20)))
    );
    let tell = |n: usize| Some(Next::Tell(ids[n].clone()));
    assert_eq!(stops.next(at(20), never, |_| true), tell(0));
    stops.told(at(20), &ids[0]);
    assert_eq!(
        stops.next(at(21), never, |_| true),
        Some(Next::Wait(at(25)))
    );
    // The first has had an answer; the second never gets one.
    let answered = |id: &SessionId| (*id == ids[0]).then(|| at(21));
    assert_eq!(stops.next(at(21), answered, |_| true), tell(1));
    stops.told(at(21), &ids[1]);
    assert_eq!(
        stops.next(at(22), answered, |_| true),
        Some(Next::Wait(at(26)))
    );
    assert_eq!(stops.next(at(26), answered, |_| true), tell(2));
    // Who is not at hand is passed over.
    let gone = |id: &SessionId| *id != ids[2];
    let waits = Some(Next::Wait(at(81)));
    assert_eq!(stops.next(at(26), answered, gone), waits, "no answer yet");
    assert_eq!(stops.next(at(81), answered, gone), Some(Next::Release));
    // A person wants it now; refused once more it waits again.
    stops.held(at(30), None, at(90), 2);
    assert_eq!(
        stops.next(at(31), never, |_| true),
        Some(Next::Wait(at(90)))
    );
    stops.retried(at(31));
    assert_eq!(stops.next(at(31), never, |_| true), tell(2));
    assert_eq!(stops.held.as_ref().unwrap().since, at(0));
}

#[test]
fn numbers_are_short_to_read_and_easy_to_write() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (12_345, "12.3k"),
        (4_560_000, "4.56M"),
        (1_000_000_000_000, "1000.00G"),
    ] {
        assert_eq!(shown::tokens(number), text);
    }
    for (text, number) in [
        ("250000", Some(250_000)),
        (" 500k", Some(500_000)),
        ("1.5M", Some(1_500_000)),
        ("2_000_000", Some(2_000_000)),
        ("1G", Some(1_000_000_000)),
        ("0", Some(0)),
        ("", None),
        ("k", None),
        ("-5", None),
        ("1.5", None),
        ("many", None),
        ("1e9", None),
        ("99999999999999999999G", None),
        ("999999999999999999999", None),
    ] {
        assert_eq!(shown::read(text), number, "{text:?}");
    }
}
