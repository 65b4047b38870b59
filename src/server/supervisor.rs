//! Keeps the launcher's long-lived tasks alive: one that panics, or ends although nobody asked it to, is recorded, shown and started again
//! after a pause.

use crate::core::duties::{Duty, caught};
use crate::domain::sentence::say;
use crate::sessions::agents::Agents;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause before the first new start; each further one waits twice as long. A person does not notice it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause: what fails again and again costs next to nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A task that ran for so long has recovered: its next failure is a new one.
const SOUND_AFTER: Duration = Duration::from_secs(60);

/// Starts `begin`'s task and keeps it alive until `stop`; then waits for its end.
pub fn keep<W>(
    agents: &Arc<Agents>,
    duty: Duty,
    stop: CancellationToken,
    begin: impl Fn() -> W + Send + 'static,
) -> JoinHandle<()>
where
    W: Future<Output = ()> + Send + 'static,
{
    let agents = Arc::clone(agents);
    tokio::spawn(async move {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let ended = caught(begin()).await;
            if stop.is_cancelled() {
                return;
            }
            if began.elapsed() >= SOUND_AFTER {
                pause = FIRST_PAUSE;
            }
            let reason = ended.map_or_else(
                |words| words,
                |()| say!("reason.ended_by_itself").to_string(),
            );
            agents.core.failed(duty, reason).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::codex::{self, Codex, calls::ClientInfo};
    use crate::config::{Config, Flags};
    use crate::core::{Core, Ledger};
    use crate::domain::department::{Approval, Localized, Sandbox};
    use crate::domain::event::Event;
    use crate::domain::ids::SessionId;
    use crate::domain::language::Language;
    use crate::domain::session::{Brief, Kind};
    use crate::governance::plan_checks::PlanCheckCache;
    use crate::journal::{Journal, system_clock};
    use crate::mailbox::handoffs::Handoffs;
    use crate::mailbox::{Folders, Ingest};
    use crate::sessions::drivers::codex::listener;
    use crate::terminal::Terminals;
    use crate::threads::Threads;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Mutex;

    fn planner() -> Brief {
        Brief {
            id: SessionId::parse("zhongshu-1").unwrap(),
            session_kind: Kind::Zhongshu,
            department: "zhongshu".into(),
            title: "Zhongshu".into(),
            task: "plan it".into(),
            files: Vec::new(),
            verify: Vec::new(),
            model: None,
            driver: "command".into(),
            sandbox: Sandbox::ReadOnly,
            approval: Approval::OnRequest,
            parent_session_id: None,
            assignment_id: None,
            review: None,
            resumed_from_session_id: None,
            prompt_path: PathBuf::new(),
            log_path: PathBuf::new(),
        }
    }

    /// A launcher without a door, in a repository of its own.
    struct House {
        folder: tempfile::TempDir,
        agents: Arc<Agents>,
        handoffs: Handoffs,
    }

    impl House {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let repo = folder.path().canonicalize().unwrap().join("repo");
            git2::Repository::init(&repo).unwrap();
            let home = ("HOME", folder.path().join("home"));
            let environment = [home].into_iter().collect();
            let config = Config::load(&Flags::default(), &repo, environment).unwrap();
            let place = config.places.clone();
            place.create().unwrap();
            let opened = Journal::open(&place.journal(), None, &system_clock()).unwrap();
            let handoffs = Handoffs::new(repo.clone());
            let ledger =
                Ledger::start_followed(opened, system_clock(), handoffs.follower()).unwrap();
            let (terminals, _events) =
                Terminals::new(place.clone(), PathBuf::new(), Duration::from_secs(1), 0).unwrap();
            let plan_checks = PlanCheckCache::default();
            let core = Core::new(Arc::new(config), ledger, PathBuf::new(), plan_checks);
            let threads = Threads::new(Err(Localized::same("none")), PathBuf::new());
            let agents = Agents::new(Arc::new(core), terminals, Arc::new(threads));
            Self {
                folder,
                agents,
                handoffs,
            }
        }
    }

    /// What was heard of a thread before Codex came back is void: whoever asked then has to ask again.
    #[tokio::test]
    async fn what_was_begun_with_one_connection_to_codex_counts_for_nothing_with_the_next() {
        let House {
            folder: _folder,
            agents,
            ..
        } = House::new();
        let id = SessionId::parse("zhilibu-1").unwrap();
        let before = agents.codex_connection();
        agents.disconnect_codex();
        assert!(!agents.connect_codex(&id, before) && !agents.is_connected(&id));
        assert!(agents.connect_codex(&id, agents.codex_connection()) && agents.is_connected(&id));
    }

    /// The real mailbox task; what breaks is where it asks for the configuration, the first two times.
    #[tokio::test]
    async fn a_mailbox_task_that_panics_is_started_again_and_the_person_sees_it() {
        let House {
            folder: _folder,
            agents,
            handoffs,
        } = House::new();
        let (place, ledger) = (agents.core.place.clone(), agents.core.ledger.clone());
        let registered = Event::SessionRegistered {
            brief: planner(),
            request: None,
        };
        assert!(agents.core.record(vec![registered]).await);
        let folders = Folders::open(&place.repo, &planner().id).unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let policies = agents.core.policies.subscribe();
        let catalog = Arc::new(move || {
            let times = asked.fetch_add(1, Ordering::Relaxed);
            assert!(times > 1, "the configuration is not there");
            Arc::new(policies.borrow().catalog.clone())
        });
        let stop = CancellationToken::new();
        let ingest = Ingest::new(
            place.repo.clone(),
            place.state.clone(),
            ledger.clone(),
            handoffs,
            catalog,
            stop.clone(),
        );
        let mut records = ledger.subscribe(None).unwrap();
        let task = keep(&agents, Duty::Mailbox, stop.clone(), move || {
            ingest.clone().run()
        });
        std::fs::write(folders.paths.incoming.join("odd.json"), "{\"a\":1}").unwrap();

        let mut failures = Vec::new();
        let taken = async {
            loop {
                match &records.recv().await.unwrap().record.event {
                    Event::TaskFailed { task, reason } => {
                        failures.push((task.clone(), reason.clone()));
                    }
                    Event::MailboxFileRejected { file, .. } => {
                        return file.name().map(str::to_owned);
                    }
                    _ => {}
                }
            }
        };
        let taken = tokio::time::timeout(Duration::from_secs(60), taken).await;
        assert_eq!(taken.unwrap().as_deref(), Some("odd.json"));
        let failure = (
            "mailbox".to_owned(),
            "the configuration is not there".to_owned(),
        );
        assert_eq!(failures, [failure.clone(), failure]);
        for (language, words) in [(Language::En, "(times: 2)"), (Language::Zh, "结束了 2 次")] {
            let warnings = agents.core.troubles.list(language);
            assert_eq!(warnings.len(), 1);
            assert!(warnings[0].1.contains(words), "{warnings:?}");
            assert!(warnings[0].1.contains("the configuration is not there"));
        }
        stop.cancel();
        task.await.unwrap();
        ledger.close().await;
    }

    /// The first app-server dies, and the pause after that is longer than any clock knows.
    #[tokio::test]
    async fn a_supervisor_of_codex_that_panics_is_started_again_once() {
        let House { folder, agents, .. } = House::new();
        let place = agents.core.place.clone();
        place.create_scratch().unwrap();
        let starts = folder.path().join("starts");
        let codex_bin = folder.path().join("codex");
        let text = format!(
            "#!/bin/sh\necho >> {0}\n[ $(wc -l < {0}) -gt 1 ] && exec sleep 600\nexit 1\n",
            starts.display()
        );
        std::fs::write(&codex_bin, text).unwrap();
        std::fs::set_permissions(&codex_bin, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (codex, incoming, supervision) = Codex::idle(codex::Settings {
            codex_bin,
            codex_home: None,
            socket: place.app_server_socket(),
            descriptor: place.app_server_descriptor(),
            log: place.state.join("app-server.log"),
            folder: place.app_server_folder(),
            config_overrides: Vec::new(),
            env_set: Vec::new(),
            env_remove: Vec::new(),
            client: ClientInfo {
                name: "test".into(),
                title: "test".into(),
                version: "0".into(),
            },
            opt_out: Vec::new(),
            timing: codex::Timing {
                backoff_first: Duration::MAX,
                backoff_longest: Duration::MAX,
                ..codex::Timing::default()
            },
        });
        let stop = CancellationToken::new();
        let mut records = agents.core.ledger.subscribe(None).unwrap();
        let incoming = Arc::new(Mutex::new(incoming));
        let listens = Arc::clone(&agents);
        let listener = keep(&agents, Duty::Codex, stop.clone(), move || {
            let connected = Arc::new(|| {});
            let overheard = Arc::new(|_: &codex::Incoming| {});
            let incoming = Arc::clone(&incoming);
            listener::listen(Arc::clone(&listens), incoming, connected, overheard)
        });
        let supervisor = keep(&agents, Duty::AppServer, stop.clone(), move || {
            supervision.clone().run()
        });
        codex.begin().await;
        let deadline = Instant::now() + Duration::from_secs(30);
        let again = || std::fs::read(&starts).is_ok_and(|starts| starts.len() > 1);
        let mut failures = Vec::new();
        while !again() {
            let left = deadline.saturating_duration_since(Instant::now());
            let record = tokio::time::timeout(left, records.recv()).await;
            assert!(record.is_ok(), "Codex was not started again: {failures:?}");
            if let Event::TaskFailed { task, reason } = &record.unwrap().unwrap().record.event {
                failures.push(format!("{task}: {reason}"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].starts_with("app_server: overflow"));
        let warnings = agents.core.troubles.list(Language::En);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        stop.cancel();
        codex.stop(Duration::ZERO).await.unwrap();
        supervisor.await.unwrap();
        listener.await.unwrap();
        agents.core.ledger.close().await;
    }
}
