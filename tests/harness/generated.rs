//! Requests made from the document, right ones and wrong ones: whatever comes, the server answers as it is described to, and never fails.

use crate::bot::Bot;
use crate::described::{Answer, Document, Operation};
use crate::generator::Generator;
use crate::rig::house;
use crate::support::{House, Random};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long it goes on.
const TIME: Duration = Duration::from_secs(15);
/// Nobody's ids, and what is none.
const NO_IDS: [&str; 7] = [
    "01900000-0000-7000-8000-000000000001",
    "nope",
    "%00",
    "..%2F..",
    "%F0%9F%98%80",
    "%FF",
    "a%20b",
];
/// Values of query parameters that fit few of them.
const JUNK: [&str; 8] = [
    "",
    "0",
    "201",
    "-1",
    "yes",
    "99999999999999999999",
    "\u{0}",
    "é&=%",
];

/// What changes whether anything else can be done. It comes last.
fn unsettles(operation: &Operation) -> bool {
    operation.id.starts_with("account_") || operation.id.starts_with("config_write")
}

/// Would have Codex call a host outside of this machine.
fn leaves_the_machine(operation: &Operation, body: &Value) -> bool {
    operation.id == "account_login_start"
        && matches!(
            body["type"].as_str(),
            Some("chatgpt" | "chatgptDeviceCode" | "chatgptAuthTokens")
        )
}

/// As it may stand in an address.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

struct Maker<'a> {
    generator: Generator<'a>,
    bot: Bot,
}

impl Maker<'_> {
    fn path(&mut self, operation: &Operation) -> String {
        let mut filled = String::new();
        for (number, part) in operation.path.split(['{', '}']).enumerate() {
            if number % 2 == 0 {
                filled.push_str(part);
                continue;
            }
            let all = self.generator.ids.iter();
            let ids: Vec<_> = all.filter(|(of, _)| of == part).cloned().collect();
            match ids.is_empty() || self.generator.one_in(5) {
                true => filled += *self.generator.pick(&NO_IDS),
                false => filled.push_str(&escaped(&self.generator.pick(&ids).1)),
            }
        }
        let mut sign = '?';
        for (name, schema) in operation.query() {
            if self.generator.one_in(2) {
                let value = match self.generator.one_in(3) {
                    true => (*self.generator.pick(&JUNK)).to_owned(),
                    false => match self.generator.value(schema, name, 0) {
                        Value::String(text) => text,
                        other => other.to_string(),
                    },
                };
                filled.push_str(&format!("{sign}{name}={}", escaped(&value)));
                sign = '&';
            }
        }
        filled
    }

    fn body(&mut self, operation: &Operation) -> Option<(&'static str, Vec<u8>)> {
        let generator = &mut self.generator;
        let Some(schema) = operation.takes() else {
            // Whoever always sends an object may.
            let sends = operation.method != "GET" && generator.one_in(2);
            return sends.then(|| ("application/json", b"{}".to_vec()));
        };
        if generator.one_in(16) {
            return None;
        }
        let mut value = generator.value(schema, "", 0);
        if generator.one_in(2) {
            value = generator.spoiled(value);
        }
        if leaves_the_machine(operation, &value) {
            value["type"] = json!("apiKey");
        }
        Some(generator.body(&value))
    }

    /// Later requests may be about what this one was about.
    fn learn(&mut self, answer: &Value) {
        match answer {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(id) if name.ends_with("Id") && self.generator.ids.len() < 400 => {
                            let known = (name.clone(), id.to_owned());
                            if !self.generator.ids.contains(&known) {
                                self.generator.ids.push(known);
                            }
                        }
                        Some(_) => {}
                        None => self.learn(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|it| self.learn(it)),
            _ => {}
        }
    }

    async fn send(&mut self, operation: &Operation) -> (String, Answer) {
        let (path, body) = (self.path(operation), self.body(operation));
        let shown = body.as_ref().map(|(kind, bytes)| {
            let text = String::from_utf8_lossy(bytes);
            let text: String = text.chars().take(300).collect();
            format!("{kind} {text}")
        });
        let here = format!("{} {path} {shown:?}", operation.method);
        let answer = self.bot.send(&operation.method, &path, body).await;
        if answer.is_done() {
            self.learn(&answer.body);
        }
        (here, answer)
    }
}

/// Sessions and projects that requests may be about.
async fn something(house: &House) {
    for name in ["one", "two"] {
        house.make("/projects", json!({ "name": name })).await;
        let id = house.chat().await;
        house.talks(&id, "Hello").await;
    }
}

#[tokio::test]
async fn whatever_the_document_lets_one_ask_is_answered_as_it_says() {
    let house = house([]).await;
    something(&house).await;
    let bot = Bot::scoped(&house, "human").await;
    let mut document = Document::served();
    let components = document.components.clone();
    let seed = Random::seed();
    let generator = Generator {
        random: Random::of(seed),
        components: &components,
        ids: Vec::new(),
    };
    let mut maker = Maker { generator, bot };
    for list in ["/sessions", "/projects"] {
        let known = house.look(list).await;
        maker.learn(&known);
    }
    let (last, first): (Vec<_>, Vec<_>) =
        document.operations.clone().into_iter().partition(unsettles);
    let (mut wrong, mut asked, mut done) = (Vec::new(), 0_u32, 0_u32);
    for (operations, share) in [(first, 9), (last, 1)] {
        let until = Instant::now() + TIME * share / 10;
        while Instant::now() < until {
            for operation in &operations {
                let (here, answer) = maker.send(operation).await;
                asked += 1;
                done += u32::from(answer.is_done());
                let promised = document.promises(operation, &answer);
                if answer.is_failure() || promised.is_err() {
                    let body: String = answer.body.to_string().chars().take(600).collect();
                    wrong.push(format!("{here}\n  {} {body}: {promised:?}", answer.status));
                }
            }
            if wrong.len() > 20 {
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "seed {seed}\n{}", wrong.join("\n"));
    // Enough of it was in order to mean something.
    assert!(asked > 300 && done > asked / 10, "{done} of {asked}");
    house.look("/health").await;
    house.close().await;
}
