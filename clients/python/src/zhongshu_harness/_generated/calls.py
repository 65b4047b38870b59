"""A method for each operation. What is left out is not sent; `None` is sent as `null`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

# By names that no operation has.
from zhongshu_harness._generated import models as _m
from zhongshu_harness._generated import operations as _o
from zhongshu_harness._generated import words as _w
from zhongshu_harness.operation import UNSET, Operation, Unset

T = TypeVar("T")


class AsyncCalls(ABC):
    """Every operation, by its id in the document."""

    @abstractmethod
    async def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = UNSET,
    ) -> T:
        """Sends a request and reads its answer."""

    async def account(self) -> Any:
        """Says who is logged in, in Codex's form."""
        return await self.call(_o.ACCOUNT)

    async def account_login_cancel(self, *, login_id: str) -> _m.CodexDone:
        """Gives up a login that waits for a person.

        login_id: Its id, from its beginning.
        """
        return await self.call(_o.ACCOUNT_LOGIN_CANCEL, body={"loginId": login_id})

    async def account_login_start(self, body: _m.LoginStart | Mapping[str, Any]) -> _m.CodexDone:
        """Begins a login."""
        return await self.call(_o.ACCOUNT_LOGIN_START, body=body)

    async def account_logout(self) -> _m.CodexDone:
        """Ends the login."""
        return await self.call(_o.ACCOUNT_LOGOUT, body={})

    async def account_rate_limits(self) -> Any:
        """Says how much of the account's limits is used, in Codex's form. 401 without an account."""
        return await self.call(_o.ACCOUNT_RATE_LIMITS)

    async def approval_policy_set(self, session_id: str, *, approval_policy: _w.ApprovalPolicy) -> _m.ApprovalPolicySet:
        """Sets when a session asks, from its next turn on.

        approval_policy: When Codex asks before it acts.
        """
        return await self.call(
            _o.APPROVAL_POLICY_SET, path={"sessionId": session_id}, body={"approvalPolicy": approval_policy}
        )

    async def approvals_decide(
        self,
        approval_id: str,
        *,
        decision: _w.DecisionWord,
        amendment: Any | Unset = UNSET,
        scope: _w.ScopeWord | Unset = UNSET,
        words: str | None | Unset = UNSET,
    ) -> _m.ApprovalDecided:
        """Decides about an approval. It is recorded before Codex hears of it: of two at once one gets 409.

        decision: Yes or no.
        amendment: One of `availableDecisions`, instead of a plain yes or no.
        scope: How far a yes reaches.
        words: What the agent is told with a no.
        """
        return await self.call(
            _o.APPROVALS_DECIDE,
            path={"approvalId": approval_id},
            body={"amendment": amendment, "decision": decision, "scope": scope, "words": words},
        )

    async def approvals_list(self, session_id: str) -> _m.Approvals:
        """Lists what a session wants to do, and asks about."""
        return await self.call(_o.APPROVALS_LIST, path={"sessionId": session_id})

    async def apps(
        self,
        *,
        cursor: str | Unset = UNSET,
        limit: int | Unset = UNSET,
        thread_id: str | Unset = UNSET,
        force_refetch: bool | Unset = UNSET,
    ) -> _m.ListPage:
        """Lists the apps that Codex may use.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        thread_id: The thread that would use them.
        force_refetch: Has Codex ask its source, not its memory.
        """
        return await self.call(
            _o.APPS, query={"cursor": cursor, "limit": limit, "threadId": thread_id, "forceRefetch": force_refetch}
        )

    async def background_terminals_clean(self, session_id: str) -> _m.Performed:
        """Ends the commands that a session left in the background."""
        return await self.call(_o.BACKGROUND_TERMINALS_CLEAN, path={"sessionId": session_id}, body={})

    async def capabilities(self, *, refresh: bool | Unset = UNSET) -> _m.CapabilitiesView:
        """Says what the installed Codex can do, from the schema that it prints. No method is called to find out.

        refresh: Has Codex tell of its methods anew: it may be another one meanwhile.
        """
        return await self.call(_o.CAPABILITIES, query={"refresh": refresh})

    async def collaboration_modes(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the ways in which a thread may work with a person.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return await self.call(_o.COLLABORATION_MODES, query={"cursor": cursor, "limit": limit})

    async def commands_exec(
        self, *, command: Sequence[str], cwd: str | None | Unset = UNSET, timeout_ms: int | None | Unset = UNSET
    ) -> _m.Executed:
        """Runs a command to its end, in the sandbox, without network.

        command: The program and its arguments; no shell reads them.
        cwd: Where it runs, in the repository; without it there.
        timeout_ms: How long it may take, in milliseconds; an hour at most, a minute when nothing is said.
        """
        return await self.call(_o.COMMANDS_EXEC, body={"command": command, "cwd": cwd, "timeoutMs": timeout_ms})

    async def config(self, *, cwd: str | Unset = UNSET, include_layers: bool | Unset = UNSET) -> Any:
        """Tells the configuration in force, in Codex's form. What looks like a secret is `***`.

        cwd: The folder in the repository whose configuration is asked for; without it the repository's.
        include_layers: Also what each file says.
        """
        return await self.call(_o.CONFIG, query={"cwd": cwd, "includeLayers": include_layers})

    async def config_requirements(self) -> Any:
        """Tells what an administrator demands of the configuration, in Codex's form."""
        return await self.call(_o.CONFIG_REQUIREMENTS)

    async def config_write_batch(
        self,
        *,
        edits: Sequence[_m.ConfigEdit],
        expected_version: str | None | Unset = UNSET,
        file_path: str | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Changes several values, all or none.

        edits: At least one.
        expected_version: The version of the file that the changes are made for.
        file_path: The file; without it the person's own.
        """
        return await self.call(
            _o.CONFIG_WRITE_BATCH, body={"edits": edits, "expectedVersion": expected_version, "filePath": file_path}
        )

    async def config_write_value(
        self,
        *,
        key_path: str,
        merge_strategy: _w.MergeStrategy,
        value: Any,
        expected_version: str | None | Unset = UNSET,
        file_path: str | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Changes one value.

        key_path: Where, as `a.b`.
        merge_strategy: What becomes of a table that is there.
        value: The new value; `null` takes it out.
        expected_version: The version of the file that the change is made for.
        file_path: The file; without it the person's own.
        """
        return await self.call(
            _o.CONFIG_WRITE_VALUE,
            body={
                "expectedVersion": expected_version,
                "filePath": file_path,
                "keyPath": key_path,
                "mergeStrategy": merge_strategy,
                "value": value,
            },
        )

    async def controls_get(self, session_id: str) -> _m.ControlsAnswer:
        """Says what a session runs with, and what new ones begin with."""
        return await self.call(_o.CONTROLS_GET, path={"sessionId": session_id})

    async def controls_set(
        self,
        session_id: str,
        *,
        controls: _m.ControlsInput,
        scope: _w.ScopeName,
        actor: str | None | Unset = UNSET,
        source: str | None | Unset = UNSET,
    ) -> _m.ControlsSet:
        """Sets what a session runs with from its next turn on, or what new sessions begin with.

        controls: All controls.
        scope: Of one session, or of those that begin later.
        actor: Who wants it, by their own account.
        source: Where it comes from, by their own account.
        """
        return await self.call(
            _o.CONTROLS_SET,
            path={"sessionId": session_id},
            body={"actor": actor, "controls": controls, "scope": scope, "source": source},
        )

    async def experimental_features(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the experimental features of Codex.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return await self.call(_o.EXPERIMENTAL_FEATURES, query={"cursor": cursor, "limit": limit})

    async def extensions_list(self) -> _m.Extensions:
        """Lists the extensions."""
        return await self.call(_o.EXTENSIONS_LIST)

    async def extensions_reload(self) -> _m.Reloaded:
        """Loads the extensions anew, all or none."""
        return await self.call(_o.EXTENSIONS_RELOAD, body={})

    async def extensions_trust(self, *, agent_id: str, digest: str, accept: bool | Unset = UNSET) -> _m.Extensions:
        """Lets exactly these files of an extension run; loads what works.

        agent_id: Who the extension is.
        digest: Its files, as `trust.digest` of the list has them.
        accept: `false`: nothing of this extension may run any more.
        """
        return await self.call(_o.EXTENSIONS_TRUST, body={"accept": accept, "agentId": agent_id, "digest": digest})

    async def feedback(
        self,
        *,
        classification: str,
        include_logs: bool,
        reason: str | None | Unset = UNSET,
        thread_id: str | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Sends words to Codex's makers. It leaves the machine, so 403 unless a person has switched it on.

        classification: What it is about.
        include_logs: Whether Codex's logs go along.
        reason: The words.
        thread_id: The thread that it is about.
        """
        return await self.call(
            _o.FEEDBACK,
            body={
                "classification": classification,
                "includeLogs": include_logs,
                "reason": reason,
                "threadId": thread_id,
            },
        )

    async def health(self, *, ready: bool | Unset = UNSET) -> _m.Health:
        """Says how the server and Codex fare. Never fails, but for `ready`.

        ready: Answers 503 while Codex cannot be asked.
        """
        return await self.call(_o.HEALTH, query={"ready": ready})

    async def jobs_cancel(self, job_id: str) -> _m.JobAnswer:
        """Takes a job back: at once while it waits; one that runs is interrupted, and may still say so in the answer."""
        return await self.call(_o.JOBS_CANCEL, path={"jobId": job_id}, body={})

    async def jobs_create(
        self,
        *,
        payload: Mapping[str, Any],
        type: str,
        dedupe: _w.Dedupe | Unset = UNSET,
        dedupe_key: str | None | Unset = UNSET,
        priority: _w.Priority | Unset = UNSET,
        project_id: str | None | Unset = UNSET,
    ) -> _m.JobQueued:
        """Puts a job into the queue.

        payload: What its type asks for; it names the session.
        type: `suggest_request` or `agent_instruction`.
        dedupe: When another job takes its place.
        dedupe_key: What makes another job the same one; left out: what its type says.
        priority: Whether somebody waits for it.
        project_id: The project of its session, which may be left out.
        """
        return await self.call(
            _o.JOBS_CREATE,
            body={
                "dedupe": dedupe,
                "dedupeKey": dedupe_key,
                "payload": payload,
                "priority": priority,
                "projectId": project_id,
                "type": type,
            },
        )

    async def jobs_list(
        self, project_id: str, *, state: Literal["queued", "running", "completed", "failed", "canceled"] | Unset = UNSET
    ) -> _m.Jobs:
        """Lists the jobs of a project.

        state: Only jobs that are this far.
        """
        return await self.call(_o.JOBS_LIST, path={"projectId": project_id}, query={"state": state})

    async def jobs_read(self, job_id: str) -> _m.JobAnswer:
        """Tells of a job."""
        return await self.call(_o.JOBS_READ, path={"jobId": job_id})

    async def jobs_retry(self, job_id: str) -> _m.JobAnswer:
        """Puts a job that failed or was taken back into the queue again, as if it were new."""
        return await self.call(_o.JOBS_RETRY, path={"jobId": job_id}, body={})

    async def mcp_oauth_login(
        self,
        server_name: str,
        *,
        scopes: Sequence[str] | None | Unset = UNSET,
        timeout_secs: int | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Begins a login at an MCP server; the answer has the address where a person goes on.

        scopes: What is asked for.
        timeout_secs: How long the person may take, in seconds.
        """
        return await self.call(
            _o.MCP_OAUTH_LOGIN, path={"serverName": server_name}, body={"scopes": scopes, "timeoutSecs": timeout_secs}
        )

    async def mcp_reload(self) -> _m.CodexDone:
        """Has Codex read the configuration of its MCP servers anew."""
        return await self.call(_o.MCP_RELOAD, body={})

    async def mcp_servers(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the MCP servers of the configuration, with their tools and how they fare.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return await self.call(_o.MCP_SERVERS, query={"cursor": cursor, "limit": limit})

    async def messages_send(
        self,
        session_id: str,
        *,
        text: str,
        approval_policy: _w.ApprovalPolicy | None | Unset = UNSET,
        dynamic_tools: Sequence[Mapping[str, Any]] | None | Unset = UNSET,
        effort: str | None | Unset = UNSET,
        filesystem_sandbox: _w.FilesystemSandbox | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
        network_access: _w.NetworkAccess | None | Unset = UNSET,
    ) -> _m.MessageAccepted:
        """Says something, in the turn that runs or else in a new one. What is to be otherwise becomes the session's
            controls.

        text: The words.
        approval_policy: Another policy from now on.
        dynamic_tools: Codex reads tools only when a session is created.
        effort: How long the model thinks from now on.
        filesystem_sandbox: Another sandbox from now on.
        model: Another model from now on.
        network_access: The network, or not, from now on.
        """
        return await self.call(
            _o.MESSAGES_SEND,
            path={"sessionId": session_id},
            body={
                "approvalPolicy": approval_policy,
                "dynamicTools": dynamic_tools,
                "effort": effort,
                "filesystemSandbox": filesystem_sandbox,
                "model": model,
                "networkAccess": network_access,
                "text": text,
            },
        )

    async def models(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the models that Codex offers, each with its efforts.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return await self.call(_o.MODELS, query={"cursor": cursor, "limit": limit})

    async def name(self) -> _m.Name:
        """Says who this is."""
        return await self.call(_o.NAME)

    async def projects_agent_sessions(self, project_id: str) -> _m.AgentSessions:
        """Lists the agents that work for a project, or for one session that is in none."""
        return await self.call(_o.PROJECTS_AGENT_SESSIONS, path={"projectId": project_id})

    async def projects_create(self, *, name: str, working_directory: str | None | Unset = UNSET) -> _m.CreatedProject:
        """Makes a project.

        name: No other project has it, whatever its case.
        working_directory: `null`: in the repository. Left out when a project is renamed: as it is.
        """
        return await self.call(_o.PROJECTS_CREATE, body={"name": name, "workingDirectory": working_directory})

    async def projects_delete(self, project_id: str) -> _m.DeletedProject:
        """Deletes a project that nothing is in."""
        return await self.call(_o.PROJECTS_DELETE, path={"projectId": project_id})

    async def projects_delete_all(self, project_id: str) -> _m.DeletedSessions:
        """Deletes all sessions of a project, as far as each can be."""
        return await self.call(_o.PROJECTS_DELETE_ALL, path={"projectId": project_id}, body={})

    async def projects_list(self) -> _m.Projects:
        """Lists the projects by name."""
        return await self.call(_o.PROJECTS_LIST)

    async def projects_move_all(self, project_id: str, *, destination: _w.Whereto) -> _m.MovedSessions:
        """Moves all sessions out of a project.

        destination: Where sessions go.
        """
        return await self.call(_o.PROJECTS_MOVE_ALL, path={"projectId": project_id}, body={"destination": destination})

    async def projects_rename(
        self, project_id: str, *, name: str, working_directory: str | None | Unset = UNSET
    ) -> _m.RenamedProject:
        """Gives a project another name, and another place where one is given.

        name: No other project has it, whatever its case.
        working_directory: `null`: in the repository. Left out when a project is renamed: as it is.
        """
        return await self.call(
            _o.PROJECTS_RENAME,
            path={"projectId": project_id},
            body={"name": name, "workingDirectory": working_directory},
        )

    async def sessions_archive(self, session_id: str) -> _m.ArchivedSession:
        """Puts a session away. A turn that runs is broken off."""
        return await self.call(_o.SESSIONS_ARCHIVE, path={"sessionId": session_id}, body={})

    async def sessions_compact(self, session_id: str) -> _m.Performed:
        """Has the model sum a session up, and go on from that."""
        return await self.call(_o.SESSIONS_COMPACT, path={"sessionId": session_id}, body={})

    async def sessions_create(
        self,
        *,
        approval_policy: _w.ApprovalPolicy | None | Unset = UNSET,
        cwd: str | None | Unset = UNSET,
        dynamic_tools: Sequence[_m.DynamicTool] | None | Unset = UNSET,
        filesystem_sandbox: _w.FilesystemSandbox | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
        network_access: _w.NetworkAccess | None | Unset = UNSET,
    ) -> _m.SessionThread:
        """Begins a session.

        approval_policy: When Codex asks before it acts.
        cwd: Where its commands run; relative to the repository, and inside of it.
        dynamic_tools: Tools that the client performs, at most 128.
        filesystem_sandbox: What commands may write.
        model: One of the models that are on offer.
        network_access: Whether commands reach the network.
        """
        return await self.call(
            _o.SESSIONS_CREATE,
            body={
                "approvalPolicy": approval_policy,
                "cwd": cwd,
                "dynamicTools": dynamic_tools,
                "filesystemSandbox": filesystem_sandbox,
                "model": model,
                "networkAccess": network_access,
            },
        )

    async def sessions_delete(self, session_id: str) -> _m.DeletedSession:
        """Deletes a session for good. A turn that runs is broken off."""
        return await self.call(_o.SESSIONS_DELETE, path={"sessionId": session_id})

    async def sessions_fork(self, session_id: str) -> _m.Forked:
        """Copies a session with its history, controls, settings and project."""
        return await self.call(_o.SESSIONS_FORK, path={"sessionId": session_id}, body={})

    async def sessions_get(self, session_id: str, *, turns: int | Unset = UNSET) -> _m.WholeSession:
        """Reads a session with its newest turns.

        turns: How many of its newest turns.
        """
        return await self.call(_o.SESSIONS_GET, path={"sessionId": session_id}, query={"turns": turns})

    async def sessions_list(
        self,
        *,
        archived: bool | Unset = UNSET,
        cursor: str | Unset = UNSET,
        limit: int | Unset = UNSET,
        include_system_owned: bool | Unset = UNSET,
    ) -> _m.SessionPage:
        """Lists sessions, newest first.

        archived: Those that are put away instead of the others.
        cursor: `nextCursor` of the page before.
        limit: How many.
        include_system_owned: Also those that the launcher drives.
        """
        return await self.call(
            _o.SESSIONS_LIST,
            query={"archived": archived, "cursor": cursor, "limit": limit, "includeSystemOwned": include_system_owned},
        )

    async def sessions_project(self, session_id: str, *, project_id: str | None) -> _m.AssignedSession:
        """Puts a session into a project, or takes it out of its own.

        project_id: The project; `null` for none.
        """
        return await self.call(_o.SESSIONS_PROJECT, path={"sessionId": session_id}, body={"projectId": project_id})

    async def sessions_rename(self, session_id: str, *, title: str) -> _m.RenamedSession:
        """Names a session."""
        return await self.call(_o.SESSIONS_RENAME, path={"sessionId": session_id}, body={"title": title})

    async def sessions_resume(
        self, session_id: str, *, dynamic_tools: Sequence[_m.DynamicTool] | None | Unset = UNSET
    ) -> _m.SessionThread:
        """Loads a session into Codex's memory.

        dynamic_tools: Refused: Codex takes tools at the start of a session only.
        """
        return await self.call(_o.SESSIONS_RESUME, path={"sessionId": session_id}, body={"dynamicTools": dynamic_tools})

    async def sessions_review(
        self,
        session_id: str,
        *,
        branch: str | None | Unset = UNSET,
        delivery: _w.Delivery | None | Unset = UNSET,
        instructions: str | None | Unset = UNSET,
        sha: str | None | Unset = UNSET,
        target_type: _w.ReviewTargetType | None | Unset = UNSET,
        title: str | None | Unset = UNSET,
    ) -> _m.Performed:
        """Has Codex review something, in a turn of its own.

        branch: Without it `main`.
        delivery: Where it is reviewed.
        target_type: What is reviewed.
        title: What the commit is called.
        """
        return await self.call(
            _o.SESSIONS_REVIEW,
            path={"sessionId": session_id},
            body={
                "branch": branch,
                "delivery": delivery,
                "instructions": instructions,
                "sha": sha,
                "targetType": target_type,
                "title": title,
            },
        )

    async def sessions_rollback(self, session_id: str, *, num_turns: int | Unset = UNSET) -> _m.RolledBack:
        """Takes the newest turns back. Files stay as they are."""
        return await self.call(_o.SESSIONS_ROLLBACK, path={"sessionId": session_id}, body={"numTurns": num_turns})

    async def sessions_unarchive(self, session_id: str) -> _m.UnarchivedSession:
        """Fetches a session back."""
        return await self.call(_o.SESSIONS_UNARCHIVE, path={"sessionId": session_id}, body={})

    async def settings_get(
        self, session_id: str, *, scope: Literal["session", "default"] | Unset = UNSET, key: str | Unset = UNSET
    ) -> _m.SettingsAnswer:
        """Reads settings.

        scope: Without it those of the session.
        key: Only this one.
        """
        return await self.call(_o.SETTINGS_GET, path={"sessionId": session_id}, query={"scope": scope, "key": key})

    async def settings_remove(
        self,
        session_id: str,
        key: str,
        *,
        scope: Literal["session", "default"] | Unset = UNSET,
        actor: str | Unset = UNSET,
        source: str | Unset = UNSET,
    ) -> _m.SettingRemoved:
        """Takes a setting away.

        scope: Without it that of the session.
        actor: Who wants it, by their own account.
        source: Where it comes from, by their own account.
        """
        return await self.call(
            _o.SETTINGS_REMOVE,
            path={"sessionId": session_id, "key": key},
            query={"scope": scope, "actor": actor, "source": source},
        )

    async def settings_set(
        self,
        session_id: str,
        *,
        scope: _w.ScopeName,
        actor: str | None | Unset = UNSET,
        key: str | None | Unset = UNSET,
        mode: _w.Mode | None | Unset = UNSET,
        settings: Mapping[str, Any] | None | Unset = UNSET,
        source: str | None | Unset = UNSET,
        value: Any | Unset = UNSET,
    ) -> _m.SettingsSet:
        """Sets settings: several, beside the others or in their place, or one.

        scope: Of one session, or of those that begin later.
        actor: Who wants it, by their own account.
        key: One: its name.
        mode: What becomes of the others.
        settings: Several.
        source: Where it comes from, by their own account.
        value: One: what it says, `null` as well.
        """
        return await self.call(
            _o.SETTINGS_SET,
            path={"sessionId": session_id},
            body={
                "actor": actor,
                "key": key,
                "mode": mode,
                "scope": scope,
                "settings": settings,
                "source": source,
                "value": value,
            },
        )

    async def skills(self, *, force_reload: bool | Unset = UNSET, cwd: str | Unset = UNSET) -> _m.ListPage:
        """Lists the skills that a thread in a folder has.

        force_reload: Has Codex look at the files, not in its memory.
        cwd: The folder in the repository whose skills are asked for; without it the repository's.
        """
        return await self.call(_o.SKILLS, query={"forceReload": force_reload, "cwd": cwd})

    async def skills_configure(self, *, enabled: bool, path: str) -> _m.CodexDone:
        """Switches a skill on or off, in Codex's configuration.

        enabled: Whether it is used.
        path: The skill's file.
        """
        return await self.call(_o.SKILLS_CONFIGURE, body={"enabled": enabled, "path": path})

    async def skills_remote(self) -> Any:
        """Skills of a host outside: Codex has no such list any more."""
        return await self.call(_o.SKILLS_REMOTE)

    async def skills_remote_write(self, *, hazelnut_id: str, is_preload: bool) -> Any:
        """Fetches a skill from a host outside: Codex cannot any more.

        hazelnut_id: Its id there.
        is_preload: Whether it is loaded before it is used.
        """
        return await self.call(_o.SKILLS_REMOTE_WRITE, body={"hazelnutId": hazelnut_id, "isPreload": is_preload})

    async def suggested_request(
        self,
        session_id: str,
        *,
        draft: str | None | Unset = UNSET,
        effort: str | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
    ) -> _m.SuggestionMade | _m.SuggestionQueued:
        """Suggests the next request; what takes longer than 12 seconds goes on as a job.

        draft: What the person has written so far.
        effort: How long it thinks.
        model: Who answers; otherwise the session's model.
        """
        return await self.call(
            _o.SUGGESTED_REQUEST,
            path={"sessionId": session_id},
            body={"draft": draft, "effort": effort, "model": model},
        )

    async def suggested_request_enqueue(
        self,
        session_id: str,
        *,
        draft: str | None | Unset = UNSET,
        effort: str | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
    ) -> _m.SuggestionQueued:
        """Enqueues a run that suggests the next request.

        draft: What the person has written so far.
        effort: How long it thinks.
        model: Who answers; otherwise the session's model.
        """
        return await self.call(
            _o.SUGGESTED_REQUEST_ENQUEUE,
            path={"sessionId": session_id},
            body={"draft": draft, "effort": effort, "model": model},
        )

    async def suggested_request_upsert(
        self,
        session_id: str,
        *,
        request_key: str,
        status: _w.RowStatus,
        error: str | None | Unset = UNSET,
        suggestion: str | None | Unset = UNSET,
    ) -> _m.SuggestionPut:
        """Writes what is known of a suggestion.

        request_key: What tells it from others of its session.
        status: How far it is. Of two accounts the greater holds.
        error: Why there is none.
        suggestion: The text; a complete one has it.
        """
        return await self.call(
            _o.SUGGESTED_REQUEST_UPSERT,
            path={"sessionId": session_id},
            body={"error": error, "requestKey": request_key, "status": status, "suggestion": suggestion},
        )

    async def tool_calls_list(self, session_id: str) -> _m.ToolCalls:
        """Lists the calls of a session's tools that a client performs."""
        return await self.call(_o.TOOL_CALLS_LIST, path={"sessionId": session_id})

    async def tool_calls_respond(
        self,
        request_id: str,
        *,
        content_items: Sequence[_m.InputTextContentItem | _m.InputImageContentItem] | None | Unset = UNSET,
        response: _m.ToolCallResponse | None | Unset = UNSET,
        success: bool | None | Unset = UNSET,
        text: str | None | Unset = UNSET,
    ) -> _m.RequestDecided:
        """Gives the model what a client's tool came to.

        response: The whole as Codex takes it, instead of the others.
        success: Whether it did what it should.
        text: The same as one item with this text.
        """
        return await self.call(
            _o.TOOL_CALLS_RESPOND,
            path={"requestId": request_id},
            body={"contentItems": content_items, "response": response, "success": success, "text": text},
        )

    async def tool_input_decide(
        self,
        request_id: str,
        *,
        decision: _w.DecisionWord,
        answers: Mapping[str, _m.QuestionAnswers] | None | Unset = UNSET,
        response: _m.ToolInputResponse | None | Unset = UNSET,
    ) -> _m.RequestDecided:
        """Answers questions of the model. `decline` and `cancel` answer nothing, and break the turn off.

        decision: Yes or no.
        answers: By the question's id.
        response: The same as Codex takes it; `answers` counts before it.
        """
        return await self.call(
            _o.TOOL_INPUT_DECIDE,
            path={"requestId": request_id},
            body={"answers": answers, "decision": decision, "response": response},
        )

    async def tool_input_list(self, session_id: str) -> _m.ToolInputs:
        """Lists what the model of a session asks."""
        return await self.call(_o.TOOL_INPUT_LIST, path={"sessionId": session_id})

    async def transcript_upsert(
        self,
        session_id: str,
        *,
        content: str,
        message_id: str,
        role: _w.Role,
        status: _w.RowStatus,
        turn_id: str,
        type: str,
        completed_at: int | None | Unset = UNSET,
        details: str | None | Unset = UNSET,
        started_at: int | None | Unset = UNSET,
    ) -> _m.RowPut:
        """Writes a row into a session's transcript, or what is new of one. One that has ended does not stream again.

        content: The text to read.
        message_id: What tells it from others of its thread: the item's id, or whatever the writer chose.
        role: Who speaks.
        status: How far it is.
        turn_id: The turn that it belongs to.
        type: What it is: the name of an item as Codex has it, or of a row of ours.
        completed_at: When it ended, in milliseconds since 1970.
        details: More, as JSON text.
        started_at: When it began, in milliseconds since 1970.
        """
        return await self.call(
            _o.TRANSCRIPT_UPSERT,
            path={"sessionId": session_id},
            body={
                "completedAt": completed_at,
                "content": content,
                "details": details,
                "messageId": message_id,
                "role": role,
                "startedAt": started_at,
                "status": status,
                "turnId": turn_id,
                "type": type,
            },
        )

    async def turns_interrupt(self, session_id: str, *, turn_id: str | None | Unset = UNSET) -> _m.Interrupted:
        """Breaks the turn off that runs.

        turn_id: Without it the one that runs.
        """
        return await self.call(_o.TURNS_INTERRUPT, path={"sessionId": session_id}, body={"turnId": turn_id})

    async def turns_steer(self, session_id: str, turn_id: str, *, input: str) -> _m.Steered:
        """Says something in the turn that runs, and in no other.

        input: The words.
        """
        return await self.call(_o.TURNS_STEER, path={"sessionId": session_id, "turnId": turn_id}, body={"input": input})


class Calls(ABC):
    """Every operation, by its id in the document."""

    @abstractmethod
    def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = UNSET,
    ) -> T:
        """Sends a request and reads its answer."""

    def account(self) -> Any:
        """Says who is logged in, in Codex's form."""
        return self.call(_o.ACCOUNT)

    def account_login_cancel(self, *, login_id: str) -> _m.CodexDone:
        """Gives up a login that waits for a person.

        login_id: Its id, from its beginning.
        """
        return self.call(_o.ACCOUNT_LOGIN_CANCEL, body={"loginId": login_id})

    def account_login_start(self, body: _m.LoginStart | Mapping[str, Any]) -> _m.CodexDone:
        """Begins a login."""
        return self.call(_o.ACCOUNT_LOGIN_START, body=body)

    def account_logout(self) -> _m.CodexDone:
        """Ends the login."""
        return self.call(_o.ACCOUNT_LOGOUT, body={})

    def account_rate_limits(self) -> Any:
        """Says how much of the account's limits is used, in Codex's form. 401 without an account."""
        return self.call(_o.ACCOUNT_RATE_LIMITS)

    def approval_policy_set(self, session_id: str, *, approval_policy: _w.ApprovalPolicy) -> _m.ApprovalPolicySet:
        """Sets when a session asks, from its next turn on.

        approval_policy: When Codex asks before it acts.
        """
        return self.call(
            _o.APPROVAL_POLICY_SET, path={"sessionId": session_id}, body={"approvalPolicy": approval_policy}
        )

    def approvals_decide(
        self,
        approval_id: str,
        *,
        decision: _w.DecisionWord,
        amendment: Any | Unset = UNSET,
        scope: _w.ScopeWord | Unset = UNSET,
        words: str | None | Unset = UNSET,
    ) -> _m.ApprovalDecided:
        """Decides about an approval. It is recorded before Codex hears of it: of two at once one gets 409.

        decision: Yes or no.
        amendment: One of `availableDecisions`, instead of a plain yes or no.
        scope: How far a yes reaches.
        words: What the agent is told with a no.
        """
        return self.call(
            _o.APPROVALS_DECIDE,
            path={"approvalId": approval_id},
            body={"amendment": amendment, "decision": decision, "scope": scope, "words": words},
        )

    def approvals_list(self, session_id: str) -> _m.Approvals:
        """Lists what a session wants to do, and asks about."""
        return self.call(_o.APPROVALS_LIST, path={"sessionId": session_id})

    def apps(
        self,
        *,
        cursor: str | Unset = UNSET,
        limit: int | Unset = UNSET,
        thread_id: str | Unset = UNSET,
        force_refetch: bool | Unset = UNSET,
    ) -> _m.ListPage:
        """Lists the apps that Codex may use.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        thread_id: The thread that would use them.
        force_refetch: Has Codex ask its source, not its memory.
        """
        return self.call(
            _o.APPS, query={"cursor": cursor, "limit": limit, "threadId": thread_id, "forceRefetch": force_refetch}
        )

    def background_terminals_clean(self, session_id: str) -> _m.Performed:
        """Ends the commands that a session left in the background."""
        return self.call(_o.BACKGROUND_TERMINALS_CLEAN, path={"sessionId": session_id}, body={})

    def capabilities(self, *, refresh: bool | Unset = UNSET) -> _m.CapabilitiesView:
        """Says what the installed Codex can do, from the schema that it prints. No method is called to find out.

        refresh: Has Codex tell of its methods anew: it may be another one meanwhile.
        """
        return self.call(_o.CAPABILITIES, query={"refresh": refresh})

    def collaboration_modes(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the ways in which a thread may work with a person.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return self.call(_o.COLLABORATION_MODES, query={"cursor": cursor, "limit": limit})

    def commands_exec(
        self, *, command: Sequence[str], cwd: str | None | Unset = UNSET, timeout_ms: int | None | Unset = UNSET
    ) -> _m.Executed:
        """Runs a command to its end, in the sandbox, without network.

        command: The program and its arguments; no shell reads them.
        cwd: Where it runs, in the repository; without it there.
        timeout_ms: How long it may take, in milliseconds; an hour at most, a minute when nothing is said.
        """
        return self.call(_o.COMMANDS_EXEC, body={"command": command, "cwd": cwd, "timeoutMs": timeout_ms})

    def config(self, *, cwd: str | Unset = UNSET, include_layers: bool | Unset = UNSET) -> Any:
        """Tells the configuration in force, in Codex's form. What looks like a secret is `***`.

        cwd: The folder in the repository whose configuration is asked for; without it the repository's.
        include_layers: Also what each file says.
        """
        return self.call(_o.CONFIG, query={"cwd": cwd, "includeLayers": include_layers})

    def config_requirements(self) -> Any:
        """Tells what an administrator demands of the configuration, in Codex's form."""
        return self.call(_o.CONFIG_REQUIREMENTS)

    def config_write_batch(
        self,
        *,
        edits: Sequence[_m.ConfigEdit],
        expected_version: str | None | Unset = UNSET,
        file_path: str | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Changes several values, all or none.

        edits: At least one.
        expected_version: The version of the file that the changes are made for.
        file_path: The file; without it the person's own.
        """
        return self.call(
            _o.CONFIG_WRITE_BATCH, body={"edits": edits, "expectedVersion": expected_version, "filePath": file_path}
        )

    def config_write_value(
        self,
        *,
        key_path: str,
        merge_strategy: _w.MergeStrategy,
        value: Any,
        expected_version: str | None | Unset = UNSET,
        file_path: str | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Changes one value.

        key_path: Where, as `a.b`.
        merge_strategy: What becomes of a table that is there.
        value: The new value; `null` takes it out.
        expected_version: The version of the file that the change is made for.
        file_path: The file; without it the person's own.
        """
        return self.call(
            _o.CONFIG_WRITE_VALUE,
            body={
                "expectedVersion": expected_version,
                "filePath": file_path,
                "keyPath": key_path,
                "mergeStrategy": merge_strategy,
                "value": value,
            },
        )

    def controls_get(self, session_id: str) -> _m.ControlsAnswer:
        """Says what a session runs with, and what new ones begin with."""
        return self.call(_o.CONTROLS_GET, path={"sessionId": session_id})

    def controls_set(
        self,
        session_id: str,
        *,
        controls: _m.ControlsInput,
        scope: _w.ScopeName,
        actor: str | None | Unset = UNSET,
        source: str | None | Unset = UNSET,
    ) -> _m.ControlsSet:
        """Sets what a session runs with from its next turn on, or what new sessions begin with.

        controls: All controls.
        scope: Of one session, or of those that begin later.
        actor: Who wants it, by their own account.
        source: Where it comes from, by their own account.
        """
        return self.call(
            _o.CONTROLS_SET,
            path={"sessionId": session_id},
            body={"actor": actor, "controls": controls, "scope": scope, "source": source},
        )

    def experimental_features(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the experimental features of Codex.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return self.call(_o.EXPERIMENTAL_FEATURES, query={"cursor": cursor, "limit": limit})

    def extensions_list(self) -> _m.Extensions:
        """Lists the extensions."""
        return self.call(_o.EXTENSIONS_LIST)

    def extensions_reload(self) -> _m.Reloaded:
        """Loads the extensions anew, all or none."""
        return self.call(_o.EXTENSIONS_RELOAD, body={})

    def extensions_trust(self, *, agent_id: str, digest: str, accept: bool | Unset = UNSET) -> _m.Extensions:
        """Lets exactly these files of an extension run; loads what works.

        agent_id: Who the extension is.
        digest: Its files, as `trust.digest` of the list has them.
        accept: `false`: nothing of this extension may run any more.
        """
        return self.call(_o.EXTENSIONS_TRUST, body={"accept": accept, "agentId": agent_id, "digest": digest})

    def feedback(
        self,
        *,
        classification: str,
        include_logs: bool,
        reason: str | None | Unset = UNSET,
        thread_id: str | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Sends words to Codex's makers. It leaves the machine, so 403 unless a person has switched it on.

        classification: What it is about.
        include_logs: Whether Codex's logs go along.
        reason: The words.
        thread_id: The thread that it is about.
        """
        return self.call(
            _o.FEEDBACK,
            body={
                "classification": classification,
                "includeLogs": include_logs,
                "reason": reason,
                "threadId": thread_id,
            },
        )

    def health(self, *, ready: bool | Unset = UNSET) -> _m.Health:
        """Says how the server and Codex fare. Never fails, but for `ready`.

        ready: Answers 503 while Codex cannot be asked.
        """
        return self.call(_o.HEALTH, query={"ready": ready})

    def jobs_cancel(self, job_id: str) -> _m.JobAnswer:
        """Takes a job back: at once while it waits; one that runs is interrupted, and may still say so in the answer."""
        return self.call(_o.JOBS_CANCEL, path={"jobId": job_id}, body={})

    def jobs_create(
        self,
        *,
        payload: Mapping[str, Any],
        type: str,
        dedupe: _w.Dedupe | Unset = UNSET,
        dedupe_key: str | None | Unset = UNSET,
        priority: _w.Priority | Unset = UNSET,
        project_id: str | None | Unset = UNSET,
    ) -> _m.JobQueued:
        """Puts a job into the queue.

        payload: What its type asks for; it names the session.
        type: `suggest_request` or `agent_instruction`.
        dedupe: When another job takes its place.
        dedupe_key: What makes another job the same one; left out: what its type says.
        priority: Whether somebody waits for it.
        project_id: The project of its session, which may be left out.
        """
        return self.call(
            _o.JOBS_CREATE,
            body={
                "dedupe": dedupe,
                "dedupeKey": dedupe_key,
                "payload": payload,
                "priority": priority,
                "projectId": project_id,
                "type": type,
            },
        )

    def jobs_list(
        self, project_id: str, *, state: Literal["queued", "running", "completed", "failed", "canceled"] | Unset = UNSET
    ) -> _m.Jobs:
        """Lists the jobs of a project.

        state: Only jobs that are this far.
        """
        return self.call(_o.JOBS_LIST, path={"projectId": project_id}, query={"state": state})

    def jobs_read(self, job_id: str) -> _m.JobAnswer:
        """Tells of a job."""
        return self.call(_o.JOBS_READ, path={"jobId": job_id})

    def jobs_retry(self, job_id: str) -> _m.JobAnswer:
        """Puts a job that failed or was taken back into the queue again, as if it were new."""
        return self.call(_o.JOBS_RETRY, path={"jobId": job_id}, body={})

    def mcp_oauth_login(
        self,
        server_name: str,
        *,
        scopes: Sequence[str] | None | Unset = UNSET,
        timeout_secs: int | None | Unset = UNSET,
    ) -> _m.CodexDone:
        """Begins a login at an MCP server; the answer has the address where a person goes on.

        scopes: What is asked for.
        timeout_secs: How long the person may take, in seconds.
        """
        return self.call(
            _o.MCP_OAUTH_LOGIN, path={"serverName": server_name}, body={"scopes": scopes, "timeoutSecs": timeout_secs}
        )

    def mcp_reload(self) -> _m.CodexDone:
        """Has Codex read the configuration of its MCP servers anew."""
        return self.call(_o.MCP_RELOAD, body={})

    def mcp_servers(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the MCP servers of the configuration, with their tools and how they fare.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return self.call(_o.MCP_SERVERS, query={"cursor": cursor, "limit": limit})

    def messages_send(
        self,
        session_id: str,
        *,
        text: str,
        approval_policy: _w.ApprovalPolicy | None | Unset = UNSET,
        dynamic_tools: Sequence[Mapping[str, Any]] | None | Unset = UNSET,
        effort: str | None | Unset = UNSET,
        filesystem_sandbox: _w.FilesystemSandbox | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
        network_access: _w.NetworkAccess | None | Unset = UNSET,
    ) -> _m.MessageAccepted:
        """Says something, in the turn that runs or else in a new one. What is to be otherwise becomes the session's
            controls.

        text: The words.
        approval_policy: Another policy from now on.
        dynamic_tools: Codex reads tools only when a session is created.
        effort: How long the model thinks from now on.
        filesystem_sandbox: Another sandbox from now on.
        model: Another model from now on.
        network_access: The network, or not, from now on.
        """
        return self.call(
            _o.MESSAGES_SEND,
            path={"sessionId": session_id},
            body={
                "approvalPolicy": approval_policy,
                "dynamicTools": dynamic_tools,
                "effort": effort,
                "filesystemSandbox": filesystem_sandbox,
                "model": model,
                "networkAccess": network_access,
                "text": text,
            },
        )

    def models(self, *, cursor: str | Unset = UNSET, limit: int | Unset = UNSET) -> _m.ListPage:
        """Lists the models that Codex offers, each with its efforts.

        cursor: Where the page begins: `nextCursor` of the page before.
        limit: How many entries at most.
        """
        return self.call(_o.MODELS, query={"cursor": cursor, "limit": limit})

    def name(self) -> _m.Name:
        """Says who this is."""
        return self.call(_o.NAME)

    def projects_agent_sessions(self, project_id: str) -> _m.AgentSessions:
        """Lists the agents that work for a project, or for one session that is in none."""
        return self.call(_o.PROJECTS_AGENT_SESSIONS, path={"projectId": project_id})

    def projects_create(self, *, name: str, working_directory: str | None | Unset = UNSET) -> _m.CreatedProject:
        """Makes a project.

        name: No other project has it, whatever its case.
        working_directory: `null`: in the repository. Left out when a project is renamed: as it is.
        """
        return self.call(_o.PROJECTS_CREATE, body={"name": name, "workingDirectory": working_directory})

    def projects_delete(self, project_id: str) -> _m.DeletedProject:
        """Deletes a project that nothing is in."""
        return self.call(_o.PROJECTS_DELETE, path={"projectId": project_id})

    def projects_delete_all(self, project_id: str) -> _m.DeletedSessions:
        """Deletes all sessions of a project, as far as each can be."""
        return self.call(_o.PROJECTS_DELETE_ALL, path={"projectId": project_id}, body={})

    def projects_list(self) -> _m.Projects:
        """Lists the projects by name."""
        return self.call(_o.PROJECTS_LIST)

    def projects_move_all(self, project_id: str, *, destination: _w.Whereto) -> _m.MovedSessions:
        """Moves all sessions out of a project.

        destination: Where sessions go.
        """
        return self.call(_o.PROJECTS_MOVE_ALL, path={"projectId": project_id}, body={"destination": destination})

    def projects_rename(
        self, project_id: str, *, name: str, working_directory: str | None | Unset = UNSET
    ) -> _m.RenamedProject:
        """Gives a project another name, and another place where one is given.

        name: No other project has it, whatever its case.
        working_directory: `null`: in the repository. Left out when a project is renamed: as it is.
        """
        return self.call(
            _o.PROJECTS_RENAME,
            path={"projectId": project_id},
            body={"name": name, "workingDirectory": working_directory},
        )

    def sessions_archive(self, session_id: str) -> _m.ArchivedSession:
        """Puts a session away. A turn that runs is broken off."""
        return self.call(_o.SESSIONS_ARCHIVE, path={"sessionId": session_id}, body={})

    def sessions_compact(self, session_id: str) -> _m.Performed:
        """Has the model sum a session up, and go on from that."""
        return self.call(_o.SESSIONS_COMPACT, path={"sessionId": session_id}, body={})

    def sessions_create(
        self,
        *,
        approval_policy: _w.ApprovalPolicy | None | Unset = UNSET,
        cwd: str | None | Unset = UNSET,
        dynamic_tools: Sequence[_m.DynamicTool] | None | Unset = UNSET,
        filesystem_sandbox: _w.FilesystemSandbox | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
        network_access: _w.NetworkAccess | None | Unset = UNSET,
    ) -> _m.SessionThread:
        """Begins a session.

        approval_policy: When Codex asks before it acts.
        cwd: Where its commands run; relative to the repository, and inside of it.
        dynamic_tools: Tools that the client performs, at most 128.
        filesystem_sandbox: What commands may write.
        model: One of the models that are on offer.
        network_access: Whether commands reach the network.
        """
        return self.call(
            _o.SESSIONS_CREATE,
            body={
                "approvalPolicy": approval_policy,
                "cwd": cwd,
                "dynamicTools": dynamic_tools,
                "filesystemSandbox": filesystem_sandbox,
                "model": model,
                "networkAccess": network_access,
            },
        )

    def sessions_delete(self, session_id: str) -> _m.DeletedSession:
        """Deletes a session for good. A turn that runs is broken off."""
        return self.call(_o.SESSIONS_DELETE, path={"sessionId": session_id})

    def sessions_fork(self, session_id: str) -> _m.Forked:
        """Copies a session with its history, controls, settings and project."""
        return self.call(_o.SESSIONS_FORK, path={"sessionId": session_id}, body={})

    def sessions_get(self, session_id: str, *, turns: int | Unset = UNSET) -> _m.WholeSession:
        """Reads a session with its newest turns.

        turns: How many of its newest turns.
        """
        return self.call(_o.SESSIONS_GET, path={"sessionId": session_id}, query={"turns": turns})

    def sessions_list(
        self,
        *,
        archived: bool | Unset = UNSET,
        cursor: str | Unset = UNSET,
        limit: int | Unset = UNSET,
        include_system_owned: bool | Unset = UNSET,
    ) -> _m.SessionPage:
        """Lists sessions, newest first.

        archived: Those that are put away instead of the others.
        cursor: `nextCursor` of the page before.
        limit: How many.
        include_system_owned: Also those that the launcher drives.
        """
        return self.call(
            _o.SESSIONS_LIST,
            query={"archived": archived, "cursor": cursor, "limit": limit, "includeSystemOwned": include_system_owned},
        )

    def sessions_project(self, session_id: str, *, project_id: str | None) -> _m.AssignedSession:
        """Puts a session into a project, or takes it out of its own.

        project_id: The project; `null` for none.
        """
        return self.call(_o.SESSIONS_PROJECT, path={"sessionId": session_id}, body={"projectId": project_id})

    def sessions_rename(self, session_id: str, *, title: str) -> _m.RenamedSession:
        """Names a session."""
        return self.call(_o.SESSIONS_RENAME, path={"sessionId": session_id}, body={"title": title})

    def sessions_resume(
        self, session_id: str, *, dynamic_tools: Sequence[_m.DynamicTool] | None | Unset = UNSET
    ) -> _m.SessionThread:
        """Loads a session into Codex's memory.

        dynamic_tools: Refused: Codex takes tools at the start of a session only.
        """
        return self.call(_o.SESSIONS_RESUME, path={"sessionId": session_id}, body={"dynamicTools": dynamic_tools})

    def sessions_review(
        self,
        session_id: str,
        *,
        branch: str | None | Unset = UNSET,
        delivery: _w.Delivery | None | Unset = UNSET,
        instructions: str | None | Unset = UNSET,
        sha: str | None | Unset = UNSET,
        target_type: _w.ReviewTargetType | None | Unset = UNSET,
        title: str | None | Unset = UNSET,
    ) -> _m.Performed:
        """Has Codex review something, in a turn of its own.

        branch: Without it `main`.
        delivery: Where it is reviewed.
        target_type: What is reviewed.
        title: What the commit is called.
        """
        return self.call(
            _o.SESSIONS_REVIEW,
            path={"sessionId": session_id},
            body={
                "branch": branch,
                "delivery": delivery,
                "instructions": instructions,
                "sha": sha,
                "targetType": target_type,
                "title": title,
            },
        )

    def sessions_rollback(self, session_id: str, *, num_turns: int | Unset = UNSET) -> _m.RolledBack:
        """Takes the newest turns back. Files stay as they are."""
        return self.call(_o.SESSIONS_ROLLBACK, path={"sessionId": session_id}, body={"numTurns": num_turns})

    def sessions_unarchive(self, session_id: str) -> _m.UnarchivedSession:
        """Fetches a session back."""
        return self.call(_o.SESSIONS_UNARCHIVE, path={"sessionId": session_id}, body={})

    def settings_get(
        self, session_id: str, *, scope: Literal["session", "default"] | Unset = UNSET, key: str | Unset = UNSET
    ) -> _m.SettingsAnswer:
        """Reads settings.

        scope: Without it those of the session.
        key: Only this one.
        """
        return self.call(_o.SETTINGS_GET, path={"sessionId": session_id}, query={"scope": scope, "key": key})

    def settings_remove(
        self,
        session_id: str,
        key: str,
        *,
        scope: Literal["session", "default"] | Unset = UNSET,
        actor: str | Unset = UNSET,
        source: str | Unset = UNSET,
    ) -> _m.SettingRemoved:
        """Takes a setting away.

        scope: Without it that of the session.
        actor: Who wants it, by their own account.
        source: Where it comes from, by their own account.
        """
        return self.call(
            _o.SETTINGS_REMOVE,
            path={"sessionId": session_id, "key": key},
            query={"scope": scope, "actor": actor, "source": source},
        )

    def settings_set(
        self,
        session_id: str,
        *,
        scope: _w.ScopeName,
        actor: str | None | Unset = UNSET,
        key: str | None | Unset = UNSET,
        mode: _w.Mode | None | Unset = UNSET,
        settings: Mapping[str, Any] | None | Unset = UNSET,
        source: str | None | Unset = UNSET,
        value: Any | Unset = UNSET,
    ) -> _m.SettingsSet:
        """Sets settings: several, beside the others or in their place, or one.

        scope: Of one session, or of those that begin later.
        actor: Who wants it, by their own account.
        key: One: its name.
        mode: What becomes of the others.
        settings: Several.
        source: Where it comes from, by their own account.
        value: One: what it says, `null` as well.
        """
        return self.call(
            _o.SETTINGS_SET,
            path={"sessionId": session_id},
            body={
                "actor": actor,
                "key": key,
                "mode": mode,
                "scope": scope,
                "settings": settings,
                "source": source,
                "value": value,
            },
        )

    def skills(self, *, force_reload: bool | Unset = UNSET, cwd: str | Unset = UNSET) -> _m.ListPage:
        """Lists the skills that a thread in a folder has.

        force_reload: Has Codex look at the files, not in its memory.
        cwd: The folder in the repository whose skills are asked for; without it the repository's.
        """
        return self.call(_o.SKILLS, query={"forceReload": force_reload, "cwd": cwd})

    def skills_configure(self, *, enabled: bool, path: str) -> _m.CodexDone:
        """Switches a skill on or off, in Codex's configuration.

        enabled: Whether it is used.
        path: The skill's file.
        """
        return self.call(_o.SKILLS_CONFIGURE, body={"enabled": enabled, "path": path})

    def skills_remote(self) -> Any:
        """Skills of a host outside: Codex has no such list any more."""
        return self.call(_o.SKILLS_REMOTE)

    def skills_remote_write(self, *, hazelnut_id: str, is_preload: bool) -> Any:
        """Fetches a skill from a host outside: Codex cannot any more.

        hazelnut_id: Its id there.
        is_preload: Whether it is loaded before it is used.
        """
        return self.call(_o.SKILLS_REMOTE_WRITE, body={"hazelnutId": hazelnut_id, "isPreload": is_preload})

    def suggested_request(
        self,
        session_id: str,
        *,
        draft: str | None | Unset = UNSET,
        effort: str | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
    ) -> _m.SuggestionMade | _m.SuggestionQueued:
        """Suggests the next request; what takes longer than 12 seconds goes on as a job.

        draft: What the person has written so far.
        effort: How long it thinks.
        model: Who answers; otherwise the session's model.
        """
        return self.call(
            _o.SUGGESTED_REQUEST,
            path={"sessionId": session_id},
            body={"draft": draft, "effort": effort, "model": model},
        )

    def suggested_request_enqueue(
        self,
        session_id: str,
        *,
        draft: str | None | Unset = UNSET,
        effort: str | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
    ) -> _m.SuggestionQueued:
        """Enqueues a run that suggests the next request.

        draft: What the person has written so far.
        effort: How long it thinks.
        model: Who answers; otherwise the session's model.
        """
        return self.call(
            _o.SUGGESTED_REQUEST_ENQUEUE,
            path={"sessionId": session_id},
            body={"draft": draft, "effort": effort, "model": model},
        )

    def suggested_request_upsert(
        self,
        session_id: str,
        *,
        request_key: str,
        status: _w.RowStatus,
        error: str | None | Unset = UNSET,
        suggestion: str | None | Unset = UNSET,
    ) -> _m.SuggestionPut:
        """Writes what is known of a suggestion.

        request_key: What tells it from others of its session.
        status: How far it is. Of two accounts the greater holds.
        error: Why there is none.
        suggestion: The text; a complete one has it.
        """
        return self.call(
            _o.SUGGESTED_REQUEST_UPSERT,
            path={"sessionId": session_id},
            body={"error": error, "requestKey": request_key, "status": status, "suggestion": suggestion},
        )

    def tool_calls_list(self, session_id: str) -> _m.ToolCalls:
        """Lists the calls of a session's tools that a client performs."""
        return self.call(_o.TOOL_CALLS_LIST, path={"sessionId": session_id})

    def tool_calls_respond(
        self,
        request_id: str,
        *,
        content_items: Sequence[_m.InputTextContentItem | _m.InputImageContentItem] | None | Unset = UNSET,
        response: _m.ToolCallResponse | None | Unset = UNSET,
        success: bool | None | Unset = UNSET,
        text: str | None | Unset = UNSET,
    ) -> _m.RequestDecided:
        """Gives the model what a client's tool came to.

        response: The whole as Codex takes it, instead of the others.
        success: Whether it did what it should.
        text: The same as one item with this text.
        """
        return self.call(
            _o.TOOL_CALLS_RESPOND,
            path={"requestId": request_id},
            body={"contentItems": content_items, "response": response, "success": success, "text": text},
        )

    def tool_input_decide(
        self,
        request_id: str,
        *,
        decision: _w.DecisionWord,
        answers: Mapping[str, _m.QuestionAnswers] | None | Unset = UNSET,
        response: _m.ToolInputResponse | None | Unset = UNSET,
    ) -> _m.RequestDecided:
        """Answers questions of the model. `decline` and `cancel` answer nothing, and break the turn off.

        decision: Yes or no.
        answers: By the question's id.
        response: The same as Codex takes it; `answers` counts before it.
        """
        return self.call(
            _o.TOOL_INPUT_DECIDE,
            path={"requestId": request_id},
            body={"answers": answers, "decision": decision, "response": response},
        )

    def tool_input_list(self, session_id: str) -> _m.ToolInputs:
        """Lists what the model of a session asks."""
        return self.call(_o.TOOL_INPUT_LIST, path={"sessionId": session_id})

    def transcript_upsert(
        self,
        session_id: str,
        *,
        content: str,
        message_id: str,
        role: _w.Role,
        status: _w.RowStatus,
        turn_id: str,
        type: str,
        completed_at: int | None | Unset = UNSET,
        details: str | None | Unset = UNSET,
        started_at: int | None | Unset = UNSET,
    ) -> _m.RowPut:
        """Writes a row into a session's transcript, or what is new of one. One that has ended does not stream again.

        content: The text to read.
        message_id: What tells it from others of its thread: the item's id, or whatever the writer chose.
        role: Who speaks.
        status: How far it is.
        turn_id: The turn that it belongs to.
        type: What it is: the name of an item as Codex has it, or of a row of ours.
        completed_at: When it ended, in milliseconds since 1970.
        details: More, as JSON text.
        started_at: When it began, in milliseconds since 1970.
        """
        return self.call(
            _o.TRANSCRIPT_UPSERT,
            path={"sessionId": session_id},
            body={
                "completedAt": completed_at,
                "content": content,
                "details": details,
                "messageId": message_id,
                "role": role,
                "startedAt": started_at,
                "status": status,
                "turnId": turn_id,
                "type": type,
            },
        )

    def turns_interrupt(self, session_id: str, *, turn_id: str | None | Unset = UNSET) -> _m.Interrupted:
        """Breaks the turn off that runs.

        turn_id: Without it the one that runs.
        """
        return self.call(_o.TURNS_INTERRUPT, path={"sessionId": session_id}, body={"turnId": turn_id})

    def turns_steer(self, session_id: str, turn_id: str, *, input: str) -> _m.Steered:
        """Says something in the turn that runs, and in no other.

        input: The words.
        """
        return self.call(_o.TURNS_STEER, path={"sessionId": session_id, "turnId": turn_id}, body={"input": input})
