"""From rows to what `judge.scoring` takes: the event's rules, problems, clock and attempts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.models import Event, EventState
from api.db.models import EventProblem as EventProblemRow
from judge.results import GroupResult
from judge.scoring import Attempt, Cell, EventProblem, Format, GroupScore, Standing, make, ordered
from judge.scoring.guilds import Combining, combined
from judge.scoring.ranking import Row
from judge.scoring.schedule import Schedule
from judge.verdicts import Verdict

_SOME = text("""
SELECT problem_id, position, points, scoring, max_score, cpu_ms, memory_bytes
FROM codebattle.event_code_problems WHERE event_id = :event_id AND problem_id = ANY(:only)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What scoring needs of an event; `freeze_from` is when the public board stands still."""

    event_id: UUID
    format: Format
    schedule: Schedule
    freeze_from: datetime | None
    combining: Combining
    best: int

    def elapsed_us(self, submitted_at: datetime, starts_at: datetime | None) -> int:
        """Return the event's time of a submission; a virtual entry has its own start."""
        clock = self.schedule if starts_at is None else virtual(self.schedule, starts_at)
        return clock.elapsed_us(submitted_at)


def rules(event: Event, *, frozen: bool = False) -> Rules:
    """Return what scoring needs of an event's row; `frozen` as if it had not been thawed."""
    guild_board = event.guild_board
    return Rules(
        event_id=event.id,
        format=make(event.format, event.options),
        schedule=schedule(event),
        freeze_from=clocks.freeze_from(event, hides=frozen),
        combining=Combining(guild_board.get("how", Combining.SUM)),
        best=int(guild_board.get("best", 1)),
    )


def schedule(event: Event) -> Schedule:
    """Return an event's clock."""
    return clocks.schedule(event)


def log_end(event: Event) -> int | None:
    """Return the last row of the log that the boards of a finalised event have."""
    if event.state is not EventState.FINALISED:
        return None
    found: int | None = event.extra.get("log_end")
    return found


def virtual(clock: Schedule, starts_at: datetime) -> Schedule:
    """Return the clock of somebody who starts at another time; pauses are not theirs."""
    return replace(clock, start=starts_at, freeze=None, removed=())


def problem(row: Any) -> EventProblem:
    """Return a problem of an event."""
    return EventProblem(
        id=str(row.problem_id),
        order=row.position,
        points=Fraction(row.points),
        scoring=row.scoring,
        max_score=None if row.max_score is None else Fraction(row.max_score),
        cpu_limit_us=row.cpu_ms * 1000,
        memory_limit_bytes=row.memory_bytes,
    )


async def problems(
    session: AsyncSession, event_id: UUID, *, only: Collection[UUID] | None = None
) -> dict[UUID, EventProblem]:
    """Return an event's problems, or some of them, as scoring takes them."""
    if only is not None:
        some = await session.execute(_SOME, {"event_id": event_id, "only": list(only)})
        return {row.problem_id: problem(row) for row in some}
    chosen = select(EventProblemRow).where(EventProblemRow.event_id == event_id)
    return {row.problem_id: problem(row) for row in await session.scalars(chosen)}


def attempt(row: Any, elapsed_us: int, *, hidden: bool) -> Attempt:
    """Return an attempt from a row of the log; a hidden one is pending."""
    if hidden:
        return Attempt(submission=str(row.submission_id), at_us=elapsed_us, verdict=None)
    return Attempt(
        submission=str(row.submission_id),
        at_us=elapsed_us,
        verdict=None if row.verdict is None else Verdict(row.verdict),
        score=None if row.score is None else Fraction(row.score),
        groups=tuple(
            GroupScore(name=each["name"], score=Fraction(str(each["score"])))
            for each in row.groups or ()
        ),
        cpu_us=row.cpu_us,
        memory_bytes=row.memory_bytes,
    )


def cell(
    rules: Rules,
    problem: EventProblem,
    log: Iterable[Any],
    *,
    public: bool,
    starts_at: datetime | None = None,
) -> Cell:
    """Return the cell that attempts make, given the last row of the log of each."""
    frozen = rules.freeze_from if public else None
    attempts = [
        attempt(
            row,
            rules.elapsed_us(row.submitted_at, starts_at),
            hidden=frozen is not None and row.submitted_at >= frozen,
        )
        for row in log
    ]
    return rules.format.cell(problem, ordered(attempts))


def guild_standing(rules: Rules, members: dict[UUID, Standing]) -> Standing:
    """Return what the standings of a guild's entries come to."""
    return combined(
        (
            Row(participant=str(who), rank=0, standing=standing, cells={})
            for who, standing in members.items()
        ),
        rules.combining,
        best=rules.best,
    )


def groups(root: GroupResult | None) -> list[dict[str, Any]] | None:
    """Return the scores of a judgement's groups where they add up to the whole, for the log."""
    if root is None or root.score is None:
        return None
    parts = [child for top in _scored(root) for child in top.children]
    if not parts or sum((each.score or Fraction(0) for each in parts), Fraction(0)) != root.score:
        return None
    return [{"name": each.name, "score": str(decimal(each.score or Fraction(0)))} for each in parts]


def decimal(number: Fraction) -> Decimal:
    """Return a score of at most six decimals as PostgreSQL keeps it, without trailing zeros."""
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    return Decimal(0) if not exact else exact.normalize()


def latest(rows: Iterable[Any]) -> Sequence[Any]:
    """Return the last row of each submission; rows come in the order of the log."""
    kept: dict[UUID, Any] = {}
    for row in rows:
        kept[row.submission_id] = row
    return list(kept.values())


def _scored(root: GroupResult) -> Sequence[GroupResult]:
    """Return the groups whose children are what players call subtasks: those of the secret data."""
    secret = [child for child in root.children if child.name.split("/")[-1] == "secret"]
    return secret or [root]
