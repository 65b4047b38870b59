//! The format of `governance.yaml`: text in, checked parts out, each mistake with its line and a sentence. It reads no
//! file. `docs/governance.md` describes the format for people.

mod allow;
mod budgets;
mod harness;
mod provinces;
mod risks;
mod watch;

use std::collections::BTreeMap;

use serde_saphyr::{Location, MessageFormatter, Spanned};

use super::raw::{OneOrMany, Ordered, RawDepartment, RawDriver, RawFile, RawPlanReview, Text};
use super::settings::{CommandDriver, GovernanceError, Parts, PlannerSettings};
use crate::domain::department::{self, Department, Localized};
use crate::domain::driver::{CODEX, Driver};
use crate::domain::rules::PathPattern;
use crate::domain::shown::{self, hidden, is_hidden};

/// Placeholders of a driver's command.
const PLACEHOLDERS: [&str; 4] = ["prompt_file", "session_id", "repo", "mailbox"];

type Result<T> = std::result::Result<T, GovernanceError>;

/// Reads and checks the text of a `governance.yaml`.
pub(super) fn parse(text: &str) -> Result<Parts> {
    let mut parts = Parts::default();
    // A file of comments only is an empty one.
    let is_blank = text
        .lines()
        .map(str::trim)
        .all(|line| line.is_empty() || line.starts_with('#') || line == "---");
    if is_blank {
        return Ok(parts);
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let raw: RawFile = serde_saphyr::from_str_with_options(text, options).map_err(syntax)?;
    if let Some(version) = &raw.version
        && version.value != 1
    {
        return Err(at(version, "version must be 1, the only format there is"));
    }
    parts.name = raw.name.map(|name| name.value);
    if let Some(Ordered(provinces)) = raw.provinces {
        provinces::merge(&mut parts.provinces, provinces)?;
    }
    let drivers = drivers(raw.drivers)?;
    let known = Drivers(&drivers);
    if let Some(Ordered(departments)) = raw.departments {
        merge_departments(&mut parts.departments, departments, &known)?;
    }
    for rule in raw.risk_rules.unwrap_or_default() {
        risks::merge(&mut parts.risk_rules, rule)?;
    }
    if let Some(preflight) = raw.preflight {
        let set = |target: &mut Vec<String>, raw: Option<Spanned<OneOrMany>>| -> Result<()> {
            if let Some(raw) = raw {
                *target = patterns(raw)?;
            }
            Ok(())
        };
        set(&mut parts.preflight.surfaces, preflight.surfaces)?;
        set(&mut parts.preflight.documents, preflight.documents)?;
        set(&mut parts.preflight.allow_paths, preflight.allow_paths)?;
        if let Some(raw) = preflight.allow_references {
            parts.preflight.allow_references = texts(raw, "a reference", nul)?;
        }
    }
    let settings = &mut parts.settings;
    settings.language = raw.language;
    for model in raw.models.unwrap_or_default() {
        settings.models.push(model_name(model)?);
    }
    settings.zhongshu_model = raw.zhongshu_model.map(model_name).transpose()?;
    settings.department_model = raw.department_model.map(model_name).transpose()?;
    settings.max_departments = small(raw.max_departments, "max_departments", 1)?;
    settings.silent_after_seconds =
        watch::silent_after(raw.silent_after_seconds, raw.department_stale_seconds)?;
    if let Some(times) = watch::looping_after(raw.looping_after)? {
        settings.looping_after = times;
    }
    settings.max_terminals = small(raw.max_terminals, "max_terminals", 1)?;
    settings.review.required = raw.plan_review == Some(RawPlanReview::Menxia);
    if let Some(limit) = small(raw.veto_limit, "veto_limit", 1)? {
        settings.review.veto_limit = limit as usize;
    }
    settings.review_limit =
        in_range(raw.review_limit, "review_limit", 1, 1000)?.map(|limit| limit as usize);
    settings.budgets = budgets::budgets(raw.budgets)?;
    settings.harness = harness::harness(raw.harness)?;
    if let Some(grace) = seconds(raw.reminder_grace_seconds, "reminder_grace_seconds")? {
        settings.reminder_grace_seconds = grace;
    }
    if let Some(limit) = seconds(raw.orphan_exit_seconds, "orphan_exit_seconds")? {
        settings.orphan_exit_seconds = limit;
    }
    settings.run_verify = raw.run_verify.unwrap_or(settings.run_verify);
    if let Some(command) = raw.notify {
        let place = command.referenced;
        settings.notify = texts(command, "an argument", nul)?;
        if settings.notify.first().is_none_or(|it| it.is_empty()) {
            return Err(located(place, "notify needs at least a program"));
        }
    }
    if let Some(limit) = seconds(raw.verify_limit_seconds, "verify_limit_seconds")? {
        settings.verify_limit_seconds = limit;
    }
    if let Some(driver) = raw.driver {
        settings.driver = known.named(driver)?;
    }
    if let Some(planner) = raw.planner {
        settings.planner = PlannerSettings {
            driver: planner.driver.map(|name| known.named(name)).transpose()?,
            sandbox: planner.sandbox,
            approval: planner.approval,
            model: planner.model.map(model_name).transpose()?,
        };
    }
    let tuis = small(
        raw.tuis_started_with_session,
        "tuis_started_with_session",
        0,
    )?;
    settings.tuis_started_with_session = tuis.unwrap_or(settings.tuis_started_with_session);
    settings.workflow_doc = raw.workflow_doc.map(inside_path).transpose()?;
    settings.project_name = raw
        .project_name
        .map(|name| line_of(name, "project_name"))
        .transpose()?;
    settings.drivers = drivers;
    settings.gate = raw.gate;
    settings.commit_trailers = raw.commit_trailers.unwrap_or_default();
    if let Some(rules) = raw.allow {
        settings.allow = allow::rules(rules, &parts.departments)?;
    }
    Ok(parts)
}

/// A department that the file names takes its place in the file's order, behind the built-in ones that it leaves alone.
/// What the file does not say about a built-in department stays as it is.
fn merge_departments(
    departments: &mut Vec<Department>,
    raw: Vec<(Spanned<String>, RawDepartment)>,
    drivers: &Drivers<'_>,
) -> Result<()> {
    for (key, raw) in raw {
        checked_key(&key, "a department")?;
        if key.value == "zhongshu" {
            return Err(at(
                &key,
                "zhongshu is the planner, not a department; use planner: instead",
            ));
        }
        let mut department = match departments.iter().position(|known| known.key == key.value) {
            Some(position) => departments.remove(position),
            None => Department {
                title: Localized::same(&key.value),
                duty: Localized::same(""),
                globs: Vec::new(),
                verify: Vec::new(),
                model: None,
                driver: None,
                sandbox: None,
                approval: None,
                key: key.value,
            },
        };
        replace(&mut department.title, raw.title);
        replace(&mut department.duty, raw.duty);
        if let Some(globs) = raw.globs {
            department.globs = patterns(globs)?;
        }
        if let Some(verify) = raw.verify {
            let lines = texts(verify, "a verify command", |text| {
                text.trim_end_matches('\n').chars().find(|c| is_hidden(*c))
            })?;
            // A block of YAML ends with a line break.
            department.verify = lines
                .into_iter()
                .map(|line| line.trim_end_matches('\n').to_owned())
                .collect();
        }
        department.model = raw.model.map(model_name).transpose()?;
        department.driver = raw.driver.map(|name| drivers.named(name)).transpose()?;
        department.sandbox = raw.sandbox;
        department.approval = raw.approval;
        departments.push(department);
    }
    Ok(())
}

/// The drivers that the file defines; `codex` is always there.
struct Drivers<'a>(&'a BTreeMap<String, CommandDriver>);

