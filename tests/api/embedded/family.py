"""A process with embedded servers and a program below it, for tests to kill.

    family.py ROOT [--without-namespaces]

Prints one line of JSON with the process ids once all runs, and then runs until it is stopped.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
from pathlib import Path

from api.embedded import Postgres, Redis
from api.embedded.process import Program
from api.embedded.tree import Tree

CLONE_NEWUSER = 0x10000000
DEPTH_MAX = 40
# Ignores SIGTERM, and so does what it starts in a session of its own; both write down who they are.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[2] == "first":
    subprocess.Popen([*sys.orig_argv[:-1], "second"], start_new_session=True)
with open(sys.argv[1] + "/" + sys.argv[2], "w") as file:
    file.write(str(os.getpid()))
while True:
    time.sleep(60)
"""


async def main() -> None:
    """Start everything, say so, wait for SIGTERM."""
    root = Path(sys.argv[1])
    if "--without-namespaces" in sys.argv:
        _without_namespaces()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    postgres = Postgres(root / "postgres", durable=False)
    redis = Redis(root / "redis")

    async def both_run() -> bool:
        return all((root / each).exists() for each in ("first", "second"))

    stubborn = Program(
        "stubborn",
        [sys.executable, "-c", STUBBORN, str(root), "first"],
        log=root / "stubborn.log",
        answers=both_run,
        patience_s=0.5,
    )
    async with Tree(say=_say) as tree:
        await tree.start(postgres, redis)
        await tree.start(stubborn)
        connection = await postgres.connect("codebattle")
        await connection.execute("CREATE TABLE IF NOT EXISTS starts (n int)")
        await connection.execute("INSERT INTO starts VALUES (1)")
        starts = await connection.fetchval("SELECT count(*) FROM starts")
        await connection.close()
        said = {"postgres": postgres.pid, "redis": redis.pid, "starts": starts}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        await tree.run(stop)


def _say(said: str) -> None:
    sys.stderr.write(f"{said}\n")


def _without_namespaces() -> None:
    """Go down until the kernel refuses to make a user namespace below, with all users mapped."""
    for _ in range(DEPTH_MAX):
        ours = os.getpid()
        uids, gids = (_same(Path(f"/proc/self/{name}")) for name in ("uid_map", "gid_map"))
        reading, writing = os.pipe()
        outside = os.fork()
        if outside == 0:
            if os.read(reading, 1) == b"+":
                Path(f"/proc/{ours}/uid_map").write_text(uids)
                Path(f"/proc/{ours}/gid_map").write_text(gids)
            os._exit(0)
        entered = ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0
        os.write(writing, b"+" if entered else b"-")
        assert os.waitpid(outside, 0)[1] == 0
        os.close(reading)
        os.close(writing)
        if not entered:
            return
    raise AssertionError("the kernel never refuses")


def _same(map_path: Path) -> str:
    """Return a map that leaves everybody who they are."""
    rows = [line.split() for line in map_path.read_text().splitlines()]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in rows)


if __name__ == "__main__":
    asyncio.run(main())
