"""Warden under sanitizers: a tour of its features, and its parser fed with broken frames."""

import contextlib
import random
import struct
import subprocess
from pathlib import Path

import pytest

from .conftest import Launch
from .wire import (
    CANCEL,
    DATA,
    ERROR,
    GET,
    HELLO,
    MIB,
    PING,
    PUT,
    RUN,
    WIPE,
    GoneError,
    Warden,
    command,
    encode,
    frame,
    jail,
)

pytestmark = pytest.mark.slow

SEED = 20251121
CASES = 60_000
STREAMS = 25


def test_a_tour_of_every_request(launch: Launch, sanitized: Path, probe: Path) -> None:
    """Everything warden does, once, without an error that AddressSanitizer or UBSan sees."""
    warden = launch(of=sanitized)
    warden.put_program(probe, "probe")

    echoed = warden.run("cat", stdin=b"x" * MIB, output_bytes=2 * MIB)
    assert echoed.output == b"x" * MIB
    for behaviour in ("stderr-flood 4", "stdout-flood 4", "daemon", "nasty-tree 50", "mark-top"):
        assert warden.probe(*behaviour.split())["cause"] in {"exited", "output-limit"}
    for behaviour in ("fork-bomb", "burn 9999", "touch-children 20", "sleep 99"):
        limited = warden.probe(
            *behaviour.split(), cpu_ms=200, wall_ms=600, memory_bytes=48 * MIB, processes=30
        )
        assert limited["cause"].endswith("-limit")
    collected = warden.run("sh", "-c", "mkdir d; echo 1 >d/a; mkfifo d/b", collect=["d/", "e"])
    assert [file.path for file in collected.files] == ["d/a"]
    warden.pair(
        command("/prog/probe", "ping"),
        command("/prog/probe", "judge", role="validate", cwd="/val"),
    )
    warden.put("/box", "a", b"")
    warden.put("/box", "a/b", b"")
    assert str(ERROR) == warden.ask(PING)["type"]
    assert len(warden.ask(GET, [("area", "/prog"), ("bytes_max", 8 * MIB)]).files) == 1
    assert warden.run("nowhere")["cause"] == "exec-failed"
    assert warden.ask(WIPE)["left"] == "0"

    assert warden.close() == (0, "")


def _mutations(rng: random.Random) -> bytes:
    """Return one case: well-formed frames, then damaged in a few places."""
    run = encode(
        command("a", "b", env=["A=1"], collect=["x", "d/"], keep=1, stack_bytes=5, processes=3)
    )
    whole = [
        frame(HELLO, 1, b"version=1\0"),
        frame(PUT, 2, b"area=/box\0path=a/b\0mode=1\0size=10\0"),
        frame(RUN, 3, run),
        frame(GET, 4, b"area=/val\0bytes_max=5\0"),
        frame(DATA, 5, b"0123456789"),
        frame(PING),
        frame(CANCEL),
    ]
    case = bytearray(b"".join(rng.choices(whole, k=rng.randint(1, 3))))
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(len(case) + 1)
        match rng.randrange(5):
            case 0:
                case[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                case[at : at + rng.randint(1, 8)] = b""
            case 2:
                case[at:at] = rng.choice([b"\0", b"=", b"/", b"..", b"\xff" * 8, b"9" * 30])
            case 3:
                del case[at:]
            case _:
                case[at:at] = bytes(case[: rng.randint(0, 64)])
    return bytes(case)


def test_parser_bears_broken_frames(fuzzer: Path) -> None:
    """Tens of thousands of damaged streams are parsed or turned away, never misread."""
    rng = random.Random(SEED)
    cases = [_mutations(rng) for _ in range(CASES)]

    done = subprocess.run(
        [fuzzer],
        input=b"".join(struct.pack("<I", len(case)) + case for case in cases),
        capture_output=True,
        timeout=60,
        check=False,
        env={"ASAN_OPTIONS": "detect_leaks=0"},
    )

    assert (done.returncode, done.stderr) == (0, b"")
    words = done.stdout.split()
    assert int(words[1]) > CASES // 10
    assert int(words[3]) > CASES // 10


def test_whole_warden_bears_broken_streams(sanitized: Path) -> None:
    """Damaged streams end warden with status 0 or 70 and never with a sanitizer's report."""
    rng = random.Random(SEED)
    for _ in range(STREAMS):
        warden = Warden(jail(sanitized))
        warden.hello()
        with contextlib.suppress(GoneError):
            warden.send(_mutations(rng) + frame(PING, 77))

        status, said = warden.close()

        assert status in {0, 70}
        assert "Sanitizer" not in said
        assert "runtime error" not in said
