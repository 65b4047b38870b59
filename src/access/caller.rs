//! Who is asking. The guard decides it once per request from the connection and the credential; nothing in a body or a
//! query ever does.

/// How a person reached us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The dashboard.
    Browser,
    /// The command line, over the unix socket.
    CommandLine,
    /// A named token of scope `human`.
    Token(String),
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The person.
    Person {
        /// How they reached us.
        via: Via,
    },
    /// A script that may look.
    Reader {
        /// Name of its token.
        name: String,
    },
    /// A script that may look, and drive threads through the harness API.
    Harness {
        /// Name of its token.
        name: String,
    },
    /// An extension that handles an event of a session, and may read that one.
    Extension {
        /// Who it is.
        agent_id: String,
        /// The session.
        session_id: String,
    },
    /// The tool server, speaking for the agent of one Codex thread.
    Agent {
        /// The thread.
        thread_id: String,
    },
}

impl Caller {
    /// What the journal names as the actor.
    pub fn actor(&self) -> String {
        match self {
            Self::Person { via: Via::Browser } => "person".to_owned(),
            Self::Person {
                via: Via::CommandLine,
            } => "person:cli".to_owned(),
            Self::Person {
                via: Via::Token(name),
            } => format!("token:{name}"),
            Self::Reader { name } => format!("reader:{name}"),
            Self::Harness { name } => format!("harness:{name}"),
            Self::Extension { agent_id, .. } => format!("extension:{agent_id}"),
            Self::Agent { thread_id } => format!("agent:{thread_id}"),
        }
    }

    /// Whether it reads results by looking at them, as scripts do; a page says so by a POST of its own.
    pub fn reads_by_looking(&self) -> bool {
        matches!(
            self,
            Self::Person {
                via: Via::CommandLine | Via::Token(_)
            }
        )
    }

    /// Whether it is the person.
    pub fn is_person(&self) -> bool {
        matches!(self, Self::Person { .. })
    }
}
