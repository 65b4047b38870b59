//! The entries of `allow`: each answers something that Codex asks, once a person has said yes to it.

use serde_saphyr::Spanned;

use super::{Result, at, located, nul, texts};
use crate::domain::ask::rule::{self, Allows, MAX_RULES, Rule, Scope};
use crate::domain::department::Department;
use crate::governance::raw::{OneOrMany, RawAllow};

pub(super) fn rules(
    raw: Spanned<Vec<Spanned<RawAllow>>>,
    departments: &[Department],
) -> Result<Vec<Rule>> {
    if raw.value.len() > MAX_RULES {
        let most = format!("allow has at most {MAX_RULES} entries");
        return Err(located(raw.referenced, most));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for entry in raw.value {
        let rule = rule(entry, departments)?;
        // Said twice is said.
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Ok(rules)
}

fn rule(raw: Spanned<RawAllow>, departments: &[Department]) -> Result<Rule> {
    let place = raw.referenced;
    let RawAllow {
        command,
        tool,
        department,
        unsandboxed,
    } = raw.value;
    let allows = match (command, tool) {
        (Some(command), None) => Allows::Command {
            prefix: prefix(command)?,
            unsandboxed: unsandboxed.unwrap_or_default(),
        },
        (None, Some(tool)) if unsandboxed.is_none() => mcp_tool(&tool)?,
        (None, Some(tool)) => {
            return Err(at(&tool, "a tool has no sandbox: leave unsandboxed out"));
        }
        _ => {
            return Err(located(
                place,
                "an entry of allow has either command or tool",
            ));
        }
    };
    let scope = match department {
        None => Scope::Repository,
        Some(key) if departments.iter().any(|it| it.key == key.value) => Scope::Department {
            department: key.value,
        },
        Some(key) => {
            return Err(at(
                &key,
                format!(
                    "unknown department {:?}; define it under departments",
                    key.value
                ),
            ));
        }
    };
    Ok(Rule::written(scope, allows))
}

/// The first words of a command, as a list or as they are typed. Others no command begins with that a rule counts for.
fn prefix(raw: Spanned<OneOrMany>) -> Result<Vec<String>> {
    let place = raw.referenced;
    let line = match raw.value {
        OneOrMany::One(line) => line,
        many @ OneOrMany::Many(_) => {
            let words = Spanned { value: many, ..raw };
            let words = texts(words, "a word", nul)?;
            if let Some(word) = words.iter().find(|word| word.contains(' ')) {
                return Err(located(place, format!("{word:?} is more than one word")));
            }
            words.join(" ")
        }
    };
    let words = rule::words(&line).filter(|words| words.join(" ") == line);
    words.ok_or_else(|| {
        located(
            place,
            "command must be the first words of a plain command: a program, by its name or its whole path, and arguments without quotes, \
             variables or anything else that a shell would change",
        )
    })
}

fn mcp_tool(raw: &Spanned<String>) -> Result<Allows> {
    let named = raw.value.split_once('/');
    let (server, tool) = named
        .filter(|(server, tool)| !server.is_empty() && !tool.is_empty())
        .ok_or_else(|| at(raw, "tool must be server/tool, such as forms/ask"))?;
    Ok(Allows::McpTool {
        server: server.to_owned(),
        tool: tool.to_owned(),
    })
}
