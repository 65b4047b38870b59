//! Every route with every credential: what it opens, and that looking changes nothing.

use super::endings::STREAMS;
use super::http::{self, Answer, Door, Events};
use super::world::World;
use serde_json::{Value, json};
use zhongshu::web::harness::PREFIX;

/// For whom a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// Whoever reaches the port; it shows nothing.
    Everybody,
    /// Who may look: the person and readers.
    Lookers,
    /// The person alone.
    Person,
    /// The tool server, on the socket.
    Agents,
}

/// Every route. One that is not here, or not there, fails the sweep.
const ROUTES: &[(&str, &str, For)] = &[
    ("GET", "/", For::Everybody),
    ("GET", "/assets/{*path}", For::Everybody),
    ("GET", "/healthz", For::Everybody),
    ("POST", "/api/login", For::Everybody),
    ("GET", "/api/status", For::Lookers),
    ("GET", "/api/sessions", For::Lookers),
    ("GET", "/api/attention", For::Lookers),
    ("GET", "/api/attention/{id}", For::Lookers),
    ("GET", "/api/history", For::Lookers),
    ("GET", "/api/zhongshu_sessions", For::Lookers),
    ("GET", "/api/zhongshu_context", For::Lookers),
    ("GET", "/api/zhongshu_inbox", For::Lookers),
    ("GET", "/api/zhongshu_plan", For::Lookers),
    ("GET", "/api/plans", For::Lookers),
    ("GET", "/api/handoff", For::Lookers),
    ("GET", "/api/dossier", For::Lookers),
    ("GET", "/api/session_stream", For::Lookers),
    ("GET", "/api/thread", For::Lookers),
    ("GET", "/api/thread/item", For::Lookers),
    ("GET", "/api/thread_stream", For::Lookers),
    ("GET", "/api/events", For::Lookers),
    ("GET", "/api/browser_terminals", For::Lookers),
    ("GET", "/api/report", For::Lookers),
    ("GET", "/api/audit", For::Lookers),
    ("GET", "/api/review", For::Person),
    ("GET", "/api/tokens", For::Person),
    ("GET", "/ui/work", For::Person),
    ("GET", "/ui/report", For::Person),
    ("GET", "/ui/review", For::Person),
    ("GET", "/ui/review/file", For::Person),
    ("GET", "/ui/extensions", For::Person),
    ("GET", "/ui/find", For::Person),
    ("GET", "/ui/thread", For::Person),
    ("GET", "/ui/thread/item", For::Person),
    ("GET", "/ui/threads", For::Person),
    ("GET", "/mcp/inbox", For::Agents),
    ("POST", "/mcp/accept_changes", For::Agents),
    ("POST", "/mcp/review_code", For::Agents),
    ("POST", "/api/zhongshu_inbox", For::Person),
    ("POST", "/api/start_zhongshu_session", For::Person),
    ("POST", "/api/start_zhongshu", For::Person),
    ("POST", "/api/restart_zhongshu_session", For::Person),
    ("POST", "/api/ack_result", For::Person),
    ("POST", "/api/accept_changes", For::Person),
    ("POST", "/api/verify_result", For::Person),
    ("POST", "/api/report_zhongshu_plan", For::Person),
    ("POST", "/api/read_files", For::Person),
    ("POST", "/api/start_assignments", For::Person),
    ("POST", "/api/reject_plan", For::Person),
    ("POST", "/api/check_plan", For::Person),
    ("POST", "/api/plan_assignments", For::Person),
    ("POST", "/api/start_department", For::Person),
    ("POST", "/api/start_department_for_zhongshu", For::Person),
    ("POST", "/api/trust", For::Person),
    ("POST", "/api/powers", For::Person),
    ("POST", "/api/discard_plan_file", For::Person),
    ("POST", "/api/review_plan", For::Person),
    ("POST", "/api/take_plan_file", For::Person),
    ("POST", "/api/shutdown", For::Person),
    ("POST", "/api/stop_session", For::Person),
    ("POST", "/api/resume_session", For::Person),
    ("POST", "/api/session_input", For::Person),
    ("POST", "/api/notify_zhongshu", For::Person),
    ("POST", "/api/take_back_message", For::Person),
    ("POST", "/api/interrupt_session", For::Person),
    ("POST", "/api/compact_session", For::Person),
    ("POST", "/api/revert_session", For::Person),
    ("POST", "/api/fork_session", For::Person),
    ("POST", "/api/rename_session", For::Person),
    ("POST", "/api/archive_session", For::Person),
    ("POST", "/api/delete_session", For::Person),
    ("POST", "/api/session_settings", For::Person),
    ("POST", "/api/review_session", For::Person),
    ("POST", "/api/session_browser_terminal/back", For::Person),
    ("POST", "/api/session_browser_terminal/fork", For::Person),
    ("POST", "/api/attention/{id}", For::Person),
    ("GET", "/api/usage", For::Lookers),
    ("POST", "/api/budgets", For::Person),
    ("GET", "/api/rules", For::Lookers),
    ("POST", "/api/rules/remove", For::Person),
    ("POST", "/api/queue/cancel", For::Person),
    ("POST", "/api/queue/force", For::Person),
    ("POST", "/api/queue/move", For::Person),
    ("POST", "/api/queue/pause", For::Person),
    ("POST", "/api/queue/resume", For::Person),
    ("POST", "/api/browser_terminal/start", For::Person),
    ("POST", "/api/browser_terminal/close", For::Person),
    ("POST", "/api/session_browser_terminal/start", For::Person),
    ("POST", "/api/terminal_ticket", For::Person),
    ("POST", "/api/terminal_theme", For::Person),
    ("POST", "/api/preferences", For::Person),
    ("POST", "/api/reviews/approve", For::Person),
    ("POST", "/api/reviews/reject", For::Person),
    ("POST", "/api/reviews/accept_commit", For::Person),
    ("POST", "/api/gate", For::Person),
    ("POST", "/api/logout", For::Person),
    ("POST", "/api/login_key", For::Person),
    ("POST", "/api/tokens", For::Person),
    ("POST", "/api/tokens/revoke", For::Person),
];

