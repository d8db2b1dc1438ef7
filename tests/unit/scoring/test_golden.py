"""Every case of `tests/golden/scoring/*.yaml`: attempts in, board out."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from judge.errors import UsageError
from judge.scoring import Attempt, EventProblem, GroupScore, make
from judge.scoring.freezing import frozen
from judge.scoring.ranking import Row, board
from judge.verdicts import Verdict

TABLES = Path(__file__).parents[2] / "golden" / "scoring"
CASES = [
    pytest.param(table.stem, case, id=f"{table.stem}-{case['name']}")
    for table in sorted(TABLES.glob("*.yaml"))
    for case in yaml.load(table.read_text(), yaml.CSafeLoader)
]


def problem(number: int, name: str, given: dict[str, Any]) -> EventProblem:
    return EventProblem(
        id=name,
        order=number,
        points=Fraction(str(given.get("points", 1))),
        scoring="max" in given,
        max_score=None if given.get("max") is None else Fraction(str(given["max"])),
        cpu_limit_us=given.get("cpu_ms", 0) * 1000,
        memory_limit_bytes=given.get("memory_mb", 0) << 20,
    )


def attempt(number: int, line: str) -> tuple[str, str, Attempt]:
    who, task, time, verdict, *more = line.split()
    minutes, _, seconds = time.partition(":")
    named = dict(word.split("=") for word in more if "=" in word)
    score = next((Fraction(word) for word in more if "=" not in word), None)
    return (
        who,
        task,
        Attempt(
            submission=f"{number:04}",
            at_us=round((float(minutes) * 60 + float(seconds or 0)) * 1_000_000),
            verdict=None if verdict == "PENDING" else Verdict(verdict),
            score=score,
            groups=tuple(
                GroupScore(name=name, score=Fraction(value))
                for name, value in named.items()
                if name not in {"cpu", "mem"}
            ),
            cpu_us=int(named.get("cpu", 0)) * 1000,
            memory_bytes=int(named.get("mem", 0)) << 20,
        ),
    )


def made(form: str, case: dict[str, Any]) -> list[Row]:
    problems = [
        problem(n, name, each or {}) for n, (name, each) in enumerate(case["problems"].items())
    ]
    attempts: dict[str, dict[str, list[Attempt]]] = {who: {} for who in case.get("present", ())}
    for number, line in enumerate(case.get("attempts", ())):
        who, task, each = attempt(number, line)
        attempts.setdefault(who, {}).setdefault(task, []).append(each)
    freeze_us = case["freeze"] * 60_000_000 if "freeze" in case else None
    return board(
        make(form, case.get("options")),
        problems,
        {
            who: {task: list(frozen(each, freeze_us)) for task, each in theirs.items()}
            for who, theirs in attempts.items()
        },
    )


@pytest.mark.parametrize(("form", "case"), CASES)
def test_board(form: str, case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(UsageError, match=case["error"]):
            made(form, case)
        return
    rows = made(form, case)
    shown = [
        f"{row.rank} {row.participant} {float(row.standing.score):g} {row.standing.penalty}"
        for row in rows
    ]
    assert shown == case["board"]
    found = {row.participant: row.cells for row in rows}
    for place, expected in case.get("cells", {}).items():
        who, task = place.split()
        cell = found[who][task]
        assert {key: getattr(cell, key) for key in expected} == expected, place
