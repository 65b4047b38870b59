//! How lists are read in pages: `limit`, and `before` with the id of the last one that was seen.

use super::error::ApiError;
use crate::domain::sentence::say;
use crate::domain::state::recent::Page;
use serde::Deserialize;

/// The most of one page.
pub const MAX_PAGE: usize = 1_000;
/// How many there are when nobody says how many.
const USUAL: usize = 200;

/// What a request says about the page that it wants.
#[derive(Debug, Deserialize)]
pub struct PageWish<Id> {
    /// The last one that was seen.
    #[serde(default = "none")]
    pub before: Option<Id>,
    /// How many.
    #[serde(default)]
    pub limit: Option<usize>,
}

const fn none<Id>() -> Option<Id> {
    None
}

impl<Id> PageWish<Id> {
    /// The page; `None` when the request says nothing about one.
    ///
    /// # Errors
    /// When it shall have more or less than a page may have.
    pub fn page(self) -> Result<Option<Page<Id>>, ApiError> {
        let Self { before, limit } = self;
        if before.is_none() && limit.is_none() {
            return Ok(None);
        }
        let limit = limit.unwrap_or(USUAL);
        if limit == 0 || limit > MAX_PAGE {
            let message = say!("refusal.invalid_limit", max_limit = MAX_PAGE);
            return Err(ApiError::invalid("invalid_limit", message));
        }
        Ok(Some(Page { before, limit }))
    }

    /// The page; the newest ones when the request says nothing about one. `limit` is how many when it does not say.
    ///
    /// # Errors
    /// As [`PageWish::page`].
    pub fn or_newest(self, limit: usize) -> Result<Page<Id>, ApiError> {
        let wish = Self {
            limit: self.limit.or(Some(limit)),
            ..self
        };
        Ok(wish.page()?.unwrap_or(Page::newest(limit)))
    }
}
