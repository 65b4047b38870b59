//! The plan's gate at the running program's real doors: a person's API, agents' credentials, files in the mailbox, the tool
//! server, crashes. Random sequences of all of them; afterwards the audit log alone must show that nothing was started
//! which a person had not let through.

use super::agent::Agent;
use super::http::{self, Door};
use super::review::{newest, reviewing};
use super::world::World;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::plan_review::ReviewedPlan;
use zhongshu::domain::session::Kind;
use zhongshu::mailbox::threads::{self, ThreadRecord};

#[derive(Debug, Clone)]
enum Wish {
    PlanByApi,
    PlanByFile,
    /// By a tool whose thread the launcher never opened.
    PlanByTool,
    /// The reviewing session's own file.
    Verdict(bool),
    /// A file that claims to be from another session, or about another plan.
    ForgedVerdict(usize),
    VerdictByTool(bool),
    /// Which version, counted back from the newest; overruled or not; with its digest or without.
    Confirm(usize, bool, bool),
    /// An agent's credential tries to confirm, to reject, to force.
    AgentDecides(usize),
    /// A person has what nobody is known to have written reviewed.
    HaveReviewed,
    Reject,
    Replace,
    Crash,
}

fn wish() -> impl Strategy<Value = Wish> {
    let yes = || prop::bool::ANY;
    prop_oneof![
        3 => Just(Wish::PlanByApi),
        3 => Just(Wish::PlanByFile),
        1 => Just(Wish::PlanByTool),
        5 => yes().prop_map(Wish::Verdict),
        3 => (0..5usize).prop_map(Wish::ForgedVerdict),
        1 => yes().prop_map(Wish::VerdictByTool),
        6 => (0..2usize, prop::bool::weighted(0.2), prop::bool::weighted(0.8))
            .prop_map(|(back, overrule, digest)| Wish::Confirm(back, overrule, digest)),
        3 => (0..4usize).prop_map(Wish::AgentDecides),
        2 => Just(Wish::HaveReviewed),
        1 => Just(Wish::Reject),
        1 => Just(Wish::Replace),
        1 => Just(Wish::Crash),
    ]
}

struct Run {
    world: World,
    planner: String,
    number: usize,
    token: String,
    /// Answers of yes to a person's confirmation.
    confirmations: usize,
}

impl Run {
    fn new() -> Self {
        let world = reviewing(2);
        let planner = world.planner("plan it").id;
        let token = world.token("looker", "read");
        Self {
            world,
            planner,
            number: 0,
            token,
            confirmations: 0,
        }
    }

    fn plan(&mut self) -> Value {
        self.number += 1;
        json!({ "session_id": self.planner, "summary": format!("plan {}", self.number), "assignments": [
            { "department": "lingyubu", "task": format!("work {}", self.number), "files": ["src/"], "verify": ["true"] },
        ]})
    }

    fn newest(&self) -> Value {
        newest(&self.world, &self.planner)
    }

    /// Drops a file as any program in the repository could, and waits until the launcher has decided about it.
    fn drop_file(&self, name: &str, content: &Value) {
        let folder = self.world.mailbox(&self.planner, "incoming");
        let path = folder.join(name);
        std::fs::write(folder.join(format!("{name}.tmp")), content.to_string()).unwrap();
        std::fs::rename(folder.join(format!("{name}.tmp")), &path).unwrap();
        self.world
            .wait_for(&format!("{name} to be taken or not"), || {
                (!path.exists()).then_some(())
            });
    }

    /// The session that reviews the newest plan, if somebody does.
    fn reviewer(&self) -> Option<String> {
        let plan = self.newest();
        if plan["status"] != "pending" || plan["review"]["state"] == "left_to_person" {
            return None;
        }
        if plan["review"]["state"] == "waiting" {
            let id = self.world.wait_for("a session that reviews", || {
                let plan = self.newest();
                plan["review"]["session_id"].as_str().map(str::to_owned)
            });
            Agent::ready(&self.world, &id, 1);
            return Some(id);
        }
        plan["review"]["session_id"].as_str().map(str::to_owned)
    }

