"""Runs the programs a package brings to judge with: validators and graders, never a submission.

They run in a sandbox of their own, on the slot's validator seat, as role VALIDATE:

    /prog/…              the program
    /val/data/<case>.in  the input    (written for each run, gone after it)
    /val/data/<case>.ans the answer
    /val/feedback/       the feedback directory

A program that fails is a judge error: `checkers.program` says so from the outcome.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from judge import limits
from judge.artefacts import ArtefactCache
from judge.compiling import Compilation, Program, build_script, compile_sources
from judge.errors import PackageError, SourceError
from judge.languages import find
from judge.problem.model import Limits, Problem, TestCase
from judge.problem.programs import ProgramSource
from judge.sandbox.base import Area, Command, File, Outcome, Role, RunLimits, Sandbox, Seat, Slot
from judge.spool import Spool

FEEDBACK = "feedback/"
_DATA = "data/"
_SCRIPT_IMAGE = "gcc"
# The next pass's input comes back as a feedback file, so there must be room for one.
_COLLECT_BYTES_MAX = 64 * limits.MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """A built program of a package, with its name for the arguments meant for it."""

    name: str
    location: str
    program: Program


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFiles:
    """What a validator is given of a test case; `feedback` is what an earlier pass left."""

    name: str
    input: bytes | Path
    answer: bytes | Path
    feedback: tuple[File, ...] = field(default=())

    def placed(self) -> tuple[File, ...]:
        """Return the files to place below /val."""
        base = PurePosixPath(self.name).name
        return (
            File(path=f"{_DATA}{base}.in", data=self.input),
            File(path=f"{_DATA}{base}.ans", data=self.answer),
            # A directory exists once something is in it.
            File(path=f"{FEEDBACK}.keep", data=b""),
            *self.feedback,
        )

    def argv(self) -> tuple[str, ...]:
        """Return the three arguments every output validator gets."""
        base = PurePosixPath(self.name).name
        area = Area.VALIDATOR.value
        return (f"{area}/{_DATA}{base}.in", f"{area}/{_DATA}{base}.ans", f"{area}/{FEEDBACK}")


async def build(
    slot: Slot, problem: Problem, source: ProgramSource, cache: ArtefactCache | None
) -> Validator:
    """Build a package's program; raises `PackageError` with the log's first lines if it fails."""
    if not source.runnable:
        raise PackageError(f"{source.location}: {source.kind.value} in an unknown language")
    bounds = problem.limits
    try:
        compilation = await _compile(slot, problem, source, bounds, cache)
    except SourceError as error:
        raise PackageError(f"{source.location}: {error}") from error
    if compilation.program is None:
        detail = " | ".join(compilation.log.strip().splitlines()[:5])
        raise PackageError(f"{source.location}: does not compile: {compilation.reason}: {detail}")
    return Validator(name=source.name, location=source.location, program=compilation.program)


async def _compile(
    slot: Slot,
    problem: Problem,
    source: ProgramSource,
    bounds: Limits,
    cache: ArtefactCache | None,
) -> Compilation:
    contents = problem.sources(source)
    if source.scripted:
        sandbox = await slot.sandbox(_SCRIPT_IMAGE, Seat.VALIDATOR)
        await sandbox.wipe()
        files = {
            file.name: (contents[file.name], file.executable or _is_script(contents[file.name]))
            for file in source.files
        }
        return await build_script(sandbox, files, image=_SCRIPT_IMAGE, bounds=bounds, cache=cache)
    language = find(source.language or "")
    if language is None:
        raise PackageError(f"{source.location}: no support for language {source.language}")
    sandbox = await slot.sandbox(language.image, Seat.VALIDATOR)
    await sandbox.wipe()
    return await compile_sources(
        sandbox, language, contents, bounds=bounds, entry=source.entry_point, cache=cache
    )


def _is_script(data: bytes) -> bool:
    return data.startswith(b"#!")


async def seated(slot: Slot, validator: Validator) -> Sandbox:
    """Return the validator's own sandbox with its program in place and nothing else."""
    sandbox = await slot.sandbox(validator.program.image, Seat.VALIDATOR)
    await sandbox.wipe()
    await sandbox.put(Area.PROGRAM, validator.program.files)
    return sandbox


def command(
    program: Program,
    bounds: Limits,
    *,
    args: Sequence[str],
    stdin: bytes | Path | None = None,
    files: Sequence[File] = (),
    collect: tuple[str, ...] = (),
    prog: str = Area.PROGRAM.value,
    wall_ms: int | None = None,
) -> Command:
    """Return the command that runs a package's program under the validation limits."""
    memory_bytes = bounds.validation_memory_bytes
    return Command(
        argv=(*program.argv(memory_bytes, prog), *args),
        role=Role.VALIDATE,
        cwd=Area.VALIDATOR,
        env=program.env(memory_bytes),
        stdin=stdin,
        files=tuple(files),
        collect=collect,
        collect_bytes=_COLLECT_BYTES_MAX,
        limits=RunLimits(
            cpu_ms=bounds.validation_time_ms,
            wall_ms=wall_ms or bounds.validation_time_ms * limits.WALL_FACTOR,
            memory_bytes=program.enforced_bytes(memory_bytes),
            output_bytes=bounds.validation_output_bytes,
            file_bytes=_COLLECT_BYTES_MAX,
            processes=limits.COMPILE_PROCESSES,
            stack_bytes=program.stack_bytes,
        ),
    )


async def validate_output(
    sandbox: Sandbox,
    validator: Validator,
    bounds: Limits,
    case: CaseFiles,
    *,
    output: bytes | Path,
    args: Sequence[str],
) -> Outcome:
    """Run an output validator on one output; its program is in the sandbox's /prog."""
    return await sandbox.run(
        command(
            validator.program,
            bounds,
            args=(*case.argv(), *args),
            stdin=output,
            files=case.placed(),
            collect=(FEEDBACK,),
        )
    )


async def validate_input(
    sandbox: Sandbox, validator: Validator, bounds: Limits, case: TestCase, beside: Sequence[File]
) -> Outcome:
    """Run an input validator on one input.

    It is given the arguments and files a submission is given, and the files of its own directory,
    `beside`, in its working directory (specification 2025-09, Working directory).
    """
    own = {file.path for file in beside}
    files = (
        File(path=file.name, data=file.path, executable=file.executable)
        for file in case.files
        if file.name not in own
    )
    args = (*case.input_validator_args.of(validator.name), *case.args)
    return await sandbox.run(
        command(validator.program, bounds, args=args, stdin=case.input, files=(*beside, *files))
    )


async def grade(
    sandbox: Sandbox, grader: Validator, bounds: Limits, text: str, flags: Sequence[str]
) -> str | None:
    """Run a legacy custom grader; return the line it printed, or None when it failed."""
    words = [word for flag in flags for word in shlex.split(flag)]
    with Spool() as stdout:
        outcome = await sandbox.run(
            command(grader.program, bounds, args=words, stdin=text.encode()), stdout
        )
        if not outcome.ok:
            return None
        return stdout.head(limits.KIB).decode("utf-8", "backslashreplace")
