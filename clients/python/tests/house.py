"""A repository, a scripted model, a Codex and a server of their own, in a folder that is gone afterwards with all its processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0
"""Seconds; nothing takes longer on a busy machine unless it never happens."""
LOOK = 0.02
"""Seconds between two looks."""
GOVERNANCE = "version: 1\nlanguage: en\n"


def rule(name: str, contains: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """What the model does at a message with these words."""
    return {"name": name, "when": {"last_user_contains": contains}, "count": "message", "steps": list(steps)}


def says(text: str) -> dict[str, Any]:
    return {"say": text}


def calls(name: str, **arguments: Any) -> dict[str, Any]:
    """Calls a tool of a client."""
    return {"calls": [{"function": {"name": name, "arguments": arguments}}]}


def runs(command: str) -> dict[str, Any]:
    """Wants to run a command outside of the sandbox."""
    return {"calls": [{"shell": {"cmd": command, "escalate": "The greeter needs it."}}]}


def writes(path: str, line: str) -> dict[str, Any]:
    """Wants to add a file."""
    patch = f"*** Begin Patch\n*** Add File: {path}\n+{line}\n*** End Patch\n"
    return {"calls": [{"apply_patch": {"patch": patch}}]}


def program(variable: str, name: str) -> Path:
    """A program of this build."""
    named = os.environ.get(variable)
    path = Path(named) if named else ROOT / "target" / "debug" / name
    assert path.is_file(), f"there is no {path}: build it (cargo build --workspace), or set {variable}"
    return path


def codex() -> Path:
    """The real Codex."""
    named = os.environ.get("CODEX_BIN")
    if named:
        return Path(named)
    found = sorted(ROOT.glob(".tmp/tools/node_modules/@openai/codex-*/vendor/*/bin/codex"))
    assert found, "there is no codex: run ./tools/test install once, or set CODEX_BIN"
    return found[0]


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Waits until there is something."""
    deadline = time.monotonic() + patience
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"{what} does not happen"
        time.sleep(LOOK)
    return found


class House:
    """Everything that a client needs of the world."""

    def __init__(self, rules: list[dict[str, Any]], governance: str = GOVERNANCE) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="zs-py-")).resolve()
        for name in ("home", "tmp", "run", "state", "codex", "greeter"):
            (self.root / name).mkdir(mode=0o700)
        self.repo = self.root / "greeter"
        self.server: subprocess.Popen[str] | None = None
        self.ready: dict[str, Any] = {}
        self.port = 0
        (self.repo / "README.md").write_text("# greeter\n")
        (self.repo / "governance.yaml").write_text(governance)
        author = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
        for line in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "A small project"]):
            subprocess.run(["git", *line], cwd=self.repo, env=self.environment(), check=True)
        script = self.root / "script.json"
        script.write_text(json.dumps({"rules": rules, "otherwise": says("Told.")}))
        line = ["--script", str(script), "--codex-home", str(self.root / "codex"), "--trust", str(self.repo)]
        self.model = subprocess.Popen(
            [program("MOCK_MODEL_BIN", "mock-model"), *line], stdout=subprocess.PIPE, text=True, env=self.environment()
        )
        assert self.model.stdout is not None
        self.model.stdout.readline()

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "XDG_CONFIG_HOME": str(self.root / "home"),
            "CODEX_HOME": str(self.root / "codex"),
            "CODEX_BIN": str(codex()),
        }

    def start(self) -> None:
        """Starts the server, at the port that it had before, and waits until Codex can be asked."""
        line = ["serve", "--json", "--no-open", "--allow-writable-state", "--port", str(self.port)]
        with (self.root / "server.err").open("a") as stderr:
            self.server = subprocess.Popen(
                [program("ZHONGSHU_BIN", "zhongshu"), *line],
                cwd=self.repo,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self.server.stdout is not None
        said = self.server.stdout.readline()
        assert said, self.log()
        self.ready = json.loads(said)
        self.port = int(self.ready["url"].rstrip("/").rpartition(":")[2])
        self.person("POST", "/api/trust", {"accept": True})
        asked = self.person("GET", "/api/status")["powers"]
        if asked["needed"]:
            self.person("POST", "/api/powers", {"sha256": asked["sha256"], "accept": True})
        wait_for("Codex is ready", self._codex_is_ready)

    def _codex_is_ready(self) -> bool | None:
        with httpx.Client(transport=httpx.HTTPTransport(uds=self.socket)) as client:
            answer = client.get("http://localhost/harness/api/sessions")
        return True if answer.status_code == 200 else None

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def socket(self) -> str:
        file = json.loads((Path(self.ready["state_dir"]) / "server.json").read_text())
        return str(file["socket"])

    def person(self, method: str, path: str, body: Any = None) -> Any:
        """A request as the person."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=self.socket), timeout=30) as client:
            answer = client.request(method, f"http://localhost{path}", json=body)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}\n{self.log()}"
        return answer.json()

    def run(self, *line: str) -> str:
        """A command of zhongshu to its end; what it said."""
        done = subprocess.run(
            [program("ZHONGSHU_BIN", "zhongshu"), *line],
            cwd=self.repo,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def token(self, name: str, scope: str = "harness") -> str:
        return self.run("token", "create", name, "--scope", scope)

    def kill(self) -> None:
        """Ends the server as a crash does."""
        assert self.server is not None
        self.server.kill()
        self._waited()

    def stop(self) -> None:
        """Ends the server in good order."""
        assert self.server is not None
        self.server.terminate()
        code = self._waited()
        assert code == 0, self.log()

    def _waited(self) -> int:
        assert self.server is not None
        assert self.server.stdout is not None
        code = self.server.wait(PATIENCE)
        self.server.stdout.close()
        self.server = None
        return code

    def close(self) -> None:
        """Ends everything, and sees that nothing is left of it."""
        try:
            if self.server is None:
                # What a crash left is found again, and ended with the server.
                self.start()
            self.stop()
        finally:
            self.model.terminate()
            assert self.model.stdout is not None
            self.model.wait(PATIENCE)
            self.model.stdout.close()
        wait_for("the end of all processes", lambda: None if self.processes() else True, 20)
        shutil.rmtree(self.root)

    def processes(self) -> list[int]:
        """Every process that was started with an environment of this house."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes()
                is_over = (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
            except OSError:
                continue
            if str(self.root).encode() in environment and not is_over and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        return found

    def hold(self) -> None:
        """Has the server stand still, as on a machine that is busy beyond measure."""
        assert self.server is not None
        self.server.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGCONT)

    def log(self) -> str:
        return (self.root / "server.err").read_text()
