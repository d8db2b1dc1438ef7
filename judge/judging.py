"""The whole of judging one submission. Start reading here.

    lease a slot → build the package's programs → compile → for each case that can still matter:
    run, validate → aggregate → judgement

Three kinds of failure stay apart: the player's is a verdict, a broken package raises
`PackageError`, and ours (`SandboxError`) is tried again elsewhere before it becomes a judge error.
"""

import asyncio
import hashlib
import platform
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from judge import limits
from judge.aggregation import Aggregate, Plan, aggregate, plan_of, schedule
from judge.artefacts import ArtefactCache
from judge.casework import CaseWork
from judge.compiling import Compilation, compile_submission, version_command
from judge.errors import PackageError, SandboxError, UsageError
from judge.languages import Language, get
from judge.problem.model import Problem, TestCase
from judge.results import Judgement, LimitsUsed, Run, maxima
from judge.sandbox.base import Sandbox, Slot
from judge.spool import Spool
from judge.submission import Submission
from judge.validating import Validator, build, grade, seated
from judge.verdicts import Verdict


class Leases(Protocol):
    """Where slots come from; `judge.sandbox.pool.Pool` is one."""

    def lease(self) -> AbstractAsyncContextManager[Slot]:
        """Return a context that holds one slot, clean at its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What happens during a judging: `stage` is compiling, running or done."""

    stage: str
    case: str = ""
    index: int = 0
    total: int = 0
    run: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to judge.

    `full` judges every case; `cpu_ms`, `memory_bytes` and `code_bytes` replace the package's
    limits.
    """

    full: bool = False
    cpu_ms: int | None = None
    memory_bytes: int | None = None
    code_bytes: int | None = None
    repeat_near_limit: bool = True
    attempts_max: int = limits.JUDGE_ATTEMPTS_MAX


@dataclass(slots=True)
class Prepared:
    """What judgings of one problem share."""

    problem: Problem
    plan: Plan
    cases: Mapping[str, TestCase]
    data_hash: str


def _ignore(_progress: Progress) -> None:
    pass


class Judge:
    """Judges submissions on leased slots; safe for many judgings at once."""

    def __init__(self, leases: Leases, *, cache: ArtefactCache | None = None) -> None:
        self._leases = leases
        self._cache = cache
        self._prepared: dict[int, Prepared] = {}
        self._versions: dict[tuple[str, str], str] = {}

    async def judge(
        self,
        problem: Problem,
        submission: Submission,
        *,
        options: Options = Options(),
        progress: Callable[[Progress], None] = _ignore,
    ) -> Judgement:
        """Judge one submission.

        Raises `SourceError` for a submission that cannot be judged as given, `PackageError` for
        a broken package, `EngineError` for a missing engine or image.
        """
        submission.validate(source_bytes_max=options.code_bytes or problem.limits.code_bytes)
        bounds = limits_used(problem, options)
        prepared = await asyncio.to_thread(self._prepare, problem)
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._leases.lease() as slot:
                    judging = _Judging(self, slot, prepared, submission, bounds, options, progress)
                    judgement = await judging.run()
            except SandboxError as error:
                if attempt < options.attempts_max:
                    continue
                judgement = _judge_error(problem, submission, bounds, str(error))
            if (
                judgement.verdict is Verdict.JE
                and attempt < options.attempts_max
                and _ours(judgement)
            ):
                continue
            progress(Progress(stage="done"))
            return replace(judgement, attempts=attempt)

    async def version(self, sandbox: Sandbox, language: Language) -> str:
        """Return the first line the language's version command prints, asked once per image."""
        key = (sandbox.info.image_digest, language.id)
        if key not in self._versions:
            with Spool() as stdout:
                outcome = await sandbox.run(version_command(language), stdout)
                text = stdout.head(1000) or outcome.stderr
            self._versions[key] = text.decode("utf-8", "replace").strip().partition("\n")[0]
        return self._versions[key]

    def lease(self) -> AbstractAsyncContextManager[Slot]:
        """Return a context that holds one slot, for work that is not a judging."""
        return self._leases.lease()

    @property
    def cache(self) -> ArtefactCache | None:
        """Return the cache of compiled programs."""
        return self._cache

    def _prepare(self, problem: Problem) -> Prepared:
        known = self._prepared.get(id(problem))
        if known is not None and known.problem is problem:
            return known
        prepared = Prepared(
            problem=problem,
            plan=plan_of(problem),
            cases={case.name: case for case in problem.cases()},
            data_hash=data_hash(problem),
        )
        if len(self._prepared) >= 64:
            self._prepared.clear()
        self._prepared[id(problem)] = prepared
        return prepared


