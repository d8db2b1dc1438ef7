"""Judging only what can still matter never changes a result, whatever the rules and runs."""

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge.aggregation import (
    Aggregate,
    LegacyGroup,
    LegacyPlan,
    PassFailPlan,
    Plan,
    ScoredGroup,
    ScoredPlan,
    aggregate,
    next_case_needed,
    schedule,
)
from judge.problem.model import Aggregation
from judge.results import Run
from judge.verdicts import Verdict

_VERDICTS = st.sampled_from(
    [Verdict.AC] * 6 + [Verdict.WA, Verdict.TLE, Verdict.RTE, Verdict.MLE, Verdict.OLE, Verdict.SV]
)
_MODES = (
    "worst_error first_error always_accept sum avg min max accept_if_any_accepted ignore_sample"
)
_FLAGS = st.lists(st.sampled_from(_MODES.split()), max_size=4).map(tuple)
_SCORES = st.integers(-2, 20).map(Fraction)


@st.composite
def _legacy_groups(draw: st.DrawFn, name: str, depth: int, *, custom: bool) -> LegacyGroup:
    count = draw(st.integers(0, 3))
    items: list[str | LegacyGroup] = []
    for number in range(count):
        inner = f"{name}/{number}"
        deeper = depth > 0 and draw(st.booleans())
        groups = _legacy_groups(inner, depth - 1, custom=custom)
        items.append(draw(groups) if deeper else inner)
    return LegacyGroup(
        name=name,
        items=tuple(items),
        stop_on_reject=draw(st.booleans()),
        grader_flags=draw(_FLAGS),
        accept_score=draw(_SCORES),
        reject_score=draw(_SCORES),
        custom_scores=custom,
    )


@st.composite
def _scored_plans(draw: st.DrawFn) -> ScoredPlan:
    top = draw(st.sampled_from(Aggregation))
    modes = st.just(top) if top is Aggregation.PASS_FAIL else st.sampled_from(Aggregation)
    groups: list[ScoredGroup] = []
    for number in range(draw(st.integers(0, 4))):
        earlier = [group.name for group in groups if group.aggregation is Aggregation.PASS_FAIL] + [
            "sample"
        ]
        name = f"g{number}"
        cases = tuple(f"{name}/{case}" for case in range(draw(st.integers(1, 3))))
        groups.append(
            ScoredGroup(
                name=name,
                cases=cases,
                aggregation=draw(modes),
                max_score=draw(st.integers(0, 30).map(Fraction)),
                require_pass=tuple(draw(st.lists(st.sampled_from(earlier), max_size=2))),
            )
        )
    own = () if groups else tuple(f"secret/{case}" for case in range(draw(st.integers(1, 4))))
    secret = ScoredGroup(
        name="secret",
        cases=own,
        aggregation=top,
        max_score=Fraction(120),
        require_pass=draw(st.sampled_from([(), ("sample",)])),
    )
    sample = tuple(f"sample/{case}" for case in range(draw(st.integers(0, 2))))
    return ScoredPlan(sample=sample, secret=secret, groups=tuple(groups))


@st.composite
def _judgings(draw: st.DrawFn) -> tuple[Plan, dict[str, Run]]:
    plan: Plan
    kind = draw(st.sampled_from(["pass-fail", "legacy", "legacy-custom", "scored"]))
    custom = kind == "legacy-custom"
    if kind == "pass-fail":
        plan = PassFailPlan(cases=tuple(f"c{n}" for n in range(draw(st.integers(0, 5)))))
    elif kind == "scored":
        plan = draw(_scored_plans())
    else:
        plan = LegacyPlan(root=draw(_legacy_groups("", 2, custom=custom)))
    runs = {}
    scored = {
        case
        for group in ((plan.secret, *plan.groups) if isinstance(plan, ScoredPlan) else ())
        for case in group.cases
        if group.aggregation is not Aggregation.PASS_FAIL
    }
    for case in plan.cases:
        verdict = draw(_VERDICTS)
        accepted = verdict is Verdict.AC
        score = draw(st.none() | _SCORES) if custom and accepted else None
        multiplier = None
        if accepted and case in scored:
            multiplier = draw(st.sampled_from([None, None, Fraction(0), Fraction(1, 2)]))
        runs[case] = Run(
            case=case, verdict=verdict, custom_score=score, custom_multiplier=multiplier
        )
    return plan, runs


def _lazily(plan: Plan, runs: dict[str, Run], ahead: int) -> dict[str, Run]:
    """Judge what is asked for; up to `ahead` cases are asked for before the first is known."""
    known: dict[str, Run] = {}
    flying: list[str] = []
    cases = schedule(plan, known)
    for case in cases:
        flying.append(case)
        if len(flying) > ahead:
            done = flying.pop(0)
            known[done] = runs[done]
    known |= {case: runs[case] for case in flying}
    return known


def _essence(result: Aggregate) -> tuple[object, ...]:
    return result.verdict, result.score


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(_judgings(), st.integers(0, 3))
def test_lazy_judging_changes_nothing(judging: tuple[Plan, dict[str, Run]], ahead: int) -> None:
    """Verdict and score are those of judging every case, also when several are in flight."""
    plan, runs = judging
    # A judge error would have to be seen to count, and is retried anyway.
    full = aggregate(plan, runs)
    if full.verdict is Verdict.JE:
        return

    known = _lazily(plan, runs, ahead)
    lazy = aggregate(plan, known)

    assert _essence(full) == _essence(lazy), lazy.reason
    assert len(known) <= len(runs)


@settings(max_examples=200, deadline=None)
@given(_judgings())
def test_one_at_a_time_is_the_same_schedule(judging: tuple[Plan, dict[str, Run]]) -> None:
    """Asking anew for the next case gives the cases the iterator gives."""
    plan, runs = judging

    def anew() -> Iterator[str]:
        known: dict[str, Run] = {}
        while (case := next_case_needed(plan, known)) is not None:
            known[case] = runs[case]
            yield case

    assert list(_lazily(plan, runs, 0)) == list(anew())


@settings(max_examples=200, deadline=None)
@given(_judgings())
def test_full_judging_makes_every_run_a_group_allows(
    judging: tuple[Plan, dict[str, Run]],
) -> None:
    """In full mode only requirements leave cases out."""
    plan, runs = judging
    known: dict[str, Run] = {}
    for case in schedule(plan, known, full=True):
        known[case] = runs[case]

    if not isinstance(plan, ScoredPlan):
        assert list(known) == list(plan.cases)
    assert _essence(aggregate(plan, runs)) == _essence(aggregate(plan, known))


@settings(max_examples=200, deadline=None)
@given(_judgings(), st.data())
def test_a_missing_run_never_helps(
    judging: tuple[Plan, dict[str, Run]], data: st.DataObject
) -> None:
    """Losing a run that was asked for is a judge error or changes nothing."""
    plan, runs = judging
    known = _lazily(plan, runs, 0)
    if not known:
        return
    full = aggregate(plan, known)
    lost = data.draw(st.sampled_from(sorted(known)))

    result = aggregate(plan, {case: run for case, run in known.items() if case != lost})

    assert result.verdict is Verdict.JE or _essence(full) == _essence(result)
