//! The review page: what is staged, with its differences, and a person's yes or no. Pure functions from the very view that
//! `GET /api/review` answers to text; every value is escaped by the template engine.

pub(super) mod lines;
mod work;

use super::Words;
use crate::domain::department::Department;
use crate::domain::language::Language;
use crate::domain::report::{ChangedFile, Decision, DepartmentShare, Finding};
use crate::git::diff::{Content, FileDiff};
use crate::web::api::reviews::{ReviewView, Stage};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
pub(super) use lines::{HunkRows, Span, rows};

/// Files up to this many lines are open at first; longer ones are a click away.
const OPEN_LINES: usize = 300;

/// As many lines are open at first on the whole page.
const OPEN_LINES_IN_ALL: usize = 1_500;

#[derive(Template)]
#[template(path = "review.html")]
struct Page<'a> {
    t: Words,
    r: &'a ReviewView,
    files: Vec<File<'a>>,
    departments: &'a [Department],
    language: Language,
}

/// One file of the differences.
struct File<'a> {
    t: Words,
    d: &'a FileDiff,
    hunks: Vec<HunkRows<'a>>,
    findings: Vec<&'a Finding>,
    open: bool,
    /// Names what the page was drawn from, so that more of the file can be asked for.
    tree: &'a str,
    whole: bool,
}

#[derive(Template)]
#[template(path = "review/body.html")]
struct Body<'a> {
    f: File<'a>,
    t: Words,
}

/// Renders `GET /ui/review`.
///
/// # Errors
/// Only when the template engine fails.
pub fn render(
    review: &ReviewView,
    departments: &[Department],
    language: Language,
) -> Result<String, askama::Error> {
    let t = Words::of(language);
    let mut room = OPEN_LINES_IN_ALL;
    let files = review
        .files
        .iter()
        .map(|d| {
            let mut file = File::of(review, d, t, false);
            let lines: usize = file.hunks.iter().map(|hunk| hunk.rows.len()).sum();
            file.open = lines <= OPEN_LINES && lines <= room;
            if file.open {
                room -= lines;
            }
            file
        })
        .collect();
    Page {
        t,
        r: review,
        files,
        departments,
        language,
    }
    .render()
}

/// Renders `GET /ui/review/file`: one file as far as it is ever shown; `None` when there is no such file.
///
/// # Errors
/// Only when the template engine fails.
pub fn render_file(
    review: &ReviewView,
    file: usize,
    language: Language,
) -> Result<Option<String>, askama::Error> {
    let t = Words::of(language);
    let Some(d) = review.files.get(file) else {
        return Ok(None);
    };
    let f = File::of(review, d, t, true);
    Body { f, t }.render().map(Some)
}

fn stamp(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Page<'_> {
    fn stamp(&self, at: &DateTime<Utc>) -> String {
        stamp(at)
    }

    fn stage(&self) -> &'static str {
        match self.r.stage {
            Stage::Nothing => "nothing",
            Stage::Open => "open",
            Stage::Changed => "changed",
            Stage::Approved => "approved",
            Stage::Rejected => "rejected",
            Stage::Blocked => "blocked",
        }
    }

    fn badge(&self) -> &'static str {
        match self.r.stage {
            Stage::Approved => "ok",
            Stage::Rejected | Stage::Blocked => "bad",
            Stage::Changed => "warn",
            Stage::Open => "ask",
            Stage::Nothing => "",
        }
    }

    fn can_decide(&self) -> bool {
        !matches!(self.r.stage, Stage::Nothing | Stage::Blocked)
    }

    fn is_approved(&self) -> bool {
        self.r.stage == Stage::Approved
    }

    fn asks_for_review(&self) -> bool {
        self.r.report.decision == Decision::Review
    }

    fn tree(&self) -> &str {
        self.r.tree.as_ref().map_or("", |tree| tree.as_str())
    }

    fn head(&self) -> Option<&str> {
        let head = self.r.report.head.as_deref()?;
        Some(head.get(..10).unwrap_or(head))
    }

    /// Why the gate will not stop anything, if that is so.
    fn gate_is_idle(&self) -> bool {
        self.r.gate.installed == Some(false)
    }

    fn title<'s>(&'s self, key: &'s str) -> &'s str {
        let known = self.departments.iter().find(|d| d.key == key);
        known.map_or(key, |d| d.title.get(self.language))
    }

    /// Findings about the files of a department.
    fn findings_of(&self, share: &DepartmentShare) -> Vec<&Finding> {
        let risks = self.r.report.risks.iter();
        risks
            .filter(|finding| share.files.contains(&finding.path))
            .collect()
    }

    /// Where the differences of a path are on the page.
    fn place(&self, path: &str) -> Option<usize> {
        self.r.files.iter().position(|file| file.path == path)
    }

    fn owners(&self, file: &File<'_>) -> Vec<&str> {
        let changed = self.r.report.changed_files.iter();
        let found = changed.into_iter().find(|it| it.path == file.d.path);
        let keys = found.map_or(&[][..], |it: &ChangedFile| &it.departments);
        keys.iter().map(|key| self.title(key)).collect()
    }
}

