"""From sources to a program: whose fault a failure is, what is shown of it, what is kept."""

from pathlib import Path

import pytest

from judge import limits
from judge.artefacts import ArtefactCache
from judge.errors import EngineError
from judge.judging import Options
from judge.problem.model import Problem
from judge.sandbox.base import Area, Cause, Command, Outcome, Role
from judge.sandbox.fake import Reply, exited
from judge.submission import Submission
from judge.verdicts import Verdict

from .scripted import Script, bench, package, says, stopped

C = Submission(files={"a.c": b"int main(void) {}\n"}, language="c")
AC = Reply(stdout=b"ok\n")


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    return package(tmp_path / "package", {"secret/1": ("a", "ok")})


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (exited(1), "exit code 1"),
        (stopped(Cause.CPU_LIMIT), "CPU time limit"),
        (stopped(Cause.WALL_LIMIT), "elapsed time limit"),
        (stopped(Cause.MEMORY_LIMIT), "memory limit"),
        (stopped(Cause.OUTPUT_LIMIT), "printed too much"),
        (Outcome(cause=Cause.SIGNALLED, signal=11), "signal 11"),
    ],
)
async def test_a_compiler_that_fails_is_a_compile_error(
    problem: Problem, outcome: Outcome, reason: str
) -> None:
    """Nothing is run then, and the reason says which bound it was."""
    bench_ = bench(Script(compile=says(Reply(outcome=outcome))))
    found = await bench_(problem, C)

    assert found.verdict is Verdict.CE
    assert reason in found.reason
    assert not found.runs
    assert not bench_.script.of(Role.RUN)


async def test_a_compiler_that_is_not_there_is_told_with_the_remedy(problem: Problem) -> None:
    """The machine lacks it: no verdict."""
    missing = Outcome(cause=Cause.EXEC_FAILED, message="gcc: not found")
    with pytest.raises(EngineError, match="codebattle doctor"):
        await bench(Script(compile=says(Reply(outcome=missing))))(problem, C)


@pytest.mark.parametrize(
    ("stdout", "stderr", "shown"),
    [
        (b"", b"/prog/a.c:1: error\n", "a.c:1: error\n"),
        (b"out\n", b"err\n", "out\nerr\n"),
        (b"", b"\x1b[31mred\x07\xff\n", "\\x1b[31mred\\x07\\xff\n"),
        (b"", b"", ""),
    ],
    ids=["our path", "both streams", "terminal codes", "silent"],
)
async def test_the_log_is_shown_without_our_paths_and_harmless(
    problem: Problem, stdout: bytes, stderr: bytes, shown: str
) -> None:
    """Some compilers speak on standard output; nobody's terminal obeys them."""
    outcome = Outcome(cause=Cause.EXITED, exit_code=1, stderr=stderr)
    found = await bench(Script(compile=says(Reply(outcome=outcome, stdout=stdout))))(problem, C)

    assert shown == found.compile_log


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_the_log_is_bounded(problem: Problem, stream: str) -> None:
    """However much a compiler says."""
    much = b"x" * (2 * limits.COMPILE_LOG_BYTES_MAX)
    outcome = Outcome(
        cause=Cause.EXITED,
        exit_code=1,
        stderr=much[: limits.COMPILE_LOG_BYTES_MAX] if stream == "stderr" else b"",
    )
    reply = Reply(outcome=outcome, stdout=much if stream == "stdout" else b"")
    found = await bench(Script(compile=says(reply)))(problem, C)

    assert 1000 < len(found.compile_log) <= limits.COMPILE_LOG_BYTES_MAX + 1


