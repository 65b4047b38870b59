//! What our hooks say: POSIX shell that runs an earlier hook and our program. The second line seals the rest, so that a
//! hook that somebody changed is told from one that can be replaced.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::HookState;
use crate::domain::hex::hex;

/// The hook that refuses.
pub const GATE: &str = "pre-commit";

/// The hook that sees each move of a reference before it happens (Git 2.28 and later).
const MOVING: &str = "reference-transaction";

/// Every hook of ours.
pub const NAMES: [&str; 5] = [
    GATE,
    "pre-merge-commit",
    "commit-msg",
    MOVING,
    "post-commit",
];

/// Begins the second line; the seal follows.
const MARK: &str = "# zhongshu-hook 1 ";

/// What stands behind the name of an earlier hook that is kept.
const KEPT: &str = ".before-zhongshu";

/// What a hook has to know, because Git's environment does not say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Our program.
    pub program: PathBuf,
    /// The repository that the state folder belongs to; linked worktrees have state folders of their own.
    pub root: PathBuf,
    /// Its state folder.
    pub state: PathBuf,
}

/// Where an earlier hook is kept.
pub fn kept_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(KEPT);
    PathBuf::from(name)
}

/// The text of a hook.
pub fn text(name: &str, facts: &Facts) -> String {
    let body = body(name, facts);
    format!("#!/bin/sh\n{MARK}{}\n{body}", seal(body.as_bytes()))
}

fn seal(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

fn body(name: &str, facts: &Facts) -> String {
    let head = format!(
        "# Made by `zhongshu hook install`; `zhongshu hook remove` takes it away and puts back what was here before.\n\
         # An earlier hook is kept beside it as {name}{KEPT} and runs as well: edit that one.\n\
         program={}\nroot={}\nstate={}\nbefore=\"${{0%/*}}/{name}{KEPT}\"\n",
        quoted(facts.program.as_os_str().as_bytes()),
        quoted(facts.root.as_os_str().as_bytes()),
        quoted(facts.state.as_os_str().as_bytes()),
    );
    let parts: &[&str] = match name {
        GATE => &[FIND, MISSING, EARLIER_FIRST, REFUSE],
        // Git has made the tree of a merge before it asks: what an earlier hook stages comes too late for it.
        "pre-merge-commit" => &[FIND, MISSING, REFUSE, EARLIER_LAST],
        "commit-msg" => &[FIND, EARLIER_FIRST, MESSAGE],
        MOVING => &[FIND, MOVES],
        _ => &[FIND, EARLIER_THEN, AFTER],
    };
    head + &parts.concat()
}

/// Runs the program with the state folder of the repository that it was installed for; 127 when there is no program.
const FIND: &str = r#"
gate() {
    [ -x "$program" ] || program=$(command -v zhongshu) || return 127
    if [ "$(pwd -P)" = "$root" ]; then
        "$program" gate --state-dir "$state" "$@"
    else
        "$program" gate "$@"
    fi
}
"#;

/// Without the program the committed governance.yaml decides: no file that lies about can switch the gate off.
const MISSING: &str = r#"
missing() {
    mode=$(git cat-file blob HEAD:governance.yaml 2>/dev/null |
        sed -n "s/^gate:[[:space:]]*[\"']\{0,1\}\([a-z]*\).*/\1/p" | tail -n 1)
    [ "$mode" != off ] || return 0
    echo "zhongshu: the program that checks commits is gone; install zhongshu again, then run: zhongshu hook install" >&2
    [ "$mode" != warn ] || return 0
    echo "  This commit is refused. To do without zhongshu, delete this hook: $0" >&2
    return 1
}
"#;

const EARLIER_FIRST: &str = r#"
if [ -x "$before" ]; then "$before" "$@" || exit $?; fi
"#;

const EARLIER_LAST: &str = r#"
if [ -x "$before" ]; then exec "$before" "$@"; fi
"#;

const EARLIER_THEN: &str = r#"
code=0
if [ -x "$before" ]; then "$before" "$@" || code=$?; fi
"#;

const REFUSE: &str = r#"
gate --git "$PPID"
code=$?
if [ $code -eq 127 ]; then missing; code=$?; fi
[ $code -eq 0 ] || exit $code
"#;

/// A message without trailers is no reason to lose a commit.
const MESSAGE: &str = r#"
gate --message "$1"
exit 0
"#;

const AFTER: &str = r#"
gate --committed --git "$PPID"
exit $code
"#;

/// Runs for every reference that moves: where the gate let nothing pass for this very git, it is over at once.
const MOVES: &str = r#"
asked=
if [ "$1" = prepared ] && [ -e "$state/gate/pass-$PPID" ]; then asked=1; fi
if [ -x "$before" ] || [ -n "$asked" ]; then input=$(cat); fi
if [ -x "$before" ]; then printf '%s\n' "$input" | "$before" "$@" || exit $?; fi
[ -n "$asked" ] || exit 0
printf '%s\n' "$input" | gate --moving --git "$PPID"
code=$?
[ $code -ne 127 ] || exit 0
exit $code
"#;

/// A path as one word of the shell.
fn quoted(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What a hook's text is.
pub fn recognise(text: &[u8]) -> HookState {
    let Some(rest) = text.strip_prefix(b"#!/bin/sh\n") else {
        return HookState::Foreign;
    };
    let Some(rest) = rest.strip_prefix(MARK.as_bytes()) else {
        // A mark anywhere else is ours with something put before it.
        let marked = text.windows(MARK.len()).any(|it| it == MARK.as_bytes());
        return if marked {
            HookState::Edited
        } else {
            HookState::Foreign
        };
    };
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (sealed, body) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
    if sealed.trim_ascii_end() != seal(body).as_bytes() {
        return HookState::Edited;
    }
    let body = String::from_utf8_lossy(body);
    let value = |name: &str| {
        let line = body.lines().find_map(|line| line.strip_prefix(name))?;
        let word = line.strip_prefix('\'')?.strip_suffix('\'')?;
        Some(PathBuf::from(word.replace(r"'\''", "'")))
    };
    match (value("program="), value("root="), value("state=")) {
        (Some(program), Some(root), Some(state)) => HookState::Ours {
            facts: Facts {
                program,
                root,
                state,
            },
        },
        _ => HookState::Edited,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn facts() -> Facts {
        Facts {
            program: "/opt/it's here/zhongshu".into(),
            root: "/home/mei/a b".into(),
            state: "/home/mei/$(touch x)`y`\"".into(),
        }
    }

    #[test]
    fn our_hooks_are_known_again_and_changed_ones_are_told_apart() {
        for name in NAMES {
            let text = text(name, &facts());
            let ours = HookState::Ours { facts: facts() };
            assert_eq!(recognise(text.as_bytes()), ours, "{name}");
            let longer = format!("{text}echo more\n");
            assert_eq!(recognise(longer.as_bytes()), HookState::Edited, "{name}");
            let inside = text.replacen("#!/bin/sh\n", "#!/bin/sh\necho first\n", 1);
            assert_eq!(recognise(inside.as_bytes()), HookState::Edited, "{name}");
        }
        for foreign in ["", "#!/bin/sh\n", "#!/usr/bin/env python\n", "\0\u{1}"] {
            assert_eq!(recognise(foreign.as_bytes()), HookState::Foreign);
        }
    }

    #[test]
    fn paths_are_words_of_the_shell() {
        let script = format!("printf %s {}", quoted(facts().state.as_os_str().as_bytes()));
        let said = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(
            said.stdout,
            facts().state.as_os_str().as_bytes(),
            "{script}"
        );
    }
}
