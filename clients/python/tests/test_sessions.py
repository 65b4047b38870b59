"""From nothing to a finished turn, and everything else that one does with sessions."""

from __future__ import annotations

import pytest
from house import House

from zhongshu_harness import Harness, errors
from zhongshu_harness.events import ApprovalRequested, TextDelta, TurnCompleted


def test_a_turn_from_nothing_to_its_end(harness: Harness) -> None:
    session = harness.sessions.create(filesystem_sandbox="read-only", title="Hello there")
    with session.run("Tell me SLOWLY.") as turn:
        events = list(turn)
        result = turn.result()
    assert "".join(it.text for it in events if isinstance(it, TextDelta)) == "one two three four five"
    assert isinstance(events[-1], TurnCompleted)
    assert (result.status, result.answer) == ("completed", "one two three four five")
    assert result.turn_id == turn.turn_id
    assert [it.type for it in result.rows if it.type != "reasoning"][:1] == ["userMessage"]
    summary = session.summary()
    assert (summary.title, summary.materialized, summary.status) == ("Hello there", True, "idle")
    assert session.id in [it.session_id for it in harness.sessions.all()]


def test_a_turn_that_failed_or_was_broken_off_says_so(harness: Harness) -> None:
    session = harness.sessions.create()
    failed = session.ask("Please FAIL.")
    assert failed.status == "failed"
    assert failed.error is not None
    assert "unwell" in failed.error
    with pytest.raises(errors.TurnEnded, match="unwell"):
        failed.checked()
    with session.run("STAND STILL") as turn:
        turn.interrupt()
        assert turn.result().status == "interrupted"


def test_a_wait_has_an_end(harness: Harness) -> None:
    session = harness.sessions.create()
    turn = session.send("STAND STILL")
    with pytest.raises(TimeoutError):
        session.wait_for_turn(turn, timeout=0.2)
    session.interrupt(turn)
    assert session.wait_for_turn(turn).status == "interrupted"
    # It is over, and that is found out as well.
    assert session.wait_for_turn(turn).status == "interrupted"


def test_approvals_are_waited_for_and_decided(person: Harness, house: House) -> None:
    session = person.sessions.create(filesystem_sandbox="read-only", approval_policy="on-request")
    with session.run("Please WRITE A FILE.") as turn:
        for event in turn:
            if isinstance(event, ApprovalRequested):
                assert "notes.txt" in str(event.payload.details) or event.payload.summary
                assert [it.approval_id for it in person.decisions.pending() if hasattr(it, "approval_id")]
                person.decisions.accept(event.payload)
                # Which of them it is says whether Codex has heard of the first yet.
                with pytest.raises(errors.Conflict):
                    person.decisions.decline(event.payload)
        assert turn.result().answer == "Written."
    assert (house.repo / "notes.txt").read_text() == "Sunny.\n"
    (house.repo / "notes.txt").unlink()

    turn_id = session.send("Please RUN A COMMAND.")
    approval = session.wait_for_pending("approval", timeout=30)
    assert not hasattr(approval, "questions")
    session.decisions.decline(approval.approval_id, "Not today.")  # type: ignore[union-attr]
    assert session.wait_for_turn(turn_id).status == "completed"


def test_controls_settings_and_life(harness: Harness) -> None:
    project = harness.projects.create("Spring")
    session = harness.sessions.create(project_id=project.project_id, approval_policy="on-request")
    with pytest.raises(errors.DuplicateName):
        harness.projects.create("spring")
    assert harness.projects.find("SPRING") == project
    with pytest.raises(errors.ProjectNotEmpty):
        harness.projects.delete(project.project_id)

    changed = session.set_controls(filesystem_sandbox="read-only", actor="tests")
    assert (changed.controls.filesystem_sandbox, changed.controls.approval_policy) == ("read-only", "on-request")
    with pytest.raises(errors.AboveCeiling) as above:
        session.set_controls(approval_policy="never")
    assert above.value.ceiling == "approval"

    session.settings.set("colour", {"name": "red"})
    assert session.settings.update({"size": 2}) == {"colour": {"name": "red"}, "size": 2}
    assert session.settings.get("colour") == {"name": "red"}
    assert session.settings.get("shape", "round") == "round"
    assert session.settings.remove("size")
    assert not session.settings.remove("size")
    assert session.settings.replace({"a": None}) == {"a": None} == session.settings.all()

    with pytest.raises(errors.InvalidState):
        session.archive()
    result = session.ask("Hello.").checked()
    row = session.put_row("note-1", result.turn_id, "Remember this.", type="note")
    assert row in session.transcript()
    copy = session.fork()
    assert copy.ask("And you?").answer == "Told."
    copy.rollback()
    assert session.rename("Renamed").title == "Renamed"
    session.compact()
    session.move_to(None)
    session.archive()
    assert session.id in [it.session_id for it in harness.sessions.all(archived=True)]
    session.unarchive()
    copy.delete()
    session.delete()
    with pytest.raises(errors.SessionDeleted) as gone:
        session.summary()
    assert gone.value.body["sessionId"] == session.id
    assert gone.value.request_id is not None
    harness.projects.delete(project.project_id)


def test_a_no_says_which_field_does_not_fit(harness: Harness) -> None:
    with pytest.raises(errors.InvalidRequest) as wrong:
        harness.api.projects_create(name="")
    assert [it["path"] for it in wrong.value.issues] == ["name"]
    with pytest.raises(errors.NotFound):
        harness.sessions.open("../projects").read()
    with pytest.raises(ValueError, match="sessionId is empty"):
        harness.sessions.open("").read()
    with pytest.raises(errors.JobConflict):
        harness.api.jobs_create(type="nothing", payload={})
    with pytest.raises(errors.NotSupported):
        harness.api.skills_remote()
    assert harness.request("get", "/health")["service"] == "api"
