//! What a yes to an ask gives beyond what its thread has, as far as ceilings speak of it.

use super::ceilings::Above;
use super::controls::FilesystemSandbox;
use crate::domain::ask::decision::Decision;
use crate::domain::ask::{Access, Ask, What};
use serde_json::Value;

/// Without a sandbox.
const UNSANDBOXED: Above = Above::Sandbox(FilesystemSandbox::DangerFullAccess);

/// All that this decision gives, each as what it would be above of. `is_inside` tells whether a path is in the repository.
pub fn of(ask: &Ask, decision: &Decision, is_inside: impl Fn(&str) -> bool) -> Vec<Above> {
    if !decision.allows() {
        return Vec::new();
    }
    let mut gifts = match &ask.what {
        What::Command {
            network: Some(_), ..
        } => vec![Above::Network],
        What::Command {
            permissions: Some(access),
            ..
        }
        | What::Permissions { access, .. } => of_access(access, is_inside),
        // Codex asks about those that are to leave their sandbox, and does not say of any that it does not.
        What::Command { .. } => vec![UNSANDBOXED],
        What::Patch {
            files,
            omitted,
            grant_root,
        } => {
            let paths = files
                .iter()
                .flat_map(|it| [Some(&it.path), it.moved_to.as_ref()]);
            let mut paths = paths.flatten().chain(grant_root);
            vec![
                match *omitted == 0 && !files.is_empty() && paths.all(|it| is_inside(it)) {
                    true => Above::Sandbox(FilesystemSandbox::WorkspaceWrite),
                    false => UNSANDBOXED,
                },
            ]
        }
        What::Questions { .. }
        | What::Form { .. }
        | What::Url { .. }
        | What::McpTool { .. }
        | What::ToolCall { .. }
        | What::Unknown { .. } => Vec::new(),
    };
    // These are written down for the user, wherever they work.
    let is_kept = matches!(
        decision,
        Decision::AcceptWithRule { .. } | Decision::AcceptAlways | Decision::AllowHost { .. }
    );
    gifts.extend(is_kept.then_some(Above::ConfigWrites));
    gifts
}

fn of_access(access: &Access, is_inside: impl Fn(&str) -> bool) -> Vec<Above> {
    let network = (access.network == Some(true)).then_some(Above::Network);
    let writes = access.write.iter().map(|path| Some(path.as_str()));
    // Reading is in every sandbox, and what is taken away is no gift.
    let others = access.other_entries();
    let others = others.filter(|it| !matches!(it["access"].as_str(), Some("read" | "none")));
    let others = others.map(|it| match it["access"].as_str() {
        Some("write") => it["path"]["path"].as_str().filter(|_| is_plain(it)),
        _ => None,
    });
    let written = writes.chain(others).map(|path| match path {
        Some(path) if is_inside(path) => Above::Sandbox(FilesystemSandbox::WorkspaceWrite),
        _ => UNSANDBOXED,
    });
    network.into_iter().chain(written).collect()
}

fn is_plain(entry: &Value) -> bool {
    entry["path"]["type"].as_str().is_none_or(|it| it == "path")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::ask::{PatchedFile, RequestKey};
    use crate::domain::ids::AskId;
    use serde_json::json;

    const INSIDE: Above = Above::Sandbox(FilesystemSandbox::WorkspaceWrite);

    fn ask(what: What) -> Ask {
        Ask {
            id: AskId::parse("ask-1").unwrap(),
            request_key: RequestKey {
                server: "1@1".to_owned(),
                request: "0".to_owned(),
            },
            thread_id: "t".to_owned(),
            turn_id: None,
            item_id: None,
            session_id: None,
            what,
            why: None,
            raised_at: chrono::DateTime::UNIX_EPOCH,
            offered: Vec::new(),
            cut: Vec::new(),
        }
    }

    fn given(what: Value, decision: &Decision) -> Vec<Above> {
        let what = serde_json::from_value(what).unwrap();
        of(&ask(what), decision, |path| path.starts_with("/repo/"))
    }

    #[test]
    fn a_command_leaves_its_sandbox_and_a_host_is_the_network() {
        let command = json!({ "kind": "command", "command": "ls" });
        assert_eq!(given(command.clone(), &Decision::Accept), [UNSANDBOXED]);
        for no in [Decision::Decline, Decision::Cancel] {
            assert_eq!(given(command.clone(), &no), []);
        }
        let rule = Decision::AcceptWithRule { rule: Vec::new() };
        assert_eq!(given(command, &rule), [UNSANDBOXED, Above::ConfigWrites]);
        let host = json!({ "kind": "command", "command": "curl", "network": { "host": "a.example", "protocol": "https" } });
        assert_eq!(given(host.clone(), &Decision::Accept), [Above::Network]);
        let denied = Decision::DenyHost {
            host: "a.example".to_owned(),
        };
        assert_eq!(given(host, &denied), []);
    }

    #[test]
    fn permissions_are_as_wide_as_the_widest_of_them() {
        let wanted = |more: Value| {
            let mut what = json!({ "kind": "permissions", "cwd": "/repo" });
            for (name, value) in more.as_object().unwrap() {
                what[name] = value.clone();
            }
            given(what, &Decision::GrantTurn)
        };
        assert_eq!(wanted(json!({ "read": ["/etc"] })), []);
        assert_eq!(wanted(json!({ "network": true })), [Above::Network]);
        assert_eq!(
            wanted(json!({ "write": ["/repo/a", "/etc"] })),
            [INSIDE, UNSANDBOXED]
        );
        let pattern =
            json!({ "access": "write", "path": { "type": "glob_pattern", "pattern": "/repo/**" } });
        let path = json!({ "access": "write", "path": { "type": "path", "path": "/repo/b" } });
        let none = json!({ "access": "none", "path": { "type": "path", "path": "/repo/b" } });
        let unknown = json!({ "access": "own", "path": { "type": "path", "path": "/repo/b" } });
        assert_eq!(
            wanted(json!({ "entries": [pattern, path, none, unknown] })),
            [UNSANDBOXED, INSIDE, UNSANDBOXED]
        );
    }

    #[test]
    fn a_patch_is_inside_with_all_it_touches_or_it_is_not() {
        let file = |path: &str, moved_to: Option<&str>| PatchedFile {
            path: path.to_owned(),
            kind: "update".to_owned(),
            diff: String::new(),
            moved_to: moved_to.map(str::to_owned),
        };
        let patch = |files: Vec<PatchedFile>, omitted| {
            let what = json!({ "kind": "patch", "files": files, "omitted": omitted });
            given(what, &Decision::AcceptForSession)
        };
        assert_eq!(patch(vec![file("/repo/a", None)], 0), [INSIDE]);
        assert_eq!(patch(vec![file("/repo/a", Some("/repo/b"))], 0), [INSIDE]);
        for (files, omitted) in [
            (vec![file("/repo/a", Some("/etc/a"))], 0),
            (vec![file("/repo/a", None), file("/etc/a", None)], 0),
            (vec![file("/repo/a", None)], 1),
            (Vec::new(), 0),
        ] {
            assert_eq!(patch(files, omitted), [UNSANDBOXED]);
        }
    }
}