    fn verdict(&self, from: &str, approve: bool) -> Value {
        let plan = self.newest();
        json!({
            "parent_session_id": self.planner,
            "department_session_id": from,
            "plan_version": plan["version"],
            "plan_sha256": plan["plan_sha256"],
            "verdict": if approve { "approve" } else { "veto" },
            "checked": [{ "line": 1, "point": "src is its ground" }],
            "reasons": ["no proof"],
        })
    }

    fn have(&mut self, wish: &Wish) {
        match *wish {
            Wish::PlanByApi => {
                let plan = self.plan();
                self.world.post("/api/report_zhongshu_plan", &plan).ok();
            }
            Wish::PlanByFile => {
                let plan = self.plan();
                self.drop_file(&format!("plan-{}.json", self.number), &plan);
            }
            Wish::PlanByTool => {
                let mut plan = self.plan();
                plan.as_object_mut().unwrap().remove("session_id");
                let record = self.record(&self.planner, Kind::Zhongshu, None);
                self.call_tool(&record, "report_plan", &plan);
            }
            Wish::Verdict(approve) => {
                if let Some(reviewer) = self.reviewer() {
                    self.number += 1;
                    let name = format!("verdict-{}.json", self.number);
                    self.drop_file(&name, &self.verdict(&reviewer, approve));
                }
            }
            Wish::ForgedVerdict(kind) => self.forge(kind),
            Wish::VerdictByTool(approve) => self.verdict_by_tool(approve),
            Wish::Confirm(back, overrule, digest) => self.confirm(back, overrule, digest),
            Wish::AgentDecides(kind) => self.agent_decides(kind),
            Wish::HaveReviewed => {
                let plan = self.newest();
                let wish = json!({ "session_id": self.planner, "version": plan["version"], "plan_sha256": plan["plan_sha256"] });
                self.world.post("/api/review_plan", &wish);
            }
            Wish::Reject => {
                let wish = json!({ "session_id": self.planner, "reason": "no" });
                self.world.post("/api/reject_plan", &wish);
            }
            Wish::Replace => {
                let wish = json!({ "session_id": self.planner });
                let answer = self.world.post("/api/restart_zhongshu_session", &wish).ok();
                self.planner = answer["session"]["id"].as_str().unwrap().to_owned();
                Agent::ready(&self.world, &self.planner, 1);
            }
            Wish::Crash => {
                // A launcher that dies while it starts a program leaves its lock to that program's first moment.
                self.world.wait_for("nothing to be starting", || {
                    let status = self.world.status();
                    let sessions = status["sessions"].as_array().unwrap();
                    let quiet = sessions.iter().all(|it| it["status"] != "starting");
                    quiet.then_some(())
                });
                self.world.kill();
                self.world.start();
                self.token = self.world.token(&format!("looker-{}", self.number), "read");
                self.number += 1;
            }
        }
    }

    fn forge(&mut self, kind: usize) {
        let Some(reviewer) = self.reviewer() else {
            return;
        };
        let mut verdict = self.verdict(&reviewer, true);
        let status = self.world.status();
        let other = status["department_sessions"].as_array().unwrap();
        let other = other.iter().find(|it| it["id"] != json!(reviewer));
        match kind {
            0 => verdict["department_session_id"] = json!(self.planner),
            1 => match other {
                // Somebody who works, or reviewed an older version.
                Some(other) => verdict["department_session_id"] = other["id"].clone(),
                None => verdict["department_session_id"] = json!("menxia-nobody"),
            },
            2 => verdict["plan_version"] = json!(verdict["plan_version"].as_u64().unwrap() + 1),
            3 => verdict["plan_sha256"] = json!("0".repeat(64)),
            _ => verdict["checked"] = json!([]),
        }
        let before = self.newest()["review"].clone();
        self.number += 1;
        self.drop_file(&format!("verdict-{}.json", self.number), &verdict);
        let now = self.newest()["review"].clone();
        assert_eq!(now["verdict"], before["verdict"], "forged: {kind}");
    }

