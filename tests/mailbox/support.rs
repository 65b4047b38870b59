//! A launcher reduced to its journal and its mailbox task, over real folders.
#![allow(clippy::unwrap_used, dead_code)]

use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zhongshu::domain::department::{Approval, Sandbox, built_in};
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::{Catalog, sessions};
use zhongshu::domain::ids::SessionId;
use zhongshu::domain::language::Language;
use zhongshu::domain::plan_review::ReviewedPlan;
use zhongshu::domain::result::TaskResult;
use zhongshu::domain::session::{Brief, Kind, Outcome};
use zhongshu::domain::state::State;
use zhongshu::governance::plan_checks::PlanCheckCache;
use zhongshu::journal::{self, Journal};
use zhongshu::ledger::Ledger;
use zhongshu::mailbox::handoffs::Handoffs;
use zhongshu::mailbox::threads::{self, ThreadRecord};
use zhongshu::mailbox::{Folders, Ingest, Nudge, Paths, Timing};

pub fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

pub fn catalog() -> Arc<Catalog> {
    Arc::new(Catalog {
        departments: built_in(),
        models: None,
        language: Language::En,
        checker: PlanCheckCache::default().checks(&Arc::default()),
        review: zhongshu::domain::plan_review::ReviewRule::OFF,
    })
}

/// Short enough for tests, long enough that a busy machine does not change their meaning.
pub fn timing() -> Timing {
    Timing {
        quiet: Duration::from_millis(100),
        unfinished: Duration::from_secs(20),
        rescan: Duration::from_millis(300),
        strays: Duration::from_millis(900),
        span: Duration::from_secs(2),
    }
}

pub struct House {
    pub dir: TempDir,
    pub repo: PathBuf,
    pub state_dir: PathBuf,
    pub ledger: Ledger<State>,
    handoffs: Handoffs,
    pub nudge: Option<Nudge>,
    ingest: Option<Ingest>,
    task: Option<JoinHandle<()>>,
    cancel: CancellationToken,
}

