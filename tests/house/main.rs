//! The rules of the house that no compiler checks: who may use whom, how files begin and how long they are, and that
//! nothing foreign is loaded by a page.
#![allow(clippy::unwrap_used)]

mod circles;
mod dictionary;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of `src/lib.rs`, from the ground up; each may use those of its own line and of the lines before it.
const FLOORS: [&[&str]; 13] = [
    &["domain"],
    &["journal", "ledger", "hub", "fold"],
    &["process", "paths", "history"],
    &["access", "codex", "git", "mailbox", "terminal"],
    &["governance", "config"],
    &["gate"],
    &["reader"],
    &["core"],
    &["threads", "checks"],
    &["sessions"],
    &["harness"],
    &["web", "mcp", "client"],
    &["server", "watchdog", "doctor", "cli", "commands", "main"],
];

/// A file of this length can still be read in one sitting.
const MAX_LINES: usize = 450;

/// Longer files, each with the reason and the length that it may have.
const LONG_FILES: [(&str, usize, &str); 6] = [
    (
        "src/codex/peer.rs",
        470,
        "one connection: what goes out, what comes in, and why neither may wait for the other",
    ),
    (
        "src/paths.rs",
        470,
        "every folder that we find or make, with the same care for each",
    ),
    (
        "src/domain/event.rs",
        900,
        "one vocabulary, a variant for each thing that can happen: by noun it would be enums in an enum, and a journal's reader would open each",
    ),
    (
        "src/web/views.rs",
        470,
        "the shapes of one answer, side by side",
    ),
    (
        "src/governance/parse.rs",
        470,
        "one file format, read from top to bottom",
    ),
    (
        "src/mailbox/folders.rs",
        520,
        "every step on the mailbox's folders with its tests beside it",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    walkdir::WalkDir::new(root().join(folder))
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            path.is_file() && extensions.contains(&extension.as_ref())
        })
        .collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The text without its comments and without what only tests use.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs") || shown(path).contains("/tests/")
}

/// `src/web/api/plans.rs` belongs to `web`.
fn part_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap();
    Path::new(first.as_os_str())
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

fn floor_of(part: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&part))
}

