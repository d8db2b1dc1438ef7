"""Which cause a program's behaviour is reported as, under which limit."""

from typing import Any

import pytest

from .wire import MIB, Warden

EXITED, SIGNALLED = "exited", "signalled"
CPU, WALL, MEMORY, OUTPUT = "cpu-limit", "wall-limit", "memory-limit", "output-limit"

CASES = [
    # behaviour, limits, cause, exit code or signal
    ("exit 0", {}, EXITED, 0),
    ("exit 42", {}, EXITED, 42),
    ("exit 137", {}, EXITED, 137),
    ("raise 9", {}, SIGNALLED, 9),
    ("raise 11", {}, SIGNALLED, 11),
    ("abort", {}, SIGNALLED, 6),
    ("burn 20", {"cpu_ms": 1000}, EXITED, 0),
    ("burn 10000", {"cpu_ms": 100}, CPU, None),
    ("stubborn", {"cpu_ms": 100}, CPU, None),
    ("burn-children 10000", {"cpu_ms": 200}, CPU, None),
    ("burn-unwaited 10000", {"cpu_ms": 150}, CPU, None),
    ("sleep 100", {"wall_ms": 200}, WALL, None),
    ("stop", {"wall_ms": 200}, WALL, None),
    ("touch 20", {"memory_bytes": 32 * MIB}, EXITED, 0),
    ("touch 64", {"memory_bytes": 32 * MIB}, MEMORY, None),
    ("touch-shared 64", {"memory_bytes": 32 * MIB}, MEMORY, None),
    ("touch-children 20", {"memory_bytes": 64 * MIB}, MEMORY, None),
    ("reserve 10000", {"memory_bytes": 32 * MIB}, EXITED, 0),
    ("recurse 20", {"memory_bytes": 64 * MIB}, EXITED, 0),
    ("recurse 20", {"memory_bytes": 64 * MIB, "stack_bytes": 8 * MIB}, SIGNALLED, 11),
    ("stdout-flood 1", {"output_bytes": MIB}, EXITED, 0),
    ("stdout-flood 2", {"output_bytes": MIB}, OUTPUT, None),
    ("stdout-flood 1000", {"output_bytes": MIB, "file_bytes": 0}, OUTPUT, None),
    ("stderr-flood 100", {}, EXITED, 0),
    ("big-file 1", {"file_bytes": 2 * MIB}, EXITED, 0),
    ("big-file 4", {"file_bytes": 2 * MIB}, SIGNALLED, 25),
    ("thread-bomb", {"processes": 32}, EXITED, 7),
]


@pytest.mark.parametrize(
    ("behaviour", "limits", "cause", "status"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES]
)
def test_cause(
    warden: Warden, behaviour: str, limits: dict[str, Any], cause: str, status: int | None
) -> None:
    """A run ends for the first limit it breaks, and otherwise as its main process ended."""
    result = warden.probe(*behaviour.split(), **limits)

    assert cause == result["cause"]
    if cause == EXITED:
        assert status == result.number("exit_code")
    elif cause == SIGNALLED:
        assert status == result.number("signal")
    else:
        assert not {"exit_code", "signal"} & set(result.fields)


def test_process_limit_stops_a_fork_bomb_from_growing(warden: Warden) -> None:
    """A fork bomb fills its own process limit, runs into its CPU limit, and leaves nothing."""
    result = warden.probe("fork-bomb", cpu_ms=300, processes=40)

    assert result["cause"] == CPU
    assert warden.probe("exit", "0")["cause"] == "exited"


def test_file_limit_counts_descriptors(warden: Warden) -> None:
    """A program may hold exactly `open_files` descriptors, its three streams among them."""
    result = warden.probe("open-files", open_files=17)

    assert result.output == b"17\n"


def test_output_is_cut_at_its_limit(warden: Warden) -> None:
    """Output over the limit is truncated to it; the report tells how much was written."""
    result = warden.probe("stdout-flood", "2", output_bytes=100_000)

    assert len(result.output) == 100_000
    assert result.number("output_bytes") > 100_000


def test_stderr_over_its_bound_is_counted_and_dropped(warden: Warden) -> None:
    """Standard error comes back up to its bound, is counted in full, and is no limit."""
    result = warden.probe("stderr-flood", "10", stderr_bytes=1000)

    assert result["cause"] == "exited"
    assert result.output == b"done\n"
    assert result.stderr == b"x" * 1000
    assert result.number("stderr_bytes") == 10 * MIB


def test_cpu_limit_is_kept_closely(warden: Warden) -> None:
    """A CPU loop is stopped within a few milliseconds of its limit."""
    result = warden.probe("burn", "10000", cpu_ms=200)

    assert 200_000 <= result.number("cpu_us") < 250_000


def test_missing_program_is_told_apart(warden: Warden) -> None:
    """A command that cannot be executed is `exec-failed`, with the reason for people."""
    missing = warden.run("no-such-program")
    closed = warden.run("/prog")

    assert missing["cause"] == "exec-failed"
    assert missing["message"] == "no-such-program: No such file or directory"
    assert closed["message"] == "/prog: Permission denied"


def test_an_endless_writer_is_too_slow(warden: Warden) -> None:
    """Too much output is told only of who ends: the time limit comes first."""
    result = warden.probe("stdout-flood", "1000000", output_bytes=100_000, cpu_ms=200)

    assert result["cause"] == CPU
    assert result.number("output_bytes") > 100_000
    assert len(result.output) == 100_000
