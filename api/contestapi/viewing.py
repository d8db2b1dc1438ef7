"""A contest as somebody sees it: the event with its clock and problems, and on which side they are.

An event is a contest from its approval on. Which of its problems and verdicts are open follows
from its state and clock; the rest is `api.redaction`'s to say.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.auth import CurrentUser
from api.contestapi import times
from api.contestapi.kinds import Side
from api.contestapi.settling import OPEN, Settled, settled
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    EntryKind,
    Event,
    EventParticipant,
    EventProblem,
    EventState,
)
from api.errors import NotFoundError
from api.events.machine import STARTED
from api.leaderboards import scoring
from api.leaderboards.scoring import Rules
from api.redaction import Audience, Phase
from judge.scoring.icpc import Icpc

CONTESTS = (
    *(EventState.APPROVED, EventState.ASSIGNED, EventState.LOBBY, EventState.LIVE),
    *(EventState.FROZEN, EventState.FINISHED, EventState.THAWED, EventState.FINALISED),
)
CONTESTS_MAX = 500
ID_CHARS_MAX = 36
# Every id there is; what is none is looked for nowhere.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
# So that `first-to-solve-<problem>` is an id as well.
PROBLEM_ID_CHARS_MAX = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A problem of a contest; its id is its slug, or its label where that is too long."""

    id: str
    row: EventProblem
    name: str
    case_total: int


