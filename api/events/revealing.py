"""Revealing a frozen board step by step, as at ICPC finals; the last step thaws it.

The lowest row of the public board that hides something shows its leftmost hidden cell, and so on
from the board as it is by then. The order follows from what is kept, so what is judged late, or
again, finds its place in it. `judge.scoring.freezing` says what the steps are; here they are taken.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, clocks
from api.auth import CurrentUser
from api.db.models import BoardReveal, BoardRow, Event, EventState
from api.errors import ConflictError, InvalidError
from api.events import acting
from api.events.machine import Act, allowed
from api.leaderboards import cells, scoring, updating
from api.leaderboards.updating import Changed
from judge.scoring.freezing import Reveal, thaw
from judge.scoring.ranking import Row

# Those who follow the event are told of each one, and fall behind when it is too many at once.
STEPS_MAX = 100
# Of those with something pending, and of those who may be first no longer; nobody else's change.
_CELLS = text("""
SELECT json_agg(c)::text FROM codebattle.board_cells AS c
WHERE c.event_id = :event_id AND c.public IN (true, false) AND c.entry_id IN (
    SELECT entry_id FROM codebattle.board_cells
    WHERE event_id = :event_id AND public AND (pending > 0 OR first)
)
""").bindparams(bindparam("event_id", type_=Uuid))


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """What a request revealed, which step comes next if there is one, and which cells changed."""

    event: Event
    steps: Sequence[BoardReveal] = ()
    coming: Reveal | None = None
    changed: tuple[Changed, ...] = ()


async def reveal(
    session: AsyncSession,
    event_id: UUID,
    *,
    to: int,
    by: CurrentUser,
    reason: str = "",
    force: bool = False,
) -> Revealed:
    """Reveal up to so many steps, counted from the first; the caller commits.

    To ask again, or for what another has revealed meanwhile, changes nothing. The last step thaws.
    With `force` verdicts may be missing: of a cell that is shown they are shown when they come.

    Raises `ConflictError` unless the event is finished and all is judged, `InvalidError` for too
    many steps at once, `LookupError` without such an event.
    """
    event = await updating.locked(session, event_id)
    if clocks.thawed(event):
        return Revealed(event=event)
    if event.state is not EventState.FINISHED:
        raise ConflictError(
            f"the event is {event.state.value}; its board is revealed once it is finished",
            slug="event-state",
            allowed=[each.value for each in allowed(event.state)],
        )
    before = event.revealed
    wanted = max(0, to - before)
    if wanted > STEPS_MAX:
        raise InvalidError(f"to: at most {STEPS_MAX} steps more than the {before} revealed")
    changed = await acting.caught_up(session, event)
    if wanted:
        await acting.need_verdicts(session, event, force=force)
    found = await _coming(session, event, wanted + 1)
    taken, left = found[:wanted], found[wanted:]
    steps = _stored(session, event, taken)
    if steps:
        await session.flush()
        targets = {(each.entry_id, each.problem_id) for each in steps}
        changed.append(await updating.refresh(session, event, targets))
        detail = {"from": before, "to": event.revealed, **({"reason": reason} if reason else {})}
        audit.record(session, by, "event.reveal", subject=("event", event.id), detail=detail)
    if wanted and not left:
        await session.flush()
        now = await clocks.now(session)
        await acting.act(session, event.id, Act.THAW, by=by, now=now, reason=reason)
    return Revealed(event=event, steps=steps, coming=next(iter(left), None), changed=tuple(changed))


def _stored(session: AsyncSession, event: Event, taken: Sequence[Reveal]) -> list[BoardReveal]:
    """Note steps as they are told, and that they were taken."""
    steps = [
        BoardReveal(
            event_id=event.id,
            step=number,
            entry_id=UUID(each.participant),
            problem_id=UUID(each.problem),
            cell=list(cells.shown(each.cell)),
            overtaken_id=None if each.overtaken is None else UUID(each.overtaken),
            score=scoring.decimal(each.standing.score),
            penalty=each.standing.penalty,
            rank_before=each.rank_before,
            rank=each.rank,
        )
        for number, each in enumerate(taken, start=event.revealed + 1)
    ]
    session.add_all(steps)
    event.revealed += len(steps)
    return steps


async def _coming(session: AsyncSession, event: Event, most: int) -> list[Reveal]:
    """Return the next steps, from the boards that are kept; the event is locked."""
    rules = scoring.rules(event)
    if rules.freeze_from is None:
        return []
    problems = await scoring.problems(session, event.id)
    rows = await session.execute(
        select(BoardRow.entry_id, BoardRow.lost, BoardRow.penalty, BoardRow.last).where(
            BoardRow.event_id == event.id, BoardRow.public.is_(True)
        )
    )
    sides: Mapping[bool, dict[str, dict[str, Any]]] = {True: {}, False: {}}
    document = await session.scalar(_CELLS, {"event_id": event.id})
    for each in json.loads(document or "[]", parse_float=Decimal):
        held = sides[each["public"]].setdefault(each["entry_id"], {})
        held[each["problem_id"]] = cells.cell_of(each)
    public = [
        Row(
            participant=str(row["entry_id"]),
            rank=0,
            standing=cells.standing_of(dict(row)),
            cells=sides[True].get(str(row["entry_id"]), {}),
        )
        for row in rows.mappings()
    ]
    steps = thaw(rules.format, list(problems.values()), public, sides[False])
    # Thousands of rows are sorted for it; others are served meanwhile.
    return await asyncio.to_thread(lambda: list(islice(steps, most)))
