"""Choosing an event's problems: by hand, or drawn for its topics.

A draw never takes a hidden problem that another event is to have: whoever plays first would know
it. A person who chooses by hand may, since two events can be halves of one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    EntryKind,
    Event,
    EventParticipant,
    EventProblem,
    EventState,
    TestGroup,
    Visibility,
)
from api.errors import ConflictError, InvalidError
from api.events import drawing
from api.events.drawing import Candidate, TooFewError, Wish
from api.events.machine import OVER, STARTED, allowed

PROBLEMS_MAX = 100
# Those who take part and have an accepted submission of a problem anywhere.
_SOLVED = text("""
SELECT s.problem_id, count(DISTINCT s.user_id) AS people
FROM codebattle.code_submissions AS s
JOIN codebattle.judgings AS j ON j.submission_id = s.id AND j.is_current AND j.verdict = 'AC'
JOIN codebattle.event_participants AS p ON p.user_id = s.user_id AND p.event_id = :event_id
GROUP BY s.problem_id
""")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('codebattle.draws', 0))")
# Events that are to come or go on are all others.
_PAST = frozenset({*OVER, EventState.CANCELLED, EventState.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A problem for an event; limits None are the problem's own."""

    problem_id: UUID
    label: str | None = None
    points: Decimal = Decimal(100)
    cpu_ms: int | None = None
    memory_bytes: int | None = None


async def choose(session: AsyncSession, event: Event, choices: Sequence[Choice]) -> None:
    """Put these problems, in this order, in the place of those the event has.

    The event is locked. Raises `ConflictError` once it has started, `InvalidError` for a problem
    that is not there or is there twice.
    """
    if event.state in STARTED:
        acts = [each.value for each in allowed(event.state)]
        raise ConflictError(
            "the event has started; it keeps its problems", slug="event-state", allowed=acts
        )
    if len(choices) > PROBLEMS_MAX:
        raise InvalidError(f"at most {PROBLEMS_MAX} problems")
    if len({each.problem_id for each in choices}) < len(choices):
        raise InvalidError("a problem is there twice", slug="event-problems")
    labels = [each.label or label(n) for n, each in enumerate(choices)]
    if len(set(labels)) < len(labels):
        raise InvalidError("a label is there twice", slug="event-problems")
    await _refuse_players(session, event, [each.problem_id for each in choices])
    versions = await _versions(session, [each.problem_id for each in choices])
    await session.execute(delete(EventProblem).where(EventProblem.event_id == event.id))
    for position, each in enumerate(choices):
        if each.problem_id not in versions:
            raise InvalidError(f"there is no problem {each.problem_id}", slug="event-problems")
        version, max_score = versions[each.problem_id]
        session.add(
            EventProblem(
                event_id=event.id,
                problem_id=each.problem_id,
                version_id=version.id,
                label=labels[position],
                position=position,
                points=each.points,
                scoring="scoring" in version.kinds,
                max_score=max_score,
                cpu_ms=each.cpu_ms or version.cpu_ms,
                memory_bytes=each.memory_bytes or version.memory_bytes,
            )
        )
    await session.flush()


async def draw_missing(session: AsyncSession, event: Event) -> None:
    """Draw problems for the event's topics, if nobody chose any.

    Raises `ConflictError` when there are too few.
    """
    chosen = await session.scalar(select(func.count()).where(EventProblem.event_id == event.id))
    if not chosen and event.topics:
        await choose(session, event, await drawn(session, event))