    /// What the launcher writes down about a thread. Here it opened none: these are left over, or planted.
    fn record(&self, id: &str, kind: Kind, review: Option<ReviewedPlan>) -> ThreadRecord {
        let session = self.world.session(id);
        ThreadRecord {
            session_id: SessionId::parse(id).unwrap(),
            session_kind: kind,
            department: session["department"].as_str().unwrap().to_owned(),
            parent_session_id: match kind {
                Kind::Zhongshu => None,
                Kind::Department => Some(SessionId::parse(&self.planner).unwrap()),
            },
            incoming: self.world.mailbox(&self.planner, "incoming"),
            review,
            task: "anything".to_owned(),
        }
    }

    fn verdict_by_tool(&mut self, approve: bool) {
        let Some(reviewer) = self.reviewer() else {
            return;
        };
        let verdict = self.verdict(&reviewer, approve);
        // A planner that pretends to review its own plan.
        let plan = ReviewedPlan {
            plan_version: u32::try_from(verdict["plan_version"].as_u64().unwrap()).unwrap(),
            plan_sha256: verdict["plan_sha256"].as_str().unwrap().to_owned(),
        };
        let record = self.record(&self.planner, Kind::Department, Some(plan));
        let before = self.newest()["review"].clone();
        let arguments = json!({ "verdict": verdict["verdict"], "checked": verdict["checked"], "reasons": verdict["reasons"] });
        self.call_tool(&record, "report_verdict", &arguments);
        let now = self.newest()["review"].clone();
        assert_eq!(now["verdict"], before["verdict"], "a planner judged itself");
    }

