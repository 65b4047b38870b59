//! Rules that all templates, scripts and dictionaries keep; a test reads every one of them.

use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use zhongshu::domain::language::Language;
use zhongshu::web::assets;
use zhongshu::web::pages::render_shell;
use zhongshu::web::preferences::Preferences;

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below a folder of the repository, with its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (entry.path().to_owned(), read(entry.path())))
        .collect()
}

pub fn dictionary(language: Language) -> BTreeMap<String, String> {
    let text = read(format!("static/i18n/{}.json", language.tag()));
    let words: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    // A key that stands twice loses one of its texts without a word.
    let lines = text.lines().filter(|line| line.contains("\": \""));
    assert_eq!(lines.count(), words.len(), "{language:?}");
    words
}

#[test]
fn no_inline_script_style_or_handler_anywhere() {
    let forbidden = Regex::new(concat!(
        r#"(?i)\sstyle\s*=\s*["'{]|<style|\son[a-z]+\s*=\s*["'{]|<script(?:>|\s+type="module">)|javascript:|"#,
        r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\|\s*safe|\.style\.|cssText|https?://[a-z]",
    ))
    .unwrap();
    // The rule must be able to fail.
    for bad in [
        "<p style=\"x\">",
        "<a onclick=\"x\">",
        "<script>",
        "x.innerHTML = y",
        "{{ x|safe }}",
        "https://cdn",
    ] {
        assert!(forbidden.is_match(bad), "{bad}");
    }
    let mut seen = 0;
    for (path, text) in sources("templates").into_iter().chain(sources("static")) {
        let text = text.replace("http://www.w3.org/2000/svg", "");
        let hit = forbidden.find(&text);
        assert!(hit.is_none(), "{}: {hit:?}", path.display());
        seen += 1;
    }
    assert!(seen > 25, "only {seen} files");
}

#[test]
fn both_dictionaries_have_the_same_keys_and_holes() {
    let (en, zh) = (dictionary(Language::En), dictionary(Language::Zh));
    let keys = |words: &BTreeMap<String, String>| words.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&en), keys(&zh));
    let hole = Regex::new(r"\{\w+\}").unwrap();
    let holes = |text: &str| {
        hole.find_iter(text)
            .map(|h| h.as_str().to_owned())
            .collect::<BTreeSet<_>>()
    };
    for (key, text) in &en {
        assert!(
            !text.trim().is_empty() && !zh[key].trim().is_empty(),
            "{key} is empty"
        );
        assert_eq!(holes(text), holes(&zh[key]), "{key}");
    }
}

