"""A scene for rejudging: submissions of players, a game master, judges that change their minds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api.auth import Role
from api.db.base import new_id
from api.db.models import Judging, Worker, WorkerState
from api.live import Hub
from api.problems.cache import PackageCache
from api.problems.service import Imported
from api.rejudging import service
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts
from judge.judging import Options, Progress
from judge.problem import Problem
from judge.results import Judgement
from judge.submission import Submission
from tests.api.conftest import Client, ClientFor
from tests.api.submissions.conftest import ScriptedJudge


class ChangedJudge(ScriptedJudge):
    """Judges by what the source says, but says something else for some; or comes near limits."""

    def __init__(self, changes: Mapping[str, str], *, near_limit: bool = False) -> None:
        super().__init__()
        self._changes = changes
        self._near_limit = near_limit

    async def judge(
        self,
        problem: Problem,
        submission: Submission,
        *,
        options: Options,
        progress: Callable[[Progress], None],
    ) -> Judgement:
        """Judge."""
        (name, content), *_ = submission.files.items()
        said = self._changes.get(content.decode(), content.decode())
        changed = replace(submission, files={name: said.encode()})
        judged = await super().judge(problem, changed, options=options, progress=progress)
        if not self._near_limit:
            return judged
        return replace(judged, runs=tuple(replace(run, near_limit=True) for run in judged.runs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the tests do, in few words."""

    parts: Parts
    client_for: ClientFor
    hub: Hub
    master: Client

    async def submit(self, source: str, *, user: UUID | None = None, **more: Any) -> str:
        """Submit as a player and return the submission's id."""
        new = {"problem": "hello", "language": "python3", "source": source, **more}
        roles = (Role.GAME_MASTER,) if "event_id" in more else ()
        said = await self.client_for(*roles, user_id=user).post("/v1/submissions", json=new)
        assert said.status_code == 202, said.text
        return str(said.json()["id"])

    async def worker(self, *, host: str = "one", slots: int = 1) -> UUID:
        """Register a worker."""
        identity = new_id()
        async with self.parts.sessions() as session:
            session.add(
                Worker(
                    id=identity,
                    host=host,
                    process_id=1,
                    version="1",
                    backend="scripted",
                    slots=slots,
                    state=WorkerState.ACTIVE,
                )
            )
            await session.commit()
        return identity

    def jobs(
        self,
        judged_by: ScriptedJudge | None = None,
        *,
        worker: UUID | None = None,
        **settings: Any,
    ) -> SubmissionJobs:
        """Return what a worker does; nothing happens by itself."""
        parts = replace(self.parts, settings=self.parts.settings.model_copy(update=settings))
        packages = PackageCache(parts.settings.cache_dir, parts.blobs, bytes_max=1 << 30)
        judge = judged_by or ScriptedJudge()
        return SubmissionJobs(parts, judge, packages, worker=worker or new_id(), slots=1)

    async def judge(self, judged_by: ScriptedJudge | None = None, **more: Any) -> None:
        """Judge all there is, as some worker."""
        await self.jobs(judged_by, **more).look()
        async with self.parts.sessions() as session:
            await service.settle(session)

    async def rejudge(self, client: Client | None = None, **selection: Any) -> str:
        """Make a set of these and return its address."""
        body = {"reason": "the data was wrong", "selection": selection or {"problem": "hello"}}
        said = await (client or self.master).post("/v1/rejudgings", json=body)
        assert said.status_code == 202, said.text
        return str(said.headers["location"])

    async def shown(self, address: str) -> Any:
        """Read something as the game master."""
        said = await self.master.get(address)
        assert said.status_code == 200, said.text
        return said.json()

    async def verdicts(self, *submissions: str) -> list[str | None]:
        """Return the verdicts that count."""
        found = [await self.shown(f"/v1/submissions/{each}") for each in submissions]
        return [each["verdict"] for each in found]

    async def judgings(self) -> list[Judging]:
        """Return all there are."""
        async with self.parts.sessions() as session:
            return list(await session.scalars(select(Judging).order_by(Judging.created_at)))


@pytest.fixture
async def scene(app: FastAPI, parts: Parts, client_for: ClientFor, hello: Imported) -> Scene:
    """Return a scene with the problem `hello`."""
    del hello
    return Scene(
        parts=parts,
        client_for=client_for,
        hub=app.state.parts.hub,
        master=client_for(Role.GAME_MASTER),
    )
