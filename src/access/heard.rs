//! What others may hear about who came in, who was shown out and who was refused.

/// What the journal should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessEvent {
    /// Somebody got access.
    Granted {
        /// `browser`, or the name of a token.
        to: String,
        /// `human`, `harness` or `read`.
        scope: &'static str,
        /// Who gave it, as the journal names actors.
        by: String,
    },
    /// A credential was taken away.
    Revoked {
        /// `browser`, or the name of a token.
        to: String,
        /// Who took it; nobody did where it ended by a rule of ours.
        by: Option<String>,
    },
    /// Somebody knocked with a wrong credential, Host or Origin, or tried what is not theirs to do. At most a few per minute are told; the reason says how
    /// many were not.
    Refused {
        /// What was wrong.
        reason: String,
        /// Which path, without its query.
        path: String,
        /// Who it was, as the journal names actors, where that is known.
        by: Option<String>,
    },
}

/// Hears of access events. It is called in the middle of requests: it must not block.
pub type Observer = Box<dyn Fn(AccessEvent) + Send + Sync>;
