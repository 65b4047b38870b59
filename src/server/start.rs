//! The start: every part in its order, every failure a sentence.

use super::supervisor::keep;
use super::watchers;
use super::{Server, commits, findings, harness_tasks, notify};
use crate::access::{
    Access, AccessEvent, Address, NoEntropy, PRINTED_KEY_LIFE, TokenError, TokenStore,
};
use crate::checks::evidence;
use crate::codex::{self, Codex, calls::ClientInfo, find};
use crate::config::Config;
use crate::core::duties::Duty;
use crate::core::past;
use crate::core::policy::Policy;
use crate::core::{Core, Ledger};
use crate::domain::department::Localized;
use crate::domain::event::Event;
use crate::domain::sentence::say;
use crate::domain::state::State;
use crate::governance::judging::CommittedFile;
use crate::governance::plan_checks::PlanCheckCache;
use crate::harness::extensions::Door;
use crate::harness::{self, Harness};
use crate::journal::{Journal, OpenError, Opened, system_clock};
use crate::mailbox;
use crate::mailbox::handoffs::Handoffs;
use crate::paths::{Lock, LockError, PathError, Places, ServerFile, write_private};
use crate::process::Identity;
use crate::reader::{ReadError, Reader};
use crate::sessions::agents::Agents;
use crate::sessions::drivers::codex::listener;
use crate::sessions::listeners;
use crate::sessions::reconciler::Reconciler;
use crate::terminal::{Front, Terminals};
use crate::threads::{CodexOrReason, Threads};
use crate::web;
use crate::web::app::App;
use crate::web::attention::Attention;
use crate::web::guard;
use crate::web::listen::{ListenError, Listener};
use crate::web::preferences::PreferenceFile;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What requests that are being answered get when the launcher ends.
const FRONT_GRACE: Duration = Duration::from_secs(2);

/// What Codex says, and its life.
type OfCodex = (mpsc::Receiver<codex::Incoming>, codex::Supervision);

/// Begins a task anew.
type Begin = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

/// Why the launcher does not start. Display is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder of ours cannot be used.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Another launcher works on this repository.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The journal cannot be opened.
    #[error("the journal cannot be opened: {0}")]
    Journal(#[from] OpenError),
    /// A port or socket cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The named tokens cannot be used.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The repository cannot be used.
    #[error("{} cannot be used: {source}", repo.display())]
    Repository {
        /// Its root.
        repo: PathBuf,
        /// Why not.
        source: ReadError,
    },
    /// Something of the system failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> StartError {
    move |source| StartError::Io { what, source }
}

