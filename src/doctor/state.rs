//! Checks of our own folder: private, on a local disk, out of the agents' reach; the journal in it; a running server, and
//! what a dead one left.

use super::machine::{existing, port};
use super::{Check, Inputs, Subject};
use crate::domain::sentence::{Sentence, say};
use crate::journal::{self, CopyVerdict, VerifyReport};
#[cfg(target_os = "linux")]
use crate::mailbox::Timing;
use crate::paths::{Holder, PathError, Places, ServerFile, running};
use crate::process::Identity;
use codex_terminal::descriptor::Descriptor;
use serde::Deserialize;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const FOLDER: Subject = Subject::new("state_dir", "doctor.title.state_dir");
#[cfg(target_os = "linux")]
const DISK: Subject = Subject::new("file_system", "doctor.title.file_system");
#[cfg(target_os = "linux")]
const MAILBOXES: Subject = Subject::new("mailboxes", "doctor.title.mailboxes");
const SERVER: Subject = Subject::new("server", "doctor.title.server");
const JOURNAL: Subject = Subject::new("journal", "doctor.title.journal");
const LEFTOVERS: Subject = Subject::new("leftovers", "doctor.title.leftovers");

/// All checks of the state folder, and the port, which depends on who runs.
pub(super) async fn run(places: Places, inputs: &Inputs) -> Vec<Check> {
    let holder = running(&places).ok().flatten();
    let server_file = ServerFile::read(&places).ok().flatten();
    let ours = holder.and(server_file.as_ref()).and_then(port_of);
    let mut checks = vec![port(inputs.port, ours), folder(&places, inputs)];
    checks.extend(disk(&places.state));
    checks.extend(mailboxes(&places.repo));
    checks.push(server(holder, server_file.as_ref()));
    let runs = holder.is_some();
    // A large journal takes a while to read.
    let read = tokio::task::spawn_blocking(move || {
        let leftovers = if runs { Vec::new() } else { leftovers(&places) };
        std::iter::once(journal(&places, runs))
            .chain(leftovers)
            .collect::<Vec<_>>()
    });
    checks.extend(read.await.unwrap_or_default());
    checks
}

/// There is no state folder at all.
pub(super) fn no_place(error: &PathError) -> Check {
    FOLDER.fail(
        say!("doctor.no_state", error).both(),
        say!("doctor.name_folder_outside_repository").both(),
    )
}

fn port_of(server: &ServerFile) -> Option<u16> {
    let (_, port) = server.url.trim_end_matches('/').rsplit_once(':')?;
    port.parse().ok()
}

fn folder(places: &Places, inputs: &Inputs) -> Check {
    let state = &places.state;
    let shown = state.display();
    let found = match std::fs::metadata(state) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            return no_place(&PathError::Io {
                path: state.clone(),
                source: error,
            });
        }
    };
    if let Some(found) = &found {
        let own = rustix::process::geteuid().as_raw();
        if !found.is_dir() || found.uid() != own {
            return FOLDER.fail(
                say!("doctor.not_folder_this_user", shown).both(),
                say!("doctor.take_over_with_chown").both(),
            );
        }
        if found.permissions().mode() & 0o077 != 0 {
            return FOLDER.fail(
                say!("doctor.other_users_can_open", shown).both(),
                say!("doctor.close_chmod_700", shown).both(),
            );
        }
    } else if rustix::fs::access(existing(state), rustix::fs::Access::WRITE_OK).is_err() {
        let place = existing(state).display();
        return FOLDER.fail(
            say!("doctor.does_not_exist_cannot", shown, place).both(),
            say!("doctor.name_another_folder_with").both(),
        );
    }
    if let Some(open) = places.open_to_agents(&inputs.environment) {
        let open = open.display();
        return FOLDER.fail(
            say!("doctor.lies_under_where_commands", shown, open).both(),
            say!("doctor.name_folder_elsewhere_with").both(),
        );
    }
    FOLDER.ok(match found {
        Some(_) => say!("doctor.private", shown).both(),
        None => say!("doctor.made_at_first_start", shown).both(),
    })
}