async def drawn(session: AsyncSession, event: Event) -> list[Choice]:
    """Return what the event's topics and seed draw from the problems there are now.

    The event is locked, and until the transaction ends nobody else draws or chooses.
    """
    await alone(session)
    solved = {
        row.problem_id: row.people for row in await session.execute(_SOLVED, {"event_id": event.id})
    }
    found = await session.execute(
        select(CodeProblem, planned(Event.id != event.id)).where(
            CodeProblem.current_version_id.is_not(None), CodeProblem.id.not_in(_written(event))
        )
    )
    candidates: list[Candidate] = []
    kept_back: list[Candidate] = []
    for problem, elsewhere in found:
        secret = elsewhere and problem.visibility is not Visibility.PUBLIC
        (kept_back if secret else candidates).append(
            Candidate(
                problem_id=problem.id,
                slug=problem.slug,
                tags=frozenset(problem.keywords),
                difficulty=problem.difficulty,
                solved_by=solved.get(problem.id, 0),
                planned=elsewhere,
            )
        )
    wishes = [wish(each) for each in event.topics]
    try:
        got = drawing.draw(candidates, wishes, seed=event.seed)
    except TooFewError as error:
        others = sum(wishes[error.wish].takes(each) for each in kept_back)
        also = f"; hidden ones that others are to have: {others}" if others else ""
        raise ConflictError(f"{error}{also}", slug="event-problems-too-few") from error
    return [Choice(problem_id=each.candidate.problem_id, points=each.points) for each in got]


def planned(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a problem is one of an event of these that is to come or goes on."""
    return exists().where(
        EventProblem.problem_id == CodeProblem.id,
        Event.id == EventProblem.event_id,
        Event.state.not_in(_PAST),
        *which,
    )


async def alone(session: AsyncSession) -> None:
    """Wait for who is drawing: two draws at once would not know of each other's problems."""
    await session.execute(_ALONE)


async def authors(session: AsyncSession, event_id: UUID) -> set[UUID]:
    """Return who wrote an event's problems."""
    found = await session.scalars(
        select(CodeProblem.owner_id)
        .join(EventProblem, EventProblem.problem_id == CodeProblem.id)
        .where(EventProblem.event_id == event_id, CodeProblem.owner_id.is_not(None))
    )
    return {each for each in found if each is not None}


def _written(event: Event) -> Select[UUID]:
    """Return the problems of those who take part: they know the data, and the jury's programs."""
    return select(CodeProblem.id).where(
        CodeProblem.owner_id == EventParticipant.user_id,
        EventParticipant.event_id == event.id,
        EventParticipant.kind == EntryKind.OFFICIAL,
    )


async def _refuse_players(session: AsyncSession, event: Event, wanted: Sequence[UUID]) -> None:
    known = _written(event).add_columns(CodeProblem.slug).where(CodeProblem.id.in_(wanted))
    if (first := (await session.execute(known)).first()) is not None:
        raise ConflictError(
            f"who wrote {first.slug} takes part in the event",
            slug="event-author",
            problem=first.slug,
        )


def wish(topic: dict[str, Any]) -> Wish:
    """Return a topic of an event as a wish."""
    return Wish(
        count=topic["count"],
        points=Decimal(str(topic["points"])),
        tag=topic.get("tag"),
        difficulty_min=topic.get("difficulty_min"),
        difficulty_max=topic.get("difficulty_max"),
    )


def label(number: int) -> str:
    """Return A to Z, then AA, AB and so on."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


async def _versions(
    session: AsyncSession, wanted: Sequence[UUID]
) -> dict[UUID, tuple[CodeProblemVersion, Decimal | None]]:
    """Return the current version of each problem and the greatest score of its test data."""
    rows = await session.execute(
        select(CodeProblem.id, CodeProblemVersion)
        .join(CodeProblemVersion, CodeProblemVersion.id == CodeProblem.current_version_id)
        .where(CodeProblem.id.in_(wanted))
    )
    found: dict[UUID, CodeProblemVersion] = {row[0]: row[1] for row in rows}
    most = await greatest(session, [version.id for version in found.values()])
    return {problem: (version, most.get(version.id)) for problem, version in found.items()}


async def greatest(session: AsyncSession, versions: Collection[UUID]) -> dict[UUID, Decimal]:
    """Return the greatest score of versions' test data, where there is one."""
    groups = await session.execute(
        select(TestGroup.version_id, TestGroup.name, TestGroup.max_score).where(
            TestGroup.version_id.in_(versions),
            TestGroup.name.in_(["", "secret"]),
            TestGroup.max_score.is_not(None),
        )
    )
    most: dict[UUID, Decimal] = {}
    for version_id, name, score in groups:
        # What the secret data gives is the score; the root's counts where that says nothing.
        if name == "secret" or version_id not in most:
            most[version_id] = Decimal(score or "0")
    return most
