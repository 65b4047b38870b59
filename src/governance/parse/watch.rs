//! From when on a session is worth a look.

use super::{Result, at, in_range, seconds};
use serde_saphyr::Spanned;

/// One threshold with two names, of which a file has one.
pub(super) fn silent_after(
    name: Option<Spanned<u64>>,
    former: Option<Spanned<u64>>,
) -> Result<Option<u64>> {
    if let (Some(_), Some(former)) = (&name, &former) {
        let both =
            "department_stale_seconds is the former name of silent_after_seconds; leave it out";
        return Err(at(former, both));
    }
    let former = seconds(former, "department_stale_seconds")?;
    Ok(seconds(name, "silent_after_seconds")?.or(former))
}

/// Once is no repetition.
pub(super) fn looping_after(raw: Option<Spanned<u64>>) -> Result<Option<usize>> {
    let times = in_range(raw, "looping_after", 2, 1000)?;
    Ok(times.map(|times| times as usize))
}
