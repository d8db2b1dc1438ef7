"""One test case of one judging: from its input to its run's verdict.

`CaseWork` knows the four ways a case can be judged: the default validator, validators of the
package, an interaction, and answers that were submitted instead of a program; each in one pass or
several.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from judge import limits
from judge.checkers.base import Comparison
from judge.checkers.classify import Classified, near_limit
from judge.checkers.program import Validation, ValidatorRules, combine, read_pair, read_validation
from judge.checkers.tokens import TokenChecker, parse_rules
from judge.compiling import Program
from judge.errors import PackageError
from judge.interacting import Interaction, interact, shared_image
from judge.problem.model import Problem, TestCase
from judge.results import LimitsUsed, Run
from judge.running import CaseInput, conclude, fairly, own_files, run_command
from judge.sandbox.base import Area, Command, File, Outcome, PairOutcome, Sandbox, Slot
from judge.spool import Spool
from judge.submission import Submission
from judge.validating import FEEDBACK, CaseFiles, Validator, command, seated, validate_output
from judge.verdicts import Verdict

_DEFAULT_VALIDATOR = "default"
_NEXT_INPUT = "nextpass.in"


class CaseWork:
    """What the cases of one judging share; `begin` once, then `run` case by case."""

    def __init__(
        self,
        slot: Slot,
        problem: Problem,
        bounds: LimitsUsed,
        submission: Submission,
        program: Program | None,
        validators: Sequence[Validator],
        static: Validator | None,
    ) -> None:
        self.slot = slot
        self.problem = problem
        self.bounds = bounds
        self.submission = submission
        self.program = program
        self.validators = tuple(validators)
        self.static = static
        self.repeat = True
        # Sees what the program itself did and, unless it was an interaction, what it printed.
        self.watch: Callable[[Outcome, Spool | None], None] | None = None
        self._own_files = own_files(program) if program is not None else ()
        self._sandbox: Sandbox | None = None
        self._seat: Sandbox | None = None
        self._seated: Validator | None = None
        self._interaction: Interaction | None = None
        self._same: dict[tuple[object, ...], Run] = {}
        # What is the same for most cases is made once: it is made between runs, on their CPU.
        self._command = run_command(program, CaseInput(), bounds) if program is not None else None
        self._checkers: dict[tuple[str, ...], TokenChecker] = {}

    async def begin(self) -> None:
        """Put everything in its place. The program was compiled on this slot and lies in /prog."""
        if self.program is None:
            return
        image = self.program.image
        if self.problem.interactive:
            if len(self.validators) != 1:
                raise PackageError(
                    f"an interactive problem needs one output validator, not {len(self.validators)}"
                )
            image = shared_image(self.program, self.validators[0].program)
            self._interaction = Interaction(
                program=self.program,
                validator=self.validators[0],
                bounds=self.bounds,
                validation=self.problem.limits,
                own_files=self._own_files,
            )
        self._sandbox = await self.slot.sandbox(image)
        if image != self.program.image:
            await self._sandbox.wipe()
            await self._sandbox.put(Area.PROGRAM, self.program.files)

    async def run(self, case: TestCase) -> Run:
        """Judge one case. Cases that are the same file again share their result."""
        key = _identity(case)
        known = self._same.get(key)
        if known is not None:
            return replace(known, case=case.name)
        run = await self._passes(case)
        if run.verdict is not Verdict.JE:
            self._same[key] = run
        return run

    async def run_static(self, name: str) -> Run:
        """Judge a static validation case: the package looks at the source, nothing is run."""
        if self.static is None or self.program is None:
            raise PackageError("static_validator: missing, but a test group asks for it")
        sandbox = await self._seat_for(self.static)
        group = self.problem.data.find(name.rpartition("/")[0])
        args = group.scoring.static_validator_args if group and group.scoring else ()
        sources = tuple(
            File(path=path, data=data) for path, data in sorted(self.submission.files.items())
        )
        entry = self.program.main_class or self.program.entry or ""
        outcome = await sandbox.run(
            command(
                self.static.program,
                self.problem.limits,
                args=(self.submission.language, entry, f"{Area.VALIDATOR.value}/{FEEDBACK}", *args),
                files=(*sources, File(path=f"{FEEDBACK}.keep", data=b"")),
                collect=(FEEDBACK,),
            )
        )
        return _with_validation(
            Run(case=name, verdict=Verdict.JE), read_validation(outcome, self._rules(name))
        )

    async def _passes(self, case: TestCase) -> Run:
        """Run a case until it is rejected or asks for no further pass; the worst times count."""
        source: bytes | Path = case.input
        feedback: tuple[File, ...] = ()
        passes_max = self.problem.limits.validation_passes if self.problem.multi_pass else 1
        total: Run | None = None
        for number in range(1, passes_max + 1):
            run, validation = await self._one_pass(case, source, feedback)
            total = _joined(total, run, number)
            if validation is None or validation.next_pass is None:
                return total
            if total.verdict is not Verdict.AC:
                return total
            source = validation.next_pass.data
            feedback = tuple(
                file for file in self._feedback if PurePosixPath(file.path).name != _NEXT_INPUT
            )
        assert total is not None
        return replace(
            total,
            verdict=Verdict.JE,
            reason=f"output validator asked for more than {passes_max} passes",
        )

    async def _one_pass(
        self, case: TestCase, source: bytes | Path, feedback: tuple[File, ...]
    ) -> tuple[Run, Validation | None]:
        self._feedback: tuple[File, ...] = ()
        if self._interaction is not None:
            return await self._interactive(case, source, feedback)
        with Spool() as output:
            if self.program is None:
                run = self._submitted(case, output)
            else:
                run = await self._program(case, source, output)
            if run.verdict is not Verdict.AC:
                return run, None
            if not self.validators:
                return await self._compared(case, run, output), None
            validation = await self._validated(case, source, feedback, output)
            return _with_validation(run, validation), validation

    async def _program(self, case: TestCase, source: bytes | Path, output: Spool) -> Run:
        assert self.program is not None
        assert self._sandbox is not None
        program, sandbox = self.program, self._sandbox
        command = self._command_for(case, source)

        async def once() -> Outcome:
            output.clear()
            return await sandbox.run(command, output)

        outcome, attempts = (
            await fairly(once, lambda each: each) if self.repeat else (await once(), 1)
        )
        if self.watch is not None:
            self.watch(outcome, output)
        return self._run_of(case, outcome, conclude(program, outcome), attempts)

    def _command_for(self, case: TestCase, source: bytes | Path) -> Command:
        assert self._command is not None
        return replace(
            self._command,
            argv=(*self._command.argv, *case.args),
            stdin=source,
            files=(*self._own_files, *_case_files(case)),
        )

    def _submitted(self, case: TestCase, output: Spool) -> Run:
        """Take the answer file of this case out of a submission that is answers."""
        base = PurePosixPath(case.name).name
        for name in (f"{case.name}.out", f"{base}.out", f"{base}.ans", f"{base}.txt", base):
            if name in self.submission.files:
                output.write(self.submission.files[name])
                return Run(case=case.name, verdict=Verdict.AC, output_bytes=output.size)
        return Run(case=case.name, verdict=Verdict.WA, reason=f"no answer {base}.out submitted")

    async def _compared(self, case: TestCase, run: Run, output: Spool) -> Run:
        where = f"data/{case.name}"
        if case.answer is None:
            raise PackageError(f"{where}.ans: missing, and the default validator needs it")
        flags = case.output_validator_args.of(_DEFAULT_VALIDATOR)
        checker = self._checkers.get(flags)
        if checker is None:
            rules = parse_rules(flags, legacy=self.problem.legacy, where=where)
            checker = self._checkers[flags] = TokenChecker(rules=rules)
        if output.size + case.answer_bytes > limits.SPOOL_MEMORY_BYTES:
            found = await asyncio.to_thread(checker.compare, output, case.answer)
        elif output.head(output.size) == case.answer.read_bytes():
            found = Comparison(accepted=True)
        else:
            found = checker.compare(output, case.answer)
        return replace(
            run,
            verdict=Verdict.AC if found.accepted else Verdict.WA,
            judge_message=found.message,
            difference=found.difference if case.sample else None,
            reason="" if found.accepted else "the output is wrong",
        )

    async def _validated(
        self, case: TestCase, source: bytes | Path, feedback: tuple[File, ...], output: Spool
    ) -> Validation:
        found = []
        for validator in self.validators:
            sandbox = await self._seat_for(validator)
            outcome = await validate_output(
                sandbox,
                validator,
                self.problem.limits,
                self._given(case, source, feedback),
                output=output.source(),
                args=case.output_validator_args.of(validator.name),
            )
            self._feedback = outcome.files
            found.append(read_validation(outcome, self._rules(case.name)))
            if found[-1].verdict is not Verdict.AC:
                break
        return combine(found)

    async def _interactive(
        self, case: TestCase, source: bytes | Path, feedback: tuple[File, ...]
    ) -> tuple[Run, Validation]:
        assert self._interaction is not None
        assert self._sandbox is not None
        interaction, sandbox = self._interaction, self._sandbox
        given = CaseInput(args=case.args, files=_case_files(case))
        args = case.output_validator_args.of(interaction.validator.name)
        files = self._given(case, source, feedback)

        async def once() -> PairOutcome:
            return await interact(sandbox, interaction, given, files, args)

        pair, attempts = (
            await fairly(once, lambda each: each.submission) if self.repeat else (await once(), 1)
        )
        if self.watch is not None:
            self.watch(pair.submission, None)
        self._feedback = pair.validator.files
        classified = conclude(interaction.program, pair.submission)
        result = read_pair(pair, self._rules(case.name), classified)
        run = self._run_of(case, pair.submission, Classified(verdict=None), attempts)
        run = _with_validation(run, result.validation)
        return replace(run, verdict=result.verdict, reason=result.reason), result.validation

    def _run_of(self, case: TestCase, outcome: Outcome, found: Classified, attempts: int) -> Run:
        return Run(
            case=case.name,
            verdict=found.verdict or Verdict.AC,
            reason=found.reason,
            cpu_us=outcome.cpu_us,
            wall_us=outcome.wall_us,
            memory_bytes=outcome.memory_bytes,
            output_bytes=outcome.output_bytes,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            attempts=attempts,
            near_limit=near_limit(outcome, self.bounds.cpu_ms),
        )

    async def _seat_for(self, validator: Validator) -> Sandbox:
        """Return the validator's sandbox; programs change places only when there are several."""
        if self._seat is None or self._seated is not validator:
            self._seat = await seated(self.slot, validator)
            self._seated = validator
        return self._seat

    def _given(self, case: TestCase, source: bytes | Path, feedback: tuple[File, ...]) -> CaseFiles:
        answer: bytes | Path = case.answer if case.answer is not None else b""
        return CaseFiles(name=case.name, input=source, answer=answer, feedback=feedback)

    def _rules(self, name: str) -> ValidatorRules:
        return ValidatorRules(
            legacy=self.problem.legacy,
            scores=self.problem.scoring,
            sample=name.startswith("sample/"),
            multi_pass=self.problem.multi_pass,
            feedback_dir=FEEDBACK,
            output_bytes_max=self.problem.limits.validation_output_bytes,
        )


