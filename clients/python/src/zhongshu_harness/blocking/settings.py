# Made from aio/settings.py by clients/python/generate.
"""Named values that clients and extensions keep with a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zhongshu_harness._generated.models import AllSettings, OneSetting
from zhongshu_harness._generated.words import ScopeName
from zhongshu_harness.blocking.api import Api
from zhongshu_harness.operation import UNSET, Unset


class Settings:
    """The settings of a session, or (`of_new_sessions`) those that later sessions begin with. Values are JSON."""

    def __init__(self, api: Api, session_id: str, scope: ScopeName = "session", actor: str | None = None) -> None:
        self.api = api
        self.session_id = session_id
        self.scope: ScopeName = scope
        self._actor: str | Unset = UNSET if actor is None else actor

    def of_new_sessions(self) -> Settings:
        """The ones that later sessions begin with."""
        return Settings(self.api, self.session_id, "default", None if self._actor is UNSET else str(self._actor))

    def all(self) -> dict[str, Any]:
        """All of them."""
        answer = (self.api.settings_get(self.session_id, scope=self.scope)).root
        return dict(answer.settings) if isinstance(answer, AllSettings) else {}

    def get(self, key: str, default: Any = None) -> Any:
        """One of them, or `default` where there is none."""
        answer = (self.api.settings_get(self.session_id, scope=self.scope, key=key)).root
        return answer.value if isinstance(answer, OneSetting) and answer.found else default

    def set(self, key: str, value: Any) -> None:
        """Sets one."""
        self.api.settings_set(self.session_id, scope=self.scope, key=key, value=value, actor=self._actor)

    def update(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Sets several and leaves the others; all that hold now."""
        return self._set(settings, is_whole=False)

    def replace(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Sets several and takes all others out; all that hold now."""
        return self._set(settings, is_whole=True)

    def _set(self, settings: Mapping[str, Any], *, is_whole: bool) -> dict[str, Any]:
        answer = self.api.settings_set(
            self.session_id,
            scope=self.scope,
            settings=settings,
            mode="replace" if is_whole else "merge",
            actor=self._actor,
        )
        return dict(answer.settings)

    def remove(self, key: str) -> bool:
        """Takes one out; whether it was there."""
        answer = self.api.settings_remove(self.session_id, key, scope=self.scope, actor=self._actor)
        return answer.removed
