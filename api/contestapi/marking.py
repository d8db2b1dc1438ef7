"""Keeps the marks of a contest: compares what there is with what was marked, and numbers changes.

One writer at a time has a contest's marks, by the lock on its row in `contest_feeds`, and numbers
are given out under that lock: who reads up to a number has missed none below it. What changed is
found by comparing, not by being told, so nothing that writes has to know of feeds, and a writer
that stops anywhere leaves nothing out: the next one finds it.

Submissions and judgements are many. Each look takes those that came lately, those still pending
and those the leaderboard's log speaks of; now and then, and whenever the clock or the freeze
changes, all of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.contestapi import configured, epochs, objects
from api.contestapi.kinds import Kind, Side
from api.contestapi.viewing import Contest, View, contest, digest
from api.db.engine import Sessions
from api.db.models import ContestFeed, ContestMark, Event

# Whatever a look misses because its transaction was open that long is found by the next full one.
OVERLAP = timedelta(minutes=2)
FULL_EVERY = timedelta(minutes=1)
# Few of a contest, and cheap to make: the objects themselves are compared.
_SMALL = (
    *(Kind.CONTEST, Kind.JUDGEMENT_TYPES, Kind.LANGUAGES, Kind.GROUPS, Kind.ORGANIZATIONS),
    *(Kind.PROBLEMS, Kind.CLARIFICATIONS, Kind.AWARDS, Kind.STATE),
)
_TYPES: dict[str, Any] = {
    "event_id": Uuid(),
    "rank": SmallInteger(),
    "last": BigInteger(),
    "context": Text(),
    "started": Boolean(),
    "frozen": DateTime(timezone=True),
    "since": DateTime(timezone=True),
    "over": DateTime(timezone=True),
    "since_id": Uuid(),
    "ids": ARRAY(Text()),
    "entries": ARRAY(Uuid()),
    "late": ARRAY(Uuid()),
    "kept": ARRAY(Uuid()),
    "digests": ARRAY(Text()),
    "public": ARRAY(Text()),
}
_BEGIN = insert(ContestFeed).on_conflict_do_nothing()
_GIVEN = """
SELECT * FROM unnest(
    cast(:ids AS text[]), cast(:entries AS uuid[]), cast(:digests AS text[]),
    cast(:public AS text[])
) WITH ORDINALITY AS given (object_id, entry_id, digest, public_digest, at)
"""
_TEAMS = """
SELECT entry.id::text AS object_id, NULL::uuid AS entry_id, md5(concat_ws(
    '|', entry.name, entry.guild_id, room.position)) AS digest, md5(concat_ws(
    '|', entry.name, entry.guild_id, room.position)) AS public_digest, entry.id::text AS at
FROM codebattle.event_entries AS entry
LEFT JOIN codebattle.rooms AS room ON room.id = entry.room_id
WHERE entry.event_id = :event_id AND entry.kind = 'official'
"""
_PERSONS = """
SELECT user_id::text AS object_id, entry_id, md5(concat_ws('|', name, entry_id)) AS digest,
    NULL AS public_digest, user_id::text AS at
FROM codebattle.event_participants WHERE event_id = :event_id AND kind = 'official'
"""
_OF_EVENT = """
codebattle.code_submissions AS submission
JOIN codebattle.event_entries AS entry
    ON entry.id = submission.entry_id AND entry.kind = 'official'
JOIN codebattle.event_code_problems AS task
    ON task.event_id = submission.event_id AND task.problem_id = submission.problem_id
"""
# Which submissions are looked at: all, or those something may have happened to.
_ALL = "submission.event_id = :event_id"
_LATELY = """
submission.event_id = :event_id AND submission.id = ANY(ARRAY(
    SELECT id FROM codebattle.code_submissions WHERE event_id = :event_id AND id >= :since_id
    UNION
    SELECT object_id::uuid FROM codebattle.contest_marks WHERE event_id = :event_id AND pending
    UNION
    SELECT submission_id FROM codebattle.event_attempts
    WHERE event_id = :event_id AND id > (
        SELECT coalesce(max(id), 0) FROM codebattle.event_attempts
        WHERE event_id = :event_id AND at < :since
    )
))
"""
_SUBMISSIONS = f"""
SELECT submission.id::text AS object_id, entry.id AS entry_id, md5(concat_ws(
    '|', :context, entry.id, submission.language, submission.problem_id)) AS digest,
    CASE WHEN :started THEN md5(concat_ws(
    '|', :context, entry.id, submission.language, submission.problem_id))
    END AS public_digest, submission.id::text AS at,
    NOT EXISTS (
        SELECT FROM codebattle.judgings AS judging
        WHERE judging.submission_id = submission.id AND judging.is_current
        AND judging.state = 'done'
    ) AS pending
