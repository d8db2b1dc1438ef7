"""Legacy scoring: a tree of groups, each graded by the default grader or by a custom one.

`accept_score` and `reject_score` are scores of test cases, which a validator's score replaces
when the case is accepted. The score of a rejected group still counts in its parent, as in the
reference implementation; only the submission's own is dropped
(docs/decisions/0004-legacy-group-scores.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from judge.aggregation.rules import (
    Aggregate,
    GraderCall,
    LegacyGroup,
    LegacyPlan,
    ScoreMode,
    VerdictMode,
)
from judge.results import GroupResult, Run, parse_score, score_number
from judge.verdicts import Verdict

_WORST_FIRST = (
    Verdict.JE,
    Verdict.RTE,
    Verdict.SV,
    Verdict.MLE,
    Verdict.TLE,
    Verdict.OLE,
    Verdict.WA,
)
_ANSWERS = {
    verdict.value: verdict
    for verdict in (
        Verdict.AC,
        Verdict.WA,
        Verdict.TLE,
        Verdict.RTE,
        Verdict.MLE,
        Verdict.OLE,
        Verdict.JE,
    )
}
# The reference grader's older name of the mode.
_VERDICT_MODES = {mode.value: mode for mode in VerdictMode} | {"no_errors": VerdictMode.WORST_ERROR}
_SCORE_MODES = {mode.value: mode for mode in ScoreMode}


@dataclass(frozen=True, slots=True, kw_only=True)
class GraderModes:
    """The default grader's arguments; of modes that conflict the last one holds."""

    verdict: VerdictMode = VerdictMode.WORST_ERROR
    score: ScoreMode = ScoreMode.SUM
    ignore_sample: bool = False
    any_accepted: bool = False


def parse_modes(group: LegacyGroup) -> GraderModes:
    """Read a group's flags for the default grader; private flags of authors mean nothing to it.

    `ignore_sample` belongs to the root and is not meant for those that inherit it.
    """
    flags = group.grader_flags
    modes = GraderModes(
        ignore_sample="ignore_sample" in flags and not group.name,
        any_accepted="accept_if_any_accepted" in flags,
    )
    for flag in flags:
        if flag in _VERDICT_MODES:
            modes = replace(modes, verdict=_VERDICT_MODES[flag])
        if flag in _SCORE_MODES:
            modes = replace(modes, score=_SCORE_MODES[flag])
    return modes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A sub-result as a grader sees it."""

    verdict: Verdict
    score: Fraction
    reason: str = ""


@dataclass(slots=True)
class _Notes:
    """What is gathered on the way through the tree."""

    runs: dict[str, Run] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    calls: list[GraderCall] = field(default_factory=list)


def case_score(group: LegacyGroup, run: Run) -> Fraction:
    """Return what a case counts in its group."""
    if run.verdict is not Verdict.AC:
        return group.reject_score
    return group.accept_score if run.custom_score is None else run.custom_score


def settled(group: LegacyGroup, modes: GraderModes, parts: Sequence[_Part]) -> bool:
    """Tell whether no later case of a group can change its result (judge errors aside).

    Without custom scores a minimum cannot sink below what a rejected case counts.
    """
    plain = not (group.custom_grading or group.custom_scores)
    rejections = sum(part.verdict is not Verdict.AC for part in parts)
    if not plain or not rejections or modes.score is not ScoreMode.MIN:
        return False
    if group.reject_score > group.accept_score:
        return False
    if modes.verdict is VerdictMode.ALWAYS_ACCEPT:
        return True
    if modes.any_accepted:
        return rejections < len(parts)
    return modes.verdict is VerdictMode.FIRST_ERROR


def schedule(plan: LegacyPlan, runs: Mapping[str, Run], *, full: bool) -> Iterator[str]:
    """Yield the cases to judge; without `full` only those that can still count."""
    if full:
        yield from (case for case in plan.cases if case not in runs)
        return
    yield from _schedule(plan.root, runs)


def _schedule(group: LegacyGroup, runs: Mapping[str, Run]) -> Iterator[str]:
    modes = parse_modes(group)
    flat = all(isinstance(item, str) for item in group.items)
    parts: list[_Part] = []
    for item in group.items:
        if isinstance(item, str):
            if item not in runs:
                yield item
            part = _case_part(group, runs[item]) if item in runs else None
        else:
            yield from _schedule(item, runs)
            part = _known_part(item, runs)
        if part is None:
            continue
        parts.append(part)
        if group.stop_on_reject and part.verdict is not Verdict.AC:
            return
        if flat and settled(group, modes, parts):
            return


def _known_part(group: LegacyGroup, runs: Mapping[str, Run]) -> _Part | None:
    """Return the group's result if its runs decide it without a custom grader."""
    notes = _Notes()
    _, part = _grade(group, runs, {}, notes)
    return None if notes.calls or part is None or part.verdict is Verdict.JE else part


def aggregate(
    plan: LegacyPlan, runs: Mapping[str, Run], answers: Mapping[str, str | None]
) -> Aggregate:
    """Grade the tree. `answers` maps groups to their graders' output, None for one that failed."""
    notes = _Notes()
    result, part = _grade(plan.root, runs, answers, notes)
    kept = tuple(notes.runs.get(case, runs[case]) for case in plan.cases if case in runs)
    if part is None:
        part = _Part(verdict=Verdict.JE, score=Fraction(0), reason="there are no test cases")
    score: Fraction | None = part.score
    if part.verdict is not Verdict.AC and not plan.keeps_score:
        # Nothing at all, unless zero is a result no accepted submission is worse than.
        floor = plan.root.range_min
        worst = plan.maximise and (floor is None or floor >= 0)
        score = Fraction(0) if worst and part.verdict is not Verdict.JE else None
    return Aggregate(
        verdict=part.verdict,
        score=score,
        reason=part.reason,
        groups=result,
        runs=kept,
        warnings=tuple(notes.warnings),
        grader_calls=tuple(notes.calls),
    )


