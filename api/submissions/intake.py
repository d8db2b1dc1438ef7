"""Storing submissions: those that came at the same moment in one statement and one transaction.

A statement of its own is a transaction of its own, so what it returns is committed. The counts
that decide on places in the queue are taken in its snapshot, and a user's submissions of the same
moment count for each other. Whoever has much waiting is put back by a step for each, and so is a
room, by a smaller one, since there are several people in it.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from api.auth import CurrentUser, Role
from api.db.models import EventState, JudgingState, Queue, Visibility
from api.errors import ConflictError
from api.problems.queries import Target
from api.workers import estimating
from api.workers.estimating import Pace
from judge.submission import Submission

_TARGETS = """
SELECT
    problem.slug, problem.id, problem.owner_id, problem.visibility,
    version.id AS version_id, version.kinds, version.languages, version.source_bytes
FROM codebattle.code_problems AS problem
JOIN codebattle.code_problem_versions AS version ON version.id = problem.current_version_id
WHERE problem.slug = ANY($1::text[]) OR problem.id = ANY($2::uuid[])
"""
_KNOWN = """
SELECT
    submission.user_id, submission.idempotency_key, submission.id, submission.request_hash,
    submission.problem_id, submission.submitted_at, judging.id AS judging_id, judging.state
FROM unnest($1::uuid[], $2::text[]) AS given (user_id, idempotency_key)
JOIN codebattle.code_submissions AS submission USING (user_id, idempotency_key)
JOIN codebattle.judgings AS judging
    ON judging.submission_id = submission.id AND judging.is_current
"""
# Who of some people plays which problem in an event that is not over, and whether it has begun.
_PLAYED = """
SELECT part.user_id, chosen.problem_id, event.state IN ('live', 'frozen') AS begun
FROM codebattle.event_participants AS part
JOIN codebattle.events AS event ON event.id = part.event_id
    AND event.state IN ('approved', 'assigned', 'lobby', 'live', 'frozen')
