//! Who may look at a terminal. A terminal that a launcher started has no secret of its own: it asks its launcher whose
//! token was presented, and remembers the answer until that credential ends. One that was started by hand has one token.
//! Knows nothing of sockets; `viewer` and `server` ask it, `control_server` tells it.
//!
//! # Without a launcher
//!
//! Whoever looks goes on, since a crash of the launcher must not blank terminals; nobody new is let in, and no page may
//! show the terminal in a frame: another program may have taken the launcher's port by then.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::control::{Event, Granted, Over};
use crate::terminal::lock;
use crate::token::{Mode, TokenHash};

/// Tokens that are remembered. Those in use are never forgotten; a tenth would ask the launcher at each reload of a page.
const MAX_GRANTS: usize = 64;
/// Questions that wait for an answer at once. Anybody can ask; eight viewers do so in a blink.
const MAX_ASKED: usize = 64;
/// A launcher answers within a millisecond; one that does not is stuck, and the page tries again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What a credential opened here. Whoever holds one has to stop when it is over.
pub(crate) struct Grant {
    hash: TokenHash,
    /// The launcher's name for the credential; a terminal that was started by hand has no names.
    holder: Option<String>,
    /// What it allows.
    pub(crate) mode: Mode,
    over: watch::Sender<Option<Over>>,
}

impl Grant {
    fn new(hash: TokenHash, holder: Option<String>, mode: Mode) -> Arc<Self> {
        Arc::new(Self {
            hash,
            holder,
            mode,
            over: watch::Sender::new(None),
        })
    }

    /// Waits until the credential has ended, and says how.
    pub(crate) async fn over(&self) -> Over {
        let mut over = self.over.subscribe();
        let over = over.wait_for(Option::is_some).await.map(|over| *over);
        match over {
            Ok(Some(over)) => over,
            // It was waited for, and its sender is in here.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

/// What becomes of a token that is presented.
pub(crate) enum Entry {
    /// Come in.
    Granted(Arc<Grant>),
    /// Nobody knows it.
    Unknown,
    /// No launcher is there to say whose it is.
    Unattended,
}

/// See the module.
pub(crate) struct Doorkeeper {
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    /// Started by hand: nobody is asked.
    alone: bool,
    /// Connections of launchers that proved themselves, the newest last.
    launchers: Vec<(u64, mpsc::Sender<Event>)>,
    frame_ancestors: Vec<String>,
    grants: VecDeque<Arc<Grant>>,
    asked: HashMap<u64, Question>,
    next: u64,
}

/// A token whose holder the launcher was asked for.
/// A question, until it is answered or whoever waited has gone.
struct Asked<'a> {
    books: &'a Doorkeeper,
    ask: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.books.lock().asked.remove(&self.ask);
    }
}

struct Question {
    hash: TokenHash,
    tell: oneshot::Sender<Option<Arc<Grant>>>,
}

impl Doorkeeper {
    /// For a terminal of a launcher, which is to be asked.
    pub(crate) fn attended() -> Self {
        Self {
            books: Mutex::default(),
        }
    }

    /// For a terminal that was started by hand: whoever has this token may write.
    pub(crate) fn alone(token: &str) -> Self {
        let books = Books {
            alone: true,
            grants: [Grant::new(TokenHash::of(token), None, Mode::Write)].into(),
            ..Books::default()
        };
        Self {
            books: Mutex::new(books),
        }
    }

    /// Whose token it is, asked of the launcher unless it is remembered.
    pub(crate) async fn enter(&self, token: &str) -> Entry {
        let hash = TokenHash::of(token);
        let (ask, answer, launcher) = {
            let mut books = self.lock();
            if !books.alone && books.launchers.is_empty() {
                return Entry::Unattended;
            }
            if let Some(grant) = books.remembered(&hash) {
                return Entry::Granted(grant);
            }
            let Some((_, launcher)) = books.launchers.last().cloned() else {
                return Entry::Unknown;
            };
            if books.asked.len() >= MAX_ASKED {
                return Entry::Unattended;
            }
            books.next += 1;
            let ask = books.next;
            let (tell, answer) = oneshot::channel();
            books.asked.insert(ask, Question { hash, tell });
            (ask, answer, launcher)
        };
        let question = Event::Presented {
            ask,
            token_sha256: hash,
        };
        let _asked = Asked { books: self, ask };
        let asked = launcher.try_send(question).is_ok();
        let answer = match asked {
            true => tokio::time::timeout(ANSWER_WITHIN, answer).await.ok(),
            false => None,
        };
        match answer {
            Some(Ok(Some(grant))) => Entry::Granted(grant),
            Some(Ok(None)) => Entry::Unknown,
            Some(Err(_)) | None => Entry::Unattended,
        }
    }

    /// The launcher says whose a token is. Remembered before anything else is heard of it, so that an end that follows
    /// finds it.
    pub(crate) fn answer(&self, ask: u64, granted: Option<Granted>) {
        let mut books = self.lock();
        let Some(Question { hash, tell }) = books.asked.remove(&ask) else {
            return;
        };
        let grant = granted.and_then(|granted| {
            let grant = Grant::new(hash, Some(granted.holder), granted.mode);
            books.remember(&grant).then_some(grant)
        });
        // Whoever asked may have gone.
        tell.send(grant).ok();
    }

