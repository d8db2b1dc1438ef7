"""From a package's test data to the plan that aggregation follows."""

from judge.aggregation import (
    Aggregation,
    LegacyGroup,
    LegacyPlan,
    Objective,
    PassFailPlan,
    Plan,
    ScoredGroup,
    ScoredPlan,
)
from judge.problem.model import OnReject, Problem, TestCase, TestGroup

STATIC_CASE = "static_validation"


def plan(problem: Problem) -> Plan:
    """Return how this problem's cases become a judgement."""
    if not problem.scoring:
        return PassFailPlan(cases=tuple(case.name for case in problem.cases()))
    if problem.legacy:
        objective = Objective.MAX if problem.metadata.maximise else Objective.MIN
        root = _legacy(problem.data, custom_scores=problem.metadata.custom_score)
        return LegacyPlan(root=root, objective=objective)
    sample, secret = problem.data.find("sample"), problem.data.find("secret")
    return ScoredPlan(
        sample=tuple(case.name for case in sample.all_cases()) if sample else (),
        secret=_scored(secret) if secret else ScoredGroup(name="secret"),
        groups=tuple(_scored(group) for group in secret.groups) if secret else (),
    )


def _legacy(group: TestGroup, *, custom_scores: bool) -> LegacyGroup:
    grading = group.legacy
    assert grading is not None
    return LegacyGroup(
        name=group.name,
        items=tuple(
            child.name
            if isinstance(child, TestCase)
            else _legacy(child, custom_scores=custom_scores)
            for child in group.children
        ),
        stop_on_reject=grading.on_reject is OnReject.BREAK,
        custom_grading=grading.custom,
        grader_flags=grading.flags,
        accept_score=grading.accept_score,
        reject_score=grading.reject_score,
        range_min=grading.score_min,
        range_max=grading.score_max,
        custom_scores=custom_scores,
    )


def _scored(group: TestGroup) -> ScoredGroup:
    scoring = group.scoring
    assert scoring is not None
    return ScoredGroup(
        name=group.name,
        cases=tuple(case.name for case in group.cases),
        aggregation=Aggregation(scoring.aggregation.value),
        max_score=scoring.max_score,
        require_pass=scoring.require_pass,
        static_case=f"{group.name}/{STATIC_CASE}" if scoring.static_validation else None,
        static_score=scoring.static_validation_score,
    )
