"""The self-test itself can fail: each kind of success of an attack is seen and named."""

from dataclasses import replace

import pytest

from judge.sandbox.base import Cause, File, Outcome
from judge.selftest import AttackResult, SelftestReport
from judge.selftest.corpus import Step
from judge.selftest.expecting import (
    SECRET,
    Capture,
    Judged,
    innocent_problems,
    problems,
    slowdown_problems,
)

GOOD = Outcome(cause=Cause.EXITED, exit_code=0, cpu_us=100_000)


def printed(text: str) -> Capture:
    capture = Capture(limit=1000)
    capture.write(text.encode())
    return capture


def test_a_harmless_attack_has_no_problems() -> None:
    """What ended as it should have raises nothing."""
    assert list(problems(Step(), GOOD, printed("blocked\n"))) == []


@pytest.mark.parametrize(
    ("step", "outcome", "text", "told"),
    [
        (Step(), GOOD, "LEAK read /etc/shadow\n", "LEAK read /etc/shadow"),
        (Step(), GOOD, "", "printed ''"),
        (Step(), replace(GOOD, exit_code=3), "blocked\n", "exit code 3"),
        (Step(), replace(GOOD, cause=Cause.WALL_LIMIT), "blocked\n", "wall-limit"),
        (Step(), replace(GOOD, stderr=SECRET.encode()), "blocked\n", "the secret came out"),
        (Step(), replace(GOOD, files=(File(path="x", data=SECRET.encode()),)), "blocked\n",
         "the secret came out"),
        (Step(cpu_ms_max=99), GOOD, "blocked\n", "used 100000 us"),
        (Step(cpu_ms_min=101), GOOD, "blocked\n", "only 100000 us"),
        (Step(wall_ms_max=1), replace(GOOD, wall_us=1001), "blocked\n", "took 1001 us"),
        (Step(processes_left_min=1), GOOD, "blocked\n", "not noticed"),
        (Step(stdout_bytes_max=1), GOOD, "blocked\n", "8 bytes of output"),
        (Step(stderr_bytes_max=1), replace(GOOD, stderr=b"xx"), "blocked\n", "2 bytes of standard"),
        (Step(collected=("a",)), GOOD, "blocked\n", "collected nothing"),
        (Step(causes=(Cause.SIGNALLED,), signals=(31,)),
         Outcome(cause=Cause.SIGNALLED, signal=9), "", "signal 9"),
    ],
)  # fmt: skip
def test_success_of_an_attack_is_named(step: Step, outcome: Outcome, text: str, told: str) -> None:
    """Each expectation that is broken is a problem."""
    assert told in "; ".join(problems(step, outcome, printed(text)))


@pytest.mark.parametrize(
    ("outcome", "text", "told"),
    [
        (GOOD, "processes 2\n", "innocent: prints processes 2; (gone) processes 1"),
        (replace(GOOD, exit_code=1), "processes 1\n", "code 1"),
        (replace(GOOD, cpu_us=250_001), "processes 1\n", "250001 us of CPU, was 100000"),
    ],
)
def test_harm_to_the_innocent_is_named(outcome: Outcome, text: str, told: str) -> None:
    """The submission that follows must come out as before."""
    before = Judged(outcome=GOOD, output=printed("processes 1\n"))

    assert list(innocent_problems(before, before)) == []
    after = Judged(outcome=outcome, output=printed(text))
    assert told in "; ".join(innocent_problems(before, after))


def test_slowness_is_told_by_the_quickest_runs() -> None:
    """One slow run is noise; when the quickest is slow, the neighbour did it."""
    step = Step(slowdown_max=1.1)

    assert list(slowdown_problems(step, [100, 200], [109, 300])) == []
    assert "from 100 to 120" in "".join(slowdown_problems(step, [100, 200], [120, 120]))


def test_attacks_that_were_not_tried_do_not_count() -> None:
    """A machine on which nothing could be tried has held nothing off."""
    untried = AttackResult(number=1, name="x", seconds=0, tried=0, skipped=("no image",))

    report = SelftestReport(backend="docker", results=(untried,), seconds=1.0)

    assert not report.ok
    assert report.to_json() == {
        "backend": "docker", "attacks": 0, "succeeded": 0, "seconds": 1.0,
    }  # fmt: skip