class _Judging:
    """One attempt at one submission on one slot."""

    def __init__(
        self,
        judge: Judge,
        slot: Slot,
        prepared: Prepared,
        submission: Submission,
        bounds: LimitsUsed,
        options: Options,
        progress: Callable[[Progress], None],
    ) -> None:
        self.judge = judge
        self.slot = slot
        self.prepared = prepared
        self.problem = prepared.problem
        self.submission = submission
        self.bounds = bounds
        self.options = options
        self.progress = progress
        self.runs: dict[str, Run] = {}
        # Set while the program's sources have not been compiled, only put in place.
        self.unchecked: Callable[[], Awaitable[Compilation]] | None = None

    async def run(self) -> Judgement:
        problem = self.problem
        self.progress(Progress(stage="compiling", total=len(self.prepared.cases)))
        validators = [
            await build(self.slot, problem, source, self.judge.cache)
            for source in problem.output_validators
        ]
        static = grader = None
        if problem.static_validator is not None:
            static = await build(self.slot, problem, problem.static_validator, self.judge.cache)
        if problem.grader is not None:
            grader = await build(self.slot, problem, problem.grader, self.judge.cache)
        if problem.submit_answer:
            work = CaseWork(
                self.slot, problem, self.bounds, self.submission, None, validators, None
            )
            return await self._judge_cases(work, grader, self._facts())
        language = get(self.submission.language)
        sandbox = await self.slot.sandbox(language.image)
        version = await self.judge.version(sandbox, language)
        facts = self._facts(sandbox, language, version)
        compiled = partial(
            compile_submission,
            sandbox,
            language,
            problem,
            self.submission,
            cache=self.judge.cache,
        )
        # An interactive validator may make anything of a program that does not start.
        compilation = await compiled(trusting=not problem.interactive)
        if compilation.program is None:
            return _refused(facts, compilation)
        if compilation.unchecked:
            self.unchecked = compiled
        facts = replace(facts, compile_log=compilation.log)
        work = CaseWork(
            self.slot,
            problem,
            self.bounds,
            self.submission,
            compilation.program,
            validators,
            static,
        )
        work.repeat = self.options.repeat_near_limit
        return await self._judge_cases(work, grader, facts)

    async def _judge_cases(
        self, work: CaseWork, grader: Validator | None, facts: Judgement
    ) -> Judgement:
        total = len(self.prepared.cases)
        await work.begin()
        for name in schedule(self.prepared.plan, self.runs, full=self.options.full):
            index = len(self.runs) + 1
            self.progress(Progress(stage="running", case=name, index=index, total=total))
            case = self.prepared.cases.get(name)
            run = await (work.run_static(name) if case is None else work.run(case))
            if self.unchecked is not None and run.verdict is not Verdict.AC:
                compilation = await self._checked()
                if compilation.program is None:
                    return _refused(facts, compilation)
            self.runs[name] = run
            self.progress(Progress(stage="running", case=name, index=index, total=total, run=run))
        if self.unchecked is not None and not self.runs.keys() & self.prepared.cases.keys():
            compilation = await self._checked()
            if compilation.program is None:
                return _refused(facts, compilation)
        result = await self._aggregate(grader)
        worst = maxima(result.runs)
        return replace(
            facts,
            verdict=result.verdict,
            score=result.score,
            reason=result.reason,
            runs=result.runs,
            groups=result.groups,
            warnings=result.warnings,
            cpu_us=worst["cpu_us"],
            wall_us=worst["wall_us"],
            memory_bytes=worst["memory_bytes"],
        )

    async def _checked(self) -> Compilation:
        """Compile what has only been put in place so far."""
        assert self.unchecked is not None
        check, self.unchecked = self.unchecked, None
        return await check()

    async def _aggregate(self, grader: Validator | None) -> Aggregate:
        result = aggregate(self.prepared.plan, self.runs)
        answers: dict[str, str | None] = {}
        while result.grader_calls:
            if grader is None:
                raise PackageError("graders: grading is custom, but there is no grader")
            sandbox = await seated(self.slot, grader)
            for call in result.grader_calls:
                answers[call.group] = await grade(
                    sandbox, grader, self.problem.limits, call.text, call.flags
                )
            result = aggregate(self.prepared.plan, self.runs, answers)
        return result

    def _facts(
        self, sandbox: Sandbox | None = None, language: Language | None = None, version: str = ""
    ) -> Judgement:
        info = sandbox.info if sandbox is not None else None
        return Judgement(
            problem=self.problem.name,
            verdict=Verdict.JE,
            language=self.submission.language,
            case_total=len(self.prepared.cases),
            entry_point=self.submission.entry_point,
            source_hash=self.submission.source_hash,
            data_hash=self.prepared.data_hash,
            limits=self.bounds,
            backend=info.backend if info else "",
            image=language.image if language else "",
            image_digest=info.image_digest if info else "",
            compiler_version=version,
            warden_version=info.warden_version if info else "",
            host=platform.node(),
            cpu_model=_cpu_model(),
            judged_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )


