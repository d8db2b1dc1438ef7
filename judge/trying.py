"""Trying a submission out: compiled and run as in a judging, and nothing is concluded of the whole.

A trial runs the problem's samples, which get verdicts, or inputs somebody made up, of which it
tells how they ended. It keeps what the program printed, up to a bound, and never looks at secret
cases. A sample that the package does not show as it is, is marked: what a program prints about
such an input, or how it differs from such an answer, may not be shown either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from judge import limits
from judge.casework import CaseWork
from judge.compiling import Program, compile_submission
from judge.errors import PackageError, SandboxLostError, UsageError
from judge.judging import Judge, Options, limits_used
from judge.languages import get
from judge.problem.model import Problem, TestCase
from judge.results import Difference, LimitsUsed
from judge.running import CaseInput, conclude, own_files, run_command
from judge.sandbox.base import Outcome, Slot
from judge.spool import Spool
from judge.submission import Submission
from judge.validating import Validator, build
from judge.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """The beginning of what a program printed; `size` is how many bytes there were."""

    data: bytes
    size: int

    @property
    def cut(self) -> bool:
        """Tell whether there was more than is kept."""
        return self.size > len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRun:
    """One run of a trial.

    `verdict` is None for an own input that ran to its end. `stdout` is None where the output went
    to a validator at once, both streams are None where no program was run. `input_shown` and
    `answer_shown` say whether people may see what the run was given and compared with.
    """

    name: str
    sample: bool
    verdict: Verdict | None
    reason: str = ""
    cpu_us: int = 0
    wall_us: int = 0
    memory_bytes: int = 0
    exit_code: int | None = None
    signal: int | None = None
    stdout: Captured | None = None
    stderr: Captured | None = None
    team_message: str = ""
    difference: Difference | None = None
    input_shown: bool = True
    answer_shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of a trial; not `compiled` means no runs, and the log says why.

    `total` runs were wanted; there are fewer when one ran out of time, which ends a trial.
    """

    compiled: bool
    total: int
    reason: str = ""
    compile_log: str = ""
    runs: tuple[TrialRun, ...] = ()


Progress = Callable[[int, int], None]


def _ignore(_done: int, _total: int) -> None:
    pass