FROM {_OF_EVENT} WHERE {{which}}
"""  # noqa: S608 - constants of this file
# What does not count any more is empty, and gone for who was told of it.
_JUDGEMENTS = f"""
SELECT judging.id::text AS object_id, entry.id AS entry_id,
    CASE WHEN made.counts THEN made.digest ELSE '' END AS digest,
    CASE WHEN NOT :started OR submission.submitted_at >= :frozen THEN NULL
        WHEN made.counts THEN made.digest ELSE '' END AS public_digest,
    coalesce(judging.finished_at, judging.started_at)::text || judging.id AS at
FROM {_OF_EVENT}
JOIN codebattle.judgings AS judging ON judging.submission_id = submission.id
CROSS JOIN LATERAL (SELECT
    md5(concat_ws(
        '|', :context, judging.started_at, judging.finished_at, judging.verdict, judging.score
    )) AS digest,
    judging.is_current AND judging.id <> ALL(:late) OR judging.id = ANY(:kept) AS counts
) AS made
WHERE {{which}} AND judging.started_at IS NOT NULL
AND (cast(:over AS timestamptz) IS NULL OR judging.started_at <= :over)
AND (made.counts OR EXISTS (
    SELECT FROM codebattle.contest_marks AS mark WHERE mark.event_id = :event_id
    AND mark.rank = :rank AND mark.object_id = judging.id::text
))
"""  # noqa: S608 - constants of this file
_MARK = """
WITH source AS ({source}), numbered AS (
    SELECT source.*, :last + row_number() OVER (ORDER BY source.at, source.object_id) AS n
    FROM source
    LEFT JOIN codebattle.contest_marks AS mark
        ON mark.event_id = :event_id AND mark.rank = :rank AND mark.object_id = source.object_id
    WHERE mark.seq IS NULL
        OR (mark.digest, mark.public_digest, mark.entry_id, mark.pending)
            IS DISTINCT FROM (source.digest, source.public_digest, source.entry_id, {pending})
), marked AS (
    INSERT INTO codebattle.contest_marks AS mark (
        event_id, rank, object_id, entry_id, seq, digest, public_seq, public_digest, pending
    )
    SELECT
        :event_id, :rank, object_id, entry_id, n, digest,
        CASE WHEN public_digest IS NOT NULL THEN n END, public_digest, {pending}
    FROM numbered AS source
    ON CONFLICT (event_id, rank, object_id) DO UPDATE SET
        entry_id = excluded.entry_id,
        digest = excluded.digest,
        public_digest = excluded.public_digest,
        pending = excluded.pending,
        seq = CASE WHEN mark.digest IS DISTINCT FROM excluded.digest
            THEN excluded.seq ELSE mark.seq END,
        public_seq = CASE WHEN mark.public_digest IS DISTINCT FROM excluded.public_digest
            THEN excluded.seq ELSE mark.public_seq END
)
SELECT count(*) FROM numbered
"""
_GONE = """
WITH gone AS (
    SELECT mark.object_id, :last + row_number() OVER (ORDER BY mark.object_id) AS n
    FROM codebattle.contest_marks AS mark
    WHERE mark.event_id = :event_id AND mark.rank = :rank AND mark.digest <> ''
        AND NOT EXISTS (SELECT FROM ({source}) AS source WHERE source.object_id = mark.object_id)
), marked AS (
    UPDATE codebattle.contest_marks AS mark SET
        digest = '', seq = gone.n, pending = false,
        public_digest = CASE WHEN mark.public_seq IS NOT NULL THEN '' END,
        public_seq = CASE WHEN mark.public_seq IS NOT NULL THEN gone.n END
    FROM gone
    WHERE mark.event_id = :event_id AND mark.rank = :rank AND mark.object_id = gone.object_id
)
SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far the marks are, in which life of the database, and whether they are complete."""

    seq: int
    epoch: str
    over: bool


async def look(
    sessions: Sessions, event_id: UUID, *, wait: bool = False, full_every: timedelta = FULL_EVERY
) -> Reached:
    """Mark what changed and return how far the marks are.

    While somebody else does it, return how far they were before; with `wait`, look after them.
    Once it was told that a contest is over nothing is marked any more. Raises `LookupError` when
    the event is gone.
    """
    async with sessions() as session:
        await session.execute(_BEGIN.values(event_id=event_id))
        await session.commit()
        feed = await session.scalar(
            select(ContestFeed)
            .where(ContestFeed.event_id == event_id)
            .with_for_update(skip_locked=not wait)
        )
        if feed is None:
            return await _reached(session, event_id)
        event = await session.get(Event, event_id, populate_existing=True)
        if event is None:
            raise LookupError(f"there is no event {event_id}")
        of = await contest(session, event)
        await epochs.enter(session, feed)
        if not await _told(session, of):
            await _mark_all(session, of, feed, full_every)
        found = Reached(seq=feed.last_seq, epoch=feed.epoch, over=of.over)
        await session.commit()
        return found


async def _reached(session: AsyncSession, event_id: UUID) -> Reached:
    """Return how far the marks of an event are, without a look."""
    found = await epochs.standing(session, event_id)
    if found is None:
        raise LookupError(f"there is no event {event_id}")
    return Reached(seq=found.seq, epoch=found.epoch, over=False)


async def _told(session: AsyncSession, of: Contest) -> bool:
    """Tell whether the end of all updates is marked: it is the last there is."""
    if not of.over:
        return False
    marked = await session.scalar(
        select(ContestMark.digest).where(
            ContestMark.event_id == of.event.id, ContestMark.rank == Kind.STATE.rank
        )
    )
    return bool(marked == digest(configured.state(of)))


async def _mark_all(
    session: AsyncSession, of: Contest, feed: ContestFeed, full_every: timedelta
) -> None:
    before, outlook = feed.looked_at, of.outlook
    if feed.looked_at_all is None or feed.context != outlook:
        whole = True
    else:
        whole = of.now - feed.looked_at_all >= full_every
    feed.looked_at = of.now
    if whole:
        feed.looked_at_all, feed.context = of.now, outlook
    for kind in Kind:
        match kind:
            case Kind.TEAMS:
                await _mark(session, of, feed, kind, _TEAMS)
            case Kind.PERSONS:
                await _mark(session, of, feed, kind, _PERSONS)
            case Kind.SUBMISSIONS | Kind.JUDGEMENTS:
                await _mark_happened(session, of, feed, kind, None if whole else before)
            case Kind.RUNS:
                # They are told with their judgement.
                continue
            case _:
                given = await _given(session, of, kind)
                await _mark(session, of, feed, kind, _GIVEN, given)


async def _given(session: AsyncSession, of: Contest, kind: Kind) -> dict[str, Any]:
    """Return the objects of a small kind as they are for the jury and for everybody."""
    inside = await objects.some(session, View(contest=of, side=Side.JURY), kind)
    shown = await objects.some(session, View(contest=of, side=Side.PUBLIC), kind)
    outside = {_name(each): digest(each) for each in shown}
    return {
        "ids": [_name(each) for each in inside],
        "entries": [
            UUID(team) if (team := each.get("from_team_id") or each.get("to_team_id")) else None
            for each in inside
        ],
        "digests": [digest(each) for each in inside],
        "public": [outside.get(_name(each)) for each in inside],
    }


def _name(each: dict[str, Any]) -> str:
    """Return what an object is marked as; the state of a contest has no id."""
    return str(each.get("id", ""))


async def _mark_happened(
    session: AsyncSession, of: Contest, feed: ContestFeed, kind: Kind, since: datetime | None
) -> None:
    values: dict[str, Any] = {"context": of.context, "started": of.started}
    if kind is Kind.JUDGEMENTS:
        values |= {"frozen": of.rules.freeze_from, "late": [*of.settled.late]}
        values |= {"kept": [*of.settled.kept], "over": of.event.finalised_at}
    if since is not None:
        values |= {"since": since - OVERLAP, "since_id": _first_id(since - OVERLAP)}
    source = _SUBMISSIONS if kind is Kind.SUBMISSIONS else _JUDGEMENTS
    source = source.format(which=_ALL if since is None else _LATELY)
    await _mark(session, of, feed, kind, source, values, gone=False)


async def _mark(
    session: AsyncSession,
    of: Contest,
    feed: ContestFeed,
    kind: Kind,
    source: str,
    values: dict[str, Any] | None = None,
    *,
    gone: bool = True,
) -> None:
    """Give numbers to what changed, and to what is not there any more."""
    pending = "source.pending" if kind is Kind.SUBMISSIONS else "false"
    statements = [_MARK.format(source=source, pending=pending)]
    if gone:
        statements.append(_GONE.format(source=source))
    for statement in statements:
        prepared = text(statement)
        bound = {"event_id": of.event.id, "rank": kind.rank, **(values or {})}
        bound["last"] = feed.last_seq
        types = [bindparam(name, type_=_TYPES[name]) for name in bound if name in _TYPES]
        found = await session.scalar(prepared.bindparams(*types), bound)
        feed.last_seq += int(found or 0)


def _first_id(at: datetime) -> UUID:
    """Return the least id that is made from a moment on."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
