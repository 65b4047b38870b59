//! The entries of `risk_rules`: each changes a known rule by name or adds one.

use serde_saphyr::Spanned;

use super::{Result, at, checked, line_of, patterns, replace};
use crate::domain::rules::expressions::{MAX_EXPRESSIONS, check_expression};
use crate::domain::rules::{ChangeTest, RiskRule, Subject};
use crate::governance::raw::{OneOrMany, RawRiskRule};

/// A rule with the name of a known one changes what it says about it, so that exempting a path takes two lines.
pub(super) fn merge(rules: &mut Vec<RiskRule>, raw: RawRiskRule) -> Result<()> {
    let known = rules.iter().position(|rule| rule.name == raw.name.value);
    match known {
        Some(known) => change(rules, known, raw),
        None => {
            let rule = added(rules, raw)?;
            rules.push(rule);
            Ok(())
        }
    }
}

fn change(rules: &mut [RiskRule], known: usize, raw: RawRiskRule) -> Result<()> {
    if rules[known].locked {
        return Err(at(
            &raw.name,
            format!(
                "the rule {} guards this very file and cannot be changed here; give your own rule another name",
                rules[known].name
            ),
        ));
    }
    let content = raw
        .content
        .map(|content| expressions(rules, Some(known), content))
        .transpose()?;
    let rule = &mut rules[known];
    if let Some((place, content)) = content {
        if !matches!(rule.subject, Subject::Expressions(_)) {
            return Err(at(
                &place,
                format!(
                    "the rule {} has no content of its own; give your rule another name",
                    rule.name
                ),
            ));
        }
        rule.subject = Subject::Expressions(content);
    }
    if let Some(limit) = raw.limit_bytes {
        rule.subject = limited(&rule.subject, &limit)?;
    }
    if let Some(pattern) = raw.pattern {
        rule.pattern = patterns(pattern)?;
    }
    if let Some(allow) = raw.allow_pattern {
        rule.allow_pattern = patterns(allow)?;
    }
    rule.level = raw.level.unwrap_or(rule.level);
    replace(&mut rule.message, raw.message);
    Ok(())
}

fn added(rules: &[RiskRule], raw: RawRiskRule) -> Result<RiskRule> {
    let missing = |field| {
        at(
            &raw.name,
            format!("the risk rule {:?} lacks {field}", raw.name.value),
        )
    };
    if raw.pattern.is_none() && raw.content.is_none() {
        return Err(missing("pattern or content"));
    }
    let level = raw
        .level
        .ok_or_else(|| missing("level (high, medium or low)"))?;
    let message = raw.message.ok_or_else(|| missing("message"))?.0;
    let mut subject = match raw.content {
        Some(content) => Subject::Expressions(expressions(rules, None, content)?.1),
        None => Subject::Path,
    };
    if let Some(limit) = &raw.limit_bytes {
        subject = limited(&subject, limit)?;
    }
    Ok(RiskRule {
        level,
        subject,
        pattern: raw.pattern.map(patterns).transpose()?.unwrap_or_default(),
        message,
        allow_pattern: raw
            .allow_pattern
            .map(patterns)
            .transpose()?
            .unwrap_or_default(),
        locked: false,
        name: line_of(raw.name, "name")?,
    })
}

/// The expressions of one rule, and where they stand. Those of the rule itself, at `own`, are about to go.
fn expressions(
    rules: &[RiskRule],
    own: Option<usize>,
    raw: Spanned<OneOrMany>,
) -> Result<(Spanned<()>, Vec<String>)> {
    let place = Spanned {
        value: (),
        referenced: raw.referenced,
        defined: raw.defined,
    };
    let texts = checked(raw, |text| {
        check_expression(text).map_err(|error| format!("{text:?} is no usable expression: {error}"))
    })?;
    let others: usize = rules
        .iter()
        .enumerate()
        .filter(|(at, _)| Some(*at) != own)
        .map(|(_, rule)| match &rule.subject {
            Subject::Expressions(list) => list.len(),
            _ => 0,
        })
        .sum();
    if texts.is_empty() {
        return Err(at(&place, "content needs at least one expression"));
    }
    if others + texts.len() > MAX_EXPRESSIONS {
        return Err(at(
            &place,
            format!("the rules have more than {MAX_EXPRESSIONS} content expressions in all"),
        ));
    }
    Ok((place, texts))
}

fn limited(subject: &Subject, limit: &Spanned<u64>) -> Result<Subject> {
    if !matches!(subject, Subject::Change(ChangeTest::LargeFile { .. })) {
        return Err(at(limit, "limit_bytes belongs to the rule large_file only"));
    }
    if limit.value == 0 {
        return Err(at(limit, "limit_bytes must be at least 1"));
    }
    Ok(Subject::Change(ChangeTest::LargeFile {
        limit_bytes: limit.value,
    }))
}
