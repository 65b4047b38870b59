//! Decisions about approvals that no person makes: by an extension, or by an agent that does a job. Each is held against what the settings of
//! the session allow, which is nothing as long as nobody has set them.
//!
//! The settings are those of `supervisor`, as clients write them: `{"fileChange": {"autoActions": {"approve": {"enabled": true, "threshold":
//! "low"}, "reject": {…}}}}`, and `command` for commands beside `fileChange`. A yes needs a risk of at most its threshold, a no one of at
//! least its own. The risk is the word of whoever decides: this holds them to it, and cannot weigh it.

use super::controls::Settings;
use crate::domain::ask::What;
use crate::domain::sentence::{Sentence, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The setting in which a session says what may be decided in it without a person.
pub const SETTING: &str = "supervisor";

/// How much could go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing.
    None,
    /// Little.
    Low,
    /// Something.
    #[serde(alias = "medium")]
    Med,
    /// Much.
    High,
}

impl Risk {
    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Med => "med",
            Self::High => "high",
        }
    }
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Yes.
    Accept,
    /// No, whether the turn goes on or not.
    Reject,
}

impl Side {
    /// Its name in the settings, and what holds where they name no threshold: the narrowest that lets anything through.
    const fn setting(self) -> (&'static str, Risk) {
        match self {
            Self::Accept => ("approve", Risk::Low),
            Self::Reject => ("reject", Risk::High),
        }
    }
}

/// What somebody who is no person wants to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Yes or no.
    pub side: Side,
    /// Whether it is to hold for more than this once.
    pub is_lasting: bool,
    /// What could go wrong, in their own judgement.
    pub risk: Option<Risk>,
}

/// Why it is not decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The settings do not allow it.
    Off(Side),
    /// Only a person says yes for longer than this once.
    Lasting,
    /// Nobody says what the risk is.
    NoRisk,
    /// The risk is on the wrong side of the threshold.
    Threshold {
        /// Of what.
        side: Side,
        /// What was said.
        risk: Risk,
        /// What the settings say.
        threshold: Risk,
    },
}

impl Held {
    /// For programs, and for the journal.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off(Side::Accept) => "auto_accept_off",
            Self::Off(Side::Reject) => "auto_reject_off",
            Self::Lasting => "lasting",
            Self::NoRisk => "no_risk",
            Self::Threshold {
                side: Side::Accept, ..
            } => "above_threshold",
            Self::Threshold {
                side: Side::Reject, ..
            } => "below_threshold",
        }
    }

    /// For people.
    pub fn sentence(self) -> Sentence {
        match self {
            Self::Off(Side::Accept) => say!("reason.automatic.accept_off"),
            Self::Off(Side::Reject) => say!("reason.automatic.reject_off"),
            Self::Lasting => say!("reason.automatic.lasting"),
            Self::NoRisk => say!("reason.automatic.no_risk"),
            Self::Threshold {
                side,
                risk,
                threshold,
            } => {
                let (risk, threshold) = (risk.name(), threshold.name());
                match side {
                    Side::Accept => say!("reason.automatic.above", risk, threshold),
                    Side::Reject => say!("reason.automatic.below", risk, threshold),
                }
            }
        }
    }
}

/// The threshold by which this may be decided.
///
/// # Errors
/// Why it may not.
pub fn check(settings: &Settings, what: &What, wanted: Wanted) -> Result<Risk, Held> {
    let side = wanted.side;
    let threshold = threshold(settings, what, side).ok_or(Held::Off(side))?;
    if side == Side::Accept && wanted.is_lasting {
        return Err(Held::Lasting);
    }
    let risk = wanted.risk.ok_or(Held::NoRisk)?;
    let is_within = match side {
        Side::Accept => risk <= threshold,
        Side::Reject => risk >= threshold,
    };
    match is_within {
        true => Ok(threshold),
        false => Err(Held::Threshold {
            side,
            risk,
            threshold,
        }),
    }
}

