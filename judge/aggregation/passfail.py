"""Pass-fail problems: the first case in file order that is not accepted is the verdict."""

from collections.abc import Iterator, Mapping

from judge.aggregation.rules import Aggregate, PassFailPlan
from judge.results import Run
from judge.verdicts import Verdict


def schedule(plan: PassFailPlan, runs: Mapping[str, Run], *, full: bool) -> Iterator[str]:
    """Yield the cases to judge; without `full` none after the first known failure."""
    for case in plan.cases:
        if case not in runs:
            yield case
        run = runs.get(case)
        if not full and run is not None and run.verdict is not Verdict.AC:
            return


def aggregate(plan: PassFailPlan, runs: Mapping[str, Run]) -> Aggregate:
    """Return the verdict; a case that is missing before the first failure is our failure."""
    kept = tuple(runs[case] for case in plan.cases if case in runs)
    verdict, reason = (Verdict.AC, "") if plan.cases else (Verdict.JE, "there are no test cases")
    for case in plan.cases:
        run = runs.get(case)
        if run is None:
            verdict, reason = Verdict.JE, f"{case}: was not judged"
            break
        if run.verdict is not Verdict.AC:
            verdict, reason = run.verdict, f"{case}: {run.reason}" if run.reason else case
            break
    return Aggregate(verdict=verdict, reason=reason, runs=kept)