/// Everybody who may knock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    /// A token of scope `read`.
    Reader,
    /// A token of scope `harness`.
    Harness,
    /// A token of scope `human`.
    Human,
    Browser,
    CommandLine,
    /// A process that names a thread as the tool server does, and is not its child of Codex.
    Agent,
    /// A browser that has logged out.
    LoggedOut,
    /// A token of scope `human` that was revoked.
    Revoked,
}

const EVERYBODY: [Who; 9] = [
    Who::Nobody,
    Who::Reader,
    Who::Harness,
    Who::Human,
    Who::Browser,
    Who::CommandLine,
    Who::Agent,
    Who::LoggedOut,
    Who::Revoked,
];

struct Keys {
    reader: String,
    harness: String,
    human: String,
    browser: String,
    logged_out: String,
    revoked: String,
}

impl Keys {
    fn cut(world: &World) -> Self {
        let logged_out = world.browser();
        world
            .in_browser(&logged_out, "POST", "/api/logout", Some(&json!({})))
            .ok();
        let revoked = world.token("revoked", "human");
        world
            .post("/api/tokens/revoke", &json!({ "name": "revoked" }))
            .ok();
        Self {
            reader: world.token("reader", "read"),
            harness: world.token("harness", "harness"),
            human: world.token("human", "human"),
            browser: world.browser(),
            logged_out,
            revoked,
        }
    }