impl<'a> File<'a> {
    fn of(review: &'a ReviewView, d: &'a FileDiff, t: Words, whole: bool) -> Self {
        let risks = review.report.risks.iter();
        let findings: Vec<&Finding> = risks.filter(|finding| finding.path == d.path).collect();
        let hunks = match &d.content {
            Content::Text { hunks, .. } => rows(hunks, &findings),
            _ => Vec::new(),
        };
        Self {
            t,
            hunks,
            findings,
            open: true,
            tree: review.tree.as_ref().map_or("", |tree| tree.as_str()),
            whole,
            d,
        }
    }

    fn additions(&self) -> Option<usize> {
        match &self.d.content {
            Content::Text { additions, .. } => Some(*additions),
            _ => None,
        }
    }

    fn deletions(&self) -> Option<usize> {
        match &self.d.content {
            Content::Text { deletions, .. } => Some(*deletions),
            _ => None,
        }
    }

    /// What the mode became, when that is not what it was.
    fn mode_change(&self) -> Option<String> {
        let t = self.t;
        match (self.d.old_mode.as_deref(), self.d.new_mode.as_deref()) {
            (None, Some("100755")) => Some(t.one("review.mode_exec", "100755")),
            (None, Some("120000")) => Some(t.get("review.mode_link").to_owned()),
            (None, Some(new)) if new != "100644" => Some(t.one("review.mode_new", new)),
            (Some(old), Some(new)) if old != new => Some(t.two("review.mode", old, new)),
            _ => None,
        }
    }

    /// A sentence in place of lines.
    fn sentence(&self) -> Option<String> {
        let t = self.t;
        let size = |bytes: &Option<u64>| bytes.map_or_else(|| t.get("none").to_owned(), in_words);
        let or_none = |text: Option<String>| text.unwrap_or_else(|| t.get("none").to_owned());
        Some(match &self.d.content {
            Content::Text { .. } => return None,
            Content::Same => t.get("review.same").to_owned(),
            Content::Binary {
                old_bytes,
                new_bytes,
            } => t.two("review.binary", size(old_bytes), size(new_bytes)),
            Content::Lfs { old, new } => {
                let pointer = |pointer: &Option<crate::git::diff::Pointer>| {
                    or_none(pointer.as_ref().map(|it| match it.bytes {
                        Some(bytes) => format!("{} ({})", it.oid, in_words(bytes)),
                        None => it.oid.clone(),
                    }))
                };
                t.two("review.lfs", pointer(old), pointer(new))
            }
            Content::Submodule { old, new } => t.two(
                "review.submodule",
                or_none(old.clone()),
                or_none(new.clone()),
            ),
            Content::TooLarge { bytes } if self.whole => {
                t.one("review.too_large", in_words(*bytes))
            }
            Content::TooLarge { bytes } => t.one("review.large", in_words(*bytes)),
            Content::Missing => t.get("review.missing").to_owned(),
            Content::Conflicted => t.get("review.conflicted").to_owned(),
            Content::NotShown => t.get("review.not_shown").to_owned(),
        })
    }

    /// Lines that are there and not shown.
    fn left_out(&self) -> usize {
        match &self.d.content {
            Content::Text { left_out, .. } => *left_out,
            _ => 0,
        }
    }

    /// Whether asking again shows more.
    fn has_more(&self) -> bool {
        let more = matches!(self.d.content, Content::NotShown | Content::TooLarge { .. });
        !self.whole && (more || self.left_out() > 0)
    }

    /// Findings about the file as a whole; those of a line stand at their line.
    fn of_file(&self) -> Vec<&'a Finding> {
        let at_lines: Vec<&Finding> = self
            .hunks
            .iter()
            .flat_map(|hunk| &hunk.rows)
            .flat_map(|row| row.findings.iter().copied())
            .collect();
        let elsewhere = |finding: &&Finding| !at_lines.iter().any(|it| std::ptr::eq(*it, *finding));
        self.findings.iter().copied().filter(elsewhere).collect()
    }
}

/// A size as people read it.
pub(super) fn in_words(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=9_999_999 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
