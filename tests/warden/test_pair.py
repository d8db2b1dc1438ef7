"""Two programs joined stdout to stdin."""

from pathlib import Path

import pytest

from .conftest import Launch
from .wire import ERROR, MIB, Fields, Result, Warden, command


def _submission(*argv: str, **options: object) -> Fields:
    return command("/prog/probe", *argv, **options)  # type: ignore[arg-type]


def _validator(*argv: str, **options: object) -> Fields:
    return command("/prog/probe", *argv, role="validate", cwd="/val", **options)  # type: ignore[arg-type]


def _status(result: Result) -> tuple[str, int]:
    return result["cause"], int(result.fields.get("exit_code", -1))


def test_a_conversation(warden: Warden) -> None:
    """Both sides talk until both exit; each has its own report."""
    submission, validator = warden.pair(_submission("ping"), _validator("judge", "1"))

    assert _status(submission) == ("exited", 0)
    assert _status(validator) == ("exited", 42)
    assert submission.number("output_bytes") == 0


def test_validator_that_rejects_ends_the_submission(warden: Warden) -> None:
    """After any status but 42 the submission is cancelled at once; the validator was first."""
    submission, validator = warden.pair(
        _submission("sleep", "100", wall_ms=60_000), _validator("exit", "43")
    )

    assert _status(validator) == ("exited", 43)
    assert submission["cause"] == "cancelled"
    assert validator["first"] == "1"
    assert "first" not in submission.fields


def test_submission_may_finish_after_acceptance(warden: Warden) -> None:
    """After 42 the submission goes on to its own end, or to its limits."""
    submission, validator = warden.pair(_submission("read-all", "5"), _validator("exit", "42"))
    assert [_status(submission), _status(validator)] == [("exited", 5), ("exited", 42)]

    submission, validator = warden.pair(
        _submission("burn", "10000", cpu_ms=200), _validator("exit", "42")
    )
    assert [submission["cause"], validator["cause"]] == ["cpu-limit", "exited"]


def test_validator_reads_end_of_file_when_the_submission_ends(warden: Warden) -> None:
    """The validator goes on after the submission, even one whose child held the pipe open."""
    for behaviour in ("exit", "hold-pipe"):
        submission, validator = warden.pair(_submission(behaviour), _validator("read-all", "43"))

        assert _status(submission) == ("exited", 0)
        assert _status(validator) == ("exited", 43)
        assert submission["first"] == "1"


def test_who_ended_first_is_certain(warden: Warden) -> None:
    """However the kernel schedules the two, cause comes before effect."""
    for _ in range(25):
        submission, _ = warden.pair(_submission("say", "1"), _validator("read-all", "43"))
        assert submission.fields.get("first") == "1"
        _, validator = warden.pair(_submission("read-all", "1"), _validator("exit", "42"))
        assert validator.fields.get("first") == "1"


def test_a_validator_s_closed_stream_is_seen_while_it_lives(warden: Warden) -> None:
    """A submission that waits for a validator which has closed its output is not left waiting."""
    submission, validator = warden.pair(
        _submission("read-all", "0"), _validator("close-and-read", "42", wall_ms=6000)
    )

    assert [_status(submission), _status(validator)] == [("exited", 0), ("exited", 42)]
    assert submission["first"] == "1"


def test_a_submission_that_closes_its_output_has_not_ended(warden: Warden) -> None:
    """The validator reads end of file when the submission has ended, so its end decides."""
    submission, validator = warden.pair(
        _submission("close-and-read", "0", wall_ms=400), _validator("read-all", "43")
    )

    assert submission["cause"] == "wall-limit"
    assert _status(validator) == ("exited", 43)
    assert submission["first"] == "1"


@pytest.mark.parametrize(("mebibytes", "cause"), [("1", "exited"), ("64", "signalled")])
def test_a_validator_may_answer_a_submission_that_has_ended(
    warden: Warden, mebibytes: str, cause: str
) -> None:
    """No broken pipe ends a validator that still writes, unless it never stops."""
    submission, validator = warden.pair(
        _submission("exit"), _validator("stdout-flood", mebibytes, wall_ms=20_000)
    )

    assert _status(submission) == ("exited", 0)
    assert validator["cause"] == cause


def test_a_submission_may_write_to_a_validator_that_has_accepted(warden: Warden) -> None:
    """Its last word hurts nobody; one that never stops gets SIGPIPE."""
    submission, _ = warden.pair(_submission("stdout-flood", "1"), _validator("exit", "42"))
    assert _status(submission) == ("exited", 0)

    submission, _ = warden.pair(_submission("stdout-flood", "64"), _validator("exit", "42"))
    assert (submission["cause"], submission.number("signal")) == ("signalled", 13)


