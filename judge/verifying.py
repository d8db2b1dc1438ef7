"""Does a package keep its promises? Its inputs pass its validators, its submissions their labels.

`check_data` runs the input validators, `time_limit_ms` computes a limit the package leaves open,
`check_submission` judges one jury submission and compares it with what the jury expects of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from judge import limits
from judge.agreement import disagreement
from judge.errors import PackageError, SourceError, ToolMissingError
from judge.judging import Judge, Options
from judge.languages import UnsupportedLanguageError, detect, find
from judge.problem.limiting import ComputedTimeLimit, compute_time_limit
from judge.problem.model import Problem, TestCase
from judge.problem.programs import ExampleSubmission, ProgramSource
from judge.results import Judgement, score_number
from judge.sandbox.base import Cause, File
from judge.submission import Submission
from judge.validating import build, seated, validate_input
from judge.verdicts import Verdict

_PROVISIONAL_CPU_MS = 60_000
_ACCEPT = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One jury submission against its label. `judgement` None: its language is not offered."""

    package: str
    submission: str
    language: str
    expected: tuple[Verdict, ...]
    ok: bool
    reason: str = ""
    judgement: Judgement | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the line `codebattle verify --json` prints."""
        found = self.judgement
        score = found.score if found is not None else None
        return {
            "package": self.package,
            "submission": self.submission,
            "language": self.language,
            "expected": [verdict.value for verdict in self.expected],
            "verdict": found.verdict.value if found is not None else None,
            "ok": self.ok,
            "score": score_number(score) if isinstance(score, Fraction) else None,
            "cpu_ms": found.cpu_ms if found is not None else 0,
            "wall_ms": found.wall_ms if found is not None else 0,
            "memory_bytes": found.memory_bytes if found is not None else 0,
            "reason": self.reason,
        }


async def check_data(judge: Judge, problem: Problem) -> list[str]:
    """Run every input validator on all inputs; return what is wrong, one line each."""
    faults: list[str] = []
    runnable = [source for source in problem.input_validators if source.runnable]
    if not runnable:
        return faults
    async with judge.lease() as slot:
        for source in runnable:
            try:
                validator = await build(slot, problem, source, judge.cache)
            except PackageError as error:
                faults.append(str(error))
                continue
            sandbox = await seated(slot, validator)
            beside = _beside(problem, source)
            for case in _unique(problem.cases()):
                outcome = await validate_input(sandbox, validator, problem.limits, case, beside)
                if outcome.cause is not Cause.EXITED or outcome.exit_code != _ACCEPT:
                    detail = outcome.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
                    faults.append(
                        f"data/{case.name}.in: rejected by {source.location} "
                        f"({_ended(outcome.exit_code, outcome.cause)}) {detail}".rstrip()
                    )
    faults.extend(await _check_invalid(judge, problem))
    return faults


async def _check_invalid(judge: Judge, problem: Problem) -> list[str]:
    """Every invalid input must be rejected by at least one validator."""
    faults: list[str] = []
    runnable = [source for source in problem.input_validators if source.runnable]
    if not problem.invalid_input or len(runnable) < len(problem.input_validators):
        return faults
    async with judge.lease() as slot:
        rejected: set[str] = set()
        for source in runnable:
            try:
                validator = await build(slot, problem, source, judge.cache)
            except PackageError:
                return faults
            sandbox = await seated(slot, validator)
            beside = _beside(problem, source)
            for case in problem.invalid_input:
                outcome = await validate_input(sandbox, validator, problem.limits, case, beside)
                if outcome.cause is not Cause.EXITED or outcome.exit_code != _ACCEPT:
                    rejected.add(case.name)
    faults.extend(
        f"data/{case.name}.in: no input validator rejects it"
        for case in problem.invalid_input
        if case.name not in rejected
    )
    return faults


def _beside(problem: Problem, source: ProgramSource) -> tuple[File, ...]:
    """Return the files an input validator finds beside it: those of its own directory."""
    contents = problem.sources(source)
    return tuple(
        File(path=file.name, data=contents[file.name], executable=file.executable)
        for file in source.files
    )


def _unique(cases: Sequence[TestCase]) -> Iterator[TestCase]:
    seen = set()
    for case in cases:
        files = tuple((file.name, file.path.resolve()) for file in case.files)
        key = (case.input.resolve(), repr(case.input_validator_args), case.args, files)
        if key not in seen:
            seen.add(key)
            yield case


def _ended(exit_code: int | None, cause: Cause) -> str:
    return f"exit code {exit_code}" if cause is Cause.EXITED else cause.value


async def time_limit_ms(judge: Judge, problem: Problem) -> int:
    """Return the package's time limit, computed from its jury submissions if it gives none.

    The accepted ones bound it from below; of the slow ones only those matter that would fit in.
    """
    return (await time_limit(judge, problem)).time_limit_ms


async def time_limit(judge: Judge, problem: Problem) -> ComputedTimeLimit:
    """Return the same, with a note on what it does not keep."""
    if problem.limits.time_limit_ms is not None:
        return ComputedTimeLimit(time_limit_ms=problem.limits.time_limit_ms)
    quick: list[int] = []
    for example in problem.submissions:
        if example.expectation.lower_bound:
            quick += await _time_taken(judge, problem, example, _PROVISIONAL_CPU_MS)
    if not quick:
        return compute_time_limit(problem, (), ())
    cpu_ms = compute_time_limit(problem, quick, ()).time_limit_ms
    slow: list[int] = []
    for example in problem.submissions:
        if example.expectation.upper_bound:
            slow += await _time_taken(judge, problem, example, cpu_ms)
    return compute_time_limit(problem, quick, slow)


async def _time_taken(
    judge: Judge, problem: Problem, example: ExampleSubmission, cpu_ms: int
) -> list[int]:
    """Return the time of the slowest case if the submission ends as expected within a limit."""
    options = Options(cpu_ms=cpu_ms, repeat_near_limit=False, code_bytes=_code_bytes(problem))
    # Limits of packages assume a quick Python.
    for language in _languages(problem, example, quick=True):
        try:
            judgement = await judge.judge(
                problem, _submission(problem, example, language), options=options
            )
        except (SourceError, ToolMissingError):
            continue
        if judgement.verdict is Verdict.AC or _ended_as_expected(example, judgement):
            return [judgement.cpu_ms]
    return []


def _ended_as_expected(example: ExampleSubmission, judgement: Judgement) -> bool:
    """Tell whether it ran to an end that is neither too slow nor our failure (2025-09)."""
    if judgement.verdict.big5 not in {Verdict.WA, Verdict.RTE}:
        return False
    return bool(example.expectation.verdicts) and example.expectation.allows(judgement.verdict)


def _code_bytes(problem: Problem) -> int | None:
    """Return what replaces the code limit: our default is not the jury's."""
    return None if "code" in problem.limits.stated else limits.SOURCE_BYTES_MAX


