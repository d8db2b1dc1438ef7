"""Files in and out: what comes back, what is turned away."""

import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import Launch
from .wire import (
    DONE,
    ERROR,
    GET,
    MIB,
    PING,
    RUN,
    WIPE,
    Result,
    Warden,
    command,
    encode,
    frame,
    is_root,
)


def _get(warden: Warden, area: str, bytes_max: int = MIB) -> Result:
    result = warden.ask(GET, [("area", area), ("bytes_max", bytes_max)])
    result.files.sort(key=lambda file: file.path)
    return result


def _sh(warden: Warden, script: str, **options: Any) -> Result:
    result = warden.run("sh", "-c", script, **options)
    result.files.sort(key=lambda file: file.path)
    return result


def test_files_come_back_as_they_were_put(warden: Warden) -> None:
    """GET returns every file of an area with path, content and executable bit."""
    warden.put("/val", "a", b"")
    warden.put("/val", "deep/er/b", b"\0\xff" * 50_000, mode=1)

    result = _get(warden, "/val")

    assert str(DONE) == result["type"]
    assert [(f.path, f.executable) for f in result.files] == [("a", False), ("deep/er/b", True)]
    assert [f.data for f in result.files] == [b"", b"\0\xff" * 50_000]


def test_put_replaces_a_file(warden: Warden) -> None:
    """PUT of a path that exists replaces it, even a link a program left there."""
    _sh(warden, "ln -s /etc/hostname x; mkdir d", keep=1)
    warden.put("/box", "x", b"one")
    warden.put("/box", "x", b"two")

    assert _get(warden, "/box").files[0].data == b"two"


def test_put_goes_through_no_link(warden: Warden) -> None:
    """A planted link to a directory is not followed; the failure is told at the next request."""
    _sh(warden, "ln -s /tmp way", keep=1)
    warden.put("/box", "way/file", b"x")

    error = warden.ask(PING)

    assert str(ERROR) == error["type"]
    assert error["message"] == "PUT /box/way/file: Not a directory"
    assert str(DONE) == warden.ask(PING)["type"]


def test_failed_put_stops_the_run_that_needs_it(warden: Warden) -> None:
    """After a failed PUT the next RUN is not started, its input is swallowed."""
    warden.put("/box", "f", b"")
    warden.put("/box", "f/g", b"x" * 100_000)

    assert str(ERROR) == warden.run("cat", stdin=b"y" * 200_000)["type"]
    assert warden.run("cat", stdin=b"y").output == b"y"


def test_put_in_a_full_area_fails_cleanly(warden: Warden) -> None:
    """A file that cannot be made, a directory standing in its place, is an ERROR and no more."""
    warden.put("/prog", "d/f", b"x")
    warden.put("/prog", "d", b"x")

    assert "Is a directory" in warden.ask(PING)["message"]


def test_program_area_is_read_only_for_a_run(warden: Warden) -> None:
    """A run can execute and read the program but not change it."""
    warden.put("/prog", "data", b"x")

    result = _sh(warden, "cat /prog/data; echo y > /prog/data; rm -f /prog/probe; touch /prog/new")

    if warden.ready["single_uid"] == "0":
        assert result.output == b"x"
        assert [f.data for f in _get(warden, "/prog", 8 * MIB).files if f.path == "data"] == [b"x"]


def test_validator_area_is_closed_to_a_run(warden: Warden) -> None:
    """A run can neither list nor read the validator's files."""
    warden.put("/val", "answer", b"secret")

    result = _sh(warden, "ls /val; cat /val/answer")

    if warden.ready["single_uid"] == "0":
        assert result.output == b""


def test_get_refuses_to_cut(warden: Warden) -> None:
    """GET of more than its bound is an ERROR, never a silent part."""
    warden.put("/val", "a", b"x" * 1000)

    assert str(ERROR) == _get(warden, "/val", 999)["type"]
    assert str(DONE) == _get(warden, "/val", 1000)["type"]


def test_collect_names_files_and_directories(warden: Warden) -> None:
    """Collected paths are relative to the working directory; missing ones are no error."""
    result = _sh(
        warden,
        "mkdir -p d/e; echo 1 > a; echo 2 > d/b; echo 3 > d/e/c; echo 4 > not-asked",
        collect=["a", "d/", "missing", "missing-too/"],
    )

    assert [(f.path, f.data) for f in result.files] == [
        ("a", b"1\n"),
        ("d/b", b"2\n"),
        ("d/e/c", b"3\n"),
    ]
    assert "collect_cut" not in result.fields


