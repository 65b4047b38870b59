//! `zhongshu harness …`: the router, the document and the commands have the same operations, each command explains itself, and a person
//! gets from nothing to a finished turn with them.

use crate::document::operations;
use crate::rig::{HANG, house};
use crate::support::{GOVERNANCE, House};
use clap::Command;
use serde_json::Value;
use std::collections::BTreeSet;
use zhongshu::cli::harness::{Field, Form, Kind, Operation, command, every_operation, named};
use zhongshu::web::harness::{PREFIX, document};

/// What is no request and answer that a command could be made of: the document itself, and the stream, which has a command of its own.
const OTHERWISE: [&str; 2] = ["/openapi.json", "/stream"];

fn below_prefix(path: &str) -> Option<&str> {
    let path = path.strip_prefix(PREFIX)?;
    (!OTHERWISE.contains(&path)).then_some(path)
}

/// The command of an operation.
fn command_of(all: &Command, operation: &Operation) -> Command {
    let group = all.find_subcommand(&operation.group);
    let verb = group.and_then(|group| group.find_subcommand(&operation.verb));
    verb.unwrap_or_else(|| panic!("{operation:?} has no command"))
        .clone()
}

#[test]
fn router_document_and_commands_have_the_same_operations() {
    let routes: BTreeSet<_> = zhongshu::web::every_route()
        .iter()
        .filter_map(|route| {
            Some((
                route.method.to_owned(),
                below_prefix(&route.path)?.to_owned(),
            ))
        })
        .collect();
    let told: BTreeSet<_> = operations(&document())
        .into_iter()
        .filter_map(|(method, path, _)| Some((method, below_prefix(&path)?.to_owned())))
        .collect();
    let all = every_operation();
    let commands: BTreeSet<_> = all
        .iter()
        .map(|it| (it.method.clone(), it.path.clone()))
        .collect();
    assert!(routes.len() > 50, "the routes were not found");
    assert_eq!(routes, told, "router and document");
    assert_eq!(told, commands, "document and commands");
    let names: BTreeSet<_> = all.iter().map(|it| (&it.group, &it.verb)).collect();
    assert_eq!(names.len(), all.len(), "two operations have one command");
    for operation in &all {
        let is_named = named().any(|id| id == operation.id);
        assert!(
            is_named,
            "{} has no name that a person would guess",
            operation.id
        );
    }
}

#[test]
fn every_command_explains_itself_and_each_field() {
    let all = every_operation();
    let mut tree = command(&all);
    tree.clone().debug_assert();
    tree.build();
    for operation in &all {
        let mut command = command_of(&tree, operation);
        let help = command.render_long_help().to_string();
        let here = format!("{} {}", operation.group, operation.verb);
        let (sentence, more) = operation.sentences();
        assert!(
            help.contains(sentence) && help.contains(more.unwrap_or_default()),
            "{help}"
        );
        assert!(help.contains(&format!("zhongshu harness {here}")), "{help}");
        let spoken = |field: &Field| match field.form {
            Form::Word => format!("{}>", field.flag().replace('-', "_").to_uppercase()),
            Form::Flag => format!("--{}", field.flag()),
        };
        for field in &operation.fields {
            let word = spoken(field);
            let optional = word.replace('>', "]");
            assert!(
                help.contains(&word) || help.contains(&optional),
                "{here}: {word}\n{help}"
            );
            assert!(!field.about.is_empty(), "{here}: {word} has no sentence");
        }
        // A line that lacks what is needed is refused, and one that has it is read.
        let mut bare = vec![operation.group.clone(), operation.verb.clone()];
        let needed = operation.fields.iter().any(|it| it.is_required) && !operation.is_of_all();
        assert_eq!(
            read(&all, &bare).is_err(),
            needed,
            "{here} without anything"
        );
        let given = |field: &Field| match &field.kind {
            Kind::Number(least, _) => (*least).max(1).to_string(),
            Kind::Boolean => "true".to_owned(),
            Kind::Choice(words) => words[0].clone(),
            Kind::Json => "{}".to_owned(),
            Kind::Secret => "-".to_owned(),
            _ => "x".to_owned(),
        };
        for field in &operation.fields {
            match field.form {
                Form::Word => {}
                Form::Flag => bare.push(format!("--{}={}", field.flag(), given(field))),
            }
        }
        for field in operation.fields.iter().filter(|it| it.form == Form::Word) {
            bare.push(given(field));
        }
        if let Err(error) = read(&all, &bare) {
            panic!("{bare:?}: {error}");
        }
    }
}

fn read(all: &[Operation], line: &[String]) -> Result<(), String> {
    let read = command(all).try_get_matches_from(line);
    read.map(drop).map_err(|error| error.to_string())
}

