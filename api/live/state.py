"""What PostgreSQL says of topics: who may follow them, and their state, for snapshots.

A topic that is not there and one that the caller may not follow look the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, mates, redaction
from api.auth import CurrentUser
from api.db.engine import Sessions
from api.db.models import CodeProblem, CodeSubmission, Job, Judging, Visibility
from api.live import event_state
from api.live.following import StateError, View
from api.live.updates import Topic, parse
from api.redaction import Audience, Phase

LATEST_MAX = 50
_Rows = Select[CodeSubmission, Judging, CodeProblem]


class DatabaseState:
    """Reads topics with a connection that is held for the reading only."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def views(self, user: CurrentUser, topics: Sequence[str]) -> Mapping[str, View]:
        """Return those of the topics that exist and that the caller may follow."""
        named: dict[Topic, dict[UUID, str]] = {kind: {} for kind in Topic}
        for topic in topics:
            kind, subject = parse(topic)
            named[kind][subject] = topic
        views: dict[str, View] = {}
        try:
            async with self._sessions() as session:
                if chosen := named[Topic.SUBMISSION]:
                    views |= await _submissions(session, user, chosen)
                if chosen := named[Topic.USER]:
                    views |= await _users(session, user, chosen)
                if chosen := named[Topic.PROBLEM]:
                    views |= await _problems(session, user, chosen)
                if chosen := named[Topic.JOB]:
                    views |= await _jobs(session, user, chosen)
                if chosen := named[Topic.EVENT]:
                    views |= await event_state.of_events(session, user, chosen)
                if chosen := named[Topic.ROOM]:
                    views |= await event_state.of_rooms(session, user, chosen)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise StateError(type(error).__name__) from error
        return views


async def _submissions(
    session: AsyncSession, user: CurrentUser, named: Mapping[UUID, str]
) -> dict[str, View]:
    views: dict[str, View] = {}
    rows = (await session.execute(_rows().where(CodeSubmission.id.in_(named)))).all()
    known = await clocks.phases(session, {row[0].event_id for row in rows})
    entries = await mates.shared(session, user.id, {row[0].entry_id for row in rows})
    for submission, judging, problem in rows:
        owner_id = user.id if submission.entry_id in entries else submission.user_id
        who = redaction.audience(user, owner_id, author_id=problem.owner_id)
        if who in {Audience.OWNER, Audience.JURY}:
            event_id = submission.event_id
            phase = redaction.phase_of(event_id, known.get(event_id) if event_id else None)
            views[named[submission.id]] = _view(who, phase, [(submission, judging, problem)])
    return views


async def _users(
    session: AsyncSession, user: CurrentUser, named: Mapping[UUID, str]
) -> dict[str, View]:
    views: dict[str, View] = {}
    for owner_id, topic in named.items():
        who = redaction.audience(user, owner_id)
        if who not in {Audience.OWNER, Audience.JURY}:
            continue
        latest = (
            _rows()
            .where(CodeSubmission.user_id == owner_id)
            .order_by(CodeSubmission.id.desc())
            .limit(LATEST_MAX)
        )
        rows = [(row[0], row[1], row[2]) for row in await session.execute(latest)]
        jobs = await session.scalars(
            select(Job).where(Job.owner_id == owner_id).order_by(Job.id.desc()).limit(LATEST_MAX)
        )
        seen = _view(who, Phase.PRACTICE, rows)
        views[topic] = replace(seen, state=(*seen.state, *map(_job_told, jobs)))
    return views


async def _problems(
    session: AsyncSession, user: CurrentUser, named: Mapping[UUID, str]
) -> dict[str, View]:
    views: dict[str, View] = {}
    for problem in await session.scalars(select(CodeProblem).where(CodeProblem.id.in_(named))):
        who = redaction.audience(user, None, author_id=problem.owner_id)
        if problem.visibility is Visibility.PUBLIC or who is Audience.JURY:
            # A problem has no state of its own that could be missed.
            views[named[problem.id]] = View(audience=who, phase=None, state=())
    return views


async def _jobs(
    session: AsyncSession, user: CurrentUser, named: Mapping[UUID, str]
) -> dict[str, View]:
    views: dict[str, View] = {}
    for job in await session.scalars(select(Job).where(Job.id.in_(named))):
        if job.owner_id != user.id and not user.jury:
            continue
        key = str(job.id)
        ended = job.state.final
        views[named[job.id]] = View(
            audience=Audience.OWNER if job.owner_id == user.id else Audience.JURY,
            phase=Phase.PRACTICE,
            state=(_job_told(job),),
            going=frozenset() if ended else frozenset({key}),
            over=frozenset({key}) if ended else frozenset(),
        )
    return views


def _view(
    who: Audience,
    phase: Phase,
    rows: Sequence[tuple[CodeSubmission, Judging, CodeProblem]],
) -> View:
    going = {str(judging.id) for _, judging, _ in rows if not judging.state.final}
    over = {str(judging.id) for _, judging, _ in rows if judging.state.final}
    return View(
        audience=who,
        phase=phase,
        state=tuple(_told(*row) for row in rows),
        going=frozenset(going),
        over=frozenset(over),
    )


def _told(submission: CodeSubmission, judging: Judging, problem: CodeProblem) -> dict[str, Any]:
    return {
        "submission_id": str(submission.id),
        "judging_id": str(judging.id),
        "problem_id": str(problem.id),
        "user_id": str(submission.user_id),
        "event_id": _text(submission.event_id),
        "room_id": _text(submission.room_id),
        "state": judging.state.value,
        "verdict": judging.verdict.value if judging.verdict is not None else None,
        "score": float(judging.score) if judging.score is not None else None,
        "cpu_ms": -(-judging.cpu_us // 1000) if judging.cpu_us is not None else None,
        "memory_bytes": judging.memory_bytes,
        "total": judging.case_total,
    }


def _job_told(job: Job) -> dict[str, Any]:
    return {
        "job_id": str(job.id),
        "kind": job.kind,
        "state": job.state.value,
        "progress": job.progress,
        "message": job.message,
    }


def _text(identity: UUID | None) -> str | None:
    return None if identity is None else str(identity)


def _rows() -> _Rows:
    return (
        select(CodeSubmission, Judging, CodeProblem)
        .join(Judging, (Judging.submission_id == CodeSubmission.id) & Judging.is_current)
        .join(CodeProblem, CodeProblem.id == CodeSubmission.problem_id)
    )
