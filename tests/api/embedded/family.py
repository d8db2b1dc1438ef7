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
UIDS = 65536
# Starts a process in a session of its own that ignores SIGTERM; both name the root.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[2] == "first":
    subprocess.Popen([*sys.orig_argv[:-1], "second"], start_new_session=True)
open(sys.argv[1] + "/" + sys.argv[2], "w").close()
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
    async with Tree(say=print) as tree:
        await tree.start(postgres, redis)
        await tree.start(stubborn)
        connection = await postgres.connect("codebattle")
        await connection.execute("CREATE TABLE IF NOT EXISTS starts (n int)")
        await connection.execute("INSERT INTO starts VALUES (1)")
        starts = await connection.fetchval("SELECT count(*) FROM starts")
        await connection.close()
        owner = Path(f"/proc/{postgres.pid}").stat().st_uid
        said = {"postgres": postgres.pid, "redis": redis.pid, "starts": starts, "owner": owner}
        print(json.dumps(said), flush=True)
        await tree.run(stop)


def _without_namespaces() -> None:
    """Enter a namespace with all users in which the kernel refuses to make another one."""
    ours = os.getpid()
    reading, writing = os.pipe()
    outside = os.fork()
    if outside == 0:
        os.read(reading, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{ours}/{name}").write_text(f"0 0 {UIDS}")
        os._exit(0)
    assert ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0
    os.write(writing, b".")
    assert os.waitpid(outside, 0)[1] == 0
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


if __name__ == "__main__":
    asyncio.run(main())
