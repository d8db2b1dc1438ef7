"""The embedded servers: real, private, and gone when they should be."""

import os
import signal
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client

from api.embedded import Postgres, Redis
from api.embedded.process import SOCKET_PATH_MAX, socket_directory
from judge.errors import EngineError

pytestmark = pytest.mark.slow


async def test_postgres_keeps_data_from_start_to_start(tmp_path: Path) -> None:
    """What one start wrote the next one finds, even after the server was killed."""
    first = Postgres(tmp_path / "postgres")
    await first.start()
    connection = await first.connect("codebattle")
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
    await connection.close()
    number = int((first.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(number, signal.SIGQUIT)
    await first.wait()
    second = Postgres(tmp_path / "postgres")
    await second.start()
    try:
        connection = await second.connect("codebattle")

        assert await connection.fetchval("SELECT n FROM kept") == 42

        await connection.close()
    finally:
        await second.stop()


async def test_postgres_says_why_it_does_not_start(tmp_path: Path) -> None:
    """A server that cannot start is an error with the end of its log."""
    server = Postgres(tmp_path / "postgres", durable=False)
    await server.start()
    await server.stop()
    (server.data / "postgresql.conf").write_text("nonsense = 1\n")

    with pytest.raises(EngineError, match="nonsense"):
        await server.start()


async def test_redis_answers_on_a_private_socket_only(tmp_path: Path) -> None:
    """The socket is for its owner; there is no port."""
    server = Redis(tmp_path / "redis")
    await server.start()
    client = Client.from_url(server.url)
    try:
        assert (await client.config_get("port"))["port"] == "0"
        assert (server.sockets / "redis.sock").stat().st_mode & 0o077 == 0
        assert server.sockets.stat().st_mode & 0o077 == 0
    finally:
        await client.aclose()
        await server.stop()


def test_sockets_have_a_short_path(tmp_path: Path) -> None:
    """A data directory may have a long name; a socket's address may not."""
    deep = tmp_path / ("d" * 90) / "run"
    found = socket_directory(deep)

    assert len(str(found)) <= SOCKET_PATH_MAX
    found.rmdir()
