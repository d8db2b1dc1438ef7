"""One process of a submission on one input: its command, fair repetition, and its verdict."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from judge import limits
from judge.checkers.classify import Classified, classify
from judge.compiling import Program
from judge.results import LimitsUsed
from judge.sandbox.base import Area, Cause, Command, File, Outcome, Role, RunLimits
from judge.verdicts import Verdict

# Copies of small source files go beside the input for programs that read their own files.
_OWN_FILES_BYTES_MAX = limits.MIB

# A process may write this much of scratch files even where the output limit is small.
_FILE_BYTES = 64 * limits.MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInput:
    """What one run gets: standard input, arguments, and files in its working directory."""

    stdin: bytes | Path | None = None
    args: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


def run_command(
    program: Program, case: CaseInput, bounds: LimitsUsed, *, own_files: Sequence[File] = ()
) -> Command:
    """Return the command that runs a submission's program under the problem's limits."""
    return Command(
        argv=(*program.argv(bounds.memory_bytes), *case.args),
        role=Role.RUN,
        cwd=Area.BOX,
        env=program.env(bounds.memory_bytes),
        stdin=case.stdin,
        files=(*own_files, *case.files),
        limits=RunLimits(
            cpu_ms=bounds.cpu_ms,
            wall_ms=bounds.wall_ms,
            memory_bytes=program.enforced_bytes(bounds.memory_bytes),
            output_bytes=bounds.output_bytes,
            file_bytes=_FILE_BYTES,
            processes=program.processes,
            stack_bytes=program.stack_bytes,
        ),
    )


def own_files(program: Program) -> tuple[File, ...]:
    """Return the sources of a program of several files, to lie in its working directory too."""
    if program.language is None or len(program.sources) < 2:
        return ()
    files = tuple(file for file in program.files if file.path in program.sources)
    size = sum(len(file.data) for file in files if isinstance(file.data, bytes))
    return files if size <= _OWN_FILES_BYTES_MAX else ()


def conclude(program: Program, outcome: Outcome) -> Classified:
    """Classify the process, asking the language whether a failure was its memory running out."""
    found = classify(outcome)
    language = program.language
    if (
        found.verdict is Verdict.RTE
        and language is not None
        and language.ran_out_of_memory(outcome.exit_code, outcome.stderr)
    ):
        return Classified(verdict=Verdict.MLE, reason="the language runtime ran out of memory")
    return found


_ResultT = TypeVar("_ResultT")


async def fairly(
    once: Callable[[], Awaitable[_ResultT]],
    outcome_of: Callable[[_ResultT], Outcome],
) -> tuple[_ResultT, int]:
    """Run until one CPU time settles it; return the best result and how many runs it took.

    A run that ended within its limit stands, however close: the best one counts. One that was
    stopped at the limit is repeated, because noise of the machine may have made the difference;
    two stops settle it, so that an endless loop costs one more run and no further.
    """
    first = await once()
    if outcome_of(first).cause is not Cause.CPU_LIMIT:
        return first, 1
    second = await once()
    return (first if outcome_of(second).cause is Cause.CPU_LIMIT else second), 2
