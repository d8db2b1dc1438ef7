"""What every backend must do with files, processes and streams."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from judge.errors import SandboxError
from judge.limits import KIB, MIB
from judge.sandbox.base import Area, Cause, File, Role, Sandbox
from judge.spool import Spool

from .commands import command, has_one_uid, python, shell

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_info(sandbox: Sandbox) -> None:
    """A sandbox says what it is."""
    info = sandbox.info

    assert info.image == "base"
    assert info.image_digest
    assert info.warden_version
    assert info.memory_accounting in {"cgroup-v1", "cgroup-v2", "sampling"}


@pytest.mark.parametrize("code", [0, 1, 42, 255])
async def test_exit_code(sandbox: Sandbox, code: int) -> None:
    """The exit code comes back as it is."""
    outcome = await sandbox.run(shell(f"exit {code}"))

    assert outcome.cause is Cause.EXITED
    assert outcome.exit_code == code
    assert outcome.ok == (code == 0)


@pytest.mark.parametrize(("name", "number"), [("SEGV", 11), ("KILL", 9), ("ABRT", 6)])
async def test_signal(sandbox: Sandbox, name: str, number: int) -> None:
    """A process that dies of a signal says which."""
    outcome = await sandbox.run(shell(f"kill -{name} $$"))

    assert outcome.cause is Cause.SIGNALLED
    assert outcome.signal == number
    assert outcome.exit_code is None


async def test_usage_is_measured(sandbox: Sandbox) -> None:
    """CPU time, wall time and memory are those of the process."""
    script = "x = b'x' * (64 << 20)\nimport time; t = time.process_time()\n"
    script += "while time.process_time() - t < 0.2: pass"

    outcome = await sandbox.run(python(script))

    assert outcome.ok
    assert 200_000 <= outcome.cpu_us < 2_000_000
    assert outcome.wall_us >= 200_000
    assert 64 * MIB <= outcome.memory_bytes < 128 * MIB


async def test_missing_program(sandbox: Sandbox) -> None:
    """A program that is not there is told apart from one that fails."""
    outcome = await sandbox.run(command("/prog/nothing"))

    assert outcome.cause is Cause.EXEC_FAILED
    assert "/prog/nothing" in outcome.message


async def test_streams(sandbox: Sandbox) -> None:
    """Standard input goes in, output to the sink, error into the outcome."""
    with Spool() as output:
        outcome = await sandbox.run(shell("cat; echo oops >&2", stdin=b"1 2\n\xff\0"), output)

        assert output.head(99) == b"1 2\n\xff\0"
    assert outcome.output_bytes == 6
    assert outcome.stderr == b"oops\n"


async def test_no_stdin(sandbox: Sandbox) -> None:
    """Without standard input a program reads an empty file."""
    outcome = await sandbox.run(shell("read line && exit 1; exit 0"))

    assert outcome.ok


async def test_output_nobody_wants(sandbox: Sandbox) -> None:
    """Output without a sink is counted and dropped."""
    outcome = await sandbox.run(shell("head -c 100000 /dev/zero"))

    assert outcome.ok
    assert outcome.output_bytes == 100_000


@pytest.mark.parametrize("as_file", [False, True], ids=["bytes", "path"])
async def test_large_streams(sandbox: Sandbox, tmp_path: Path, *, as_file: bool) -> None:
    """Megabytes go in and come out unchanged, from memory and from a file."""
    content = bytes(range(256)) * (20 * MIB // 256)
    path = tmp_path / "input"
    path.write_bytes(content)
    stdin = path if as_file else content

    with Spool() as output:
        outcome = await sandbox.run(command("cat", stdin=stdin, output_bytes=32 * MIB), output)

        assert outcome.ok
        with output.open() as reader:
            assert reader.read() == content


async def test_stdin_nobody_reads(sandbox: Sandbox) -> None:
    """Input a program leaves alone blocks nobody."""
    outcome = await sandbox.run(command("true", stdin=bytes(8 * MIB)))

    assert outcome.ok


async def test_environment_is_ours_alone(sandbox: Sandbox) -> None:
    """A program sees exactly the variables it is given."""
    with Spool() as output:
        await sandbox.run(command("env"), output)

        assert output.head(999).split() == [b"PATH=/usr/local/bin:/usr/bin:/bin", b"LANG=C.UTF-8"]


async def test_odd_arguments(sandbox: Sandbox) -> None:
    """Arguments travel byte for byte."""
    words = ("", " ", "a\nb", "ü=$x", "\udcff")
    with Spool() as output:
        await sandbox.run(command("printf", "%s|", *words), output)

        assert output.head(99) == "|".join((*words, "")).encode("utf-8", "surrogateescape")


async def test_an_argument_with_a_nul(sandbox: Sandbox) -> None:
    """What no process can be given is refused before it is sent."""
    with pytest.raises(SandboxError, match="NUL"):
        await sandbox.run(command("echo", "a\0b"))

    await sandbox.ping()


@pytest.mark.parametrize(
    ("role", "area"),
    [
        (Role.COMPILE, Area.PROGRAM),
        (Role.RUN, Area.BOX),
        (Role.VALIDATE, Area.VALIDATOR),
    ],
)
async def test_put_and_get(sandbox: Sandbox, role: Role, area: Area) -> None:
    """Files arrive in their area with content and mode, and come back the same."""
    script = b"#!/bin/sh\necho made > made\n"
    files = [
        File(path="tool", data=script, executable=True),
        File(path="a/b/data", data=bytes(range(256))),
        File(path="empty", data=b""),
    ]
    await sandbox.put(area, files)
    if area is not Area.BOX:  # nothing may be executed there
        outcome = await sandbox.run(command("./tool", role=role, keep=True))
        assert outcome.ok, outcome
        files.append(File(path="made", data=b"made\n"))

    found = await sandbox.get(area, bytes_max=MIB)

    assert sorted(found, key=lambda f: f.path) == sorted(files, key=lambda f: f.path)


async def test_get_leaves_specials_out(sandbox: Sandbox) -> None:
    """Links and pipes are not followed and not returned."""
    script = "ln -s /etc/passwd link; mkfifo pipe; ln -s / root; mkdir dir; echo x > dir/file"
    await sandbox.run(shell(script, keep=True))

    found = await sandbox.get(Area.BOX, bytes_max=MIB)

    assert found == [File(path="dir/file", data=b"x\n")]


async def test_get_over_its_bound(sandbox: Sandbox) -> None:
    """More than was asked for is an error, and the sandbox goes on."""
    await sandbox.put(Area.BOX, [File(path="x", data=bytes(1000))])

    with pytest.raises(SandboxError, match="999"):
        await sandbox.get(Area.BOX, bytes_max=999)
    assert len(await sandbox.get(Area.BOX, bytes_max=1000)) == 1


async def test_put_of_a_large_file(sandbox: Sandbox, tmp_path: Path) -> None:
    """A file of many frames is streamed."""
    path = tmp_path / "large"
    content = b"0123456789abcdef" * (10 * MIB // 16)
    path.write_bytes(content)
    await sandbox.put(Area.BOX, [File(path="large", data=path)])

    with Spool() as output:
        await sandbox.run(command("sha256sum", "large"), output)

        assert output.head(64).decode() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../x", "a//b", "./x", "x/", "a\0b"])
async def test_put_with_an_unsafe_path(sandbox: Sandbox, path: str) -> None:
    """A path that could lead elsewhere is refused before anything is sent."""
    with pytest.raises(SandboxError):
        await sandbox.put(Area.BOX, [File(path="fine", data=b""), File(path=path, data=b"")])

    assert await sandbox.get(Area.BOX, bytes_max=MIB) == []


async def test_put_that_does_not_fit(sandbox: Sandbox) -> None:
    """What could not be placed is told by the next call; the one after goes on."""
    await sandbox.put(Area.BOX, [File(path="x", data=b""), File(path="x/y", data=b"")])

    with pytest.raises(SandboxError, match="x/y"):
        await sandbox.run(command("true"))
    assert (await sandbox.run(command("true"))).ok


async def test_files_of_a_command(sandbox: Sandbox) -> None:
    """A command's own files are there when it starts, and gone when it is over."""
    files = (File(path="in/put", data=b"1"), File(path="in/put2", data=b"2"))
    with Spool() as output:
        await sandbox.run(shell("cat in/*", files=files), output)

        assert output.head(9) == b"12"
    assert await sandbox.get(Area.BOX, bytes_max=MIB) == []


