//! A sample of the question about powers.

use zhongshu::core::powers::Question;
use zhongshu::domain::powers::{FileNews, Line};

/// Nothing is asked for; `say` makes the texts of what would be.
pub fn question(say: &dyn Fn(&str) -> String) -> Question {
    Question {
        needed: false,
        sha256: "5d".repeat(32),
        statement: say("governance.yaml asks for more than the safe defaults."),
        lines: vec![
            Line {
                entry: "drivers.other-agent.command".to_owned(),
                now: Some(say("other-agent --prompt-file {prompt_file}")),
                before: Some(say("other-agent {prompt_file}")),
                approved: false,
                unsandboxed: true,
                file: None,
            },
            Line {
                entry: say("drivers.other-agent.command: tools/other-agent.sh"),
                now: Some(say("sha256 5f70bf18a086")),
                before: Some(say("sha256 ca978112ca1b")),
                approved: false,
                unsandboxed: true,
                file: Some(FileNews::Changed),
            },
            Line {
                entry: "planner".to_owned(),
                now: Some(say("workspace-write, approval on-request")),
                before: Some(say("workspace-write, approval never")),
                approved: true,
                unsandboxed: false,
                file: None,
            },
        ],
        unsandboxed: Vec::new(),
    }
}
