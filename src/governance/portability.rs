//! The preflight scan for references that only hold on one machine: home directories, drive letters, network shares,
//! `file:` addresses. It reads the governance surfaces and changed documents, and tells examples from instructions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use git2::Oid;
use regex::Regex;

use super::Governance;
use crate::domain::report::{
    ChangeStatus, Decision, FileKind, PortabilityReference, PortabilityScan, ReportMode,
    SkippedFile,
};
use crate::domain::rules::lines::masked;
use crate::git::changes::{Change, Deadline};
use crate::git::content::staged_blob;
use crate::git::files::{self, Entry};
use crate::git::{GitError, Repo};

/// Name of what is scanned, as the API gives it.
const SCOPE: &str = "active_governance_surfaces";

/// Largest document that is read; a longer one is generated, and says so in the report.
const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Documents read for one report. A scan of as many takes some 0.1 s.
const MAX_DOCUMENTS: usize = 2000;

/// References listed of each kind. A page with more of them is one finding for a person.
const MAX_REFERENCES: usize = 500;

/// Longest part of a line that is shown.
const EXCERPT_CHARS: usize = 160;

/// User names that stand for "yours"; docs/governance.md lists them. Whatever could be somebody's name is none of them.
pub const PLACEHOLDER_NAMES: [&str; 12] = [
    "user",
    "username",
    "you",
    "yourname",
    "your-name",
    "your_name",
    "youruser",
    "me",
    "name",
    "someone",
    "example",
    "xxx",
];

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?P<file>file://[^\s"'`)\]>]+)"#,
        r#"|(?P<temporary>/(?:private/)?var/folders/[^\s"'`)\]>,;]+)"#,
        r#"|(?P<home>/(?:mnt/[a-z]/Users|var/home|home|Users)/[^\s"'`)\],;/]+(?:/[^\s"'`)\]>,;]*)?)"#,
        r#"|(?P<root>/root/[^\s"'`)\]>,;]+)"#,
        r#"|(?P<windows>(?:[A-Z]:[\\/]|[a-z]:[\\/]Users[\\/])[^\s"'`)\]|*?]+)"#,
        r#"|(?P<unc>\\\\[A-Za-z][A-Za-z0-9._-]+\\[A-Za-z0-9$][^\s"'`)\]|*?]*)"#,
    ))
    .expect("the pattern is valid")
});

/// Where a document's text comes from.
enum Source {
    Disk,
    Index(Oid),
}

/// A document to read.
struct Document {
    source: Source,
    is_changed: bool,
}

/// Scans the surfaces of `governance` and the documents among `changes`.
pub fn scan(
    repo: &Repo,
    governance: &Governance,
    mode: ReportMode,
    changes: &[Change],
    deadline: &Deadline,
) -> Result<PortabilityScan, GitError> {
    let mut scan = PortabilityScan {
        decision: Decision::Pass,
        scope: SCOPE.to_owned(),
        scanned_files: Vec::new(),
        violations: Vec::new(),
        exceptions: Vec::new(),
        skipped_files: Vec::new(),
    };
    let documents = documents(repo, governance, mode, changes, deadline)?;
    // There is room for so many: a second version of the rules takes none of it away from the first.
    let (first, more): (Vec<_>, Vec<_>) = documents
        .into_iter()
        .partition(|(path, document)| governance.preflight.comes_first(path, document.is_changed));
    for (path, Document { source, is_changed }) in first.into_iter().chain(more) {
        deadline.check()?;
        let name = String::from_utf8_lossy(&path).into_owned();
        let mut skip = |reason: &'static str| {
            scan.skipped_files.push(SkippedFile {
                path: name.clone(),
                reason: reason.into(),
            });
        };
        if scan.scanned_files.len() >= MAX_DOCUMENTS {
            skip("too_many_files");
            continue;
        }
        let bytes = match source {
            Source::Index(id) => match repo.blob(id, MAX_DOCUMENT_BYTES) {
                Some(bytes) => bytes,
                None => {
                    skip("too_large");
                    continue;
                }
            },
            Source::Disk => match files::look(repo.root(), &path) {
                Ok(Entry::File(file, _)) => match files::read_limited(file, MAX_DOCUMENT_BYTES) {
                    Ok(Some(bytes)) => bytes,
                    Ok(None) => {
                        skip("too_large");
                        continue;
                    }
                    Err(_) => {
                        skip("unreadable");
                        continue;
                    }
                },
                Ok(Entry::Missing) => continue,
                Ok(_) => {
                    skip("not_a_file");
                    continue;
                }
                Err(_) => {
                    skip("unreadable");
                    continue;
                }
            },
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            skip("not_utf8");
            continue;
        };
        let preflight = &governance.preflight;
        for mut reference in references(&name, text) {
            if preflight.exempts(&path, is_changed, &reference.reference) {
                reference.classification = "allowed".into();
            }
            let list = if reference.classification == "violation" {
                &mut scan.violations
            } else {
                &mut scan.exceptions
            };
            if list.len() < MAX_REFERENCES {
                list.push(reference);
            }
        }
        scan.scanned_files.push(name);
    }
    scan.decision = Decision::review_if(!scan.violations.is_empty());
    Ok(scan)
}

