//! A report as SARIF 2.1.0, the format that code hosts and editors read findings in. A test checks it against the schema of
//! the standard.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Part;
use super::escape::printable;
use crate::domain::hex::hex;
use crate::domain::language::Language;
use crate::domain::report::{Finding, PortabilityReference, Report};
use crate::domain::rules::RiskLevel;
use crate::domain::sentence::say;
use crate::domain::words;

/// The standard's own name for the format of its files.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What paths are relative to.
const ROOT: &str = "%SRCROOT%";

/// The rule that stands for the portability scan.
const PORTABILITY: &str = "portability_reference_scan";

/// A SARIF log with one run.
pub(super) fn log(report: &Report, part: Part, language: Language) -> Value {
    let mut run = Run {
        language,
        ..Run::default()
    };
    if part == Part::Whole {
        for finding in &report.risks {
            run.finding(finding, false);
        }
        for finding in &report.silenced {
            run.finding(finding, true);
        }
    }
    for found in &report
        .preflight
        .checks
        .portability_reference_scan
        .violations
    {
        run.reference(found);
    }
    let time = report
        .generated_at
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "zhongshu",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": run.rules,
            }},
            "automationDetails": {"id": format!("zhongshu/{}/{}", report.mode.name(), report.id)},
            "invocations": [{"executionSuccessful": true, "endTimeUtc": time}],
            "originalUriBaseIds": {ROOT: {
                "description": {"text": words::text(language, "governance.top_folder_repository")},
            }},
            "columnKind": "unicodeCodePoints",
            "language": language.tag(),
            "results": run.results,
            "properties": {
                "reportId": report.id,
                "digest": report.digest,
                "tree": report.tree,
                "mode": report.mode.name(),
                "rules": report.rules,
                "decision": report.decision.name(),
                "findingsLeftOut": report.counts.risks_left_out,
                "findingsSilenced": report.counts.risks_silenced,
            },
        }],
    })
}

/// A run in the making.
#[derive(Default)]
struct Run {
    language: Language,
    rules: Vec<Value>,
    /// Where each rule stands in the list.
    positions: BTreeMap<String, usize>,
    results: Vec<Value>,
    /// How often a rule has hit a path: two hits are two findings, wherever they move.
    seen: BTreeMap<(String, String), u64>,
}

impl Run {
    fn finding(&mut self, finding: &Finding, is_silenced: bool) {
        let region = finding.line.map(|line| json!({"startLine": line}));
        let mut result = self.result(
            &finding.rule,
            finding.level,
            &finding.path,
            region,
            &finding.message,
            &finding.how_to_silence,
        );
        if is_silenced {
            result["suppressions"] = json!([{
                "kind": "external",
                "status": "accepted",
                "justification": finding.how_to_silence,
            }]);
        }
        self.results.push(result);
    }

    fn reference(&mut self, found: &PortabilityReference) {
        let reference = printable(&found.reference);
        let message = say!("governance.only_holds_on_one", reference).text(self.language);
        let help = words::text(self.language, "governance.write_path_holds_everywhere");
        let region = json!({"startLine": found.line, "startColumn": found.column});
        let result = self.result(
            PORTABILITY,
            RiskLevel::Medium,
            &found.path,
            Some(region),
            &message,
            help,
        );
        self.results.push(result);
    }

    fn result(
        &mut self,
        rule: &str,
        level: RiskLevel,
        path: &str,
        region: Option<Value>,
        message: &str,
        help: &str,
    ) -> Value {
        let position = self.rule(rule, level, message, help);
        let count = self
            .seen
            .entry((rule.to_owned(), path.to_owned()))
            .or_default();
        *count += 1;
        let fingerprint = Sha256::digest(format!("{rule}\0{path}\0{count}"));
        let mut place = json!({"artifactLocation": {"uri": uri(path), "uriBaseId": ROOT}});
        if let Some(region) = region {
            place["region"] = region;
        }
        json!({
            "ruleId": rule,
            "ruleIndex": position,
            "level": name_of(level),
            "message": {"text": plain(message)},
            "locations": [{"physicalLocation": place}],
            "partialFingerprints": {"zhongshuFinding/v1": hex(&fingerprint)},
        })
    }

    /// Where the rule stands in the list; its first finding puts it there.
    fn rule(&mut self, name: &str, level: RiskLevel, message: &str, help: &str) -> usize {
        if let Some(position) = self.positions.get(name) {
            return *position;
        }
        let position = self.rules.len();
        self.rules.push(json!({
            "id": name,
            "shortDescription": {"text": printable(message)},
            "help": {"text": printable(help)},
            "defaultConfiguration": {"level": name_of(level)},
        }));
        self.positions.insert(name.to_owned(), position);
        position
    }
}

/// A message that viewers show as it is: brackets would be links.
fn plain(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for c in printable(message).chars() {
        if matches!(c, '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn name_of(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::High => "error",
        RiskLevel::Medium => "warning",
        RiskLevel::Low => "note",
    }
}

/// A path as a relative reference: everything but the signs that mean nothing in an address is written as a number.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
