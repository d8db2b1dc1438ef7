"""Every limit of a run, on every backend."""

import pytest

from judge.limits import KIB, MIB
from judge.sandbox.base import Area, Cause, File, Sandbox
from judge.spool import Spool

from .commands import command, has_one_uid, python, shell

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_cpu_time(sandbox: Sandbox) -> None:
    """A loop is stopped soon after its limit."""
    outcome = await sandbox.run(shell("while :; do :; done", cpu_ms=300))

    assert outcome.cause is Cause.CPU_LIMIT
    assert 300_000 <= outcome.cpu_us < 500_000


async def test_cpu_time_of_children(sandbox: Sandbox) -> None:
    """Spinners share one limit."""
    spin = "while :; do :; done"
    outcome = await sandbox.run(shell(f"({spin}) & ({spin}) & wait", cpu_ms=400))

    assert outcome.cause is Cause.CPU_LIMIT
    assert 400_000 <= outcome.cpu_us < 700_000


async def test_wall_time(sandbox: Sandbox) -> None:
    """Sleeping does not save a program from the wall limit."""
    outcome = await sandbox.run(command("sleep", "100", wall_ms=300))

    assert outcome.cause is Cause.WALL_LIMIT
    assert outcome.wall_us >= 300_000
    assert outcome.cpu_us < 100_000


async def test_memory(sandbox: Sandbox) -> None:
    """Touching more than the limit is a memory limit, not a crash."""
    outcome = await sandbox.run(python("b'x' * (400 << 20)", memory_bytes=200 * MIB))

    assert outcome.cause is Cause.MEMORY_LIMIT


async def test_memory_below_the_limit(sandbox: Sandbox) -> None:
    """Nine tenths of the limit are fine."""
    outcome = await sandbox.run(python("b'x' * (180 << 20)", memory_bytes=220 * MIB))

    assert outcome.ok, outcome
    assert 180 * MIB <= outcome.memory_bytes <= 220 * MIB


@pytest.mark.slow
async def test_memory_above_what_sandboxes_usually_get(sandbox: Sandbox) -> None:
    """A generous limit is granted, whatever the sandbox was started with."""
    script = "x = bytearray(2800 << 20); x[::4096] = b'x' * len(x[::4096])"

    # A virtual machine may take a second and a half to hand out a gigabyte.
    bounds = {"memory_bytes": 3500 * MIB, "cpu_ms": 20_000, "wall_ms": 40_000}
    outcome = await sandbox.run(python(script, **bounds))

    assert outcome.ok, outcome
    assert outcome.memory_bytes >= 2800 * MIB


async def test_shared_memory_counts(sandbox: Sandbox) -> None:
    """Memory is memory, wherever it was put."""
    outcome = await sandbox.run(
        shell("head -c 150M /dev/zero > /dev/shm/x; sleep 1", memory_bytes=64 * MIB,
              file_bytes=200 * MIB)
    )  # fmt: skip

    if sandbox.info.memory_accounting == "sampling":
        assert outcome.cause in {Cause.MEMORY_LIMIT, Cause.EXITED}  # bounded by the place's size
    else:
        assert outcome.cause is Cause.MEMORY_LIMIT


async def test_output(sandbox: Sandbox) -> None:
    """One byte too many is an output limit; the sink gets no more than the limit."""
    with Spool() as output:
        outcome = await sandbox.run(shell("head -c 1025 /dev/zero", output_bytes=KIB), output)

        assert outcome.cause is Cause.OUTPUT_LIMIT
        assert output.size == KIB


async def test_output_flood(sandbox: Sandbox) -> None:
    """An endless writer is stopped by the time limit, or by the one on the size of files."""
    with Spool() as output:
        endless = command("cat", "/dev/zero", output_bytes=4 * MIB, cpu_ms=300)
        outcome = await sandbox.run(endless, output)

        assert outcome.cause in {Cause.CPU_LIMIT, Cause.OUTPUT_LIMIT}
        assert output.size == 4 * MIB


async def test_file_size(sandbox: Sandbox) -> None:
    """A file cannot grow beyond its limit."""
    script = "head -c 9M /dev/zero > big; stat -c %s big"
    with Spool() as output:
        await sandbox.run(shell(script, file_bytes=8 * MIB), output)

        assert int(output.head(99)) == 8 * MIB


