"""The examples run as they stand; so does the first one of README.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from house import PATIENCE, House

from zhongshu_harness import Harness

HERE = Path(__file__).resolve().parents[1]


def ran(house: House, code: str | Path, *arguments: str, token: str | None = None) -> subprocess.Popen[str]:
    """A program in the repository: with a token, or as the person."""
    environment = house.environment()
    if token is not None:
        environment |= {"ZHONGSHU_URL": house.url, "ZHONGSHU_TOKEN": token}
    line = [sys.executable, "-W", "error", "-u", *([str(code)] if isinstance(code, Path) else ["-c", code]), *arguments]
    return subprocess.Popen(
        line, cwd=house.repo, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(program: subprocess.Popen[str]) -> str:
    said, complaint = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, said + complaint
    return said


@pytest.mark.parametrize("is_person", [True, False])
def test_the_first_example_begins_streams_answers_and_performs(house: House, token: str, is_person: bool) -> None:
    readme = (HERE / "README.md").read_text()
    first = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    # It is the file as well.
    assert first.strip() == (HERE / "examples" / "first.py").read_text().partition('"""\n\n')[2].strip()
    said = ended(ran(house, first, token=None if is_person else token))
    note = house.repo / "weather.txt"
    assert note.read_text() == "Sunny.\n"
    note.unlink()
    assert "asks to change" in said
    assert said.endswith("Noted.\n")


def test_several_at_once(house: House, token: str) -> None:
    said = ended(ran(house, HERE / "examples" / "several_at_once.py", token=token))
    assert said.count("Told.") == 2


def test_watch(house: House, person: Harness) -> None:
    session = person.sessions.create(filesystem_sandbox="read-only", approval_policy="on-request")
    watching = ran(house, HERE / "examples" / "watch.py", "1")
    assert watching.stdout is not None
    # It is there when it has told what waits.
    assert watching.stdout.readline().endswith("wait\n")
    assert session.ask("Please RUN A COMMAND.", timeout=60).answer == "Ran."
    assert "yes: " in ended(watching)


def test_every_other_block_of_the_readme_is_python() -> None:
    for block in re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL):
        compile(block, "README.md", "exec")


def test_nothing_of_this_suite_is_left_running() -> None:
    assert threading.active_count() == 1
    assert os.getpid() > 0