/// The names that follow `prefix` directly, as in `crate::domain::…`, also inside `use crate::{a, b::c}`.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let name = |text: &'a str| {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        &text[..end.unwrap_or(text.len())]
    };
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = 0;
        for (here, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' | ',' if depth == 0 => {
                    names.push(name(&list[start..here]));
                    start = here + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn the_search_for_names_sees_what_it_should() {
    let code = "use crate::{domain::{ids, plan}, web};\nlet x = crate::git::Repo::open();";
    assert_eq!(names_after(code, "crate::"), ["domain", "web", "git"]);
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for path in files("src", &["rs"]) {
        let part = part_of(&path);
        if part == "lib" {
            continue;
        }
        let own = floor_of(&part).unwrap_or_else(|| {
            panic!("`{part}` has no place on the map; add it to FLOORS here and to src/lib.rs")
        });
        let code = code_of(&path);
        for used in names_after(&code, "crate::") {
            let Some(floor) = floor_of(used) else {
                continue;
            };
            if floor > own && !is_test(&path) {
                wrong.push(format!("{} uses crate::{used}", shown(&path)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports against the map in src/lib.rs:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_map_in_the_library_names_every_part() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let map: String = text
        .lines()
        .filter(|line| line.starts_with("//!"))
        .collect();
    for part in names_after(&text, "mod ") {
        assert!(
            map.contains(&format!("`{part}`")),
            "src/lib.rs: the map does not say what `{part}` is"
        );
        assert!(floor_of(part).is_some(), "FLOORS does not name `{part}`");
    }
}

#[test]
fn the_domain_is_pure() {
    let forbidden = [
        "tokio",
        "axum",
        "git2",
        "rustix",
        "notify::",
        "walkdir",
        "tempfile",
        "reqwest",
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "std::env",
        "std::io",
        "Utc::now",
        "SystemTime",
        "Instant::now",
    ];
    let mut wrong = Vec::new();
    for path in files("src/domain", &["rs"]) {
        let code = code_of(&path);
        for word in forbidden {
            if code.contains(word) {
                wrong.push(format!("{} uses {word}", shown(&path)));
            }
        }
        for used in names_after(&code, "crate::") {
            if used != "domain" {
                wrong.push(format!("{} uses crate::{used}", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_lies_below_the_terminals_does_not_know_them() {
    let mut wrong = Vec::new();
    for folder in FLOORS[..3].iter().flat_map(|floor| *floor) {
        for path in files("src", &["rs"]) {
            let part = shown(&path);
            let is_theirs =
                part == format!("src/{folder}.rs") || part.starts_with(&format!("src/{folder}/"));
            if is_theirs && code_of(&path).contains("codex_terminal") {
                wrong.push(part);
            }
        }
    }
    assert!(wrong.is_empty(), "they import the terminal: {wrong:?}");
}

#[test]
fn sessions_know_threads_and_not_the_protocol() {
    let names_it = |path: &PathBuf| names_after(&code_of(path), "crate::").contains(&"codex");
    let mut wrong = files("src/sessions", &["rs"]);
    wrong.retain(|path| names_it(path));
    let wrong: Vec<String> = wrong.iter().map(|path| shown(path)).collect();
    // Another version of the protocol, or another program that has threads, must not reach into the drivers.
    assert!(
        wrong.is_empty(),
        "what they need of Codex comes through `threads`: {wrong:#?}"
    );
}

#[test]
fn unsafe_code_stands_only_where_it_is_explained() {
    let allowed = [
        "src/process.rs",
        "tools/codex_terminal/src/pty.rs",
        "tools/codex_terminal/src/reader.rs",
    ];
    let mut found = Vec::new();
    for folder in [
        "src",
        "tools/codex_terminal/src",
        "tools/local_os/src",
        "tools/mock_model/src",
    ] {
        for path in files(folder, &["rs"]) {
            let code = code_of(&path);
            let has = [
                "unsafe {",
                "unsafe fn",
                "unsafe impl",
                "unsafe extern",
                "allow(unsafe_code)",
            ]
            .iter()
            .any(|word| code.contains(word));
            if has {
                found.push(shown(&path));
            }
        }
    }
    assert_eq!(found, allowed);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"deny\""));
}

#[test]
fn every_file_says_what_it_is() {
    let mut wrong = Vec::new();
    for folder in [
        "src",
        "tests",
        "tools/codex_terminal",
        "tools/local_os",
        "tools/mock_model",
    ] {
        for path in files(folder, &["rs"]) {
            let first = fs::read_to_string(&path).unwrap();
            if !first.starts_with("//! ") {
                wrong.push(shown(&path));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "files that do not open with `//!`:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let exceptions: BTreeMap<_, _> = LONG_FILES
        .iter()
        .map(|(path, lines, _)| (*path, *lines))
        .collect();
    let mut wrong = Vec::new();
    for path in files("src", &["rs"]) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let name = shown(&path);
        let limit = exceptions.get(name.as_str()).copied().unwrap_or(MAX_LINES);
        if lines > limit {
            wrong.push(format!("{name}: {lines} lines, at most {limit}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pages_load_nothing_foreign() {
    let mut wrong = Vec::new();
    let extensions = ["html", "js", "mjs", "css", "svg", "json"];
    for folder in ["static", "templates", "tools/codex_terminal/static"] {
        for path in files(folder, &extensions) {
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                // Names of XML formats are no addresses: nobody fetches them.
                let line = line.replace("http://www.w3.org/", "");
                let foreign = [
                    "http://",
                    "https://",
                    "src=\"//",
                    "href=\"//",
                    "url(//",
                    "from \"//",
                    "@import",
                    "cdn.",
                ]
                .iter()
                .any(|word| line.contains(word));
                let own = ["http://127.0.0.1", "http://localhost"]
                    .iter()
                    .any(|word| line.contains(word));
                if foreign && !own {
                    wrong.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_third_party_is_committed() {
    for folder in [
        "static",
        "templates",
        "tools/codex_terminal/static",
        "tools/codex",
    ] {
        for path in files(folder, &["js", "mjs", "css"]) {
            let size = fs::metadata(&path).unwrap().len();
            let text = fs::read_to_string(&path).unwrap();
            let longest = text.lines().map(str::len).max().unwrap_or(0);
            assert!(
                size < 200_000 && longest < 2_000,
                "{} looks like somebody else's bundle; npm fetches those when we build",
                shown(&path)
            );
        }
    }
    for lock in [
        "tools/codex/package-lock.json",
        "tools/codex_terminal/package-lock.json",
    ] {
        let text = fs::read_to_string(root().join(lock)).unwrap();
        assert!(!text.contains("\"resolved\""), "{lock} names a registry");
    }
}

#[test]
fn routes_are_made_in_the_table_alone() {
    // The second describes what it serves, and is swept by its description.
    const TABLES: [&str; 2] = ["src/web/table.rs", "src/web/harness/operations.rs"];
    let mut wrong = Vec::new();
    for path in files("src/web", &["rs"]) {
        if !is_test(&path)
            && !TABLES.contains(&shown(&path).as_str())
            && code_of(&path).contains(".route(")
        {
            wrong.push(shown(&path));
        }
    }
    // One that is made elsewhere would be missing in the sweep over all routes and credentials.
    assert!(wrong.is_empty(), "use web::table: {}", wrong.join(", "));
}

#[test]
fn answers_are_types() {
    let mut wrong = Vec::new();
    for path in files("src/web", &["rs"]) {
        let code = code_of(&path);
        let is_page = shown(&path).starts_with("src/web/pages/");
        // What Codex is asked and answers there is passed on as it comes: its form is Codex's. A document is data.
        let passes_on = ["src/web/harness/system/", "src/web/harness/document/"]
            .iter()
            .any(|folder| shown(&path).starts_with(folder));
        if !is_test(&path)
            && !is_page
            && !passes_on
            && (code.contains("json!(") || code.contains("Json<Value>"))
        {
            wrong.push(shown(&path));
        }
    }
    // What has no type is described nowhere, and nothing keeps its form.
    assert!(
        wrong.is_empty(),
        "answer with a struct: {}",
        wrong.join(", ")
    );
}

#[test]
fn no_dependency_asks_for_a_newer_rust_than_we_do() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = std::process::Command::new(&cargo)
        .arg("-vV")
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|it| it.strip_prefix("host: "));
    let metadata = std::process::Command::new(&cargo)
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .args(["--filter-platform", host.unwrap()])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let numbers = |text: &str| -> Vec<u32> {
        let mut numbers: Vec<u32> = text.split('.').map(|it| it.parse().unwrap()).collect();
        numbers.resize(3, 0);
        numbers
    };
    let ours = numbers(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let wanted = package["rust_version"].as_str().map(numbers);
        assert!(
            wanted.is_none_or(|it| it <= ours),
            "{} needs Rust {}",
            package["name"],
            package["rust_version"]
        );
    }
}

#[test]
fn the_harness_and_the_launcher_share_threads_and_nothing_above() {
    let mut wrong = files("src/harness", &["rs"]);
    wrong.retain(|path| names_after(&code_of(path), "crate::").contains(&"sessions"));
    let wrong: Vec<String> = wrong.iter().map(|path| shown(path)).collect();
    // Two doors to the same threads: what one needs of the other is a thread's, and belongs there.
    assert!(wrong.is_empty(), "the harness names sessions: {wrong:#?}");
}