async def attempt(
    judge: Judge,
    problem: Problem,
    submission: Submission,
    *,
    inputs: Sequence[bytes] | None = None,
    options: Options | None = None,
    progress: Progress = _ignore,
) -> Trial:
    """Run a submission on inputs, or on the first samples when none are given.

    Raises `SourceError` and `UsageError` for what cannot be tried as given, `PackageError` for a
    broken package, `EngineError` and `SandboxError` for failures of ours.
    """
    options = options or Options()
    submission.validate(source_bytes_max=options.code_bytes or problem.limits.code_bytes)
    if inputs is not None and (problem.interactive or problem.submit_answer):
        raise UsageError(f"{problem.name}: takes no inputs of one's own")
    bounds = limits_used(problem, options)
    async with judge.lease() as slot:
        trying = _Trying(judge, slot, problem, submission, bounds)
        return await trying.run(inputs, progress)


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What the program itself did in a run, and what it printed."""

    outcome: Outcome | None = None
    stdout: Captured | None = None

    def __call__(self, outcome: Outcome, output: Spool | None) -> None:
        self.outcome = outcome
        self.stdout = _printed(output) if output is not None else None


class _Trying:
    """One trial on one slot."""

    def __init__(
        self,
        judge: Judge,
        slot: Slot,
        problem: Problem,
        submission: Submission,
        bounds: LimitsUsed,
    ) -> None:
        self.judge = judge
        self.slot = slot
        self.problem = problem
        self.submission = submission
        self.bounds = bounds

    async def run(self, inputs: Sequence[bytes] | None, progress: Progress) -> Trial:
        samples = _samples(self.problem) if inputs is None else []
        total = len(samples) if inputs is None else len(inputs)
        progress(0, total)
        validators = []
        if samples:
            validators = [
                await build(self.slot, self.problem, source, self.judge.cache)
                for source in self.problem.output_validators
            ]
        program, log = None, ""
        if not self.problem.submit_answer:
            language = get(self.submission.language)
            sandbox = await self.slot.sandbox(language.image)
            compilation = await compile_submission(
                sandbox, language, self.problem, self.submission, cache=self.judge.cache
            )
            program, log = compilation.program, compilation.log
            if program is None:
                return Trial(
                    compiled=False, total=total, reason=compilation.reason, compile_log=log
                )
        runs: list[TrialRun] = []
        for number in range(total):
            if inputs is None:
                runs.append(await self._sample(samples[number], program, validators))
            else:
                assert program is not None
                runs.append(await self._own(f"input/{number + 1}", inputs[number], program))
            progress(len(runs), total)
            # Somebody else waits for the slot, and the rest would hardly be quicker.
            if runs[-1].verdict is Verdict.TLE:
                break
        return Trial(compiled=True, total=total, compile_log=log, runs=tuple(runs))

    async def _sample(
        self, case: TestCase, program: Program | None, validators: Sequence[Validator]
    ) -> TrialRun:
        # Anew for each: samples that are one file would share their run.
        work = CaseWork(
            self.slot, self.problem, self.bounds, self.submission, program, validators, None
        )
        work.watch = seen = _Seen()
        await work.begin()
        run = await work.run(case)
        if run.verdict is Verdict.JE:
            outcome = f"data/{case.name}: {run.reason}"
            raise SandboxLostError(outcome) if _cancelled(run.reason) else PackageError(outcome)
        input_shown, answer_shown = _shown(self.problem, case)
        return TrialRun(
            name=case.name,
            sample=True,
            verdict=run.verdict,
            reason=_reason(program, seen.outcome, run.verdict),
            cpu_us=run.cpu_us,
            wall_us=run.wall_us,
            memory_bytes=run.memory_bytes,
            exit_code=run.exit_code,
            signal=run.signal,
            stdout=seen.stdout,
            stderr=_complained(seen.outcome) if seen.outcome is not None else None,
            team_message=run.team_message,
            difference=run.difference,
            input_shown=input_shown,
            answer_shown=answer_shown,
        )

    async def _own(self, name: str, given: bytes, program: Program) -> TrialRun:
        sandbox = await self.slot.sandbox(program.image)
        command = run_command(
            program, CaseInput(stdin=given), self.bounds, own_files=own_files(program)
        )
        with Spool() as output:
            outcome = await sandbox.run(command, output)
            stdout = _printed(output)
        found = conclude(program, outcome)
        if found.verdict is Verdict.JE:
            raise SandboxLostError(f"{name}: {found.reason}")
        return TrialRun(
            name=name,
            sample=False,
            verdict=found.verdict,
            reason=found.reason,
            cpu_us=outcome.cpu_us,
            wall_us=outcome.wall_us,
            memory_bytes=outcome.memory_bytes,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            stdout=stdout,
            stderr=_complained(outcome),
        )


def _samples(problem: Problem) -> list[TestCase]:
    return [case for case in problem.cases() if case.sample][: limits.TRIAL_SAMPLES_MAX]


def _shown(problem: Problem, case: TestCase) -> tuple[bool, bool]:
    """Tell whether people get a sample's own input, and its own answer, to see or to download."""
    view = next((each for each in problem.samples if each.case == case.name), None)
    if view is None:
        return False, False
    return (
        case.input in (view.input, view.download_input),
        case.answer is None or case.answer in (view.answer, view.download_answer),
    )


def _reason(program: Program | None, outcome: Outcome | None, verdict: Verdict) -> str:
    """Return what the process itself came to; a validator's reasons may tell of the answer."""
    if program is None or outcome is None:
        return ""
    found = conclude(program, outcome)
    return found.reason if found.verdict is verdict else ""


def _cancelled(reason: str) -> bool:
    return reason == "the run was cancelled"


def _printed(output: Spool) -> Captured:
    return Captured(data=output.head(limits.TRIAL_STDOUT_BYTES_MAX), size=output.size)


def _complained(outcome: Outcome) -> Captured:
    kept = outcome.stderr[: limits.TRIAL_STDERR_BYTES_MAX]
    return Captured(data=kept, size=max(outcome.stderr_bytes, len(outcome.stderr)))
