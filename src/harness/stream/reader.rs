//! One reader: where it stands, and what it follows.

use super::backlog::{Next, Place};
use super::cursor::Cursor;
use super::followed::Following;
use super::frames::{Event, Frame, Scene, Whose};
use super::reach::Filter;
use crate::harness::Harness;
use std::sync::Arc;

/// How much a reader is told of each event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Names {
    /// It by all its names, each in a frame.
    #[default]
    All,
    /// It once.
    One,
}

/// What a reader is told next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something happened; one text or more.
    Frames(Vec<Arc<str>>),
    /// Where it stood is not known any more: what happened since then has to be read elsewhere. It stands here now.
    Reset(Cursor),
}

/// One reader.
pub struct Reader {
    harness: Arc<Harness>,
    place: Place<Event>,
    /// The place that it asked for is of another start.
    is_elsewhere: bool,
    filter: Filter,
    names: Names,
    following: Following,
}

impl Harness {
    /// A reader that goes on behind a place, or begins with what happens from now on. It is told of everything until it follows something.
    pub fn reader(self: &Arc<Self>, after: Option<&Cursor>, names: Names) -> Reader {
        let streams = &self.streams;
        let own = after.filter(|it| it.epoch == streams.epoch);
        Reader {
            harness: Arc::clone(self),
            place: streams.backlog.reader(own.map(|it| it.seq)),
            is_elsewhere: after.is_some() && own.is_none(),
            filter: Filter::Everything,
            names,
            following: Following::new(Arc::clone(streams)),
        }
    }

    fn scene(&self, id: &str) -> Scene {
        let (is_deleted, project_id) = self.ledger.read(|state| {
            let own = state.sessions.get(id);
            let project_id = own.and_then(|it| it.project_id.clone());
            (state.deleted.contains_key(id), project_id)
        });
        let whose = match is_deleted {
            _ if self.is_system_owned(id) => Whose::Launchers,
            _ if self.asides.is_one(id) => Whose::Nobodys,
            true => Whose::Deleted,
            false => Whose::Users,
        };
        Scene {
            whose,
            title: self.index.get(id).map(|known| known.title().to_owned()),
            project_id: project_id.map(|it| it.0),
        }
    }
}

impl Reader {
    /// Where it stands.
    pub fn cursor(&self) -> Cursor {
        self.harness.streams.cursor(self.place.after())
    }

    /// From now on it is told of what this lets through. Returns when the threads in it are listened to, or after a while.
    pub async fn follow(&mut self, filter: Filter) {
        self.following.follow(filter.threads()).await;
        self.filter = filter;
    }

    /// What it is told next; waits for it. Cancel-safe.
    pub async fn next(&mut self) -> Told {
        if std::mem::take(&mut self.is_elsewhere) {
            return Told::Reset(self.cursor());
        }
        loop {
            let event = match self.place.next().await {
                Next::Event(event) => event,
                Next::Gone => return Told::Reset(self.cursor()),
            };
            let frames = self.frames(&event);
            if !frames.is_empty() {
                return Told::Frames(frames);
            }
        }
    }

    fn frames(&self, event: &Event) -> Vec<Arc<str>> {
        let frames = event.frames(&self.filter, |id| self.harness.scene(id));
        let texts = frames.map(|frame: &Frame| Arc::clone(&frame.text));
        match self.names {
            Names::All => texts.collect(),
            Names::One => texts.take(1).collect(),
        }
    }
}
