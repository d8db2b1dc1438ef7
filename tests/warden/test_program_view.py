"""What a program finds when it starts."""

import signal
from pathlib import Path

from .conftest import Launch
from .wire import Warden, command


def test_a_clean_start(warden: Warden) -> None:
    """A program has its role's identity, its limits, three descriptors and nothing of ours."""
    result = warden.probe("self", stdin=b"input", open_files=40)
    facts = dict(line.split(" ", 1) for line in result.output.decode().splitlines())
    uid = warden.ready["uids"].split(",")[1]

    assert {
        "uid": f"{uid} {uid}",
        "gid": uid,
        "groups": "0",
        "session": "own",
        "umask": "22",
        "fds": "3",
        "blocked": "0",
        "ignored": "0",
        "cwd": "/box",
        "nnp": "1",
        "deathsig": "9",
        "core": "0",
        "nofile": "40",
        "input": "read-only",
        "position": "0",
        "write-input": "no",
    } == facts


def test_no_signal_is_ignored_that_our_starter_ignored(launch: Launch, probe: Path) -> None:
    """Ignored by a service started with `nohup … &`, signals are at default in its programs."""
    numbers = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        warden = launch()
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    warden.put_program(probe, "probe")

    assert b"ignored 0\n" in warden.probe("self").output


def test_environment_is_exactly_what_was_given(warden: Warden) -> None:
    """No variable reaches the program but those of the request."""
    result = warden.run("/usr/bin/env", env=["A=1", "B=x=y", "C="])

    assert result.output == b"A=1\nB=x=y\nC=\n"


def test_path_is_searched_as_given(warden: Warden) -> None:
    """A name without a slash is looked up in the request's PATH, or in a default without one."""
    assert warden.run("probe", "say", "1", env=["PATH=/nowhere:/prog"]).output == b"1\n"
    assert warden.run("probe", env=["PATH=/usr/bin"])["cause"] == "exec-failed"
    assert warden.run("true", env=[])["cause"] == "exited"


def test_empty_input_is_end_of_file(warden: Warden) -> None:
    """Without input a program reads end of file at once."""
    assert warden.run("cat").output == b""


def test_streams_can_be_opened_by_name(warden: Warden) -> None:
    """/dev/stdin, /dev/stdout and /dev/stderr can be opened, as programs in scripts do."""
    result = warden.probe("reopen", stdin=b"i")

    assert (result.output, result.stderr) == (b"i", b"e")
    assert result.number("exit_code") == 0


def test_streams_of_a_pair_can_be_opened_by_name(warden: Warden) -> None:
    """The pipes between a submission and a validator can be opened by name too."""
    script = "echo question > /dev/stdout; read answer < /dev/stdin; echo $answer >&2; exit 42"
    submission, validator = warden.pair(
        command("sh", "-c", "read q < /dev/stdin; echo got $q > /dev/stdout"),
        command("sh", "-c", script, role="validate", cwd="/val"),
    )

    assert validator.stderr == b"got question\n"
    assert submission["cause"] == "exited"


def test_warden_is_closed_to_programs(warden: Warden) -> None:
    """A program can open nothing of warden's in /proc and cannot signal it."""
    result = warden.probe("poke-warden")

    if warden.ready["single_uid"] == "0":
        assert result.output == b""
    assert warden.probe("exit", "0")["cause"] == "exited"


def test_single_uid_warden_is_closed_too(single: Warden) -> None:
    """Without a second uid warden's memory and files are still out of reach."""
    result = single.probe("poke-warden")

    assert b"/proc/1" not in result.output
    assert single.probe("exit", "0")["cause"] == "exited"