impl House {
    /// A repository and an open journal; the mailbox task does not run yet.
    pub fn closed() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        let state_dir = dir.path().join("state");
        fs::create_dir_all(&repo).unwrap();
        let (ledger, handoffs) = open_ledger(&repo, &state_dir);
        Self {
            dir,
            repo,
            state_dir,
            ledger,
            handoffs,
            nudge: None,
            ingest: None,
            task: None,
            cancel: CancellationToken::new(),
        }
    }

    pub async fn open() -> Self {
        Self::with_timing(timing()).await
    }

    pub async fn with_timing(timing: Timing) -> Self {
        let mut house = Self::closed();
        house.planner("zhongshu-1").await;
        house.run(timing);
        house
    }

    pub fn run(&mut self, timing: Timing) {
        self.cancel = CancellationToken::new();
        let ingest = Ingest::new(
            self.repo.clone(),
            self.state_dir.clone(),
            self.ledger.clone(),
            self.handoffs.clone(),
            Arc::new(catalog),
            self.cancel.clone(),
        )
        .with_timing(timing);
        self.nudge = Some(ingest.nudge());
        self.task = Some(tokio::spawn(ingest.clone().run()));
        self.ingest = Some(ingest);
    }

    /// The task breaks off in the middle of whatever it does, and is started again, as its supervisor does.
    pub async fn break_off(&mut self) {
        let task = self.task.take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        self.task = Some(tokio::spawn(self.ingest.clone().unwrap().run()));
    }

    pub async fn stop(&mut self) {
        self.cancel.cancel();
        if let Some(task) = self.task.take() {
            task.await.unwrap();
        }
    }

    /// Ends everything and comes back with what is on disk.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.ledger.close().await;
        (self.ledger, self.handoffs) = open_ledger(&self.repo, &self.state_dir);
    }

    pub async fn planner(&self, name: &str) -> SessionId {
        let brief = brief(name, Kind::Zhongshu, "zhongshu", "plan something", None);
        self.commit(Event::SessionRegistered {
            brief,
            request: None,
        })
        .await;
        Folders::open(&self.repo, &id(name)).unwrap();
        id(name)
    }

    pub async fn department(&self, name: &str, planner: &str) -> SessionId {
        self.department_with_task(name, planner, "do something")
            .await
    }

    pub async fn department_with_task(&self, name: &str, planner: &str, task: &str) -> SessionId {
        let key = name.split('-').next().unwrap();
        let brief = brief(name, Kind::Department, key, task, Some(id(planner)));
        self.commit(Event::SessionRegistered {
            brief,
            request: None,
        })
        .await;
        id(name)
    }

    /// A session that reviews the newest plan of a planner.
    pub async fn reviewer(&self, name: &str, planner: &str) -> SessionId {
        let mut brief = brief(
            name,
            Kind::Department,
            "menxia",
            "review the plan",
            Some(id(planner)),
        );
        brief.review = self.ledger.read(|state| {
            let plan = state.session(&id(planner)).unwrap().plan().unwrap();
            Some(ReviewedPlan {
                plan_version: plan.version,
                plan_sha256: plan.sha256.clone(),
            })
        });
        self.commit(Event::SessionRegistered {
            brief,
            request: None,
        })
        .await;
        id(name)
    }

    /// Opens a thread for a session, as the launcher does.
    pub async fn thread(&self, session: &SessionId, thread_id: &str) {
        self.commit(Event::SessionThreadOpened {
            session_id: session.clone(),
            thread_id: thread_id.to_owned(),
        })
        .await;
        let record = self.ledger.read(|state| {
            let brief = &state.session(session).unwrap().brief;
            let planner = brief.parent_session_id.as_ref().unwrap_or(session);
            ThreadRecord {
                session_id: session.clone(),
                session_kind: brief.session_kind,
                department: brief.department.clone(),
                parent_session_id: brief.parent_session_id.clone(),
                incoming: Paths::new(&self.repo, planner).incoming,
                review: brief.review.clone(),
                task: brief.task.clone(),
            }
        });
        threads::write(&self.state_dir, thread_id, &record).unwrap();
    }

    pub async fn end(&self, session: &SessionId) {
        let session = session.clone();
        let decide = move |state: &State| {
            let outcome = Outcome::Exited {
                code: Some(0),
                signal: None,
            };
            sessions::close(state, &catalog(), &session, outcome)
        };
        self.ledger.transact("test", decide).await.unwrap();
    }

    pub async fn commit(&self, event: Event) {
        self.ledger.commit("test", vec![event]).await.unwrap();
    }

    pub fn paths(&self) -> Paths {
        Paths::new(&self.repo, &id("zhongshu-1"))
    }

    /// Drops a file as a careful writer does.
    pub fn drop_file(&self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) {
        let incoming = self.paths().incoming;
        let draft = incoming.join(".draft.tmp");
        fs::write(&draft, bytes).unwrap();
        fs::rename(&draft, incoming.join(name.as_ref())).unwrap();
    }

    /// Writes a file in place as a careless writer does.
    pub fn write_file(&self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) {
        fs::write(self.paths().incoming.join(name.as_ref()), bytes).unwrap();
    }

    pub fn report(&self, session: &SessionId) -> Option<TaskResult> {
        self.ledger.read(|state| {
            state
                .session(session)
                .and_then(|s| state.report_of(s))
                .cloned()
        })
    }

    pub fn handoff(&self, session: &SessionId) -> String {
        let path = self.paths().archive.join(format!("handoff-{session}.md"));
        fs::read_to_string(path).unwrap_or_default()
    }

    /// Every event so far, as the journal has it.
    pub fn events(&self, name: &str) -> Vec<Value> {
        let lines = fs::read_to_string(self.ledger.journal_path()).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|event| event["event"] == name)
            .collect()
    }

    pub async fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !condition() {
            if Instant::now() > deadline {
                panic!(
                    "not within 30 s: {what}\nincoming {:?}\narchive {:?}\nrejected {:?}\nrejections {:#?}",
                    names(&self.paths().incoming),
                    names(&self.paths().archive),
                    names(&self.paths().rejected),
                    self.events("mailbox_file_rejected"),
                );
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn until_reported(&self, session: &SessionId, revision: u32) -> TaskResult {
        self.until(&format!("revision {revision} of {session}"), || {
            self.report(session)
                .is_some_and(|report| report.current().revision >= revision)
        })
        .await;
        self.report(session).unwrap()
    }

    /// The reason why a file was rejected, once it was.
    pub async fn until_rejected(&self, name: &str) -> String {
        let note = self.paths().rejected.join(format!("{name}.reason.txt"));
        let file = self.paths().rejected.join(name);
        self.until(&format!("{name} is rejected"), || {
            fs::symlink_metadata(&file).is_ok() && note.exists()
        })
        .await;
        fs::read_to_string(note).unwrap()
    }

    pub async fn until_empty(&self) {
        let incoming = self.paths().incoming;
        self.until("incoming is empty", || names(&incoming).is_empty())
            .await;
    }
}

fn open_ledger(repo: &Path, state_dir: &Path) -> (Ledger<State>, Handoffs) {
    let clock = journal::system_clock();
    let opened = Journal::open::<State>(&state_dir.join("journal.jsonl"), None, &clock).unwrap();
    let handoffs = Handoffs::new(repo.to_owned());
    let ledger = Ledger::start_followed(opened, clock, handoffs.follower()).unwrap();
    (ledger, handoffs)
}

fn brief(name: &str, kind: Kind, department: &str, task: &str, parent: Option<SessionId>) -> Brief {
    Brief {
        id: id(name),
        session_kind: kind,
        department: department.into(),
        title: name.into(),
        task: task.into(),
        files: Vec::new(),
        verify: Vec::new(),
        model: None,
        driver: "command".into(),
        sandbox: Sandbox::WorkspaceWrite,
        approval: Approval::OnRequest,
        parent_session_id: parent,
        assignment_id: None,
        review: None,
        resumed_from_session_id: None,
        prompt_path: PathBuf::new(),
        log_path: PathBuf::new(),
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A result as an agent writes it.
pub fn result(session: &SessionId, summary: &str) -> String {
    let department = session.as_str().split('-').next().unwrap();
    json!({
        "parent_session_id": "zhongshu-1",
        "department_session_id": session,
        "department": department,
        "summary": summary,
        "changed_files": ["src/a.rs"],
        "verification": "cargo test",
        "risks": ["none known"],
        "next_action": "review",
    })
    .to_string()
}

pub fn plan(summary: &str) -> String {
    json!({
        "session_id": "zhongshu-1",
        "summary": summary,
        "assignments": [{"department": "gongchengbu", "task": "build it", "files": ["src/a.rs"], "verify": ["cargo test"]}],
    })
    .to_string()
}
