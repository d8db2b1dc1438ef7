"""The desk where submissions are handed in: checked one by one, stored together.

    requests ──→ waiting ──→ [problems, keys, checks] ──→ one statement, one commit ──→ answers
                                                                       └─→ update, then the bell

While one batch is stored the next one gathers, so nobody waits for company and a crowd shares its
round trips and its commit. Problems are read with each batch: an edit holds from the next one on,
in every process. A row that PostgreSQL refuses is stored, or refused, apart from its neighbours.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from api import tracing
from api.auth import CurrentUser, Role
from api.db.base import new_id
from api.db.direct import AWAY, Direct
from api.db.models import JudgingState, Queue
from api.ending import ended
from api.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    TooManyError,
    UnavailableError,
)
from api.limiting import Rate, Shared
from api.live import Kind, Topic, Update
from api.logs import logger
from api.submissions import intake, service
from api.submissions.admission import Admission, admission
from api.submissions.intake import Intake, Known, Stored, Taken, Targets
from api.submissions.schemas import NewSubmission
from api.traces import Networks
from api.wiring import Parts
from api.workers.estimating import Pace

# Waiting judgings are counted at most so often.
DEPTH_S = 0.5
BATCH_MAX = 64
WAITING_MAX = 2000
_log = logger(__name__)
_Keys = dict[tuple[UUID, str], Known]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _HandedIn:
    """A request at the desk."""

    user: CurrentUser
    new: NewSubmission
    key: str | None
    request_hash: str
    request_id: str
    peer: str
    trace: dict[str, str]
    arrived: float
    answer: asyncio.Future[Taken]

    def taken(self, taken: Taken) -> None:
        if not self.answer.done():
            self.answer.set_result(taken)

    def failed(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Desk:
    """Takes in the submissions of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._direct = Direct(parts.engine)
        self._rate = Rate(
            per_minute=self._settings.submissions_per_minute,
            burst=self._settings.submissions_burst,
        )
        self._networks = Networks(self._settings)
        self._rates = Shared(parts.redis, "submissions", self._rate)
        self._waiting: deque[_HandedIn] = deque()
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._depth = 0
        self._pace = Pace()
        self._counted = float("-inf")

    async def take(
        self, user: CurrentUser, new: NewSubmission, *, key: str | None, request_id: str, peer: str
    ) -> Taken:
        """Store a submission with its queued judging, or return the one its key already made.

        It is committed when this returns. `peer` is the address it comes from.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise UnavailableError("too many submissions at once", retry_after_s=1)
        handed_in = _HandedIn(
            user=user,
            new=new,
            key=key,
            request_hash=service.request_hash(new),
            request_id=request_id,
            peer=peer,
            trace=tracing.carrier(),
            arrived=time.monotonic(),
            answer=asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(handed_in)
        self._more.set()
        if self._task is None:
            # Of no request: what is logged there is not under the first one's id.
            self._task = asyncio.create_task(self._run(), name="desk", context=Context())
        return await handed_in.answer

    async def aclose(self) -> None:
        """End; requests are over by now."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._direct.drop()

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            while self._waiting:
                some = min(len(self._waiting), BATCH_MAX)
                batch = [self._waiting.popleft() for _ in range(some)]
                serving = asyncio.create_task(self._serve(batch), name="desk batch")
                try:
                    await asyncio.wait([serving])
                finally:
                    await ended(serving)
                # A bug is the failure of these requests, never of the desk.
                error = serving.exception()
                for each in batch:
                    each.failed(error or RuntimeError("a request was left at the desk"))
            self._more.clear()

    async def _serve(self, batch: Sequence[_HandedIn]) -> None:
        batch = await self._not_too_many(batch)
        if not batch:
            return
        try:
            try:
                ready = await self._checked(batch)
            except AWAY:
                # Nothing was written: a server that was restarted meanwhile gets another try.
                await self._direct.drop()
                ready = await self._checked(batch)
            await self._store(ready)
        except AWAY as error:
            _log.error("desk.away", error=type(error).__name__)
            await self._direct.drop()
            for each in batch:
                each.failed(
                    UnavailableError("a part of the service is away; try again", retry_after_s=2)
                )

    async def _not_too_many(self, batch: Sequence[_HandedIn]) -> list[_HandedIn]:
        """Answer those who hand in too often, and return the rest."""
        counted = [each for each in batch if not _for_the_jury(each)]
        granted = await self._rates.take(Counter(str(each.user.id) for each in counted))
        left = {name: each.count for name, each in granted.items()}
        rest = []
        for each in batch:
            name = str(each.user.id)
            if _for_the_jury(each):
                rest.append(each)
            elif left[name] > 0:
                left[name] -= 1
                rest.append(each)
            else:
                each.failed(self._rate.refusal("submissions", granted[name].wait_s))
        return rest

    async def _checked(self, batch: Sequence[_HandedIn]) -> list[tuple[_HandedIn, Intake]]:
        """Answer what needs no storing, and return the rest."""
        connection = await self._direct.connection()
        keys = await self._known(connection, batch)
        targets = await intake.targets(
            connection,
            {each.new.problem for each in batch},
            {each.user.id for each in batch if _outside(each)},
        )
        admitted = await admission(
            connection,
            {(each.new.event_id, each.user.id) for each in batch if each.new.event_id is not None},
        )
        if time.monotonic() - self._counted > DEPTH_S:
            self._depth, self._pace = await intake.depth(connection)
            self._counted = time.monotonic()
        # One moment for all: their ages differ by nothing but their arrivals.
        now = time.monotonic()
        ready = []
        for each in batch:
            try:
                if (found := _replayed(each, keys)) is not None:
                    each.taken(found)
                else:
                    ready.append((each, self._intake(each, targets, admitted, now)))
            except ApiError as error:
                each.failed(error)
        return ready

    async def _known(self, connection: asyncpg.Connection, some: Sequence[_HandedIn]) -> _Keys:
        keys = [(each.user.id, each.key) for each in some if each.key is not None]
        return await intake.known(connection, keys)

    def _intake(
        self, given: _HandedIn, targets: Targets, admitted: Admission, now: float
    ) -> Intake:
        """Return what is to be stored; raises what is to be answered instead."""
        new = given.new
        if new.queue is not Queue.INTERACTIVE and not _for_the_jury(given):
            raise ForbiddenError("only the jury may choose a queue")
        age_s = now - given.arrived
        place = admitted.find(
            new.event_id, given.user.id, new.problem, room_id=new.room_id, arrived=given.arrived
        )
        strange = place is None and (new.event_id or new.room_id)
        if strange and not _may_name_events(given):
            raise NotFoundError("there is no such event for you", slug="event-not-found")
        target = targets.find(given.user, new.problem) if place is None else place.target
        if target is None:
            raise NotFoundError("there is no such problem", slug="problem-not-found")
        submission = service.checked(new, target, self._settings)
        self._room_in_queue()
        return Intake(
            submission_id=new_id(),
            judging_id=new_id(),
            user_id=given.user.id,
            problem_id=target.problem_id,
            version_id=target.version_id,
            event_id=new.event_id,
            room_id=new.room_id if place is None else place.room_id,
            entry_id=None if place is None else place.entry_id,
            submission=submission,
            queue=new.queue,
            idempotency_key=given.key,
            request_hash=given.request_hash,
            request_id=given.request_id,
            extra={"trace": given.trace} if given.trace else {},
            delay_s=service.delay_s(self._settings, new.queue),
            age_s=age_s,
            arrived_at=None if place is None else place.arrived_at,
            event_state=None if place is None else place.event_state,
            network=None if place is None else self._networks.hashed(place.network_of, given.peer),
            pasted=new.pasted if place is not None and place.record_writing else None,
        )

    def _room_in_queue(self) -> None:
        if self._depth >= self._settings.queue_depth_max:
            raise UnavailableError(
                f"{self._depth} submissions are waiting; nothing more is taken in for now",
                retry_after_s=self._pace.retry_after_s(self._depth),
                slug="queue-full",
                queued=self._depth,
                wait_s=self._pace.wait_s(self._depth),
            )

    async def _store(self, ready: Sequence[tuple[_HandedIn, Intake]]) -> None:
        if not ready:
            return
        connection = await self._direct.connection()
        try:
            rows = await intake.store(
                connection,
                [given for _, given in ready],
                step_s=self._settings.fair_step_s,
                room_step_s=self._settings.fair_step_s / self._settings.fair_room_share,
                waiting_max=self._settings.user_queued_max,
            )
        except asyncpg.PostgresError as error:
            if isinstance(error, AWAY):
                raise
            if len(ready) == 1:
                ready[0][0].failed(error)
                return
            _log.warning("desk.refused", count=len(ready), sqlstate=error.sqlstate)
            for one in ready:
                await self._store([one])
            return
        left = [pair for pair in zip(ready, rows, strict=True) if not self._answered(*pair)]
        refused = [each for (each, _), row in left if not row.moved]
        await self._were_quicker(connection, refused)
        if moved := [each for (each, _), row in left if row.moved]:
            # Their event goes through a few states in its life, so this ends.
            await self._store(await self._checked(moved))

    def _answered(self, asked: tuple[_HandedIn, Intake], row: Stored) -> bool:
        """Answer by what came of it, unless more has to be known."""
        each, given = asked
        if row.submitted_at is not None:
            self._tell(given)
            each.taken(_taken(given, row, self._pace.wait_s(self._depth)))
        elif row.moved:
            return False
        elif row.waiting >= self._settings.user_queued_max:
            said = f"{row.waiting} of your submissions are still waiting"
            each.failed(TooManyError(said, retry_after_s=10, slug="quota"))
        else:
            return False
        return True

    async def _were_quicker(
        self, connection: asyncpg.Connection, some: Sequence[_HandedIn]
    ) -> None:
        """Answer those whose key somebody else used at the same time."""
        keys = await self._known(connection, some)
        for each in some:
            try:
                found = _replayed(each, keys)
            except ApiError as error:
                each.failed(error)
            else:
                assert found is not None
                each.taken(found)

    def _tell(self, given: Intake) -> None:
        """Publish that it waits, and only then ring: whoever judges it publishes the next."""
        told: dict[str, Any] = {
            "submission_id": str(given.submission_id),
            "judging_id": str(given.judging_id),
            "problem_id": str(given.problem_id),
            "user_id": str(given.user_id),
            "event_id": str(given.event_id) if given.event_id else None,
            "room_id": str(given.room_id) if given.room_id else None,
        }
        topics = [
            Topic.SUBMISSION.of(given.submission_id),
            Topic.USER.of(given.user_id),
            Topic.PROBLEM.of(given.problem_id),
        ]
        self._parts.announcer.say(
            topics, Update(kind=Kind.QUEUED, data=told), then=self._parts.bell.ring_soon
        )
        if given.room_id is not None and given.entry_id is not None:
            # That it is there is all they learn, so it is the same in every phase.
            told |= {"entry_id": str(given.entry_id), "stage": "queued", "hidden": False}
            self._parts.announcer.say(
                [Topic.ROOM.of(given.room_id)], Update(kind=Kind.PROGRESS, data=told)
            )


