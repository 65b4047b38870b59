//! Who may say yes, to what, and what is answered otherwise.

use super::rig::Ground;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

fn review(ground: &Ground) -> Value {
    ground.get("/api/review?brief=1")
}

fn yes(review: &Value) -> Value {
    json!({ "tree": review["tree"], "report_digest": review["report"]["digest"] })
}

#[test]
fn a_yes_is_to_exactly_what_was_shown() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    assert_eq!(review(&ground)["stage"], "nothing");
    ground.stage("src/a.rs", "two\n");
    let shown = review(&ground);
    assert_eq!(
        (&shown["stage"], &shown["tree"]),
        (&json!("open"), &json!(ground.tree()))
    );
    assert_eq!(shown["tree"], shown["report"]["tree"]);
    // One byte more after it was drawn.
    ground.stage("src/a.rs", "two!\n");
    for (path, body) in [
        ("/api/reviews/approve", yes(&shown)),
        (
            "/api/reviews/reject",
            json!({ "tree": shown["tree"], "reason": "no" }),
        ),
    ] {
        let answer = ground.api("POST", path, &body);
        assert_eq!(answer["code"], "tree_changed", "{answer}");
        assert!(
            answer["error"]
                .as_str()
                .unwrap()
                .contains("look at it again")
        );
    }
    // Other rules since, the same tree: other findings, so another report.
    ground.stage("src/a.rs", "two\n");
    let text = ground.read("governance.yaml");
    ground.write(
        "governance.yaml",
        format!("{text}risk_rules: [{{name: mine, level: high, pattern: src/, message: look}}]\n"),
    );
    ground.wait_for("the new rules", || {
        (review(&ground)["report"]["counts"]["risks_high"] == 1).then_some(())
    });
    let answer = ground.api("POST", "/api/reviews/approve", &yes(&shown));
    assert_eq!(answer["code"], "tree_changed", "{answer}");
    let mut body = yes(&review(&ground));
    body["note"] = json!("  fine  ");
    let approved = ground.post("/api/reviews/approve", &body);
    assert_eq!(approved["tree"], ground.tree());
    assert_eq!(
        approved["risks"],
        json!({ "high": 1, "medium": 0, "low": 0 })
    );
    let events = ground.events("tree_approved");
    let [event] = &events[..] else {
        panic!("{events:#?}")
    };
    for name in [
        "tree",
        "report_id",
        "report_digest",
        "files",
        "note",
        "by",
        "base_tree",
        "head",
    ] {
        assert!(!event[name].is_null(), "{name}: {event}");
    }
    assert_eq!(
        (&event["note"], &event["by"]),
        (&json!("fine"), &json!("person:cli"))
    );
    // Said twice is said once.
    ground.post("/api/reviews/approve", &body);
    assert_eq!(ground.events("tree_approved").len(), 1);
    assert_eq!(review(&ground)["stage"], "approved");
    ground.zhongshu(&["gate"]).ok();
    ground.post(
        "/api/reviews/reject",
        &json!({ "tree": body["tree"], "reason": "on second thoughts" }),
    );
    assert_eq!(review(&ground)["stage"], "rejected");
    let said = ground.zhongshu(&["gate"]).refused("was rejected on");
    assert!(said.contains("on second thoughts"), "{said}");
}

#[test]
fn what_cannot_be_approved_is_refused_with_a_reason() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    let refused = |path: &str, body: Value, code: &str| {
        let answer = ground.api("POST", path, &body);
        assert_eq!(
            (&answer["ok"], &answer["code"]),
            (&json!(false), &json!(code)),
            "{answer}"
        );
    };
    let nothing = review(&ground);
    let tree = ground.tree();
    refused(
        "/api/reviews/approve",
        json!({ "tree": tree, "report_digest": nothing["report"]["digest"] }),
        "nothing_staged",
    );
    refused(
        "/api/reviews/approve",
        json!({ "tree": "HEAD", "report_digest": "x" }),
        "invalid_field",
    );
    ground.stage("src/a.rs", "two\n");
    let mut body = yes(&review(&ground));
    body["note"] = json!("x".repeat(20_000));
    refused("/api/reviews/approve", body, "text_too_long");
    refused(
        "/api/reviews/reject",
        json!({ "tree": ground.tree(), "reason": " " }),
        "invalid_reason",
    );
    refused("/api/gate", json!({ "mode": "never" }), "invalid_field");
    // A conflict.
    ground.commit(&["--no-verify", "-m", "two"]).ok();
    ground.git(&["checkout", "-q", "-b", "side", "HEAD~1"]).ok();
    ground.stage("src/a.rs", "three\n");
    ground.commit(&["--no-verify", "-m", "three"]).ok();
    ground.git(&["merge", "main"]);
    let blocked = review(&ground);
    assert_eq!(blocked["stage"], "blocked", "{blocked}");
    assert!(blocked["obstacle"].as_str().unwrap().contains("unresolved"));
    refused(
        "/api/reviews/approve",
        json!({ "tree": tree, "report_digest": blocked["report"]["digest"] }),
        "unresolved_merge",
    );
    assert_eq!(ground.events("tree_approved"), [] as [Value; 0]);
}

/// One request as it stands, and the answer's status and code.
fn raw(stream: &mut (impl std::io::Read + std::io::Write), request: &str) -> (u16, String) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    let at = body.find('{').unwrap_or(0);
    let end = body.rfind('}').map_or(body.len(), |end| end + 1);
    let code = serde_json::from_str::<Value>(&body[at..end])
        .ok()
        .and_then(|it| Some(it["code"].as_str()?.to_owned()));
    (status, code.unwrap_or_default())
}