JOIN codebattle.event_code_problems AS chosen ON chosen.event_id = event.id
WHERE part.user_id = ANY($1::uuid[]) AND part.kind = 'official'
"""
# Rejudging takes no place from those who hand something in.
_DEPTH = f"""
SELECT waiting.n, pace.slots, pace.judging_s
FROM (
    SELECT count(*) AS n FROM codebattle.judgings WHERE state = 'queued' AND is_current
) AS waiting
CROSS JOIN ({estimating.MEASURED}) AS pace
"""  # noqa: S608 - both are constants
_STORE = """
WITH given AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
        $15::text[], $16::bigint[], $17::float[], $18::float[], $25::uuid[],
        $26::timestamptz[], $27::text[], $28::text[], $29::bigint[]
    ) WITH ORDINALITY AS given (
        submission_id, judging_id, user_id, problem_id, version_id, event_id, room_id,
        language, entry_point, source_hash, idempotency_key, request_hash, request_id, queue,
        metadata, source_bytes, delay_s, age_s, entry_id, came_at, event_state,
        network, pasted, position
    )
), held AS (
    SELECT id, state FROM codebattle.events
    WHERE id IN (SELECT event_id FROM given WHERE event_state IS NOT NULL)
    FOR KEY SHARE
), waiting AS (
    SELECT users.user_id, count(judging.id) AS n
    FROM (SELECT DISTINCT user_id FROM given) AS users
    LEFT JOIN codebattle.judgings AS judging
        ON judging.user_id = users.user_id
        AND judging.is_current
        AND judging.state IN ('queued', 'compiling', 'running')
    GROUP BY users.user_id
), crowded AS (
    SELECT rooms.room_id, count(judging.id) AS n
    FROM (SELECT DISTINCT room_id FROM given WHERE room_id IS NOT NULL) AS rooms
    LEFT JOIN codebattle.judgings AS judging
        ON judging.room_id = rooms.room_id
        AND judging.is_current
        AND judging.state IN ('queued', 'compiling', 'running')
    GROUP BY rooms.room_id
), placed AS (
    SELECT
        given.*,
        given.event_state IS NOT NULL AND given.event_state IS DISTINCT FROM held.state AS moved,
        coalesce(given.came_at, now() - make_interval(secs => given.age_s)) AS arrived_at,
        waiting.n - 1
            + row_number() OVER (PARTITION BY given.user_id ORDER BY given.position) AS ahead,
        coalesce(crowded.n - 1
            + row_number() OVER (PARTITION BY given.room_id ORDER BY given.position), 0) AS in_room
    FROM given JOIN waiting USING (user_id) LEFT JOIN crowded USING (room_id)
    LEFT JOIN held ON held.id = given.event_id
), taken AS (
    INSERT INTO codebattle.code_submissions (
        id, user_id, problem_id, version_id, event_id, room_id, entry_id, language, entry_point,
        source_hash, source_bytes, idempotency_key, request_hash, request_id, submitted_at
    )
    SELECT
        submission_id, user_id, problem_id, version_id, event_id, room_id, entry_id, language,
        entry_point, source_hash, source_bytes, idempotency_key, request_hash, request_id,
        arrived_at
    FROM placed WHERE ahead < $19::bigint AND NOT moved
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id, submitted_at
), files AS (
    INSERT INTO codebattle.submission_files (submission_id, name, content)
    SELECT taken.id, file.name, file.content
    FROM taken
    JOIN unnest($21::uuid[], $22::text[], $23::bytea[]) AS file (submission_id, name, content)
        ON file.submission_id = taken.id
), queued AS (
    INSERT INTO codebattle.judgings (
        id, submission_id, version_id, user_id, room_id, is_current, state, queue, metadata,
        queued_at, due_at
    )
    SELECT
        judging_id, submission_id, version_id, user_id, room_id, true, 'queued', queue,
        metadata::jsonb, arrived_at,
        arrived_at + make_interval(
            secs => delay_s + greatest(ahead * $20::float, in_room * $24::float)
        )
    FROM placed JOIN taken ON taken.id = placed.submission_id
), noted AS (
    INSERT INTO codebattle.event_attempts (
        event_id, entry_id, problem_id, submission_id, submitted_at
    )
    SELECT event_id, entry_id, problem_id, submission_id, arrived_at
    FROM placed JOIN taken ON taken.id = placed.submission_id
    WHERE entry_id IS NOT NULL
    RETURNING event_id, id, entry_id, problem_id
), unshown AS (
    INSERT INTO codebattle.event_unshown (event_id, attempt_id, entry_id, problem_id)
    SELECT event_id, id, entry_id, problem_id FROM noted
), traced AS (
    INSERT INTO codebattle.submission_traces (submission_id, network, pasted, recorded_at)
    SELECT submission_id, network, pasted, arrived_at
    FROM placed JOIN taken ON taken.id = placed.submission_id
    WHERE network IS NOT NULL OR pasted IS NOT NULL
)
SELECT placed.ahead, placed.moved, taken.submitted_at
FROM placed LEFT JOIN taken ON taken.id = placed.submission_id
ORDER BY placed.position
"""
_OF_INTAKE = ("submission_id", "judging_id", "user_id", "problem_id", "version_id")
_OPTIONAL = ("event_id", "room_id")
_OF_SOURCE = ("language", "entry_point", "source_hash")
_OF_REQUEST = ("idempotency_key", "request_hash", "request_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A submission that is stored; `replayed` when it was there already."""

    id: UUID
    judging_id: UUID
    problem_id: UUID
    state: JudgingState
    submitted_at: datetime
    replayed: bool
    # How long it will wait, by what is before it and how quickly that goes; None: nobody knows.
    wait_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The submission an idempotency key made, and a hash of the request it was made by."""

    taken: Taken
    request_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """All there is to store of a submission that came `age_s` ago, or when its event says."""

    submission_id: UUID
    judging_id: UUID
    user_id: UUID
    problem_id: UUID
    version_id: UUID
    event_id: UUID | None
    room_id: UUID | None
    entry_id: UUID | None
    submission: Submission
    queue: Queue
    idempotency_key: str | None
    request_hash: str
    request_id: str
    # The judging's metadata: what the worker has to know of the trace this belongs to.
    extra: dict[str, Any]
    delay_s: float
    age_s: float
    arrived_at: datetime | None
    # In which state its event was when it was let in; None where that decides nothing.
    event_state: EventState | None
    # What its event records beside it, if it does (`api.traces`).
    network: str | None
    pasted: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What came of it: `submitted_at` None means that nothing was stored.

    That is so when its event `moved` on since it was let in, when `waiting` judgings of the user
    are too many, or the key was used before.
    """

    submitted_at: datetime | None
    waiting: int
    moved: bool