def _case_files(case: TestCase) -> tuple[File, ...]:
    return tuple(
        File(path=file.name, data=file.path, executable=file.executable) for file in case.files
    )


def _identity(case: TestCase) -> tuple[object, ...]:
    """Tell apart cases that could be judged differently; symlinked copies are the same."""
    answer = _same_file(case.answer) if case.answer is not None else None
    files = tuple((file.name, _same_file(file.path)) for file in case.files)
    args = repr(case.output_validator_args)
    return (_same_file(case.input), answer, case.args, args, files, case.sample)


def _same_file(path: Path) -> object:
    """Return what is equal for two paths of one file; quicker than resolving them."""
    try:
        status = os.stat(path)  # noqa: PTH116 - half the time of `path.stat`
    except OSError:
        return path
    return (status.st_dev, status.st_ino)


def _with_validation(run: Run, validation: Validation) -> Run:
    return replace(
        run,
        verdict=validation.verdict,
        reason=validation.reason,
        judge_message=validation.judge_message,
        team_message=validation.team_message,
        custom_score=validation.score,
        custom_multiplier=validation.multiplier,
        warnings=(*run.warnings, *validation.warnings),
    )


def _joined(total: Run | None, run: Run, number: int) -> Run:
    """Return the last pass's run with the largest times and memory of all passes."""
    if total is None:
        return run
    return replace(
        run,
        cpu_us=max(total.cpu_us, run.cpu_us),
        wall_us=max(total.wall_us, run.wall_us),
        memory_bytes=max(total.memory_bytes, run.memory_bytes),
        output_bytes=max(total.output_bytes, run.output_bytes),
        custom_score=run.custom_score if run.custom_score is not None else total.custom_score,
        custom_multiplier=(
            run.custom_multiplier if run.custom_multiplier is not None else total.custom_multiplier
        ),
        attempts=max(total.attempts, run.attempts),
        near_limit=total.near_limit or run.near_limit,
        passes=number,
    )
