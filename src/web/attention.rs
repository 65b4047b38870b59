//! What waits for a person, as pages, API and streams show it: the state and the observations at one moment, put into one list by
//! `domain::attention`. Kept are only the times at which things without a recorded begin were first seen, and what streams were told.

use crate::core::live::moment;
use crate::domain::ask::Ask;
use crate::domain::attention::{self, Glimpse, House, Item, Scene};
use crate::domain::doing::Doing;
use crate::domain::language::Language;
use crate::domain::review::GateMode;
use crate::domain::sentence::{Sentence, say};
use crate::domain::state::State;
use crate::ledger::Health;
use crate::sessions::agents::Agents;
use crate::threads::{Abilities, not_logged_in};
use crate::web::events::Frame;
use crate::web::session_frames::LOOK_AGAIN;
use crate::web::views::CodexView;
use axum::body::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Items that an answer lists. Of more nobody decides one by one; how many more there are is told.
pub const MAX_ITEMS: usize = 200;
/// A working agent changes many times a second; so often at most the list is made for streams.
const PACE: Duration = Duration::from_millis(25);

/// The list, for whoever asks.
#[derive(Debug)]
pub struct Attention {
    /// Whether the gate stands before every commit; `None` until somebody has looked.
    guarded: watch::Receiver<Option<bool>>,
    first_seen: Mutex<BTreeMap<String, DateTime<Utc>>>,
    made: Mutex<Made>,
}

/// What streams were told last.
#[derive(Debug, Default)]
struct Made {
    at: Option<Instant>,
    seq: u64,
    observed: u64,
    /// Counts the changes of the list.
    number: u64,
    told: Told,
    event: Bytes,
}

/// What a stream tells: how many items there are, and which come first.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Told {
    count: usize,
    ids: Vec<String>,
}

/// What changed since a stream looked last.
#[derive(Debug)]
pub struct News {
    /// Where the reader stands after it.
    pub number: u64,
    /// The event, if there is news.
    pub event: Option<Bytes>,
    /// When to look again, if something happened since.
    pub again: Option<Instant>,
}

impl Attention {
    /// Of a launcher that knows by `guarded` whether the gate stands.
    pub fn new(guarded: watch::Receiver<Option<bool>>) -> Self {
        Self {
            guarded,
            first_seen: Mutex::default(),
            made: Mutex::default(),
        }
    }

    /// Everything that waits, in its order, in this language.
    pub fn items(&self, agents: &Agents, language: Language) -> Vec<Item> {
        let limits = agents.queue().limits();
        let house = house(agents, language);
        let core = &agents.core;
        core.ledger
            .read(|state| self.look(agents, state, &limits, house, language))
    }

    /// The same within a look at the state. `house` and `limits` were taken before it.
    pub fn look(
        &self,
        agents: &Agents,
        state: &State,
        limits: &crate::domain::flow::holds::Limits,
        mut house: House,
        language: Language,
    ) -> Vec<Item> {
        let policy = agents.core.policy();
        let (at, codex_down) = (moment(), agents.codex_down());
        let now = at.at;
        let pinned = state.reviews.pinned.filter(|mode| *mode > GateMode::Off);
        house.gate = pinned.filter(|_| *self.guarded.borrow() == Some(false));
        let first_seen = RefCell::new(lock(&self.first_seen));
        let items = attention::of(&Scene {
            state,
            asks: &asks(state),
            house: &house,
            glimpse: &|id| Glimpse {
                doing: state.session(id).map_or_else(Doing::default, |session| {
                    let observed = agents.core.live.observed(id);
                    let down = codex_down.as_deref();
                    observed.doing(state, session, &policy.thresholds, down, at)
                }),
            },
            limits,
            review: policy.catalog.review,
            title: &|key| {
                let known = policy.catalog.department(key);
                known.map_or_else(|| key.to_owned(), |it| it.title.get(language).to_owned())
            },
            first_seen: &|id| {
                let mut seen = first_seen.borrow_mut();
                *seen.entry(id.to_owned()).or_insert(now)
            },
            language,
            now,
        });
        let mut seen = first_seen.into_inner();
        seen.retain(|id, _| items.iter().any(|item| item.id == *id));
        items
    }

