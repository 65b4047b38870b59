//! The embedded model of `demo --codex`. It says the same job as the scripted agent does, through real Codex sessions.

use super::agent;
use crate::commands::error::CommandError;
use mock_model::{Call, Rule, Script, Server, Step, Texts, When};
use std::path::Path;

/// The model, which listens on loopback.
pub struct Model(Server);

impl Model {
    /// Starts it, and writes a CODEX_HOME that uses it.
    ///
    /// # Errors
    /// When it cannot listen, or the folder cannot be written.
    pub async fn start(codex_home: &Path) -> Result<Self, CommandError> {
        let server = Server::start(script()).await?;
        mock_model::write_codex_home(codex_home, &server.base_url(), None)?;
        Ok(Self(server))
    }

    /// Ends it.
    pub async fn close(self) {
        self.0.shutdown().await;
    }
}

fn script() -> Script {
    let mut plan = agent::plan("");
    if let Some(plan) = plan.as_object_mut() {
        plan.remove("session_id");
    }
    let planner = Rule {
        name: "planner".to_owned(),
        when: When {
            first_user_contains: texts("the planner of the project"),
            ..When::default()
        },
        steps: vec![
            Step::call(Call::mcp("zhongshu", "report_plan", plan)),
            Step::say("The plan is reported; a person decides now."),
        ],
        ..Rule::default()
    };
    let mut rules = vec![notice("planner-is-told"), planner];
    rules.extend(["lingyubu", "zhilibu", "menxia"].map(department));
    Script::new(rules)
}

fn texts(text: &str) -> Texts {
    Texts(vec![text.to_owned()])
}

fn notice(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        when: When {
            last_user_contains: texts("A department reported"),
            ..When::default()
        },
        steps: vec![Step::say("Noted.")],
        ..Rule::default()
    }
}

fn department(key: &str) -> Rule {
    let (command, file, summary) = match key {
        "lingyubu" => (
            "printf '\\n\\ndef shout(name):\\n    return greet(name).upper()\\n' >> src/greet.py",
            "src/greet.py",
            "`shout` returns the greeting in capitals.",
        ),
        "zhilibu" => (
            "printf '\\n`--shout` prints the greeting in capitals.\\n' >> README.md",
            "README.md",
            "README.md describes --shout.",
        ),
        _ => (
            "mkdir -p docs && printf '# Review\\n\\nNo boundary is crossed.\\n' > docs/review.md",
            "docs/review.md",
            "No boundary is crossed.",
        ),
    };
    let result = agent::result(file, summary);
    Rule {
        name: key.to_owned(),
        when: When {
            first_user_contains: texts(&format!("department: {key}\n")),
            ..When::default()
        },
        steps: vec![
            Step::call(Call::shell(command)),
            Step::call(Call::mcp("zhongshu", "report_result", result)),
            Step::say("Reported."),
        ],
        ..Rule::default()
    }
}
