//! What the documents say is there: command lines, API paths, events, error codes, variables, exit codes, settings,
//! sentences, files. Each list is compared with the code it speaks of.
#![allow(clippy::unwrap_used)]

use clap::{CommandFactory as _, Parser as _};
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use zhongshu::cli::{Cli, Command};
use zhongshu::domain::limits;
use zhongshu::mailbox::MAX_FILE_BYTES;
use zhongshu::web::MAX_BODY_BYTES;

type Names = BTreeSet<String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every document of ours, with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = ["", "docs", "docs/decisions"].map(|it| root().join(it));
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut documents: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .map(|path| (path.clone(), fs::read_to_string(&path).unwrap()))
        .collect();
    documents.sort();
    assert!(documents.len() >= 8, "the documents were not found");
    documents
}

/// All code below these folders as one text, with string literals that go over several lines put together.
fn code(folders: &[&str]) -> String {
    let mut text = String::new();
    for folder in folders {
        for entry in walkdir::WalkDir::new(root().join(folder)) {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|it| it == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let joined = Regex::new(r"\\\n\s*").unwrap().replace_all(&text, "");
    joined.into_owned()
}

/// Blocks between fences, each with its language.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim_start();
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(language) => {
                open = true;
                blocks.push((language.to_owned(), String::new()));
            }
            None if open => {
                let (_, body) = blocks.last_mut().unwrap();
                body.push_str(line);
                body.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "a block is not closed");
    blocks
}

fn found(pattern: &str, text: &str) -> Names {
    let names = Regex::new(pattern).unwrap();
    let names = names
        .captures_iter(text)
        .map(|found| found[found.len() - 1].to_owned());
    names.collect()
}

/// Says what is missing and what is too much, instead of two long lists.
fn assert_same(told: &Names, there: &Names) {
    let missing: Vec<_> = there.difference(told).collect();
    let made_up: Vec<_> = told.difference(there).collect();
    assert!(
        missing.is_empty() && made_up.is_empty(),
        "docs/api.md lacks {missing:?} and has {made_up:?}, which does not exist"
    );
}

/// The part of a document under a heading.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let level = heading.split(' ').next().unwrap();
    let (_, rest) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("there is no `{heading}`"));
    let end = Regex::new(&format!("(?m)^#{{1,{}}} ", level.len())).unwrap();
    end.find(rest).map_or(rest, |next| &rest[..next.start()])
}

/// A command line in words, as far as the shell would hand it over: quotes are taken off, redirections end it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#' | '|' | '<' | '>' | ';' | ')') if word.is_none() || c == ')' => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Every `zhongshu …` in a block, and every one in `inline code`.
fn command_lines(text: &str) -> Vec<String> {
    let start = Regex::new(r"^(?:\$ |\w+=\$\()?(zhongshu(?: .*)?)$").unwrap();
    let in_blocks = blocks(text)
        .into_iter()
        .filter(|(language, _)| matches!(language.as_str(), "sh" | "console"))
        .flat_map(|(language, body)| {
            let mut lines: Vec<String> = body.lines().map(str::to_owned).collect();
            if language == "console" {
                lines.retain(|line| line.starts_with("$ "));
            }
            lines
        });
    let mut lines: Vec<String> = in_blocks.collect();
    lines.extend(found(r"`(zhongshu [^`]*)`", text));
    lines
        .iter()
        .filter_map(|line| Some(start.captures(line)?[1].to_owned()))
        .collect()
}

/// Reads a command line as the program does.
fn parsed(line: &str) -> Result<(), clap::Error> {
    let cli = Cli::try_parse_from(words(line))?;
    if let Some(Command::Harness(harness)) = cli.command {
        let operations = zhongshu::cli::harness::every_operation();
        zhongshu::cli::harness::command(&operations).try_get_matches_from(harness.line)?;
    }
    Ok(())
}

#[test]
fn every_command_line_is_accepted() {
    let mut seen = 0;
    for (path, text) in documents() {
        for line in command_lines(&text) {
            // `[ID]` is optional, and stands for a word.
            let line = line.replace(['[', ']'], "");
            if line.contains('…') {
                continue;
            }
            seen += 1;
            if let Err(error) = parsed(&line) {
                let shown = error.use_stderr();
                assert!(!shown, "{}: `{line}`: {error}", path.display());
            }
        }
    }
    assert!(seen > 40, "only {seen} command lines were found");
}

