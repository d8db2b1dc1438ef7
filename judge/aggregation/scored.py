"""2025-09 scoring: cases to groups to `secret`, more is better, judge errors where rules break.

The score of the submission is that of `secret`. The format gives scored submissions no verdict;
ours is that of a pass-fail problem, the first case that is not accepted, so that "accepted"
means every case and not merely some points.

Both functions walk the same *units* in order: `sample`, then the groups of `secret`, or `secret`
itself when it has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from judge.aggregation.rules import Aggregate, ScoredGroup, ScoredPlan
from judge.problem.model import Aggregation
from judge.results import GroupResult, Run, score_number
from judge.verdicts import Verdict


class _BrokenError(Exception):
    """A condition the format calls a judge error; the text names the case or group."""


def schedule(plan: ScoredPlan, runs: Mapping[str, Run], *, full: bool) -> Iterator[str]:
    """Yield the cases to judge; a group whose `require_pass` failed is never run.

    Without `full` a unit that is not a sum ends at its first failure, for its score is zero,
    and if `secret` is not a sum either, so does everything.
    """
    passed: dict[str, bool | None] = {}
    zero = False
    for unit in _units(plan):
        in_secret = unit.name != "sample"
        if any(passed.get(name) is False for name in _requirements(plan, unit)):
            passed[unit.name] = False
            zero = True
            continue
        if not full and in_secret and zero and plan.secret.aggregation is not Aggregation.SUM:
            return
        stops = unit.aggregation is not Aggregation.SUM
        yield from _unknown(unit, runs, stop=stops and not full)
        passed[unit.name] = _passes(unit, runs)
        zero = zero or (in_secret and stops and passed[unit.name] is False)


def _units(plan: ScoredPlan) -> Iterator[ScoredGroup]:
    yield ScoredGroup(name="sample", cases=plan.sample)
    if not plan.groups:
        yield plan.secret
        return
    if plan.secret.static_case is not None:
        # The static case of a `secret` with groups counts like one more group.
        score = plan.secret.static_score
        yield ScoredGroup(
            name=plan.secret.static_case,
            static_case=plan.secret.static_case,
            static_score=score,
            aggregation=Aggregation.PASS_FAIL if score is None else Aggregation.SUM,
            max_score=score or Fraction(0),
        )
    yield from plan.groups


def _requirements(plan: ScoredPlan, unit: ScoredGroup) -> tuple[str, ...]:
    if unit.name == "sample":
        return ()
    return (*plan.secret.require_pass, *unit.require_pass)


def _unknown(unit: ScoredGroup, runs: Mapping[str, Run], *, stop: bool) -> Iterator[str]:
    for case in unit.all_cases:
        if case not in runs:
            yield case
        if stop and case in runs and runs[case].verdict is not Verdict.AC:
            return


def _passes(unit: ScoredGroup, runs: Mapping[str, Run]) -> bool | None:
    """Tell whether all cases are accepted; None while that is open."""
    known = [runs[case].verdict for case in unit.all_cases if case in runs]
    if any(verdict is not Verdict.AC for verdict in known):
        return False
    return True if len(known) == len(unit.all_cases) else None


def aggregate(plan: ScoredPlan, runs: Mapping[str, Run]) -> Aggregate:
    """Compute every score; anything the format forbids makes the whole a judge error."""
    scores: dict[str, Fraction] = {}
    counted: list[str] = []
    try:
        results = _walk(plan, runs, scores, counted)
        total = _secret_score(plan, results)
    except _BrokenError as error:
        kept = tuple(runs[case] for case in plan.cases if case in runs)
        return Aggregate(verdict=Verdict.JE, reason=str(error), runs=kept)
    kept = tuple(replace(runs[case], score=scores.get(case)) for case in plan.cases if case in runs)
    verdict = _first_failure(counted, runs)
    failure = next((runs[case] for case in counted if runs[case].verdict is verdict), None)
    reason = ""
    if verdict is not Verdict.AC and failure is not None:
        reason = f"{failure.case}: {failure.reason}" if failure.reason else failure.case
    children = tuple(results[1:])
    secret = children[0]
    if plan.groups:
        inner = [case for each in children for case in each.cases]
        secret = GroupResult(
            name=plan.secret.name,
            verdict=_first_failure(inner, runs) if inner else None,
            score=total,
            children=children,
        )
    tree = (results[0], secret) if plan.sample else (secret,)
    root = GroupResult(name="", verdict=verdict, score=total, children=tree)
    return Aggregate(verdict=verdict, score=total, reason=reason, groups=root, runs=kept)


def _walk(
    plan: ScoredPlan, runs: Mapping[str, Run], scores: dict[str, Fraction], counted: list[str]
) -> list[GroupResult]:
    """Return the result of every unit; notes case scores and which cases count."""
    if not plan.secret.all_cases and not plan.groups:
        raise _BrokenError("there are no secret test cases")
    results: list[GroupResult] = []
    passed: dict[str, bool | None] = {}
    zero = False
    for unit in _units(plan):
        in_secret = unit.name != "sample"
        left_out = any(passed.get(name) is False for name in _requirements(plan, unit))
        settled = in_secret and zero and plan.secret.aggregation is not Aggregation.SUM
        present = [] if left_out else [case for case in unit.all_cases if case in runs]
        if not left_out and not settled:
            _check_complete(unit, runs)
        passed[unit.name] = False if left_out else _passes(unit, runs)
        if not present and unit.all_cases:
            skipped = GroupResult(name=unit.name, verdict=None, score=Fraction(0))
            results.append(skipped)
            zero = True
            continue
        _check_judged(present, runs)
        score = _unit_score(unit, present, runs, scores) if in_secret else None
        verdict = _first_failure(present, runs)
        result = GroupResult(name=unit.name, verdict=verdict, score=score, cases=tuple(present))
        results.append(result)
        counted += present
        stops = unit.aggregation is not Aggregation.SUM
        zero = zero or (in_secret and stops and passed[unit.name] is False)
    return results


def _check_complete(unit: ScoredGroup, runs: Mapping[str, Run]) -> None:
    """Refuse a unit with a missing case, unless after a failure that made its score zero."""
    for case in unit.all_cases:
        if case not in runs:
            raise _BrokenError(f"{case}: was not judged")
        failed = runs[case].verdict is not Verdict.AC
        if failed and unit.aggregation is not Aggregation.SUM:
            return


def _check_judged(cases: Sequence[str], runs: Mapping[str, Run]) -> None:
    for case in cases:
        if runs[case].verdict is Verdict.JE:
            raise _BrokenError(f"{case}: {runs[case].reason}")


def _first_failure(cases: Sequence[str], runs: Mapping[str, Run]) -> Verdict:
    verdicts = (runs[case].verdict for case in cases)
    return next((each for each in verdicts if each is not Verdict.AC), Verdict.AC)


def _unit_score(
    unit: ScoredGroup, cases: Sequence[str], runs: Mapping[str, Run], scores: dict[str, Fraction]
) -> Fraction:
    """Return the score of a unit from the scores of its cases."""
    if unit.aggregation is Aggregation.PASS_FAIL:
        for case in cases:
            if _wrote(runs[case]) is not None:
                raise _BrokenError(f"{case}: {_wrote(runs[case])} in a pass-fail group")
        if unit.max_score is None:
            raise _BrokenError(f"{unit.name}: pass-fail needs a bounded max_score")
        return unit.max_score if _passes(unit, runs) else Fraction(0)
    for case in cases:
        scores[case] = _case_score(unit, runs[case])
    own = [scores[case] for case in cases]
    whole = sum(own, Fraction(0)) if unit.aggregation is Aggregation.SUM else min(own)
    _check_maximum(unit, whole)
    return whole


def _case_score(unit: ScoredGroup, run: Run) -> Fraction:
    wrote = _wrote(run)
    if run.verdict is not Verdict.AC:
        if wrote is not None:
            raise _BrokenError(f"{run.case}: {wrote} though the case is not accepted")
        return Fraction(0)
    if run.custom_score is not None and run.custom_multiplier is not None:
        raise _BrokenError(f"{run.case}: both score.txt and score_multiplier.txt")
    maximum = _case_maximum(unit, run.case)
    if maximum is None:
        if run.custom_score is None:
            raise _BrokenError(f"{run.case}: no score.txt though the maximum is unbounded")
        return run.custom_score
    if run.custom_multiplier is not None:
        return maximum * run.custom_multiplier
    if run.custom_score is None:
        return maximum
    if run.custom_score > maximum:
        raise _BrokenError(
            f"{run.case}: score {score_number(run.custom_score)} exceeds {score_number(maximum)}"
        )
    return run.custom_score


def _case_maximum(unit: ScoredGroup, case: str) -> Fraction | None:
    if case == unit.static_case:
        return unit.static_score
    if unit.max_score is None or unit.aggregation is Aggregation.MIN:
        return unit.max_score
    return (unit.max_score - (unit.static_score or 0)) / len(unit.cases)


def _wrote(run: Run) -> str | None:
    if run.custom_score is not None:
        return "score.txt"
    return None if run.custom_multiplier is None else "score_multiplier.txt"


def _secret_score(plan: ScoredPlan, results: Sequence[GroupResult]) -> Fraction:
    """Return the score of `secret`, which is the submission's."""
    parts = [each.score or Fraction(0) for each in results[1:]]
    if not plan.groups:
        return parts[0]
    match plan.secret.aggregation:
        case Aggregation.SUM:
            whole = sum(parts, Fraction(0))
        case Aggregation.MIN:
            whole = min(parts)
        case Aggregation.PASS_FAIL:
            if plan.secret.max_score is None:
                raise _BrokenError("secret: pass-fail needs a bounded max_score")
            passes = all(each.verdict is Verdict.AC for each in results[1:])
            whole = plan.secret.max_score if passes else Fraction(0)
    _check_maximum(plan.secret, whole)
    return whole


def _check_maximum(unit: ScoredGroup, score: Fraction) -> None:
    if unit.max_score is not None and score > unit.max_score:
        shown = f"{score_number(score)} exceeds max_score {score_number(unit.max_score)}"
        raise _BrokenError(f"{unit.name}: score {shown}")