/// The documents to read, ordered by path.
fn documents(
    repo: &Repo,
    governance: &Governance,
    mode: ReportMode,
    changes: &[Change],
    deadline: &Deadline,
) -> Result<BTreeMap<Vec<u8>, Document>, GitError> {
    let preflight = &governance.preflight;
    let mut documents = BTreeMap::new();
    let is_staged = mode == ReportMode::Staged;
    for file in repo.tracked_files(deadline)? {
        if preflight.looks_at(file.path, false) {
            let source = if is_staged {
                Source::Index(file.blob)
            } else {
                Source::Disk
            };
            let document = Document {
                source,
                is_changed: false,
            };
            documents.insert(file.path.to_vec(), document);
        }
    }
    for change in changes {
        let is_document = change.kind == FileKind::File
            && change.status != ChangeStatus::Deleted
            && preflight.looks_at(&change.path, true);
        if !is_document {
            continue;
        }
        if let Some(known) = documents.get_mut(&change.path) {
            known.is_changed = true;
        } else {
            let source = match staged_blob(change) {
                Some(id) if is_staged => Source::Index(id),
                None if is_staged => continue,
                _ => Source::Disk,
            };
            let document = Document {
                source,
                is_changed: true,
            };
            documents.insert(change.path.clone(), document);
        }
    }
    Ok(documents)
}

/// All machine-local references of one text.
pub fn references(path: &str, text: &str) -> Vec<PortabilityReference> {
    let is_markdown = [".md", ".mdx", ".markdown", ".rst", ".adoc"]
        .iter()
        .any(|ending| path.to_ascii_lowercase().ends_with(ending));
    let mut fence: Option<(char, usize)> = None;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut in_fence = fence.is_some();
        if is_markdown && let Some((mark, length, is_bare)) = fence_of(line) {
            match fence {
                Some((open, least)) if open == mark && length >= least && is_bare => fence = None,
                Some(_) => {}
                None => fence = Some((mark, length)),
            }
            in_fence = true;
        }
        for captures in REFERENCE.captures_iter(line) {
            let (kind, range) = ["file", "temporary", "home", "root", "windows", "unc"]
                .into_iter()
                .find_map(|name| captures.name(name).map(|found| (name, found.range())))
                .expect("one alternative has matched");
            let before = line[..range.start].chars().next_back();
            if before.is_some_and(|c| continues_a_word(kind, c)) {
                continue;
            }
            let reference =
                line[range.clone()].trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '|']);
            let classification = if is_placeholder(kind, reference) {
                "placeholder"
            } else if in_fence {
                "code_block"
            } else if line.trim_start().starts_with("$ ") || line.trim_start().starts_with("PS> ") {
                "command"
            } else if is_in_code_span(line, range.start) {
                "inline_code"
            } else {
                "violation"
            };
            found.push(PortabilityReference {
                path: path.to_owned(),
                line: number as u64 + 1,
                column: line[..range.start].chars().count() as u64 + 1,
                reference: masked(reference).into_owned(),
                kind: match kind {
                    "file" => "file_url",
                    "temporary" => "temporary_directory",
                    "windows" => "windows_path",
                    "unc" => "unc_path",
                    _ => "home_directory",
                }
                .into(),
                classification: classification.into(),
                // The same line may hold a secret, and a report is read by many.
                excerpt: masked(line.trim()).chars().take(EXCERPT_CHARS).collect(),
            });
        }
    }
    found
}

/// Whether the character before a match shows that it is the middle of something else, such as `https://host/home/x`.
fn continues_a_word(kind: &str, before: char) -> bool {
    match kind {
        "file" | "windows" => before.is_alphanumeric(),
        "unc" => before == '\\' || before.is_alphanumeric(),
        _ => before.is_alphanumeric() || matches!(before, '/' | '.' | '_' | '-' | '~' | '}' | ']'),
    }
}

/// The fence that a line opens or closes: its character, its length and whether nothing follows it.
fn fence_of(line: &str) -> Option<(char, usize, bool)> {
    let trimmed = line.trim_start();
    let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = trimmed.chars().take_while(|c| *c == mark).count();
    let rest = trimmed[length..].trim();
    // A code span of three backticks within a line is no fence.
    (length >= 3 && !(mark == '`' && rest.contains('`'))).then_some((mark, length, rest.is_empty()))
}

/// Whether byte `at` of `line` lies between two runs of backticks of the same length.
fn is_in_code_span(line: &str, at: usize) -> bool {
    let bytes = line.as_bytes();
    let run = |start: usize| {
        bytes[start..]
            .iter()
            .take_while(|byte| **byte == b'`')
            .count()
    };
    let mut position = 0;
    while position < bytes.len() {
        if bytes[position] != b'`' {
            position += 1;
            continue;
        }
        let length = run(position);
        let start = position + length;
        let mut end = start;
        while end < bytes.len() && !(bytes[end] == b'`' && run(end) == length) {
            end += if bytes[end] == b'`' { run(end) } else { 1 };
        }
        if end >= bytes.len() {
            position = start;
            continue;
        }
        if (start..end).contains(&at) {
            return true;
        }
        position = end + length;
    }
    false
}

/// Whether a reference names nobody in particular: `/home/<you>/x`, `C:\Users\%USERNAME%`, `/home/...`.
fn is_placeholder(kind: &str, reference: &str) -> bool {
    let mut parts = reference.split(['/', '\\']).filter(|part| !part.is_empty());
    let owner = match kind {
        "home" => parts
            .by_ref()
            .find(|part| matches!(*part, "home" | "Users"))
            .and_then(|_| parts.next()),
        "windows" => {
            let first = parts.nth(1);
            if first == Some("Users") {
                parts.next()
            } else {
                first
            }
        }
        "file" | "root" | "temporary" | "unc" => {
            return reference.contains("<") || reference.contains("...");
        }
        _ => None,
    };
    owner.is_some_and(|owner| {
        owner.starts_with(['<', '$', '{', '%', '*'])
            || owner.contains("...")
            || owner.contains('…')
            || PLACEHOLDER_NAMES.contains(&owner.to_ascii_lowercase().as_str())
    })
}