def _for_the_jury(given: _HandedIn) -> bool:
    return given.new.queue is not Queue.INTERACTIVE and given.user.has(Role.AUTHOR, Role.REVIEWER)


def _may_name_events(given: _HandedIn) -> bool:
    """Tell whether somebody who takes no part may try something out in an event.

    A room has its own share of the workers, which only game masters may use up.
    """
    return given.user.has(*(() if given.new.room_id else (Role.AUTHOR, Role.REVIEWER)))


def _outside(given: _HandedIn) -> bool:
    """Tell whether somebody may be no player where they hand in."""
    return given.new.event_id is None or _may_name_events(given)


def _replayed(given: _HandedIn, keys: _Keys) -> Taken | None:
    """Return what the key of a request has made; raises when that was another request."""
    found = keys.get((given.user.id, given.key)) if given.key is not None else None
    if found is None:
        return None
    if found.request_hash != given.request_hash:
        raise ConflictError(
            "this idempotency key was used for another request", slug="idempotency-key-reused"
        )
    return found.taken


def _taken(given: Intake, row: Stored, wait_s: float | None) -> Taken:
    assert row.submitted_at is not None
    return Taken(
        id=given.submission_id,
        judging_id=given.judging_id,
        problem_id=given.problem_id,
        state=JudgingState.QUEUED,
        submitted_at=row.submitted_at,
        replayed=False,
        wait_s=wait_s,
    )