@pytest.mark.parametrize(
    ("behaviour", "limits", "cause"),
    [
        ("burn 10000", {"cpu_ms": 150}, "cpu-limit"),
        ("burn-children 10000", {"cpu_ms": 150}, "cpu-limit"),
        ("sleep 100", {"wall_ms": 200}, "wall-limit"),
        ("touch 64", {"memory_bytes": 32 * MIB}, "memory-limit"),
        ("fork-bomb", {"cpu_ms": 200, "processes": 30}, "cpu-limit"),
    ],
)
def test_submission_breaks_its_limit(
    warden: Warden, behaviour: str, limits: dict[str, int], cause: str
) -> None:
    """A submission's limit ends the submission alone; the validator still judges."""
    submission, validator = warden.pair(
        _submission(*behaviour.split(), **limits), _validator("read-all", "43")
    )

    assert cause == submission["cause"]
    assert _status(validator) == ("exited", 43)


@pytest.mark.parametrize(
    ("behaviour", "limits", "cause"),
    [
        ("burn 10000", {"cpu_ms": 150}, "cpu-limit"),
        ("sleep 100", {"wall_ms": 200}, "wall-limit"),
        ("touch 64", {"memory_bytes": 32 * MIB}, "memory-limit"),
    ],
)
def test_validator_breaks_its_limit(
    warden: Warden, behaviour: str, limits: dict[str, int], cause: str
) -> None:
    """A validator's limit is the validator's: its CPU and memory are not the submission's."""
    submission, validator = warden.pair(
        _submission("read-all", "0"), _validator(*behaviour.split(), **limits)
    )

    assert cause == validator["cause"]
    assert submission["cause"] in {"exited", "cancelled"}
    assert submission.number("cpu_us") < 60_000
    assert submission.number("memory_bytes") < 8 * MIB


def test_either_may_not_start(warden: Warden) -> None:
    """A side that cannot be executed says so; the other is treated as if it had ended."""
    submission, validator = warden.pair(command("no-such"), _validator("read-all", "43"))
    assert [submission["cause"], validator["cause"]] == ["exec-failed", "exited"]

    submission, validator = warden.pair(
        _submission("sleep", "9"), command("no-such", role="validate", cwd="/val")
    )
    assert [submission["cause"], validator["cause"]] == ["cancelled", "exec-failed"]


def test_the_validator_is_out_of_reach(warden: Warden) -> None:
    """A submission that signals everybody does not end its validator."""
    submission, validator = warden.pair(_submission("kill-all"), _validator("read-all", "43"))

    assert submission["cause"] == "exited"
    if warden.ready["single_uid"] == "0":
        assert _status(validator) == ("exited", 43)


def test_standard_error_and_files_belong_to_their_side(warden: Warden) -> None:
    """Each report is preceded by its own side's standard error and collected files."""
    sides = [("run", "/box", "s"), ("validate", "/val", "v")]
    commands = [
        command(
            "sh",
            "-c",
            f"echo {word} >&2; echo {word} > f; exit 42",
            role=role,
            cwd=cwd,
            collect=["f"],
        )
        for role, cwd, word in sides
    ]

    submission, validator = warden.pair(*commands)

    assert [submission.stderr, validator.stderr] == [b"s\n", b"v\n"]
    assert [submission.files[0].data, validator.files[0].data] == [b"s\n", b"v\n"]


def test_keep_is_each_side_s_own(warden: Warden) -> None:
    """In a pair `keep` of the submission is about /box, of the validator about /val."""
    script = ("sh", "-c", "echo 1 > kept")
    warden.pair(command(*script), command(*script, role="validate", cwd="/val", keep=1))

    assert warden.run("ls", keep=1).output == b""
    assert warden.run("ls", role="validate", cwd="/val").output == b"kept\n"


def test_cancel_ends_both(warden: Warden) -> None:
    """CANCEL ends both sides of a pair."""
    warden.send_pair(
        _submission("sleep", "100", wall_ms=60_000), _validator("sleep", "100", wall_ms=60_000)
    )
    warden.wait_for_process("probe")
    warden.cancel()

    assert [warden.result()["cause"], warden.result()["cause"]] == ["cancelled", "cancelled"]


def test_a_pair_without_root(launch: Launch, probe: Path) -> None:
    """In single-uid mode the sides are told apart by their sessions."""
    warden = launch(single_uid=True)
    warden.put_program(probe, "probe")

    submission, validator = warden.pair(_submission("hold-pipe"), _validator("read-all", "43"))

    assert warden.ready["single_uid"] == "1"
    assert [_status(submission), _status(validator)] == [("exited", 0), ("exited", 43)]


def test_failed_put_stops_a_pair(warden: Warden) -> None:
    """A pair is answered by one ERROR when a file it needs could not be placed."""
    warden.put("/val", "f", b"")
    warden.put("/val", "f/g", b"")

    refused, _ = warden.pair(_submission("ping"), _validator("judge"))

    assert str(ERROR) == refused["type"]
    assert warden.probe("exit", "0")["cause"] == "exited"