    /// A credential has ended, and with it what it opened here.
    pub(crate) fn revoke(&self, holder: &str, over: Over) {
        self.lock()
            .end(|known| known.is_some_and(|known| known == holder), over);
    }

    /// A launcher has proved itself. Of what earlier ones opened, only what belongs to these holders goes on.
    pub(crate) fn attend(
        self: &Arc<Self>,
        events: mpsc::Sender<Event>,
        standing: &[String],
        frame_ancestors: Vec<String>,
    ) -> Attendance {
        let mut books = self.lock();
        books.end(
            |known| known.is_some_and(|known| !standing.iter().any(|stands| stands == known)),
            Over::Restarted,
        );
        books.frame_ancestors = frame_ancestors;
        books.next += 1;
        let number = books.next;
        books.launchers.push((number, events));
        Attendance {
            doorkeeper: Arc::clone(self),
            number,
        }
    }

    /// Who may show the page in a frame: nobody, while no launcher is there.
    pub(crate) fn frame_ancestors(&self) -> Vec<String> {
        self.lock().frame_ancestors.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }
}

impl Books {
    fn remembered(&mut self, hash: &TokenHash) -> Option<Arc<Grant>> {
        let mut found = None;
        // All of them, so that the time does not tell which one came close.
        for (at, grant) in self.grants.iter().enumerate() {
            if grant.hash.matches(hash) {
                found = Some(at);
            }
        }
        let grant = self.grants.remove(found?)?;
        self.grants.push_back(Arc::clone(&grant));
        Some(grant)
    }

    /// False when all places are taken by what is in use.
    fn remember(&mut self, grant: &Arc<Grant>) -> bool {
        if self.grants.len() >= MAX_GRANTS {
            let unused = |grant: &Arc<Grant>| Arc::strong_count(grant) == 1;
            let Some(oldest) = self.grants.iter().position(unused) else {
                return false;
            };
            self.grants.remove(oldest);
        }
        self.grants.push_back(Arc::clone(grant));
        true
    }

    fn end(&mut self, which: impl Fn(Option<&str>) -> bool, over: Over) {
        self.grants.retain(|grant| {
            let ends = which(grant.holder.as_deref());
            if ends {
                grant.over.send_replace(Some(over));
            }
            !ends
        });
    }
}

/// A launcher that proved itself, for as long as its connection lives.
pub(crate) struct Attendance {
    doorkeeper: Arc<Doorkeeper>,
    number: u64,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let mut books = self.doorkeeper.lock();
        books.launchers.retain(|(number, _)| *number != self.number);
        if books.launchers.is_empty() {
            books.frame_ancestors.clear();
            // Nobody will answer these any more.
            books.asked.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn enters(keeper: &Arc<Doorkeeper>, token: &str, holder: &str) -> Arc<Grant> {
        let (events, mut heard) = mpsc::channel(4);
        let attendance = keeper.attend(events, &["cli".to_owned(), holder.to_owned()], Vec::new());
        let asking = tokio::spawn({
            let (keeper, token) = (Arc::clone(keeper), token.to_owned());
            async move { keeper.enter(&token).await }
        });
        if let Some(Event::Presented { ask, .. }) = heard.recv().await {
            let holder = holder.to_owned();
            keeper.answer(
                ask,
                Some(Granted {
                    holder,
                    mode: Mode::Write,
                }),
            );
        }
        let entry = asking.await.unwrap();
        drop(attendance);
        match entry {
            Entry::Granted(grant) => grant,
            _ => panic!("not granted"),
        }
    }

    #[tokio::test]
    async fn what_is_in_use_is_never_forgotten_and_ends_with_its_holder() {
        let keeper = Arc::new(Doorkeeper::attended());
        let used = enters(&keeper, "used", "token:a").await;
        for number in 0..2 * MAX_GRANTS {
            drop(enters(&keeper, &format!("{number}"), "token:a").await);
        }
        assert_eq!(keeper.lock().grants.len(), MAX_GRANTS);
        keeper.revoke("token:a", Over::Revoked);
        assert_eq!(used.over().await, Over::Revoked);
        assert!(keeper.lock().grants.is_empty());
    }

    #[tokio::test]
    async fn without_a_launcher_nobody_enters_and_the_next_one_says_who_still_stands() {
        let keeper = Arc::new(Doorkeeper::attended());
        let tab = enters(&keeper, "tab", "browser:1-0").await;
        let script = enters(&keeper, "script", "cli").await;
        // The last claim named the command line alone.
        assert_eq!(tab.over().await, Over::Restarted);
        assert!(matches!(keeper.enter("script").await, Entry::Unattended));
        assert!(keeper.frame_ancestors().is_empty());
        let (events, _heard) = mpsc::channel(4);
        let _attendance = keeper.attend(events, &["cli".to_owned()], vec!["http://x".to_owned()]);
        assert_eq!(keeper.frame_ancestors(), ["http://x"]);
        assert!(matches!(keeper.enter("script").await, Entry::Granted(_)));
        drop(script);
    }
}
