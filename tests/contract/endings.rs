//! What a credential opened ends with it, and what runs goes on: logout, revocation, a restart.

use super::http::{Door, Events};
use super::viewer::Viewer;
use super::world::World;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Answers that go on for as long as their reader likes.
pub const STREAMS: [&str; 2] = ["/api/events", "/api/session_stream"];
/// What a credential opened ends within this much of its end.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn streams_end_with_the_credential_that_opened_them() {
    let world = World::serving();
    for path in STREAMS {
        let reader = world.token("reader", "read");
        let human = world.token("human", "human");
        let browser = world.browser();
        let port = world.announced().port;
        let bearer = |token: &str| format!("Bearer {token}");
        let (reader, human) = (bearer(&reader), bearer(&human));
        let open = |name: &str, value: &str| Events::open(&Door::Tcp(port, &[(name, value)]), path);
        let ends: [(&str, &str, &dyn Fn()); 3] = [
            ("Authorization", &reader, &|| {
                let name = json!({ "name": "reader" });
                world.post("/api/tokens/revoke", &name).ok();
            }),
            ("Authorization", &human, &|| {
                let name = json!({ "name": "human" });
                world.post("/api/tokens/revoke", &name).ok();
            }),
            ("X-Zhongshu-Session", &browser, &|| {
                world
                    .in_browser(&browser, "POST", "/api/logout", Some(&json!({})))
                    .ok();
            }),
        ];
        for (name, value, end) in ends {
            let mut stream = open(name, value);
            let began = Instant::now();
            end();
            stream.until_end();
            assert!(began.elapsed() < AT_ONCE, "{path}: {:?}", began.elapsed());
        }
    }
}

/// A shell that repeats what it hears.
fn echo() -> Value {
    let script = "while read -r line; do echo \"got $line\"; done";
    json!({ "shell": "/bin/sh", "shell_args": ["-c", script] })
}

fn url(opened: &Value) -> String {
    opened["url"].as_str().unwrap().to_owned()
}

/// The command line looks into a terminal, which goes on whoever else was shown out.
#[track_caller]
fn goes_on(world: &World, id: &Value, word: &str) {
    let ticket = json!({ "id": id, "mode": "write" });
    let mut viewer = Viewer::open(&url(&world.post("/api/terminal_ticket", &ticket).ok()));
    viewer.types(&format!("{word}\n"));
    viewer.until_shown(&format!("got {word}"));
}

#[test]
fn a_logout_ends_what_the_browser_opened_and_nothing_else() {
    let world = World::serving();
    let (out, stays) = (world.browser(), world.browser());
    let start = |secret: &str| {
        world
            .in_browser(secret, "POST", "/api/browser_terminal/start", Some(&echo()))
            .ok()
    };
    let (one, two) = (start(&out), start(&stays));
    let mut ends = Viewer::open(&url(&one));
    let ticket = json!({ "id": one["id"], "mode": "read" });
    let read = world
        .in_browser(&out, "POST", "/api/terminal_ticket", Some(&ticket))
        .ok();
    let mut looks = Viewer::open(&url(&read));
    let mut other = Viewer::open(&url(&two));
    let port = world.announced().port;
    let headers = [("X-Zhongshu-Session", out.as_str())];
    let mut stream = Events::open(&Door::Tcp(port, &headers), "/api/events?after=0");
    let began = Instant::now();
    world
        .in_browser(&out, "POST", "/api/logout", Some(&json!({})))
        .ok();
    assert_eq!((ends.until_closed(), looks.until_closed()), (4410, 4410));
    stream.until_end();
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    // Its addresses open nothing any more; the program and the other browser go on.
    assert_eq!(Viewer::knock(&url(&one)).until_closed(), 4401);
    assert_eq!(Viewer::knock(&url(&read)).until_closed(), 4401);
    other.types("hello\n");
    other.until_shown("got hello");
    goes_on(&world, &one["id"], "again");
}

#[test]
fn a_revoked_token_types_nothing_more() {
    let world = World::serving();
    let human = world.token("ci", "human");
    let opened = world
        .tcp(&human, "POST", "/api/browser_terminal/start", Some(&echo()))
        .ok();
    let mut shell = Viewer::open(&url(&opened));
    shell.types("before\n");
    shell.until_shown("got before");
    let began = Instant::now();
    world.run(&["token", "revoke", "ci"]).exits(0);
    assert_eq!(shell.until_closed(), 4411);
    assert!(began.elapsed() < AT_ONCE * 2, "{:?}", began.elapsed());
    assert!(!shell.tries_to_type("after\n") || shell.closed.is_some());
    assert_eq!(Viewer::knock(&url(&opened)).until_closed(), 4401);
    // One of the same name is another one.
    let again = world.token("ci", "human");
    let ticket = json!({ "id": opened["id"], "mode": "write" });
    let fresh = world
        .tcp(&again, "POST", "/api/terminal_ticket", Some(&ticket))
        .ok();
    assert_ne!(url(&fresh), url(&opened));
    let mut shell = Viewer::open(&url(&fresh));
    shell.types("anew\n");
    shell.until_shown("got anew");
    assert!(!shell.text().contains("after"), "{}", shell.text());
}

#[test]
fn a_restart_ends_what_browsers_opened_and_keeps_what_outlives_it() {
    let mut world = World::serving();
    let browser = world.browser();
    let (kept, revoked) = (world.token("kept", "human"), world.token("gone", "human"));
    let opened = world
        .in_browser(
            &browser,
            "POST",
            "/api/browser_terminal/start",
            Some(&echo()),
        )
        .ok();
    let ticket = json!({ "id": opened["id"], "mode": "write" });
    let mut tab = Viewer::open(&url(&opened));
    let by = |token: &str, world: &World| {
        let made = world.tcp(token, "POST", "/api/terminal_ticket", Some(&ticket));
        url(&made.ok())
    };
    let (kept_url, gone_url) = (by(&kept, &world), by(&revoked, &world));
    let mut script = Viewer::open(&kept_url);
    let mut other = Viewer::open(&gone_url);
    world.kill();
    // A crash blanks nothing, and nobody new is let in.
    tab.types("nobody home\n");
    script.until_shown("got nobody home");
    assert_eq!(Viewer::knock(&kept_url).until_closed(), 4504);
    world.run(&["token", "revoke", "gone"]).exits(0);
    world.start();
    assert_eq!((tab.until_closed(), other.until_closed()), (4412, 4412));
    script.types("still here\n");
    script.until_shown("got still here");
    // A reload of the page works, and the gone ones' do not.
    let mut reload = Viewer::open(&kept_url);
    reload.until_shown("got still here");
    assert_eq!(Viewer::knock(&url(&opened)).until_closed(), 4401);
    assert_eq!(Viewer::knock(&gone_url).until_closed(), 4401);
    goes_on(&world, &opened["id"], "at last");
    // What outlived the restart ends with its credential all the same, also when nobody asked for an address since.
    world.run(&["token", "revoke", "kept"]).exits(0);
    assert_eq!((script.until_closed(), reload.until_closed()), (4411, 4411));
    assert_eq!(Viewer::knock(&kept_url).until_closed(), 4401);
}