/// Starts everything.
///
/// # Errors
/// When a place, the journal or a port cannot be had. Then nothing is left behind.
pub async fn start(config: Config) -> Result<Server, StartError> {
    let config = Arc::new(config);
    let places = &config.places;
    config.check_state()?;
    let program = std::env::current_exe().map_err(io("our own program cannot be found"))?;
    let committed = check_repository(&program, &places.repo).await?;
    let plan_checks = PlanCheckCache::default();
    plan_checks.set_committed(committed);
    places.create()?;
    places.create_scratch()?;
    let lock = Lock::take(places)?;
    let drafts = places.sweep_drafts();
    if drafts > 0 {
        tracing::info!(drafts, "half-written files of an earlier run were removed");
    }
    let tokens = TokenStore::open(&places.state)?;
    let clock = system_clock();
    let opened: Opened<State> =
        Journal::open(&places.journal(), Some(&places.audit_copy()), &clock)?;
    let findings = findings::of(&opened);
    let handoffs = Handoffs::new(places.repo.clone());
    let ledger = Ledger::start_followed(opened, Arc::clone(&clock), handoffs.follower())
        .map_err(io("the journal's thread cannot be started"))?;
    let of_harness = Journal::open(&places.harness_journal(), None, &clock)?;
    let harness_ledger = harness::Ledger::start(of_harness, clock)
        .map_err(io("the thread of the harness's journal cannot be started"))?;
    let listener = Listener::bind(config.port, &places.socket()).await?;
    let port = listener.port();

    let place = places.clone();
    let address = Address::fresh(port)?;
    let (terminals, terminal_events) = Terminals::new(
        place.clone(),
        program.clone(),
        config.settings().orphan_limit,
        port,
    )
    .map_err(io("the terminals' ports cannot be drawn"))?;
    let codex_bin = resolve_codex(&config);
    prepare_tui_home(&place).map_err(io("the terminals' CODEX_HOME cannot be made"))?;
    let (closing, acting) = (CancellationToken::new(), CancellationToken::new());
    // Whoever reads it waits at the door, which is open already.
    server_file(&address, places)?;
    let origins = address.origins();
    let (access, heard) = open_access(address, tokens, closing.clone());
    let login_url = access.login_url(&access.mint_login_key(PRINTED_KEY_LIFE)?, false);

    // Nothing from here on can fail: the app-server and its watchdog would stay behind.
    let (codex, of_codex) = prepare_codex(&config, &plan_checks, &place, &program, &codex_bin);
    if codex.is_ok() {
        let (descriptor, state) = (place.app_server_descriptor(), place.state.clone());
        access.trust_tool_servers(Box::new(move |pid| {
            codex::is_tool_server(&descriptor, &state, pid)
        }));
    }
    let core = Core::new(
        Arc::clone(&config),
        ledger.clone(),
        program.clone(),
        plan_checks,
    );
    let threads = Threads::new(codex.clone(), codex_bin.unwrap_or_default());
    let agents = Agents::new(Arc::new(core), terminals, Arc::new(threads));
    let harness = Harness::new(
        Arc::clone(&agents.core),
        Arc::clone(&agents.threads),
        Arc::clone(&agents.asks),
        harness_ledger,
    );
    harness.extensions.open(Door {
        url: format!(
            "{}{}",
            access.address().url().trim_end_matches('/'),
            web::harness::PREFIX
        ),
        passes: access.passes().clone(),
    });
    if let Ok(codex) = &codex {
        let streams = Arc::clone(&harness.streams);
        codex.overhear(move |told| streams.heard(told));
    }
    let (door, watched) = (Arc::downgrade(&access), Arc::downgrade(&agents));
    agents.terminals.set_front(Front {
        origins,
        standing: Some(Arc::new(move || {
            door.upgrade()
                .map_or_else(Vec::new, |access| access.standing())
        })),
        closing: closing.clone(),
        keep: Some(Arc::new(move |over, begin| {
            if let Some(agents) = watched.upgrade() {
                keep(&agents, Duty::Terminals, over, begin);
            }
        })),
    });
    let started = Event::ServerStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        findings,
    };
    agents.core.record(vec![started]).await;
    // What was taken out of the file while nobody looked needs a new yes.
    agents.core.renew_at_start().await;

    let (guarded_tx, guarded) = watch::channel(None);
    let (shutdown_tx, shutdown) = mpsc::channel(1);
    let attention = Arc::new(Attention::new(guarded.clone()));
    let app = App {
        agents: Arc::clone(&agents),
        harness: Arc::clone(&harness),
        shutdown: shutdown_tx,
        reports: Arc::new(tokio::sync::Semaphore::new(1)),
        reader: Arc::new(Reader::new(program.clone(), place.repo.clone())),
        sessions: Arc::default(),
        preferences: Arc::new(PreferenceFile::open(&place)),
        attention: Arc::clone(&attention),
        guarded,
    };
    let routes = web::routes(app, Arc::clone(&access), ledger.clone());
    let routes = guard::protect(
        [routes, web::harness::routes(Arc::clone(&harness))],
        Arc::clone(&access),
        agents.terminals.ports(),
    );
    let front = tokio::spawn(listener.serve(routes, closing.clone(), FRONT_GRACE));

    let keep_until_the_end = |duty, begin: Begin| keep(&agents, duty, acting.clone(), begin);
    let heard = Arc::new(Mutex::new(heard));
    let door = Arc::clone(&access);
    let keep_time = move || {
        let door = Arc::clone(&door);
        async move { door.keep_time().await }
    };
    let clock = keep(&agents, Duty::Access, closing.clone(), keep_time);
    let mut actors = vec![clock];
    actors.push(keep(&agents, Duty::Access, closing.clone(), {
        let agents = Arc::clone(&agents);
        move || watchers::access(Arc::clone(&agents), Arc::clone(&heard))
    }));
    actors.push(keep_until_the_end(Duty::Governance, {
        let (agents, acting) = (Arc::clone(&agents), acting.clone());
        Box::new(move || watchers::governance(Arc::clone(&agents), acting.clone()).boxed())
    }));
    actors.push(keep_until_the_end(Duty::Codex, {
        let (agents, acting) = (Arc::clone(&agents), acting.clone());
        Box::new(move || {
            watchers::codex(Arc::clone(&agents), program.clone(), acting.clone()).boxed()
        })
    }));
    actors.push(keep_until_the_end(Duty::Mailbox, {
        let ingest = mailbox_task(&agents, handoffs, &acting);
        Box::new(move || ingest.clone().run().boxed())
    }));
    actors.push(keep_until_the_end(Duty::Commits, {
        let (agents, acting) = (Arc::clone(&agents), acting.clone());
        Box::new(move || {
            commits::watch(Arc::clone(&agents), guarded_tx.clone(), acting.clone()).boxed()
        })
    }));
    actors.push(keep_until_the_end(Duty::History, {
        let (agents, acting) = (Arc::clone(&agents), acting.clone());
        Box::new(move || past::sweep(Arc::clone(&agents.core), acting.clone()).boxed())
    }));
    actors.push(keep_until_the_end(Duty::Notify, {
        let (agents, acting) = (Arc::clone(&agents), acting.clone());
        Box::new(move || {
            notify::tell(Arc::clone(&agents), Arc::clone(&attention), acting.clone()).boxed()
        })
    }));
    actors.extend(harness_tasks::keep_all(&agents, &harness, &acting));
    // These three bring about or hear of the ends that a stop asks for, and so outlive the actors.
    if let Some((incoming, supervision)) = of_codex {
        let begin = move || supervision.clone().run().boxed();
        keep_until_the_end(Duty::AppServer, Box::new(begin));
        let incoming = Arc::new(Mutex::new(incoming));
        let connected = Arc::new(watchers::on_connect(Arc::clone(&agents)));
        let overheard = Arc::new(move |event: &codex::Incoming| harness.hear(event));
        let listens = Arc::clone(&agents);
        let begin = move || {
            let (incoming, connected) = (Arc::clone(&incoming), Arc::clone(&connected));
            let overheard = Arc::clone(&overheard);
            listener::listen(Arc::clone(&listens), incoming, connected, overheard).boxed()
        };
        keep_until_the_end(Duty::Codex, Box::new(begin));
    }
    keep_until_the_end(Duty::Terminals, {
        let (agents, events) = (Arc::clone(&agents), Arc::new(Mutex::new(terminal_events)));
        Box::new(move || listeners::terminals(Arc::clone(&agents), Arc::clone(&events)).boxed())
    });
    evidence::sweep(&agents.core).await;
    agents.open_terminals().adopt().await;
    let reconciler = Reconciler::new(Arc::clone(&agents), acting.clone());
    actors.push(keep_until_the_end(
        Duty::Reconciler,
        Box::new(move || reconciler.clone().run().boxed()),
    ));
    Ok(Server {
        config,
        agents,
        access,
        codex: codex.ok(),
        closing,
        acting,
        front: Some(front),
        actors,
        shutdown,
        lock,
        login_url,
    })
}

