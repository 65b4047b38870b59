"""The ground of one run: a repository, homes, agents that are plain programs, and which processes belong to all that."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MAILBOX = ".tmp/codex_governance_mailbox"
DEPARTMENTS = ("lingyubu", "zhilibu", "gongchengbu", "menxia")

# Says where it is once it runs, drinks what is typed to it, and does what its FIFO says.
AGENT = r"""
base=$1/$ZHONGSHU_SESSION_ID
[ -p "$base.fifo" ] || mkfifo "$base.fifo"
exec 4<>"$base.fifo"
exec 3<&0
cat <&3 >/dev/null 4<&- &
printf '%s' "$ZHONGSHU_MAILBOX" >"$base.$$"
mv "$base.$$" "$base.ready"
while IFS= read -r line <&4; do
    eval "$line"
done
"""


@dataclass(frozen=True)
class Process:
    """One process, by what cannot pass to another one."""

    pid: int
    began: str
    command: str

    def kill(self) -> None:
        """Ends it, if it is still the same."""
        if began(self.pid) == self.began:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)


def began(pid: int) -> str | None:
    """When a process began, in ticks; `None` when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(") ")[2].split(" ")
    return None if fields[0] in "ZX" else fields[19]


class Ground:
    """Folders of one run; everything that runs because of it names them, or the mark."""

    def __init__(self, slots: int) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="zcrash-")).resolve()
        # No other run has this number: `sleep` for so many seconds is a child of this one, wherever it hides.
        self.mark = f"{90_000 + os.getpid() % 10_000}.{time.time_ns() % 10**9:09}"
        for name in ("home", "home/.codex", "state", "run", "tmp", "control", "repo"):
            (self.root / name).mkdir(mode=0o700)
        self.repo, self.control = self.root / "repo", self.root / "control"
        agent = self.root / "agent.sh"
        agent.write_text(AGENT)
        command = ["/bin/bash", str(agent), str(self.control), "{prompt_file}"]
        governance = {
            "driver": "program",
            "drivers": {"program": {"command": command}},
            "planner": {"driver": "program"},
            "language": "en",
            "max_departments": slots,
        }
        (self.repo / "governance.yaml").write_text(json.dumps(governance))
        (self.repo / "README.md").write_text("# a project\n")
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("add", ".")
        self._git("-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "--quiet", "--message=begin")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.repo, env=self.environment(), check=True)

    def environment(self) -> dict[str, str]:
        """What our programs see of this machine."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            "HOME": str(self.root / "home"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "TMPDIR": str(self.root / "tmp"),
            "CODEX_HOME": str(self.root / "home/.codex"),
            "CODEX_BIN": "/bin/false",
            "ZHONGSHU_LOG": "warn",
        }

    def mailbox(self, planner: str) -> Path:
        """The mailbox of a planner."""
        return self.repo / MAILBOX / planner

    def ready(self) -> dict[str, str]:
        """Sessions whose program has said that it runs, with the planner in whose mailbox it reports."""
        found = {}
        for path in self.control.glob("*.ready"):
            with contextlib.suppress(FileNotFoundError):
                found[path.name.removesuffix(".ready")] = Path(path.read_text()).parent.name
        return found

    def tell(self, session: str, line: str) -> bool:
        """Has a session's program do something; false when it does not listen."""
        try:
            pipe = os.open(self.control / f"{session}.fifo", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        with os.fdopen(pipe, "w") as out:
            out.write(line + "\n")
        return True

    def processes(self) -> list[Process]:
        """What runs because of this run, hidden or not."""
        needles = (str(self.root).encode(), self.mark.encode())
        found = []
        for entry in (path.name for path in Path("/proc").iterdir()):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            command, environ = _read(entry, "cmdline"), _read(entry, "environ")
            if any(needle in text for needle in needles for text in (command, environ)):
                start = began(int(entry))
                if start is not None:
                    words = command.replace(b"\0", b" ").decode(errors="replace").strip()
                    found.append(Process(int(entry), start, words))
        return found

    def until_alone(self, seconds: float) -> tuple[float, list[Process]]:
        """Waits until nothing of this run is left: how long that took, and what is left all the same."""
        begin = time.monotonic()
        while True:
            left = self.processes()
            took = time.monotonic() - begin
            if not left or took > seconds:
                return took, left
            time.sleep(0.01)

    def clear(self, keep: bool) -> None:
        """Ends what is left and removes the folders."""
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            for process in left:
                process.kill()
            time.sleep(0.02)
        if not keep:
            shutil.rmtree(self.root, ignore_errors=True)


def _read(pid: str, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
