//! The embedded model of `demo --codex`. It says the same job as the scripted agent does, through real Codex sessions, and asks
//! on the way whatever Codex can ask a person: a question, a command, a patch, permissions and a form.

use super::agent;
use super::texts::{EN, Texts as Job, ZH};
use crate::commands::error::CommandError;
use mock_model::{Call, Rule, Script, Server, Step, Texts, When};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;

/// Name of the tools' server in Codex's configuration.
const CHECKLIST: &str = "checklist";

/// The model, which listens on loopback.
pub struct Model(Server);

impl Model {
    /// Starts it, and writes a CODEX_HOME that uses it.
    ///
    /// # Errors
    /// When it cannot listen, or the folder cannot be written.
    pub async fn start(codex_home: &Path, repo: &Path) -> Result<Self, CommandError> {
        let server = Server::start(script(repo)).await?;
        mock_model::write_codex_home(codex_home, &server.base_url(), None)?;
        let mut config = std::fs::OpenOptions::new()
            .append(true)
            .open(codex_home.join("config.toml"))?;
        // The last table of the configuration is that of the features.
        config.write_all(
            b"default_mode_request_user_input = true\nrequest_permissions_tool = true\n",
        )?;
        // A JSON text is a TOML text.
        let program = json!(std::env::current_exe()?);
        writeln!(
            config,
            "\n[mcp_servers.{CHECKLIST}]\ncommand = {program}\nargs = [\"demo-agent\"]"
        )?;
        Ok(Self(server))
    }

    /// Ends it.
    pub async fn close(self) {
        self.0.shutdown().await;
    }
}

fn script(repo: &Path) -> Script {
    Script::new([&EN, &ZH].into_iter().flat_map(|job| rules(job, repo)))
}

fn rules(job: &'static Job, repo: &Path) -> Vec<Rule> {
    let noted = Rule {
        name: "planner-is-told".to_owned(),
        when: When {
            last_user_contains: job.told.into(),
            ..When::default()
        },
        steps: vec![Step::say(job.noted)],
        ..Rule::default()
    };
    let planner = Rule {
        name: "planner".to_owned(),
        when: When {
            first_user_contains: job.planner.into(),
            ..When::default()
        },
        steps: vec![
            says(job.reads, question(job)),
            Step::call(Call::mcp("zhongshu", "report_plan", plan(job))),
            Step::say(job.planned),
        ],
        ..Rule::default()
    };
    vec![
        noted,
        planner,
        department(job, "lingyubu", code(job)),
        department(job, "zhilibu", words(job)),
        department(job, "menxia", review(job, repo)),
    ]
}

fn department(job: &Job, key: &str, mut steps: Vec<Step>) -> Rule {
    steps.push(Step::say(job.reported));
    Rule {
        name: key.to_owned(),
        when: When {
            first_user_contains: Texts(vec![
                job.department.to_owned(),
                format!("department: {key}\n"),
            ]),
            ..When::default()
        },
        steps,
        ..Rule::default()
    }
}

/// What is said before a call is made.
fn says(text: &str, call: Call) -> Step {
    Step {
        say: Some(text.to_owned()),
        ..Step::call(call)
    }
}

fn function(name: &str, arguments: Value) -> Call {
    Call::Function {
        namespace: None,
        name: name.to_owned(),
        arguments,
    }
}

fn question(job: &Job) -> Call {
    let option =
        |(label, description): (&str, &str)| json!({ "label": label, "description": description });
    let question = json!({
        "id": "loudness", "header": job.question.0, "question": job.question.1,
        "options": job.options.map(option),
    });
    function("request_user_input", json!({ "questions": [question] }))
}

/// The plan of the demo, where the review comes last.
fn plan(job: &Job) -> Value {
    let line = |index: usize, id, department, after: &[&str], files: &[&str], verify: &[&str]| {
        let (task, reason) = job.lines[index];
        json!({ "id": id, "department": department, "after": after, "task": task, "files": files, "verify": verify, "reason": reason })
    };
    json!({
        "summary": job.plan,
        "assignments": [
            line(0, "code", "lingyubu", &[], &["src/greet.py"], &["git diff --check"]),
            line(1, "words", "zhilibu", &[], &["README.md"], &["git diff --check"]),
            line(2, "review", "menxia", &["code", "words"], &["docs/review.md"], &["git diff --check"]),
        ],
    })
}

fn reports(file: &str, summary: &str) -> Step {
    let result = agent::result(file, summary);
    Step::call(Call::mcp("zhongshu", "report_result", result))
}

/// Writes within the sandbox; what Git keeps is outside of it, so that staging is asked about.
fn code(job: &Job) -> Vec<Step> {
    let write =
        "printf '\\n\\ndef shout(name):\\n    return greet(name).upper()\\n' >> src/greet.py";
    let stage = Call::Shell {
        cmd: "git add src/greet.py".to_owned(),
        workdir: None,
        escalate: Some(job.why_command.to_owned()),
        yield_time_ms: None,
    };
    vec![
        says(job.does[0], Call::shell(write)),
        Step::call(stage),
        reports("src/greet.py", job.results[0]),
    ]
}

/// A department that may only read: its patch is asked about.
fn words(job: &Job) -> Vec<Step> {
    let patch = "*** Begin Patch\n*** Update File: README.md\n@@\n-Greets people by name.\n+Greets people by name, and in capitals with `--shout`.\n*** End Patch\n";
    let patch = Call::ApplyPatch {
        patch: patch.to_owned(),
    };
    vec![
        says(job.does[1], patch),
        reports("README.md", job.results[1]),
    ]
}

/// Asks for wider permissions to stage what the others did, then has its checklist filled in.
fn review(job: &Job, repo: &Path) -> Vec<Step> {
    let write =
        "mkdir -p docs && printf '# Review\\n\\nNo boundary is crossed.\\n' > docs/review.md";
    let wider = json!({
        "permissions": { "file_system": { "write": [repo.join(".git")] } },
        "reason": job.why_permissions,
    });
    vec![
        says(job.does[2], Call::shell(write)),
        Step::call(function("request_permissions", wider)),
        Step::call(Call::shell("git add README.md docs/review.md")),
        Step::call(Call::mcp(
            CHECKLIST,
            "sign_off",
            json!({ "language": job.tag }),
        )),
        reports("docs/review.md", job.results[2]),
    ]
}