#[test]
fn command_lines_are_taken_apart_as_a_shell_would() {
    let line = r#"zhongshu api POST /api/x --data '{"a":"b c"}' | head # why"#;
    let expected = [
        "zhongshu",
        "api",
        "POST",
        "/api/x",
        "--data",
        r#"{"a":"b c"}"#,
    ];
    assert_eq!(words(line), expected);
    let text = "```sh\ntoken=$(zhongshu token list)\nls\n```\nand `zhongshu nonsense`.\n";
    assert_eq!(command_lines(text).len(), 2);
    assert!(Cli::try_parse_from(words("zhongshu nonsense")).is_err());
}

#[test]
fn every_command_is_in_the_readme() {
    let commands = Cli::command();
    let shown = commands.get_subcommands().filter(|it| !it.is_hide_set());
    let readme = read("README.md");
    let table = section(&readme, "## Commands");
    for command in shown.filter(|it| it.get_name() != "help") {
        let name = format!("`zhongshu {}", command.get_name());
        assert!(table.contains(&name), "README.md lacks {name}`");
    }
}

#[test]
fn the_api_page_names_exactly_the_routes_there_are() {
    let routes: Names = zhongshu::web::every_route()
        .iter()
        .map(|route| route.path.to_string())
        .filter(|path| !path.starts_with(zhongshu::web::harness::PREFIX))
        .collect();
    let of_api: Names = routes
        .iter()
        .filter(|path| path.starts_with("/api/"))
        .cloned()
        .collect();
    assert!(of_api.len() > 40, "the routes were not found");
    let page = read("docs/api.md");
    let told = found(r"(?:GET|POST) (/api/[a-z_/]+(?:\{id\})?)", &page);
    assert_same(&told, &of_api);
    for path in routes.difference(&of_api) {
        let path = path.replace("{*path}", "*");
        assert!(
            page.contains(&format!("`{path}`")) || page.contains(&format!(" {path}`")),
            "{path}"
        );
    }
    for (path, text) in documents() {
        for route in found(r"(?m)(?:^|[^a-z])(/api/[a-z_/]*[a-z](?:/\{id\})?)", &text) {
            assert!(of_api.contains(&route), "{}: {route}", path.display());
        }
    }
}

#[test]
fn routes_are_told_with_their_method() {
    let page = read("docs/api.md");
    let mut seen = 0;
    for route in zhongshu::web::every_route() {
        if !route.path.starts_with("/api/") {
            continue;
        }
        seen += 1;
        let told = format!("{} {}", route.method, route.path);
        let told = Regex::new(&format!("{}[^a-z_/]", regex::escape(&told))).unwrap();
        assert!(told.is_match(&page), "docs/api.md lacks {told}");
    }
    assert!(seen > 40, "only {seen} routes were found");
}

#[test]
fn the_api_page_names_exactly_the_events_there_are() {
    let source = read("src/domain/event.rs");
    let (_, body) = source.split_once("pub enum Event {").unwrap();
    let snake = |name: &String| {
        let parts = Regex::new("[A-Z]").unwrap();
        let name = parts.replace_all(name, |found: &regex::Captures<'_>| {
            format!("_{}", found[0].to_lowercase())
        });
        name.trim_start_matches('_').to_owned()
    };
    let events: Names = found(r"(?m)^    ([A-Z]\w+) \{", body)
        .iter()
        .map(snake)
        .collect();
    assert!(events.len() > 25, "the events were not found");
    let page = read("docs/api.md");
    let rows: String = section(&page, "## Events")
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect();
    assert_same(&found("`([a-z_]+)`", &rows), &events);
}

