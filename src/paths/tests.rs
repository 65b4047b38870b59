//! Places, their modes, and the lock.
#![allow(clippy::unwrap_used)]

use super::*;
use std::os::unix::fs::symlink;

struct Ground {
    _folder: tempfile::TempDir,
    root: PathBuf,
    repo: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let repo = root.join("my repo");
        std::fs::create_dir_all(repo.join(".git")).unwrap();
        std::fs::write(repo.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        std::fs::create_dir_all(repo.join("src/deep")).unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        Self {
            _folder: folder,
            root,
            repo,
        }
    }

    fn environment(&self) -> Environment {
        [("HOME", self.root.join("home"))].into_iter().collect()
    }

    fn places(&self, state: Option<&str>) -> Result<Places, PathError> {
        let state = state.map(Path::new);
        Places::of(&self.repo, state, &self.root, &self.environment())
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn the_repository_is_found_around_the_current_folder_and_named_exactly_otherwise() {
    let ground = Ground::new();
    let deep = ground.repo.join("src/deep");
    assert_eq!(find_repository(None, &deep).unwrap(), ground.repo);
    let named = find_repository(Some(Path::new("my repo")), &ground.root);
    assert_eq!(named.unwrap(), ground.repo);
    let text = |given: &str, cwd: &Path| {
        find_repository(Some(Path::new(given)), cwd)
            .unwrap_err()
            .to_string()
    };
    assert!(text("nothing", &ground.root).contains("does not exist"));
    assert!(text("src", &ground.repo).contains("lies in the one at"));
    let none = find_repository(None, &ground.root).unwrap_err();
    assert!(none.to_string().contains("git init"), "{none}");
}

#[test]
fn folders_are_private_and_belong_to_one_repository() {
    let ground = Ground::new();
    let places = ground.places(None).unwrap();
    assert!(
        places
            .state
            .starts_with(ground.root.join("home/.local/state/zhongshu"))
    );
    assert!(
        !places.state.to_str().unwrap().contains("my repo"),
        "no blanks"
    );
    places.create().unwrap();
    assert_eq!(mode(&places.state), 0o700);
    assert_eq!(mode(&places.runtime), 0o700);
    places.create().unwrap();
    let other = Places {
        repo: ground.root.clone(),
        ..places.clone()
    };
    assert!(matches!(
        other.create(),
        Err(PathError::OtherRepository { .. })
    ));
    std::fs::remove_dir_all(&places.runtime).unwrap();
}

#[test]
fn the_state_folder_is_refused_inside_the_repository_however_it_is_named() {
    let ground = Ground::new();
    symlink(&ground.repo, ground.root.join("link")).unwrap();
    for inside in [
        "my repo",
        "my repo/state",
        "link/state/new",
        "x/../my repo/.tmp",
    ] {
        assert!(
            matches!(
                ground.places(Some(inside)),
                Err(PathError::StateInRepository { .. })
            ),
            "{inside}"
        );
    }
    assert!(ground.places(Some("my repo state")).is_ok());
}

#[test]
fn an_open_folder_with_other_things_in_it_is_refused_and_an_empty_one_is_closed() {
    let ground = Ground::new();
    let places = ground.places(Some("state")).unwrap();
    std::fs::create_dir(&places.state).unwrap();
    let open = || std::fs::set_permissions(&places.state, std::fs::Permissions::from_mode(0o755));
    open().unwrap();
    make_state_folder(&places.state).unwrap();
    assert_eq!(mode(&places.state), 0o700);
    std::fs::write(places.state.join("letter"), "x").unwrap();
    open().unwrap();
    let error = make_state_folder(&places.state).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
}

#[test]
fn sockets_have_short_paths_beside_a_long_state_folder() {
    let ground = Ground::new();
    let long = "s".repeat(200);
    let places = ground.places(Some(&long)).unwrap();
    let terminal = places.terminal(&crate::domain::ids::TerminalId::fresh("tui"));
    for socket in [places.socket(), terminal.socket, terminal.relay] {
        assert!(socket.as_os_str().len() <= 100, "{}", socket.display());
    }
    places.create().unwrap();
    std::os::unix::net::UnixListener::bind(places.socket()).unwrap();
    std::fs::remove_dir_all(&places.runtime).unwrap();
}

#[test]
fn a_runtime_folder_that_others_prepared_is_refused() {
    let ground = Ground::new();
    let target = ground.root.join("target");
    std::fs::create_dir(&target).unwrap();
    let link = ground.root.join("link");
    symlink(&target, &link).unwrap();
    assert!(matches!(
        make_runtime_folder(&link),
        Err(PathError::NotPrivate { .. })
    ));
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(
        make_runtime_folder(&target),
        Err(PathError::NotPrivate { .. })
    ));
}

#[test]
fn the_scratch_folder_is_hidden_from_git_and_never_a_link() {
    let ground = Ground::new();
    let places = ground.places(None).unwrap();
    places.create_scratch().unwrap();
    let ignore = places.scratch().join(".gitignore");
    assert_eq!(std::fs::read_to_string(&ignore).unwrap(), "*\n");
    std::fs::write(&ignore, "mine\n").unwrap();
    places.create_scratch().unwrap();
    assert_eq!(std::fs::read_to_string(&ignore).unwrap(), "mine\n");
    std::fs::remove_dir_all(places.scratch()).unwrap();
    symlink(&ground.root, places.scratch()).unwrap();
    assert!(places.create_scratch().is_err());
}

#[test]
fn a_second_server_is_told_who_the_first_one_is() {
    let ground = Ground::new();
    let (first, second) = (
        ground.places(Some("one")).unwrap(),
        ground.places(Some("two")).unwrap(),
    );
    for places in [&first, &second] {
        places.create().unwrap();
        places.create_scratch().unwrap();
    }
    assert_eq!(running(&first).unwrap(), None);
    let lock = Lock::take(&first).unwrap();
    let own = std::process::id();
    assert_eq!(running(&first).unwrap(), Some(Holder { pid: Some(own) }));
    // The same state folder, and another one for the same repository.
    for places in [&first, &second] {
        let error = Lock::take(places).unwrap_err().to_string();
        assert!(error.contains(&format!("process {own}")), "{error}");
    }
    drop(lock);
    assert_eq!(running(&first).unwrap(), None);
    assert!(Lock::take(&second).is_ok());
    for places in [&first, &second] {
        std::fs::remove_dir_all(&places.runtime).unwrap();
    }
}

#[test]
fn a_link_in_place_of_the_repositorys_lock_is_not_followed() {
    let ground = Ground::new();
    let places = ground.places(Some("one")).unwrap();
    places.create().unwrap();
    places.create_scratch().unwrap();
    let victim = ground.root.join("victim");
    std::fs::write(&victim, "precious").unwrap();
    symlink(&victim, places.scratch().join("codex_governance.lock")).unwrap();
    assert!(Lock::take(&places).is_err());
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    std::fs::remove_dir_all(&places.runtime).unwrap();
}

#[test]
fn the_server_file_comes_back_as_written_and_is_private() {
    let ground = Ground::new();
    let places = ground.places(None).unwrap();
    places.create().unwrap();
    assert_eq!(ServerFile::read(&places).unwrap(), None);
    let file = ServerFile {
        socket: places.socket(),
        url: "http://127.0.0.1:1/".to_owned(),
        page_url: "http://x.localhost:1/".to_owned(),
        pid: 1,
        started_at_ticks: Some(2),
        version: "3".to_owned(),
    };
    file.write(&places).unwrap();
    assert_eq!(mode(&places.server_file()), 0o600);
    assert_eq!(ServerFile::read(&places).unwrap(), Some(file));
    ServerFile::remove(&places).unwrap();
    assert_eq!(ServerFile::read(&places).unwrap(), None);
    std::fs::remove_dir_all(&places.runtime).unwrap();
}
