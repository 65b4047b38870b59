//! Whether extensions run at all, and how strictly their word is held against what they do.

use serde::{Deserialize, Serialize};

/// From the least that is given to the most, so that the lower of two is the smaller one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// None is started.
    #[default]
    Disabled,
    /// What one does and does not declare is refused.
    Enforced,
    /// It is done, and told.
    Warn,
}

impl Mode {
    /// Its word in `governance.yaml` and in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enforced => "enforced",
            Self::Warn => "warn",
        }
    }
}

/// How what an extension does stands to what it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// It declares it.
    Declared,
    /// It does not, and only that is told.
    Warned,
    /// It does not, and it is refused.
    Denied,
}

/// Holds something against what is declared; `*` stands for everything.
pub fn allowed(mode: Mode, declared: &[String], what: &str) -> Allowed {
    let is_declared = declared.iter().any(|it| it == "*" || it == what);
    match (is_declared, mode) {
        (true, _) => Allowed::Declared,
        (false, Mode::Warn) => Allowed::Warned,
        (false, Mode::Disabled | Mode::Enforced) => Allowed::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_declared_is_told_or_refused() {
        let declared = ["turn.completed".to_owned()];
        let all = ["*".to_owned()];
        for (mode, declared, expected) in [
            (Mode::Enforced, &declared, Allowed::Declared),
            (Mode::Warn, &declared, Allowed::Declared),
            (Mode::Enforced, &all, Allowed::Declared),
        ] {
            assert_eq!(allowed(mode, declared, "turn.completed"), expected);
        }
        assert_eq!(allowed(Mode::Enforced, &declared, "turn"), Allowed::Denied);
        assert_eq!(allowed(Mode::Warn, &declared, "turn"), Allowed::Warned);
        assert!(Mode::Disabled < Mode::Enforced && Mode::Enforced < Mode::Warn);
    }
}
