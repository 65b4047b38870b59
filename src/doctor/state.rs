//! Checks of our own folder: private, on a local disk, out of the agents' reach; the journal in it; a running server, and
//! what a dead one left.

use super::machine::{existing, port};
use super::{Check, Inputs, Subject, say};
use crate::journal::{self, CopyVerdict, VerifyReport};
use crate::paths::{Holder, PathError, Places, ServerFile, running};
use crate::process::Identity;
use codex_terminal::descriptor::Descriptor;
use serde::Deserialize;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const FOLDER: Subject = Subject::new("state_dir", "state folder", "状态目录");
#[cfg(target_os = "linux")]
const DISK: Subject = Subject::new("file_system", "file system", "文件系统");
const SERVER: Subject = Subject::new("server", "server", "服务");
const JOURNAL: Subject = Subject::new("journal", "journal", "日志");
const LEFTOVERS: Subject = Subject::new("leftovers", "left running", "遗留进程");

/// All checks of the state folder, and the port, which depends on who runs.
pub(super) async fn run(places: Places, inputs: &Inputs) -> Vec<Check> {
    let holder = running(&places).ok().flatten();
    let server_file = ServerFile::read(&places).ok().flatten();
    let ours = holder.and(server_file.as_ref()).and_then(port_of);
    let mut checks = vec![port(inputs.port, ours), folder(&places, inputs)];
    checks.extend(disk(&places.state));
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
        say(error.to_string(), format!("没有可用的状态目录：{error}")),
        say(
            "name a folder outside of the repository with `--state-dir`",
            "请用 `--state-dir` 指定仓库之外的目录",
        ),
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
                say(
                    format!("{shown} is not a folder of this user"),
                    format!("{shown} 不是当前用户的目录"),
                ),
                say(
                    "take it over with `chown`, or name another one with `--state-dir`",
                    "请用 `chown` 更改归属，或用 `--state-dir` 另行指定",
                ),
            );
        }
        if found.permissions().mode() & 0o077 != 0 {
            return FOLDER.fail(
                say(
                    format!("other users can open {shown}, which holds keys and the journal"),
                    format!("其他用户可以打开 {shown}，其中存有密钥和日志"),
                ),
                say(
                    format!("close it: `chmod 700 {shown}`"),
                    format!("请收紧权限：`chmod 700 {shown}`"),
                ),
            );
        }
    } else if rustix::fs::access(existing(state), rustix::fs::Access::WRITE_OK).is_err() {
        let place = existing(state).display();
        return FOLDER.fail(
            say(
                format!("{shown} does not exist and cannot be made: {place} is not writable"),
                format!("{shown} 不存在且无法创建：{place} 不可写"),
            ),
            say(
                "name another folder with `--state-dir`",
                "请用 `--state-dir` 指定别的目录",
            ),
        );
    }
    if let Some(open) = places.open_to_agents(&inputs.environment) {
        let open = open.display();
        return FOLDER.fail(
            say(
                format!("{shown} lies under {open}, where the commands of a sandboxed agent may write: an agent could change the journal"),
                format!("{shown} 位于 {open} 之下，沙箱中的代理可以写入那里：代理可能篡改日志"),
            ),
            say(
                "name a folder elsewhere with `--state-dir`; `serve` refuses this one without `--allow-writable-state`",
                "请用 `--state-dir` 指定别处的目录；不带 `--allow-writable-state` 时 `serve` 拒绝使用该目录",
            ),
        );
    }
    FOLDER.ok(match found {
        Some(_) => say(format!("{shown}, private"), format!("{shown}，仅自己可见")),
        None => say(
            format!("{shown}, made at the first start"),
            format!("{shown}，首次启动时创建"),
        ),
    })
}

/// Locks and syncs do not mean the same on a network's disk.
#[cfg(target_os = "linux")]
fn disk(state: &Path) -> Option<Check> {
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
    let found = rustix::fs::statfs(existing(state)).ok()?;
    // The kernel's numbers are 32 bits wide, whatever the width of the field.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let kind = found.f_type as u32;
    let remedy = || {
        say(
            "keep the state on a local disk: name a folder there with `--state-dir`",
            "请把状态放在本地磁盘：用 `--state-dir` 指定",
        )
    };
    if let Some((_, name)) = NETWORK.iter().find(|(number, _)| *number == kind) {
        let found = say(
            format!(
                "the state folder is on a network file system ({name}), where locks and syncs do not hold"
            ),
            format!("状态目录位于网络文件系统（{name}），锁和落盘都不可靠"),
        );
        return Some(DISK.fail(found, remedy()));
    }
    if kind == FUSE {
        let found = say(
            "the state folder is on a FUSE file system; whether locks and syncs hold there depends on its program",
            "状态目录位于 FUSE 文件系统，锁和落盘是否可靠取决于其程序",
        );
        return Some(DISK.warn(found, remedy()));
    }
    Some(DISK.ok(say("local", "本地")))
}

#[cfg(not(target_os = "linux"))]
fn disk(_state: &Path) -> Option<Check> {
    None
}

