//! The entry `budgets`.

use super::{Result, in_range};
use crate::domain::usage::budgets::{Defaults, MOST};
use crate::governance::raw::RawBudgets;

pub(super) fn budgets(raw: Option<RawBudgets>) -> Result<Defaults> {
    let raw = raw.unwrap_or_default();
    Ok(Defaults {
        plan_tokens: in_range(raw.plan_tokens, "budgets.plan_tokens", 1, MOST)?,
        session_tokens: in_range(raw.session_tokens, "budgets.session_tokens", 1, MOST)?,
        interrupt: raw.interrupt,
    })
}