#[test]
fn every_word_that_is_used_exists_and_every_word_is_used() {
    let en = dictionary(Language::En);
    let direct = Regex::new(r#"(?:\bt\(|\bt\.(?:get|one|two)\(|data-i18n(?:-title|-label)?=|data-sure=|'data-i18n': |'data-sure': |\.i18n = )['"]([a-z0-9_.]+)['"]"#).unwrap();
    let group =
        Regex::new(r#"(?:\bword\(|t\.word\(|t\.one_of\(|t\(`|= `)['"]?([a-z.]+?)(?:\.\$\{|['"])"#)
            .unwrap();
    let quoted = Regex::new(r#"['"]([a-z0-9_]+(?:\.[a-z0-9_]+)+)['"]"#).unwrap();
    let (mut used, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let rust = sources("src").into_iter();
    let rust = rust.filter(|(path, _)| path.extension().is_some_and(|kind| kind == "rs"));
    for (path, text) in sources("templates")
        .into_iter()
        .chain(sources("static"))
        .chain(rust)
    {
        // Tests name keys without saying them.
        let text = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap()
            .to_owned();
        if path.extension().is_some_and(|kind| kind == "json") {
            continue;
        }
        for found in direct.captures_iter(&text) {
            assert!(
                en.contains_key(&found[1]),
                "{}: there is no word `{}`",
                path.display(),
                &found[1]
            );
            used.insert(found[1].to_owned());
        }
        used.extend(quoted.captures_iter(&text).map(|found| found[1].to_owned()));
        groups.extend(
            group
                .captures_iter(&text)
                .map(|found| format!("{}.", &found[1])),
        );
    }
    let unused: Vec<_> = en
        .keys()
        .filter(|key| !used.contains(*key) && !groups.iter().any(|group| key.starts_with(group)))
        .collect();
    assert!(unused.is_empty(), "nobody says {unused:?}");
}

/// What `say!` is given after its key, up to the end of the call: the names of the holes.
fn names_said(mut rest: &str) -> BTreeSet<String> {
    let name = Regex::new(r"^\s*,\s*([a-z][a-z0-9_]*)\s*(=>|=|,|\))").unwrap();
    let mut names = BTreeSet::new();
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    while depth > 0 {
        if depth == 1 && !quoted {
            names.extend(name.captures(rest).map(|found| found[1].to_owned()));
        }
        let c = rest.chars().next().expect("every call ends");
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    names
}

#[test]
fn every_sentence_of_the_code_is_in_the_dictionary_with_exactly_its_holes() {
    let en = dictionary(Language::En);
    let said = Regex::new(r#"\bsay!\(\s*"([^"]+)""#).unwrap();
    let hole = Regex::new(r"\{(\w+)\}").unwrap();
    let mut count = 0;
    for (path, text) in sources("src") {
        for found in said.captures_iter(&text) {
            let (whole, key) = (found.get(0).unwrap(), &found[1]);
            let place = format!("{}: `{key}`", path.display());
            let words = en.get(key);
            let words = words.unwrap_or_else(|| panic!("{place}: nobody wrote that"));
            let holes: BTreeSet<_> = hole
                .captures_iter(words)
                .map(|found| found[1].to_owned())
                .collect();
            assert_eq!(names_said(&text[whole.end()..]), holes, "{place}");
            count += 1;
        }
    }
    assert!(count > 150, "only {count} sentences");
}

#[test]
fn every_event_of_the_journal_has_a_sentence_and_a_group() {
    let en = dictionary(Language::En);
    let variant = Regex::new(r"(?m)^    ([A-Z][A-Za-z]+) \{").unwrap();
    let vocabulary = read("src/domain/event.rs");
    let timeline = read("static/history.js");
    let groups: Vec<Regex> = Regex::new(r"(?m)^  \w+: /(\^.*)/,$")
        .unwrap()
        .captures_iter(&timeline)
        .map(|found| Regex::new(&found[1]).unwrap())
        .collect();
    assert_eq!(groups.len(), 7);
    let hump = Regex::new("([a-z])([A-Z])").unwrap();
    let mut count = 0;
    for found in variant.captures_iter(&vocabulary) {
        let name = hump.replace_all(&found[1], "${1}_$2").to_lowercase();
        assert!(
            en.contains_key(&format!("event.{name}")),
            "no sentence for {name}"
        );
        assert_eq!(
            groups.iter().filter(|group| group.is_match(&name)).count(),
            1,
            "group of {name}"
        );
        count += 1;
    }
    assert!(count > 30, "only {count} events found");
}

#[test]
fn every_word_of_the_views_is_translated() {
    let en = dictionary(Language::En);
    for key in [
        "status.starting",
        "status.running",
        "status.closing",
        "status.exited",
        "status.stopped",
        "status.reported",
        "status.silent",
        "status.failed",
        "status.lost",
        "status.not_needed",
        "status.replaced",
        "status.queued",
        "status.cancelled",
        "doing.starting",
        "doing.thinking",
        "doing.writing",
        "doing.tool",
        "doing.working",
        "doing.waiting",
        "doing.idle",
        "doing.silent",
        "doing.looping",
        "doing.rate_limited",
        "doing.retrying",
        "doing.interrupted",
        "doing.failed",
        "doing.lost",
        "doing.ending",
        "doing.ended",
        "doing.unknown",
        "plan.status.pending",
        "plan.status.confirmed",
        "plan.status.rejected",
        "plan.status.superseded",
        "report.status.reported",
        "source.tool",
        "source.mailbox",
        "source.api",
        "source.launcher_fallback",
        "outcome.exited",
        "outcome.stopped",
        "outcome.reported",
        "outcome.silent",
        "outcome.failed",
        "outcome.lost",
        "outcome.not_needed",
        "outcome.replaced",
        "purpose.result",
        "purpose.rejection",
        "purpose.reminder",
        "purpose.veto",
        "purpose.input",
        "codex.ready",
        "codex.starting",
        "codex.down",
        "codex.unavailable",
        "codex.unused",
        "conn.live",
        "conn.reconnecting",
        "conn.signed_out",
        "conn.read_only",
        "decision.PASS",
        "decision.REVIEW",
    ] {
        assert!(en.contains_key(key), "{key}");
    }
}

#[test]
fn the_shell_holds_no_data_and_loads_only_what_exists() {
    let shell = render_shell(Language::En, &Preferences::default()).unwrap();
    let reference = Regex::new(r#"(?:src|href)="(/[^"]*)""#).unwrap();
    let mut found = 0;
    for asset in reference.captures_iter(&shell) {
        let name = asset[1]
            .strip_prefix("/assets/")
            .expect("the shell refers to its assets alone");
        assert!(assets::text(name).is_some(), "{name}");
        found += 1;
    }
    assert!(found >= 5);
    let import = Regex::new(r"(?m)^import .*?'\./([a-z0-9]+\.js)';$").unwrap();
    let any_import = Regex::new(r"(?m)^import ").unwrap();
    for name in assets::names().filter(|name| name.ends_with(".js")) {
        let text = assets::text(&name).unwrap();
        assert_eq!(
            any_import.find_iter(&text).count(),
            import.find_iter(&text).count(),
            "{name}"
        );
        for used in import.captures_iter(&text) {
            assert!(
                assets::text(&used[1]).is_some(),
                "{name} imports {}",
                &used[1]
            );
        }
    }
}

#[test]
fn scripts_are_valid_modules_where_node_can_tell() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    for name in assets::names().filter(|name| name.ends_with(".js")) {
        let script = fs::File::open(folder.join(&name)).unwrap();
        let check = std::process::Command::new("node")
            .args(["--input-type=module", "--check", "-"])
            .stdin(script)
            .output();
        match check {
            Ok(answer) => assert!(
                answer.status.success(),
                "{name}: {}",
                String::from_utf8_lossy(&answer.stderr)
            ),
            // Node is needed for the terminal's page, not for this test; the browser walk finds the same mistakes.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => panic!("{name}: {error}"),
        }
    }
}
