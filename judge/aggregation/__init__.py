"""Runs to groups to the judgement, and which runs are still worth making.

Pure functions over a *plan* (`rules.Plan`: pass-fail, legacy scoring, 2025-09 scoring) and the
runs known so far, by case name. `schedule` decides what to judge, `aggregate` what it means.
They agree: judging only what `schedule` yields gives the verdict and score of judging it all,
judge errors in cases that were spared aside.
"""

from collections.abc import Iterator, Mapping

from judge.aggregation import legacy, passfail, scored
from judge.aggregation.plans import plan_of
from judge.aggregation.rules import (
    Aggregate,
    GraderCall,
    LegacyGroup,
    LegacyPlan,
    PassFailPlan,
    Plan,
    ScoredGroup,
    ScoredPlan,
    ScoreMode,
    VerdictMode,
)
from judge.results import Run

__all__ = [
    "Aggregate",
    "GraderCall",
    "LegacyGroup",
    "LegacyPlan",
    "PassFailPlan",
    "Plan",
    "ScoreMode",
    "ScoredGroup",
    "ScoredPlan",
    "VerdictMode",
    "aggregate",
    "next_case_needed",
    "plan_of",
    "schedule",
]


def schedule(plan: Plan, runs: Mapping[str, Run], *, full: bool = False) -> Iterator[str]:
    """Yield cases to judge, in order, looking at `runs` again after each.

    The caller adds the run of a case before it asks for the next. It may also ask ahead and add
    runs later (several slots): then some cases are judged that turn out not to matter. Cases
    already in `runs` are not yielded.
    """
    if isinstance(plan, PassFailPlan):
        return passfail.schedule(plan, runs, full=full)
    if isinstance(plan, LegacyPlan):
        return legacy.schedule(plan, runs, full=full)
    return scored.schedule(plan, runs, full=full)


def next_case_needed(plan: Plan, runs: Mapping[str, Run], *, full: bool = False) -> str | None:
    """Return the next case to judge, or None when verdict and score can no longer change."""
    return next(schedule(plan, runs, full=full), None)


def aggregate(
    plan: Plan, runs: Mapping[str, Run], answers: Mapping[str, str | None] | None = None
) -> Aggregate:
    """Return what the runs add up to.

    `answers` are outputs of custom graders by group name, None for a grader that failed. When
    the result has `grader_calls`, run those graders, add their answers and call again.
    """
    if isinstance(plan, PassFailPlan):
        return passfail.aggregate(plan, runs)
    if isinstance(plan, LegacyPlan):
        return legacy.aggregate(plan, runs, answers or {})
    return scored.aggregate(plan, runs)