async def test_disk(sandbox: Sandbox) -> None:
    """All the files together fill a place of bounded size."""
    script = "for i in $(seq 20); do head -c 60M /dev/zero > f$i || exit 9; done"

    outcome = await sandbox.run(shell(script, memory_bytes=2000 * MIB))

    assert outcome.exit_code == 9


async def test_inodes(sandbox: Sandbox) -> None:
    """The number of files is bounded."""
    script = "import itertools\nfor i in itertools.count(): open(str(i), 'x').close()"

    outcome = await sandbox.run(python(script))

    assert outcome.exit_code == 1
    assert b"No space left" in outcome.stderr


async def test_processes(sandbox: Sandbox) -> None:
    """Processes beyond the limit cannot be made."""
    script = "for i in $(seq 40); do sleep 20 & done; exit 0"

    outcome = await sandbox.run(shell(script, processes=20, wall_ms=2000))

    assert b"fork" in outcome.stderr
    assert outcome.cause in {Cause.EXITED, Cause.WALL_LIMIT}


async def test_open_files(sandbox: Sandbox) -> None:
    """Open files are limited."""
    script = "import os\nwhile True: os.dup(0)"

    outcome = await sandbox.run(python(script, open_files=32))

    assert b"Too many open files" in outcome.stderr


async def test_stack(sandbox: Sandbox) -> None:
    """The stack is as large as memory unless limited."""
    with Spool() as output:
        await sandbox.run(shell("ulimit -s"), output)
        assert output.head(99) == b"unlimited\n"
    with Spool() as output:
        await sandbox.run(shell("ulimit -s", stack_bytes=16 * MIB), output)
        assert output.head(99) == b"16384\n"


async def test_fork_bomb(sandbox: Sandbox) -> None:
    """A fork bomb ends with its run, and the next one starts at once."""
    outcome = await sandbox.run(shell(":() { : | : & }; :; sleep 100", cpu_ms=1000, wall_ms=1000))
    assert outcome.cause is not Cause.EXITED or outcome.exit_code != 0

    assert (await sandbox.run(command("true", wall_ms=1000))).ok


async def test_orphans_die(sandbox: Sandbox) -> None:
    """What a program leaves running is killed and counted."""
    outcome = await sandbox.run(shell("setsid sleep 100 & setsid sleep 100 & exit 0"))

    assert outcome.ok
    assert outcome.processes_left == 2
    assert outcome.wall_us < 5_000_000


@pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/dev", "/prog", "/sys"])
async def test_read_only(sandbox: Sandbox, place: str) -> None:
    """Nothing but scratch can be written on; with one uid for all roles, /prog is scratch too."""
    its_own = place == "/prog" and await has_one_uid(sandbox)
    await sandbox.put(Area.PROGRAM, [File(path="x", data=b"")])

    outcome = await sandbox.run(shell(f"echo x > {place}/file"))

    assert outcome.ok == its_own
    await sandbox.wipe()
    assert await sandbox.get(Area.PROGRAM, bytes_max=MIB) == []


@pytest.mark.parametrize("place", ["/box", "/tmp", "/dev/shm"])
async def test_no_execution_from_scratch(sandbox: Sandbox, place: str) -> None:
    """What a program writes it cannot execute."""
    outcome = await sandbox.run(shell(f"cp /bin/true {place}/x; {place}/x"))

    assert outcome.exit_code == 126


async def test_one_cpu(sandbox: Sandbox) -> None:
    """A sandbox stays on its CPU."""
    with Spool() as output:
        await sandbox.run(command("nproc"), output)

        assert output.head(9) == b"1\n"


async def test_no_network(sandbox: Sandbox) -> None:
    """There are sockets of this machine only."""
    script = (
        "import socket\n"
        "socket.socket(socket.AF_UNIX).close()\n"
        "for family in (2, 10, 16, 17, 38, 40):\n"
        "    try: socket.socket(family, 1).close()\n"
        "    except OSError: continue\n"
        "    raise SystemExit(family)"
    )

    assert (await sandbox.run(python(script))).exit_code == 0