/// Every line that a help text shows as an example can be typed.
#[test]
fn examples_are_read_as_they_stand() {
    let all = every_operation();
    for operation in &all {
        let example = operation.example();
        // None of them has a quote inside of quotes.
        let pieces = example.split('\'').enumerate();
        let words: Vec<String> = pieces
            .flat_map(|(at, piece)| match at % 2 {
                1 => vec![piece.to_owned()],
                _ => piece.split_whitespace().map(str::to_owned).collect(),
            })
            .collect();
        assert_eq!(words[..2], ["zhongshu", "harness"]);
        if let Err(error) = read(&all, &words[2..]) {
            panic!("{example}: {error}");
        }
    }
}

impl House {
    /// A command below `harness`: exit code, what it said, what it complained about.
    async fn harness(&self, line: &[&str]) -> (Option<i32>, String, String) {
        let whole: Vec<&str> = ["harness"].iter().chain(line).copied().collect();
        self.run(&whole).await
    }

    /// One that works; what it said.
    pub async fn works(&self, line: &[&str]) -> String {
        let (code, said, complaint) = self.harness(line).await;
        assert_eq!(code, Some(0), "{line:?}: {said}{complaint}\n{}", self.log());
        said
    }

    /// The same with `--json`; the answer.
    pub async fn told(&self, line: &[&str]) -> Value {
        let whole: Vec<&str> = line.iter().chain(&["--json"]).copied().collect();
        let said = self.works(&whole).await;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line:?}: {error}: {said}"))
    }

    /// One that ends with this code; what it complained about.
    pub async fn fails(&self, line: &[&str], code: i32) -> String {
        let (was, said, complaint) = self.harness(line).await;
        assert_eq!(was, Some(code), "{line:?}: {said}{complaint}");
        assert!(!complaint.is_empty(), "{line:?} says nothing");
        complaint
    }
}

#[tokio::test]
async fn a_thread_from_nothing_to_a_finished_turn_with_json() {
    let house = house([]).await;
    let begun = house
        .told(&["sessions", "create", "--filesystem-sandbox", "read-only"])
        .await;
    assert_eq!(
        begun["session"]["sessionControls"]["filesystemSandbox"],
        "read-only"
    );
    let id = begun["session"]["sessionId"].as_str().unwrap();
    let sent = house
        .told(&["sessions", "send", id, "Hello.", "--wait"])
        .await;
    assert_eq!(
        (&sent["status"], &sent["answer"]),
        (&"completed".into(), &"Told.".into())
    );
    let read = house.told(&["sessions", "get", id]).await;
    let rows = read["transcript"].as_array().unwrap();
    let said: Vec<_> = rows
        .iter()
        .filter_map(|row| row["content"].as_str())
        .collect();
    assert!(
        said.contains(&"Hello.") && said.contains(&"Told."),
        "{said:?}"
    );
    let renamed = house.told(&["sessions", "rename", id, "Greetings"]).await;
    assert_eq!(renamed["session"]["title"], "Greetings");
    let listed = house.told(&["sessions", "list", "--limit", "5"]).await;
    assert_eq!(listed["data"][0]["title"], "Greetings");
    assert_eq!(
        house.told(&["sessions", "archive", id]).await["status"],
        "ok"
    );
    let raw = house
        .works(&["request", "get", "/sessions", "--query", "archived=true"])
        .await;
    let raw: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(raw["data"][0]["sessionId"], id);
    house.close().await;
}

#[tokio::test]
async fn the_same_is_readable_without_json() {
    let house = house([]).await;
    let begun = house.works(&["sessions", "create"]).await;
    let id = begun
        .lines()
        .find_map(|line| line.strip_prefix("session "))
        .unwrap()
        .trim();
    let sent = house
        .works(&["sessions", "send", id, "Hello.", "--wait"])
        .await;
    assert_eq!(sent, "Told.\n");
    let read = house.works(&["sessions", "get", id]).await;
    assert!(
        read.contains("\nyou:\n  Hello.\n") && read.contains("\ncodex:\n  Told.\n"),
        "{read}"
    );
    house.works(&["sessions", "rename", id, "Greetings"]).await;
    let listed = house.works(&["sessions", "list"]).await;
    let row = listed.lines().find(|line| line.starts_with(id)).unwrap();
    assert!(
        listed.starts_with("ID ") && row.ends_with("Greetings"),
        "{listed}"
    );
    house.works(&["sessions", "archive", id]).await;
    assert_eq!(
        house.works(&["sessions", "list"]).await,
        "there is nothing\n"
    );

    let help = house.works(&["--help"]).await;
    assert!(
        help.contains("sessions") && help.contains("First steps"),
        "{help}"
    );
    let help = house.works(&["sessions", "send", "--help"]).await;
    assert!(help.contains("--wait") && help.contains("<TEXT>"), "{help}");

    let unknown = house.fails(&["sessions", "get", "nope"], 6).await;
    assert!(unknown.starts_with("zhongshu: "), "{unknown}");
    let model = house
        .fails(&["sessions", "create", "--model", "gpt-none"], 2)
        .await;
    assert!(model.contains("model: "), "{model}");
    house.fails(&["sessions", "interrupt", id], 7).await;
    house.fails(&["skills", "list-remote"], 1).await;
    house.fails(&["jobs", "get", "nope"], 6).await;
    house.fails(&["sessions", "send"], 2).await;
    let (code, said, _) = house.harness(&["sessions", "get", "nope", "--json"]).await;
    let body: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &body["code"]), (Some(6), &"not_found".into()));
    house.close().await;
}

