//! What a session is doing, for everything that can be observed of it.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::department::{Approval, Sandbox};
use crate::domain::driver::Driver;
use crate::domain::ids::SessionId;
use crate::domain::session::{Brief, Kind};

const THRESHOLDS: Thresholds = Thresholds {
    silent_after: Duration::from_secs(120),
    looping_after: 5,
};

/// So many seconds after the launcher began.
fn at(seconds: u64) -> Moment {
    Moment {
        at: DateTime::from_timestamp(1_800_000_000 + seconds.cast_signed(), 0).unwrap(),
        ticks: Duration::from_secs(seconds),
    }
}

fn session(driver: &str, kind: Kind) -> Session {
    let mut session = Session::new(
        Brief {
            id: SessionId::parse("lingyubu-01900000000070008000000000000001").unwrap(),
            session_kind: kind,
            department: "lingyubu".to_owned(),
            title: "Core".to_owned(),
            task: "tidy up".to_owned(),
            files: Vec::new(),
            verify: Vec::new(),
            model: None,
            driver: Driver::from(driver.to_owned()),
            sandbox: Sandbox::WorkspaceWrite,
            approval: Approval::OnRequest,
            parent_session_id: None,
            assignment_id: None,
            review: None,
            resumed_from_session_id: None,
            prompt_path: "p".into(),
            log_path: "l".into(),
        },
        at(0).at,
    );
    session.status = Status::Running;
    session.started_at = Some(at(0).at);
    session
}

/// What is observed, changed by a test.
struct Seen {
    session: Session,
    asks: Vec<AskId>,
    activity: Activity,
    turn: Turn,
    notice: Option<&'static str>,
    limited_until: Option<DateTime<Utc>>,
    codex_down: Option<&'static str>,
}

impl Seen {
    fn of(driver: &str, kind: Kind, activity: Activity) -> Self {
        Self {
            session: session(driver, kind),
            asks: Vec::new(),
            activity,
            turn: Turn::default(),
            notice: None,
            limited_until: None,
            codex_down: None,
        }
    }

    /// A department in Codex whose turn began at second 0.
    fn working() -> Self {
        let mut seen = Self::of("codex", Kind::Department, Activity::Working);
        seen.turn.begins(at(0));
        seen
    }

    /// One whose turn ended so, at second 10.
    fn ended(end: End) -> Self {
        let mut seen = Self::working();
        seen.turn.ends(end, at(10));
        seen.activity = Activity::Idle;
        seen
    }

    fn runs(mut self, id: &str, command: &str, second: u64) -> Self {
        let part = Part::Tool(command.to_owned());
        self.turn.part_begins(id, part, at(second));
        self
    }

    fn ran(mut self, id: &str, command: &str, output: &str, second: u64) -> Self {
        let ran = Ran {
            command,
            exit_code: Some(1),
            output,
        };
        self.turn.part_ends(id, Some(ran), at(second));
        self
    }

    fn doing(&self, second: u64) -> Doing {
        let observation = Observation {
            session: &self.session,
            asks: (self.asks.clone(), None),
            activity: self.activity,
            activity_since: Some(at(0).at),
            turn: &self.turn,
            notice: self.notice,
            limited_until: self.limited_until,
            codex_down: self.codex_down,
        };
        doing(&observation, &THRESHOLDS, at(second))
    }

    fn word(&self, second: u64) -> &'static str {
        self.doing(second).word()
    }
}

#[test]
fn a_turn_is_told_step_by_step() {
    let mut seen = Seen::working();
    assert_eq!(seen.doing(1), Doing::since(State::Thinking, at(0).at));
    seen.turn.says(Flow::Thinking, at(2));
    seen.turn.says(Flow::Thinking, at(4));
    assert_eq!(seen.doing(5), Doing::since(State::Thinking, at(2).at));
    seen.turn
        .part_begins("m", Part::Model(Flow::Writing), at(6));
    seen.turn.says(Flow::Writing, at(7));
    assert_eq!(seen.doing(8), Doing::since(State::Writing, at(6).at));
    seen.turn.part_ends("m", None, at(8));
    assert_eq!(seen.word(8), "thinking");
    let seen = seen.runs("c", "/bin/bash -lc 'cargo test --workspace'", 9);
    let doing = seen.doing(10);
    let since = Some(at(9).at);
    assert_eq!(
        (doing.word(), doing.tool(), doing.since),
        ("tool", Some("cargo test --workspace"), since)
    );
    let seen = seen.ran("c", "cargo test --workspace", "ok", 11);
    assert_eq!(seen.doing(12), Doing::since(State::Thinking, at(11).at));
    assert_eq!(seen.doing(12).activity(), Activity::Working);
}