/// A child opens the repository first: whatever a hostile one makes of that, this process does not wait for it.
async fn check_repository(program: &Path, repo: &Path) -> Result<CommittedFile, StartError> {
    let reader = Reader::new(program.to_owned(), repo.to_owned());
    let opened = tokio::task::spawn_blocking(move || reader.open()).await;
    let opened = opened.map_err(|error| StartError::Io {
        what: "the repository was not looked at",
        source: error.into(),
    })?;
    opened.map_err(|source| StartError::Repository {
        repo: repo.to_owned(),
        source,
    })
}

/// The native program, or the sentences that say why there is none.
fn resolve_codex(config: &Config) -> Result<PathBuf, Localized> {
    let path = config.environment().get("PATH");
    let found = find::resolve(config.codex_bin.as_deref(), None, path);
    found
        .map(|found| found.path)
        .map_err(|error| say!("codex.find.then_restart", error => error.sentence()).both())
}

/// Codex as it will be once it begins; nothing of it runs yet.
fn prepare_codex(
    config: &Config,
    plan_checks: &PlanCheckCache,
    place: &Places,
    program: &Path,
    codex_bin: &Result<PathBuf, Localized>,
) -> (CodexOrReason, Option<OfCodex>) {
    if !Policy::of(config, None, plan_checks).uses_codex() {
        let reason = say!("codex.not_asked_for").both();
        return (Err(reason), None);
    }
    let codex_bin = match codex_bin {
        Ok(codex_bin) => codex_bin,
        Err(reason) => return (Err(reason.clone()), None),
    };
    let quote = |text: &str| serde_json::to_string(text).expect("a string is plain data");
    let tool_server = format!(
        "mcp_servers.zhongshu={{command={},args=[\"mcp\",\"--state-dir\",{}],default_tools_approval_mode=\"approve\"}}",
        quote(&program.to_string_lossy()),
        quote(&place.state.to_string_lossy()),
    );
    let (codex, incoming, supervision) = Codex::idle(codex::Settings {
        codex_bin: codex_bin.clone(),
        codex_home: config.codex_home.clone(),
        socket: place.app_server_socket(),
        descriptor: place.app_server_descriptor(),
        log: place.state.join("app-server.log"),
        folder: place.app_server_folder(),
        config_overrides: vec![tool_server],
        env_set: Vec::new(),
        env_remove: Vec::new(),
        client: ClientInfo {
            name: "zhongshu".to_owned(),
            title: "zhongshu".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        opt_out: Vec::new(),
        timing: codex::Timing::default(),
    });
    (Ok(codex), Some((incoming, supervision)))
}

/// The TUIs' own CODEX_HOME: nothing of it concerns the user's. They need no login, since they only show.
fn prepare_tui_home(place: &Places) -> std::io::Result<()> {
    let config = place.tui_home().join("config.toml");
    if config.exists() {
        return Ok(());
    }
    let text = "check_for_update_on_startup = false\n[analytics]\nenabled = false\n[features]\ndaemon_auto_start = false\n";
    write_private(&config, text.as_bytes())
}

/// A person who knocks is told by the access rules; what the journal should know goes through a short queue.
fn open_access(
    address: Address,
    tokens: TokenStore,
    closing: CancellationToken,
) -> (Arc<Access>, mpsc::Receiver<AccessEvent>) {
    let (tell, heard) = mpsc::channel(64);
    // When the queue is full the journal is busy with more important things; the access rules count what is untold.
    let observer = Box::new(move |event| drop(tell.try_send(event)));
    (
        Arc::new(Access::new(address, tokens, closing, observer)),
        heard,
    )
}

fn server_file(address: &Address, places: &Places) -> Result<(), StartError> {
    let pid = std::process::id();
    let file = ServerFile {
        socket: places.socket(),
        url: address.url(),
        page_url: address.page_url(),
        pid,
        started_at_ticks: Identity::of(pid).map(|identity| identity.start_ticks),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(file.write(places)?)
}

fn mailbox_task(
    agents: &Arc<Agents>,
    handoffs: Handoffs,
    acting: &CancellationToken,
) -> mailbox::Ingest {
    let policies = agents.core.policies.subscribe();
    let catalog = Arc::new(move || Arc::new(policies.borrow().catalog.clone()));
    let ingest = mailbox::Ingest::new(
        agents.core.place.repo.clone(),
        agents.core.place.state.clone(),
        agents.core.ledger.clone(),
        handoffs,
        catalog,
        acting.clone(),
    );
    agents.set_mailbox(ingest.nudge());
    ingest
}
