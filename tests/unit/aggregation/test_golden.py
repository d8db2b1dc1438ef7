"""Every entry of `tests/golden/aggregation/*.yaml`; the README beside them says how to add one."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from judge.aggregation import (
    LegacyGroup,
    LegacyPlan,
    PassFailPlan,
    Plan,
    ScoredGroup,
    ScoredPlan,
    aggregate,
    schedule,
)
from judge.problem.model import Aggregation
from judge.results import GroupResult, Run, score_number
from judge.verdicts import Verdict

GOLDEN = Path(__file__).parents[2] / "golden" / "aggregation"


def _fraction(value: Any) -> Fraction:
    return Fraction(str(value))


def _run(case: str, text: str) -> Run:
    verdict, _, score = text.partition(" ")
    multiplier = _fraction(score[1:]) if score.startswith("x") else None
    given = _fraction(score) if score and multiplier is None else None
    return Run(
        case=case, verdict=Verdict(verdict), custom_score=given, custom_multiplier=multiplier
    )


def _legacy(
    name: str, data: dict[str, Any], inherited: dict[str, Any], **extra: Any
) -> LegacyGroup:
    keys = inherited | {key: value for key, value in data.items() if key != "items"}
    low, high = keys.get("range", (None, None))
    return LegacyGroup(
        name=name,
        items=tuple(
            item
            if isinstance(item, str)
            else _legacy(next(iter(item)), next(iter(item.values())), keys, **extra)
            for item in data["items"]
        ),
        stop_on_reject=keys.get("on_reject", "break") == "break",
        custom_grading=keys.get("grading") == "custom",
        grader_flags=tuple(keys.get("grader_flags", "").split()),
        accept_score=_fraction(keys.get("accept_score", 1)),
        reject_score=_fraction(keys.get("reject_score", 0)),
        range_min=None if low is None else _fraction(low),
        range_max=None if high is None else _fraction(high),
        **extra,
    )


def _scored(name: str, data: dict[str, Any]) -> ScoredGroup:
    maximum = data.get("max", "unbounded")
    static = data.get("static")
    return ScoredGroup(
        name=name,
        cases=tuple(data.get("cases", ())),
        aggregation=Aggregation(data.get("aggregation", "pass-fail")),
        max_score=None if maximum == "unbounded" else _fraction(maximum),
        require_pass=tuple(data.get("require", ())),
        static_case=None if static is None else f"{name}/[static]",
        static_score=None if static in {None, "pass-fail"} else _fraction(static),
    )


def _plan(case: dict[str, Any]) -> Plan:
    if "root" in case:
        custom_scores = case.get("custom_scores", True)
        root = _legacy("", case["root"], {}, custom_scores=custom_scores)
        return LegacyPlan(root=root, maximise=case.get("objective", "max") == "max")
    if "secret" in case:
        groups = tuple(_scored(name, group) for name, group in case.get("groups", {}).items())
        return ScoredPlan(
            sample=tuple(case.get("sample", ())),
            secret=_scored("secret", case["secret"]),
            groups=groups,
        )
    return PassFailPlan(cases=tuple(case["cases"]))


def _flat(group: GroupResult) -> Iterator[tuple[str, str]]:
    score = "" if group.score is None else f" {score_number(group.score)}"
    yield group.name, f"{'null' if group.verdict is None else group.verdict}{score}"
    for child in group.children:
        yield from _flat(child)


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{table.stem}-{case['name']}".replace(" ", "_"))
        for table in sorted(GOLDEN.glob("*.yaml"))
        for case in yaml.load(table.read_text(), yaml.CSafeLoader)
    ]


@pytest.mark.parametrize("case", _cases())
def test_golden(case: dict[str, Any]) -> None:
    """Verdict, score and what lazy judging runs are as the table says."""
    plan = _plan(case)
    runs = {name: _run(name, text) for name, text in case["runs"].items()}

    first = aggregate(plan, runs)
    asked = {call.group: call.text for call in first.grader_calls}
    result = aggregate(plan, runs, case.get("answers"))

    assert case["verdict"] == result.verdict, result.reason
    expected = case.get("score")
    assert (None if expected is None else _fraction(expected)) == result.score
    assert case.get("warnings", 0) == len(result.warnings)
    assert not result.grader_calls
    if "asks" in case:
        assert case["asks"] == asked
    groups = {} if result.groups is None else dict(_flat(result.groups))
    wanted = case.get("groups_expected", case.get("groups") if "root" in case else None) or {}
    assert wanted.items() <= groups.items()
    if "judged" in case:
        known: dict[str, Run] = {}
        judged = []
        for name in schedule(plan, known):
            judged.append(name)
            known[name] = runs[name]
        assert case["judged"] == judged
