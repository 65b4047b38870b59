//! `zhongshu doctor` finds each fault that is planted, and finds none where there is none.
#![allow(clippy::unwrap_used)]

#[path = "support/codex.rs"]
mod codex;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use chrono::Utc;
use codex::codex_program;
use tempfile::TempDir;
use zhongshu::doctor::{Check, Inputs, Verdict, has_failed, json, run, text};
use zhongshu::domain::event::Event;
use zhongshu::domain::language::Language;
use zhongshu::domain::state::State;
use zhongshu::journal::{Journal, system_clock};
use zhongshu::ledger::Ledger;
use zhongshu::paths::{Environment, Lock, Places, ServerFile};
use zhongshu::process::Identity;

/// Where machines stand: not below a folder that agents can write into, which is a finding of its own. The checkout may be.
fn ground() -> PathBuf {
    let open = Path::new("/tmp").canonicalize().unwrap();
    let places = [env!("CARGO_TARGET_TMPDIR"), "/var/tmp"];
    let mut closed = places.iter().filter_map(|place| {
        let place = Path::new(place).canonicalize().ok()?;
        (!place.starts_with(&open)).then_some(place)
    });
    closed.next().expect("a folder for tests outside of /tmp")
}

/// A machine in good order, in a folder of its own.
struct Machine {
    root: TempDir,
    inputs: Inputs,
}