    /// Passes on a door with what this one shows.
    fn at_the_door<T>(&self, world: &World, who: Who, then: impl FnOnce(&Door<'_>) -> T) -> T {
        let (port, socket) = (world.announced().port, world.socket());
        let origin = format!("http://127.0.0.1:{port}");
        let bearer = |token: &str| format!("Bearer {token}");
        let shown = match who {
            Who::CommandLine => return then(&Door::Socket(&socket)),
            Who::Agent => return then(&Door::SocketOf(&socket, "thread-of-nobody")),
            Who::Nobody => None,
            Who::Reader => Some(("Authorization", bearer(&self.reader))),
            Who::Harness => Some(("Authorization", bearer(&self.harness))),
            Who::Human => Some(("Authorization", bearer(&self.human))),
            Who::Revoked => Some(("Authorization", bearer(&self.revoked))),
            Who::Browser => Some(("X-Zhongshu-Session", self.browser.clone())),
            Who::LoggedOut => Some(("X-Zhongshu-Session", self.logged_out.clone())),
        };
        let mut headers = vec![("Origin", origin.as_str())];
        headers.extend(shown.as_ref().map(|(name, value)| (*name, value.as_str())));
        then(&Door::Tcp(port, &headers))
    }
}

/// What somebody must be answered: a status and, where it is a no of ours, its code.
fn expected(method: &str, path: &str, whose: For, who: Who) -> Option<(u16, &'static str)> {
    let is_tool = path.starts_with("/mcp/");
    match (who, whose) {
        (Who::LoggedOut, _) => Some((401, "session_unknown")),
        (Who::Revoked, _) => Some((401, "token_unknown")),
        (Who::Nobody, For::Everybody) => None,
        (Who::Nobody, _) => Some((401, "login_required")),
        (Who::CommandLine, _) if is_tool => Some((401, "no_thread")),
        (Who::Agent, For::Agents) => Some((403, "not_the_tool_server")),
        (Who::Agent, For::Lookers) => Some((403, "not_for_agents")),
        (Who::Agent, For::Person) => Some((403, "person_only")),
        (Who::Reader | Who::Harness | Who::Human | Who::Browser, _) if is_tool => {
            Some((404, "unknown_path"))
        }
        (Who::Reader, _) if method == "POST" => Some((403, "read_only_token")),
        (Who::Harness, _) if method == "POST" => Some((403, "harness_only_token")),
        (Who::Reader | Who::Harness, For::Person) => Some((403, "person_only")),
        _ => None,
    }
}

/// Where a route is looked at; what it needs is there.
fn target(path: &str, planner: &str, report: &str) -> String {
    match path {
        "/assets/{*path}" => "/assets/app.js".to_owned(),
        "/api/attention/{id}" => "/api/attention/ask-1".to_owned(),
        "/api/zhongshu_context"
        | "/api/zhongshu_inbox"
        | "/api/zhongshu_plan"
        | "/api/dossier"
        | "/api/plans" => format!("{path}?id={planner}"),
        "/api/handoff" => format!("{path}?id={report}"),
        "/api/report" => format!("{path}?mode=worktree"),
        path => path.to_owned(),
    }
}

/// What somebody did, but for who came in and who was refused. The launcher has its own work meanwhile: the end of a session takes its time.
fn happened(world: &World) -> usize {
    let events = world.audit();
    let by_itself = |event: &&Value| {
        let name = event["event"].as_str().unwrap();
        name.starts_with("access_") || event["actor"] == "launcher"
    };
    events.iter().filter(|event| !by_itself(event)).count()
}

#[test]
fn every_route_answers_every_credential_as_the_table_says_and_looking_changes_nothing() {
    let mut listed = zhongshu::web::every_route();
    listed.retain(|route| !route.path.starts_with(PREFIX));
    listed.sort();
    let mut table: Vec<_> = ROUTES
        .iter()
        .map(|(method, path, _)| (*method, *path))
        .collect();
    table.sort();
    let served: Vec<_> = listed
        .iter()
        .map(|route| (route.method, &*route.path))
        .collect();
    assert_eq!(served, table, "the table and the router differ");

    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    child.reports(json!({}));
    let report = world.result_of(&child.id).unwrap()["report_id"].clone();
    let report = report.as_str().unwrap();
    let keys = Keys::cut(&world);
    let before = happened(&world);
    for &(method, path, whose) in ROUTES {
        let target = target(path, &planner.id, report);
        for who in EVERYBODY {
            let ask = |method: &str, body: Option<&[u8]>| -> Answer {
                let kind = body.map(|_| "application/json");
                keys.at_the_door(&world, who, |door| {
                    http::send(door, method, &target, kind, body)
                })
            };
            let expected = expected(method, path, whose, who);
            // A list is no request of ours: who is let in is told so, and nothing happens.
            let no_request: Option<&[u8]> = (method == "POST").then_some(b"[]");
            let answer = match (expected, method) {
                (None, "GET") if STREAMS.contains(&path) => {
                    let opened = keys.at_the_door(&world, who, |door| Events::open(door, path));
                    drop(opened);
                    ask("HEAD", None)
                }
                // The one look that changes something, as documented.
                (None, "GET")
                    if path == "/api/zhongshu_inbox"
                        && matches!(who, Who::CommandLine | Who::Human) =>
                {
                    ask("HEAD", None)
                }
                (None, "GET") => {
                    ask("HEAD", None);
                    ask("GET", None)
                }
                _ => ask(method, no_request),
            };
            let at = format!("{method} {path} by {who:?}: {answer:?}");
            match expected {
                Some((status, code)) => {
                    assert_eq!(
                        (answer.status, &answer.json()["code"]),
                        (status, &json!(code)),
                        "{at}"
                    );
                }
                None if method == "POST" => {
                    assert_eq!(answer.json()["code"], "body_not_an_object", "{at}");
                }
                None => assert!(!matches!(answer.status, 401 | 403), "{at}"),
            }
        }
        assert_eq!(happened(&world), before, "{method} {path} left a trace");
    }
    // The control: the documented look does leave one.
    let path = format!("/api/zhongshu_inbox?id={}", planner.id);
    world.get(&path).ok();
    assert_eq!(happened(&world), before + 1);
}

/// A path with something that is not there in each place for an id.
fn of_nothing(path: &str) -> String {
    let mut filled = String::new();
    for (number, part) in path.split(['{', '}']).enumerate() {
        filled.push_str(if number % 2 == 1 { "nothing" } else { part });
    }
    filled
}

#[test]
fn every_route_of_the_harness_keeps_out_whoever_has_no_role_for_it() {
    let mut routes = zhongshu::web::every_route();
    routes.retain(|route| route.path.starts_with(PREFIX));
    assert!(routes.len() > 2, "{routes:?}");
    let world = World::serving();
    let keys = Keys::cut(&world);
    let before = happened(&world);
    for route in &routes {
        let path = of_nothing(&route.path);
        let changes = route.method != "GET";
        for (who, no) in [
            (Who::Nobody, Some((401, "login_required"))),
            (Who::LoggedOut, Some((401, "session_unknown"))),
            (Who::Revoked, Some((401, "token_unknown"))),
            (Who::Agent, Some((403, "not_for_agents"))),
            (Who::Reader, changes.then_some((403, "insufficient_role"))),
        ] {
            let Some((status, code)) = no else { continue };
            let (kind, body) = match changes {
                true => (Some("application/json"), Some(b"{}".as_slice())),
                false => (None, None),
            };
            let answer = keys.at_the_door(&world, who, |door| {
                http::send(door, route.method, &path, kind, body)
            });
            let at = format!("{} {path} by {who:?}: {answer:?}", route.method);
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (status, &json!(code)),
                "{at}"
            );
        }
    }
    assert_eq!(happened(&world), before);
}

