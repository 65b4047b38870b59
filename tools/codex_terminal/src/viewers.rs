//! Who looks at a terminal: admission, the list of viewers, and which of them owns the size. Bounded; a place is free
//! again when its guard is dropped.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use crate::seats::{Lost, Seat};
use crate::terminal::{Terminal, lock};
use crate::token::Mode;

/// More people do not look at one terminal; more sockets are somebody's mistake or attack.
pub const MAX_VIEWERS: usize = 8;
/// Sockets that have shown no token yet; at the bound the oldest gives way. A page shows its token within milliseconds: a
/// tenth would let a moderate flood push pages out, ten times as many would only keep a flood.
pub(crate) const MAX_STRANGERS: usize = 32;
/// A page's made-up name.
const MAX_CLIENT_NAME: usize = 64;

/// One attached browser.
pub struct Viewer {
    /// Its number.
    pub number: u64,
    /// What it may do.
    pub mode: Mode,
    /// Under which name its inputs are numbered.
    pub client: String,
    /// Forbidden messages.
    pub dropped: AtomicU64,
    /// Gaps it got.
    pub gaps: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Viewers {
    next_number: u64,
    pub(crate) attached: Vec<Arc<Viewer>>,
    /// Writers, the one that had the focus last at the end.
    focus: Vec<u64>,
    /// Writers that get all output from here on.
    reading: Vec<u64>,
    /// Before this byte it was the other way round: while writers read, none did, and the reverse.
    turned_at: u64,
}

impl Terminal {
    /// Lets a connection in that has not shown its token yet.
    pub fn admit(self: &Arc<Self>) -> Option<Admission> {
        if lock(&self.viewers).attached.len() >= MAX_VIEWERS {
            return None;
        }
        let (seat, lost) = self.strangers.take();
        Some(Admission {
            terminal: self.clone(),
            _seat: seat,
            lost,
        })
    }

    fn attach(self: &Arc<Self>, mode: Mode, client: String) -> Option<Attachment> {
        let mut viewers = lock(&self.viewers);
        if viewers.attached.len() >= MAX_VIEWERS {
            return None;
        }
        viewers.next_number += 1;
        let number = viewers.next_number;
        let named = !client.is_empty() && client.len() <= MAX_CLIENT_NAME;
        let viewer = Arc::new(Viewer {
            number,
            mode,
            client: if named {
                client
            } else {
                format!("viewer {number}")
            },
            dropped: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
        });
        viewers.attached.push(viewer.clone());
        if mode == Mode::Write {
            // A newcomer owns the size only when nobody did; the focus decides from then on.
            viewers.focus.insert(0, viewer.number);
        }
        self.publish_owner(&viewers);
        Some(Attachment {
            terminal: self.clone(),
            viewer,
        })
    }

    fn detach(&self, number: u64) {
        let mut viewers = lock(&self.viewers);
        viewers.attached.retain(|viewer| viewer.number != number);
        viewers.focus.retain(|known| *known != number);
        let was_read = !viewers.reading.is_empty();
        viewers.reading.retain(|known| *known != number);
        if was_read && viewers.reading.is_empty() {
            viewers.turned_at = self.feed.end();
        }
        self.publish_owner(&viewers);
        drop(viewers);
        *lock(&self.last_presence) = Instant::now();
    }

    /// A writer got the focus.
    pub fn focus(&self, viewer: &Viewer) {
        if viewer.mode == Mode::Write && *self.owner.borrow() != Some(viewer.number) {
            let mut viewers = lock(&self.viewers);
            viewers.focus.retain(|known| *known != viewer.number);
            viewers.focus.push(viewer.number);
            self.publish_owner(&viewers);
        }
    }

    /// From now on a viewer gets all that is printed. Gives the byte from which on it answers when the program asks for
    /// colours, as the owner: before, another writer did, or the sidecar where it can.
    pub(crate) fn reads(&self, viewer: &Viewer) -> u64 {
        let mut viewers = lock(&self.viewers);
        let printed = self.feed.end();
        if viewer.mode == Mode::Write {
            if viewers.reading.is_empty() {
                viewers.turned_at = printed;
            }
            viewers.reading.push(viewer.number);
        }
        self.theme.map_or(0, |_| printed)
    }

    /// Whether a writer saw what was printed before byte `offset` and after the byte where that last changed.
    pub(crate) fn writer_read(&self, offset: u64) -> bool {
        let viewers = lock(&self.viewers);
        (offset > viewers.turned_at) != viewers.reading.is_empty()
    }

    fn publish_owner(&self, viewers: &Viewers) {
        let owner = viewers.focus.last().copied();
        self.owner
            .send_if_modified(|known| std::mem::replace(known, owner) != owner);
    }

    /// Whether a viewer owns the size.
    pub fn is_owner(&self, viewer: &Viewer) -> bool {
        *self.owner.borrow() == Some(viewer.number)
    }
}

/// A socket that has not shown its token yet.
pub struct Admission {
    terminal: Arc<Terminal>,
    _seat: Seat,
    lost: Lost,
}

impl Admission {
    /// Waits until a newer one needs the place.
    pub async fn lost(&mut self) {
        self.lost.lost().await;
    }

    /// Makes it a viewer, if there is still room.
    pub fn attach(self, mode: Mode, client: String) -> Option<Attachment> {
        self.terminal.attach(mode, client)
    }
}

/// A viewer for as long as this lives.
pub struct Attachment {
    terminal: Arc<Terminal>,
    /// Who.
    pub viewer: Arc<Viewer>,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.terminal.detach(self.viewer.number);
    }
}
