"""At the bell: the last saved draft of everybody whose time is over is handed in, once.

A draft is locked, becomes a submission with its queued judging and its row in the log of the
board, and remembers which, in one transaction: a worker that dies in between leaves everything as
it was, and the next does it. The submission's key is one that no client can send, so that a
second one is refused by the database itself. It counts as handed in at the last moment of the
time of its entry, however late the bell was heard. Of a team's drafts of a problem the one saved
last comes first; those before it are old once it is handed in.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.db.base import new_id
from api.db.models import (
    CodeSubmission,
    Draft,
    EntryKind,
    Event,
    EventEntry,
    EventParticipant,
    EventProblem,
    EventState,
    Queue,
    SubmissionFile,
)
from api.events.attending import Place
from api.events.drafts import underway
from api.leaderboards import scoring, updating
from api.leaderboards.updating import Known
from api.live import Kind, Topic, Update
from api.logs import logger
from api.settings import Settings
from api.submissions import service
from judge.languages import EntryRule, find
from judge.scoring.schedule import MICROSECOND
from judge.submission import Submission

AT_ONCE_MAX = 50
RINGING = frozenset({EventState.LIVE, EventState.FROZEN, EventState.FINISHED, EventState.THAWED})
_WAITING = and_(Draft.hand_in, Draft.submission_id.is_(None))
_OTHER, _IN_OTHER = aliased(EventEntry), aliased(EventParticipant)
# Saved in a virtual entry, not in the official one that its owner may have as well.
_PLAYED_AGAIN = (
    exists()
    .where(
        _IN_OTHER.event_id == Draft.event_id,
        _IN_OTHER.user_id == Draft.user_id,
        _OTHER.id == _IN_OTHER.entry_id,
        _OTHER.kind == EntryKind.VIRTUAL,
        _OTHER.starts_at <= Draft.saved_at,
    )
    .correlate(Draft)
)
_log = logger(__name__)
Said = tuple[list[str], Update]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A draft whose entry's time ended at `bell`."""

    draft: Draft
    place: Place
    bell: datetime


async def hand_in(session: AsyncSession, settings: Settings, *, now: datetime) -> list[Said]:
    """Hand in some drafts that are due; commits, and returns what is to be published."""
    said: list[Said] = []
    for event in (await session.scalars(_with_drafts())).all():
        left = AT_ONCE_MAX - len(said)
        if left <= 0:
            break
        wanted = _due(event, now)
        if not await session.scalar(select(wanted.exists())):
            continue
        # The last saved one may not be stored yet.
        await underway.all_stored(session, event.id)
        found = await session.execute(
            wanted.order_by(Draft.saved_at).limit(left).with_for_update(of=Draft, skip_locked=True)
        )
        for draft, entry, participant in found.all():
            place = Place(entry=entry, participant=participant)
            bell = place.ends_at(event)
            if bell is not None and bell <= now:
                due = _Due(draft=draft, place=place, bell=bell)
                said += await _hand_in(session, settings, due)
    await session.commit()
    return said


async def outstanding(session: AsyncSession, event: Event) -> int:
    """Return how many drafts of an event are still to be handed in, other than virtual ones."""
    found = await session.scalar(
        select(func.count())
        .select_from(Draft)
        .where(Draft.event_id == event.id, _WAITING, ~_PLAYED_AGAIN)
    )
    return int(found or 0)


async def give_up(session: AsyncSession, event: Event) -> None:
    """Hand in no drafts of an event any more, other than virtual ones: they would never count."""
    await session.execute(
        update(Draft)
        .where(Draft.event_id == event.id, _WAITING, ~_PLAYED_AGAIN)
        .values(hand_in=False)
        .execution_options(synchronize_session=False)
    )


def _with_drafts() -> Select[Event]:
    waiting = and_(Draft.event_id == Event.id, _WAITING)
    return select(Event).where(
        or_(
            and_(Event.state.in_(RINGING), exists().where(waiting)),
            and_(Event.state == EventState.FINALISED, exists().where(waiting, _PLAYED_AGAIN)),
        )
    )


