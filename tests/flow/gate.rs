//! No path dispatches a plan that nobody confirmed, that was vetoed and not overruled, or that was superseded.
//!
//! Random people, planners, menxia sessions, forgers and restarts use every door of the domain, in any order. Beside the
//! real state runs a judge of the test's own, which knows only what was asked, what was answered, and which session was
//! started for which plan; it never looks at how the domain came to its answer.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use zhongshu::domain::flow::plan_reviews::{LineRef, Submission};
use zhongshu::domain::flow::{plans, queue, sessions};
use zhongshu::domain::ids::{AssignmentId, SessionId};
use zhongshu::domain::plan_review::Judgement;
use zhongshu::domain::session::{Kind, Outcome};
use zhongshu::domain::state::State;

use super::world::{World, by_tool, proposal};

/// What is wrong about a verdict, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgery {
    None,
    /// It names another session than its own.
    Claim,
    /// Somebody else's tool wrote it.
    Writer,
    /// It lies in another planner's mailbox.
    Mailbox,
    Version,
    Digest,
    /// It checked nothing about the last line.
    Points,
    /// A veto without a reason.
    Reasons,
}

#[derive(Debug, Clone)]
enum Wish {
    StartPlanner,
    Report(usize, usize),
    BeginReview(usize),
    /// The session, yes or no, by its tool or by a file, and what is wrong with it.
    Judge(usize, bool, bool, Forgery),
    /// The planner, which of its versions, edited or not, overruled or not.
    Confirm(usize, usize, bool, bool),
    ConfirmWithoutDigest(usize, usize, bool),
    ByHand(usize),
    Reject(usize),
    Replace(usize),
    Close(usize),
    Resume(usize),
    Thread(usize),
    Dispatch,
    Work(usize),
    Force(usize),
    Cancel(usize),
    Reviewed(bool),
    VetoLimit(usize),
    Restart,
}

const PLANS: [&[&str]; 4] = [
    &["gongchengbu"],
    &["zhilibu", "gongchengbu"],
    &["menxia", "gongchengbu", "lingyubu"],
    &["lingyubu"],
];

fn wish() -> impl Strategy<Value = Wish> {
    let any = || 0..1000usize;
    let yes = || prop::bool::ANY;
    let forgery = prop_oneof![
        7 => Just(Forgery::None),
        1 => Just(Forgery::Claim),
        1 => Just(Forgery::Writer),
        1 => Just(Forgery::Mailbox),
        1 => Just(Forgery::Version),
        1 => Just(Forgery::Digest),
        1 => Just(Forgery::Points),
        1 => Just(Forgery::Reasons),
    ];
    prop_oneof![
        1 => Just(Wish::StartPlanner),
        6 => (any(), 0..PLANS.len()).prop_map(|(a, b)| Wish::Report(a, b)),
        6 => any().prop_map(Wish::BeginReview),
        10 => (any(), yes(), yes(), forgery).prop_map(|(a, b, c, d)| Wish::Judge(a, b, c, d)),
        8 => (any(), any(), yes(), prop::bool::weighted(0.2))
            .prop_map(|(a, b, c, d)| Wish::Confirm(a, b, c, d)),
        3 => (any(), any(), yes()).prop_map(|(a, b, c)| Wish::ConfirmWithoutDigest(a, b, c)),
        1 => any().prop_map(Wish::ByHand),
        1 => any().prop_map(Wish::Reject),
        1 => any().prop_map(Wish::Replace),
        3 => any().prop_map(Wish::Close),
        2 => any().prop_map(Wish::Resume),
        1 => any().prop_map(Wish::Thread),
        8 => Just(Wish::Dispatch),
        2 => any().prop_map(Wish::Work),
        1 => any().prop_map(Wish::Force),
        1 => any().prop_map(Wish::Cancel),
        1 => prop::bool::weighted(0.8).prop_map(Wish::Reviewed),
        2 => (1..3usize).prop_map(Wish::VetoLimit),
        1 => Just(Wish::Restart),
    ]
}

/// A version of a plan, as the judge remembers it.
#[derive(Debug)]
struct Version {
    digest: String,
    must_be_reviewed: bool,
    verdict: Option<Judgement>,
    decided: bool,
}

