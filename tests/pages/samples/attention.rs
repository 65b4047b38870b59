//! A sample of what waits: everything that Codex can ask, a vetoed plan with results beside it, and how the sample's house stands.

use super::{Sample, at};
use chrono::Utc;
use serde_json::json;
use std::collections::BTreeMap;
use zhongshu::domain::ask::decision::Decision;
use zhongshu::domain::ask::{
    Access, Ask, Choice, Cut, Network, PatchedFile, Question, RequestKey, What,
};
use zhongshu::domain::attention::{self, Glimpse, House, Item, Scene};
use zhongshu::domain::driver::Driver;
use zhongshu::domain::fault::Route;
use zhongshu::domain::flow::holds::Limits;
use zhongshu::domain::ids::{AskId, SessionId};
use zhongshu::domain::language::Language;
use zhongshu::domain::plan_review::ReviewRule;
use zhongshu::domain::state::State;

fn ask(
    say: &dyn Fn(&str) -> String,
    number: usize,
    session: Option<&str>,
    what: What,
    offered: Vec<Decision>,
) -> Ask {
    Ask {
        id: AskId::parse(&format!("ask-{number}")).unwrap(),
        request_key: RequestKey {
            server: "1".to_owned(),
            request: number.to_string(),
        },
        thread_id: "thread".to_owned(),
        turn_id: None,
        item_id: None,
        session_id: session.map(|id| SessionId::parse(id).unwrap()),
        what,
        why: Some(say("The tests need the network once.")),
        raised_at: at(9),
        offered,
        cut: vec![Cut {
            field: say("command"),
            bytes: 1_048_576,
            sha256: "ab".repeat(32),
        }],
    }
}

/// One ask of each kind, and two commands; `say` makes each text.
pub fn asks(say: &dyn Fn(&str) -> String) -> Vec<Ask> {
    use Decision::{Accept, Answer, Cancel, Decline, GrantSession, GrantTurn};
    let yes_no = || vec![Accept, Decline, Cancel];
    let command = |command: &str| What::Command {
        command: say(command),
        cwd: Some(say("/home/mei/projects/weather-station")),
        network: Some(Network {
            host: say("static.crates.io"),
            protocol: "https".to_owned(),
        }),
        permissions: Some(Access {
            network: Some(true),
            read: vec![say("/etc/ssl")],
            write: vec![say("/home/mei/.cargo")],
            entries: vec![json!({ "path": say("**/x") })],
            scan_depth: None,
        }),
        parsed: Vec::new(),
        command_kind: Default::default(),
        approval_id: None,
    };
    let question = |id: &str, options: usize, is_secret: bool| Question {
        id: id.to_owned(),
        header: say("Output"),
        question: say("Which of the two formats shall it print?"),
        is_other: true,
        is_secret,
        options: (0..options)
            .map(|_| Choice {
                label: say("Plain text"),
                description: say("As it was before."),
            })
            .collect(),
    };
    let schema = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": {"type": "string", "title": say("Name"), "description": say("As on the door")},
            "size": {"type": "string", "enum": [say("small"), say("large")]},
            "tags": {"type": "array", "items": {"type": "string", "enum": [say("a")]}},
            "count": {"type": "integer"}, "sure": {"type": "boolean"}, "more": {"type": "object"},
        },
    });
    let (server, message) = (say("tracker"), say("Which ticket is this for?"));
    let diff = "@@ -1,2 +1,2 @@\n one\n-two\n+three\n";
    let whats = vec![
        (command("cargo fetch --locked"), yes_no()),
        (command("cargo test --workspace"), yes_no()),
        (
            What::Patch {
                files: vec![PatchedFile {
                    path: say("src/cli.rs"),
                    kind: "update".to_owned(),
                    diff: format!("{diff}+{}\n", say("four")),
                    moved_to: None,
                }],
                omitted: 3,
                grant_root: Some(say("/home/mei")),
            },
            yes_no(),
        ),
        (
            What::Permissions {
                access: Access {
                    network: Some(true),
                    read: vec![say("/etc/ssl")],
                    write: vec![say("/var/cache")],
                    ..Access::default()
                },
                cwd: say("/home/mei"),
            },
            vec![GrantTurn, GrantSession, Decline],
        ),
        (
            What::Questions {
                questions: vec![question("format", 2, false), question("key", 0, true)],
                is_blocking: true,
                answers_itself_ms: None,
            },
            vec![Answer, Decline],
        ),
        (
            What::Form {
                server: server.clone(),
                message: message.clone(),
                schema,
            },
            yes_no(),
        ),
        (
            What::Form {
                server: server.clone(),
                message: message.clone(),
                schema: json!(say("no schema")),
            },
            yes_no(),
        ),
        (
            What::Url {
                server: server.clone(),
                message,
                url: say("https:one.example/login"),
            },
            yes_no(),
        ),
        (
            What::McpTool {
                server,
                tool: say("create_ticket"),
                params: json!({ "title": say("Quiet flag") }),
                persist: Vec::new(),
            },
            yes_no(),
        ),
        (
            What::ToolCall {
                tool: say("lookup"),
                arguments: json!([say("x")]),
            },
            yes_no(),
        ),
        (
            What::Unknown {
                method: say("item/new/ask"),
                params: json!({ "a": say("b") }),
            },
            Vec::new(),
        ),
    ];
    let session = |number: usize| (number > 0).then_some(super::PLANNER);
    let numbered = whats.into_iter().enumerate();
    numbered
        .map(|(number, (what, offered))| ask(say, number, session(number), what, offered))
        .collect()
}

/// What waits in a sample.
pub fn waiting(sample: &Sample, language: Language) -> Vec<Item> {
    let mut state = State::default();
    for (seq, event) in (1..).zip(&sample.work) {
        state.apply(seq, at(30), event);
    }
    let powers = &sample.powers;
    let house = House {
        codex: sample
            .codex
            .0
            .ends_with("unavailable")
            .then(|| ("down", sample.codex.1.clone().unwrap_or_default())),
        lacks: Vec::new(),
        login: None,
        trust: sample.trust.clone(),
        powers: powers.needed.then(|| {
            let lines = powers.lines.clone();
            (powers.sha256.clone(), powers.statement.clone(), lines)
        }),
        read_only: sample.read_only.clone(),
        damage: None,
        settings: {
            let warnings = sample.warnings.iter();
            warnings.map(|it| (it.clone(), it.clone())).collect()
        },
        duties: Vec::new(),
        gate: None,
    };
    attention::of(&Scene {
        state: &state,
        asks: &sample.asks,
        house: &house,
        glimpse: &|_| Glimpse::default(),
        limits: &Limits {
            slots: 2,
            review: None,
            routes: BTreeMap::new(),
            other: Route {
                driver: Driver::Codex,
                model: None,
                unapproved: false,
            },
            codex_down: None,
            bounds: Default::default(),
        },
        review: ReviewRule::OFF,
        title: &str::to_owned,
        first_seen: &|_| Utc::now(),
        language,
        now: Utc::now(),
    })
}
