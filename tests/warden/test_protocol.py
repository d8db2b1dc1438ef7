"""The stream itself: order, bad frames, cancelling, and its end."""

import struct
from pathlib import Path

import pytest

from .conftest import Launch
from .wire import (
    CANCEL,
    DATA,
    DONE,
    ERROR,
    GET,
    HEADER,
    HELLO,
    MIB,
    PAIR,
    PING,
    PUT,
    READY,
    REPORT,
    RUN,
    WIPE,
    GoneError,
    Warden,
    command,
    encode,
    frame,
    jail,
    wait_for,
)


def test_hello_is_answered_by_what_warden_is(warden: Warden) -> None:
    """READY names the versions, the accounting and the three uids."""
    assert str(READY) == warden.ready["type"]
    assert warden.ready["version"] == "1"
    assert warden.ready["accounting"] == "sampling"
    assert len(warden.ready["uids"].split(",")) == 3
    assert "pid1" not in warden.ready.fields


def test_uid_base_is_an_option(launch: Launch) -> None:
    """Slots keep their uids apart with --uid-base."""
    warden = launch("--uid-base", "62004")

    if warden.ready["single_uid"] == "0":
        assert warden.ready["uids"] == "62004,62005,62006"
        assert warden.run("id", "-u").output == b"62005\n"


def test_ping_is_answered(warden: Warden) -> None:
    """PING shows that warden is alive."""
    assert {"type": str(DONE), "left": "0", "killed": "0"} == warden.ask(PING).fields


def test_answers_repeat_the_request(warden: Warden) -> None:
    """Every frame of an answer carries the number of its request."""
    warden.send(frame(PING, 4711) + frame(RUN, 4712, encode(command("/prog/probe", "say", "1"))))

    assert [warden.read()[1] for _ in range(3)] == [4711, 4712, 4712]


def test_requests_may_be_sent_ahead(warden: Warden) -> None:
    """Requests wait in the pipe and are answered in order."""
    ahead = b"".join(
        frame(RUN, n, encode(command("/prog/probe", "exit", str(n)))) for n in range(20)
    )
    warden.send(ahead + frame(PING, 99))

    assert list(range(20)) == [warden.result().number("exit_code") for _ in range(20)]
    assert str(DONE) == warden.result()["type"]


def test_frames_may_arrive_in_pieces(warden: Warden) -> None:
    """A frame means the same however the stream cuts it."""
    for byte in frame(RUN, 1, encode(command("/prog/probe", "say", "5"))):
        warden.send(bytes([byte]))

    assert warden.result().output == b"5\n"


