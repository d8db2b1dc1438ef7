"""Statements of an event: nobody's before the start, everybody's from the start tick on.

At the tick each goes out as an update of its own, with its text, so that those who wait need not
ask at all; a statement that is too long for that is pointed at.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import CodeProblem, CodeProblemVersion, Event, EventProblem
from api.errors import ConflictError, NotFoundError
from api.events.machine import STARTED
from api.live import Kind, Update

# What a thousand followers get at once: of one statement, and of all together.
TEXT_MAX = 64 * 1024
ALL_MAX = 512 * 1024


async def of(session: AsyncSession, event: Event) -> list[dict[str, Any]]:
    """Return an event's problems in order with their statements and samples.

    Raises `ConflictError` before the start, whoever asks.
    """
    if event.state not in STARTED:
        raise ConflictError("the event has not started", slug="event-state", allowed=[])
    found = await session.execute(
        select(EventProblem, CodeProblem, CodeProblemVersion)
        .join(CodeProblem, CodeProblem.id == EventProblem.problem_id)
        .join(CodeProblemVersion, CodeProblemVersion.id == EventProblem.version_id)
        .where(EventProblem.event_id == event.id)
        .order_by(EventProblem.position)
    )
    return [
        {
            "event_id": str(event.id),
            "problem_id": str(problem.id),
            "slug": problem.slug,
            "label": row.label,
            "position": row.position,
            "points": float(row.points),
            "cpu_limit_ms": row.cpu_ms,
            "memory_limit_bytes": row.memory_bytes,
            "title": version.title,
            "languages": version.languages,
            "statements": version.statements,
            "samples": version.samples,
        }
        for row, problem, version in found.all()
    ]


def updates(problems: Sequence[dict[str, Any]]) -> list[Update]:
    """Return what followers are told at the start: a statement each, in every language."""
    said = []
    total = 0
    for problem in problems:
        for each in problem["statements"] or [{}]:
            text = each.get("text") or ""
            short = len(text) <= TEXT_MAX and total + len(text) <= ALL_MAX
            total += len(text) if short else 0
            told = {
                name: problem[name]
                for name in problem.keys() - {"languages", "statements", "samples"}
            }
            told |= {
                "title": each.get("title") or problem["title"],
                "language": each.get("language"),
                "format": each.get("format"),
                "text": text if text and short else None,
                "url": f"/v1/events/{problem['event_id']}/statements",
            }
            said.append(Update(kind=Kind.STATEMENT, data=told))
    return said


async def named(session: AsyncSession, event: Event, name: str) -> EventProblem:
    """Return a problem of an event by label, slug or id; nobody knows of any before the start."""
    found = None
    if event.state in STARTED and "\0" not in name:
        found = await session.scalar(_named(event.id, name))
    if found is None:
        raise NotFoundError("there is no such problem", slug="problem-not-found")
    return found


def _named(event_id: UUID, name: str) -> Select[EventProblem]:
    wanted = [EventProblem.label == name, CodeProblem.slug == name]
    with suppress(ValueError):
        wanted.append(CodeProblem.id == UUID(name))
    return (
        select(EventProblem)
        .join(CodeProblem, CodeProblem.id == EventProblem.problem_id)
        .where(EventProblem.event_id == event_id, or_(*wanted))
        .order_by((EventProblem.label == name).desc())
        .limit(1)
    )
