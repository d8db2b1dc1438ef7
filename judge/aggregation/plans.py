"""From a problem to the plan its runs are aggregated by."""

from collections.abc import Iterator
from dataclasses import replace

from judge.aggregation.rules import (
    LegacyGroup,
    LegacyPlan,
    PassFailPlan,
    Plan,
    ScoredGroup,
    ScoredPlan,
)
from judge.problem.model import GroupScoring, LegacyGrading, OnReject, Problem, TestCase, TestGroup


def plan_of(problem: Problem) -> Plan:
    """Return how the runs of a problem become its judgement."""
    if not problem.scoring:
        return PassFailPlan(cases=tuple(_case_names(problem.data)))
    if problem.legacy_grading:
        custom_scores = problem.metadata.custom_output
        root = _legacy_group(problem.data, custom_scores=custom_scores)
        if _scores_groups(problem):
            return LegacyPlan(
                root=_scored_as_group(root), maximise=problem.metadata.maximise, keeps_score=True
            )
        return LegacyPlan(root=root, maximise=problem.metadata.maximise)
    sample = problem.data.find("sample")
    secret = problem.data.find("secret") or TestGroup(name="secret")
    groups = tuple(_scored_group(group) for group in secret.groups)
    whole = _scored_group(secret)
    if groups:
        whole = replace(whole, cases=())
    cases = () if sample is None else tuple(_case_names(sample))
    return ScoredPlan(sample=cases, secret=whole, groups=groups)


def static_case_name(group: str) -> str:
    """Return the name of a group's static validation case; no file can be called that."""
    return f"{group}/[static]"


def _case_names(group: TestGroup) -> Iterator[str]:
    """Yield the names of all cases in order, a group's static case before its others."""
    if group.scoring is not None and group.scoring.static_validation:
        yield static_case_name(group.name)
    for child in group.children:
        if isinstance(child, TestCase):
            yield child.name
        else:
            yield from _case_names(child)


def _legacy_group(group: TestGroup, *, custom_scores: bool) -> LegacyGroup:
    grading = group.legacy or LegacyGrading()
    return LegacyGroup(
        name=group.name,
        items=tuple(
            child.name
            if isinstance(child, TestCase)
            else _legacy_group(child, custom_scores=custom_scores)
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


def _scores_groups(problem: Problem) -> bool:
    """Tell whether `accept_score` is what a whole group is worth: DOMjudge reads it so.

    Only its packages state the score of a submission in the submission.
    """
    return problem.legacy and any(
        example.expectation.score is not None for example in problem.submissions
    )


def _scored_as_group(group: LegacyGroup) -> LegacyGroup:
    """Return the group as DOMjudge scores it: samples count for nothing, a group's cases once."""
    items = tuple(item if isinstance(item, str) else _scored_as_group(item) for item in group.items)
    flags = (*group.grader_flags, "first_error")
    if not group.name:
        flags = (*flags, "ignore_sample")
    elif not group.custom_scores and all(isinstance(item, str) for item in items):
        flags = (*flags, "min")
    return replace(group, items=items, grader_flags=flags)


def _scored_group(group: TestGroup) -> ScoredGroup:
    scoring = group.scoring or GroupScoring()
    static = static_case_name(group.name) if scoring.static_validation else None
    return ScoredGroup(
        name=group.name,
        cases=tuple(case.name for case in group.all_cases()),
        aggregation=scoring.aggregation,
        max_score=scoring.max_score,
        require_pass=scoring.require_pass,
        static_case=static,
        static_score=scoring.static_validation_score,
    )
