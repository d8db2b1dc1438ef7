"""How a participant stood at every moment of an event, found without playing it again and again.

A cell names the attempt that decided it and the one that solved the problem. Since the later of
the two nothing that ranks has changed: as many cells are made as there were gains, not one for
each attempt, and all of them in one go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judge.scoring.base import Attempt, Cell, EventProblem, Format, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What a cell was since a moment, as far as it ranks."""

    since_us: int
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How a participant stood since a moment."""

    since_us: int
    standing: Standing


def gains(rules: Format, problem: EventProblem, attempts: Sequence[Attempt]) -> list[Gain]:
    """Return the gains of one participant on one problem in order; the attempts are ordered."""
    return [Gain(since_us=_since_us(cell), cell=cell) for cell in rules.gained(problem, attempts)]


def _since_us(cell: Cell) -> int:
    """Return when what ranks of a cell last changed."""
    decided = 0 if cell.at_us is None else cell.at_us
    return decided if cell.solved_at is None else max(decided, cell.solved_at[0])


def moments(
    rules: Format,
    problems: Mapping[str, EventProblem],
    gained: Mapping[str, Sequence[Gain]],
    firsts: frozenset[str] | set[str] = frozenset(),
) -> list[Moment]:
    """Return every standing a participant had, in order, from their gains by problem.

    `firsts` are the problems that nobody solved before them. The first moment is the start.
    """
    found = [Moment(since_us=0, standing=rules.standing(()))]
    held: dict[str, Cell] = {}
    in_order = sorted(
        ((each.since_us, task, each.cell) for task, theirs in gained.items() for each in theirs),
        key=lambda each: each[0],
    )
    for since_us, task, cell in in_order:
        won = task in firsts and cell.solved
        held[task] = cell.awarded(rules.bonus(problems[task])) if won else cell
        standing = rules.standing(held.values())
        if standing == found[-1].standing:
            continue
        if max(0, since_us) == found[-1].since_us:
            found.pop()
        found.append(Moment(since_us=max(0, since_us), standing=standing))
    return found