#[test]
fn a_build_of_an_hour_is_no_alarm_and_two_minutes_of_nothing_are() {
    let seen = Seen::working().runs("c", "make", 1);
    assert_eq!(seen.word(3600), "tool");
    let mut seen = seen.ran("c", "make", "", 3600);
    assert_eq!(seen.word(3600 + 119), "thinking");
    let silent = seen.doing(3600 + 120);
    assert_eq!(
        silent,
        Doing::since(
            State::Silent {
                in_turn: true,
                reason: None
            },
            at(3600).at
        )
    );
    assert!(silent.is_silent() && silent.needs_somebody());
    assert_eq!(silent.activity(), Activity::Working);
    seen.turn.says(Flow::Writing, at(3800));
    assert_eq!(seen.word(3801), "writing");
    // A piece of output, or a provider that fails, is a sign of life as well.
    seen.turn.sign(at(3900));
    assert_eq!(seen.word(4019), "writing");
}

#[test]
fn what_runs_in_the_background_gives_way_to_what_the_model_says_and_keeps_it_from_being_silent() {
    let mut seen = Seen::working().runs("c", "npm start", 1);
    seen.turn.says(Flow::Writing, at(20));
    assert_eq!(seen.word(21), "writing");
    assert_eq!(seen.word(20 + 120), "tool");
    let two = seen.runs("d", "curl localhost", 30);
    assert_eq!(two.doing(31).tool(), Some("curl localhost"));
    let one = two.ran("d", "curl localhost", "", 32);
    assert_eq!(
        one.word(33),
        "writing",
        "of what runs on the model has said more since"
    );
}

#[test]
fn five_times_the_same_is_a_loop_and_another_end_breaks_it() {
    let mut seen = Seen::working();
    for time in 1..=5 {
        assert_ne!(seen.word(time * 10), "looping", "{time}");
        seen = seen.runs("c", "cargo check", time * 10);
        seen = seen.ran("c", "cargo check", "error", time * 10 + 1);
    }
    // Also while it runs once more, and while the model thinks about it.
    seen = seen.runs("c", "cargo check", 60);
    let doing = seen.doing(61);
    assert_eq!(
        (doing.tool(), doing.times()),
        (Some("cargo check"), Some(5))
    );
    assert_eq!(doing.since, Some(at(11).at));
    assert_eq!(doing.word(), "looping");
    seen = seen.ran("c", "cargo check", "error", 62);
    assert_eq!(seen.doing(63).times(), Some(6));
    seen = seen.runs("c", "cargo check", 64);
    seen = seen.ran("c", "cargo check", "another error", 65);
    assert_eq!(seen.word(66), "thinking");
}

#[test]
fn a_turn_that_is_over_says_how_it_ended() {
    let failed = |is_limit| End::Failed {
        reason: "no".to_owned(),
        is_limit,
    };
    for (end, word) in [
        (End::Completed, "idle"),
        (End::Interrupted, "interrupted"),
        (End::CodexEnded, "interrupted"),
        (failed(false), "failed"),
        (failed(true), "rate_limited"),
    ] {
        let doing = Seen::ended(end).doing(3600);
        assert_eq!((doing.word(), doing.activity()), (word, Activity::Idle));
    }
}

#[test]
fn a_limit_holds_until_its_time_whatever_that_is() {
    let mut seen = Seen::ended(End::Failed {
        reason: "no".to_owned(),
        is_limit: true,
    });
    let year = 365 * 86_400;
    for (until, word) in [
        (100, "rate_limited"),
        (year, "rate_limited"),
        // Others are told first that it goes on.
        (20, "rate_limited"),
    ] {
        seen.limited_until = Some(at(until).at);
        assert_eq!(seen.word(50), word, "{until}");
        assert!(!seen.doing(50).needs_somebody(), "{until}");
    }
    // Who works is not refused.
    seen.limited_until = Some(at(100).at);
    seen.activity = Activity::Working;
    seen.turn.begins(at(50));
    assert_eq!(seen.word(51), "thinking");
}

#[test]
fn a_provider_that_fails_is_told_until_it_answers() {
    let mut seen = Seen::working();
    seen.turn.tries_again("502".to_owned(), at(5));
    let doing = seen.doing(6);
    assert_eq!(doing.word(), "retrying");
    assert_eq!(doing.reason().unwrap().to_string(), "502");
    assert_eq!(seen.word(125), "silent");
    seen.turn.says(Flow::Writing, at(130));
    assert_eq!(seen.word(131), "writing");
}

#[test]
fn what_it_asks_comes_before_everything_else() {
    let mut seen = Seen::working().runs("c", "rm -r /", 1);
    seen.asks = vec![AskId::parse("ask-1").unwrap()];
    seen.notice = Some("it wants to run `rm -r /`");
    for activity in [Activity::Working, Activity::Blocked, Activity::Unknown] {
        seen.activity = activity;
        let doing = seen.doing(3600);
        assert_eq!(
            (doing.word(), doing.activity()),
            ("waiting", Activity::Blocked)
        );
        assert_eq!(doing.ask_ids().len(), 1);
    }
    // In a terminal it asks something that has no id.
    seen.asks.clear();
    seen.activity = Activity::Blocked;
    assert_eq!(seen.word(3600), "waiting");
}

