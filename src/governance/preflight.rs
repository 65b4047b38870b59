//! What the portability scan looks at, as one version of `governance.yaml` says it or as several together: what any of them
//! names is scanned, and only what all of them exempt is exempt.

use serde::Serialize;

use super::defaults;
use crate::domain::rules::strictness::has_all;
use crate::domain::rules::{PatternError, PatternSet};

/// What one version says, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreflightTexts {
    /// Files that are always scanned.
    pub surfaces: Vec<String>,
    /// Files that are scanned when they changed.
    pub documents: Vec<String>,
    /// Files whose references are exceptions.
    pub allow_paths: Vec<String>,
    /// References that start with one of these are exceptions.
    pub allow_references: Vec<String>,
}

impl Default for PreflightTexts {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            surfaces: owned(&defaults::SURFACES),
            documents: owned(&defaults::DOCUMENTS),
            allow_paths: Vec::new(),
            allow_references: Vec::new(),
        }
    }
}

impl PreflightTexts {
    /// Whether whatever `other` finds is found.
    fn covers(&self, other: &Self) -> bool {
        has_all(&self.surfaces, &other.surfaces)
            && has_all(&self.documents, &other.documents)
            && has_all(&other.allow_paths, &self.allow_paths)
            && has_all(&other.allow_references, &self.allow_references)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Preflight(Vec<Version>);

#[derive(Clone, Debug)]
struct Version {
    texts: PreflightTexts,
    surfaces: PatternSet,
    documents: PatternSet,
    allow_paths: PatternSet,
}

impl Serialize for Preflight {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|version| &version.texts))
    }
}

impl Preflight {
    /// Compiles one version.
    ///
    /// # Errors
    /// When a pattern is none.
    pub(super) fn of(texts: PreflightTexts) -> Result<Self, PatternError> {
        Ok(Self(vec![Version {
            surfaces: PatternSet::parse(&texts.surfaces)?,
            documents: PatternSet::parse(&texts.documents)?,
            allow_paths: PatternSet::parse(&texts.allow_paths)?,
            texts,
        }]))
    }

    /// Both together; what is covered already is left out.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut all = self.0.clone();
        let more = other.0.iter().filter(|version| !self.has(version));
        all.extend(more.cloned());
        Self(all)
    }

    /// Whether whatever `other` finds is found.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|version| self.has(version))
    }

    fn has(&self, version: &Version) -> bool {
        self.0.iter().any(|it| it.texts.covers(&version.texts))
    }

    /// Whether the file `path` is scanned.
    pub(super) fn looks_at(&self, path: &[u8], is_changed: bool) -> bool {
        self.0
            .iter()
            .any(|version| version.looks_at(path, is_changed))
    }

    /// Whether the first version scans the file `path`.
    pub(super) fn comes_first(&self, path: &[u8], is_changed: bool) -> bool {
        self.0
            .first()
            .is_some_and(|version| version.looks_at(path, is_changed))
    }

    /// Whether `reference` in the file `path`, which is scanned, is an exception.
    pub(super) fn exempts(&self, path: &[u8], is_changed: bool, reference: &str) -> bool {
        self.0
            .iter()
            .filter(|version| version.looks_at(path, is_changed))
            .all(|version| version.exempts(path, reference))
    }
}

impl Version {
    fn looks_at(&self, path: &[u8], is_changed: bool) -> bool {
        self.surfaces.is_match(path) || (is_changed && self.documents.is_match(path))
    }

    fn exempts(&self, path: &[u8], reference: &str) -> bool {
        let allowed = &self.texts.allow_references;
        self.allow_paths.is_match(path) || allowed.iter().any(|start| reference.starts_with(start))
    }
}
