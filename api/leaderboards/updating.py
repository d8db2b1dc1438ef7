"""Bringing a board up to date: what became known of attempts, in the transaction that says so.

Rows of the log, a cell for each entry and problem they speak of, who was first on those problems,
rows and guilds. One writer at a time has an event's board, by the lock on the event's row;
whoever changes the event itself (a freeze, a thaw) takes the same lock. A submission only leaves
its row in the log, without a lock; `catch_up` shows it as pending a moment later.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.base import document
from api.db.models import EntryKind, Event, EventAttempt, UnshownAttempt
from api.leaderboards import apart, cells, moments, reveals, scoring
from api.leaderboards import desk as desks
from api.leaderboards.desk import Desk, Target
from api.leaderboards.scoring import Rules
from judge.verdicts import Verdict

CATCH_UP_MAX = 1000
VERSIONS_MAX = 64
# What the log keeps, and what PostgreSQL calls that.
LEARNED = {
    **dict.fromkeys(("event_id", "entry_id", "problem_id", "submission_id"), "uuid"),
    "judging_id": "uuid",
    "submitted_at": "timestamptz",
    "verdict": "text",
    "score": "numeric",
    "groups": "jsonb",
    "cpu_us": "bigint",
    "memory_bytes": "bigint",
}


# Whoever locks a board takes a number, so that what was read of it before can be known to be old.
TAKEN = """
    INSERT INTO codebattle.board_heads AS head (event_id, number) SELECT id, 1 FROM locked
    ON CONFLICT (event_id) DO UPDATE SET number = head.number + 1
"""


def noted_by(having: str, *, after: int) -> str:
    """Return the statement that adds to the log when `having` has a row.

    It takes what `learned` returns, as the parameters that come `after` so many others.
    """
    values = (f"${at}::{kind}" for at, kind in enumerate(LEARNED.values(), after + 1))
    return f"""
    INSERT INTO codebattle.event_attempts ({", ".join(LEARNED)})
    SELECT {", ".join(values)} FROM {having}
"""  # noqa: S608 - numbers and our own names


def recorded_by(having: str, *, after: int) -> str:
    """Return parts of a statement that adds to the log and locks, when `having` has a row.

    They take what `noted_by` takes, and `RECORDED` is what they give.
    """
    return f"""noted AS ({noted_by(having, after=after)}), locked AS (
    SELECT event.id, event.xmin::text || event.ctid::text AS version
    FROM {having}, codebattle.events AS event
    WHERE event.id = ${after + 1} FOR NO KEY UPDATE OF event
), taken AS ({TAKEN})"""  # noqa: S608 - numbers and our own names


# Which version of the event's row is locked, and what time it is then: that would be read before,
# and not after waiting, in the part that locks.
RECORDED = "SELECT json_build_array(version, clock_timestamp())::text FROM locked"
_ALONE = "WITH given AS (SELECT)"
_RECORD = f"{_ALONE}, {recorded_by('given', after=0)} {RECORDED}"
_NOTE_SHOWN = f"{_ALONE} {noted_by('given', after=0)}"
_NOTE = """
{alone}, noted AS ({noted} RETURNING event_id, id, entry_id, problem_id)
INSERT INTO codebattle.event_unshown (event_id, attempt_id, entry_id, problem_id)
SELECT event_id, id, entry_id, problem_id FROM noted
""".format(alone=_ALONE, noted=noted_by("given", after=0))
_LOCKED = (
    select(Event)
    .where(Event.id == bindparam("locked"))
    # Others may still refer to it: the log's rows do, and wait for nobody.
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_TAKE = text(f"WITH locked AS (SELECT cast(:locked AS uuid) AS id) {TAKEN}")
_UNSHOWN = text("""
DELETE FROM codebattle.event_unshown WHERE (event_id, attempt_id) IN (
    SELECT event_id, attempt_id FROM codebattle.event_unshown
    WHERE event_id = :event_id ORDER BY attempt_id LIMIT :most
) RETURNING entry_id, problem_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What became known of a submission; verdict None is that it was made."""

    event_id: UUID
    entry_id: UUID
    problem_id: UUID
    submission_id: UUID
    submitted_at: datetime
    judging_id: UUID | None = None
    verdict: Verdict | None = None
    score: Fraction | None = None
    groups: Sequence[dict[str, Any]] | None = None
    cpu_us: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Whose cells changed on the board that everybody sees, on the jury's, and apart from both."""

    event_id: UUID
    public: tuple[Target, ...] = ()
    jury: tuple[Target, ...] = ()
    apart: tuple[tuple[UUID, UUID, EntryKind], ...] = ()


class Versions:
    """Events as they were read last, with their rules: a version of a row is its place and writer.

    Judgements follow each other far more often than anybody changes their event. What is kept
    belongs to no session, and is only read.
    """

    def __init__(self) -> None:
        self._held: dict[UUID, tuple[str, Event, Rules]] = {}

    async def event(
        self, session: AsyncSession, event_id: UUID, version: str
    ) -> tuple[Event, Rules]:
        """Return the event of which this version is locked."""
        held = self._held.pop(event_id, None)
        if held is None or held[0] != version:
            found = await locked(session, event_id)
            names = [each.key for each in inspect(Event).column_attrs]
            kept = Event(**{name: getattr(found, name) for name in names})
            held = version, kept, scoring.rules(kept)
        self._held[event_id] = held
        while len(self._held) > VERSIONS_MAX:
            del self._held[next(iter(self._held))]
        return held[1], held[2]

    def last(self, event_id: UUID) -> tuple[str, Event, Rules] | None:
        """Return the version that was held last."""
        return self._held.get(event_id)