/// Everything that the judge knows.
#[derive(Debug, Default)]
struct Judge {
    /// Versions by the planner that stands for them now.
    versions: BTreeMap<SessionId, Vec<Version>>,
    /// Which planner took over from which.
    heirs: BTreeMap<SessionId, SessionId>,
    /// Which session was started for which version of which planner.
    reviewers: BTreeMap<SessionId, (SessionId, usize)>,
    /// Sessions with a thread of their own, and so with a tool.
    with_tool: BTreeSet<SessionId>,
    /// What people confirmed.
    confirmed: BTreeSet<AssignmentId>,
    given: BTreeSet<SessionId>,
    required: bool,
}

impl Judge {
    fn heir(&self, planner: &SessionId) -> SessionId {
        let mut now = planner;
        while let Some(next) = self.heirs.get(now) {
            now = next;
        }
        now.clone()
    }

    fn of(&mut self, planner: &SessionId) -> &mut Vec<Version> {
        let heir = self.heir(planner);
        self.versions.entry(heir).or_default()
    }

    /// Whether the newest plan waits for a word that a confirmation without a reason must not pass. When plans are not reviewed
    /// any more, a veto that was given is the only one.
    fn is_closed(&mut self, planner: &SessionId) -> bool {
        let required = self.required;
        let newest = self.of(planner).last();
        newest.is_some_and(|it| {
            let stands_in_the_way = match it.verdict {
                Some(Judgement::Approve) => false,
                Some(Judgement::Veto) => true,
                None => required,
            };
            !it.decided && it.must_be_reviewed && stands_in_the_way
        })
    }

    /// Whether this verdict may count: the right session, for the plan that it was started for, while that is open.
    fn may_judge(&mut self, who: &SessionId, by_tool: bool, forgery: Forgery, veto: bool) -> bool {
        let Some((planner, version)) = self.reviewers.get(who).cloned() else {
            return false;
        };
        let harmless = forgery == Forgery::None || (forgery == Forgery::Reasons && !veto);
        let speaks_for_itself = by_tool || !self.with_tool.contains(who);
        let versions = self.of(&planner);
        let is_newest = versions.len() == version + 1;
        let newest = &versions[version];
        let open = match newest.verdict {
            None => true,
            // A veto stands; an approval can be taken back.
            Some(Judgement::Approve) => veto,
            Some(Judgement::Veto) => false,
        };
        harmless && speaks_for_itself && is_newest && !newest.decided && open
    }
}

struct Run {
    world: World,
    judge: Judge,
}

fn pick<T: Clone>(all: impl Iterator<Item = T>, number: usize) -> Option<T> {
    let all: Vec<T> = all.collect();
    (!all.is_empty()).then(|| all[number % all.len()].clone())
}

impl Run {
    fn new() -> Self {
        let mut world = World::new();
        world.policy.slots = 3;
        world.reviewed(2);
        let judge = Judge {
            required: true,
            ..Judge::default()
        };
        let mut run = Self { world, judge };
        run.world.planner();
        run
    }

    fn session(
        &self,
        number: usize,
        fits: impl Fn(&zhongshu::domain::session::Session) -> bool,
    ) -> Option<SessionId> {
        let all = self.world.state.sessions.values();
        pick(all.filter(|it| fits(it)).map(|it| it.id().clone()), number)
    }

    fn planner(&self, number: usize) -> Option<SessionId> {
        self.session(number, |it| it.brief.session_kind == Kind::Zhongshu)
    }

