//! What the model says in these tests.

use mock_model::{
    Call, Count, Fail, Kind, Limits, RecordedRequest, Rule, Step, Texts, Then, Usage, When, Window,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A department's key and task.
pub fn assignment(department: &str, task: &str) -> Value {
    json!({ "department": department, "task": task, "files": [format!("{department}.txt")], "verify": ["git diff --check"] })
}

pub fn plan(assignments: impl IntoIterator<Item = Value>) -> Value {
    let assignments: Vec<Value> = assignments.into_iter().collect();
    json!({ "summary": "The greeter gets louder.", "assignments": assignments })
}

/// A planner that reports a plan with its tool and ends its turn.
pub fn planner(plan: Value) -> Rule {
    Rule {
        name: "planner".to_owned(),
        when: When {
            first_user_contains: "the planner of the project".into(),
            ..When::default()
        },
        steps: vec![
            Step::call(Call::mcp("zhongshu", "report_plan", plan)),
            Step::say("The plan is reported."),
        ],
        ..Rule::default()
    }
}

/// The planner hears something that contains `text`.
pub fn told(name: &str, text: &str, steps: Vec<Step>) -> Rule {
    Rule {
        name: name.to_owned(),
        when: When {
            first_user_contains: "the planner of the project".into(),
            last_user_contains: Texts(vec!["A department reported".to_owned(), text.to_owned()]),
            ..When::default()
        },
        count: Count::Message,
        steps,
        ..Rule::default()
    }
}

/// What a department does.
pub fn department(key: &str, steps: Vec<Step>) -> Rule {
    Rule {
        name: key.to_owned(),
        when: When {
            first_user_contains: Texts(vec![format!("department: {key}\n")]),
            ..When::default()
        },
        steps,
        then: Then::Idle,
        ..Rule::default()
    }
}

/// What any session answers to a message that contains `text`.
pub fn on_message(name: &str, text: &str, steps: Vec<Step>) -> Rule {
    Rule {
        name: name.to_owned(),
        when: When {
            last_user_contains: text.into(),
            ..When::default()
        },
        count: Count::Message,
        steps,
        ..Rule::default()
    }
}

/// The provider is out of order, and says so.
pub fn fails(message: &str) -> Step {
    let body = json!({ "error": { "message": message, "type": "server_error" } });
    Step {
        fail: Some(Fail { status: 500, body }),
        ..Step::default()
    }
}

/// The provider refuses, because a limit of the account is reached; it says so, and when it begins anew, as the real one does.
pub fn refuses(resets_in_s: Option<i64>) -> Step {
    let body = json!({ "error": {
        "type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "pro", "resets_in_seconds": resets_in_s,
    } });
    let primary = Window {
        used_percent: 100.0,
        minutes: Some(300),
        resets_in_s,
    };
    Step {
        fail: Some(Fail { status: 429, body }),
        limits: Some(Limits {
            primary: Some(primary),
            ..Limits::default()
        }),
        ..Step::default()
    }
}

/// A step whose answer takes so many tokens.
pub fn takes(input: u64, output: u64, step: Step) -> Step {
    Step {
        usage: Some(Usage {
            input,
            output,
            ..Usage::default()
        }),
        ..step
    }
}

/// Waits for the test.
pub fn hang() -> Step {
    Step {
        hang: true,
        ..Step::default()
    }
}

/// Waits for the test, then makes a call.
pub fn hang_then(call: Call) -> Step {
    Step {
        hang: true,
        ..Step::call(call)
    }
}

/// The arguments of a report.
pub fn findings(summary: &str) -> Value {
    json!({
        "summary": summary,
        "changed_files": [],
        "verifications_run": ["git diff --check"],
        "verifications_skipped": [],
        "risks": [],
        "needs_user_confirmation": false,
        "next_action": "none",
    })
}

/// A report by the department's tool.
pub fn by_tool(summary: &str) -> Call {
    Call::mcp("zhongshu", "report_result", findings(summary))
}

/// A department that reports by its tool at once.
pub fn reports(key: &str, summary: &str) -> Rule {
    department(key, vec![Step::call(by_tool(summary)), Step::say("Done.")])
}

/// The planner answers this message with another plan.
pub fn replans(message: &str, plan: Value) -> Rule {
    let steps = vec![
        Step::call(Call::mcp("zhongshu", "report_plan", plan)),
        Step::say("Reported again."),
    ];
    on_message(message, message, steps)
}

/// A report by a file that a shell command writes inside Codex's sandbox; ids and path are what the prompt says.
pub fn by_file(summary: &str) -> Call {
    let mut report = findings(summary);
    let fields = [
        ("parent_session_id", r#"{{after:"parent_session_id: "}}"#),
        (
            "department_session_id",
            r#"{{after:"department_session_id: "}}"#,
        ),
        ("department", r#"{{after:"\ndepartment: "}}"#),
    ];
    for (field, _) in fields {
        report[field] = format!("@{field}@").into();
    }
    // The templates' own quotes must not be escaped as JSON, so they come in afterwards.
    let report = fields
        .iter()
        .fold(report.to_string(), |text, (field, template)| {
            text.replace(&format!("@{field}@"), template)
        });
    let file = r#"{{line_after:"write the JSON to the file\n"}}"#;
    Call::shell(format!(
        "printf '%s' '{report}' > '{file}.tmp' && mv '{file}.tmp' '{file}'"
    ))
}

/// Every message reached its thread once, and every session has one thread.
#[track_caller]
pub fn assert_nothing_said_twice(requests: &[RecordedRequest]) {
    let turns = requests.iter().filter(|request| request.kind == Kind::Turn);
    let mut last: BTreeMap<&str, &RecordedRequest> = BTreeMap::new();
    for request in turns {
        last.insert(&request.thread_id, request);
    }
    let mut prompts = BTreeSet::new();
    for request in last.values() {
        let mut seen = BTreeSet::new();
        for text in &request.user_texts {
            assert!(
                seen.insert(text),
                "said twice in {}: {text}",
                request.thread_id
            );
        }
        let prompt = &request.user_texts[0];
        assert!(
            prompts.insert(prompt),
            "two threads have the prompt {prompt}"
        );
    }
    // Each result has its own mark, so the same report told twice differs as a text.
    for request in last.values() {
        let mut told = BTreeSet::new();
        for text in &request.user_texts {
            for (at, _) in text.match_indices("A department reported (`") {
                let id: String = text[at + 24..].chars().take_while(|c| *c != '`').collect();
                let revision = text[at..].find("\"revision\": ").map(|from| {
                    let number = text[at + from + 12..].chars();
                    number.take_while(char::is_ascii_digit).collect::<String>()
                });
                assert!(told.insert((id.clone(), revision)), "{id} was told twice");
            }
        }
    }
}