#[test]
fn the_api_page_names_the_first_line_of_the_journal_and_its_actor() {
    let api = read("docs/api.md");
    let sentence = "is `journal_created` by the actor `zhongshu`";
    assert!(api.contains(sentence), "{sentence}");
    let folder = tempfile::tempdir().unwrap();
    let clock = zhongshu::journal::system_clock();
    let path = folder.path().join("journal.jsonl");
    let opened =
        zhongshu::journal::Journal::open::<zhongshu::domain::state::State>(&path, None, &clock);
    drop(opened.unwrap());
    let text = fs::read_to_string(path).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["seq"], &first["event"], &first["actor"]),
        (&0.into(), &"journal_created".into(), &"zhongshu".into())
    );
}

#[test]
fn the_api_page_shows_the_limits_that_hold() {
    let names = |names: &[&str]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        quoted.join(", ")
    };
    let (long, long_bytes) = limits::LONG;
    let (lines, entries) = limits::LINES;
    assert_eq!(MAX_BODY_BYTES as u64, MAX_FILE_BYTES, "one row for both");
    let rows = [
        format!("| {} | {long_bytes} bytes |", names(long)),
        format!(
            "| every other text, and each entry of a list of texts | {} bytes |",
            limits::TEXT
        ),
        format!("| {} | {entries} entries |", names(lines)),
        format!("| every other list | {} entries |", limits::ENTRIES),
        format!("| a request's body, a mailbox file | {MAX_FILE_BYTES} bytes |"),
    ];
    let page = read("docs/api.md");
    let table: Vec<&str> = section(&page, "## Limits")
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what"))
        .collect();
    assert_eq!(table, rows);
}

#[test]
fn the_pages_of_both_apis_name_exactly_the_error_codes_there_are() {
    let (mut codes, mut of_harness) = (Names::new(), Names::new());
    let patterns = [
        r#"(?:ApiError|Refusal|Self)::(?:invalid|unauthorized|forbidden|not_found|conflict|unavailable)\(\s*"([a-z_]+)""#,
        r#"(?:ApiError|Refused|Self)::new\(\s*[\w:]+,\s*"([a-z_]+)""#,
        r#"LoginError::\w+ => "([a-z_]+)""#,
        r#"http: \d+,\s*code: "([a-z_]+)""#,
        r#"return refuse\(\s*"([a-z_]+)""#,
    ];
    for entry in walkdir::WalkDir::new(root().join("src")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            let is_harness = path.components().any(|part| part.as_os_str() == "harness");
            let codes = if is_harness {
                &mut of_harness
            } else {
                &mut codes
            };
            for pattern in patterns {
                codes.extend(found(pattern, shipped));
            }
        }
    }
    assert!(codes.len() > 60, "the codes were not found");
    assert!(
        of_harness.len() > 8,
        "the codes of the harness were not found"
    );
    let page = read("docs/harness.md");
    let told = found("`([a-z_]+)`", section(&page, "## Error codes"));
    let missing: Vec<_> = of_harness.difference(&told).collect();
    let made_up: Vec<_> = told.difference(&of_harness).collect();
    assert!(
        missing.is_empty() && made_up.is_empty(),
        "docs/harness.md lacks {missing:?} and has {made_up:?}, which does not exist"
    );
    let page = read("docs/api.md");
    let told = found("`([a-z_]+)`", section(&page, "## Error codes"));
    assert_same(&told, &codes);
}

#[test]
fn variables_are_those_that_are_read() {
    let shape = r"\b((?:CODEX_GOVERNANCE|ZHONGSHU|XDG|CODEX|LC)_[A-Z_]*[A-Z]|LANG|SHELL)\b";
    let told: Names = documents()
        .iter()
        .flat_map(|(_, text)| found(&format!("`{shape}`"), text))
        .collect();
    let read_by_us = code(&["src", "tools/codex_terminal/src", "tools/local_os/src"]);
    for name in &told {
        assert!(
            read_by_us.contains(&format!("\"{name}\"")),
            "nobody reads {name}"
        );
    }
    let governance = found(
        r#""(CODEX_GOVERNANCE_[A-Z_]+[A-Z])""#,
        &read("src/config/variables.rs"),
    );
    for page in ["README.md", "docs/operations.md"] {
        let there = found(&format!("`{shape}`"), &read(page));
        let missing: Vec<_> = governance.difference(&there).collect();
        assert!(missing.is_empty(), "{page} lacks {missing:?}");
    }
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let codes = found(r"(?m)^    \w+ = (\d),", &read("src/cli/exit.rs"));
    assert_eq!(codes.len(), 9, "{codes:?}");
    let page = read("docs/operations.md");
    assert_eq!(
        found(r"(?m)^\| (\d+) \|", section(&page, "## Exit codes")),
        codes
    );
    let help = Cli::command().get_after_help().unwrap().to_string();
    for (page, text) in documents() {
        if let Some(line) = text.split("\n\n").find(|it| it.starts_with("Exit codes: ")) {
            let line = line.replace('\n', " ");
            let told = line.trim_end_matches('.');
            assert!(help.contains(told), "{}: {told}", page.display());
        }
    }
}