    /// What changed of the list after `number`; 0 stands before everything.
    pub fn after(&self, number: u64, agents: &Agents) -> News {
        let mut made = lock(&self.made);
        let due = made.at.is_none_or(|at| at.elapsed() >= PACE);
        if due && made.is_stale(agents) {
            // Read before the list is made: what changes meanwhile is looked at once more.
            let (seq, observed) = (agents.core.ledger.snapshot_seq(), agents.core.live.count());
            made.take(&self.items(agents, Language::En));
            (made.seq, made.observed, made.at) = (seq, observed, Some(Instant::now()));
        }
        News {
            number: made.number,
            event: (made.number > number).then(|| made.event.clone()),
            again: made
                .at
                .filter(|_| made.is_stale(agents))
                .map(|at| at + PACE),
        }
    }
}

impl Made {
    fn is_stale(&self, agents: &Agents) -> bool {
        self.at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN)
            || self.seq != agents.core.ledger.snapshot_seq()
            || self.observed != agents.core.live.count()
    }

    fn take(&mut self, items: &[Item]) {
        let told = Told {
            count: items.len(),
            ids: items
                .iter()
                .take(MAX_ITEMS)
                .map(|it| it.id.clone())
                .collect(),
        };
        // The first list is news even when it is empty.
        if self.number > 0 && told == self.told {
            return;
        }
        let data = serde_json::to_string(&told).expect("it is plain data");
        self.event = Frame {
            id: None,
            event: "attention",
            data: &data,
        }
        .bytes();
        self.told = told;
        self.number += 1;
    }
}

/// A panic leaves plain data behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What Codex asks and nobody has answered.
fn asks(state: &State) -> Vec<Ask> {
    // What a client performs is not for the person.
    let open = state.asks.open().filter(|ask| !ask.what.is_for_clients());
    open.cloned().collect()
}

/// The English of each, which names it, and its text.
fn lacks(abilities: &Abilities, language: Language) -> Vec<(String, String)> {
    let named = |said: Sentence| (said.to_string(), said.text(language));
    match abilities {
        Abilities::AllBut(lacks) => lacks
            .iter()
            .map(|lack| {
                let methods = lack.methods.join("`, `");
                named(say!("reason.codex.lacks", loss => lack.feature.loss(), methods))
            })
            .collect(),
        Abilities::Untold(reason) => vec![named(say!("reason.codex.untold", reason))],
        Abilities::Unknown => Vec::new(),
    }
}

/// How the house stands at this moment, apart from its sessions.
pub fn house(agents: &Agents, language: Language) -> House {
    let core = &agents.core;
    let policy = core.policy();
    let codex = CodexView::of(agents, language);
    let trust = agents.permission().question(language);
    let powers = core.powers(language);
    let health = core.ledger.status().borrow().health.clone();
    // What was kept as English text.
    let shown = |text: &str| Sentence::recognised(text).text(language);
    House {
        codex: matches!(codex.state, "down" | "unavailable")
            .then(|| (codex.state, shown(&codex.reason.unwrap_or_default()))),
        lacks: lacks(&agents.threads.abilities(), language),
        login: (agents.threads.logged_in() == Some(false)).then(|| {
            say!("reason.log_in_then_start", not_logged_in => not_logged_in()).text(language)
        }),
        trust: trust.needed.then_some(trust.statement),
        powers: powers
            .needed
            .then_some((powers.sha256, powers.statement, powers.lines)),
        read_only: match health {
            Health::ReadOnly { reason, .. } => Some(shown(&reason)),
            Health::Writable => None,
        },
        damage: core.damage.get().map(|it| shown(it)),
        settings: {
            let warnings = policy.warnings().into_iter();
            let named = |english: String| (english.clone(), shown(&english));
            warnings.map(named).collect()
        },
        duties: core.troubles.list(language),
        gate: None,
    }
}