def limits_used(problem: Problem, options: Options) -> LimitsUsed:
    """Return the limits every run is held to; raises `UsageError` when no time limit is known."""
    cpu_ms = options.cpu_ms or problem.limits.time_limit_ms
    if cpu_ms is None:
        raise UsageError(f"{problem.name}: no time limit known; compute or give one")
    cpu_ms = min(cpu_ms, limits.CPU_MS_MAX)
    return LimitsUsed(
        cpu_ms=cpu_ms,
        wall_ms=limits.WALL_FACTOR * cpu_ms + limits.WALL_EXTRA_MS,
        memory_bytes=min(
            options.memory_bytes or problem.limits.memory_bytes, limits.MEMORY_BYTES_MAX
        ),
        output_bytes=min(problem.limits.output_bytes, limits.OUTPUT_BYTES_MAX),
    )


def data_hash(problem: Problem) -> str:
    """Return a SHA-256 over names and contents of all test data that is judged."""
    total = hashlib.sha256()
    for case in problem.cases():
        total.update(case.name.encode() + b"\0")
        for path in (case.input, case.answer):
            total.update(_file_hash(path) if path is not None else b"-")
    return total.hexdigest()


def _file_hash(path: Path) -> bytes:
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").digest()


def _refused(facts: Judgement, compilation: Compilation) -> Judgement:
    return replace(
        facts, verdict=Verdict.CE, reason=compilation.reason, compile_log=compilation.log
    )


def ours(judgement: Judgement) -> bool:
    """Tell whether a judge error is our failure: the sandbox was lost, or a run was cancelled."""
    return judgement.verdict is Verdict.JE and (not judgement.runs or _ours(judgement))


def _ours(judgement: Judgement) -> bool:
    """Tell whether a judge error may go away elsewhere: a broken validator does not."""
    return any(run.reason == "the run was cancelled" for run in judgement.runs)


def _judge_error(
    problem: Problem, submission: Submission, bounds: LimitsUsed, reason: str
) -> Judgement:
    return Judgement(
        problem=problem.name,
        verdict=Verdict.JE,
        language=submission.language,
        reason=reason,
        entry_point=submission.entry_point,
        source_hash=submission.source_hash,
        limits=bounds,
        host=platform.node(),
        judged_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def _cpu_model() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("model name", "Model")):
                    return line.partition(":")[2].strip()
    except OSError:
        return platform.processor()
    return platform.processor()
