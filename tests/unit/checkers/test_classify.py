"""From a process to a verdict."""

import signal

import pytest

from judge.checkers.classify import classify, near_limit
from judge.sandbox.base import Cause, Outcome
from judge.verdicts import Verdict


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome(cause=Cause.EXITED, exit_code=0), None),
        (Outcome(cause=Cause.EXITED, exit_code=0, processes_left=3), None),
        (Outcome(cause=Cause.EXITED, exit_code=1), Verdict.RTE),
        (Outcome(cause=Cause.EXITED, exit_code=42), Verdict.RTE),
        (Outcome(cause=Cause.EXITED, exit_code=43), Verdict.RTE),
        (Outcome(cause=Cause.EXITED, exit_code=137), Verdict.RTE),
        (Outcome(cause=Cause.SIGNALLED, signal=signal.SIGKILL), Verdict.RTE),
        (Outcome(cause=Cause.SIGNALLED, signal=signal.SIGKILL, oom_kills=1), Verdict.MLE),
        (Outcome(cause=Cause.SIGNALLED, signal=signal.SIGSEGV), Verdict.RTE),
        (Outcome(cause=Cause.SIGNALLED, signal=signal.SIGXCPU), Verdict.RTE),
        (Outcome(cause=Cause.SIGNALLED, signal=signal.SIGXFSZ), Verdict.RTE),
        (Outcome(cause=Cause.SIGNALLED, signal=signal.SIGSYS), Verdict.SV),
        (Outcome(cause=Cause.SIGNALLED, signal=99), Verdict.RTE),
        (Outcome(cause=Cause.CPU_LIMIT), Verdict.TLE),
        (Outcome(cause=Cause.WALL_LIMIT), Verdict.TLE),
        (Outcome(cause=Cause.MEMORY_LIMIT), Verdict.MLE),
        (Outcome(cause=Cause.OUTPUT_LIMIT), Verdict.OLE),
        (Outcome(cause=Cause.EXEC_FAILED, message="no\x1bfile"), Verdict.JE),
        (Outcome(cause=Cause.CANCELLED), Verdict.JE),
    ],
)
def test_causes(outcome: Outcome, verdict: Verdict | None) -> None:
    """Only what the sandbox found counts; exit codes and signals that imitate it do not."""
    classified = classify(outcome)

    assert verdict == classified.verdict
    assert bool(classified.reason) == (verdict is not None)
    assert classified.reason.isprintable()


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [
        (Cause.MEMORY_LIMIT, Verdict.MLE),
        (Cause.OUTPUT_LIMIT, Verdict.TLE),
        (Cause.EXITED, Verdict.TLE),
        (Cause.EXEC_FAILED, Verdict.JE),
    ],
)
def test_the_problems_own_time_limit(cause: Cause, verdict: Verdict) -> None:
    """Memory comes before time, time before output and crashes."""
    outcome = Outcome(cause=cause, exit_code=1, cpu_us=1_000_001)

    assert verdict == classify(outcome, cpu_ms=1000).verdict


def test_exactly_the_limit_is_within_it() -> None:
    """More than the limit is too much, the limit itself is not."""
    outcome = Outcome(cause=Cause.EXITED, exit_code=0, cpu_us=1_000_000)

    assert classify(outcome, cpu_ms=1000).verdict is None


def test_the_runtime_says_that_memory_ran_out() -> None:
    """A language's exit code for that is MLE, in other languages it is a crash."""
    outcome = Outcome(cause=Cause.EXITED, exit_code=3)

    assert classify(outcome, memory_exit_codes={3}).verdict is Verdict.MLE
    assert classify(outcome).verdict is Verdict.RTE


@pytest.mark.parametrize(
    ("cpu_us", "cause", "near"),
    [
        (899_999, Cause.EXITED, False),
        (900_000, Cause.EXITED, True),
        (1_099_000, Cause.CPU_LIMIT, True),
        (1_200_000, Cause.CPU_LIMIT, False),
        (1_000_000, Cause.MEMORY_LIMIT, False),
        (1_000_000, Cause.WALL_LIMIT, False),
    ],
)
def test_near_limit(cpu_us: int, cause: Cause, near: bool) -> None:  # noqa: FBT001 - a table
    """Within a tenth of the CPU limit another machine may come to another verdict."""
    assert near == near_limit(Outcome(cause=cause, cpu_us=cpu_us), 1000)