/// What a folder lies on.
#[cfg(target_os = "linux")]
enum Disk {
    Local,
    Network(&'static str),
    Fuse,
}

#[cfg(target_os = "linux")]
impl Disk {
    /// That of this folder, or of the nearest one above that is there; `None` when the system does not say.
    fn of(folder: &Path) -> Option<Self> {
        let found = rustix::fs::statfs(existing(folder)).ok()?;
        // The kernel's numbers are 32 bits wide, whatever the width of the field.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(Self::numbered(found.f_type as u32))
    }

    fn numbered(kind: u32) -> Self {
        const NETWORK: [(u32, &str); 9] = [
            (0x6969, "NFS"),
            (0x517b, "SMB"),
            (0xff53_4d42, "CIFS"),
            (0xfe53_4d42, "SMB2"),
            (0x0102_1997, "9p"),
            (0x5346_414f, "AFS"),
            (0x00c3_6400, "Ceph"),
            (0x7375_7245, "Coda"),
            (0x0bd0_0bd0, "Lustre"),
        ];
        const FUSE: u32 = 0x6573_5546;
        match NETWORK.iter().find(|(number, _)| *number == kind) {
            Some((_, name)) => Self::Network(name),
            None if kind == FUSE => Self::Fuse,
            None => Self::Local,
        }
    }
}

/// Locks and syncs do not mean the same on a network's disk.
#[cfg(target_os = "linux")]
fn disk(state: &Path) -> Option<Check> {
    let remedy = || say!("doctor.keep_state_on_local").both();
    Some(match Disk::of(state)? {
        Disk::Local => DISK.ok(say!("doctor.local").both()),
        Disk::Network(name) => DISK.fail(
            say!("doctor.state_folder_on_network", name).both(),
            remedy(),
        ),
        Disk::Fuse => DISK.warn(say!("doctor.state_folder_on_fuse").both(), remedy()),
    })
}

/// The kernel tells of what this machine writes, not of what comes in from elsewhere or from below. Nothing where it does.
#[cfg(target_os = "linux")]
fn mailboxes(repo: &Path) -> Option<Check> {
    unheard(&Disk::of(repo)?)
}

#[cfg(target_os = "linux")]
fn unheard(disk: &Disk) -> Option<Check> {
    let name = match disk {
        Disk::Local => return None,
        Disk::Network(name) => name,
        Disk::Fuse => "FUSE",
    };
    let seconds = Timing::default().rescan.as_secs();
    Some(MAILBOXES.ok(say!("doctor.mailboxes_unheard", name, seconds).both()))
}

#[cfg(not(target_os = "linux"))]
fn disk(_state: &Path) -> Option<Check> {
    None
}

#[cfg(not(target_os = "linux"))]
fn mailboxes(_repo: &Path) -> Option<Check> {
    None
}

fn server(holder: Option<Holder>, file: Option<&ServerFile>) -> Check {
    let Some(holder) = holder else {
        return SERVER.ok(say!("doctor.none_runs_for_this").both());
    };
    let pid = holder
        .pid
        .map(|pid| format!(" ({pid})"))
        .unwrap_or_default();
    match file {
        Some(file) => SERVER.ok(say!("doctor.zhongshu_runs_here", pid, url = file.url).both()),
        None => SERVER.warn(
            say!("doctor.zhongshu_runs_here_does", pid).both(),
            say!("doctor.look_again_moment_if").both(),
        ),
    }
}

fn journal(places: &Places, runs: bool) -> Check {
    let report = match journal::verify(&places.journal(), Some(&places.audit_copy())) {
        Ok(report) => report,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return JOURNAL.ok(say!("doctor.none_yet").both());
        }
        Err(error) => {
            return JOURNAL.fail(
                say!("doctor.journal_unreadable", error).both(),
                say!("doctor.may_read_state").both(),
            );
        }
    };
    judge(&report, places, runs)
}

