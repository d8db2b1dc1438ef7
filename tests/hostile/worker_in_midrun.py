"""A worker for `test_worker_killed`: starts a run that lasts, says so, and waits to be killed."""

import asyncio
import sys

from judge.limits import MIB
from judge.sandbox.base import Command, Role, RunLimits

from .slots import open_launcher

# A child in a session of its own, so that no process group reaches it.
PROGRAM = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
print("running", flush=True)
time.sleep(600)
"""


class Announcer:
    """A sink that tells the test what arrives."""

    def write(self, data: bytes, /) -> None:
        """Pass the program's words on."""
        sys.stdout.write(data.decode())
        sys.stdout.flush()


async def main(backend: str, marker: str) -> None:
    """Run until killed."""
    launcher = open_launcher(backend)
    sandbox = await launcher.launch("python3", cpu=0, index=0)
    print("launched", flush=True)  # noqa: T201 - the test waits for this line
    command = Command(
        argv=("python3", "-c", PROGRAM, marker),
        role=Role.RUN,
        limits=RunLimits(cpu_ms=600_000, wall_ms=600_000, memory_bytes=256 * MIB, output_bytes=MIB),
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    )
    await sandbox.run(command, Announcer())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
