//! Which files of a command line are sealed, and by which ways they are found.
#![allow(clippy::unwrap_used)]

use super::{Ground, MAX_FILE_BYTES, Seal, Seals, glance, read};
use crate::paths::{Environment, Places};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Where programs start in this repository. Tests lie below a folder that is open to agents, so only `open`, beside the
/// repository, is that here.
fn ground(root: &Path) -> Ground {
    let places = Places {
        repo: root.to_owned(),
        state: root.join("../state"),
        runtime: root.join("../runtime"),
    };
    let variables = [
        ("PATH", "no/such:.venv/bin:/usr/bin:/bin".to_owned()),
        ("TMPDIR", root.join("../open").display().to_string()),
    ];
    let mut ground = Ground::of(&places, &Environment::from_iter(variables));
    ground.close("/tmp");
    ground
}

fn seals(root: &Path, words: &[&str]) -> Seals {
    let command: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
    let name = "x".to_owned();
    let mut found = read(&ground(root), [(&name, &command)].into_iter());
    found.remove("x").unwrap_or_default()
}

/// A repository with `tools/run.sh` in it, which holds `a`.
fn repository() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("repo");
    fs::create_dir_all(root.join("tools/deep")).unwrap();
    fs::write(root.join("tools/run.sh"), "a").unwrap();
    (folder, root)
}

fn a() -> Seal {
    Seal::Sha256("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb".to_owned())
}

#[track_caller]
fn leads_to_run_sh(root: &Path, word: &str) {
    let expected = Seals::from([("tools/run.sh".to_owned(), a())]);
    assert_eq!(seals(root, &["sh", word]), expected, "{word}");
}

#[test]
fn climbing_out_and_coming_back_is_inside() {
    let (_folder, root) = repository();
    leads_to_run_sh(&root, "../repo/tools/run.sh");
    leads_to_run_sh(&root, "--script=tools/../../repo/tools/run.sh");
}

#[test]
fn an_absolute_path_that_climbs_is_inside_where_it_ends_inside() {
    let (folder, root) = repository();
    fs::create_dir(folder.path().join("other")).unwrap();
    let word = root.join("../other/../repo/tools/run.sh");
    leads_to_run_sh(&root, &word.display().to_string());
}

#[cfg(target_os = "linux")]
#[test]
fn the_folder_of_the_program_itself_is_the_repository() {
    let (_folder, root) = repository();
    leads_to_run_sh(&root, "/proc/self/cwd/tools/run.sh");
    leads_to_run_sh(&root, "/proc/thread-self/cwd/tools/run.sh");
    let absolute = root.join("tools/run.sh").display().to_string();
    leads_to_run_sh(&root, &format!("/proc/self/root{absolute}"));
    // Nobody knows yet which files it will have open, or what another process does.
    for word in ["/proc/self/fd/9", "/proc/1/cwd/tools/run.sh"] {
        let found = seals(&root, &[word]);
        assert_eq!(
            found.values().collect::<Vec<_>>(),
            [&Seal::Unread],
            "{word}"
        );
    }
    assert_eq!(seals(&root, &["/dev/stdout", "/dev/null"]), Seals::new());
}

#[test]
fn a_link_outside_that_leads_inside_is_followed() {
    let (folder, root) = repository();
    let (link, file) = (folder.path().join("link"), folder.path().join("file"));
    symlink(&root, &link).unwrap();
    symlink("link/tools/run.sh", &file).unwrap();
    leads_to_run_sh(&root, &link.join("tools/run.sh").display().to_string());
    leads_to_run_sh(&root, &file.display().to_string());
}

#[test]
fn the_root_by_another_name_is_the_root() {
    let (folder, root) = repository();
    let parent = folder.path().join("parent");
    symlink(root.parent().unwrap(), &parent).unwrap();
    leads_to_run_sh(
        &root,
        &parent.join("repo/tools/run.sh").display().to_string(),
    );
}

#[test]
fn every_placeholder_is_filled_in() {
    let (_folder, root) = repository();
    leads_to_run_sh(&root, "{repo}/tools/run.sh");
    leads_to_run_sh(&root, "{mailbox}/../../../../tools/run.sh");
    // What the launcher itself writes is nothing that anybody has to approve.
    assert_eq!(
        seals(&root, &["{prompt_file}", "--to={mailbox}/x"]),
        Seals::new()
    );
}

#[test]
fn a_link_that_leaves_and_comes_back_is_inside() {
    let (_folder, root) = repository();
    symlink("../../repo/tools/run.sh", root.join("tools/round")).unwrap();
    leads_to_run_sh(&root, "tools/round");
}

#[test]
fn what_is_no_ordinary_file_is_unread() {
    let (_folder, root) = repository();
    let made = std::process::Command::new("mkfifo")
        .arg(root.join("tools/pipe"))
        .status();
    assert!(made.unwrap().success());
    assert_eq!(
        seals(&root, &["sh", "tools/pipe"]),
        Seals::from([("tools/pipe".to_owned(), Seal::Unread)])
    );
}

#[test]
fn a_program_that_path_finds_inside_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, root) = repository();
    let bin = root.join(".venv/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("aider"), "a").unwrap();
    // What cannot be executed is passed by, as at the start.
    let before = seals(&root, &["aider", "tools/run.sh"]);
    assert_eq!(before.keys().collect::<Vec<_>>(), ["tools/run.sh"]);
    fs::set_permissions(bin.join("aider"), fs::Permissions::from_mode(0o755)).unwrap();
    let found = seals(&root, &["aider"]);
    assert_eq!(found, Seals::from([(".venv/bin/aider".to_owned(), a())]));
}

