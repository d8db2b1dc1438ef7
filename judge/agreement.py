"""Whether a judgement agrees with what the jury expects of a submission."""

from collections.abc import Iterator

from judge.problem.globs import matches
from judge.problem.model import Problem
from judge.problem.programs import CaseRule, Expectation
from judge.results import GroupResult, Judgement, Run, score_number
from judge.verdicts import Verdict


def disagreement(problem: Problem, expected: Expectation, judgement: Judgement) -> str:
    """Return the first way in which they differ, or "" when the label holds."""
    return next(_disagreements(problem, expected, judgement), "")


def _disagreements(problem: Problem, expected: Expectation, judgement: Judgement) -> Iterator[str]:
    verdict = judgement.verdict.big5
    if expected.verdicts is not None and verdict not in expected.verdicts:
        yield f"verdict {judgement.verdict}: {judgement.reason}".rstrip(": ")
    yield from _score(problem, expected, judgement)
    if expected.grades:
        yield from _grades(expected, judgement)
    for rule in expected.rules:
        yield from _rule(rule, judgement)


def _score(problem: Problem, expected: Expectation, judgement: Judgement) -> Iterator[str]:
    if expected.score is None or not problem.scoring:
        return
    if judgement.score is None or not expected.score.holds(judgement.score):
        low, high = score_number(expected.score.low), score_number(expected.score.high)
        wanted = f"{low}" if low == high else f"{low} to {high}"
        found = None if judgement.score is None else score_number(judgement.score)
        yield f"score {found}, expected {wanted}"


def _grades(expected: Expectation, judgement: Judgement) -> Iterator[str]:
    secret = _find(judgement.groups, "secret")
    found = [child.verdict for child in secret.children] if secret is not None else []
    coarse = [verdict.big5 if verdict is not None else None for verdict in found]
    # A legacy group after the one that stopped judging has no verdict to compare.
    wrong = [
        f"group {index}: {was}, expected {wanted}"
        for index, (was, wanted) in enumerate(zip(coarse, expected.grades, strict=False), start=1)
        if was is not None and was is not wanted
    ]
    yield from wrong[:1]


def _rule(rule: CaseRule, judgement: Judgement) -> Iterator[str]:
    runs = [run for run in judgement.runs if not rule.where or _inside(rule.where, run.case)]
    if judgement.verdict is Verdict.CE:
        verdicts = [Verdict.CE]
    else:
        verdicts = [run.verdict.big5 for run in runs]
    if rule.permitted is not None:
        for run in runs:
            if run.verdict.big5 not in rule.permitted:
                yield f"{run.case}: {run.verdict}, permitted {_names(rule.permitted)}"
    if rule.required is not None and verdicts and not rule.required & set(verdicts):
        yield f"no case {_names(rule.required)}, which {rule.pattern} requires"
    if rule.message and not any(_says(run, rule.message) for run in runs):
        yield f"no message contains '{rule.message}'"
    if rule.score is not None and rule.where:
        for group in _groups(judgement.groups):
            wanted = matches(rule.where.strip("/"), group.name)
            if wanted and (group.score is None or not rule.score.holds(group.score)):
                yield f"{group.name}: score {group.score}, expected {rule.score}"


def _inside(pattern: str, case: str) -> bool:
    """Tell whether a case, or a group it is in, matches."""
    parts = case.split("/")
    return any(
        matches(pattern.strip("/"), "/".join(parts[:count])) for count in range(1, len(parts) + 1)
    )


def _says(run: Run, message: str) -> bool:
    wanted = message.casefold()
    return wanted in run.judge_message.casefold() or wanted in run.team_message.casefold()


def _names(verdicts: frozenset[Verdict]) -> str:
    return "|".join(sorted(verdicts))


def _groups(group: GroupResult | None) -> Iterator[GroupResult]:
    if group is not None:
        yield group
        for child in group.children:
            yield from _groups(child)


def _find(group: GroupResult | None, name: str) -> GroupResult | None:
    return next((each for each in _groups(group) if each.name == name), None)
