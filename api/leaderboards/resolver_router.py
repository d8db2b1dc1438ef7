"""`/v1/events/{event}/leaderboard/resolver`: the steps of the thaw, and taking them one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, paging
from api.auth import CurrentUser
from api.db.models import BoardReveal, Event, EventEntry, EventProblem
from api.deps import GameMasterDep, MaybeReaderDep, PartsDep, SessionDep
from api.documented import problems
from api.errors import BadRequestError, ConflictError, ForbiddenError, InvalidError
from api.events import revealing
from api.events.machine import OVER
from api.leaderboards import cells, instants, rebuilding, reveals, schemas, viewing
from api.leaderboards.asking import BOARD, EventIdDep
from api.leaderboards.cells import Shown
from api.live import Kind, Publisher, Topic, Update
from api.paging import PAGE_DEFAULT, CursorParam, LimitParam
from api.submissions import boarding
from api.wiring import Parts

router = APIRouter()
Labels = Mapping[UUID, str]


@router.get(f"{BOARD}/resolver", responses=problems(401, 403, 409, 429, 503))
async def get_resolver(
    event_id: EventIdDep,
    user: MaybeReaderDep,
    parts: PartsDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
) -> schemas.Thaw:
    """Return the steps of the thaw in order: those taken, and to the jury those to come.

    Once the event is thawed all of them are everybody's.
    """
    begin = 0 if cursor is None else _number(cursor)
    async with parts.sessions() as session:
        event = await viewing.event(session, event_id, user)
        whole = clocks.thawed(event) or viewing.jury(user)
        if not whole and not event.revealed:
            raise ForbiddenError("what the freeze hides is the jury's until it is revealed")
        if event.state not in OVER and not event.revealed:
            raise ConflictError("the event goes on", slug="event-state", allowed=[])
        labels = await _labels(session, event_id)
        told = await reveals.told(session, event, after=begin, limit=limit)
        steps = await _told(session, told, labels)
        known = await rebuilding.last_moment(session, event_id)
    pending = total = None
    if whole:
        # Whoever waits for a turn keeps no connection from others.
        found = await _to_come(parts, user, event, known)
        pending, total = found.pending, event.revealed + len(found.steps)
        first = max(0, begin - event.revealed)
        more = found.steps[first : first + limit - len(steps)]
        steps += _coming(more, found, labels, after=event.revealed + first)
    there = event.revealed if total is None else total
    return schemas.Thaw(
        event_id=event.id,
        state=event.state,
        frozen_since=clocks.freeze_from(event, hides=True),
        revealed=event.revealed,
        pending=pending,
        total=total,
        steps=steps,
        next_cursor=paging.encode(str(begin + limit)) if there > begin + limit else None,
    )


@router.post(f"{BOARD}/resolver/steps", responses=problems(404, 409))
async def take_resolver_steps(
    event_id: EventIdDep,
    body: schemas.Steps,
    user: GameMasterDep,
    session: SessionDep,
    parts: PartsDep,
) -> schemas.Revealed:
    """Reveal a frozen board up to a step: sent twice, it is done once; the last one thaws it."""
    if body.force and not body.reason:
        raise InvalidError("say why it is forced", slug="reason-missing")
    await viewing.event(session, event_id, user)
    done = await revealing.reveal(
        session, event_id, to=body.to, by=user, reason=body.reason, force=body.force
    )
    labels = await _labels(session, event_id)
    steps = await _told(session, done.steps, labels)
    coming = None
    if done.coming is not None:
        who = UUID(done.coming.participant)
        coming = schemas.Coming(
            entry_id=who,
            name=(await _names(session, [who]))[who],
            label=labels[UUID(done.coming.problem)],
            rank=done.coming.rank_before,
        )
    await session.commit()
    await _publish(parts.publisher, done, steps)
    return schemas.Revealed(
        event_id=event_id,
        state=done.event.state,
        revealed=done.event.revealed,
        steps=steps,
        coming=coming,
    )


async def _publish(
    publisher: Publisher, done: revealing.Revealed, steps: Sequence[schemas.Step]
) -> None:
    """Tell who follows the event, a step at a time; after the commit."""
    topics = [Topic.EVENT.of(done.event.id)]
    said = [
        (topics, Update(kind=Kind.REVEAL, data=_data(kept, step)))
        for kept, step in zip(done.steps, steps, strict=True)
    ]
    await publisher.publish_all([*said, *boarding.said(done.changed)])


def _data(kept: BoardReveal, step: schemas.Step) -> dict[str, Any]:
    cell = step.cell
    return {
        "event_id": str(kept.event_id),
        "problem_id": str(kept.problem_id),
        "at": kept.at.isoformat(),
        **step.model_dump(mode="json", exclude={"cell"}),
        "attempts": cell.attempts,
        "pending": cell.pending,
        "solved": cell.solved,
        "first": cell.first,
        "gained": cell.score,
        "at_s": cell.at_s,
    }


async def _to_come(
    parts: Parts, user: CurrentUser | None, event: Event, known: datetime | None
) -> instants.Steps:
    """Return the steps that were not taken, of the log as it was `known` to be."""

    async def make() -> instants.Steps:
        async with parts.sessions() as session:
            return await instants.steps(session, event)

    key = ("thaw", event.id, event.updated_at, event.revealed, known)
    return await parts.lookbacks.get(None if user is None else user.id, key, make)


async def _told(
    session: AsyncSession, told: Sequence[BoardReveal], labels: Labels
) -> list[schemas.Step]:
    """Return steps that were taken."""
    names = await _names(session, [each.entry_id for each in told])
    return [
        schemas.Step(
            step=each.step,
            entry_id=each.entry_id,
            name=names[each.entry_id],
            label=labels[each.problem_id],
            cell=viewing.cell(Shown._make(each.cell)),
            score=float(each.score),
            penalty=each.penalty,
            rank_before=each.rank_before,
            rank=each.rank,
            overtaken_id=each.overtaken_id,
        )
        for each in told
    ]


def _coming(
    some: Iterable[Any], found: instants.Steps, labels: Labels, *, after: int
) -> Iterator[schemas.Step]:
    """Return steps that are still to be taken."""
    for number, each in enumerate(some, start=after + 1):
        yield schemas.Step(
            step=number,
            entry_id=UUID(each.participant),
            name=found.names[each.participant],
            label=labels[UUID(each.problem)],
            cell=viewing.cell(cells.shown(each.cell)),
            score=float(each.standing.score),
            penalty=each.standing.penalty,
            rank_before=each.rank_before,
            rank=each.rank,
            overtaken_id=None if each.overtaken is None else UUID(each.overtaken),
        )


async def _labels(session: AsyncSession, event_id: UUID) -> Labels:
    found = await session.execute(
        select(EventProblem.problem_id, EventProblem.label).where(EventProblem.event_id == event_id)
    )
    return {row.problem_id: row.label for row in found}


async def _names(session: AsyncSession, wanted: Sequence[UUID]) -> Mapping[UUID, str]:
    found = await session.execute(
        select(EventEntry.id, EventEntry.name).where(EventEntry.id.in_(wanted))
    )
    return {row.id: row.name for row in found}


def _number(cursor: str) -> int:
    said = paging.decode(cursor)[0]
    if not said.isascii() or not said.isdecimal() or len(said) > 9:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return int(said)
