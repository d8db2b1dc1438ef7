"""Challenging and answering.

    offered ─accept→ gathering ─the last one joined→ accepted (an event starts after the countdown)
       │                 │
       └────────┬────────┘
                └→ declined | withdrawn | expired

Nobody has to gather where everybody has said yes: one against one is accepted at once. Whoever
answers locks the challenge, so that it is answered once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.base import new_id
from api.db.models import Duel, DuelMember, DuelSide, DuelState, EventState
from api.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from api.events.duels import making, schemas, sides
from api.events.rooms.presence import Said
from api.leaderboards import updating

OFFERED_MAX = 10
OPEN = frozenset({DuelState.OFFERED, DuelState.GATHERING})


async def challenge(
    session: AsyncSession, user: CurrentUser, new: schemas.NewDuel, *, now: datetime
) -> Duel:
    """Challenge somebody; the caller commits."""
    if new.opponent_id == user.id:
        raise InvalidError("challenge somebody else", slug="duel-with-oneself")
    # One at a time, so that they can be counted.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"codebattle.duels:{user.id}"},
    )
    offered = await session.scalar(
        select(func.count()).where(
            Duel.challenger_id == user.id, Duel.state.in_(OPEN), Duel.expires_at > now
        )
    )
    if int(offered or 0) >= OFFERED_MAX:
        raise ConflictError(f"{offered} of your challenges are open", slug="duels-max")
    name = user.name[: sides.NAME_MAX]
    made = Duel(
        id=new_id(),
        challenger_id=user.id,
        opponent_id=new.opponent_id,
        terms={**new.terms.model_dump(), DuelSide.CHALLENGER.value: new.team or name},
        expires_at=now + timedelta(seconds=new.expires_in_s),
    )
    session.add(made)
    await session.flush()
    for person, side in ((user.id, DuelSide.CHALLENGER), (new.opponent_id, DuelSide.OPPONENT)):
        mine = person == user.id
        session.add(
            DuelMember(
                duel_id=made.id,
                user_id=person,
                side=side,
                name=name if mine else "",
                joined_at=now if mine else None,
            )
        )
    await session.flush()
    await sides.line_up(session, user, made, DuelSide.CHALLENGER, new.members, now=now)
    await session.refresh(made)
    detail = {"opponent_id": str(new.opponent_id), "members": [str(each) for each in new.members]}
    audit.record(session, user, "duel.challenge", subject=("duel", made.id), detail=detail)
    return made


async def one(session: AsyncSession, user: CurrentUser, duel_id: UUID) -> Duel:
    """Return a duel of the caller; raises `NotFoundError` for those of others."""
    found = await session.get(Duel, duel_id)
    named = found is not None and await session.get(DuelMember, (duel_id, user.id)) is not None
    if found is None or not (named or user.jury):
        raise NotFoundError("there is no such duel", slug="duel-not-found")
    return found


async def page(
    session: AsyncSession, user: CurrentUser, *, before: UUID | None, limit: int
) -> Sequence[Duel]:
    """Return the duels the caller is named for, latest first."""
    mine = exists().where(DuelMember.duel_id == Duel.id, DuelMember.user_id == user.id)
    wanted = select(Duel).where(mine)
    if before is not None:
        wanted = wanted.where(Duel.id < before)
    return (await session.scalars(wanted.order_by(Duel.id.desc()).limit(limit))).all()


async def accept(
    session: AsyncSession,
    user: CurrentUser,
    duel_id: UUID,
    new: schemas.NewSide,
    *,
    now: datetime,
) -> Duel:
    """Say yes for the other side; when nobody is missing the event is made. The caller commits."""
    duel = await locked(session, user, duel_id)
    if user.id != duel.opponent_id:
        raise ForbiddenError("that is for who was challenged to do")
    if duel.state in {DuelState.GATHERING, DuelState.ACCEPTED}:
        return duel
    _need_open(duel, now)
    people = (await sides.members(session, [duel.id]))[duel.id]
    wanted = sum(each.side is DuelSide.CHALLENGER for each in people)
    if len(new.members) + 1 != wanted:
        raise InvalidError(
            f"there are {wanted} on the other side", slug="duel-sides", members=wanted - 1
        )
    await sides.line_up(session, user, duel, DuelSide.OPPONENT, new.members, now=now)
    name = user.name[: sides.NAME_MAX]
    duel.terms = {**duel.terms, DuelSide.OPPONENT.value: new.team or name}
    duel.state = DuelState.GATHERING
    await _say_yes(session, duel, user, now=now)
    detail = {"members": [str(each) for each in new.members]}
    audit.record(session, user, "duel.accept", subject=("duel", duel.id), detail=detail)
    return duel


async def join(session: AsyncSession, user: CurrentUser, duel_id: UUID, *, now: datetime) -> Duel:
    """Take the place a captain has named one for; the caller commits.

    Who was selected for it is on it already, and says until the start that they mean it.
    """
    duel = await locked(session, user, duel_id)
    mine = await session.get(DuelMember, (duel_id, user.id))
    if mine is None or user.id == duel.opponent_id:
        raise ForbiddenError("that is for those whom a captain named to do")
    if mine.joined_at is not None and duel.state in {*OPEN, DuelState.ACCEPTED}:
        if mine.selected and await _is_to_come(session, duel):
            mine.selected = False
            audit.record(session, user, "duel.join", subject=("duel", duel.id))
        return duel
    _need_open(duel, now)
    await _say_yes(session, duel, user, now=now)
    audit.record(session, user, "duel.join", subject=("duel", duel.id))
    return duel


async def decline(
    session: AsyncSession, user: CurrentUser, duel_id: UUID, *, now: datetime
) -> Duel:
    """Say no, for the whole duel: the other captain, or anybody named; the caller commits."""
    duel = await locked(session, user, duel_id)
    mine = await session.get(DuelMember, (duel_id, user.id))
    if mine is None or user.id == duel.challenger_id:
        raise ForbiddenError("that is for those who were asked to do")
    return await _ended(session, user, duel, DuelState.DECLINED, now=now)


async def withdraw(
    session: AsyncSession, user: CurrentUser, duel_id: UUID, *, now: datetime
) -> Duel:
    """Take a challenge back; the caller commits."""
    duel = await locked(session, user, duel_id)
    if user.id != duel.challenger_id:
        raise ForbiddenError("that is for who challenged to do")
    return await _ended(session, user, duel, DuelState.WITHDRAWN, now=now)


async def expire(session: AsyncSession, *, now: datetime) -> list[Said]:
    """Note which challenges were not accepted by all in time; commits, returns what to publish."""
    rows = await session.scalars(
        update(Duel)
        .where(Duel.state.in_(OPEN), Duel.expires_at <= now)
        .values(state=DuelState.EXPIRED)
        .returning(Duel)
        .execution_options(populate_existing=True)
    )
    over = rows.all()
    people = await sides.members(session, [each.id for each in over])
    said = [each for row in over for each in sides.told(row, people[row.id])]
    await session.commit()
    return said


async def locked(session: AsyncSession, user: CurrentUser, duel_id: UUID) -> Duel:
    """Return a duel of the caller that nobody else changes until the transaction ends."""
    await one(session, user, duel_id)
    return await session.get_one(Duel, duel_id, with_for_update=True, populate_existing=True)


async def _is_to_come(session: AsyncSession, duel: Duel) -> bool:
    """Tell whether a duel has not started: afterwards nobody chooses whether it counts for them."""
    if duel.event_id is None:
        return True
    # Locked, so that it does not start meanwhile.
    event = await updating.locked(session, duel.event_id)
    return event.started_at is None and event.state is not EventState.CANCELLED


def _need_open(duel: Duel, now: datetime) -> None:
    if duel.state not in OPEN or duel.expires_at <= now:
        is_now = duel.state if duel.state not in OPEN else DuelState.EXPIRED
        raise ConflictError(f"the challenge is {is_now.value}", slug="duel-state")


async def _say_yes(session: AsyncSession, duel: Duel, user: CurrentUser, *, now: datetime) -> None:
    """Note that somebody is in; the last one of an accepted challenge makes the event."""
    mine = await session.get_one(DuelMember, (duel.id, user.id))
    mine.joined_at, mine.name = now, user.name[: sides.NAME_MAX]
    await session.flush()
    people = (await sides.members(session, [duel.id]))[duel.id]
    if duel.state is DuelState.GATHERING and all(each.joined_at is not None for each in people):
        duel.state = DuelState.ACCEPTED
        await making.make(session, duel, people, now=now)


async def _ended(
    session: AsyncSession, user: CurrentUser, duel: Duel, state: DuelState, *, now: datetime
) -> Duel:
    """Give a challenge its answer; the same answer again changes nothing."""
    if duel.state is state:
        return duel
    _need_open(duel, now)
    duel.state = state
    await session.flush()
    audit.record(session, user, f"duel.{state.value}", subject=("duel", duel.id))
    return duel