async def test_collect(sandbox: Sandbox) -> None:
    """Named files and whole directories come back, what is missing does not matter."""
    script = "echo a > a; mkdir -p d/e; echo b > d/b; echo c > d/e/c; echo no > no"

    outcome = await sandbox.run(shell(script, collect=("a", "d/", "missing")))

    assert {file.path: file.data for file in outcome.files} == {
        "a": b"a\n",
        "d/b": b"b\n",
        "d/e/c": b"c\n",
    }
    assert not outcome.collect_cut


async def test_collect_over_its_bound(sandbox: Sandbox) -> None:
    """A file that does not fit is left out, and that is said."""
    script = "head -c 600 /dev/zero > a; head -c 600 /dev/zero > b"

    outcome = await sandbox.run(shell(script, collect=("a", "b"), collect_bytes=1000))

    assert [file.path for file in outcome.files] == ["a"]
    assert outcome.collect_cut


async def test_keep(sandbox: Sandbox) -> None:
    """Scratch lives on when asked to, else it is gone after the run."""
    await sandbox.run(shell("echo kept > file", keep=True))
    assert (await sandbox.run(shell("test -e file"))).ok
    assert not (await sandbox.run(shell("test -e file"))).ok


async def test_temporary_files_never_stay(sandbox: Sandbox) -> None:
    """What is shared by all roles is empty at every start."""
    await sandbox.run(shell("echo x > /tmp/x; echo x > /dev/shm/x", keep=True))

    assert (await sandbox.run(shell("test ! -e /tmp/x -a ! -e /dev/shm/x"))).ok