    fn have(&mut self, wish: &Wish) -> Option<()> {
        match *wish {
            Wish::StartPlanner => {
                self.world.planner();
            }
            Wish::Report(who, which) => {
                let who = self.planner(who)?;
                let receipt = self.world.report_plan(&who, proposal(PLANS[which])).ok()?;
                if receipt.new {
                    let must_be_reviewed = self.judge.required;
                    self.judge.of(&who).push(Version {
                        digest: receipt.plan_sha256,
                        must_be_reviewed,
                        verdict: None,
                        decided: false,
                    });
                }
                assert_eq!(self.judge.of(&who).len(), receipt.version as usize);
            }
            Wish::BeginReview(who) => {
                let who = self.planner(who)?;
                let reviewer = self.world.begin_review(&who)?;
                let versions = self.judge.of(&who);
                let newest = versions.last().expect("there is a plan to review");
                assert!(!newest.decided && newest.must_be_reviewed);
                let at = versions.len() - 1;
                self.judge.reviewers.insert(reviewer, (who, at));
            }
            Wish::Judge(who, approve, tool, forgery) => self.judge(who, approve, tool, forgery)?,
            Wish::Confirm(who, which, edited, overrule) => {
                let who = self.planner(who)?;
                let plan = pick(self.world.session(&who).plans.iter().cloned(), which)?;
                let mut lines = plan.proposal.assignments.clone();
                if edited {
                    lines[0].task.push_str(", with care");
                }
                let mut wish = self
                    .world
                    .confirmation(&who, lines, Some(plan.sha256.clone()));
                wish.override_reason = overrule.then(|| "I know better".to_owned());
                let closed = self.judge.is_closed(&who);
                let ids = self.world.confirm_so(wish).ok()?;
                let newest = self.judge.of(&who).last_mut().expect("there is one");
                assert_eq!(newest.digest, plan.sha256, "only the newest is confirmed");
                assert!(!newest.decided, "and only once");
                assert!(
                    !closed || overrule,
                    "and not against a review without a reason"
                );
                newest.decided = true;
                self.judge.confirmed.extend(ids);
            }
            Wish::ConfirmWithoutDigest(who, which, overrule) => {
                let who = self.planner(who)?;
                let plan = pick(self.world.session(&who).plans.iter().cloned(), which)?;
                let mut wish =
                    self.world
                        .confirmation(&who, plan.proposal.assignments.clone(), None);
                wish.override_reason = overrule.then(|| "no".to_owned());
                let closed = self.judge.is_closed(&who);
                let ids = self.world.confirm_so(wish).ok()?;
                assert!(!closed, "leaving out the digest is no way around");
                self.judge.confirmed.extend(ids);
            }
            Wish::ByHand(who) => {
                let who = self.planner(who)?;
                let lines = proposal(&["gongchengbu"]).assignments;
                let mut wish = self.world.confirmation(&who, lines, None);
                wish.by_hand = true;
                let ids = self.world.confirm_so(wish).ok()?;
                self.judge.confirmed.extend(ids);
            }
            Wish::Reject(who) => {
                let who = self.planner(who)?;
                let reject = |state: &State, policy: &zhongshu::core::policy::Policy| {
                    plans::reject(state, &policy.catalog, &who, "no")
                };
                self.world.decide(reject).ok()?;
                self.judge.of(&who).last_mut().expect("a plan").decided = true;
            }
            Wish::Replace(who) => {
                let who = self.planner(who)?;
                let heir = self.world.replace(&who).ok()?;
                let versions = self.judge.versions.remove(&who).unwrap_or_default();
                self.judge.versions.insert(heir.clone(), versions);
                self.judge.heirs.insert(who, heir);
            }
            Wish::Close(who) => {
                let who = self.session(who, |it| it.is_live())?;
                self.world.close(&who, Outcome::Stopped);
            }
            Wish::Resume(who) => {
                let who = self.session(who, |it| !it.is_live())?;
                self.world
                    .decide(|state, policy| sessions::resume(state, policy.slots, &who))
                    .ok()?;
                self.world.started(&who);
            }
            Wish::Thread(who) => {
                let who = self.session(who, |it| it.thread_id.is_none())?;
                self.world
                    .happen(zhongshu::domain::event::Event::SessionThreadOpened {
                        session_id: who.clone(),
                        thread_id: format!("thread-{who}"),
                    });
                self.judge.with_tool.insert(who);
            }
            Wish::Dispatch => {
                let given = self.world.dispatch()?;
                let order = self.world.session(&given).brief.assignment_id.clone();
                let order = order.expect("a department has an assignment");
                assert!(self.judge.confirmed.contains(&order), "nobody confirmed it");
                self.judge.given.insert(given);
            }
            Wish::Work(who) => {
                let who = self.session(who, |it| !it.is_planner() && !it.is_review())?;
                let said = by_tool(self.world.submission(&who, "done"));
                self.world.submit(said).ok()?;
            }
            Wish::Force(which) | Wish::Cancel(which) => {
                let all = self.world.state.assignments.keys().cloned();
                let id = pick(all, which)?;
                let done = match wish {
                    Wish::Force(_) => self.world.decide(|state, _| queue::force(state, &id)),
                    _ => self.world.decide(|state, _| queue::cancel(state, &id)),
                };
                done.ok()?;
            }
            Wish::Reviewed(required) => {
                self.world.policy.catalog.review.required = required;
                self.judge.required = required;
            }
            Wish::VetoLimit(limit) => self.world.policy.catalog.review.veto_limit = limit,
            Wish::Restart => {
                let mut state = State::default();
                for (seq, at, event) in &self.world.log {
                    state.apply(*seq, *at, event);
                }
                super::world::assert_same(&state, &self.world.state);
                self.world.state = state;
            }
        }
        Some(())
    }