/// The threshold that the settings have for this. What they say in another form than theirs allows nothing.
fn threshold(settings: &Settings, what: &What, side: Side) -> Option<Risk> {
    let kind = match what {
        What::Patch { .. } => "fileChange",
        What::Command { .. } => "command",
        // Permissions and forms are for a person.
        _ => return None,
    };
    let (name, usual) = side.setting();
    let said = &settings.get(SETTING)?[kind]["autoActions"][name];
    match (&said["enabled"], &said["threshold"]) {
        (Value::Bool(true), Value::Null) => Some(usual),
        (Value::Bool(true), threshold) => Risk::deserialize(threshold).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const RISKS: [Risk; 4] = [Risk::None, Risk::Low, Risk::Med, Risk::High];

    fn patch() -> What {
        serde_json::from_value(json!({"kind": "patch", "files": []})).unwrap()
    }

    fn settings(actions: Value) -> Settings {
        let all = json!({"supervisor": {"fileChange": {"autoActions": actions}}});
        all.as_object().unwrap().clone()
    }

    fn decide(settings: &Settings, side: Side, risk: Option<Risk>) -> Result<Risk, Held> {
        let wanted = Wanted {
            side,
            is_lasting: false,
            risk,
        };
        check(settings, &patch(), wanted)
    }

    #[test]
    fn nothing_is_decided_that_no_setting_allows() {
        for none in [
            Settings::new(),
            settings(json!({})),
            settings(
                json!({"approve": {"enabled": false, "threshold": "high"}, "reject": {"threshold": "none"}}),
            ),
            settings(json!({"approve": {"enabled": "true", "threshold": "high"}, "reject": true})),
            settings(
                json!({"approve": {"enabled": true, "threshold": "all"}, "reject": {"enabled": true, "threshold": 0}}),
            ),
            json!({"supervisor": "fileChange"})
                .as_object()
                .unwrap()
                .clone(),
        ] {
            for side in [Side::Accept, Side::Reject] {
                for risk in RISKS {
                    let held = decide(&none, side, Some(risk));
                    assert_eq!(held, Err(Held::Off(side)), "{none:?}");
                }
            }
        }
    }

    #[test]
    fn a_yes_is_for_little_risk_and_a_no_for_much() {
        for threshold in RISKS {
            let auto = json!({"enabled": true, "threshold": threshold});
            let both = settings(json!({"approve": auto, "reject": auto}));
            for risk in RISKS {
                let yes = decide(&both, Side::Accept, Some(risk));
                assert_eq!(yes.is_ok(), risk <= threshold, "{risk:?} {threshold:?}");
                let no = decide(&both, Side::Reject, Some(risk));
                assert_eq!(no.is_ok(), risk >= threshold, "{risk:?} {threshold:?}");
            }
        }
    }

    #[test]
    fn without_a_threshold_the_narrowest_holds() {
        let both = settings(json!({"approve": {"enabled": true}, "reject": {"enabled": true}}));
        assert_eq!(decide(&both, Side::Accept, Some(Risk::Low)), Ok(Risk::Low));
        assert_eq!(
            decide(&both, Side::Reject, Some(Risk::High)),
            Ok(Risk::High)
        );
        assert!(decide(&both, Side::Accept, Some(Risk::Med)).is_err());
        assert!(decide(&both, Side::Reject, Some(Risk::Med)).is_err());
    }

    #[test]
    fn whoever_names_no_risk_or_wants_more_than_this_once_is_refused() {
        let all = settings(
            json!({"approve": {"enabled": true, "threshold": "high"}, "reject": {"enabled": true, "threshold": "medium"}}),
        );
        assert_eq!(decide(&all, Side::Accept, None), Err(Held::NoRisk));
        assert_eq!(decide(&all, Side::Reject, None), Err(Held::NoRisk));
        assert_eq!(decide(&all, Side::Reject, Some(Risk::Med)), Ok(Risk::Med));
        let lasting = |side| Wanted {
            side,
            is_lasting: true,
            risk: Some(Risk::High),
        };
        let yes = check(&all, &patch(), lasting(Side::Accept));
        assert_eq!(yes, Err(Held::Lasting));
        assert!(check(&all, &patch(), lasting(Side::Reject)).is_ok());
    }

    #[test]
    fn each_kind_has_settings_of_its_own() {
        let all = settings(json!({"reject": {"enabled": true}}));
        let wanted = Wanted {
            side: Side::Reject,
            is_lasting: false,
            risk: Some(Risk::High),
        };
        let what = |json: Value| -> What { serde_json::from_value(json).unwrap() };
        let command = what(json!({"kind": "command", "command": "ls"}));
        assert_eq!(check(&all, &command, wanted), Err(Held::Off(Side::Reject)));
        let url = what(json!({"kind": "permissions", "cwd": "/"}));
        assert_eq!(check(&all, &url, wanted), Err(Held::Off(Side::Reject)));
        let all =
            json!({"supervisor": {"command": {"autoActions": {"reject": {"enabled": true}}}}});
        let all = all.as_object().unwrap().clone();
        assert_eq!(check(&all, &command, wanted), Ok(Risk::High));
    }
}
