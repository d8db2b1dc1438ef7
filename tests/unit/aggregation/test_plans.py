"""From a problem's groups to the plan of aggregation."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from judge.aggregation import LegacyPlan, PassFailPlan, ScoredPlan, aggregate, plan_of
from judge.problem.model import (
    Aggregation,
    FormatVersion,
    GroupScoring,
    LegacyGrading,
    Metadata,
    OnReject,
    Problem,
    ProblemKind,
    TestCase,
    TestGroup,
)
from judge.problem.programs import ExampleSubmission, Expectation, ScoreRange
from judge.results import Run
from judge.verdicts import Verdict


def _case(name: str) -> TestCase:
    return TestCase(name=name, input=Path(f"/{name}.in"), input_bytes=0)


def _group(name: str, *cases: str, groups: tuple[TestGroup, ...] = ()) -> TestGroup:
    return TestGroup(
        name=name, cases=tuple(_case(f"{name}/{case}") for case in cases), groups=groups
    )


def _problem(version: FormatVersion, kind: ProblemKind, *top: TestGroup) -> Problem:
    legacy = LegacyGrading() if version is FormatVersion.LEGACY else None
    return Problem(
        name="p",
        root=Path("/"),
        metadata=Metadata(version=version, kinds=frozenset({kind})),
        data=TestGroup(name="", groups=top, legacy=legacy),
    )


def test_pass_fail_is_flat_and_in_order() -> None:
    """Samples first; a static validation case comes before its group's others."""
    static = replace(_group("secret/g", "b", "a"), scoring=GroupScoring(static_validation=True))
    secret = _group("secret", groups=(static,))
    problem = _problem(FormatVersion.V2025_09, ProblemKind.PASS_FAIL, _group("sample", "1"), secret)

    assert plan_of(problem) == PassFailPlan(
        cases=("sample/1", "secret/g/[static]", "secret/g/a", "secret/g/b")
    )


def test_legacy_keeps_the_tree() -> None:
    """Cases and groups are mixed in byte order; grading is taken over."""
    grading = LegacyGrading(
        on_reject=OnReject.CONTINUE,
        flags=("min",),
        accept_score=Fraction(20),
        score_max=Fraction(20),
    )
    inner = replace(_group("secret/b", "1"), legacy=grading)
    problem = _problem(
        FormatVersion.LEGACY, ProblemKind.SCORING, _group("secret", "a", "c", groups=(inner,))
    )
    problem = replace(problem, metadata=replace(problem.metadata, maximise=False))

    plan = plan_of(problem)

    assert isinstance(plan, LegacyPlan)
    assert not plan.maximise
    assert plan.cases == ("secret/a", "secret/b/1", "secret/c")
    secret = plan.root.items[0]
    assert not isinstance(secret, str)
    assert secret.stop_on_reject
    group = secret.items[1]
    assert not isinstance(group, str)
    assert (group.stop_on_reject, group.accept_score) == (False, Fraction(20))
    assert (group.range_min, group.range_max) == (None, Fraction(20))
    assert not group.custom_scores


def test_a_stated_score_makes_accept_score_that_of_a_group() -> None:
    """DOMjudge's reading: a group counts once, samples never, and a rejection keeps the rest."""
    grading = LegacyGrading(on_reject=OnReject.CONTINUE, accept_score=Fraction(20))
    groups = tuple(replace(_group(f"secret/{name}", "1", "2"), legacy=grading) for name in "ab")
    secret = replace(_group("secret", groups=groups), legacy=grading)
    problem = _problem(FormatVersion.LEGACY, ProblemKind.SCORING, _group("sample", "1"), secret)
    score = ScoreRange(low=Fraction(20), high=Fraction(20))
    example = ExampleSubmission(
        name="partial/one.c",
        directory="partial",
        files=(),
        expectation=Expectation(score=score),
    )
    problem = replace(
        problem,
        data=replace(problem.data, legacy=grading),
        submissions=(example,),
    )
    plan = plan_of(problem)
    runs = {
        case: Run(case=case, verdict=Verdict.WA if case == "secret/b/2" else Verdict.AC)
        for case in plan.cases
    }

    found = aggregate(plan, runs)
    assert (found.verdict, found.score) == (Verdict.WA, Fraction(20))


def test_scored_secret_has_groups_or_cases() -> None:
    """With groups `secret` itself has no cases, without it has all below it."""
    scoring = GroupScoring(aggregation=Aggregation.MIN, max_score=Fraction(60))
    first = replace(_group("secret/g1", "1", "2"), scoring=scoring)
    grouped = _problem(
        FormatVersion.V2025_09,
        ProblemKind.SCORING,
        _group("sample", "1"),
        _group("secret", groups=(first,)),
    )
    flat = _problem(FormatVersion.V2025_09, ProblemKind.SCORING, _group("secret", "1"))

    plan, plain = plan_of(grouped), plan_of(flat)

    assert isinstance(plan, ScoredPlan)
    assert isinstance(plain, ScoredPlan)
    assert plan.sample == ("sample/1",)
    assert plan.secret.cases == ()
    assert plan.groups[0].cases == ("secret/g1/1", "secret/g1/2")
    assert (plan.groups[0].aggregation, plan.groups[0].max_score) == (Aggregation.MIN, Fraction(60))
    assert (plain.sample, plain.secret.cases, plain.groups) == ((), ("secret/1",), ())