@dataclass(frozen=True, kw_only=True)
class Contest:
    """An event, as it is at a moment."""

    event: Event
    tasks: Sequence[Task]
    now: datetime
    settled: Settled = OPEN

    @property
    def id(self) -> str:
        """Return its slug, or its id where that is too long."""
        return contest_id(self.event)

    @cached_property
    def rules(self) -> Rules:
        """Return what scoring knows of it."""
        return scoring.rules(self.event)

    @property
    def scores(self) -> bool:
        """Tell whether teams have scores instead of solved problems."""
        return not isinstance(self.rules.format, Icpc)

    @property
    def started(self) -> bool:
        """Tell whether there are problems for everybody."""
        return self.event.state in STARTED

    @property
    def over(self) -> bool:
        """Tell whether nothing changes any more: who is finalised was thawed."""
        return self.event.finalised_at is not None

    def later(self, at: datetime) -> bool:
        """Tell whether something was after the last update there was."""
        return self.event.finalised_at is not None and at > self.event.finalised_at

    @cached_property
    def froze_at(self) -> datetime | None:
        """Return when the public scoreboard stopped, also if it goes on again; None before."""
        clock = self.rules.schedule
        planned = None
        if clock.freeze:
            planned = clock.moment(clock.duration - clock.freeze)
        moments = [each for each in (planned, self.event.frozen_at) if each is not None]
        at = min(moments, default=None)
        return at if at is not None and self.started and at <= self.now else None

    @cached_property
    def context(self) -> str:
        """Return a digest of what more than one object depends on."""
        said = [
            *(self.event.started_at or self.event.starts_at, self.event.removed, self.id),
            *(self.event.format, self.event.options),
            *((each.id, each.row.points, each.row.position) for each in self.tasks),
        ]
        return digest(said)

    @property
    def outlook(self) -> str:
        """Return a digest of that and of what decides on which side sees what."""
        return digest([self.context, self.rules.freeze_from, self.started, self.over])

    def task(self, problem_id: UUID) -> Task | None:
        """Return a problem by what the service calls it."""
        return self._of_row.get(problem_id)

    def named(self, problem_id: str) -> Task | None:
        """Return a problem by what a client calls it."""
        return next((each for each in self.tasks if each.id == problem_id), None)

    def time(self, at: datetime) -> str:
        """Return the contest's time of a moment; pauses do not count."""
        return times.span(self.rules.schedule.elapsed(at))

    def minutes(self, elapsed_us: int) -> int:
        """Return whole minutes of the contest's time."""
        return max(0, timedelta(microseconds=elapsed_us) // timedelta(minutes=1))

    def phase(self, submitted_at: datetime) -> Phase:
        """Return the phase that decides on a submission's verdict."""
        if not self.started:
            return Phase.BEFORE
        frozen = self.rules.freeze_from
        if frozen is not None and submitted_at >= frozen:
            return Phase.FROZEN
        return Phase.RUNNING if self.event.thawed_at is None else Phase.FINAL

    @cached_property
    def _of_row(self) -> dict[UUID, Task]:
        return {each.row.problem_id: each for each in self.tasks}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Somebody who looks at a contest; `entry_id` is their own."""

    contest: Contest
    side: Side
    user: CurrentUser | None = None
    entry_id: UUID | None = None

    @property
    def public_board(self) -> bool:
        """Tell which of the two boards it is."""
        return self.side is not Side.JURY

    @property
    def sees_problems(self) -> bool:
        """Tell whether there are problems for them."""
        return self.side is Side.JURY or self.contest.started

    def who(self, entry_id: UUID) -> Audience:
        """Return what they are to something of an entry's."""
        if self.side is Side.JURY:
            return Audience.JURY
        return Audience.OWNER if entry_id == self.entry_id else Audience.PUBLIC


def contest_id(event: Event) -> str:
    """Return what an event is called as a contest."""
    return event.slug if len(event.slug) <= ID_CHARS_MAX else str(event.id)


def digest(said: Any) -> str:
    """Return a short hash of anything that JSON can hold, and times and numbers."""
    return hashlib.md5(json.dumps(said, default=str).encode(), usedforsecurity=False).hexdigest()


async def listed(session: AsyncSession) -> Sequence[Event]:
    """Return the events that are contests, by their start; the latest ones if there are many."""
    found = await session.scalars(
        select(Event)
        .where(Event.state.in_(CONTESTS), Event.private.is_(False))
        .order_by(Event.starts_at.desc(), Event.id.desc())
        .limit(CONTESTS_MAX)
    )
    return found.all()[::-1]


async def seen(session: AsyncSession, name: str, user: CurrentUser | None) -> View:
    """Return a contest as somebody sees it; raises `NotFoundError` when there is none."""
    event = None
    if NAME.fullmatch(name):
        event = await session.scalar(
            select(Event)
            .where(Event.state.in_(CONTESTS), Event.private.is_(False), _named(name))
            .limit(1)
        )
    if event is None:
        raise NotFoundError("there is no such contest", slug="event-not-found")
    return await view(session, await contest(session, event), user)


async def view(session: AsyncSession, of: Contest, user: CurrentUser | None) -> View:
    """Return on which side somebody is."""
    if user is None:
        return View(contest=of, side=Side.PUBLIC)
    if user.jury:
        return View(contest=of, side=Side.JURY, user=user)
    entry_id = await session.scalar(
        select(EventParticipant.entry_id).where(
            EventParticipant.event_id == of.event.id,
            EventParticipant.user_id == user.id,
            EventParticipant.kind == EntryKind.OFFICIAL,
        )
    )
    side = Side.PUBLIC if entry_id is None else Side.TEAM
    return View(contest=of, side=side, user=user, entry_id=entry_id)


async def contest(session: AsyncSession, event: Event) -> Contest:
    """Return an event with its problems."""
    rows = await session.execute(
        select(EventProblem, CodeProblem.slug, CodeProblemVersion)
        .join(CodeProblem, CodeProblem.id == EventProblem.problem_id)
        .join(CodeProblemVersion, CodeProblemVersion.id == EventProblem.version_id)
        .where(EventProblem.event_id == event.id)
        .order_by(EventProblem.position)
    )
    tasks = tuple(
        Task(
            id=slug if len(slug) <= PROBLEM_ID_CHARS_MAX else row.label,
            row=row,
            name=version.title,
            case_total=version.case_total,
        )
        for row, slug, version in rows
    )
    found = await settled(session, event)
    return Contest(event=event, tasks=tasks, now=await clocks.now(session), settled=found)


def _named(name: str) -> Any:
    try:
        return Event.id == UUID(name)
    except ValueError:
        return Event.slug == name
