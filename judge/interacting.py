"""A submission and a validator that talk to each other: one test case, one or more passes.

Both run in one sandbox, joined by two pipes, as different users: the submission has /prog and
/box, the validator lives in /val, which the submission cannot enter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from judge import limits
from judge.compiling import Program
from judge.errors import PackageError
from judge.problem.model import Limits
from judge.results import LimitsUsed
from judge.running import CaseInput, run_command
from judge.sandbox.base import Area, File, PairOutcome, Sandbox
from judge.validating import FEEDBACK, CaseFiles, Validator, command

_PROG = "prog"
# Both sides share one CPU, and a silent pair is ended by the submission's clock.
_WALL_FACTOR = limits.WALL_FACTOR + 1
_VALIDATOR_WALL_EXTRA_MS = 2 * limits.WALL_EXTRA_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """What does not change between the passes and cases of one judging."""

    program: Program
    validator: Validator
    bounds: LimitsUsed
    validation: Limits
    own_files: tuple[File, ...] = ()

    @property
    def image(self) -> str:
        """Return the image in which both sides can run."""
        return shared_image(self.program, self.validator.program)


def shared_image(program: Program, validator: Program) -> str:
    """Return an image for both; raises `PackageError` when neither runs in the other's."""
    if program.image == validator.image or validator.portable:
        return program.image
    if program.portable:
        return validator.image
    raise PackageError(
        f"an interactive validator in image {validator.image} cannot meet a submission in image "
        f"{program.image}; write the validator in C++ or Python"
    )


async def interact(
    sandbox: Sandbox,
    interaction: Interaction,
    case: CaseInput,
    files: CaseFiles,
    args: Sequence[str],
) -> PairOutcome:
    """Let them talk once; the submission's program is in the sandbox's /prog."""
    bounds = interaction.bounds
    wall_ms = _WALL_FACTOR * bounds.cpu_ms + limits.WALL_EXTRA_MS
    program = interaction.validator.program
    submission = run_command(
        interaction.program,
        CaseInput(args=case.args, files=case.files),
        LimitsUsed(
            cpu_ms=bounds.cpu_ms,
            wall_ms=wall_ms,
            memory_bytes=bounds.memory_bytes,
            output_bytes=bounds.output_bytes,
        ),
        own_files=interaction.own_files,
    )
    # /val is wiped after each run, so the program travels with it.
    moved = (
        File(path=f"{_PROG}/{file.path}", data=file.data, executable=file.executable)
        for file in program.files
    )
    validator = command(
        program,
        interaction.validation,
        args=(*files.argv(), *args),
        files=(*moved, *files.placed()),
        collect=(FEEDBACK,),
        prog=f"{Area.VALIDATOR.value}/{_PROG}",
        wall_ms=wall_ms + _VALIDATOR_WALL_EXTRA_MS,
    )
    return await sandbox.run_pair(submission, validator)
