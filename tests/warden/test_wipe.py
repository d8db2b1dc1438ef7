"""Every writable place is empty again, whatever was built there."""

from pathlib import Path

import pytest

from .conftest import Launch
from .wire import DONE, ERROR, GET, PING, WIPE, Warden


def _left(warden: Warden) -> bytes:
    return warden.run("sh", "-c", "find /box /tmp /dev/shm -mindepth 1").output


@pytest.mark.parametrize("place", ["/box", "/tmp", "/dev/shm"])
def test_nasty_tree_is_gone(warden: Warden, place: str) -> None:
    """Closed directories, odd types and paths too long to name do not outlive their run."""
    built = warden.run("sh", "-c", f"cd {place} && exec /prog/probe nasty-tree 60", cpu_ms=10_000)

    assert built.output == b"done\n"
    assert _left(warden) == b""
    assert str(DONE) == warden.ask(PING)["type"]


def test_very_deep_tree_is_gone(warden: Warden) -> None:
    """Two thousand levels of 255-byte names are removed without recursion."""
    warden.probe("nasty-tree", "2000", cpu_ms=20_000, wall_ms=20_000)

    assert _left(warden) == b""


def test_many_files_are_gone(warden: Warden) -> None:
    """Twenty thousand files nobody may read are removed at once."""
    result = warden.probe("many-files", "20000", cpu_ms=20_000, wall_ms=20_000)

    assert result["cause"] == "exited"
    assert _left(warden) == b""


def test_each_role_leaves_nothing_in_shared_places(warden: Warden) -> None:
    """What any role leaves in /tmp and /dev/shm is gone for the next, sticky or not."""
    for role, cwd in (("compile", "/prog"), ("run", "/box"), ("validate", "/val")):
        script = "umask 0; for d in /tmp /dev/shm; do mkdir -p $d/x/y; echo 1 > $d/x/y/z; done"
        warden.run("sh", "-c", script, role=role, cwd=cwd)

        assert _left(warden) == b""


def test_program_outlives_runs_but_not_a_wipe(warden: Warden) -> None:
    """/prog is emptied by WIPE only."""
    assert warden.probe("exit", "0")["cause"] == "exited"

    done = warden.ask(WIPE)

    assert (done["left"], done["killed"]) == ("0", "0")
    assert warden.probe("exit", "0")["cause"] == "exec-failed"
    assert warden.ask(GET, [("area", "/prog"), ("bytes_max", 1)]).files == []


def test_marks_on_the_area_itself_are_gone(warden: Warden) -> None:
    """Mode and attributes that a program sets on its area do not reach the next program."""
    warden.probe("mark-top")

    result = warden.probe("find-mark")

    assert result.output == b"700 clean\n"


def test_what_cannot_be_wiped_retires_the_sandbox(launch: Launch) -> None:
    """A left-over that withstands is told, and every later request is refused as dirty."""
    warden = launch(mounts=("--tmpfs", "/box/stuck"))

    assert warden.run("true")["cause"] == "exited"
    refused = warden.run("true", stdin=b"x" * 100_000)

    assert str(ERROR) == refused["type"]
    assert refused["message"] == "dirty: 1 entries left in /box"
    assert str(ERROR) == warden.ask(PING)["type"]


def test_wipe_counts_what_is_left(launch: Launch) -> None:
    """DONE of a WIPE says how many entries withstood."""
    warden = launch(mounts=("--tmpfs", "/val/stuck"))

    assert warden.ask(WIPE)["left"] == "1"


def test_shared_places_are_empty_at_the_start(launch: Launch, probe: Path) -> None:
    """What the sandbox's maker left in /tmp is gone before the first request."""
    warden = launch(mounts=("--dir", "/tmp/left"))
    warden.put_program(probe, "probe")

    assert _left(warden) == b""