impl Drivers<'_> {
    fn named(&self, name: Spanned<String>) -> Result<Driver> {
        if name.value == CODEX || self.0.contains_key(&name.value) {
            return Ok(name.value.into());
        }
        let known: Vec<&str> = std::iter::once(CODEX)
            .chain(self.0.keys().map(String::as_str))
            .collect();
        Err(at(
            &name,
            format!(
                "unknown driver {:?}; known are {}; define others under drivers",
                name.value,
                known.join(", ")
            ),
        ))
    }
}

fn drivers(raw: Option<Ordered<RawDriver>>) -> Result<BTreeMap<String, CommandDriver>> {
    let mut drivers = BTreeMap::new();
    for (key, raw) in raw.map(|ordered| ordered.0).unwrap_or_default() {
        checked_key(&key, "a driver")?;
        if key.value == CODEX {
            return Err(at(
                &key,
                "codex is built in and takes no command; choose another name",
            ));
        }
        let place = raw.command.referenced;
        let command = texts(raw.command, "an argument", nul)?;
        let Some(program) = command.first() else {
            return Err(located(place, "command needs at least a program"));
        };
        if program.starts_with('{') {
            return Err(located(
                place,
                "command must start with a program, not with a placeholder",
            ));
        }
        for argument in &command {
            if let Some(name) = unknown_placeholder(argument) {
                return Err(located(
                    place,
                    format!(
                        "unknown placeholder {{{name}}}; known are {{{}}}",
                        PLACEHOLDERS.join("}, {")
                    ),
                ));
            }
        }
        drivers.insert(key.value, CommandDriver { command });
    }
    Ok(drivers)
}

/// The first `{name}` that is no placeholder. Braces around anything else, such as JSON, are left alone.
fn unknown_placeholder(argument: &str) -> Option<&str> {
    argument
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .find(|name| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                && !PLACEHOLDERS.contains(name)
        })
}

fn checked_key(key: &Spanned<String>, what: &str) -> Result<()> {
    if department::is_valid_key(&key.value) {
        return Ok(());
    }
    Err(at(
        key,
        format!(
            "{:?} cannot be the key of {what}: it starts with a lower-case letter and has at most {} letters a-z, digits, _ and -",
            key.value,
            department::MAX_KEY_CHARS
        ),
    ))
}

fn patterns(raw: Spanned<OneOrMany>) -> Result<Vec<String>> {
    checked(raw, |text| match PathPattern::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{text:?} is no usable pattern: {error}")),
    })
}

