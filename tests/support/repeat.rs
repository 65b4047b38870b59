//! A long past: what once happened, written into the journal again and again, each time to others. Nothing else about it is made up.

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use uuid::Uuid;
use zhongshu::domain::event::Event;
use zhongshu::domain::state::State;
use zhongshu::journal::{Journal, system_clock};
use zhongshu::ledger::Ledger;

/// Repeats events of a journal that nobody writes so many times, with other ids; how many events there are then.
pub fn repeat(journal: &Path, events: &[Value], times: usize) -> u64 {
    let ids = Regex::new(r"\b([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\b").unwrap();
    let said = events.iter();
    let said = said.map(|it| (it["actor"].as_str().unwrap().to_owned(), it.to_string()));
    let said = Vec::from_iter(said);
    let opened = Journal::open::<State>(journal, None, &system_clock()).unwrap();
    let ledger = Ledger::start(opened, system_clock()).unwrap();
    for _ in 0..times {
        let mut others = BTreeMap::<String, String>::new();
        let mut pending = Vec::new();
        for (actor, text) in &said {
            let other = ids.replace_all(text, |found: &regex::Captures<'_>| {
                let id = &found[0];
                let fresh = || match id.contains('-') {
                    true => Uuid::now_v7().to_string(),
                    false => Uuid::now_v7().simple().to_string(),
                };
                others.entry(id.to_owned()).or_insert_with(fresh).clone()
            });
            let event: Event = serde_json::from_str(&other).unwrap();
            let sent =
                ledger.send_blocking(actor.as_str(), move |_| Ok::<_, ()>((vec![event], ())));
            pending.push(sent.unwrap());
        }
        // Those of one round are synced together.
        pending.into_iter().for_each(|it| it.wait().unwrap());
    }
    let events = ledger.snapshot_seq();
    ledger.close_blocking();
    events
}