/// What is closed to tokens of scope `harness` unless a person opens it: the ceiling that each meets. Whatever is not here is open to them.
const UNDER_A_CEILING: [(&str, &str); 1] = [("/harness/api/account/logout", "account")];
/// What programs may do is the person's to say, and never a program's.
const FOR_THE_OWNER: [&str; 1] = ["/harness/api/agents/extensions/trust"];

#[test]
fn every_route_of_the_harness_lets_in_whoever_has_a_role_for_it() {
    let mut routes = zhongshu::web::every_route();
    routes.retain(|route| route.path.starts_with(PREFIX));
    let world = World::serving();
    let keys = Keys::cut(&world);
    for route in &routes {
        let path = of_nothing(&route.path);
        let changes = route.method != "GET";
        let (kind, body) = match changes {
            true => (Some("application/json"), Some(b"{}".as_slice())),
            false => (None, None),
        };
        for who in [
            Who::Reader,
            Who::Harness,
            Who::Human,
            Who::Browser,
            Who::CommandLine,
        ] {
            if who == Who::Reader && changes {
                continue;
            }
            let answer = keys.at_the_door(&world, who, |door| {
                http::send(door, route.method, &path, kind, body)
            });
            let at = format!("{} {path} by {who:?}: {answer:?}", route.method);
            if who == Who::Harness && FOR_THE_OWNER.iter().any(|it| *it == route.path) {
                let no = answer.json();
                assert_eq!(no["code"], "insufficient_role", "{at}");
                assert_eq!(no["required"], "owner", "{at}");
                continue;
            }
            let mut ceilings = UNDER_A_CEILING.iter();
            match ceilings.find(|(it, _)| who == Who::Harness && *it == route.path) {
                Some((_, ceiling)) => {
                    let no = answer.json();
                    assert_eq!(
                        (&no["code"], &no["ceiling"]),
                        (&json!("above_ceiling"), &json!(ceiling)),
                        "{at}"
                    );
                }
                // What comes of it is for others to test: it was let in.
                None => assert!(!matches!(answer.status, 401 | 403), "{at}"),
            }
        }
    }
}