def _case_part(group: LegacyGroup, run: Run) -> _Part:
    reason = f"{run.case}: {run.reason}" if run.reason else run.case
    return _Part(verdict=run.verdict, score=case_score(group, run), reason=reason)


def _grade(
    group: LegacyGroup,
    runs: Mapping[str, Run],
    answers: Mapping[str, str | None],
    notes: _Notes,
) -> tuple[GroupResult | None, _Part | None]:
    """Return a group's result, twice: to show and to grade; None for a group without cases."""
    modes = parse_modes(group)
    flat = all(isinstance(item, str) for item in group.items)
    parts: list[_Part] = []
    cases: list[str] = []
    children: list[GroupResult] = []
    missing = ""
    for item in group.items:
        part: _Part | None
        if isinstance(item, str):
            run = runs.get(item)
            if run is None:
                missing = item
                break
            part = _case_part(group, run)
            cases.append(item)
            notes.runs[item] = replace(run, score=part.score)
        else:
            child, part = _grade(item, runs, answers, notes)
            if child is None or part is None:
                continue
            children.append(child)
        parts.append(part)
        if group.stop_on_reject and part.verdict is not Verdict.AC:
            break
        if flat and settled(group, modes, parts):
            break
    if not parts and not missing:
        return None, None
    whole = _whole(group, modes, parts, missing, answers, notes)
    shown = GroupResult(
        name=group.name,
        verdict=whole.verdict,
        score=whole.score,
        cases=tuple(cases),
        children=tuple(children),
    )
    return shown, whole


def _whole(
    group: LegacyGroup,
    modes: GraderModes,
    parts: Sequence[_Part],
    missing: str,
    answers: Mapping[str, str | None],
    notes: _Notes,
) -> _Part:
    """Grade the parts of one group."""
    broken = next((part for part in parts if part.verdict is Verdict.JE), None)
    if broken is not None:
        return _Part(verdict=Verdict.JE, score=Fraction(0), reason=broken.reason)
    if missing:
        return _judge_error(f"{missing}: was not judged")
    whole = (
        _custom(group, parts, answers, notes) if group.custom_grading else _default(modes, parts)
    )
    if whole.verdict is Verdict.AC and not _in_range(group, whole.score):
        shown = score_number(whole.score)
        name = group.name or "data"
        notes.warnings.append(f"{name}: score {shown} is outside of the group's range")
    return whole


def _default(modes: GraderModes, parts: Sequence[_Part]) -> _Part:
    """Be the default grader."""
    if modes.ignore_sample:
        parts = parts[-1:]
    scores = [part.score for part in parts]
    match modes.score:
        case ScoreMode.SUM:
            score = sum(scores, Fraction(0))
        case ScoreMode.AVG:
            score = sum(scores, Fraction(0)) / len(scores)
        case ScoreMode.MIN:
            score = min(scores)
        case ScoreMode.MAX:
            score = max(scores)
    errors = [part for part in parts if part.verdict is not Verdict.AC]
    saved = modes.any_accepted and len(errors) < len(parts)
    if not errors or saved or modes.verdict is VerdictMode.ALWAYS_ACCEPT:
        return _Part(verdict=Verdict.AC, score=score)
    first = errors[0]
    if modes.verdict is VerdictMode.WORST_ERROR:
        first = min(errors, key=lambda part: _WORST_FIRST.index(part.verdict))
    return _Part(verdict=first.verdict, score=score, reason=first.reason)


def _custom(
    group: LegacyGroup, parts: Sequence[_Part], answers: Mapping[str, str | None], notes: _Notes
) -> _Part:
    """Use a custom grader's answer, or ask for it."""
    if group.name not in answers:
        text = "".join(f"{_code(part.verdict)} {_plain(part.score)}\n" for part in parts)
        notes.calls.append(GraderCall(group=group.name, flags=group.grader_flags, text=text))
        return _judge_error(f"{group.name or 'data'}: the grader has not been run")
    answer = answers[group.name]
    if answer is None:
        return _judge_error(f"{group.name or 'data'}: the grader failed")
    whole = parse_answer(answer)
    if whole is None:
        return _judge_error(f"{group.name or 'data'}: the grader did not print one result")
    verdict, score = whole
    if verdict is Verdict.AC:
        return _Part(verdict=verdict, score=score)
    like = (part.reason for part in parts if part.verdict is verdict)
    return _Part(verdict=verdict, score=score, reason=next(like, "the grader rejected"))


def parse_answer(answer: str) -> tuple[Verdict, Fraction] | None:
    """Read a grader's standard output: a verdict and a score, nothing else."""
    words = answer.split()
    if len(words) != 2 or words[0] not in _ANSWERS:
        return None
    score = parse_score(words[1])
    return None if score is None else (_ANSWERS[words[0]], score)


def _judge_error(reason: str) -> _Part:
    return _Part(verdict=Verdict.JE, score=Fraction(0), reason=reason)


def _in_range(group: LegacyGroup, score: Fraction) -> bool:
    low, high = group.range_min, group.range_max
    return (low is None or score >= low) and (high is None or score <= high)


def _code(verdict: Verdict) -> str:
    """Return the code a grader knows: security violations are crashes to it."""
    return Verdict.RTE.value if verdict is Verdict.SV else verdict.value


def _plain(score: Fraction) -> str:
    """Write a score without an exponent where that is exact enough."""
    number = score_number(score)
    return str(number) if isinstance(number, int) else f"{number:.10g}"