versions = Versions()


async def note(session: AsyncSession, known: Known, *, shown: bool = False) -> None:
    """Add to the log and nothing else; the caller commits.

    What is not `shown` by the caller is brought onto the board by `catch_up`.
    """
    await direct.ask(session, _NOTE_SHOWN if shown else _NOTE, *learned(known))


async def record(session: AsyncSession, known: Known) -> tuple[Event, datetime, Changed]:
    """Add to the log and bring the board up to date; the caller commits.

    Returns the event, which is locked, to be read only, and the time, as well. The database refuses
    what is of no event.
    """
    return await recorded(session, known, await direct.ask(session, _RECORD, *learned(known)))


async def recorded(
    session: AsyncSession, known: Known, found: str
) -> tuple[Event, datetime, Changed]:
    """Bring the board up to date with what was added to the log, given what `RECORDED` gave."""
    version, at = json.loads(found)
    event, rules = await versions.event(session, known.event_id, version)
    changed = await _refresh(session, event, rules, {(known.entry_id, known.problem_id)})
    return event, datetime.fromisoformat(at), changed


async def catch_up(session: AsyncSession, event_id: UUID) -> Changed:
    """Bring onto the board what is in the log alone; the caller commits."""
    event = await locked(session, event_id)
    rows = await session.execute(_UNSHOWN, {"event_id": event_id, "most": CATCH_UP_MAX})
    targets = {(row.entry_id, row.problem_id) for row in rows}
    return await refresh(session, event, targets)


async def behind(session: AsyncSession) -> Sequence[UUID]:
    """Return the events whose log has something that the board does not show."""
    found = await session.execute(select(UnshownAttempt.event_id).distinct())
    return found.scalars().all()


async def locked(session: AsyncSession, event_id: UUID) -> Event:
    """Return an event whose board is ours until the transaction ends."""
    found = await session.execute(_LOCKED, {"locked": event_id})
    event = found.scalar_one_or_none()
    if event is None:
        raise LookupError(f"there is no event {event_id}")
    await session.execute(_TAKE, {"locked": event_id})
    return event


async def refresh(session: AsyncSession, event: Event, targets: Collection[Target]) -> Changed:
    """Make the cells of some entries and problems anew, and what follows from them.

    The event is locked. Entries apart from the official board change nothing on it; targets that
    are on no board are left out.
    """
    return await _refresh(session, event, scoring.rules(event), targets)


async def _refresh(
    session: AsyncSession, event: Event, rules: Rules, targets: Collection[Target]
) -> Changed:
    wanted = {who for who, _ in targets}
    desk = await desks.read(session, rules, list(targets), wanted)
    kinds = await apart.refresh(session, rules, desk.apart)
    beside = tuple((who, task, kinds[who]) for who, task in targets if who in kinds)
    kept = [(who, task) for who, task in targets if who in desk.entries and task in desk.problems]
    # Boards that were written down stay so, whatever becomes known later.
    if scoring.log_end(event) is not None or not kept:
        return Changed(event_id=event.id, apart=beside)
    shown = await reveals.shown(session, event, wanted)
    strangers = make(desk, kept, shown)
    if strangers:
        # Once more with the cells of those who are first no longer, or are now.
        desk = await desks.read(session, rules, kept, wanted | strangers)
        make(desk, kept, shown)
    await cells.store(session, desks.written(desk))
    await moments.follow(session, event, rules, {who for _, who, _ in desk.changed})
    return changes(desk, beside)


def changes(desk: Desk, beside: tuple[tuple[UUID, UUID, EntryKind], ...] = ()) -> Changed:
    """Return what changed on a desk, and beside it."""
    return Changed(
        event_id=desk.rules.event_id,
        public=tuple((who, UUID(task)) for public, who, task in desk.changed if public),
        jury=tuple((who, UUID(task)) for public, who, task in desk.changed if not public),
        apart=beside,
    )


def make(
    desk: Desk, targets: Sequence[Target], revealed: Collection[Target] = reveals.NONE
) -> set[UUID]:
    """Make cells anew; return whose change with them and are not on the desk."""
    for target in targets:
        desk.make(*target, revealed=target in revealed)
    strangers: set[UUID] = set()
    for task in dict.fromkeys(task for _, task in targets):
        strangers |= desk.award(desk.problems[task])
    return strangers


def learned(known: Known) -> tuple[Any, ...]:
    """Return what the log keeps of something, as `recorded_by` takes it."""
    values = {name: getattr(known, name) for name in LEARNED}
    values["score"] = None if known.score is None else scoring.decimal(known.score)
    values["groups"] = None if known.groups is None else document(known.groups)
    return tuple(values.values())


async def close(session: AsyncSession, event: Event) -> None:
    """Let the boards of an event stay as they are from now on; it is locked."""
    end = select(func.max(EventAttempt.id)).where(EventAttempt.event_id == event.id)
    event.extra = {**event.extra, "log_end": await session.scalar(end) or 0}
