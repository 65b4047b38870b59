//! What a mailbox file may hold, and what it is told when it holds something else.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::domain::flow::plan_reviews::LineRef;
use crate::domain::plan_review::Judgement;

const GOOD: &str = r#"{"parent_session_id":"zhongshu-1","department_session_id":"menxia-1","department":"menxia","summary":"done"}"#;

fn wrong(name: &str, text: impl AsRef<[u8]>) -> String {
    match parse(name, text.as_ref()) {
        Err(ParseError::Wrong(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn with(field: &str) -> String {
    format!("{},{field}}}", &GOOD[..GOOD.len() - 1])
}

fn findings(text: &str) -> Findings {
    match parse("r.json", text.as_bytes()).unwrap() {
        Parsed::Result { findings, .. } => findings,
        other => panic!("not a result: {other:?}"),
    }
}

#[test]
fn every_proper_prefix_is_unfinished() {
    let text = with(r#""risks":["é",1.5e3,true,null,{"a":[]}],"next_action":"\ud83d\ude00""#);
    // The whole is a wrong type, found only once it is whole.
    assert!(wrong("r.json", &text).starts_with("risks: "));
    for end in 0..text.len() {
        let cut = &text.as_bytes()[..end];
        assert_eq!(parse("r.json", cut), Err(ParseError::Unfinished), "{end}");
    }
}

#[test]
fn aliases_are_taken() {
    let taken = findings(&with(
        r#""verification":"cargo test","files":["a.rs"],"verifications_skipped":[],"risks":null"#,
    ));
    assert_eq!(taken.verifications_run, ["cargo test"]);
    assert_eq!(taken.changed_files, ["a.rs"]);
    let bom = [b"\xef\xbb\xbf".as_slice(), GOOD.as_bytes()].concat();
    assert!(parse("r.json", &bom).is_ok());
    for name in ["zhongshu_session_id", "session_id"] {
        assert!(parse("r.json", GOOD.replace("parent_session_id", name).as_bytes()).is_ok());
    }
}

#[test]
fn plans_are_taken_flat_and_nested() {
    let inner = r#""summary":"s","assignments":[{"department":"menxia","task":"t","verify_commands":["x"],"files":["a"],"selected":false}]"#;
    let flat = parse("a.json", format!("{{{inner}}}").as_bytes()).unwrap();
    let nested = format!(r#"{{"zhongshu_session_id":"zhongshu-1","plan":{{{inner}}}}}"#);
    let nested = parse("a.json", nested.as_bytes()).unwrap();
    let (
        Parsed::Plan {
            claimed: None,
            proposal: one,
        },
        Parsed::Plan {
            claimed: Some((field, id)),
            proposal: two,
        },
    ) = (flat, nested)
    else {
        panic!("not plans");
    };
    assert_eq!(one, two);
    assert_eq!((field, id.as_str()), ("zhongshu_session_id", "zhongshu-1"));
    assert_eq!(one.assignments[0].verify, ["x"]);
    assert!(!one.assignments[0].selected);
    let wrong_type = r#"{"summary":"s","assignments":[{"department":"menxia","task":7}]}"#;
    assert_eq!(
        wrong("a.json", wrong_type),
        "assignments[0].task: this must be a string, not a number"
    );
    assert_eq!(
        wrong("plan-1.json", r#"{"summary":"s"}"#),
        "assignments: this field is missing"
    );
}

#[test]
fn wrong_types_name_their_field() {
    for (field, named) in [
        (r#""risks":"none""#, "risks: "),
        (r#""risks":[1]"#, "risks: "),
        (r#""changed_files":{}"#, "changed_files: "),
        (
            r#""needs_user_confirmation":"yes""#,
            "needs_user_confirmation: ",
        ),
        (r#""next_action":[]"#, "next_action: "),
        (
            r#""verification":"a","verifications_run":["b"]"#,
            "verification: ",
        ),
        (
            r#""session_id":"zhongshu-2""#,
            "parent_session_id and session_id",
        ),
    ] {
        assert!(wrong("r.json", with(field)).starts_with(named), "{field}");
    }
    for missing in [
        "parent_session_id",
        "department_session_id",
        "department\"",
        "summary",
    ] {
        let text = GOOD.replace(
            &format!("\"{}\"", missing.trim_end_matches('"')),
            "\"other\"",
        );
        assert!(wrong("r.json", text).contains("missing"), "{missing}");
    }
    assert!(
        wrong("r.json", GOOD.replace("menxia-1", "../x")).starts_with("department_session_id: ")
    );
    assert!(wrong("r.json", GOOD.replace("done", " ")).starts_with("summary: "));
    assert!(wrong("r.json", "[]").contains("object"));
}

#[test]
fn hostile_json_is_refused_quickly() {
    let started = std::time::Instant::now();
    wrong("r.json", "[".repeat(100_000));
    wrong("r.json", format!("{}1{}", "[".repeat(40), "]".repeat(40)));
    let keys: String = (0..60_000).map(|n| format!("\"{n}\":1,")).collect();
    wrong("r.json", format!("{{{keys}\"x\":1}}"));
    wrong(
        "r.json",
        with(&format!("\"risks\":[{}\"x\"]", "\"x\",".repeat(200_000))),
    );
    wrong(
        "r.json",
        with(&format!(
            "\"next_action\":\"{}\"",
            "x".repeat(limits::TEXT + 1)
        )),
    );
    wrong("r.json", with("\"x\":1e999"));
    wrong("r.json", with(r#""next_action":"\ud800""#));
    assert!(wrong("r.json", with(r#""summary":"again""#)).contains("twice"));
    wrong("r.json", format!("{GOOD} x"));
    wrong("r.json", format!("{GOOD}{GOOD}"));
    wrong("r.json", format!("{GOOD}\0"));
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    wrong("r.json", &utf16);
    wrong("r.json", [b"\xff\xfe".as_slice(), &utf16].concat());
    assert!(wrong("r.json", b"{\"summary\":\"caf\xe9\"}").contains("UTF-8"));
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_verdict_is_told_by_its_name_or_by_what_it_is_about() {
    let text = r#"{"parent_session_id":"zhongshu-1","department_session_id":"menxia-1","plan_version":2,"plan_sha256":"ab",
        "verdict":"veto","checked":[{"line":1,"point":"p"},{"line":"api","point":"q"}],"reasons":"too much"}"#;
    for name in ["verdict-1.json", "x.json"] {
        let Parsed::Verdict { opinion, .. } = parse(name, text.as_bytes()).unwrap() else {
            panic!("not a verdict")
        };
        assert_eq!(opinion.plan_version, 2);
        assert_eq!(opinion.verdict, Judgement::Veto);
        assert_eq!(opinion.reasons, ["too much"]);
        let lines: Vec<_> = opinion.checked.into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [LineRef::Number(1), LineRef::Id("api".into())]);
    }
    // A result that merely uses the word stays a result.
    let result = with(r#""verdict":"fine""#);
    assert!(matches!(
        parse("r.json", result.as_bytes()),
        Ok(Parsed::Result { .. })
    ));
}

#[test]
fn a_verdict_that_lacks_something_is_told_what() {
    let good: Value = serde_json::from_str(
        r#"{"parent_session_id":"zhongshu-1","department_session_id":"menxia-1","plan_version":2,"plan_sha256":"ab",
        "verdict":"approve","checked":[]}"#,
    )
    .unwrap();
    let cases = [
        (
            "plan_version",
            Value::Null,
            "plan_version: this field is missing",
        ),
        (
            "plan_version",
            (-1).into(),
            "plan_version: this must be a whole number",
        ),
        (
            "plan_version",
            1.5.into(),
            "plan_version: this must be a whole number",
        ),
        (
            "plan_sha256",
            Value::Null,
            "plan_sha256: this field is missing",
        ),
        (
            "department_session_id",
            Value::Null,
            "department_session_id: this field is missing",
        ),
        ("verdict", "yes".into(), "verdict: this must be"),
        ("verdict", Value::Null, "verdict: this field is missing"),
        ("checked", Value::Null, "checked: this field is missing"),
        (
            "checked",
            serde_json::json!(["x"]),
            "checked[0]: this must be an object",
        ),
        (
            "checked",
            serde_json::json!([{"line": 1}]),
            "checked[0].point: this field is missing",
        ),
        (
            "checked",
            serde_json::json!([{"point": "x"}]),
            "checked[0].line: this field is missing",
        ),
        (
            "checked",
            serde_json::json!([{"line": 1.5, "point": "x"}]),
            "checked[0].line: this must be",
        ),
        ("reasons", serde_json::json!([1]), "reasons: this must be"),
    ];
    for (field, value, sentence) in cases {
        let mut verdict = good.clone();
        verdict[field] = value;
        let said = wrong("verdict-1.json", verdict.to_string());
        assert!(said.starts_with(sentence), "{said}");
    }
}
