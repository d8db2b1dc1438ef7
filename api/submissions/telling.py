"""Ends that were stored and never told: their worker was killed in between, or Redis was away.

A judging knows when its end was told (`told_at`); a sweep tells what has none. Followers may hear
of an end twice that way, but not never.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.models import (
    CodeSubmission,
    EntryKind,
    Event,
    EventEntry,
    Judging,
    JudgingState,
)
from api.leaderboards import reveals
from api.leaderboards.updating import Changed
from api.live import Kind, Publisher, Topic, Update
from api.redaction import Phase
from api.submissions import boarding, opponents

Said = tuple[Sequence[str], Update]

# Whoever stored an end tells it at once, and notes that a sweep later.
LATE = timedelta(seconds=3)
AT_ONCE_MAX = 100


async def note(session: AsyncSession, judgings: Collection[UUID]) -> None:
    """Note that the ends of these were told."""
    await session.execute(
        update(Judging)
        .where(Judging.id.in_(judgings))
        .values(told_at=func.now())
        .execution_options(synchronize_session=False)
    )
    await session.commit()


async def tell_untold(session: AsyncSession, publisher: Publisher) -> int:
    """Tell the ends that were stored a while ago and not told; returns how many."""
    rows = (
        await session.execute(
            select(Judging, CodeSubmission)
            .join(CodeSubmission, CodeSubmission.id == Judging.submission_id)
            .where(
                Judging.finished_at < func.now() - LATE,
                Judging.told_at.is_(None),
            )
            .limit(AT_ONCE_MAX)
            .with_for_update(of=Judging, skip_locked=True)
        )
    ).all()
    phases = await clocks.phases(session, {submission.event_id for _, submission in rows})
    told = []
    for judging, submission in rows:
        facts = _facts(judging, submission, phases)
        others = await _beside(session, judging, submission, facts)
        if await _tell(publisher, facts, submission, others):
            told.append(judging.id)
    if told:
        await note(session, told)
    return len(told)


async def _tell(
    publisher: Publisher,
    facts: dict[str, Any],
    submission: CodeSubmission,
    others: Sequence[Said],
) -> bool:
    topics = [
        Topic.SUBMISSION.of(submission.id),
        Topic.USER.of(submission.user_id),
        Topic.PROBLEM.of(submission.problem_id),
    ]
    return await publisher.publish_all([(topics, Update(kind=Kind.JUDGED, data=facts)), *others])


async def _beside(
    session: AsyncSession, judging: Judging, submission: CodeSubmission, facts: Mapping[str, Any]
) -> Sequence[Said]:
    """Return what those in the room are told, and those who follow the board."""
    if not judging.is_current or submission.event_id is None or submission.entry_id is None:
        return ()
    event = await session.get(Event, submission.event_id)
    entry = await session.get(EventEntry, submission.entry_id)
    if event is None or entry is None:
        return ()
    inside = await opponents.of(session, submission)
    said = [] if inside is None else inside.told(Kind.JUDGED, facts)
    if judging.state is JudgingState.DONE:
        target = entry.id, submission.problem_id
        revealed = target in await reveals.shown(session, event, [entry.id])
        said += boarding.said([_changed(event, entry, submission, revealed=revealed)])
    return said


def _changed(
    event: Event, entry: EventEntry, submission: CodeSubmission, *, revealed: bool
) -> Changed:
    cell = entry.id, submission.problem_id
    if entry.kind is not EntryKind.OFFICIAL:
        return Changed(event_id=event.id, apart=((*cell, entry.kind),))
    frozen = clocks.freeze_from(event)
    hidden = frozen is not None and submission.submitted_at >= frozen and not revealed
    return Changed(event_id=event.id, public=() if hidden else (cell,), jury=(cell,))


def _facts(
    judging: Judging, submission: CodeSubmission, phases: Mapping[UUID, Phase]
) -> dict[str, Any]:
    """Return the end as its worker would have told it."""
    return {
        "submission_id": str(submission.id),
        "judging_id": str(judging.id),
        "user_id": str(submission.user_id),
        "current": judging.is_current,
        "problem_id": str(submission.problem_id),
        "event_id": str(submission.event_id) if submission.event_id else None,
        "room_id": str(submission.room_id) if submission.room_id else None,
        "phase": phases.get(submission.event_id) if submission.event_id else None,
        "state": judging.state.value,
        "verdict": judging.verdict.value if judging.verdict is not None else None,
        "score": float(judging.score) if judging.score is not None else None,
        "cpu_ms": -(-judging.cpu_us // 1000) if judging.cpu_us is not None else None,
        "memory_bytes": judging.memory_bytes,
    }