#[test]
fn what_the_sandbox_leaves_writable_is_sealed_as_well() {
    let (folder, root) = repository();
    let open = folder.path().canonicalize().unwrap().join("open");
    fs::create_dir(&open).unwrap();
    fs::write(open.join("run.sh"), "a").unwrap();
    let script = open.join("run.sh").display().to_string();
    assert_eq!(
        seals(&root, &["sh", &script]),
        Seals::from([(script.clone(), a())])
    );
    symlink(open.join("run.sh"), root.join("tools/out")).unwrap();
    assert_eq!(seals(&root, &["tools/out"]), Seals::from([(script, a())]));
}

#[test]
fn a_sessions_own_words_lead_where_nobodys_did_not() {
    let (_folder, root) = repository();
    let prompts = root.join(".tmp/codex_governance_prompts");
    let mailbox = root.join(".tmp/codex_governance_mailbox/p/incoming");
    for folder in [&prompts, &mailbox] {
        fs::create_dir_all(folder).unwrap();
    }
    let prompt = prompts.join("s.md");
    for file in [&prompt, &mailbox.join("x"), &root.join("tools/s")] {
        fs::write(file, "a").unwrap();
    }
    let values = super::Values::from([
        ("prompt_file", prompt.display().to_string()),
        ("session_id", "s".to_owned()),
        ("repo", root.display().to_string()),
        ("mailbox", mailbox.display().to_string()),
    ]);
    let words = ["{prompt_file}", "{mailbox}/x", "tools/{session_id}"];
    let command: Vec<String> = words.map(str::to_owned).into();
    let name = "x".to_owned();
    let ground = ground(&root).with(values, &prompt);
    let found = read(&ground, [(&name, &command)].into_iter());
    let found: Vec<_> = found["x"].keys().collect();
    assert_eq!(
        found,
        [".tmp/codex_governance_mailbox/p/incoming/x", "tools/s"]
    );
}

#[test]
fn a_glance_notices_what_would_be_read_as_something_else() {
    let (_folder, root) = repository();
    symlink("run.sh", root.join("tools/link")).unwrap();
    let command = vec!["sh".to_owned(), "tools/link".to_owned()];
    let look = || glance(&ground(&root), std::iter::once(&command));
    let before = look();
    assert_eq!(before, look());
    fs::write(root.join("tools/run.sh"), "longer").unwrap();
    let longer = look();
    assert_ne!(before, longer);
    fs::remove_file(root.join("tools/link")).unwrap();
    symlink("/bin/sh", root.join("tools/link")).unwrap();
    assert_ne!(look(), longer);
}

#[test]
fn every_way_to_a_file_of_the_repository_is_found() {
    let ground = tempfile::tempdir().unwrap();
    let root = ground.path().canonicalize().unwrap().join("repo");
    fs::create_dir_all(root.join("tools/deep")).unwrap();
    fs::write(root.join("tools/run.sh"), "a").unwrap();
    fs::write(ground.path().join("outside"), "b").unwrap();
    symlink("deep/../run.sh", root.join("tools/link")).unwrap();
    symlink("tools", root.join("folder")).unwrap();
    symlink(root.join("tools"), root.join("absolute")).unwrap();
    let absolute = root.join("tools/run.sh").display().to_string();
    for word in [
        "tools/run.sh",
        "./tools/./run.sh",
        "{repo}/tools/run.sh",
        "--script=tools/run.sh",
        absolute.as_str(),
        "tools/link",
        "folder/run.sh",
        "absolute/run.sh",
        "tools/deep/../run.sh",
    ] {
        let found = seals(&root, &["sh", word]);
        assert_eq!(found.values().collect::<Vec<_>>(), [&a()], "{word}");
    }
    for word in [
        "tools",
        "{prompt_file}",
        "no/such",
        "../outside",
        "/bin/sh",
        "tools/run.sh/x",
        "",
    ] {
        assert_eq!(seals(&root, &[word]), Seals::new(), "{word}");
    }
}

#[test]
fn a_way_out_is_named_and_what_is_not_read_is_said() {
    let ground = tempfile::tempdir().unwrap();
    let root = ground.path().canonicalize().unwrap().join("repo");
    fs::create_dir(&root).unwrap();
    symlink("/bin/sh", root.join("sh")).unwrap();
    symlink("sh", root.join("again")).unwrap();
    symlink("../elsewhere", root.join("up")).unwrap();
    symlink("round", root.join("round")).unwrap();
    fs::write(root.join("large"), vec![0; MAX_FILE_BYTES as usize + 1]).unwrap();
    let found = seals(&root, &["sh", "again", "up/x", "round", "large"]);
    let outside = |path: &str| Seal::Outside(path.to_owned());
    assert_eq!(found["sh"], outside("/bin/sh"));
    assert_eq!(found["up"], outside("../elsewhere"));
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found["round"], Seal::Unread);
    assert_eq!(found["large"], Seal::Unread);
}

#[test]
fn many_files_are_not_read_without_end() {
    let ground = tempfile::tempdir().unwrap();
    let root = ground.path().canonicalize().unwrap();
    let names: Vec<String> = (0..18).map(|it| format!("f{it}")).collect();
    for name in &names {
        fs::write(root.join(name), vec![0; MAX_FILE_BYTES as usize]).unwrap();
    }
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = seals(&root, &words);
    let unread = found.values().filter(|it| **it == Seal::Unread);
    assert_eq!((found.len(), unread.count()), (18, 2));
}
