"""From what the sandbox saw of a submission's process to the verdict that follows from it.

The order is the CCS one: memory exceeded or a crash before the time limit, then the time limit,
then the output limit, then what a validator says. Only the sandbox's own findings count: an exit
code or a signal that imitates a limit is a run-time error.
"""

import signal as signals
from collections.abc import Collection
from dataclasses import dataclass

from judge import limits
from judge.results import excerpt
from judge.sandbox.base import Cause, Outcome
from judge.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """The verdict of a process; None means that it did well and its output decides."""

    verdict: Verdict | None
    reason: str = ""


_BY_CAUSE = {
    Cause.CANCELLED: Classified(verdict=Verdict.JE, reason="the run was cancelled"),
    Cause.MEMORY_LIMIT: Classified(verdict=Verdict.MLE, reason="memory limit exceeded"),
    Cause.CPU_LIMIT: Classified(verdict=Verdict.TLE, reason="CPU time limit exceeded"),
    Cause.WALL_LIMIT: Classified(verdict=Verdict.TLE, reason="elapsed time limit exceeded"),
    Cause.OUTPUT_LIMIT: Classified(verdict=Verdict.OLE, reason="output limit exceeded"),
}


def classify(
    outcome: Outcome, *, memory_exit_codes: Collection[int] = (), cpu_ms: int | None = None
) -> Classified:
    """Conclude from one process of a submission.

    `memory_exit_codes` are those with which the language's runtime says that memory ran out.
    `cpu_ms`, when given, is the problem's limit where the sandbox allowed more.
    """
    if outcome.cause is Cause.EXEC_FAILED:
        reason = f"cannot start the program: {excerpt(outcome.message)}"
        return Classified(verdict=Verdict.JE, reason=reason)
    if outcome.cause is Cause.MEMORY_LIMIT:
        return _BY_CAUSE[Cause.MEMORY_LIMIT]
    if cpu_ms is not None and outcome.cpu_us > cpu_ms * 1000:
        return _BY_CAUSE[Cause.CPU_LIMIT]
    if outcome.cause in _BY_CAUSE:
        return _BY_CAUSE[outcome.cause]
    return _ended(outcome, memory_exit_codes)


def _ended(outcome: Outcome, memory_exit_codes: Collection[int]) -> Classified:
    if outcome.cause is Cause.SIGNALLED:
        name = signal_name(outcome.signal)
        if outcome.signal == signals.SIGSYS:
            return Classified(verdict=Verdict.SV, reason="a prohibited system call was made")
        if outcome.oom_kills and outcome.signal == signals.SIGKILL:
            return Classified(verdict=Verdict.MLE, reason="memory limit exceeded (kernel)")
        return Classified(verdict=Verdict.RTE, reason=f"killed by {name}")
    if outcome.exit_code in memory_exit_codes:
        return Classified(verdict=Verdict.MLE, reason="the language runtime ran out of memory")
    if outcome.exit_code != 0:
        return Classified(verdict=Verdict.RTE, reason=f"exit code {outcome.exit_code}")
    return Classified(verdict=None)


def signal_name(number: int | None) -> str:
    """Return `SIGSEGV` for 11, `signal 99` for a number without a name."""
    try:
        return signals.Signals(number or 0).name
    except ValueError:
        return f"signal {number}"


def near_limit(outcome: Outcome, cpu_ms: int) -> bool:
    """Tell whether the CPU time is so close to the limit that another machine may differ.

    A run that was killed at the limit used all of it and more, so it counts as near.
    """
    margin_us = cpu_ms * 10 * limits.NEAR_LIMIT_PERCENT
    if outcome.cause not in {Cause.EXITED, Cause.SIGNALLED, Cause.CPU_LIMIT}:
        return False
    return abs(outcome.cpu_us - cpu_ms * 1000) <= margin_us