def _languages(problem: Problem, example: ExampleSubmission, *, quick: bool) -> list[str]:
    """Return the languages to try, best first; Python is tried as CPython and as PyPy."""
    try:
        language = _language(problem, example)
    except SourceError:
        return []
    if language == "python3" and example.language is None:
        return ["pypy3", "python3"] if quick else ["python3", "pypy3"]
    return [language]


def _language(problem: Problem, example: ExampleSubmission) -> str:
    if example.language is not None:
        stated = find(example.language)
        if stated is None:
            raise UnsupportedLanguageError(example.language, example.language)
        return stated.id
    return detect(problem.sources(example)).id


def _submission(problem: Problem, example: ExampleSubmission, language: str) -> Submission:
    return Submission(
        files=problem.sources(example), language=language, entry_point=example.entry_point
    )


async def check_submission(
    judge: Judge, problem: Problem, example: ExampleSubmission, *, options: Options
) -> Checked:
    """Judge one jury submission and compare with its label.

    A Python submission that does not name its interpreter may hold its label on either.
    """
    try:
        languages = ["none"] if problem.submit_answer else [_language(problem, example)]
    except UnsupportedLanguageError as error:
        return _checked(problem, example, error.language, ok=True, reason=f"skipped: {error}")
    except SourceError as error:
        return _checked(problem, example, "unknown", ok=True, reason=f"skipped: {error}")
    if languages == ["python3"]:
        languages = _languages(problem, example, quick=False)
    first: Checked | None = None
    for language in languages:
        try:
            checked = await _check_in(judge, problem, example, language, options)
        except ToolMissingError as error:
            checked = _checked(problem, example, language, ok=True, reason=f"skipped: {error}")
            return first or checked
        if checked.ok:
            return checked
        first = first or checked
    assert first is not None
    return first


async def _check_in(
    judge: Judge, problem: Problem, example: ExampleSubmission, language: str, options: Options
) -> Checked:
    if any(rule.where or rule.message for rule in example.expectation.rules):
        # Rules about single cases, and messages of any case, need every case.
        options = replace(options, full=True)
    options = replace(options, code_bytes=_code_bytes(problem))
    try:
        judgement = await judge.judge(
            problem, _submission(problem, example, language), options=options
        )
    except SourceError as error:
        ok = example.expectation.allows(Verdict.CE)
        return _checked(problem, example, language, ok=ok, reason=str(error))
    if judgement.verdict is Verdict.JE:
        return _checked(
            problem, example, language, ok=False, reason=judgement.reason, judgement=judgement
        )
    fault = disagreement(problem, example.expectation, judgement)
    return _checked(
        problem,
        example,
        language,
        ok=not fault,
        reason=fault or judgement.reason,
        judgement=judgement,
    )


def _checked(
    problem: Problem,
    example: ExampleSubmission,
    language: str,
    *,
    ok: bool,
    reason: str,
    judgement: Judgement | None = None,
) -> Checked:
    return Checked(
        package=problem.name,
        submission=example.name,
        language=language,
        expected=example.expectation.verdicts or (),
        ok=ok,
        reason=reason,
        judgement=judgement,
    )