async def test_wipe(sandbox: Sandbox) -> None:
    """Nothing withstands a wipe, however it was made."""
    await sandbox.put(Area.PROGRAM, [File(path="d/program", data=b"x")])
    script = "mkdir -p a/b/c; chmod 0 a/b; touch -- '-rf' $'new\\nline'; chmod 0 ."
    await sandbox.run(shell(script, keep=True))

    await sandbox.wipe()

    for area in Area:
        assert await sandbox.get(area, bytes_max=MIB) == []


async def test_areas_are_apart(sandbox: Sandbox) -> None:
    """A submission reads its program, and nothing of the validator's; one uid cannot do that."""
    apart = not await has_one_uid(sandbox)
    await sandbox.put(Area.PROGRAM, [File(path="data", data=b"x")])
    await sandbox.put(Area.VALIDATOR, [File(path="secret", data=b"x")])

    script = "cat /prog/data && ! echo y > /prog/data && ! rm -f /prog/data && ! cat /val/secret"
    assert (await sandbox.run(shell(script))).ok == apart


async def test_pair(sandbox: Sandbox) -> None:
    """A pair talks, and each side's outcome is its own."""
    validator = (
        'echo 5; read answer; echo "$answer" > verdict; test "$answer" = 6; exit $((42 + $?))'
    )

    pair = await sandbox.run_pair(
        shell("read n; echo $((n + 1)); read more; exit 7"),
        shell(validator, role=Role.VALIDATE, collect=("verdict",)),
    )

    assert pair.validator.exit_code == 42
    assert pair.submission.exit_code == 7
    assert pair.first is Role.VALIDATE
    assert pair.validator.files == (File(path="verdict", data=b"6\n"),)
    assert pair.submission.files == ()


async def test_pair_whose_submission_ends_first(sandbox: Sandbox) -> None:
    """It is known who ended first, and each side's standard error is its own."""
    pair = await sandbox.run_pair(
        shell("echo mine >&2; exit 3"),
        shell("cat > /dev/null; echo its >&2; exit 43", role=Role.VALIDATE),
    )

    assert pair.first is Role.RUN
    assert (pair.submission.exit_code, pair.validator.exit_code) == (3, 43)
    assert (pair.submission.stderr, pair.validator.stderr) == (b"mine\n", b"its\n")


async def test_cancelled_run(sandbox: Sandbox) -> None:
    """A run whose caller is cancelled is killed, and the sandbox goes on at once."""
    run = asyncio.ensure_future(sandbox.run(command("sleep", "100", wall_ms=60_000)))
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    async with asyncio.timeout(5):
        assert (await sandbox.run(shell("! grep -qs sleep /proc/[0-9]*/comm"))).ok


async def test_cancelled_flood(sandbox: Sandbox) -> None:
    """The output of a run nobody waits for any more goes nowhere."""
    script = "head -c 8M /dev/zero; sleep 100"
    with Spool() as output:
        run = asyncio.ensure_future(
            sandbox.run(shell(script, wall_ms=60_000, output_bytes=16 * MIB), output)
        )
        await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await sandbox.ping()

        assert output.size == 0


async def test_stderr_is_bounded(sandbox: Sandbox) -> None:
    """Of standard error a bounded part comes back, all of it is counted."""
    outcome = await sandbox.run(shell("head -c 1000000 /dev/zero >&2", stderr_bytes=KIB))

    assert outcome.ok
    assert len(outcome.stderr) == KIB
    assert outcome.stderr_bytes == 1_000_000
