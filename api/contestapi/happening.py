"""What happens in a contest: submissions, judgements and their runs, clarifications.

A judgement is the one of its submission that counts; a rejudged submission has another one, and
the first is gone. It appears when judging starts, and whose verdict is hidden has none.
"""

import base64
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, all_, and_, any_, cast, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api import redaction
from api.contestapi import times
from api.contestapi.configured import Objects
from api.contestapi.kinds import Kind, Side
from api.contestapi.viewing import Contest, View
from api.db.models import (
    Clarification,
    CodeSubmission,
    EntryKind,
    EventEntry,
    EventParticipant,
    Judging,
    Run,
)
from api.leaderboards import scoring
from api.redaction import Audience
from judge.scoring import Attempt
from judge.verdicts import Verdict

# Their entry point is always theirs to find, and the API has no word for it.
_WITHOUT_ENTRY = frozenset({"c", "cpp"})
_OFFICIAL = (EventEntry.id == CodeSubmission.entry_id) & (EventEntry.kind == EntryKind.OFFICIAL)
_Rows = Select[*tuple[Any, ...]]
# Columns and no objects: a feed goes through hundreds of thousands of them.
_SUBMITTED: tuple[Any, ...] = (
    *(CodeSubmission.id, CodeSubmission.language, CodeSubmission.problem_id),
    *(CodeSubmission.submitted_at, CodeSubmission.entry_point, EventEntry.id.label("entry_id")),
)
_JUDGED: tuple[Any, ...] = (
    Judging.id.label("judging_id"),
    *(Judging.started_at, Judging.finished_at, Judging.verdict, Judging.score, Judging.cpu_us),
    *(Judging.memory_bytes, Judging.is_current),
)