def _due(event: Event, now: datetime) -> Select[Draft, EventEntry, EventParticipant]:
    """Return the drafts of entries whose time may be over; others are not to be locked.

    Of somebody who took part and plays again, a draft belongs to the entry it was saved in.
    """
    lasts = timedelta(seconds=event.duration_s)
    extra = func.make_interval(0, 0, 0, 0, 0, 0, EventEntry.extra_s)
    ended: list[ColumnElement[bool]] = [
        and_(
            EventEntry.kind == EntryKind.VIRTUAL,
            EventEntry.starts_at <= Draft.saved_at,
            Draft.saved_at < EventEntry.starts_at + lasts + extra,
            EventEntry.starts_at + lasts + extra <= now,
        )
    ]
    end = scoring.schedule(event).end
    if end is not None and event.state in RINGING:
        ended.append(
            and_(
                EventEntry.kind == EntryKind.OFFICIAL,
                EventEntry.extra_s <= (now - end).total_seconds(),
                ~_PLAYED_AGAIN,
            )
        )
    theirs, mate = aliased(Draft), aliased(EventParticipant)
    later = exists().where(
        mate.entry_id == EventEntry.id,
        theirs.event_id == Draft.event_id,
        theirs.user_id == mate.user_id,
        theirs.problem_id == Draft.problem_id,
        theirs.hand_in,
        theirs.submission_id.is_(None),
        tuple_(theirs.saved_at, theirs.user_id) > tuple_(Draft.saved_at, Draft.user_id),
    )
    return (
        select(Draft, EventEntry, EventParticipant)
        .join(
            EventParticipant,
            and_(
                EventParticipant.event_id == Draft.event_id,
                EventParticipant.user_id == Draft.user_id,
            ),
        )
        .join(EventEntry, EventEntry.id == EventParticipant.entry_id)
        .where(Draft.event_id == event.id, _WAITING, or_(*ended), ~later)
    )


async def _hand_in(session: AsyncSession, settings: Settings, due: _Due) -> list[Said]:
    draft = due.draft
    problem = await session.get(EventProblem, (draft.event_id, draft.problem_id))
    submission = _submission(draft)
    late = draft.saved_at >= due.bell
    if problem is None or submission is None or late or await _is_old(session, due, submission):
        # What was handed in since, or is there already, needs no second time; and what was
        # written in extra time that was taken back was written after this bell.
        draft.hand_in = False
        await session.flush()
        return []
    row = CodeSubmission(
        id=new_id(),
        user_id=draft.user_id,
        problem_id=draft.problem_id,
        version_id=problem.version_id,
        event_id=draft.event_id,
        room_id=due.place.entry.room_id,
        entry_id=due.place.entry.id,
        language=submission.language,
        entry_point=None,
        source_hash=submission.source_hash,
        source_bytes=submission.source_bytes,
        submitted_at=due.bell - MICROSECOND,
        # Clients' keys have no spaces.
        idempotency_key=f"at the bell {due.bell.isoformat()} {draft.event_id} {draft.problem_id}",
        request_hash=hashlib.sha256(draft.source.encode()).hexdigest(),
        request_id="",
    )
    session.add(row)
    await session.flush()
    for name, content in submission.files.items():
        session.add(SubmissionFile(submission_id=row.id, name=name, content=content))
    judging_id = await service.queue_judging(
        session,
        settings,
        submission_id=row.id,
        version_id=row.version_id,
        user_id=row.user_id,
        room_id=row.room_id,
        queue=Queue.INTERACTIVE,
    )
    await updating.note(
        session,
        Known(
            event_id=draft.event_id,
            entry_id=due.place.entry.id,
            problem_id=row.problem_id,
            submission_id=row.id,
            submitted_at=row.submitted_at,
        ),
    )
    draft.submission_id = row.id
    await session.flush()
    _log.info("draft.handed_in", submission_id=str(row.id), event_id=str(draft.event_id))
    return [_said(row, judging_id)]


def _submission(draft: Draft) -> Submission | None:
    language = find(draft.language)
    if language is None:
        return None
    stem = "Main" if language.entry.rule is EntryRule.CLASS else "main"
    name = stem + language.extensions[0]
    return Submission(files={name: draft.source.encode()}, language=language.id, entry_point=None)


async def _is_old(session: AsyncSession, due: _Due, submission: Submission) -> bool:
    """Tell whether its owner, or the team, handed something in since, or the very same before."""
    draft = due.draft
    found = await session.scalar(
        select(
            exists().where(
                CodeSubmission.entry_id == due.place.entry.id,
                CodeSubmission.problem_id == draft.problem_id,
                or_(
                    CodeSubmission.submitted_at >= draft.saved_at,
                    CodeSubmission.source_hash == submission.source_hash,
                ),
            )
        )
    )
    return bool(found)


def _said(row: CodeSubmission, judging_id: UUID) -> Said:
    told = {
        "submission_id": str(row.id),
        "judging_id": str(judging_id),
        "problem_id": str(row.problem_id),
        "user_id": str(row.user_id),
        "event_id": str(row.event_id),
        "room_id": str(row.room_id) if row.room_id is not None else None,
    }
    topics = [
        Topic.SUBMISSION.of(row.id),
        Topic.USER.of(row.user_id),
        Topic.PROBLEM.of(row.problem_id),
    ]
    return topics, Update(kind=Kind.QUEUED, data=told)