/// The first column of the tables holds what the program prints; `…` stands for what differs.
#[test]
fn quoted_sentences_are_printed_by_the_program() {
    let printed = code(&["src"]) + &read("static/i18n/en.json");
    let page = read("docs/operations.md");
    let mut seen = 0;
    for heading in ["## Troubleshooting", "## The journal"] {
        for line in section(&page, heading).lines() {
            let Some(cell) = line.strip_prefix("| `") else {
                continue;
            };
            let (quoted, _) = cell.split_once('`').unwrap();
            for piece in quoted
                .split('…')
                .map(str::trim)
                .filter(|piece| piece.len() > 7)
            {
                // Values of an example are no part of the sentence.
                let piece = piece.trim_start_matches("governance.yaml:1:15: ");
                let piece = ["--codex-bin ", "CODEX_HOME "]
                    .iter()
                    .find_map(|name| piece.strip_prefix(name))
                    .unwrap_or(piece);
                let piece = piece.trim_end_matches([',', ';', '(', ')', ':']).trim_end();
                seen += 1;
                assert!(printed.contains(piece), "nothing prints `{piece}`");
            }
        }
    }
    assert!(seen > 20, "only {seen} sentences were found");
}

#[test]
fn examples_of_governance_yaml_are_valid() {
    let mut seen = 0;
    for (path, text) in documents() {
        for (_, body) in dedented(&text)
            .into_iter()
            .filter(|(language, _)| language == "yaml")
        {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("governance.yaml"), &body).unwrap();
            let loaded = zhongshu::governance::Governance::load(folder.path());
            assert!(
                loaded.is_ok(),
                "{}: {}\n{body}",
                path.display(),
                loaded.unwrap_err()
            );
            seen += 1;
        }
    }
    assert!(seen >= 3, "only {seen} examples were found");
}

/// As [`blocks`], with the indentation kept: YAML needs it.
fn dedented(text: &str) -> Vec<(String, String)> {
    let block = Regex::new(r"(?ms)^```(\w+)\n(.*?)^```$").unwrap();
    block
        .captures_iter(text)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect()
}

/// As pages show headings in their addresses.
fn anchors(text: &str) -> Names {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r#"\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)""#).unwrap();
    let mut seen = 0;
    for (path, text) in documents() {
        for found in link.captures_iter(&text) {
            let target = found.get(1).or(found.get(2)).unwrap().as_str();
            if target.contains("://") {
                continue;
            }
            seen += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(to.exists(), "{}: {target} does not exist", path.display());
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&to).unwrap());
                assert!(
                    there.contains(anchor),
                    "{}: {target}: no such heading",
                    path.display()
                );
            }
        }
    }
    assert!(seen > 20, "only {seen} links were found");
}

#[test]
fn files_named_in_the_development_table_exist() {
    let readme = read("README.md");
    let table = section(&readme, "## Develop");
    for path in found(r"`((?:src|tools|tests|templates|static)/[\w/.]*)`", table) {
        assert!(root().join(&path).exists(), "{path}");
    }
}

#[test]
fn documents_name_no_place_of_one_machine() {
    let local = Regex::new(r"/root/|/work/|/home/[a-z]").unwrap();
    for (path, text) in documents() {
        for (number, line) in text.lines().enumerate() {
            let example = line.contains("allow_references");
            assert!(
                example || !local.is_match(line),
                "{}:{}: {line}",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn the_readme_stays_short() {
    assert!(read("README.md").lines().count() <= 200);
}
