//! The governance in force: what `governance.yaml` at the repository's root says, on top of what is built in. Owns how it is
//! loaded and compiled. It keeps no state: who holds the last good version reloads it.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::parse::parse;
use super::preflight::Preflight;
use super::settings::{FILE_NAME, GovernanceError, MAX_FILE_BYTES, Parts, Province, Settings};
use crate::domain::department::Department;
use crate::domain::hex::hex;
use crate::domain::language::Language;
use crate::domain::rules::book::BookError;
use crate::domain::rules::strictness::{self, Difference};
use crate::domain::rules::{RiskRule, Rulebook};
use crate::git::files::{self, Entry};

/// Counts the changes of what the built-in tests find: another number is another digest, because the same tree may then
/// have other findings.
const BUILT_IN_TESTS: u32 = 1;

impl Settings {
    /// The settings in the text of a `governance.yaml`, without the rules: those take longer to compile than a commit
    /// should wait for.
    pub fn read(text: &str) -> Result<Self, GovernanceError> {
        Ok(parse(text)?.settings)
    }

    /// Those of the file at the root of `repo`; the defaults without one.
    pub fn load(repo: &Path) -> Result<Self, GovernanceError> {
        read_file(repo)?.map_or_else(|| Ok(Self::default()), |text| Self::read(&text))
    }
}

/// Everything that governs a repository.
#[derive(Clone, Debug)]
pub struct Governance {
    /// The file's own name for itself.
    pub name: Option<String>,
    /// The offices.
    pub provinces: Vec<Province>,
    /// The departments, built-in ones first unless the file defines them.
    pub departments: Vec<Department>,
    /// The risk rules, built-in ones first.
    pub risk_rules: Vec<RiskRule>,
    /// What the preflight scan looks at.
    pub preflight: Preflight,
    /// Everything else.
    pub settings: Settings,
    rulebook: Rulebook,
    digest: String,
}

impl Default for Governance {
    fn default() -> Self {
        Self::from_parts(Parts::default()).expect("the built-in patterns are valid")
    }
}

impl Governance {
    /// Reads `governance.yaml` at the root of `repo`; without one, the built-in governance holds.
    pub fn load(repo: &Path) -> Result<Self, GovernanceError> {
        match read_file(repo)? {
            Some(text) => Self::parse(&text),
            None => Ok(Self::default()),
        }
    }

    /// Reads the text of a `governance.yaml`.
    pub fn parse(text: &str) -> Result<Self, GovernanceError> {
        let parts = parse(text)?;
        Self::from_parts(parts).map_err(|error| GovernanceError::Invalid {
            // `parse` has checked each pattern where it stands; what is left is their sum.
            line: 1,
            column: 1,
            message: format!("the rules cannot be used together: {error}"),
        })
    }

    fn from_parts(parts: Parts) -> Result<Self, BookError> {
        let rulebook = Rulebook::new(&parts.departments, &parts.risk_rules)?;
        let preflight = Preflight::of(parts.preflight)?;
        Ok(Self {
            name: parts.name,
            provinces: parts.provinces,
            digest: digest_of(&parts.departments, &parts.risk_rules, &preflight),
            preflight,
            departments: parts.departments,
            risk_rules: parts.risk_rules,
            settings: parts.settings,
            rulebook,
        })
    }

    /// The rules of both judge together, see [`strictness`]; whose the files are is what `beside` says.
    ///
    /// # Errors
    /// When they are too many for each other.
    pub(super) fn judging_with(&self, beside: &Self) -> Result<Self, BookError> {
        let risk_rules = strictness::both(&self.risk_rules, &beside.risk_rules);
        let preflight = self.preflight.and(&beside.preflight);
        Ok(Self {
            rulebook: Rulebook::new(&beside.departments, &risk_rules)?,
            digest: digest_of(&beside.departments, &risk_rules, &preflight),
            departments: beside.departments.clone(),
            risk_rules,
            preflight,
            ..self.clone()
        })
    }

    /// How the rules of `beside` differ from these.
    pub(super) fn difference(&self, beside: &Self) -> Difference {
        let rules = strictness::difference(&self.risk_rules, &beside.risk_rules);
        let stricter = |it| matches!(it, Difference::Stricter | Difference::Mixed);
        let looser = |it| matches!(it, Difference::Looser | Difference::Mixed);
        Difference::of(
            stricter(rules) || !self.preflight.covers(&beside.preflight),
            looser(rules) || !beside.preflight.covers(&self.preflight),
        )
    }

    /// The department with this key.
    pub fn department(&self, key: &str) -> Option<&Department> {
        self.departments
            .iter()
            .find(|department| department.key == key)
    }

    /// The compiled patterns of departments and risk rules, by their positions here.
    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// Hash over everything that decides what a report finds. Titles, languages and settings are not part of it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The language of the file, or English.
    pub fn language(&self) -> Language {
        self.settings.language.unwrap_or_default()
    }
}

/// The text of the file at the root of `repo`; none when it is not there.
pub(super) fn read_file(repo: &Path) -> Result<Option<String>, GovernanceError> {
    let path = repo.join(FILE_NAME);
    let read_error = |source| GovernanceError::Read {
        path: path.clone(),
        source,
    };
    let not_usable = |reason: String| GovernanceError::NotUsable {
        path: path.clone(),
        reason,
    };
    let bytes = match files::look(repo, FILE_NAME.as_bytes()).map_err(read_error)? {
        Entry::Missing => return Ok(None),
        Entry::File(file, _) => files::read_limited(file, MAX_FILE_BYTES)
            .map_err(read_error)?
            .ok_or_else(|| not_usable(format!("is larger than {} KiB", MAX_FILE_BYTES >> 10)))?,
        Entry::Symlink(_) | Entry::Directory | Entry::Special => {
            return Err(not_usable(
                "is not an ordinary file; symbolic links are not followed".to_owned(),
            ));
        }
    };
    text_of(bytes).map(Some)
}

/// The bytes of such a file as text.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, GovernanceError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        GovernanceError::Invalid {
            line: line as u64,
            column: 1,
            message: "this line is not UTF-8; save the file as UTF-8".to_owned(),
        }
    })
}

fn digest_of(departments: &[Department], rules: &[RiskRule], preflight: &Preflight) -> String {
    let departments: Vec<_> = departments
        .iter()
        .map(|department| (&department.key, &department.globs, &department.verify))
        .collect();
    let rules: Vec<_> = rules
        .iter()
        .map(|rule| {
            (
                &rule.name,
                rule.level,
                &rule.subject,
                &rule.pattern,
                &rule.allow_pattern,
            )
        })
        .collect();
    let text = serde_json::to_vec(&(BUILT_IN_TESTS, departments, rules, preflight))
        .expect("strings and enums serialise without fail");
    hex(&Sha256::digest(&text))
}
