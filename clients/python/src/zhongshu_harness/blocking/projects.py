# Made from aio/projects.py by clients/python/generate.
"""Projects: groups of sessions."""

from __future__ import annotations

from zhongshu_harness._generated.models import AgentSession, DeletedSessions, MovedSessions, Project
from zhongshu_harness._generated.words import Whereto
from zhongshu_harness.blocking.api import Api
from zhongshu_harness.operation import UNSET, Unset


class Projects:
    """All projects."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def all(self) -> list[Project]:
        """Every project, by name."""
        return (self.api.projects_list()).data

    def find(self, name: str) -> Project | None:
        """The project with this name, in whatever letters."""
        wanted = name.strip().casefold()
        return next((it for it in self.all() if it.name.casefold() == wanted), None)

    def create(self, name: str, working_directory: str | None = None) -> Project:
        """Makes one.

        Raises DuplicateName when there is one with this name.
        """
        return (self.api.projects_create(name=name, working_directory=working_directory)).project

    def rename(self, project_id: str, name: str, working_directory: str | None | Unset = UNSET) -> Project:
        """Gives it another name; its directory stays when none is given."""
        answer = self.api.projects_rename(project_id, name=name, working_directory=working_directory)
        return answer.project

    def delete(self, project_id: str) -> None:
        """Deletes an empty one.

        Raises ProjectNotEmpty when sessions are in it.
        """
        self.api.projects_delete(project_id)

    def agents(self, project_id: str) -> list[AgentSession]:
        """Helpers that its sessions have begun."""
        return (self.api.projects_agent_sessions(project_id)).data

    def move_sessions(self, project_id: str, destination: Whereto) -> MovedSessions:
        """Takes all sessions out of it; `archive` puts them away as well."""
        return self.api.projects_move_all(project_id, destination=destination)

    def delete_sessions(self, project_id: str) -> DeletedSessions:
        """Deletes all its sessions; `skipped` says which are still there, and why."""
        return self.api.projects_delete_all(project_id)
