"""The real server as a process: started, asked over its socket, killed, stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from .ground import Ground

# Nothing takes longer unless it is broken.
PATIENCE = 60.0


class Unreachable(Exception):
    """Nobody answers: it is being killed or not up yet."""


class _Socket(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("zhongshu", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Server:
    """One server after the other, for the same repository."""

    def __init__(self, program: Path, ground: Ground) -> None:
        self.program, self.ground = program, ground
        self.process: subprocess.Popen[bytes] | None = None
        self.state: Path | None = None
        self.starts: list[float] = []
        self.most_memory = 0.0
        self._log = (ground.root / "server.log").open("ab")

    def spawn(self) -> None:
        """Begins a start."""
        words = ["serve", "--json", "--no-open", "--allow-writable-state", "--port", "0"]
        self.process = subprocess.Popen(
            [str(self.program), *words],
            cwd=self.ground.repo,
            env=self.ground.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._began = time.monotonic()

    def until_ready(self) -> None:
        """Waits for the end of a start."""
        assert self.process
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise SystemExit(f"the server did not start (exit code {code}):\n{self.log()}")
        self.starts.append(time.monotonic() - self._began)
        self.state = Path(json.loads(line)["state_dir"])

    def start(self) -> None:
        """A whole start."""
        self.spawn()
        self.until_ready()

    def kill(self) -> None:
        """As a crash would: no goodbye to anybody."""
        assert self.process
        assert self.process.stdout
        self._note_memory()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def stop(self) -> float:
        """In good order: how long it took."""
        assert self.process
        assert self.process.stdout
        self._note_memory()
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        self.process = None
        if code != 0:
            raise SystemExit(f"the server ended with exit code {code}:\n{self.log()}")
        return time.monotonic() - begin

    def memory(self) -> float:
        """The most that it has had in memory so far, in MiB."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def _note_memory(self) -> None:
        # It may be gone already.
        with contextlib.suppress(OSError):
            self.most_memory = max(self.most_memory, self.memory())

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """A request of the person over the socket; the answer's body. Refusals come back as they are, with `ok` false."""
        if self.state is None:
            raise Unreachable
        try:
            where = json.loads((self.state / "server.json").read_bytes())["socket"]
            connection = _Socket(where)
            headers = {"Content-Type": "application/json"} if body is not None else {}
            if key is not None:
                headers["Idempotency-Key"] = key
            text = None if body is None else json.dumps(body)
            try:
                connection.request(method, path, text, headers)
                return json.loads(connection.getresponse().read())
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise Unreachable from error

    def insist(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """The same, again and again until somebody answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask(method, path, body, key)
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def look(self, asked_ms: list[float]) -> None:
        """Asks for the status, and notes in how many milliseconds it came; while nobody answers it notes nothing."""
        begin = time.monotonic()
        with contextlib.suppress(Unreachable):
            self.ask("GET", "/api/status")
            asked_ms.append((time.monotonic() - begin) * 1000)

    def allow(self) -> None:
        """A person says yes to the programs of `governance.yaml`."""
        asked = self.insist("GET", "/api/status")["powers"]
        if asked["needed"]:
            said = self.insist("POST", "/api/powers", {"sha256": asked["sha256"], "accept": True})
            assert said["ok"], said

    def run(self, *arguments: str) -> tuple[int, str]:
        """A command of the program: its exit code and all that it said."""
        done = subprocess.run(
            [str(self.program), *arguments],
            cwd=self.ground.repo,
            env=self.ground.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE * 5,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def log(self) -> str:
        """The end of what it logged."""
        return (self.ground.root / "server.log").read_bytes()[-4000:].decode(errors="replace")