#[tokio::test]
async fn a_profile_reaches_a_port_with_a_token_that_nobody_sees() {
    let house = house([]).await;
    let server = std::fs::read(house.state.join("server.json")).unwrap();
    let server: Value = serde_json::from_slice(&server).unwrap();
    let url = server["url"].as_str().unwrap();
    let file = house.root.join("token.txt");
    let path = file.to_str().unwrap();
    let mut tokens = Vec::new();
    for scope in ["harness", "read"] {
        let (_, token, _) = house
            .run(&["token", "create", scope, "--scope", scope])
            .await;
        std::fs::write(&file, &token).unwrap();
        let add = ["profile", "add", scope, "--url", url, "--token-file", path];
        house.works(&add).await;
        tokens.push(token.trim().to_owned());
    }
    let kept = house.root.join("home/.config/zhongshu/profiles.json");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(kept).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let listed = house.works(&["profile", "list"]).await;
    assert!(
        listed.contains(url) && !listed.contains(&tokens[0]),
        "{listed}"
    );

    let begun = house
        .told(&["sessions", "create", "--profile", "harness"])
        .await;
    let id = begun["session"]["sessionId"].as_str().unwrap();
    house
        .fails(&["sessions", "create", "--profile", "read"], 5)
        .await;
    assert_eq!(
        house
            .told(&["sessions", "get", id, "--profile", "read"])
            .await["session"]["sessionId"],
        id
    );

    // While it runs everybody sees its arguments.
    let mut follows = house.zhongshu();
    follows.args([
        "harness",
        "sessions",
        "send",
        id,
        HANG,
        "--wait",
        "--profile",
        "harness",
    ]);
    let mut follows = follows.stdout(std::process::Stdio::null()).spawn().unwrap();
    house
        .listed(id, "it runs", |it| it["status"] == "running")
        .await;
    let line = std::fs::read(format!("/proc/{}/cmdline", follows.id().unwrap())).unwrap();
    let line = String::from_utf8(line).unwrap();
    assert!(line.contains("--wait"), "{line}");
    for token in &tokens {
        assert!(!line.contains(token) && house.processes().with(token).is_empty());
    }
    house.works(&["sessions", "interrupt", id]).await;
    let ended = house.wait_for("the end of the command", async || {
        follows.try_wait().unwrap()
    });
    assert_eq!(ended.await.code(), Some(1));

    house.run(&["token", "revoke", "harness"]).await;
    house
        .fails(&["sessions", "list", "--profile", "harness"], 5)
        .await;
    house.works(&["profile", "remove", "harness"]).await;
    house
        .fails(&["sessions", "list", "--profile", "harness"], 2)
        .await;
    for url in ["http://192.0.2.7:6211", "https://example.org"] {
        let add = ["profile", "add", "far", "--url", url, "--token-file", path];
        let no = house.fails(&add, 2).await;
        assert!(no.contains("ssh -L"), "{no}");
    }
    house.close().await;
}

#[tokio::test]
async fn without_a_server_nothing_is_tried() {
    let house = House::build(crate::rig::script([]), GOVERNANCE).await;
    let no = house.fails(&["sessions", "list"], 4).await;
    assert!(no.contains("no zhongshu runs"), "{no}");
    let file = house.root.join("token.txt");
    std::fs::write(&file, "zs-nothing\n").unwrap();
    // Nobody may listen at this port without being root.
    let add = [
        "profile",
        "add",
        "gone",
        "--url",
        "http://127.0.0.1:1",
        "--token-file",
        file.to_str().unwrap(),
    ];
    house.works(&add).await;
    house
        .fails(&["sessions", "list", "--profile", "gone"], 4)
        .await;
    house.works(&["sessions", "--help"]).await;
    house.close().await;
}