/// The texts of a list, each of which `check` accepts.
fn checked(
    raw: Spanned<OneOrMany>,
    check: impl Fn(&str) -> std::result::Result<(), String>,
) -> Result<Vec<String>> {
    let place = raw.referenced;
    let check = |text: String, place| match check(&text) {
        Ok(()) => Ok(text),
        Err(message) => Err(located(place, message)),
    };
    match raw.value {
        OneOrMany::One(text) => check(text, place).map(|text| vec![text]),
        OneOrMany::Many(list) => list
            .into_iter()
            .map(|text| check(text.value, text.referenced))
            .collect(),
    }
}

/// The only character that no argument can have. Others are shown when a person is asked about the program.
fn nul(text: &str) -> Option<char> {
    text.chars().find(|c| *c == '\0')
}

/// The texts of a list. `refused` finds a character that none may hold.
fn texts(
    raw: Spanned<OneOrMany>,
    what: &str,
    refused: fn(&str) -> Option<char>,
) -> Result<Vec<String>> {
    let list = match raw.value {
        OneOrMany::One(text) => vec![(text, raw.referenced)],
        OneOrMany::Many(list) => list
            .into_iter()
            .map(|text| (text.value, text.referenced))
            .collect(),
    };
    list.into_iter()
        .map(|(text, place)| {
            if text.trim().is_empty() {
                Err(located(place, format!("{what} cannot be empty")))
            } else if let Some(c) = refused(&text) {
                let number = shown::number(c);
                Err(located(
                    place,
                    format!("{what} cannot contain {number}, a character that nobody sees"),
                ))
            } else {
                Ok(text)
            }
        })
        .collect()
}

fn model_name(name: Spanned<String>) -> Result<String> {
    if name.value.starts_with('-') {
        return Err(at(&name, "a model name does not start with \"-\""));
    }
    line_of(name, "a model name")
}

fn line_of(text: Spanned<String>, what: &str) -> Result<String> {
    if text.value.trim().is_empty()
        || text.value.chars().any(char::is_control)
        || hidden(&text.value).next().is_some()
    {
        return Err(at(
            &text,
            format!("{what} must be one line that is not empty, and can be read"),
        ));
    }
    if text.value.chars().count() > 128 {
        return Err(at(&text, format!("{what} is longer than 128 characters")));
    }
    Ok(text.value)
}

fn inside_path(path: Spanned<String>) -> Result<String> {
    let leaves = path.value.starts_with('/')
        || path.value.contains('\\')
        || path.value.split('/').any(|part| part == "..");
    if leaves {
        return Err(at(
            &path,
            "workflow_doc must be a path inside the repository, such as AGENTS.md",
        ));
    }
    line_of(path, "workflow_doc")
}

fn small(raw: Option<Spanned<u64>>, field: &str, least: u64) -> Result<Option<u32>> {
    in_range(raw, field, least, 64).map(|value| value.map(|value| value as u32))
}

fn seconds(raw: Option<Spanned<u64>>, field: &str) -> Result<Option<u64>> {
    in_range(raw, field, 1, 86_400)
}

fn in_range(raw: Option<Spanned<u64>>, field: &str, least: u64, most: u64) -> Result<Option<u64>> {
    match raw {
        Some(raw) if !(least..=most).contains(&raw.value) => Err(at(
            &raw,
            format!("{field} must be between {least} and {most}"),
        )),
        raw => Ok(raw.map(|raw| raw.value)),
    }
}

fn replace(target: &mut Localized, text: Option<Text>) {
    if let Some(Text(text)) = text {
        *target = text;
    }
}

fn at<T>(value: &Spanned<T>, message: impl Into<String>) -> GovernanceError {
    located(value.referenced, message)
}

fn located(place: Location, message: impl Into<String>) -> GovernanceError {
    GovernanceError::Invalid {
        line: place.line().max(1),
        column: place.column().max(1),
        message: message.into(),
    }
}

/// Says what the YAML reader found, in our own words where a person is likely to meet it.
fn syntax(error: serde_saphyr::Error) -> GovernanceError {
    use serde_saphyr::Error as E;
    let message = match &error {
        E::SerdeUnknownField {
            field, expected, ..
        } => {
            format!(
                "unknown key {field:?}; allowed here are {}",
                expected.join(", ")
            )
        }
        E::SerdeUnknownVariant {
            variant, expected, ..
        } => {
            format!(
                "{variant:?} is not allowed here; use one of {}",
                expected.join(", ")
            )
        }
        E::SerdeMissingField { field, .. } => format!("the key {field:?} is missing here"),
        E::DuplicateMappingKey { key: Some(key), .. } => format!("the key {key:?} is there twice"),
        E::SerdeInvalidType {
            unexpected,
            expected,
            ..
        } => {
            format!("expected {expected}, found {unexpected}")
        }
        other => serde_saphyr::UserMessageFormatter
            .format_message(other)
            .into_owned(),
    };
    match error.location() {
        Some(place) => located(place, message),
        None => GovernanceError::Invalid {
            line: 1,
            column: 1,
            message,
        },
    }
}