#[test]
fn after_a_restart_what_is_not_known_is_said_and_the_clock_of_silence_starts_anew() {
    let mut seen = Seen::working();
    seen.turn.is_void(at(1000));
    let doing = seen.doing(1001);
    assert_eq!((doing.word(), doing.since), ("working", None));
    assert!(doing.reason().is_some());
    assert_eq!(seen.word(1119), "working");
    assert_eq!(seen.word(1120), "silent");
    let tools = || [("c".to_owned(), "make".to_owned())];
    seen.turn.runs(tools());
    let doing = seen.doing(5000);
    assert_eq!(
        (doing.word(), doing.tool(), doing.since),
        ("tool", Some("make"), None)
    );
    // What was heard meanwhile is newer.
    let mut seen = Seen::working();
    seen.turn.is_void(at(1000));
    seen.turn.part_ends("c", None, at(1001));
    seen.turn.runs(tools());
    assert_eq!(seen.word(1002), "thinking");
}

#[test]
fn a_program_that_says_nothing_of_itself_is_judged_by_what_it_prints() {
    for (kind, activity, word) in [
        (Kind::Department, Activity::Unknown, "silent"),
        (Kind::Zhongshu, Activity::Unknown, "unknown"),
        (Kind::Department, Activity::Working, "silent"),
        (Kind::Zhongshu, Activity::Working, "silent"),
        (Kind::Department, Activity::Idle, "idle"),
    ] {
        let mut seen = Seen::of("my-agent", kind, activity);
        seen.turn.sign(at(0));
        let early = seen.doing(119);
        assert!(!early.is_silent(), "{early:?}");
        assert_eq!(early.activity(), activity);
        let late = seen.doing(120);
        assert_eq!((late.word(), late.activity()), (word, activity));
    }
}

#[test]
fn a_session_that_codex_does_not_tell_of_says_why() {
    let mut seen = Seen::of("codex", Kind::Department, Activity::Unknown);
    seen.turn.is_void(at(0));
    assert!(seen.doing(60).reason().is_some());
    assert_eq!(seen.word(60), "unknown");
    // Codex is there, and the session is not found: somebody has to look.
    seen.notice = Some("it is open elsewhere");
    let late = seen.doing(3600);
    assert!(late.is_silent() && late.needs_somebody(), "{late:?}");
    assert_eq!(late.reason().unwrap().to_string(), "it is open elsewhere");
    seen.notice = None;
    seen.codex_down = Some("codex has been silent for 50s");
    let reason = seen.doing(3600).reason().unwrap().to_string();
    assert_eq!(reason, "codex has been silent for 50s");
    assert_eq!(seen.word(3600), "unknown");
}

#[test]
fn the_life_of_a_session_comes_first() {
    let mut seen = Seen::working();
    seen.session.status = Status::Starting;
    seen.session.started_at = None;
    seen.notice = Some("Codex is starting");
    let doing = seen.doing(1);
    assert_eq!((doing.word(), doing.since), ("starting", Some(at(0).at)));
    assert_eq!(doing.activity(), Activity::Unknown);
    let end = |outcome: Outcome| Status::Closed {
        outcome,
        at: at(9).at,
    };
    let reason = "gone".to_owned();
    for (status, word) in [
        (
            Status::Closing {
                outcome: Outcome::Stopped,
            },
            "ending",
        ),
        (end(Outcome::Reported), "ended"),
        (
            end(Outcome::Lost {
                reason: reason.clone(),
            }),
            "lost",
        ),
        (end(Outcome::Failed { reason }), "failed"),
    ] {
        seen.session.status = status;
        assert_eq!(seen.word(10), word);
    }
}

#[test]
fn the_clock_on_the_wall_decides_nothing() {
    let mut seen = Seen::working();
    let mut now = at(60);
    now.at -= chrono::TimeDelta::days(400);
    assert_eq!(Moment::age(at(60), at(1)), Duration::ZERO);
    seen.turn.sign(now);
    let observation = Observation {
        session: &seen.session,
        asks: (Vec::new(), None),
        activity: Activity::Working,
        activity_since: None,
        turn: &seen.turn,
        notice: None,
        limited_until: None,
        codex_down: None,
    };
    let mut later = at(61);
    later.at += chrono::TimeDelta::days(400);
    assert_eq!(
        doing(&observation, &THRESHOLDS, later).word(),
        "thinking",
        "somebody set the clock"
    );
}

#[test]
fn a_name_is_one_short_line() {
    for (given, shown) in [
        ("/bin/bash -lc 'make all'", "make all"),
        ("/usr/bin/zsh -lc \"git status\"", "git status"),
        ("bash -x run.sh", "bash -x run.sh"),
        ("/bin/bash -lc 'cat <<EOF\na\nEOF'", "cat <<EOF…"),
        ("zhongshu/report_result", "zhongshu/report_result"),
    ] {
        let seen = Seen::working().runs("c", given, 1);
        assert_eq!(seen.doing(2).tool(), Some(shown));
    }
    let long = Seen::working().runs("c", &"x".repeat(200), 1);
    assert_eq!(long.doing(2).tool().unwrap().chars().count(), 61);
    let hidden = Seen::working().runs("c", "make\u{202e}", 1);
    assert!(!hidden.doing(2).tool().unwrap().contains('\u{202e}'));
}
