//! Whether an extension was written for a server like this one.

use crate::domain::sentence::{Sentence, say};
use semver::{Version, VersionReq};
use serde::Deserialize;

/// The API that we have.
pub const CORE_API: Version = Version::new(1, 0, 0);
/// The profile that we understand.
pub const PROFILE: &str = "codex-manager";
/// Its version.
pub const PROFILE_VERSION: Version = Version::new(1, 0, 0);

/// A kind of server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its profile.
    pub name: &'static str,
    /// The version of that.
    pub version: Version,
}

impl Host {
    /// Servers like this one.
    pub const OURS: Self = Self {
        name: PROFILE,
        version: PROFILE_VERSION,
    };
    /// Any other with the same API: what names no profile, or this one, depends on none.
    pub const ANY: Self = Self {
        name: "generic",
        version: Version::new(1, 0, 0),
    };
}

/// What an extension says it was written for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Runtime {
    /// The API.
    pub core_api_version: Option<Word>,
    /// A range of it.
    pub core_api_version_range: Option<String>,
    /// Hosts, any of which will do; none at all: every host.
    pub profiles: Vec<Profile>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<Word>,
    /// A range of it.
    pub version_range: Option<String>,
}

/// A version, which some write as a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Word {
    /// `1`.
    Number(u64),
    /// `"1"` or `"1.0.0"`.
    Text(String),
}

impl Word {
    /// As text.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compatibility {
    /// The API that it was written for.
    pub api_version: Option<String>,
    /// The range of it.
    pub api_version_range: Option<String>,
    /// The profile by which it runs here.
    pub profile: Option<(String, Option<String>)>,
    /// Why it does not run here.
    pub reasons: Vec<Sentence>,
}

impl Compatibility {
    /// Holds what it says against what we are.
    pub fn of(runtime: &Runtime) -> Self {
        Self::with(runtime, &Host::OURS)
    }

    /// Holds what it says against what a server is.
    pub fn with(runtime: &Runtime, host: &Host) -> Self {
        let api_version = runtime.core_api_version.as_ref().map(Word::text);
        let mut reasons = Vec::new();
        let fits = matches(
            api_version.as_deref(),
            runtime.core_api_version_range.as_deref(),
            &CORE_API,
        );
        if !fits {
            let wanted = wanted(
                api_version.as_deref(),
                runtime.core_api_version_range.as_deref(),
            );
            reasons.push(say!(
                "reason.extension.core_api",
                wanted,
                ours = CORE_API.major
            ));
        }
        let version = |it: &Profile| it.version.as_ref().map(Word::text);
        let found = runtime.profiles.iter().find(|it| {
            it.name == host.name
                && matches(
                    version(it).as_deref(),
                    it.version_range.as_deref(),
                    &host.version,
                )
        });
        if found.is_none() && !runtime.profiles.is_empty() {
            let names = runtime.profiles.iter().map(|it| {
                let wanted = wanted(version(it).as_deref(), it.version_range.as_deref());
                format!("{} {wanted}", it.name).trim_end().to_owned()
            });
            let wanted = names.collect::<Vec<_>>().join(", ");
            let ours = format!("{} {}", host.name, host.version);
            reasons.push(say!("reason.extension.profile", wanted, ours));
        }
        Self {
            api_version,
            api_version_range: runtime.core_api_version_range.clone(),
            profile: found.map(|it| (it.name.clone(), version(it))),
            reasons,
        }
    }

    /// Whether it runs here.
    pub fn is_compatible(&self) -> bool {
        self.reasons.is_empty()
    }
}

fn wanted(version: Option<&str>, range: Option<&str>) -> String {
    let both = [version, range].into_iter().flatten();
    let both: String = both.collect::<Vec<_>>().join(" ");
    both.chars().take(80).collect()
}

/// Both have to fit that are there; what cannot be read fits nothing.
fn matches(version: Option<&str>, range: Option<&str>, ours: &Version) -> bool {
    version.is_none_or(|it| whole(it).is_some_and(|it| it == *ours))
        && range.is_none_or(|it| is_within(it, ours))
}

/// `1` and `1.0` are `1.0.0`.
fn whole(text: &str) -> Option<Version> {
    let missing = 2_usize.checked_sub(text.matches('.').count())?;
    Version::parse(&format!("{text}{}", ".0".repeat(missing))).ok()
}

/// Whether a version is in a range, as they are written for packages of Node: alternatives with `||`, all of what stands beside each other,
/// a bare version means itself.
fn is_within(range: &str, version: &Version) -> bool {
    range.split("||").any(|all| {
        let mut requirements = String::new();
        let mut operator = String::new();
        for word in all.replace(',', " ").split_whitespace() {
            // `>= 1` is one thing.
            if word.chars().all(|c| "<>=^~".contains(c)) {
                operator.push_str(word);
                continue;
            }
            let bare = operator.is_empty() && word.starts_with(|c: char| c.is_ascii_digit());
            let sign = match bare {
                false => "",
                true if whole(word).is_some() && word.matches('.').count() == 2 => "=",
                true if word.contains(['x', 'X', '*']) => "",
                true => "~",
            };
            if !requirements.is_empty() {
                requirements.push(',');
            }
            requirements.push_str(&std::mem::take(&mut operator));
            requirements.push_str(sign);
            requirements.push_str(word);
        }
        VersionReq::parse(&requirements).is_ok_and(|it| it.matches(version))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn runtime(value: serde_json::Value) -> Compatibility {
        Compatibility::of(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn another_kind_of_server_takes_what_depends_on_none() {
        for (profiles, fits) in [
            (json!([]), true),
            (json!([{"name": "codex-manager"}]), false),
            (
                json!([{"name": "codex-manager"}, {"name": "generic", "versionRange": "^1"}]),
                true,
            ),
        ] {
            let runtime = serde_json::from_value(json!({ "profiles": profiles })).unwrap();
            let found = Compatibility::with(&runtime, &Host::ANY);
            assert_eq!(found.is_compatible(), fits, "{profiles}");
        }
    }

    #[test]
    fn it_runs_here_when_everything_that_it_names_is_ours() {
        for fits in [
            json!({}),
            json!({"coreApiVersion": 1}),
            json!({"coreApiVersion": "1.0"}),
            json!({"coreApiVersionRange": "^1.0.0"}),
            json!({"coreApiVersionRange": ">=1 <2"}),
            json!({"coreApiVersionRange": "2.0.0 || 1.x"}),
            json!({"coreApiVersionRange": ">= 0.9, < 1.1"}),
            json!({"profiles": [{"name": "another"}, {"name": "codex-manager"}]}),
            json!({"profiles": [{"name": "codex-manager", "version": "1.0.0"}]}),
            json!({"profiles": [{"name": "codex-manager", "versionRange": "1"}]}),
        ] {
            assert!(runtime(fits.clone()).is_compatible(), "{fits}");
        }
        for other in [
            json!({"coreApiVersion": 2}),
            json!({"coreApiVersion": "one"}),
            json!({"coreApiVersionRange": "1.0.1"}),
            json!({"coreApiVersionRange": ">1.0.0"}),
            json!({"coreApiVersionRange": "nothing"}),
            json!({"coreApiVersion": 1, "coreApiVersionRange": "^2"}),
            json!({"profiles": [{"name": "another"}]}),
            json!({"profiles": [{"name": "codex-manager", "version": "2.0.0"}]}),
        ] {
            assert_eq!(runtime(other.clone()).reasons.len(), 1, "{other}");
        }
    }
}
