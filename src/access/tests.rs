//! Keys, sessions and the limits on noise, with a clock of our own.
#![allow(clippy::unwrap_used)]

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

struct House {
    access: Access,
    seconds: Arc<AtomicU64>,
    events: Arc<Mutex<Vec<AccessEvent>>>,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seconds = Arc::new(AtomicU64::new(1000));
        let events = Arc::new(Mutex::new(Vec::new()));
        let (clock, log) = (Arc::clone(&seconds), Arc::clone(&events));
        let access = Access::with_clock(
            Address::fresh(6211).unwrap(),
            TokenStore::open(folder.path()).unwrap(),
            CancellationToken::new(),
            Box::new(move |event| log.lock().unwrap().push(event)),
            Arc::new(move || Duration::from_secs(clock.load(Ordering::SeqCst))),
        );
        Self {
            access,
            seconds,
            events,
            _folder: folder,
        }
    }

    fn wait(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[test]
fn a_key_lets_one_browser_in_and_its_reuse_throws_that_one_out() {
    let house = House::new();
    let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
    let session = house.access.login(key.reveal()).unwrap();
    let grant = house.access.check_session(session.secret.reveal()).unwrap();
    assert_eq!(grant.caller, Caller::Person { via: Via::Browser });
    assert!(!grant.lease.ended.is_cancelled());
    assert!(matches!(
        house.access.login(key.reveal()),
        Err(LoginError::Spent)
    ));
    assert!(grant.lease.ended.is_cancelled());
    assert!(
        house
            .access
            .check_session(session.secret.reveal())
            .is_none()
    );
    let (granted, revoked) = (
        AccessEvent::Granted {
            to: "browser".to_owned(),
            scope: "human",
            by: "person".to_owned(),
        },
        AccessEvent::Revoked {
            to: "browser".to_owned(),
            by: None,
        },
    );
    assert_eq!(*house.events.lock().unwrap(), [granted, revoked]);
}

#[test]
fn a_late_key_is_refused() {
    let house = House::new();
    let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
    house.wait(60);
    assert!(matches!(
        house.access.login(key.reveal()),
        Err(LoginError::Expired)
    ));
}

#[test]
fn many_wrong_keys_are_slowed_and_the_right_one_still_works() {
    let house = House::new();
    let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
    for _ in 0..10 {
        assert!(matches!(
            house.access.login("wrong"),
            Err(LoginError::Unknown)
        ));
    }
    assert!(matches!(
        house.access.login("wrong"),
        Err(LoginError::TooMany)
    ));
    assert!(house.access.login(key.reveal()).is_ok());
}

#[test]
fn sessions_end_by_idleness_by_age_and_by_logout() {
    let house = House::new();
    let login = || {
        let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
        house.access.login(key.reveal()).unwrap().secret
    };
    let idle = login();
    house.wait(SESSION_IDLE.as_secs());
    assert!(house.access.check_session(idle.reveal()).is_none());

    let old = login();
    for _ in 0..13 {
        house.wait(SESSION_IDLE.as_secs() / 2);
        assert!(house.access.check_session(old.reveal()).is_some());
    }
    house.wait(SESSION_IDLE.as_secs() / 2);
    assert!(house.access.check_session(old.reveal()).is_none());

    let out = login();
    house.access.logout(out.reveal());
    assert!(house.access.check_session(out.reveal()).is_none());
}

#[test]
fn a_session_whose_time_is_up_ends_without_being_asked_for() {
    let house = House::new();
    let login = || {
        let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
        let secret = house.access.login(key.reveal()).unwrap().secret;
        house.access.check_session(secret.reveal()).unwrap().lease
    };
    assert_eq!(house.access.end_expired(), None);
    let first = login();
    house.wait(100);
    let second = login();
    assert_ne!(first.holder, second.holder);
    let left = house.access.end_expired().unwrap();
    assert_eq!(left, SESSION_IDLE - Duration::from_secs(100));
    house.wait(left.as_secs());
    assert_eq!(house.access.end_expired(), Some(Duration::from_secs(100)));
    assert!(first.ended.is_cancelled() && !second.ended.is_cancelled());
    let told = house.events.lock().unwrap().last().cloned();
    let revoked = AccessEvent::Revoked {
        to: "browser".to_owned(),
        by: None,
    };
    assert_eq!(told, Some(revoked));
}

#[test]
fn the_browser_unused_for_longest_gives_way() {
    let house = House::new();
    let mut secrets = Vec::new();
    for _ in 0..=MAX_SESSIONS {
        let key = house.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
        secrets.push(house.access.login(key.reveal()).unwrap().secret);
        house.wait(1);
    }
    assert!(house.access.check_session(secrets[0].reveal()).is_none());
    assert!(house.access.check_session(secrets[1].reveal()).is_some());
}

#[test]
fn refusals_are_told_with_a_limit() {
    let house = House::new();
    for _ in 0..50 {
        house.access.refused(None, "a foreign Host", "/api/status");
    }
    assert_eq!(house.events.lock().unwrap().len(), 10);
    house.wait(6);
    house
        .access
        .refused(None, "a foreign Host", &"x".repeat(999));
    let events = house.events.lock().unwrap();
    let AccessEvent::Refused { reason, path, .. } = events.last().unwrap() else {
        panic!("{events:?}");
    };
    assert!(reason.contains("40 more"), "{reason}");
    assert_eq!(path.len(), 200);
}
