"""Boards: cells of everybody, who was first, rows in order with shared ranks.

The same functions make a whole board and bring one up to date: a new judgement changes one cell,
perhaps who was first on that problem, and so one or two rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from judge.scoring.base import Attempt, Cell, EventProblem, Format, Standing, ordered

Cells = Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A participant on a board; `rank` counts from 1 and is shared by equals."""

    participant: str
    rank: int
    standing: Standing
    cells: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """Who solved a problem first; `settled` unless an earlier attempt is still pending."""

    participant: str
    settled: bool


def first(cells: Cells) -> First | None:
    """Return who solved a problem first, from everybody's cells on it."""
    solved = [(cell.solved_at, who) for who, cell in cells.items() if cell.solved_at is not None]
    if not solved:
        return None
    moment, who = min(solved)
    earlier = any(
        cell.pending_since_us is not None and cell.pending_since_us <= moment[0]
        for cell in cells.values()
    )
    return First(participant=who, settled=not earlier)


def board(
    rules: Format,
    problems: Sequence[EventProblem],
    attempts: Mapping[str, Mapping[str, Iterable[Attempt]]],
) -> list[Row]:
    """Return the board of these attempts, by participant and problem id, in order of rank.

    Participants without attempts are on it as well; equals are in the order of their ids.
    """
    cells: dict[str, dict[str, Cell]] = {who: {} for who in attempts}
    for problem in problems:
        made = {
            who: cell
            for who, theirs in attempts.items()
            if (cell := rules.cell(problem, ordered(theirs.get(problem.id, ())))).touched
        }
        best = first(made)
        if best is not None:
            made[best.participant] = made[best.participant].awarded(rules.bonus(problem))
        for who, cell in made.items():
            cells[who][problem.id] = cell
    return ranked(rules, cells)


def ranked(rules: Format, cells: Mapping[str, Cells]) -> list[Row]:
    """Return rows in order; equal standings share the better rank and leave a gap after them."""
    standings = sorted(
        ((who, rules.standing(theirs.values())) for who, theirs in cells.items()),
        key=lambda each: (each[1].key, each[0]),
    )
    rows: list[Row] = []
    for place, (who, standing) in enumerate(standings, start=1):
        shared = bool(rows) and rows[-1].standing.key == standing.key
        rank = rows[-1].rank if shared else place
        rows.append(Row(participant=who, rank=rank, standing=standing, cells=cells[who]))
    return rows
