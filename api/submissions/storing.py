"""Storing a judgement: the end of its judging, its runs, what others are told, and its board.

All of it is one transaction that names the token of the claim; what comes too late changes
nothing. When nobody else has the event's board it is one statement, see `ahead`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, redaction
from api.db import direct
from api.db.base import cleaned, document
from api.db.models import Event, JudgingState
from api.leaderboards import ahead, updating
from api.leaderboards.updating import Changed, Known
from api.live import Kind
from api.neighbours import outbox
from api.redaction import Audience, Phase
from api.submissions.claiming import Claim
from api.workers import watching
from api.workers.watching import NOT_WATCHED, Ended, Watch
from judge.results import Judgement
from judge.verdicts import Verdict

JUDGED = "submission.judged"
# The end of a judging whose claim still holds, its runs, and what others are told of it.
_JUDGED = """{first}ended AS (
    UPDATE codebattle.judgings AS judging SET
        judged_by = lease_owner, lease_owner = NULL, lease_expires_at = NULL, finished_at = now(),
        state = $3, verdict = $4, score = $5, cpu_us = $6, wall_us = $7, memory_bytes = $8,
        case_total = $9, compile_log = $10, reason = $11, record = $12::jsonb
    {among} WHERE id = $1 AND fencing_token = $2 AND state IN ('compiling', 'running')
    RETURNING id
), made AS (
    INSERT INTO codebattle.runs
    SELECT run.* FROM ended,
        jsonb_populate_recordset(null::codebattle.runs, $13::jsonb) AS run
), said AS ({said}){then}
""".replace("{said}", outbox.said_by("ended", after=13))
_ALONE = _JUDGED.format(first="WITH ", among="", then=" SELECT id::text FROM ended")
# The same with what an event's board learns of it, last, since others wait for the board's lock.
_ON_BOARD = _JUDGED.format(
    first="WITH ",
    among="",
    then=f", {updating.recorded_by('ended', after=17)} {updating.RECORDED}",
)
# All of it with a board that was made ready. Nobody who has the judging is waited for: it is
# always locked before its board is.
_BEFORE, _AFTER = ahead.parts("mine", "ended", after=17)
_AT_ONCE = _JUDGED.format(
    first=f"""
WITH mine AS (
    SELECT FROM codebattle.judgings
    WHERE id = $1 AND fencing_token = $2 AND state IN ('compiling', 'running')
    FOR NO KEY UPDATE SKIP LOCKED
), {_BEFORE}, """,
    among="FROM taken",
    then=f", {_AFTER} {ahead.STORED}",
)


Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Whether a judgement was stored, or its lease was lost; what changed on a board, and when."""

    stored: bool
    changed: Changed | None = None
    phase: Phase | None = None


async def store(
    session: AsyncSession,
    claimed: Claim,
    judgement: Judgement,
    *,
    told: Mapping[str, Any],
    watch: Watch = NOT_WATCHED,
    known: Known | None = None,
) -> Stored:
    """Store a judgement, and what it changes on its event's board.

    `told` goes to other services and `known` onto the board when this is the judgement that
    counts. What it says of its worker, or of another, is noted in the same transaction.
    """
    record = judgement.to_json()
    runs = record.pop("runs")
    state = JudgingState.FAILED if judgement.verdict is Verdict.JE else JudgingState.DONE
    counts = claimed.current and state is JudgingState.DONE
    done = Ended(
        judging_id=claimed.judging_id,
        verdict=judgement.verdict,
        drawn=claimed.current and watching.drawn(watch),
        tried=claimed.tried,
        checks_id=claimed.checks_id,
        replaces_id=claimed.replaces_id,
    )
    values = (
        claimed.judging_id,
        claimed.token,
        state,
        judgement.verdict,
        None if judgement.score is None else float(judgement.score),
        judgement.cpu_us,
        judgement.wall_us,
        judgement.memory_bytes,
        judgement.case_total,
        cleaned(judgement.compile_log),
        cleaned(judgement.reason),
        document(record),
        document(_run_rows(claimed, judgement, runs)),
        *outbox.said(JUDGED, outside(told) if counts else None, claimed.judging_id),
    )
    board = known if counts else None
    if board is not None and not done.telling:
        return await _at_once(session, values, board) or await _in_turn(session, values, board)
    if await direct.ask(session, _ALONE, *values) is None:
        await session.rollback()
        return Stored(stored=False)
    if done.telling:
        await watching.ended(session, watch, done)
    if board is None:
        await session.commit()
        return Stored(stored=True)
    # Last: what is concluded locks others' rows, which must not wait for who waits for the board.
    event, at, changed = await updating.record(session, board)
    await session.commit()
    return _stored(event, at, changed)


async def _at_once(session: AsyncSession, values: Values, board: Known) -> Stored | None:
    """Store a judgement and its board in one statement, if nobody else takes the board meanwhile.

    None: nothing was stored.
    """
    ready = await ahead.ready(session, board)
    if ready is None:
        return None
    at = ready.stored(await direct.look(session, _AT_ONCE, *values, *ready.values))
    if at is None:
        return None
    return _stored(ready.event, at, ready.changed)


async def _in_turn(session: AsyncSession, values: Values, board: Known) -> Stored:
    """Store a judgement, and its board once it is locked."""
    found = await direct.ask(session, _ON_BOARD, *values, *updating.learned(board))
    if found is None:
        await session.rollback()
        return Stored(stored=False)
    event, at, changed = await updating.recorded(session, board, found)
    await session.commit()
    return _stored(event, at, changed)


def _stored(event: Event, at: datetime, changed: Changed) -> Stored:
    return Stored(stored=True, changed=changed, phase=clocks.phase(event, at))


def outside(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what other services are told of an end."""
    phase = redaction.phase_of(told.get("event_id"))
    return redaction.update(Kind.JUDGED, told, Audience.NEIGHBOUR, phase)


def _run_rows(
    claimed: Claim, judgement: Judgement, records: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {
            "judging_id": claimed.judging_id,
            "position": position,
            "case_name": run.case,
            "sample": run.case.startswith("sample/"),
            "verdict": run.verdict,
            "score": None if run.score is None else float(run.score),
            "cpu_us": run.cpu_us,
            "wall_us": run.wall_us,
            "memory_bytes": run.memory_bytes,
            "team_message": run.team_message,
            "record": record,
        }
        for position, (run, record) in enumerate(zip(judgement.runs, records, strict=True), start=1)
    ]
