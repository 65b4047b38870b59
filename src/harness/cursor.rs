//! Where a page of sessions goes on: behind a thread, in the order of the list. A thread that comes or goes moves nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as OPAQUE;

/// A place in one of the two lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    archived: bool,
    created_at: i64,
    id: String,
}

impl Place {
    /// Behind the thread with this id, begun at this second since 1970.
    pub fn behind(archived: bool, created_at: i64, id: &str) -> Self {
        Self {
            archived,
            created_at,
            id: id.to_owned(),
        }
    }

    /// Whether another thread comes later, newest being first.
    pub fn is_before(&self, created_at: i64, id: &str) -> bool {
        (created_at, id) < (self.created_at, self.id.as_str())
    }

    /// The text for a client.
    pub fn cursor(&self) -> String {
        let list = list(self.archived);
        OPAQUE.encode(format!("{list}.{}.{}", self.created_at, self.id))
    }

    /// Reads a cursor of this list; `None` for anything else.
    pub fn read(cursor: &str, archived: bool) -> Option<Self> {
        let text = String::from_utf8(OPAQUE.decode(cursor).ok()?).ok()?;
        let (of, rest) = text.split_once('.')?;
        let (created_at, id) = rest.split_once('.')?;
        (of == list(archived)).then_some(Self {
            archived,
            created_at: created_at.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

fn list(archived: bool) -> &'static str {
    match archived {
        true => "archived",
        false => "open",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let place = Place {
            archived: false,
            created_at: 1_700_000_000,
            id: "a.b".to_owned(),
        };
        let cursor = place.cursor();
        assert_eq!(Place::read(&cursor, false), Some(place));
        assert_eq!(Place::read(&cursor, true), None);
        for foreign in ["", "x", "!", "b3Blbg", &OPAQUE.encode("open.now.id")] {
            assert_eq!(Place::read(foreign, false), None, "{foreign}");
        }
    }
}