async def page(
    session: AsyncSession,
    of: Contest,
    kind: Kind,
    *,
    about: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[UUID]:
    """Return the next ids of a large collection: of submissions, otherwise of judgings.

    `about` is the submission whose judgements are wanted, or the judgement whose runs are.
    """
    of_submissions = kind is Kind.SUBMISSIONS
    column = CodeSubmission.id if of_submissions else Judging.id
    query = (_submitted(of) if of_submissions else _judged(of)).with_only_columns(column)
    query = query.order_by(column).limit(limit)
    if about is not None:
        query = query.where((column if kind is Kind.RUNS else Judging.submission_id) == about)
    if after is not None:
        query = query.where(column > after)
    return (await session.scalars(query)).all()


async def submissions(
    session: AsyncSession,
    view: View,
    only: Collection[UUID] | None,
) -> Objects:
    """Return submissions in the order they came."""
    query = _submitted(view.contest).order_by(CodeSubmission.id)
    if only is not None:
        query = query.where(CodeSubmission.id == any_(cast([*only], ARRAY(Uuid()))))
    shown = [submission(view, row) for row in await session.execute(query)]
    return [each for each in shown if each is not None]


def submission(view: View, row: Any) -> dict[str, Any] | None:
    """Return a submission; its files are there for who may read them."""
    of = view.contest
    task = of.task(row.problem_id)
    if task is None or not view.sees_problems:
        return None
    open_to = redaction.may_see_source(view.who(row.entry_id), of.phase(row.submitted_at))
    said = open_to and row.language not in _WITHOUT_ENTRY
    name = f"{row.id}.zip"
    file = {
        "href": f"contests/{of.id}/submissions/{row.id}/files",
        "filename": name,
        "mime": "application/zip",
    }
    return {
        "id": str(row.id),
        "language_id": row.language,
        "problem_id": task.id,
        "team_id": str(row.entry_id),
        "time": times.moment(row.submitted_at),
        "contest_time": of.time(row.submitted_at),
        "entry_point": row.entry_point if said else None,
        "files": [file] if open_to else [],
    }


async def one(session: AsyncSession, of: Contest, submission_id: UUID) -> Any:
    """Return a submission with its entry, or None."""
    found = await session.execute(_submitted(of).where(CodeSubmission.id == submission_id))
    return found.first()


async def judgements(
    session: AsyncSession,
    view: View,
    only: Collection[UUID] | None,
) -> Objects:
    """Return judgements in the order they were queued."""
    query = _judged(view.contest).order_by(Judging.id)
    if only is not None:
        query = query.where(Judging.id == any_(cast([*only], ARRAY(Uuid()))))
    shown = [judgement(view, row) for row in await session.execute(query)]
    return [each for each in shown if each is not None]


def judgement(view: View, row: Any) -> dict[str, Any] | None:
    """Return a judgement, without a verdict as long as that is not for the one who looks."""
    of, who = view.contest, view.who(row.entry_id)
    task, phase = of.task(row.problem_id), of.phase(row.submitted_at)
    started_at = row.started_at
    if task is None or started_at is None or not view.sees_problems or of.later(started_at):
        return None
    if not redaction.may_see_result(who, phase):
        return None
    shown: dict[str, Any] = {
        "id": str(row.judging_id),
        "submission_id": str(row.id),
        "start_time": times.moment(started_at),
        "start_contest_time": of.time(started_at),
        "judgement_type_id": None,
        "end_time": None,
        "end_contest_time": None,
    }
    inside = redaction.may_see_usage(who)
    if inside:
        shown["max_run_time"] = None
    verdict = _decided(of, row, who)
    if verdict is not None:
        shown["judgement_type_id"] = verdict.value
        shown["end_time"] = times.moment(row.finished_at)
        shown["end_contest_time"] = of.time(row.finished_at)
        if inside and row.cpu_us is not None:
            shown["max_run_time"] = times.seconds_up(row.cpu_us)
        if of.scores:
            shown["score"] = _score(of, row, verdict)
    return shown


async def runs(
    session: AsyncSession, view: View, judgings: Collection[UUID]
) -> dict[UUID, Objects]:
    """Return the runs of some judgements, for those who may see any."""
    if view.side is Side.PUBLIC or not judgings:
        return {}
    query = _judged(view.contest).where(Judging.id.in_(judgings))
    if view.side is Side.TEAM:
        query = query.where(EventEntry.id == view.entry_id)
    whole = {row.judging_id: row for row in await session.execute(query)}
    found: dict[UUID, Objects] = {}
    for run in await session.scalars(
        select(Run).where(Run.judging_id.in_(whole)).order_by(Run.judging_id, Run.position)
    ):
        shown = _run(view, whole[run.judging_id], run)
        if shown is not None:
            found.setdefault(run.judging_id, []).append(shown)
    return found


def run_name(judging_id: UUID, position: int) -> str:
    """Return the id of a run: short enough to be one, and it can be taken apart again."""
    packed = base64.b32encode(judging_id.bytes).decode().rstrip("=").lower()
    return f"{packed}-{position}"


def run_parts(name: str) -> tuple[UUID, int] | None:
    """Return which run an id means; None when it is no such id."""
    packed, _, position = name.partition("-")
    try:
        found = UUID(bytes=base64.b32decode(packed.upper() + "======"))
        parts = found, int(position)
    except ValueError:
        return None
    return parts if run_name(*parts) == name else None


async def clarifications(session: AsyncSession, view: View) -> Objects:
    """Return questions and answers: all for the jury, otherwise one's own and those to all."""
    of = view.contest
    rows = await session.scalars(
        select(Clarification)
        .where(Clarification.event_id == of.event.id)
        .order_by(Clarification.id)
    )
    found = rows.all()
    people = {who for row in found for who in (row.from_user_id, row.to_user_id) if who}
    entries = await _entries(session, of, people) if people else {}
    shown: dict[str, dict[str, Any]] = {}
    for row in found:
        each = _clarification(view, row, entries, shown)
        if each is not None:
            shown[each["id"]] = each
    return list(shown.values())


def _clarification(
    view: View,
    row: Clarification,
    entries: dict[UUID, UUID],
    before: dict[str, dict[str, Any]],
) -> dict[str, Any] | None:
    of = view.contest
    sender = entries.get(row.from_user_id) if row.from_user_id else None
    receiver = entries.get(row.to_user_id) if row.to_user_id else None
    if (row.from_user_id and sender is None) or (row.to_user_id and receiver is None):
        # Of somebody who is in no team, or was.
        return None
    private = sender is not None or receiver is not None
    own = view.entry_id is not None and view.entry_id in {sender, receiver}
    if private and view.side is not Side.JURY and not own:
        return None
    task = of.task(row.problem_id) if row.problem_id and view.sees_problems else None
    replied = str(row.reply_to_id) if row.reply_to_id else None
    return {
        "id": str(row.id),
        "from_team_id": str(sender) if sender else None,
        "to_team_id": str(receiver) if receiver else None,
        # An answer to all may be to a question that is not for all.
        "reply_to_id": replied if replied in before else None,
        "problem_id": task.id if task else None,
        "text": row.text,
        "time": times.moment(row.created_at),
        "contest_time": of.time(row.created_at),
    }


def _run(view: View, row: Any, run: Run) -> dict[str, Any] | None:
    of, who = view.contest, view.who(row.entry_id)
    shown = redaction.run(run, who)
    if shown is None or _decided(of, row, who) is None:
        return None
    return {
        "id": run_name(row.judging_id, run.position),
        "judgement_id": str(row.judging_id),
        "ordinal": shown.index,
        "judgement_type_id": shown.verdict.value,
        # Runs are stored with their judgement, and that is when they are known.
        "time": times.moment(row.finished_at),
        "contest_time": of.time(row.finished_at),
        "run_time": (shown.cpu_ms or 0) / 1000,
    }


def _decided(of: Contest, row: Any, who: Audience) -> Verdict | None:
    """Return the verdict of what counts here, also if another judging does elsewhere."""
    if row.finished_at is None or of.later(row.finished_at):
        return None
    counts = row.is_current or row.judging_id in of.settled.kept
    judging = {"verdict": row.verdict, "is_current": counts}
    return redaction.verdict(judging, who, of.phase(row.submitted_at))


def _score(of: Contest, row: Any, verdict: Verdict) -> float:
    """Return what a submission would bring if it were the only one."""
    task = of.task(row.problem_id)
    assert task is not None
    attempt = Attempt(
        submission=str(row.id),
        at_us=of.rules.elapsed_us(row.submitted_at, None),
        verdict=verdict,
        score=None if row.score is None else Fraction(row.score),
        cpu_us=row.cpu_us or 0,
        memory_bytes=row.memory_bytes or 0,
    )
    return max(0.0, float(of.rules.format.cell(scoring.problem(task.row), [attempt]).score))


async def _entries(
    session: AsyncSession, of: Contest, people: Collection[UUID]
) -> dict[UUID, UUID]:
    rows = await session.execute(
        select(EventParticipant.user_id, EventParticipant.entry_id).where(
            EventParticipant.event_id == of.event.id,
            EventParticipant.kind == EntryKind.OFFICIAL,
            EventParticipant.user_id.in_(people),
        )
    )
    return {row.user_id: row.entry_id for row in rows}


def _submitted(of: Contest) -> _Rows:
    return (
        select(*_SUBMITTED)
        .join(EventEntry, _OFFICIAL)
        .where(CodeSubmission.event_id == of.event.id)
    )


def _judged(of: Contest) -> _Rows:
    counts: Any = Judging.is_current
    if of.settled.kept:
        # As arrays, since there may be more than a statement has parameters.
        late, kept = (cast([*ids], ARRAY(Uuid())) for ids in (of.settled.late, of.settled.kept))
        counts = or_(and_(Judging.is_current, Judging.id != all_(late)), Judging.id == any_(kept))
    return (
        select(*_SUBMITTED, *_JUDGED)
        .join(EventEntry, _OFFICIAL)
        .join(Judging, (Judging.submission_id == CodeSubmission.id) & counts)
        .where(CodeSubmission.event_id == of.event.id)
    )
