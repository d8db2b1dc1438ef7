"""Compare what an attack did with what it was allowed to do: plain functions, no sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from judge.sandbox.base import Cause, File, Outcome
from judge.selftest.corpus import Step

SECRET = "SECRET-OF-THE-JURY"  # noqa: S105 - bait, planted where no submission may read
MARK = "LEAK"
SHOWN = 200


@dataclass(slots=True, kw_only=True)
class Capture:
    """A sink that keeps what a submission printed, up to a bound, and counts the rest."""

    limit: int
    data: bytearray = field(default_factory=bytearray)
    size: int = 0

    def write(self, chunk: bytes, /) -> None:
        """Take the next chunk."""
        self.size += len(chunk)
        room = self.limit - len(self.data)
        if room > 0:
            self.data += chunk[:room]

    @property
    def text(self) -> str:
        """Return what was kept; bytes that are not UTF-8 come out as one character each."""
        return self.data.decode("utf-8", "surrogateescape")


def problems(step: Step, outcome: Outcome, output: Capture) -> Iterator[str]:
    """Name everything about a submission's outcome that differs from what the step allows."""
    yield from _leaks(outcome, output.text)
    yield from _ending(step, outcome)
    yield from _streams(step, outcome, output)
    yield from _amounts(step, outcome)
    yield from _collected(step, outcome.files)


def compile_problems(step: Step, outcome: Outcome, log: str) -> Iterator[str]:
    """Name what is wrong with the outcome of compiling a hostile source."""
    yield from _leaks(outcome, log)
    if outcome.cause not in step.causes:
        yield f"compiling ended by {outcome.cause}: {outcome.message}"
    if outcome.ok == step.fails:
        yield "it compiled" if step.fails else f"it did not compile: {log[-SHOWN:]}"
    if step.log_without and step.log_without in log:
        yield f"the log holds {step.log_without!r}"
    if step.stderr_bytes_max is not None and len(outcome.stderr) > step.stderr_bytes_max:
        yield f"a log of {len(outcome.stderr)} bytes"
    yield from _amounts(step, outcome)


def validator_problems(step: Step, outcome: Outcome) -> Iterator[str]:
    """Name what the submission changed about its validator."""
    yield from _leaks(outcome, "")
    if step.validator_any:
        return
    if outcome.cause is not Cause.EXITED or outcome.exit_code not in step.validator_exit_codes:
        yield (
            f"the validator ended by {outcome.cause}, code {outcome.exit_code}, "
            f"signal {outcome.signal}"
        )


def slowdown_problems(step: Step, alone: list[int], beside: list[int]) -> Iterator[str]:
    """Compare the CPU times of a program that ran alone and beside a noisy neighbour."""
    if step.slowdown_max and min(beside) > step.slowdown_max * min(alone):
        yield f"the neighbour slowed it down from {min(alone)} to {min(beside)} us of CPU"


def innocent_problems(before: "Judged", after: "Judged") -> Iterator[str]:
    """Name every difference between two judgings of the innocent submission."""
    if (before.outcome.cause, before.outcome.exit_code) != (
        after.outcome.cause,
        after.outcome.exit_code,
    ):
        yield (
            f"innocent: {after.outcome.cause}, code {after.outcome.exit_code}, "
            f"signal {after.outcome.signal}"
        )
    elif before.output.text != after.output.text:
        was, now = before.output.text.splitlines(), after.output.text.splitlines()
        changed = [line for line in now if line not in was] + [
            f"(gone) {line}" for line in was if line not in now
        ]
        yield f"innocent: prints {'; '.join(changed)[:SHOWN]}"
    bound = 2 * before.outcome.cpu_us + 50_000
    if after.outcome.cpu_us > bound:
        yield f"innocent: {after.outcome.cpu_us} us of CPU, was {before.outcome.cpu_us}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An outcome with what was printed."""

    outcome: Outcome
    output: Capture


def _leaks(outcome: Outcome, text: str) -> Iterator[str]:
    said = text + outcome.stderr.decode("utf-8", "replace")
    for line in said.splitlines():
        if line.startswith(MARK):
            yield line[:SHOWN]
    carried = [bytes(f.data) for f in outcome.files if isinstance(f.data, bytes)]
    if SECRET in said or any(SECRET.encode() in data for data in carried):
        yield "the secret came out"


def _ending(step: Step, outcome: Outcome) -> Iterator[str]:
    if outcome.cause not in step.causes:
        yield (
            f"ended by {outcome.cause} (code {outcome.exit_code}, signal {outcome.signal}), "
            f"allowed: {', '.join(step.causes)} {outcome.message}"
        )
    elif outcome.cause is Cause.EXITED and outcome.exit_code not in step.exit_codes:
        yield f"exit code {outcome.exit_code}"
    elif outcome.cause is Cause.SIGNALLED and step.signals and outcome.signal not in step.signals:
        yield f"signal {outcome.signal}"


def _streams(step: Step, outcome: Outcome, output: Capture) -> Iterator[str]:
    expected = step.expected_stdout
    if expected is not None and outcome.cause in step.stdout_when and output.text != expected:
        yield f"printed {output.text[:SHOWN]!r}"
    if step.stdout_bytes is not None and output.size != step.stdout_bytes:
        yield f"{output.size} bytes of output arrived"
    if step.stdout_bytes_max is not None and output.size > step.stdout_bytes_max:
        yield f"{output.size} bytes of output arrived"
    if step.stderr is not None and outcome.stderr.decode("utf-8", "replace") != step.stderr:
        yield f"standard error is {outcome.stderr[:SHOWN]!r}"
    if step.stderr_bytes_max is not None and len(outcome.stderr) > step.stderr_bytes_max:
        yield f"{len(outcome.stderr)} bytes of standard error arrived"


def _amounts(step: Step, outcome: Outcome) -> Iterator[str]:
    if outcome.cpu_us < step.cpu_ms_min * 1000:
        yield f"only {outcome.cpu_us} us of CPU were charged"
    if step.cpu_ms_max is not None and outcome.cpu_us > step.cpu_ms_max * 1000:
        yield f"used {outcome.cpu_us} us of CPU before it was stopped"
    if step.wall_ms_max is not None and outcome.wall_us > step.wall_ms_max * 1000:
        yield f"took {outcome.wall_us} us"
    if outcome.processes_left < step.processes_left_min:
        yield "a process left behind was not noticed"


def _collected(step: Step, files: tuple[File, ...]) -> Iterator[str]:
    names = sorted(file.path for file in files)
    if step.collected is not None and names != sorted(step.collected):
        yield f"collected {', '.join(names) or 'nothing'}"
    for file in files:
        data = file.data if isinstance(file.data, bytes) else file.data.read_bytes()
        if step.collected_without and step.collected_without.encode() in data:
            yield f"collected {file.path} holds {step.collected_without!r}"