fn judge(report: &VerifyReport, places: &Places, runs: bool) -> Check {
    let path = places.journal();
    let path = path.display();
    if let Some(bad) = &report.bad {
        return JOURNAL.fail(
            say!(
                "doctor.line_not_what_written",
                line = bad.line,
                path,
                fault = bad.fault
            )
            .both(),
            say!("doctor.server_starts_read_only").both(),
        );
    }
    // What a running server is writing at this moment looks the same for an instant.
    if report.torn_bytes > 0 && !runs {
        let bytes = report.torn_bytes;
        return JOURNAL.warn(
            say!("doctor.last_line_not_whole", path, bytes).both(),
            say!("doctor.nothing_next_start_puts").both(),
        );
    }
    let copy = match &report.copy {
        CopyVerdict::Differs { line } => {
            Some(say!("doctor.copy_repository_differs_from", line).both())
        }
        CopyVerdict::Missing if !runs => Some(say!("doctor.copy_repository_gone").both()),
        CopyVerdict::Unreadable { reason } => {
            Some(say!("doctor.copy_repository_cannot_be", reason).both())
        }
        _ => None,
    };
    match copy {
        Some(found) => JOURNAL.warn(found, say!("doctor.journal_itself_sound_next").both()),
        None => JOURNAL.ok(say!("doctor.sound_records", records = report.records).both()),
    }
}

/// The part of `app-server.json` that tells whether it still runs.
#[derive(Deserialize)]
struct AppServer {
    #[serde(flatten)]
    identity: Identity,
    #[serde(default)]
    boot_id: String,
}

/// What the launcher before left behind. With a server running these are its own.
fn leftovers(places: &Places) -> Vec<Check> {
    let app_server = places.app_server_descriptor();
    let mut checks: Vec<Check> = std::fs::read(&app_server)
        .ok()
        .map(|bytes| judge_app_server(&app_server, &bytes))
        .into_iter()
        .collect();
    let folder = places.terminals();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".json") && !name.ends_with(".spec.json")
        })
        .collect();
    files.sort();
    checks.extend(files.iter().map(|path| judge_terminal(path)));
    if checks.is_empty() {
        checks.push(LEFTOVERS.ok(say!("doctor.nothing").both()));
    }
    checks
}

fn judge_app_server(path: &Path, bytes: &[u8]) -> Check {
    let Ok(found) = serde_json::from_slice::<AppServer>(bytes) else {
        return unreadable(path);
    };
    // A start time counts from the boot; after another boot it means nothing.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let same_boot =
        found.boot_id.is_empty() || boot.trim().is_empty() || boot.trim() == found.boot_id;
    if same_boot && found.identity.is_alive() {
        alive(say!("doctor.app_server"), found.identity.pid)
    } else {
        dead(path)
    }
}

fn judge_terminal(path: &Path) -> Check {
    match Descriptor::read(path) {
        Ok(found) if found.is_alive() => {
            let title = &found.title;
            alive(say!("doctor.the_terminal", title), found.pid)
        }
        Ok(_) => dead(path),
        Err(_) => unreadable(path),
    }
}

fn alive(what: Sentence, pid: u32) -> Check {
    LEFTOVERS.warn(
        say!("doctor.runs_on", what => what, pid).both(),
        say!("doctor.start_zhongshu_here_takes", pid).both(),
    )
}

fn dead(path: &Path) -> Check {
    let shown = path.display();
    LEFTOVERS.warn(
        say!("doctor.speaks_process_gone_launcher", shown).both(),
        say!("doctor.nothing_next_start_records").both(),
    )
}

fn unreadable(path: &Path) -> Check {
    let shown = path.display();
    LEFTOVERS.warn(
        say!("doctor.cannot_be_read_as", shown).both(),
        say!("doctor.remove_rm", shown).both(),
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::domain::language::Language;

    #[test]
    fn a_repository_on_a_network_is_told_of_and_a_local_one_is_not() {
        let told =
            |kind| unheard(&Disk::numbered(kind)).map(|it| it.found.get(Language::En).to_owned());
        assert_eq!(told(0xef53), None);
        for (kind, name) in [(0x6969, "NFS"), (0x6573_5546, "FUSE")] {
            let found = told(kind).unwrap_or_default();
            assert!(
                found.contains(name) && found.contains("every 2 seconds"),
                "{found}"
            );
        }
    }
}