    /// Calls a tool of the real tool server and waits for its answer.
    fn call_tool(&self, record: &ThreadRecord, tool: &str, arguments: &Value) {
        let thread = format!("thread-{}", self.number);
        threads::write(&self.world.state_dir(), &thread, record).unwrap();
        let mut server = self
            .world
            .command()
            .args(["mcp", "--state-dir"])
            .arg(self.world.state_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = server.stdin.take().unwrap();
        let mut output = BufReader::new(server.stdout.take().unwrap()).lines();
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let call = json!({ "name": tool, "arguments": arguments, "_meta": { "threadId": thread } });
        for message in [
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call }),
        ] {
            writeln!(input, "{message}").unwrap();
        }
        let answered = output.any(|line| {
            let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
            answer["id"] == 2
        });
        assert!(answered, "the tool server gave no answer");
        drop(input);
        server.wait().unwrap();
    }

    fn confirm(&mut self, back: usize, overrule: bool, digest: bool) {
        let path = format!("/api/plans?session_id={}", self.planner);
        let plans = self.world.get(&path).ok();
        let Some(plan) = plans["plans"].get(back) else {
            return;
        };
        let mut wish =
            json!({ "parent_session_id": self.planner, "assignments": plan["assignments"] });
        if digest {
            wish["plan_sha256"] = plan["plan_sha256"].clone();
        }
        if overrule {
            wish["override_reason"] = json!("I know better");
        }
        let answer = self.world.post("/api/start_assignments", &wish);
        match answer.status {
            200 => self.confirmations += 1,
            409 => {}
            _ => panic!("{answer:?}"),
        }
    }

    /// Credentials that agents can get at: none, a reader's token, a thread on the socket, a page of another origin.
    fn agent_decides(&self, kind: usize) {
        let plan = self.newest();
        let bodies = [
            (
                "/api/start_assignments",
                json!({ "parent_session_id": self.planner, "override_reason": "please",
                "assignments": plan["assignments"], "plan_sha256": plan["plan_sha256"] }),
            ),
            (
                "/api/start_department",
                json!({ "department": "lingyubu", "task": "x", "parent_session_id": self.planner }),
            ),
            (
                "/api/reject_plan",
                json!({ "session_id": self.planner, "reason": "x" }),
            ),
            (
                "/api/review_plan",
                json!({ "session_id": self.planner, "version": plan["version"], "plan_sha256": plan["plan_sha256"] }),
            ),
            ("/api/queue/resume", json!({})),
        ];
        let socket = self.world.socket();
        let port = self.world.announced().port;
        let bearer = format!("Bearer {}", self.token);
        for (path, body) in bodies {
            let headers = match kind {
                1 => vec![("Authorization", bearer.as_str())],
                2 => vec![
                    ("Origin", "http://evil.example"),
                    ("Authorization", bearer.as_str()),
                ],
                _ => Vec::new(),
            };
            let door = match kind {
                3 => Door::SocketOf(&socket, "thread-of-an-agent"),
                _ => Door::Tcp(port, &headers),
            };
            let body = body.to_string();
            let json = Some("application/json");
            let answer = http::send(&door, "POST", path, json, Some(body.as_bytes()));
            assert!(matches!(answer.status, 401 | 403), "{path}: {answer:?}");
        }
    }

    /// Judges by the audit log alone.
    fn check(&self) {
        #[derive(Default)]
        struct Plan {
            digest: Value,
            is_file: bool,
            reviewed: bool,
            approved: bool,
            overruled: bool,
            open: bool,
        }
        // The versions of one planner go on in the next, so one list is enough here.
        let mut plans: BTreeMap<u64, Plan> = BTreeMap::new();
        let mut allowed: BTreeSet<String> = BTreeSet::new();
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut confirmations = 0;
        let mut open_lines = 0;
        for event in self.world.audit() {
            let version = event["version"].as_u64().unwrap_or(0);
            let is_person = event["actor"].as_str().unwrap().starts_with("person");
            match event["event"].as_str().unwrap() {
                "zhongshu_plan_registered" => {
                    for plan in plans.values_mut() {
                        plan.open = false;
                    }
                    let plan = plans.entry(version).or_default();
                    (plan.digest, plan.open) = (event["plan_sha256"].clone(), true);
                    plan.is_file = event["source"] == "mailbox";
                }
                name @ ("plan_review_requested"
                | "plan_review_withheld"
                | "plan_left_to_person") => {
                    let plan = plans.get_mut(&version).unwrap();
                    plan.reviewed = true;
                    let asked = name == "plan_review_requested";
                    assert!(!asked || !plan.is_file || is_person, "{event}");
                }
                "plan_approved" => plans.get_mut(&version).unwrap().approved = true,
                "plan_vetoed" => plans.get_mut(&version).unwrap().approved = false,
                "plan_review_overruled" => {
                    assert!(is_person, "{event}");
                    plans.get_mut(&version).unwrap().overruled = true;
                }
                "plan_rejected" => {
                    assert!(is_person, "{event}");
                    plans.get_mut(&version).unwrap().open = false;
                }
                "plan_confirmed" => {
                    assert!(is_person, "{event}");
                    confirmations += 1;
                    open_lines = event["assignments"].as_array().unwrap().len();
                    if event["version"].is_null() {
                        let newest = plans.values().next_back();
                        let closed =
                            newest.is_some_and(|it| it.open && it.reviewed && !it.approved);
                        assert!(!closed, "a way around: {event}");
                        continue;
                    }
                    let newest = plans.keys().next_back() == Some(&version);
                    let plan = plans.get_mut(&version).unwrap();
                    assert!(newest && plan.open, "not the open one: {event}");
                    assert_eq!(plan.digest, event["plan_sha256"]);
                    assert!(!plan.reviewed || plan.approved || plan.overruled, "{event}");
                    plan.open = false;
                }
                "assignment_queued" => {
                    assert!(is_person && open_lines > 0, "{event}");
                    open_lines -= 1;
                    allowed.insert(event["assignment_id"].to_string());
                }
                "assignment_dispatched" => {
                    assert!(
                        allowed.contains(&event["assignment_id"].to_string()),
                        "{event}"
                    );
                    given.insert(event["session_id"].to_string());
                }
                "session_registered" if event["session_kind"] == "department" => {
                    let reviews = !event["review"].is_null();
                    assert!(
                        reviews || given.contains(&event["id"].to_string()),
                        "{event}"
                    );
                }
                _ => {}
            }
        }
        assert_eq!(confirmations, self.confirmations, "each was a person's");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 4,
        // Each try starts the program anew.
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_door_starts_what_nobody_let_through(wishes in prop::collection::vec(wish(), 15..30)) {
        let mut run = Run::new();
        for wish in &wishes {
            run.have(wish);
        }
        run.check();
    }
}
