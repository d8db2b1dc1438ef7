"""Looking back: the board as of an instant, and the steps of a thaw, both made from the log.

Both read the whole log of an event, so callers give them turns (`api.recent`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Event
from api.leaderboards import cells, queries, rebuilding, scoring
from api.leaderboards.queries import Among, Ranked
from api.leaderboards.rebuilding import Made
from judge.scoring.freezing import Reveal, thaw
from judge.scoring.ranking import Row

STEPS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A whole side of a board as it was, in order."""

    rows: Sequence[Ranked]
    firsts: Mapping[UUID, queries.First]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A thaw: its steps, the names in them, and how much is still without a verdict."""

    steps: Sequence[Reveal]
    names: Mapping[str, str]
    frozen_since: datetime | None
    pending: int


async def board(
    session: AsyncSession,
    event: Event,
    *,
    public: bool,
    until: datetime | None = None,
    until_us: int | None = None,
) -> Past:
    """Return a side of the board as it was at an instant, or at a moment of the event's own time.

    What a freeze hides today is hidden of the past as well.
    """
    made = await rebuilding.make(session, event, until=until, sides=[public], until_us=until_us)
    # That is seconds of work where many play; others are served meanwhile.
    return await asyncio.to_thread(_past, made, public=public)


async def steps(session: AsyncSession, event: Event) -> Steps:
    """Return the steps from the frozen board to the jury's."""
    made = await rebuilding.make(session, event, frozen=True)
    final = {row.participant: row.cells for row in _rows(made, public=False)}
    problems = await scoring.problems(session, event.id)
    taken: list[Reveal] = []
    for step in thaw(made.rules.format, list(problems.values()), _rows(made, public=True), final):
        taken.append(step)
        if len(taken) % STEPS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return Steps(
        steps=taken,
        names={str(who): entry.name for who, entry in made.entries.items()},
        frozen_since=made.rules.freeze_from,
        pending=sum(cell.pending for held in final.values() for cell in held.values()),
    )


def page(past: Past, among: Among, *, limit: int, after: UUID | None) -> list[Ranked]:
    """Return rows after some entry's, ranked among those that are meant."""
    rows = among_them(past, among)
    begin = 0
    if after is not None:
        places = [place for place, row in enumerate(rows, start=1) if row.entry_id == after]
        begin = places[0] if places else len(rows)
    return rows[begin : begin + limit]


def among_them(past: Past, among: Among) -> list[Ranked]:
    """Return the rows that are meant, with their ranks among each other."""
    kept: list[Ranked] = []
    for place, row in enumerate(filter(among.has, past.rows), start=1):
        shared = bool(kept) and row.key == kept[-1].key
        kept.append(replace(row, rank=kept[-1].rank if shared else place))
    return kept


def _past(made: Made, *, public: bool) -> Past:
    return Past(
        rows=[_ranked(made, row) for row in _rows(made, public=public)], firsts=_firsts(made)
    )


def _rows(made: Made, *, public: bool) -> list[Row]:
    """Return a side in order; its standings are there already."""
    mine = sorted(
        (
            (standing.key, str(who), standing)
            for (side, who), standing in made.standings.items()
            if side is public
        ),
        key=lambda each: each[:2],
    )
    rows: list[Row] = []
    for place, (key, who, standing) in enumerate(mine, start=1):
        shared = bool(rows) and rows[-1].standing.key == key
        held = made.cells[public, UUID(who)]
        rows.append(
            Row(
                participant=who,
                rank=rows[-1].rank if shared else place,
                standing=standing,
                cells={task: each for task, each in held.items() if each.touched},
            )
        )
    return rows


def _ranked(made: Made, row: Row) -> Ranked:
    entry = made.entries[UUID(row.participant)]
    return Ranked(
        rank=row.rank,
        entry_id=entry.id,
        name=entry.name,
        room_id=entry.room_id,
        guild_id=entry.guild_id,
        lost=scoring.decimal(-row.standing.score),
        penalty=row.standing.penalty,
        last=row.standing.last,
        kept={task: cells.shown(each) for task, each in row.cells.items()},
    )


def _firsts(made: Made) -> dict[UUID, queries.First]:
    """Return who solved what first, from a board with one side."""
    winners: dict[str, tuple[UUID, int]] = {}
    waiting: dict[str, int] = {}
    for (_, who), held in made.cells.items():
        for task, each in held.items():
            if each.first and each.solved_at is not None:
                winners[task] = (who, each.solved_at[0])
            if each.pending_since_us is not None:
                waiting[task] = min(each.pending_since_us, waiting.get(task, each.pending_since_us))
    return {
        UUID(task): queries.First(
            entry_id=who,
            solved_us=solved_us,
            settled=task not in waiting or waiting[task] > solved_us,
        )
        for task, (who, solved_us) in winners.items()
    }
