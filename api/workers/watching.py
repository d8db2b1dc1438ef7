"""Watches workers by what they judge: who contradicts the others, who fails where others do not.

    pair     a judging and an earlier one of the same submission and version, by another worker:
             a rejudging's, or a check that was drawn (`judging_double_check_share`)
    third    asked for when a pair differs in verdict or score and no run came near a limit
    finding  whoever a third disagrees with, and whoever failed where another then succeeded

Findings of several people's submissions within a day put a worker into quarantine; the program of
one person may be random, and must not decide about a worker. docs/decisions/0008 says why.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Float, Text, Uuid, bindparam, exists, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import (
    FindingKind,
    Judging,
    JudgingState,
    Run,
    Worker,
    WorkerFinding,
    WorkerState,
)
from api.logs import logger
from api.metrics import COMPARISONS, FINDINGS
from api.workers import quarantine
from judge.verdicts import Verdict

WITHIN = timedelta(days=1)
# A drawn check is not urgent.
DRAWN_DELAY_S = 60.0
_log = logger(__name__)
_random = random.SystemRandom()
_ASK = text("""
INSERT INTO codebattle.judgings (
    id, submission_id, version_id, user_id, room_id, checks_id, barred_workers,
    is_current, state, queue, due_at
)
SELECT
    :id, submission_id, version_id, user_id, room_id, judging.id, :barred,
    false, 'queued', 'rejudge', now() + make_interval(secs => :delay_s)
FROM codebattle.judgings AS judging
WHERE judging.id = :judging_id AND EXISTS (
    SELECT FROM codebattle.workers
    WHERE state = 'active' AND heartbeat_at > now() - interval '15 seconds'
    AND NOT workers.id = ANY(:barred)
)
RETURNING id
""").bindparams(
    bindparam("id", type_=Uuid),
    bindparam("judging_id", type_=Uuid),
    bindparam("barred", type_=ARRAY(Uuid)),
    bindparam("delay_s", type_=Float),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How closely workers are watched: settings of the same names."""

    double_check_share: float = 0.0
    quarantine_after: int = 3


NOT_WATCHED = Watch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A judging that ends in this transaction; `drawn` ones are judged once more."""

    judging_id: UUID
    verdict: Verdict
    drawn: bool
    tried: Collection[UUID]
    checks_id: UUID | None
    replaces_id: UUID | None

    @property
    def telling(self) -> bool:
        """Tell whether conclusions can be drawn from it."""
        beside = self.drawn or self.tried or self.checks_id or self.replaces_id
        return self.verdict is not Verdict.JE and bool(beside)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is compared of a judging."""

    id: UUID
    user_id: UUID
    version_id: UUID
    judged_by: UUID | None
    verdict: Verdict
    score: Decimal | None
    earlier: UUID | None

    def agrees(self, other: "_Seen") -> bool:
        return (self.verdict, self.score) == (other.verdict, other.score)

    def comparable(self, other: "_Seen") -> bool:
        """Tell whether the two are the same work, done by different workers."""
        return (
            self.version_id == other.version_id
            and None not in (self.judged_by, other.judged_by)
            and self.judged_by != other.judged_by
        )


def drawn(watch: Watch) -> bool:
    """Draw whether a judging that counts is one of those that others repeat."""
    return _random.random() < watch.double_check_share


async def ended(session: AsyncSession, watch: Watch, done: Ended) -> None:
    """Draw conclusions from a judging that is `telling`, in the transaction that stores it."""
    earlier = done.checks_id or done.replaces_id
    this = await _seen(session, done.judging_id)
    if this is None or this.judged_by is None:
        return
    for failed in set(done.tried) - {this.judged_by}:
        await _found(session, watch, FindingKind.FAILED, failed, this)
    other = await _seen(session, earlier) if earlier is not None else None
    if other is not None:
        await _compare(session, watch, this, other, checking=done.checks_id is not None)
    elif done.drawn:
        await _ask(session, this, [this.judged_by], delay_s=DRAWN_DELAY_S)