async def test_the_same_sources_are_compiled_once(problem: Problem, tmp_path: Path) -> None:
    """The cached program lies in /prog of another judge's sandbox too; other sources do not."""
    cache = ArtefactCache(tmp_path / "cache")
    first, second = (
        bench(Script(run=says(AC)), cache=cache),
        bench(Script(run=says(AC)), cache=cache),
    )
    other = Submission(files={"a.c": b"int main(void) { return 0; }\n"}, language="c")
    placed: list[bool] = []

    def look(_command: Command) -> Reply:
        placed.append("program" in second.sandboxes[-1].files[Area.PROGRAM])
        return AC

    second.script.run = look
    assert (await first(problem, C)).verdict is Verdict.AC
    assert (await second(problem, C)).verdict is Verdict.AC

    assert [len(each.script.of(Role.COMPILE)) for each in (first, second)] == [1, 0]
    assert placed == [True]

    await second(problem, other)

    assert len(second.script.of(Role.COMPILE)) == 1


async def test_a_failed_compilation_is_not_kept(problem: Problem, tmp_path: Path) -> None:
    """A limit that was broken under load must not stay broken."""
    bench_ = bench(
        Script(run=says(AC), compile=says(Reply(outcome=stopped(Cause.WALL_LIMIT)), Reply())),
        cache=ArtefactCache(tmp_path / "cache"),
    )

    assert (await bench_(problem, C)).verdict is Verdict.CE
    assert (await bench_(problem, C)).verdict is Verdict.AC


async def test_sources_of_no_such_language_are_a_compile_error(problem: Problem) -> None:
    """The player named the language, so the player is told."""
    found = await bench()(problem, Submission(files={"a.c": b""}, language="python3"))

    assert found.verdict is Verdict.CE
    assert "Python 3" in found.reason


async def test_compilers_run_in_their_role_within_their_own_bounds(tmp_path: Path) -> None:
    """The package's compilation limits count where they are larger than the language's."""
    yaml = "limits: {time_limit: 1, compilation_time: 90, compilation_memory: 4096}"
    problem = package(tmp_path, {"secret/1": ("a", "ok")}, yaml=yaml)
    bench_ = bench()
    await bench_(problem, C)
    command = bench_.script.of(Role.COMPILE)[0]

    assert command.cwd is Area.PROGRAM
    assert (command.limits.cpu_ms, command.limits.memory_bytes) == (90_000, 4096 * limits.MIB)
    assert command.limits.stderr_bytes == limits.COMPILE_LOG_BYTES_MAX
    assert command.limits.file_bytes == limits.ARTEFACT_BYTES_MAX


PYTHON = Submission(files={"main.py": b"print()\n"}, language="python3")
REFUSED = Reply(stdout=b"main.py: invalid syntax\n", outcome=exited(1))
CRASHES = Reply(outcome=exited(1))


async def test_a_single_script_that_ends_well_is_not_checked_as_well(problem: Problem) -> None:
    """A program that runs to its end is one the interpreter can read."""
    bench_ = bench(Script(run=says(AC), compile=says(REFUSED)))

    assert (await bench_(problem, PYTHON)).verdict is Verdict.AC
    assert not bench_.script.of(Role.COMPILE)


async def test_a_script_is_checked_before_it_is_blamed(problem: Problem) -> None:
    """What cannot be read is a compile error, as if it had been checked first."""
    found = await bench(Script(run=says(CRASHES), compile=says(REFUSED)))(problem, PYTHON)

    assert found.verdict is Verdict.CE
    assert "invalid syntax" in found.compile_log
    assert not found.runs


async def test_a_script_is_checked_once(tmp_path: Path) -> None:
    """What can be read keeps the verdicts of its runs."""
    cases = {"secret/1": ("a", "ok"), "secret/2": ("b", "ok")}
    bench_ = bench(Script(run=says(CRASHES), compile=says(Reply())))
    found = await bench_(package(tmp_path / "two", cases), PYTHON, Options(full=True))

    assert [run.verdict for run in found.runs] == [Verdict.RTE, Verdict.RTE]
    assert len(bench_.script.of(Role.COMPILE)) == 1


async def test_scripts_of_several_files_are_checked_first(problem: Problem) -> None:
    """A run need not come to every file."""
    several = Submission(files={"main.py": b"print()\n", "b.py": b"("}, language="python3")
    bench_ = bench(Script(run=says(AC), compile=says(REFUSED)))

    assert (await bench_(problem, several)).verdict is Verdict.CE
    assert not bench_.script.of(Role.RUN)