GOOD = encode(command("x"))
BAD = {
    "too long": struct.pack("<IBBHI", 65537, PING, 0, 0, 1),
    "type 0": frame(0),
    "type 17": frame(17),
    "reserved byte": HEADER.pack(0, PING, 1, 0, 1),
    "reserved half": HEADER.pack(0, PING, 0, 1, 1),
    "hello again": frame(HELLO, 1, b"version=1\0"),
    "data out of place": frame(DATA, 1, b"x"),
    "an answer's type": frame(REPORT),
    "ping with payload": frame(PING, 1, b"x=1\0"),
    "wipe with payload": frame(WIPE, 1, b"\0"),
    "cancel with payload": frame(CANCEL, 1, b"\0"),
    "field without end": frame(RUN, 1, GOOD + b"keep=1"),
    "field without =": frame(RUN, 1, GOOD + b"keep\0"),
    "unknown key": frame(RUN, 1, GOOD + b"nice=1\0"),
    "key twice": frame(RUN, 1, GOOD + b"keep=1\0keep=1\0"),
    "role twice": frame(RUN, 1, GOOD + b"role=run\0"),
    "number empty": frame(RUN, 1, GOOD + b"keep=\0"),
    "number signed": frame(RUN, 1, GOOD + b"keep=+1\0"),
    "number negative": frame(RUN, 1, GOOD + b"processes=-1\0"),
    "number with space": frame(RUN, 1, GOOD + b"processes= 1\0"),
    "number huge": frame(RUN, 1, GOOD + b"processes=99999999999999999999\0"),
    "number out of range": frame(RUN, 1, GOOD + b"keep=2\0"),
    "no limits": frame(RUN, 1, b"arg=x\0role=run\0cwd=/box\0"),
    "no arg": frame(RUN, 1, encode(command())),
    "empty arg": frame(RUN, 1, encode(command(""))),
    "unknown role": frame(RUN, 1, encode(command("x", role="root"))),
    "unknown area": frame(RUN, 1, encode(command("x", cwd="/etc"))),
    "env without =": frame(RUN, 1, encode(command("x", env=["A"]))),
    "env without name": frame(RUN, 1, encode(command("x", env=["=A"]))),
    "collect upwards": frame(RUN, 1, encode(command("x", collect=["../x"]))),
    "collect absolute": frame(RUN, 1, encode(command("x", collect=["/etc/passwd"]))),
    "collect root": frame(RUN, 1, encode(command("x", collect=["/"]))),
    "data missing": frame(RUN, 1, encode(command("x", stdin_size=3))) + frame(PING),
    "data too long": frame(RUN, 1, encode(command("x", stdin_size=3))) + frame(DATA, 1, b"1234"),
    "put upwards": frame(PUT, 1, b"area=/box\0path=a/../b\0mode=0\0size=0\0"),
    "put absolute": frame(PUT, 1, b"area=/box\0path=/a\0mode=0\0size=0\0"),
    "put dot": frame(PUT, 1, b"area=/box\0path=./a\0mode=0\0size=0\0"),
    "put empty part": frame(PUT, 1, b"area=/box\0path=a//b\0mode=0\0size=0\0"),
    "put slash at end": frame(PUT, 1, b"area=/box\0path=a/\0mode=0\0size=0\0"),
    "put no name": frame(PUT, 1, b"area=/box\0path=\0mode=0\0size=0\0"),
    "put long name": frame(PUT, 1, b"area=/box\0path=%s\0mode=0\0size=0\0" % (b"n" * 256)),
    "put long path": frame(PUT, 1, b"area=/box\0path=%sx\0mode=0\0size=0\0" % (b"n/" * 2048)),
    "put into tmp": frame(PUT, 1, b"area=/tmp\0path=a\0mode=0\0size=0\0"),
    "put mode": frame(PUT, 1, b"area=/box\0path=a\0mode=7\0size=0\0"),
    "get without bound": frame(GET, 1, b"area=/box\0"),
    "pair alone": frame(PAIR) + frame(PING),
    "pair of submissions": frame(PAIR) + frame(RUN, 1, GOOD) * 2,
    "pair with input": frame(PAIR) + frame(RUN, 1, GOOD + b"stdin_size=1\0") * 2,
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_bad_frame_is_the_end(launch: Launch, bad: bytes) -> None:
    """What the protocol does not allow is answered by ERROR and ends warden with status 70."""
    warden = launch()

    warden.send(bad)

    assert str(ERROR) == warden.result()["type"]
    with pytest.raises(GoneError):
        warden.read()
    status, said = warden.close()
    assert status == 70
    assert "warden: bad frame: " in said


@pytest.mark.parametrize("first", [frame(PING), frame(HELLO, 1, b"version=2\0"), frame(HELLO)])
def test_hello_comes_first(binary: Path, first: bytes) -> None:
    """Nothing is served before HELLO of the right version."""
    warden = Warden(jail(binary))

    warden.send(first)

    assert str(ERROR) == warden.result()["type"]
    assert warden.close()[0] == 70


def test_cancel_ends_a_run(warden: Warden) -> None:
    """CANCEL kills what runs, and its report says so."""
    warden.start("/prog/probe", "sleep", "100", wall_ms=60_000)
    warden.wait_for_process("probe")
    warden.send(frame(CANCEL))

    assert warden.result()["cause"] == "cancelled"
    assert warden.probe("exit", "0")["cause"] == "exited"


def test_cancel_may_follow_at_once(warden: Warden) -> None:
    """CANCEL that was sent together with RUN counts."""
    run = frame(RUN, 1, encode(command("/prog/probe", "sleep", "100", wall_ms=60_000)))
    warden.send(run + frame(CANCEL, 1))

    assert warden.result()["cause"] == "cancelled"


def test_cancel_behind_another_request_waits(warden: Warden) -> None:
    """CANCEL counts only when it is the next frame; otherwise it comes when nothing runs."""
    run = frame(RUN, 1, encode(command("/prog/probe", "sleep", "100", wall_ms=300)))
    warden.send(run + frame(PING, 2) + frame(CANCEL, 3))

    assert warden.result()["cause"] == "wall-limit"
    assert str(DONE) == warden.result()["type"]


def test_cancel_without_a_run_is_nothing(warden: Warden) -> None:
    """CANCEL that comes too late has no effect and no answer."""
    warden.send(frame(CANCEL))

    assert warden.probe("say", "1").output == b"1\n"


def test_end_of_stream_ends_warden(warden: Warden) -> None:
    """Warden ends with status 0 when its input does."""
    assert warden.close() == (0, "")


@pytest.mark.parametrize("pid1", [True, False])
def test_end_of_stream_ends_a_run(launch: Launch, probe: Path, *, pid1: bool) -> None:
    """When the peer goes in the middle of a run, warden and everything below it goes too."""
    warden = launch(pid1=pid1)
    warden.put_program(probe, "probe")
    warden.start("/prog/probe", "daemon", cpu_ms=60_000, wall_ms=60_000)
    warden.start("/prog/probe", "touch-children", "1", cpu_ms=60_000, wall_ms=60_000)
    warden.result()
    warden.wait_for_process("probe")
    below = [pid for pid, _ in warden.descendants()]

    assert warden.close()[0] == 0
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))


def test_peer_that_stops_reading_ends_warden(warden: Warden) -> None:
    """Warden ends when nobody can read its answers any more."""
    assert warden.process.stdout is not None
    warden.selector.unregister(warden.stdout)
    warden.process.stdout.close()
    warden.send_blind(frame(PING) * 2)

    assert warden.process.wait(20) == 0


def test_outside_pid_1_it_says_so(launch: Launch, probe: Path) -> None:
    """Not being PID 1 is told in READY, and a run's descendants are found all the same."""
    warden = launch(pid1=False)
    warden.put_program(probe, "probe")

    assert warden.ready["pid1"] == "0"
    assert warden.probe("daemon").number("processes_left") == 1
    assert warden.probe("fork-bomb", cpu_ms=200, processes=30)["cause"] == "cpu-limit"
    assert warden.probe("exit", "0").number("processes_left") == 0


def test_large_input_and_output(warden: Warden) -> None:
    """Tens of megabytes pass through unchanged in both directions."""
    content = bytes(range(256)) * (32 * MIB // 256)

    result = warden.run("cat", stdin=content, output_bytes=64 * MIB)

    assert content == result.output