#[test]
fn nothing_but_a_post_marks_results_as_read_except_the_get_of_scripts() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    child.reports(json!({}));
    let unread = || world.session(&planner.id)["unread_result_count"].clone();
    assert_eq!(unread(), 1);
    let path = format!("/api/zhongshu_inbox?id={}", planner.id);
    let socket = world.socket();
    let human = world.token("ci", "human");
    let browser = world.browser();
    http::send(&Door::Socket(&socket), "HEAD", &path, None, None);
    assert_eq!(unread(), 1, "the command line's HEAD read the results");
    assert_eq!(world.tcp(&human, "HEAD", &path, None).status, 200);
    assert_eq!(unread(), 1, "a token's HEAD read the results");
    assert_eq!(world.in_browser(&browser, "HEAD", &path, None).status, 200);
    let seen = world.in_browser(&browser, "GET", &path, None).ok();
    assert_eq!(seen["unread_count"], 1);
    assert_eq!(unread(), 1, "a browser's GET read the results");
    // The page says so by a POST; for a reader there is none.
    let wish = json!({ "session_id": planner.id });
    let reader = world.token("looker", "read");
    world
        .tcp(&reader, "POST", "/api/zhongshu_inbox", Some(&wish))
        .refused(403, "read_only_token");
    assert_eq!(unread(), 1);
    let read = world
        .in_browser(&browser, "POST", "/api/zhongshu_inbox", Some(&wish))
        .ok();
    assert_eq!(read["unread_results"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&read["unread_count"], unread()),
        (&json!(0), json!(0)),
        "what this look has read is not unread any more"
    );
    assert_eq!(world.events_named("results_read").len(), 1);
    // Scripts read by looking, as documented.
    child.reports(json!({ "summary": "once more" }));
    world.wait_for("the newer report", || (unread() == 1).then_some(()));
    world.tcp(&human, "GET", &path, None).ok();
    assert_eq!(unread(), 0);
}
