//! `zhongshu demo-agent PROMPT_FILE`: a scripted agent for the demo. It is an ordinary program of a `command` driver: it reads its
//! prompt from a file, works in the repository, and reports by writing a file, as any other agent CLI would.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Long enough to be watched in the dashboard, short enough not to bore.
const STEP: Duration = Duration::from_millis(350);

/// Plays the agent that the prompt describes.
///
/// # Errors
/// When the prompt cannot be read or understood, or a file cannot be written.
pub fn run(prompt_file: &Path) -> Result<()> {
    let prompt = std::fs::read_to_string(prompt_file)
        .with_context(|| format!("the prompt file {} cannot be read", prompt_file.display()))?;
    let mailbox = std::env::var("ZHONGSHU_MAILBOX")
        .context("ZHONGSHU_MAILBOX is not set; the launcher sets it for its agents")?;
    let mailbox = PathBuf::from(mailbox);
    match (
        value(&prompt, "department_session_id"),
        value(&prompt, "session_id"),
    ) {
        (Some(id), _) => department(&prompt, id, &mailbox),
        (None, Some(id)) => planner(&prompt, id, &mailbox),
        (None, None) => bail!("the prompt names no session"),
    }
}

/// The value of a line `name: value` of the prompt.
fn value<'a>(prompt: &'a str, name: &str) -> Option<&'a str> {
    prompt
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn planner(prompt: &str, id: &str, mailbox: &Path) -> Result<()> {
    let task = section(prompt, "Task")
        .or_else(|| section(prompt, "任务"))
        .unwrap_or_default();
    say(
        "36",
        "Planner",
        &format!("reading the repository for: {task}"),
    );
    std::thread::sleep(STEP);
    say(
        "36",
        "Planner",
        "three independent pieces of work; reporting the plan",
    );
    let plan = plan(id);
    drop_file(mailbox, "plan-1.json", &plan)?;
    state("idle");
    say(
        "36",
        "Planner",
        "the plan is reported; a person decides now",
    );
    // Whatever the launcher has to say arrives as typed lines, until the session is stopped.
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if let Some(summary) = line.trim().strip_prefix("\"summary\": ") {
            say(
                "36",
                "Planner",
                &format!("noted: {}", summary.trim_end_matches(',')),
            );
        }
    }
    Ok(())
}

/// The plan of the demo. Three departments, so that with two slots one has to wait.
pub fn plan(planner: &str) -> Value {
    json!({
        "session_id": planner,
        "summary": "Add a --shout option: the code, its documentation, and a review of the boundaries.",
        "assignments": [
            { "department": "lingyubu", "task": "Add a function `shout` to src/greet.py that returns the greeting in capitals.",
              "files": ["src/greet.py"], "verify": ["python3 -m py_compile src/greet.py"], "reason": "the behaviour itself" },
            { "department": "zhilibu", "task": "Describe --shout in README.md.",
              "files": ["README.md"], "verify": ["git diff --check"], "reason": "users must find it" },
            { "department": "menxia", "task": "Review the boundaries of the change: who may call `shout`, and with what.",
              "files": ["docs/review.md"], "verify": ["git diff --check"], "reason": "input comes from users" }
        ]
    })
}

fn department(prompt: &str, id: &str, mailbox: &Path) -> Result<()> {
    let parent = value(prompt, "parent_session_id").context("the prompt names no planner")?;
    let department = value(prompt, "department").context("the prompt names no department")?;
    state("working");
    say("33", department, "reading the task");
    std::thread::sleep(STEP);
    let (file, summary) = work(department)?;
    say("33", department, &format!("changed {file}"));
    std::thread::sleep(STEP);
    say("32", department, "checked; reporting");
    let mut result = result(file, summary);
    result["parent_session_id"] = json!(parent);
    result["department_session_id"] = json!(id);
    result["department"] = json!(department);
    drop_file(mailbox, &format!("result-{id}.json"), &result)?;
    state("done");
    Ok(())
}

/// What a department hands in, without what only a file has to say: whose it is.
pub(super) fn result(file: &str, summary: &str) -> Value {
    json!({
        "summary": summary,
        "changed_files": [file],
        "verifications_run": ["git diff --check"],
        "verifications_skipped": [],
        "risks": [],
        "needs_user_confirmation": false,
        "next_action": "none",
    })
}

/// Really changes the repository, so that the report has something to say.
fn work(department: &str) -> Result<(&'static str, &'static str)> {
    let (file, text, summary) = match department {
        "lingyubu" => (
            "src/greet.py",
            "\n\ndef shout(name):\n    return greet(name).upper()\n",
            "`shout` returns the greeting in capitals.",
        ),
        "zhilibu" => (
            "README.md",
            "\n`--shout` prints the greeting in capitals.\n",
            "README.md describes --shout.",
        ),
        _ => (
            "docs/review.md",
            "# Review\n\n`shout` takes any text and changes nothing else.\n",
            "No boundary is crossed.",
        ),
    };
    if let Some(folder) = Path::new(file).parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut open = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)?;
    open.write_all(text.as_bytes())
        .with_context(|| format!("{file} cannot be written"))?;
    Ok((file, summary))
}

/// Under a name that nobody reads, then renamed: no reader ever sees half of it.
fn drop_file(mailbox: &Path, name: &str, content: &Value) -> Result<()> {
    let unfinished = mailbox.join(format!("{name}.tmp"));
    std::fs::write(&unfinished, serde_json::to_vec_pretty(content)?)
        .with_context(|| format!("{} cannot be written", unfinished.display()))?;
    std::fs::rename(&unfinished, mailbox.join(name))?;
    Ok(())
}

fn say(colour: &str, who: &str, what: &str) {
    show(&format!("\u{1b}[{colour};1m{who:>10}\u{1b}[0m  {what}\n"));
}

/// Announces the agent's state the way Codex does, for the launcher to see.
fn state(state: &str) {
    show(&format!("\u{1b}]7501;state={state}:app=demo\u{1b}\\"));
}

fn show(text: &str) {
    let mut out = std::io::stdout();
    // A closed terminal shows nothing; that is nobody's loss.
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .ok();
}

fn section<'a>(prompt: &'a str, title: &str) -> Option<&'a str> {
    let (_, rest) = prompt.split_once(&format!("# {title}\n\n"))?;
    rest.lines().next()
}
