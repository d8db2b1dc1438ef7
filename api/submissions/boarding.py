"""Bringing judgements onto the boards of events, and telling who follows those that they changed.

A first judging goes onto the board in the transaction that stores it (`storing.store`), a rejudge
set in the one that applies it.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from fractions import Fraction
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import CodeSubmission, EntryKind, Judging, JudgingState
from api.leaderboards import scoring, updating
from api.leaderboards.desk import Target
from api.leaderboards.updating import Changed, Known
from api.live import Kind, Publisher, Topic, Update
from judge.results import Judgement
from judge.verdicts import Verdict

CHUNK = 500


def known(submission: CodeSubmission, judging_id: UUID, judgement: Judgement) -> Known | None:
    """Return what a board learns from a judgement; None when it is on no board."""
    if submission.event_id is None or submission.entry_id is None:
        return None
    return Known(
        event_id=submission.event_id,
        entry_id=submission.entry_id,
        problem_id=submission.problem_id,
        submission_id=submission.id,
        submitted_at=submission.submitted_at,
        judging_id=judging_id,
        verdict=judgement.verdict,
        score=judgement.score,
        groups=scoring.groups(judgement.groups),
        cpu_us=judgement.cpu_us,
        memory_bytes=judgement.memory_bytes,
    )


async def rejudged(
    session: AsyncSession, rejudging_id: UUID, *, applied: bool = True
) -> list[Changed]:
    """Bring a set onto its events' boards; the caller commits.

    Of one that was just swapped in it is what counts now; of one that was not `applied`, what
    would, and the caller rolls back.
    """
    counts: ColumnElement[bool] = (
        Judging.is_current.is_(True) if applied else Judging.state == JudgingState.DONE
    )
    changed = []
    async for some in _swapped(session, rejudging_id, counts):
        changed += await _record(session, some)
    return changed


async def tell(publisher: Publisher, changed: Iterable[Changed | None]) -> None:
    """Tell followers of events whose cells changed; after the commit."""
    await publisher.publish_all(said(changed))


def said(changed: Iterable[Changed | None]) -> list[tuple[Sequence[str], Update]]:
    """Return what that is, for who publishes it beside something else."""
    return [
        ([Topic.EVENT.of(each.event_id)], update)
        for each in changed
        if each
        for update in _updates(each)
    ]


def _updates(changed: Changed) -> Iterator[Update]:
    public = set(changed.public)
    for target in (*changed.public, *(set(changed.jury) - public)):
        kind = Kind.BOARD if target in public else Kind.JURY_BOARD
        yield _update(kind, changed.event_id, target, EntryKind.OFFICIAL)
    for entry_id, problem_id, of_kind in changed.apart:
        yield _update(Kind.BOARD, changed.event_id, (entry_id, problem_id), of_kind)


def _update(kind: Kind, event_id: UUID, target: Target, of_kind: EntryKind) -> Update:
    entry_id, problem_id = target
    return Update(
        kind=kind,
        data={
            "event_id": str(event_id),
            "entry_id": str(entry_id),
            "problem_id": str(problem_id),
            "kind": of_kind.value,
        },
    )


async def _record(session: AsyncSession, some: Iterable[Known]) -> list[Changed]:
    of_event: dict[UUID, list[Known]] = {}
    for each in some:
        of_event.setdefault(each.event_id, []).append(each)
    changed = []
    for event_id in sorted(of_event):
        event = await updating.locked(session, event_id)
        for each in of_event[event_id]:
            await updating.note(session, each, shown=True)
        targets = {(each.entry_id, each.problem_id) for each in of_event[event_id]}
        changed.append(await updating.refresh(session, event, targets))
    return changed


async def _swapped(
    session: AsyncSession, rejudging_id: UUID, counts: ColumnElement[bool]
) -> AsyncIterator[list[Known]]:
    query = (
        select(Judging, CodeSubmission)
        .join(CodeSubmission, CodeSubmission.id == Judging.submission_id)
        .where(
            Judging.rejudging_id == rejudging_id,
            counts,
            CodeSubmission.event_id.is_not(None),
            CodeSubmission.entry_id.is_not(None),
        )
        .order_by(Judging.submission_id)
        .limit(CHUNK)
        .execution_options(populate_existing=True)
    )
    last = None
    while True:
        later = query if last is None else query.where(Judging.submission_id > last)
        rows = (await session.execute(later)).all()
        if rows:
            last = rows[-1][1].id
            read = (known(row[1], row[0].id, _judgement(row[0])) for row in rows)
            yield [each for each in read if each is not None]
        if len(rows) < CHUNK:
            return


def _judgement(judging: Judging) -> Judgement:
    """Return a stored judgement without its runs, which no board needs."""
    assert judging.verdict is not None
    if judging.record is not None:
        return Judgement.from_json({**judging.record, "runs": []})
    return Judgement(
        problem="",
        verdict=Verdict(judging.verdict),
        language="",
        score=None if judging.score is None else Fraction(judging.score),
        cpu_us=judging.cpu_us or 0,
        memory_bytes=judging.memory_bytes or 0,
    )