    /// A verdict by any session there is, planners and departments included, for any plan that was ever reviewed.
    fn judge(&mut self, who: usize, approve: bool, tool: bool, forgery: Forgery) -> Option<()> {
        let who = self.session(who, |_| true)?;
        let verdict = match approve {
            true => Judgement::Approve,
            false => Judgement::Veto,
        };
        // Who reviews nothing borrows somebody's verdict.
        let known = match self.world.session(&who).is_review() {
            true => Some(who.clone()),
            false => self.session(approve.into(), |it| it.is_review()),
        }?;
        let mut wish: Submission = self.world.opinion(&known, verdict);
        wish.department_session_id = who.clone();
        wish.written_by = tool.then(|| who.clone());
        let other = self.session(1, |it| *it.id() != who);
        match forgery {
            Forgery::None => {}
            Forgery::Claim => wish.department_session_id = other?,
            Forgery::Writer => wish.written_by = Some(other?),
            Forgery::Mailbox => {
                let parent = wish.mailbox_of.clone();
                let heir = self.judge.heir(&parent);
                let other =
                    self.session(0, |it| it.is_planner() && self.judge.heir(it.id()) != heir);
                wish.mailbox_of = other?;
            }
            Forgery::Version => wish.opinion.plan_version += 1,
            Forgery::Digest => wish.opinion.plan_sha256 = "0".repeat(64),
            Forgery::Points => wish
                .opinion
                .checked
                .retain(|(line, _)| *line != LineRef::Number(1)),
            Forgery::Reasons => wish.opinion.reasons.clear(),
        }
        let claimed = wish.department_session_id.clone();
        let mut may = self.judge.may_judge(&who, tool, forgery, !approve);
        if forgery == Forgery::Claim && !tool {
            // A file that claims to be another's is that other's word, as far as anybody can tell.
            let same = self.judge.reviewers.get(&claimed) == self.judge.reviewers.get(&known);
            may = same
                && self
                    .judge
                    .may_judge(&claimed, false, Forgery::None, !approve);
        }
        let given = self.world.give(wish);
        assert_eq!(
            given.is_ok(),
            may,
            "{who} {approve} {tool} {forgery:?}: {given:?}"
        );
        let (planner, version) = self.judge.reviewers.get(&claimed).cloned()?;
        given.ok()?;
        self.judge.of(&planner)[version].verdict = Some(verdict);
        Some(())
    }

    /// Nobody works who was not given confirmed work, and nobody reviews who was not started for it.
    fn check(&self) {
        for session in self.world.state.sessions.values() {
            let known = match (session.is_planner(), session.is_review()) {
                (true, _) => true,
                (false, true) => self.judge.reviewers.contains_key(session.id()),
                (false, false) => self.judge.given.contains(session.id()),
            };
            assert!(known, "{session:?}");
        }
        for id in self.world.state.assignments.keys() {
            assert!(
                self.judge.confirmed.contains(id),
                "{id} was never confirmed"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn nothing_starts_but_what_a_person_let_through(wishes in prop::collection::vec(wish(), 1..70)) {
        let mut run = Run::new();
        for wish in &wishes {
            let before = run.world.log.len();
            if run.have(wish).is_none() && !matches!(wish, Wish::Resume(_)) {
                prop_assert_eq!(run.world.log.len(), before, "a refusal changes nothing");
            }
        }
        run.check();
    }
}

#[test]
fn the_random_walks_get_everywhere() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    // A walk that never came to a veto, an overruling or a dispatch would prove nothing.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let walk = prop::collection::vec(wish(), 60..70);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..300 {
        let wishes = walk.new_tree(&mut runner).unwrap().current();
        let mut run = Run::new();
        for wish in &wishes {
            run.have(wish);
        }
        for event in run.world.events() {
            let event = serde_json::to_value(event).unwrap();
            *seen
                .entry(event["event"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    for name in [
        "plan_approved",
        "plan_vetoed",
        "plan_review_ended",
        "plan_left_to_person",
        "plan_review_overruled",
        "plan_confirmed",
        "plan_rejected",
        "zhongshu_replaced",
        "assignment_dispatched",
        "assignment_forced",
    ] {
        let count = seen.get(name).copied().unwrap_or(0);
        assert!(count >= 10, "{name} happened {count} times");
    }
}