fn server(holder: Option<Holder>, file: Option<&ServerFile>) -> Check {
    let Some(holder) = holder else {
        return SERVER.ok(say(
            "none runs for this repository",
            "本仓库没有正在运行的服务",
        ));
    };
    let pid = holder
        .pid
        .map(|pid| format!(" ({pid})"))
        .unwrap_or_default();
    match file {
        Some(file) => SERVER.ok(say(
            format!("zhongshu runs here{pid}: {}", file.url),
            format!("zhongshu 正在运行{pid}：{}", file.url),
        )),
        None => SERVER.warn(
            say(
                format!(
                    "zhongshu runs here{pid} and does not say where it listens; it may be starting"
                ),
                format!("zhongshu 正在运行{pid}，但没有说明监听地址；可能仍在启动"),
            ),
            say(
                "look again in a moment; if it stays so, end that process",
                "请稍后再看；若一直如此，请结束该进程",
            ),
        ),
    }
}

fn journal(places: &Places, runs: bool) -> Check {
    let report = match journal::verify(&places.journal(), Some(&places.audit_copy())) {
        Ok(report) => report,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return JOURNAL.ok(say("none yet", "尚未建立"));
        }
        Err(error) => {
            return JOURNAL.fail(
                say(error.to_string(), format!("无法读取：{error}")),
                say(
                    "see that this user may read the state folder",
                    "请确认当前用户可以读取状态目录",
                ),
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
            say(
                format!("line {} of {path} is not what was written: {}", bad.line, bad.fault),
                format!("{path} 第 {} 行与写入时不符：{}", bad.line, bad.fault),
            ),
            say(
                "the server starts read-only with the state of the lines before; put a sound copy in its place (.tmp/codex_governance_audit.jsonl in the repository may be one), then run `zhongshu audit verify`",
                "服务会以此前各行的状态只读启动；请换上完好的副本（仓库中的 .tmp/codex_governance_audit.jsonl 也许可用），再运行 `zhongshu audit verify`",
            ),
        );
    }
    // What a running server is writing at this moment looks the same for an instant.
    if report.torn_bytes > 0 && !runs {
        let bytes = report.torn_bytes;
        return JOURNAL.warn(
            say(
                format!("the last line of {path} is not whole ({bytes} bytes); it was never acknowledged"),
                format!("{path} 的最后一行不完整（{bytes} 字节），从未被确认"),
            ),
            say(
                "nothing: the next start puts it aside, says so, and goes on",
                "无需处理：下次启动会将其移开并说明，然后继续",
            ),
        );
    }
    let copy = match &report.copy {
        CopyVerdict::Differs { line } => Some(say(
            format!("its copy in the repository differs from line {line} on: somebody changed it"),
            format!("仓库中的副本从第 {line} 行起不同：有人改动过"),
        )),
        CopyVerdict::Missing if !runs => Some(say(
            "its copy in the repository is gone",
            "仓库中的副本不见了",
        )),
        CopyVerdict::Unreadable { reason } => Some(say(
            format!("its copy in the repository cannot be read: {reason}"),
            format!("仓库中的副本无法读取：{reason}"),
        )),
        _ => None,
    };
    match copy {
        Some(found) => JOURNAL.warn(
            found,
            say(
                "the journal itself is sound; the next start keeps a changed copy aside and writes a new one",
                "日志本身完好；下次启动会保留被改动的副本并写出新的",
            ),
        ),
        None => JOURNAL.ok(say(
            format!("sound, {} records", report.records),
            format!("完好，共 {} 条记录", report.records),
        )),
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
        checks.push(LEFTOVERS.ok(say("nothing", "无")));
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
        alive(
            "Codex's app-server",
            "Codex 的 app-server",
            found.identity.pid,
        )
    } else {
        dead(path)
    }
}

fn judge_terminal(path: &Path) -> Check {
    match Descriptor::read(path) {
        Ok(found) if found.is_alive() => {
            let title = &found.title;
            alive(
                &format!("the terminal `{title}`"),
                &format!("终端 `{title}`"),
                found.pid,
            )
        }
        Ok(_) => dead(path),
        Err(_) => unreadable(path),
    }
}

fn alive(en: &str, zh: &str, pid: u32) -> Check {
    LEFTOVERS.warn(
        say(
            format!("{en} (process {pid}) runs on without a launcher"),
            format!("{zh}（进程 {pid}）仍在运行，但没有启动器"),
        ),
        say(
            format!("start zhongshu here and it takes it over; to end it instead: `kill {pid}`"),
            format!("在此启动 zhongshu 即可接管；若要结束它：`kill {pid}`"),
        ),
    )
}

fn dead(path: &Path) -> Check {
    let shown = path.display();
    LEFTOVERS.warn(
        say(
            format!("{shown} speaks of a process that is gone: the launcher before did not end in good order"),
            format!("{shown} 所指的进程已不存在：上一个启动器没有正常结束"),
        ),
        say(
            "nothing: the next start records what was lost; its sessions can be resumed",
            "无需处理：下次启动会记录丢失的会话，它们可以恢复",
        ),
    )
}

fn unreadable(path: &Path) -> Check {
    let shown = path.display();
    LEFTOVERS.warn(
        say(
            format!("{shown} cannot be read as what it should be"),
            format!("{shown} 的内容无法识别"),
        ),
        say(
            format!("remove it: `rm {shown}`"),
            format!("请删除它：`rm {shown}`"),
        ),
    )
}
