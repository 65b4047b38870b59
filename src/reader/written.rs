//! A report that stands, as JSON: written once, and handed out again under other names.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::report::Report;
use crate::governance::report::Name;

/// See the module.
pub(super) struct Written {
    report: Arc<Report>,
    json: String,
    /// Where its id and its time stand.
    id: Range<usize>,
    time: Range<usize>,
}

impl Written {
    pub(super) fn new(report: Arc<Report>) -> serde_json::Result<Self> {
        let json = serde_json::to_string(&*report)?;
        // Both stand before anything that comes from the repository.
        let place = |value: String| {
            let start = json.find(&value).unwrap_or_default();
            start..start + value.len()
        };
        Ok(Self {
            id: place(serde_json::to_string(&report.id)?),
            time: place(serde_json::to_string(&report.generated_at)?),
            report,
            json,
        })
    }

    pub(super) fn is_of(&self, report: &Arc<Report>) -> bool {
        Arc::ptr_eq(&self.report, report)
    }

    /// The same with another id and time.
    pub(super) fn renamed(&self, name: &Name) -> serde_json::Result<Vec<u8>> {
        let known = self.json.as_bytes();
        let mut json = Vec::with_capacity(known.len() + 16);
        json.extend_from_slice(&known[..self.id.start]);
        serde_json::to_writer(&mut json, &name.id)?;
        json.extend_from_slice(&known[self.id.end..self.time.start]);
        serde_json::to_writer(&mut json, &name.generated_at)?;
        json.extend_from_slice(&known[self.time.end..]);
        Ok(json)
    }
}