async def _compare(
    session: AsyncSession, watch: Watch, this: _Seen, other: _Seen, *, checking: bool
) -> None:
    if not this.comparable(other):
        return
    first = await _seen(session, other.earlier) if checking and other.earlier else None
    if first is not None and first.comparable(other) and not first.agrees(other):
        await _decide(session, watch, first, other, third=this)
    elif this.agrees(other):
        COMPARISONS.labels("agreed").inc()
    elif await _near_limit(session, this, other):
        COMPARISONS.labels("near_limit").inc()
    else:
        COMPARISONS.labels("contradicted").inc()
        assert this.judged_by is not None
        assert other.judged_by is not None
        asked = await _ask(session, this, [this.judged_by, other.judged_by])
        _log.error(
            "judging.contradicted",
            judging_id=str(this.id),
            other_id=str(other.id),
            verdicts=[this.verdict.value, other.verdict.value],
            workers=[str(this.judged_by), str(other.judged_by)],
            third_asked=asked,
        )


async def _decide(
    session: AsyncSession, watch: Watch, first: _Seen, second: _Seen, *, third: _Seen
) -> None:
    for one, alone in ((second, first), (first, second)):
        if third.agrees(one) and alone.judged_by is not None:
            COMPARISONS.labels("decided").inc()
            await _found(session, watch, FindingKind.CONTRADICTED, alone.judged_by, alone)
            return
    COMPARISONS.labels("undecided").inc()
    _log.error("judging.undecided", judging_id=str(third.id))


async def _found(
    session: AsyncSession, watch: Watch, kind: FindingKind, worker: UUID, about: _Seen
) -> None:
    """Note what speaks against a worker, and quarantine it when that is enough."""
    made = await session.scalar(
        insert(WorkerFinding)
        .from_select(
            ["id", "worker_id", "judging_id", "user_id", "kind"],
            select(
                literal(new_id(), Uuid),
                Worker.id,
                literal(about.id, Uuid),
                literal(about.user_id, Uuid),
                literal(kind.value, Text),
            ).where(Worker.id == worker),
        )
        .on_conflict_do_nothing()
        .returning(WorkerFinding.id)
    )
    if made is None:
        return
    FINDINGS.labels(kind.value).inc()
    _log.error("worker.doubtful", suspect=str(worker), kind=kind.value, judging_id=str(about.id))
    people = await session.scalar(
        select(func.count(WorkerFinding.user_id.distinct())).where(
            WorkerFinding.worker_id == worker,
            ~WorkerFinding.settled,
            WorkerFinding.created_at > func.now() - WITHIN,
        )
    )
    if (people or 0) < watch.quarantine_after:
        return
    others = exists().where(
        Worker.id != worker,
        Worker.state == WorkerState.ACTIVE,
        Worker.heartbeat_at > func.now() - quarantine.ALIVE,
    )
    if not await session.scalar(select(others)):
        # One doubtful worker is better than none; people are told and may decide otherwise.
        _log.error("worker.doubtful_but_last", suspect=str(worker))
        return
    reason = f"{people} people's submissions were judged otherwise by other workers"
    await quarantine.put(session, None, worker, reason=reason)


async def _seen(session: AsyncSession, judging_id: UUID) -> _Seen | None:
    row = (
        await session.execute(
            select(
                Judging.id,
                Judging.user_id,
                Judging.version_id,
                Judging.judged_by,
                Judging.verdict,
                Judging.score,
                func.coalesce(Judging.checks_id, Judging.replaces_id),
            ).where(Judging.id == judging_id, Judging.state == JudgingState.DONE)
        )
    ).first()
    if row is None:
        return None
    identity, user_id, version_id, judged_by, verdict, score, earlier = row
    assert verdict is not None  # a constraint says so
    return _Seen(identity, user_id, version_id, judged_by, verdict, score, earlier)


async def _near_limit(session: AsyncSession, *judgings: _Seen) -> bool:
    near = exists().where(
        Run.judging_id.in_([each.id for each in judgings]),
        Run.record["near_limit"].as_boolean(),
    )
    return bool(await session.scalar(select(near)))


async def _ask(
    session: AsyncSession, about: _Seen, barred: list[UUID], *, delay_s: float = 0
) -> bool:
    """Have a judging repeated by none of these; tell whether there is anybody to do it."""
    made = await session.scalar(
        _ASK,
        {"id": new_id(), "judging_id": about.id, "barred": barred, "delay_s": delay_s},
    )
    return made is not None