impl Machine {
    fn new() -> Self {
        let root = TempDir::new_in(ground()).unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["home/.codex", "repo"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let repository = git2::Repository::init(at("repo")).unwrap();
        let author = git2::Signature::now("A", "a@example.org").unwrap();
        let tree = repository.index().unwrap().write_tree().unwrap();
        let tree = repository.find_tree(tree).unwrap();
        repository
            .commit(Some("HEAD"), &author, &author, "first", &tree, &[])
            .unwrap();
        let auth = at("home/.codex/auth.json");
        fs::write(&auth, r#"{"OPENAI_API_KEY":"sk-not-a-real-one"}"#).unwrap();
        fs::set_permissions(&auth, fs::Permissions::from_mode(0o600)).unwrap();
        let environment: Environment = [
            ("HOME", at("home").into_os_string()),
            ("PATH", std::env::var_os("PATH").unwrap()),
        ]
        .into_iter()
        .collect();
        let inputs = Inputs {
            repo: None,
            cwd: at("repo"),
            state_dir: Some(at("state")),
            port: 0,
            codex_bin: Some(program(&at("codex"), &fake_codex("0.169.0"))),
            environment,
            program: env!("CARGO_BIN_EXE_zhongshu").into(),
        };
        Self { root, inputs }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn places(&self) -> Places {
        let repo = self.inputs.cwd.canonicalize().unwrap();
        Places::of(
            &repo,
            self.inputs.state_dir.as_deref(),
            &self.inputs.cwd,
            &self.inputs.environment,
        )
        .unwrap()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.inputs.environment = self.inputs.environment.with(name, value);
    }

    /// A state folder with a journal of three records, as a server that ended in good order leaves it.
    fn with_journal(&self) -> PathBuf {
        let places = self.places();
        places.create_state().unwrap();
        places.create_scratch().unwrap();
        let copy = places.audit_copy();
        let path = places.journal();
        let write = || {
            let opened = Journal::open::<State>(&path, Some(&copy), &system_clock()).unwrap();
            let ledger = Ledger::start(opened, system_clock()).unwrap();
            for number in 0..3 {
                let event = Event::AccessGranted {
                    to: format!("token {number}"),
                    scope: "read".to_owned(),
                };
                ledger
                    .transact_blocking("person", move |_| Ok::<_, ()>((vec![event], ())))
                    .unwrap();
            }
            ledger.close_blocking();
        };
        // Outside of the runtime that the test runs in: these calls block.
        std::thread::scope(|scope| scope.spawn(write).join().unwrap());
        path
    }

    async fn look(&self) -> Vec<Check> {
        run(&self.inputs).await
    }

    /// Looks, and expects this to be the only thing that is not as it should be.
    async fn only(&self, name: &str, verdict: Verdict) -> Check {
        let checks = self.look().await;
        let odd: Vec<&Check> = checks
            .iter()
            .filter(|check| check.verdict != Verdict::Ok)
            .collect();
        let [check] = odd[..] else {
            panic!("one finding expected: {}", text(&checks, Language::En));
        };
        assert_eq!((check.name, check.verdict), (name, verdict), "{check:?}");
        assert!(check.remedy.is_some(), "every finding says what to do");
        assert_eq!(has_failed(&checks), verdict == Verdict::Fail);
        check.clone()
    }
}

/// Makes a program; what the app-server is asked, the real Codex answers.
fn program(path: &Path, script: &str) -> PathBuf {
    let (first, rest) = script.split_once('\n').unwrap();
    let real = codex_program();
    let asks = format!(
        "[ \"$1\" = app-server ] && exec '{}' \"$@\"",
        real.display()
    );
    fs::write(path, format!("{first}\n{asks}\n{rest}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_owned()
}

/// A program that says a version and runs a command as if in a sandbox that guards `.git`.
fn fake_codex(version: &str) -> String {
    format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo codex-cli {version} && exit\n\
         [ \"$1\" = sandbox ] || exit 9\nmkdir .git/probe\nwhile [ \"$1\" != -- ]; do shift; done\nshift\n\"$@\"\ncode=$?\nrmdir .git/probe\nexit $code\n"
    )
}

fn english(check: &Check) -> &str {
    check.found.get(Language::En)
}

#[tokio::test]
async fn a_sound_set_up_gives_no_finding() {
    let machine = Machine::new();
    for _ in 0..2 {
        let checks = machine.look().await;
        let odd: Vec<_> = checks
            .iter()
            .filter(|check| check.verdict != Verdict::Ok)
            .collect();
        assert!(odd.is_empty(), "{odd:#?}");
        let names: Vec<_> = checks.iter().map(|check| check.name).collect();
        let expected = [
            "git",
            "repository",
            "governance",
            "codex",
            "codex_version",
            "codex_features",
            "login",
            "sandbox",
            "port",
            "state_dir",
            "file_system",
            "server",
            "journal",
            "leftovers",
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .filter(|name| cfg!(target_os = "linux") || *name != "file_system")
            .collect();
        assert_eq!(names, expected);
        // Once more with a journal and an audit copy.
        assert!(!machine.at("state").exists(), "looking makes no folder");
        machine.with_journal();
        let state = machine.look().await;
        assert!(!has_failed(&state), "{}", text(&state, Language::En));
        fs::remove_dir_all(machine.at("state")).unwrap();
        fs::remove_dir_all(machine.at("repo/.tmp")).unwrap();
    }
}

#[tokio::test]
async fn the_real_codex_is_found_sound_and_its_users_home_is_not_touched() {
    let mut machine = Machine::new();
    machine.inputs.codex_bin = Some(codex_program());
    let before: Vec<_> = listing(&machine.at("home"));
    let checks = machine.look().await;
    let odd: Vec<_> = checks
        .iter()
        .filter(|check| check.verdict != Verdict::Ok)
        .collect();
    assert!(odd.is_empty(), "{odd:#?}");
    assert_eq!(listing(&machine.at("home")), before);
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name();
    walk.into_iter()
        .map(|entry| entry.unwrap().into_path())
        .collect()
}

#[tokio::test]
async fn no_codex_is_found_out() {
    let mut machine = Machine::new();
    machine.inputs.codex_bin = None;
    let empty = machine.at("empty");
    fs::create_dir(&empty).unwrap();
    let path = which_git().parent().unwrap().to_owned();
    let only_git = machine.at("bin");
    fs::create_dir(&only_git).unwrap();
    std::os::unix::fs::symlink(path.join("git"), only_git.join("git")).unwrap();
    machine.set("PATH", only_git.to_str().unwrap());
    let check = machine.only("codex", Verdict::Fail).await;
    assert!(english(&check).contains("not found on PATH"), "{check:?}");
    let remedy = check.remedy.unwrap();
    assert!(remedy.zh.contains("npm install -g @openai/codex@0.169.0"));

    // Where nothing runs in Codex, nobody misses it.
    let command =
        "driver: mine\ndrivers:\n  mine:\n    command: [\"my-agent\", \"{prompt_file}\"]\n";
    fs::write(machine.at("repo/governance.yaml"), command).unwrap();
    let checks = machine.look().await;
    assert!(!has_failed(&checks), "{}", text(&checks, Language::En));
}

fn which_git() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join("git"))
        .find(|program| program.exists())
        .expect("the tests need git")
}

#[tokio::test]
async fn no_git_is_found_out() {
    let mut machine = Machine::new();
    let nothing = machine.at("nothing");
    machine.set("PATH", nothing.to_str().unwrap());
    machine.only("git", Verdict::Fail).await;
}

#[tokio::test]
async fn another_version_of_codex_is_found_out() {
    let mut machine = Machine::new();
    machine.inputs.codex_bin = Some(program(&machine.at("old"), &fake_codex("0.12.3")));
    let check = machine.only("codex_version", Verdict::Warn).await;
    assert!(english(&check).contains("0.12.3"), "{check:?}");
    machine.inputs.codex_bin = Some(program(&machine.at("broken"), "#!/bin/sh\nexit 3\n"));
    let check = machine.only("codex_version", Verdict::Fail).await;
    assert!(english(&check).contains("code 3"), "{check:?}");
}

#[tokio::test]
async fn what_a_codex_lacks_is_found_out_by_name() {
    let mut machine = Machine::new();
    let path = program(&machine.at("poor"), &fake_codex("0.169.0"));
    let poor = fs::read_to_string(&path).unwrap().replace("exec '", "'");
    let poor = poor.replace(
        "\"$@\"\n[",
        "\"$@\" && sed -i s#thread/turns/list#gone# \"$5/ClientRequest.json\" && exit\n[",
    );
    fs::write(&path, poor).unwrap();
    machine.inputs.codex_bin = Some(path);
    let check = machine.only("codex_features", Verdict::Warn).await;
    assert_eq!(
        english(&check),
        "what a session did cannot be read; open its terminal (thread/turns/list)"
    );
    let silent = "#!/bin/sh\nexit 7\n".to_owned() + &fake_codex("0.169.0");
    let path = machine.at("silent");
    fs::write(
        &path,
        silent.replace("exit 7", "[ \"$1\" = app-server ] && exit 7"),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    machine.inputs.codex_bin = Some(path);
    let check = machine.only("codex_features", Verdict::Warn).await;
    assert!(english(&check).contains("exited with code 7"), "{check:?}");
}

#[tokio::test]
async fn a_sandbox_that_does_not_work_or_does_not_hold_is_found_out() {
    let mut machine = Machine::new();
    let refuses = "#!/bin/sh\n[ \"$1\" = --version ] && echo 0.169.0 && exit\necho 'bwrap: no permissions' >&2\nexit 1\n";
    machine.inputs.codex_bin = Some(program(&machine.at("refuses"), refuses));
    let check = machine.only("sandbox", Verdict::Fail).await;
    assert!(
        english(&check).contains("bwrap: no permissions"),
        "{check:?}"
    );
    let open = "#!/bin/sh\n[ \"$1\" = --version ] && echo 0.169.0 && exit\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n";
    machine.inputs.codex_bin = Some(program(&machine.at("open"), open));
    machine.only("sandbox", Verdict::Warn).await;
}

#[tokio::test]
async fn a_script_for_node_without_a_native_program_is_found_out() {
    let mut machine = Machine::new();
    let folder = machine.at("bin");
    fs::create_dir(&folder).unwrap();
    // A `node` of our own, so that the test needs none: it is the shell.
    std::os::unix::fs::symlink("/bin/sh", folder.join("node")).unwrap();
    let script =
        fake_codex("0.169.0").replace("#!/bin/sh", &format!("#!{}/node", folder.display()));
    machine.inputs.codex_bin = Some(program(&folder.join("codex"), &script));
    machine.only("codex", Verdict::Warn).await;
}

#[tokio::test]
async fn a_missing_login_is_found_out_and_another_provider_needs_none() {
    let mut machine = Machine::new();
    let auth = machine.at("home/.codex/auth.json");
    let config = machine.at("home/.codex/config.toml");
    fs::set_permissions(&auth, fs::Permissions::from_mode(0o644)).unwrap();
    machine.only("login", Verdict::Warn).await;
    fs::write(&auth, r#"{"OPENAI_API_KEY":null}"#).unwrap();
    machine.only("login", Verdict::Fail).await;
    fs::remove_file(&auth).unwrap();
    let check = machine.only("login", Verdict::Fail).await;
    assert!(check.remedy.unwrap().en.contains("codex login"));

    let own = "model_provider = \"own\"\n[model_providers.own]\nname = \"own\"\nbase_url = \"http://127.0.0.1:1/v1\"\n";
    fs::write(&config, own).unwrap();
    assert!(!has_failed(&machine.look().await));
    fs::write(&config, format!("{own}env_key = \"OWN_KEY\"\n")).unwrap();
    let check = machine.only("login", Verdict::Fail).await;
    assert!(english(&check).contains("OWN_KEY"), "{check:?}");
    machine.set("OWN_KEY", "secret-of-mine");
    let checks = machine.look().await;
    assert!(!has_failed(&checks));
    let shown = format!(
        "{}{}",
        text(&checks, Language::En),
        json(&checks, Language::Zh)
    );
    assert!(!shown.contains("secret-of-mine"), "no key is ever shown");
    fs::write(&config, "model_provider = \"nobody\"\n").unwrap();
    machine.only("login", Verdict::Fail).await;
    fs::write(&config, "model = \"x\"\n\nmodel_provider = [\n").unwrap();
    let check = machine.only("login", Verdict::Fail).await;
    assert!(english(&check).contains("config.toml:3"), "{check:?}");
}

#[tokio::test]
async fn a_mistake_in_the_governance_is_found_with_its_line() {
    let machine = Machine::new();
    let yaml = "language: en\nmax_departments: 2\nmax_departmints: 3\n";
    fs::write(machine.at("repo/governance.yaml"), yaml).unwrap();
    let check = machine.only("governance", Verdict::Fail).await;
    for found in [&check.found.en, &check.found.zh] {
        assert!(found.contains("governance.yaml:3:"), "{found}");
    }
}

#[tokio::test]
async fn a_bad_variable_is_found_out() {
    let mut machine = Machine::new();
    machine.set("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "many");
    let check = machine.only("variables", Verdict::Fail).await;
    assert!(english(&check).contains("CODEX_GOVERNANCE_MAX_DEPARTMENTS"));
}

#[tokio::test]
async fn a_folder_that_is_no_repository_is_found_out() {
    // Not inside of this project's own repository.
    let folder = tempfile::tempdir().unwrap();
    let mut machine = Machine::new();
    machine.inputs.cwd = folder.path().to_owned();
    machine.only("repository", Verdict::Fail).await;
}

#[tokio::test]
async fn a_taken_port_is_found_out_in_either_family() {
    let mut machine = Machine::new();
    let v4 = TcpListener::bind("127.0.0.1:0").unwrap();
    machine.inputs.port = v4.local_addr().unwrap().port();
    let check = machine.only("port", Verdict::Fail).await;
    assert!(english(&check).contains("127.0.0.1"), "{check:?}");
    drop(v4);
    assert!(!has_failed(&machine.look().await));
    // A machine without IPv6 has nothing to be taken there.
    if let Ok(v6) = TcpListener::bind("[::1]:0") {
        machine.inputs.port = v6.local_addr().unwrap().port();
        let check = machine.only("port", Verdict::Fail).await;
        assert!(english(&check).contains("[::1]"), "{check:?}");
    }
}

#[tokio::test]
async fn a_state_folder_that_others_can_open_is_found_out() {
    let machine = Machine::new();
    machine.with_journal();
    fs::set_permissions(machine.at("state"), fs::Permissions::from_mode(0o755)).unwrap();
    let check = machine.only("state_dir", Verdict::Fail).await;
    assert!(check.remedy.unwrap().en.contains("chmod 700"));
}

#[tokio::test]
async fn a_state_folder_within_the_agents_reach_is_found_out() {
    let mut machine = Machine::new();
    machine.inputs.state_dir = Some(machine.at("repo/state"));
    let check = machine.only("state_dir", Verdict::Fail).await;
    assert!(
        english(&check).contains("inside the repository"),
        "{check:?}"
    );
    let folder = tempfile::Builder::new().tempdir_in("/tmp").unwrap();
    machine.inputs.state_dir = Some(folder.path().join("state"));
    machine.only("state_dir", Verdict::Fail).await;
    machine.inputs.state_dir = Some(machine.at("scratch/state"));
    let scratch = machine.at("scratch");
    machine.set("TMPDIR", scratch.to_str().unwrap());
    machine.only("state_dir", Verdict::Fail).await;
}

#[tokio::test]
async fn a_torn_a_flipped_and_a_changed_journal_are_found_out() {
    let machine = Machine::new();
    let journal = machine.with_journal();
    let sound = fs::read(&journal).unwrap();

    fs::write(&journal, &sound[..sound.len() - 20]).unwrap();
    let check = machine.only("journal", Verdict::Warn).await;
    assert!(english(&check).contains("not whole"), "{check:?}");

    let mut flipped = sound.clone();
    let at = sound.windows(7).position(|it| it == b"token 1").unwrap();
    flipped[at + 6] ^= 1;
    fs::write(&journal, &flipped).unwrap();
    let check = machine.only("journal", Verdict::Fail).await;
    assert!(english(&check).contains("line 3"), "{check:?}");

    fs::write(&journal, &sound).unwrap();
    let copy = machine.places().audit_copy();
    fs::write(&copy, &flipped).unwrap();
    let check = machine.only("journal", Verdict::Warn).await;
    assert!(english(&check).contains("from line 3"), "{check:?}");
    fs::remove_file(copy).unwrap();
    machine.only("journal", Verdict::Warn).await;
    assert_eq!(fs::read(&journal).unwrap(), sound, "looking mends nothing");
}

/// A process to be found; ended with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("300").spawn().unwrap())
    }

    fn identity(&self) -> Identity {
        Identity::of(self.0.id()).expect("it runs")
    }

    fn end(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        // Dropped below without harm: the process is gone.
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // Both fail when it was ended before, which is what is wanted.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn terminal(identity: Identity) -> String {
    serde_json::json!({
        "id": "browser-terminal-1", "title": "menxia", "pid": identity.pid, "started_at_ticks": identity.start_ticks,
        "child_pid": null, "port": 1, "write_token": "write-secret", "read_token": "read-secret", "control_socket": null,
        "log_path": null, "state": "running", "started_at": Utc::now(), "exited_at": null,
    })
    .to_string()
}

#[tokio::test]
async fn what_a_dead_launcher_left_is_found_out() {
    let machine = Machine::new();
    machine.places().create_state().unwrap();
    let terminals = machine.at("state/terminals");
    fs::create_dir(&terminals).unwrap();
    fs::write(terminals.join("browser-terminal-1.spec.json"), "{}").unwrap();
    assert!(
        !has_failed(&machine.look().await),
        "an order is no leftover"
    );

    let sleeper = Sleeper::start();
    let file = terminals.join("browser-terminal-1.json");
    fs::write(&file, terminal(sleeper.identity())).unwrap();
    let check = machine.only("leftovers", Verdict::Warn).await;
    let pid = sleeper.0.id().to_string();
    assert!(
        english(&check).contains(&pid) && english(&check).contains("menxia"),
        "{check:?}"
    );
    let shown = json(std::slice::from_ref(&check), Language::En).to_string();
    assert!(!shown.contains("secret"), "{shown}");

    fs::rename(&file, machine.at("aside")).unwrap();
    let identity = sleeper.identity();
    let app_server = machine.places().app_server_descriptor();
    let descriptor = serde_json::json!({"pid": identity.pid, "start_ticks": identity.start_ticks, "socket": "/x"});
    fs::write(&app_server, descriptor.to_string()).unwrap();
    let check = machine.only("leftovers", Verdict::Warn).await;
    assert!(
        english(&check).contains("app-server") && english(&check).contains(&pid),
        "{check:?}"
    );

    sleeper.end();
    let check = machine.only("leftovers", Verdict::Warn).await;
    assert!(
        english(&check).contains("process that is gone"),
        "{check:?}"
    );
    fs::remove_file(app_server).unwrap();
    fs::rename(machine.at("aside"), &file).unwrap();
    let check = machine.only("leftovers", Verdict::Warn).await;
    assert!(
        english(&check).contains("process that is gone"),
        "{check:?}"
    );
    fs::write(&file, "{").unwrap();
    machine.only("leftovers", Verdict::Warn).await;
}

#[tokio::test]
async fn a_running_server_is_named_and_its_port_is_not_a_stranger() {
    let mut machine = Machine::new();
    let places = machine.places();
    places.create_state().unwrap();
    places.create_scratch().unwrap();
    let lock = Lock::take(&places).unwrap();
    machine.only("server", Verdict::Warn).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    machine.inputs.port = listener.local_addr().unwrap().port();
    let file = ServerFile {
        socket: places.socket(),
        url: format!("http://127.0.0.1:{}/", machine.inputs.port),
        page_url: String::new(),
        pid: std::process::id(),
        started_at_ticks: None,
        version: "1".to_owned(),
    };
    file.write(&places).unwrap();
    let checks = machine.look().await;
    assert!(!has_failed(&checks), "{}", text(&checks, Language::En));
    let server = checks.iter().find(|check| check.name == "server").unwrap();
    assert!(english(server).contains(&file.url), "{server:?}");
    drop(lock);
    machine.only("port", Verdict::Fail).await;
}

#[tokio::test]
async fn everything_is_said_in_both_languages_and_steers_no_terminal() {
    let mut machine = Machine::new();
    machine.inputs.codex_bin = Some(program(
        &machine.at("noisy"),
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 0.169.0 && exit\nprintf 'bad\\033[2Jness\\n' >&2\nexit 1\n",
    ));
    let checks = machine.look().await;
    let (en, zh) = (text(&checks, Language::En), text(&checks, Language::Zh));
    for shown in [&en, &zh] {
        assert!(
            !shown.chars().any(|c| c.is_control() && c != '\n'),
            "{shown:?}"
        );
    }
    assert!(
        en.contains("FAIL  sandbox") && en.contains("1 to mend"),
        "{en}"
    );
    assert!(
        zh.contains("失败  命令沙箱") && zh.contains("1 项需要修复"),
        "{zh}"
    );
    let value = json(&checks, Language::Zh);
    assert_eq!(value["ok"], false);
    let sandbox = value["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "sandbox")
        .unwrap();
    assert_eq!(sandbox["verdict"], "fail");
    assert!(
        sandbox["what_to_do"]
            .as_str()
            .unwrap()
            .contains("用户命名空间")
    );
    assert_eq!(value["checks"][0]["what_to_do"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_program_that_hangs_is_given_up() {
    let mut machine = Machine::new();
    machine.inputs.codex_bin = Some(program(&machine.at("hangs"), "#!/bin/sh\nexec sleep 60\n"));
    let started = Instant::now();
    machine.only("codex_version", Verdict::Fail).await;
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "it takes ten seconds"
    );
}