/// Neither an agent nor a reader nor a page of somebody else may review; for an agent not even looking is allowed.
#[test]
fn only_the_person_reviews() {
    let ground = Ground::guarded();
    let server = ground.serve();
    ground.stage("src/a.rs", "two\n");
    let body = yes(&review(&ground)).to_string();
    let reader = ground
        .zhongshu(&["token", "create", "ci", "--scope", "read"])
        .ok();
    let url = server.ready["url"].as_str().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let seen = ground.events("tree_approved").len();
    let post = |path: &str, headers: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n")
    };
    let tcp = |request: &str| raw(&mut TcpStream::connect(address).unwrap(), request);
    let socket = std::fs::read_to_string(ground.state().join("server.json")).unwrap();
    let socket: Value = serde_json::from_str(&socket).unwrap();
    let socket = socket["socket"].as_str().unwrap();
    let unix = |request: &str| raw(&mut UnixStream::connect(socket).unwrap(), request);
    let bearer = format!("Authorization: Bearer {reader}\r\n");
    let thread = "X-Zhongshu-Thread: 0199\r\n";
    for path in [
        "/api/reviews/approve",
        "/api/reviews/reject",
        "/api/reviews/accept_commit",
        "/api/gate",
    ] {
        assert_eq!(
            tcp(&post(path, "")),
            (403, "origin_missing".to_owned()),
            "{path}"
        );
        let own = format!("Origin: http://{address}\r\n");
        assert_eq!(
            tcp(&post(path, &own)),
            (401, "login_required".to_owned()),
            "{path}"
        );
        let foreign = "Origin: http://evil.example\r\n";
        assert_eq!(
            tcp(&post(path, foreign)),
            (403, "foreign_origin".to_owned()),
            "{path}"
        );
        assert_eq!(
            tcp(&post(path, &bearer)),
            (403, "read_only_token".to_owned()),
            "{path}"
        );
        assert_eq!(
            unix(&post(path, thread)),
            (403, "person_only".to_owned()),
            "{path}"
        );
    }
    for path in [
        "/api/review",
        "/ui/review",
        "/ui/review/file?file=0&tree=0000000000000000000000000000000000000000",
    ] {
        assert_eq!(
            tcp(&get(path, "")),
            (401, "login_required".to_owned()),
            "{path}"
        );
        assert_eq!(
            tcp(&get(path, &bearer)),
            (403, "person_only".to_owned()),
            "{path}"
        );
        assert_eq!(
            unix(&get(path, thread)),
            (403, "person_only".to_owned()),
            "{path}"
        );
    }
    assert_eq!(ground.events("tree_approved").len(), seen);
    ground.zhongshu(&["gate"]).refused("nobody has approved");
}

#[test]
fn the_answer_has_the_differences_and_more_of_them_on_request() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    let many: String = (0..900).map(|n| format!("{n}\n")).collect();
    ground.stage("many.txt", &many);
    let review = ground.get("/api/review");
    let file = &review["files"][0];
    assert_eq!(
        (&file["path"], &file["content"]["kind"]),
        (&json!("many.txt"), &json!("text"))
    );
    assert_eq!(file["content"]["left_out"], 400);
    let whole = ground.get("/api/review?file=0");
    assert_eq!(whole["files"][0]["content"]["left_out"], 0);
    assert_eq!(ground.get("/api/review?brief=1")["files"], json!([]));
}

#[test]
fn what_an_agent_loosens_on_disk_silences_no_review() {
    let ground = Ground::guarded();
    let _server = ground.serve();
    ground.stage(".env", "A=1\n");
    ground.stage("docs/a.md", "see /home/jane/x\n");
    let shown = review(&ground);
    assert_eq!(shown["report"]["decision"], "REVIEW");
    let text = ground.read("governance.yaml");
    let loose = "risk_rules: [{name: secret_files, level: low, allow_pattern: '**'}]\npreflight: {allow_paths: '**'}\n";
    ground.write("governance.yaml", format!("{text}{loose}"));
    let after = review(&ground);
    for key in [
        "risks",
        "decision",
        "digest",
        "silenced",
        "counts",
        "preflight",
    ] {
        assert_eq!(after["report"][key], shown["report"][key], "{key}");
    }
    assert_eq!(after["report"]["rules"]["on_disk"]["state"], "looser");
    let head = ground.git(&["rev-parse", "HEAD"]).ok();
    assert_eq!(after["report"]["rules"]["before"]["commit"], head.as_str());
    // Everybody who judges says the same: the review, the report of the server, and the one without a server.
    let of_server = ground.get("/api/report?mode=staged");
    let alone = ground.zhongshu(&["report", "--staged", "--json"]).ok();
    let alone: Value = serde_json::from_str(&alone).unwrap();
    for report in [&of_server, &alone] {
        for key in ["risks", "decision", "digest", "rules", "preflight"] {
            assert_eq!(report[key], after["report"][key], "{key}");
        }
    }
    // Staged, the change of the rules is a finding of its own, and silences nothing beside it.
    ground.git(&["add", "-A"]).ok();
    let staged = review(&ground);
    let risks = staged["report"]["risks"].as_array().unwrap();
    let rules: Vec<_> = risks
        .iter()
        .map(|risk| risk["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["secret_files", "agent_rules"]);
    assert!(risks.iter().all(|risk| risk["level"] == "high"));
}