ATTACKS = {
    "symlink": "ln -s /etc/passwd d/x",
    "symlink to nowhere": "ln -s /nowhere d/x",
    "fifo": "mkfifo d/x",
    "unreadable": "echo 1 > d/x; chmod 0 d/x",
    "directory link": "ln -s /etc d/x",
    "huge sparse file": "truncate -s 30M d/x",
    "deep": "cd d; for i in $(seq 100); do mkdir x; cd x; done; echo 1 > y",
    "closed directory": "mkdir d/x; echo 1 > d/x/y; chmod 0 d/x",
}


@pytest.mark.parametrize("script", ATTACKS.values(), ids=ATTACKS.keys())
def test_collect_takes_plain_files_only(warden: Warden, script: str) -> None:
    """What is not a plain file within the bounds is left out and the cut is told."""
    result = _sh(warden, f"mkdir d; echo ok > d/good; {script}", collect=["d/"])

    assert [(f.path, f.data) for f in result.files] == [("d/good", b"ok\n")]
    assert result["collect_cut"] == "1"


def test_collect_of_a_named_attack(warden: Warden) -> None:
    """A link, FIFO, device link or directory under the very name asked for is left out."""
    result = _sh(
        warden,
        "ln -s /etc/passwd a; mkfifo b; ln -s /dev/zero c; mkdir d; ln -s / e",
        collect=["a", "b", "c", "d", "e/", "e/etc/passwd"],
    )

    assert result.files == []
    assert result["collect_cut"] == "1"


@pytest.mark.skipif(not is_root(), reason="needs root to make another owner's file")
def test_collect_takes_no_foreign_file(launch: Launch, tmp_path: Path) -> None:
    """A file of another owner, as a hard link brings it into an area, is not collected."""
    for name, owner in (("theirs", 61000), ("mine", 61001)):
        (tmp_path / name).write_text(name)
        os.chown(tmp_path / name, owner, owner)
    warden = launch(mounts=("--bind", str(tmp_path), "/box"))

    result = warden.run("true", collect=["theirs", "mine"])

    assert [file.path for file in result.files] == ["mine"]
    assert result["collect_cut"] == "1"


def test_run_cannot_write_where_the_compiler_could(warden: Warden) -> None:
    """What a compilation leaves open in /prog is closed before anything runs there."""
    opened = "umask 0; mkdir -p d/e; echo 1 > d/e/f; chmod 777 . d d/e; chmod 666 d/e/f"
    warden.run("sh", "-c", opened, role="compile", cwd="/prog")

    script = "for p in x d/x d/e/x d/e/f; do echo 2 > /prog/$p; done; cat /prog/d/e/f"
    result = _sh(warden, script)

    if warden.ready["single_uid"] == "0":
        assert result.output == b"1\n"
        assert _sh(warden, "find /prog -perm /022 -not -type l").output == b""


def test_program_that_cannot_be_closed_is_removed(warden: Warden) -> None:
    """A tree in /prog that resists being closed is not there for a run."""
    deep = "for i in $(seq 60); do mkdir -m 777 d; cd d; done"
    warden.run("sh", "-c", deep, role="compile", cwd="/prog")

    assert _sh(warden, "ls -A /prog").output == b""


def test_collect_bound_is_kept(warden: Warden) -> None:
    """Files that do not fit the bound are left out, smaller ones still come."""
    result = _sh(
        warden,
        "head -c 600 /dev/zero > a; head -c 600 /dev/zero > b; head -c 10 /dev/zero > c",
        collect=["a", "b", "c"],
        collect_bytes=1000,
    )

    assert [f.path for f in result.files] == ["a", "c"]
    assert result["collect_cut"] == "1"


def test_kept_files_are_there_for_the_next_run(warden: Warden) -> None:
    """`keep` leaves the box as it is; without it the next run finds it empty."""
    _sh(warden, "echo 1 > a", keep=1)
    kept = _sh(warden, "cat a")
    gone = _sh(warden, "ls -A")

    assert (kept.output, gone.output) == (b"1\n", b"")


def test_wipe_forgets_a_failed_put(warden: Warden) -> None:
    """WIPE starts over: a PUT that failed before it is of no interest any more."""
    warden.put("/box", "f", b"")
    warden.put("/box", "f/g", b"")

    assert warden.ask(WIPE)["left"] == "0"


def test_files_sent_ahead_of_their_run_are_there(warden: Warden) -> None:
    """PUT and RUN may travel together."""
    head = encode([("area", "/box"), ("path", "in"), ("mode", 0), ("size", 2)])
    run = encode(command("cat", "in"))
    warden.send(frame(3, 1, head) + frame(4, 1, b"hi") + frame(RUN, 2, run))

    assert warden.result().output == b"hi"