class Targets:
    """The problems that some requests name, as they are now."""

    def __init__(
        self, rows: Sequence[asyncpg.Record], played: Sequence[asyncpg.Record] = ()
    ) -> None:
        self._played: dict[tuple[UUID, UUID], bool] = {}
        for each in played:
            key = (each["user_id"], each["problem_id"])
            self._played[key] = self._played.get(key, False) or each["begun"]
        self._by_slug = {row["slug"]: row for row in rows}
        self._by_id = {row["id"]: row for row in rows}

    def find(self, user: CurrentUser, name: str) -> Target | None:
        """Return what to submit to; None for what the user cannot see, too.

        Raises `ConflictError` for what they play in an event now: by its rules, or not at all.
        """
        row = self._by_id.get(_uuid(name)) or self._by_slug.get(name)
        if row is None:
            return None
        begun = self._played.get((user.id, row["id"]))
        if not (
            row["visibility"] == Visibility.PUBLIC
            or row["owner_id"] == user.id
            or Role.GAME_MASTER in user.roles
            or (Role.REVIEWER in user.roles and begun is None)
        ):
            return None
        if begun:
            # Its verdict would be one without a penalty, and told while the board stands still.
            raise ConflictError(
                "you play this problem in an event that goes on: name it in event_id",
                slug="event-not-named",
            )
        return Target(
            problem_id=row["id"],
            version_id=row["version_id"],
            kinds=row["kinds"],
            languages=row["languages"],
            source_bytes=row["source_bytes"],
        )


async def targets(
    connection: asyncpg.Connection, names: Collection[str], outside: Collection[UUID]
) -> Targets:
    """Read the problems with these slugs or ids; `outside` are who names no event."""
    ids = [found for name in names if (found := _uuid(name)) is not None]
    rows = await connection.fetch(_TARGETS, list(names), ids)
    played = await connection.fetch(_PLAYED, list(outside)) if rows and outside else ()
    return Targets(rows, played)


async def known(
    connection: asyncpg.Connection, keys: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Known]:
    """Return what the idempotency keys of users have made."""
    if not keys:
        return {}
    rows = await connection.fetch(_KNOWN, [user for user, _ in keys], [key for _, key in keys])
    return {
        (row["user_id"], row["idempotency_key"]): Known(
            taken=Taken(
                id=row["id"],
                judging_id=row["judging_id"],
                problem_id=row["problem_id"],
                state=JudgingState(row["state"]),
                submitted_at=row["submitted_at"],
                replayed=True,
            ),
            request_hash=row["request_hash"],
        )
        for row in rows
    }


async def depth(connection: asyncpg.Connection) -> tuple[int, Pace]:
    """Return how many judgings wait, and how quickly they are judged."""
    row = await connection.fetchrow(_DEPTH)
    assert row is not None
    return row["n"], Pace(slots=row["slots"], judging_s=row["judging_s"])


async def store(
    connection: asyncpg.Connection,
    given: Sequence[Intake],
    *,
    step_s: float,
    room_step_s: float,
    waiting_max: int,
) -> list[Stored]:
    """Store submissions with their queued judgings and commit; all of them or none.

    A second request with the same key waits here for the first one's transaction to end. Events
    are locked so that none is closed meanwhile; writers of their boards do not wait for that.
    """

    def column(name: str, of: Sequence[Any] = given) -> list[Any]:
        return [getattr(each, name) for each in of]

    files = [
        (each.submission_id, name, content)
        for each in given
        for name, content in each.submission.files.items()
    ]
    sources = column("submission")
    rows = await connection.fetch(
        _STORE,
        *(column(name) for name in (*_OF_INTAKE, *_OPTIONAL)),
        *(column(name, sources) for name in _OF_SOURCE),
        *(column(name) for name in (*_OF_REQUEST, "queue")),
        [json.dumps(each) for each in column("extra")],
        column("source_bytes", sources),
        column("delay_s"),
        column("age_s"),
        waiting_max,
        step_s,
        *([file[place] for file in files] for place in range(3)),
        room_step_s,
        column("entry_id"),
        column("arrived_at"),
        column("event_state"),
        column("network"),
        column("pasted"),
    )
    return [
        Stored(submitted_at=row["submitted_at"], waiting=row["ahead"], moved=row["moved"])
        for row in rows
    ]


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
