"""Formats of events: pure functions from attempts to cells, rows and ranks, one file each."""

from collections.abc import Callable, Mapping
from typing import Any

from judge.errors import UsageError
from judge.results import excerpt
from judge.scoring.base import (
    Attempt,
    Cell,
    EventProblem,
    Format,
    GroupScore,
    Standing,
    ordered,
)
from judge.scoring.battle import Battle
from judge.scoring.duel import Duel
from judge.scoring.icpc import Icpc
from judge.scoring.ioi import Ioi
from judge.scoring.options import parse
from judge.scoring.practice import Practice

FORMATS: Mapping[str, Callable[[Mapping[str, Any]], Format]] = {
    "icpc": lambda options: parse(Icpc, options),
    "ioi": lambda options: parse(Ioi, options),
    "battle": lambda options: parse(Battle, options),
    "duel": lambda options: parse(Duel, options),
    "practice": lambda options: parse(Practice, options),
}


def make(name: str, options: Mapping[str, Any] | None = None) -> Format:
    """Return a format by its name; raises `UsageError` naming what does not fit."""
    if name not in FORMATS:
        raise UsageError(f"format: {excerpt(name)} is none of {', '.join(FORMATS)}")
    return FORMATS[name](options or {})


__all__ = [
    "FORMATS",
    "Attempt",
    "Cell",
    "EventProblem",
    "Format",
    "GroupScore",
    "Standing",
    "make",
    "ordered",
]
