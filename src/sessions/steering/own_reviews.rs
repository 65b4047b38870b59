//! Reviews by Codex that a session asked for itself: begun when the session is idle, and told of when they are over. A crash in between loses no
//! word: a review that had begun counts as over when its session is idle again.

use super::Steering;
use super::refusals::refusal;
use crate::core::LAUNCHER;
use crate::core::done::Done;
use crate::core::live::Activity;
use crate::domain::flow::codex_reviews;
use crate::domain::session::Session;
use crate::domain::steering::Target;
use crate::threads::Feature;

impl Steering<'_> {
    /// Whether the installed Codex can review.
    pub fn can_review(&self) -> bool {
        self.0.threads.can(Feature::Reviews)
    }

    /// Begins the review that waits for the end of this session's turn.
    pub async fn begin_own_review(&self, session: &Session) -> Done {
        let id = session.id();
        // Until its turn is heard to begin, the session is not idle: nothing else is given to it, and the review is not taken for over.
        self.0.core.live.set_activity(id, Activity::Working);
        let key = id.clone();
        let begin = move |state: &_| codex_reviews::begin(state, &key);
        let begun = self.0.core.decide(LAUNCHER, begin).await;
        let started = match &begun {
            Ok(Some(target)) => self.start(session, target).await,
            Ok(None) | Err(_) => {
                self.0.core.live.set_activity(id, Activity::Idle);
                return Done::of(begun);
            }
        };
        match started {
            Ok(()) => Done::Settled,
            Err(reason) => {
                self.0.core.live.set_activity(id, Activity::Idle);
                self.end(session, Some(reason)).await
            }
        }
    }

    async fn start(&self, session: &Session, target: &Target) -> Result<(), String> {
        let thread = self.thread(session).map_err(|it| it.to_string())?;
        let started = thread.review(target).await;
        let refused = |error| refusal(session.id(), error).to_string();
        started.map(drop).map_err(refused)
    }

    /// The review that had begun is over, and its session is told so.
    pub async fn end_own_review(&self, session: &Session) -> Done {
        self.end(session, None).await
    }

    async fn end(&self, session: &Session, reason: Option<String>) -> Done {
        let language = self.0.core.policy().catalog.language;
        let id = session.id().clone();
        let ended = self.0.core.decide(LAUNCHER, move |state| {
            codex_reviews::end(state, language, &id, reason)
        });
        Done::of(ended.await)
    }
}
