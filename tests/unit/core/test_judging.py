"""One judging from its submission to its record: which case decides, and whose fault it is."""

from pathlib import Path

import pytest

from judge import limits
from judge.errors import EngineError, SandboxDirtyError, SandboxLostError, SourceError, UsageError
from judge.judging import Options, limits_used
from judge.problem.model import Problem
from judge.sandbox.base import Cause, Command, Outcome, Role
from judge.sandbox.fake import Reply, exited
from judge.submission import Submission
from judge.verdicts import Verdict

from .scripted import VERSION, Script, bench, by_input, package, says, stopped, submission

CASES = {"sample/1": ("s", "ok"), "secret/1": ("a", "ok"), "secret/2": ("b", "ok")}
AC = Reply(stdout=b"ok\n")
LOST = Reply(raises=SandboxLostError("the container died"))

# What a program does, and the verdict that follows.
ENDS = {
    "AC": AC,
    "WA": Reply(stdout=b"no\n"),
    "TLE": Reply(outcome=stopped(Cause.WALL_LIMIT)),
    "MLE": Reply(outcome=stopped(Cause.MEMORY_LIMIT)),
    "OLE": Reply(outcome=stopped(Cause.OUTPUT_LIMIT)),
    "RTE": Reply(outcome=exited(1), stdout=b"ok\n"),
    "SV": Reply(outcome=Outcome(cause=Cause.SIGNALLED, signal=31)),
}


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    return package(tmp_path, CASES)


@pytest.mark.parametrize(
    ("ends", "verdict", "lazy"),
    [
        (("AC", "AC", "AC"), "AC", 3),
        (("AC", "AC", "WA"), "WA", 3),
        (("AC", "WA", "TLE"), "WA", 2),
        (("AC", "TLE", "WA"), "TLE", 2),
        (("RTE", "WA", "WA"), "RTE", 1),
        (("AC", "MLE", "RTE"), "MLE", 2),
        (("AC", "OLE", "AC"), "OLE", 2),
        (("SV", "AC", "AC"), "SV", 1),
    ],
)
async def test_the_first_failure_in_file_order_decides(
    problem: Problem, ends: tuple[str, ...], verdict: str, lazy: int
) -> None:
    """Lazy judging stops there, full judging goes on; the verdict is the same."""
    table = dict(zip("sab", (ENDS[end] for end in ends), strict=True))
    bench_ = bench(Script(run=by_input(table)))

    quick = await bench_(problem)
    full = await bench_(problem, options=Options(full=True))

    assert (verdict, lazy) == (quick.verdict, len(quick.runs))
    assert (verdict, 3) == (full.verdict, len(full.runs))
    assert list(ends) == [run.verdict for run in full.runs]
    assert list(CASES) == [run.case for run in full.runs]


async def test_the_record_says_how_to_repeat_it(problem: Problem) -> None:
    """Hashes, limits, image, compiler and host are facts of every judgement."""
    found = await bench(Script(run=says(AC)))(problem)

    assert found.source_hash == submission().source_hash
    assert len(found.data_hash) == 64
    assert (found.image, found.image_digest) == ("python3", "fake:python3")
    assert (found.compiler_version, found.backend) == (VERSION, "fake")
    assert found.limits == limits_used(problem, Options())
    assert found.limits.cpu_ms == 1000
    assert found.host
    assert found.judged_at


async def test_the_data_hash_follows_the_data(tmp_path: Path) -> None:
    """A changed answer is another hash; the same data elsewhere is the same."""
    bench_ = bench(Script(run=says(AC)))
    one = await bench_(package(tmp_path / "one", CASES))
    same = await bench_(package(tmp_path / "same", CASES))
    other = await bench_(package(tmp_path / "other", {**CASES, "secret/2": ("b", "OK")}))

    assert one.data_hash == same.data_hash
    assert one.data_hash != other.data_hash


STOPPED = Reply(outcome=stopped(Cause.CPU_LIMIT, cpu_ms=1000))


@pytest.mark.parametrize(
    ("replies", "options", "verdict", "attempts"),
    [
        ((STOPPED, AC), Options(), "AC", 2),
        ((STOPPED, STOPPED), Options(), "TLE", 2),
        ((STOPPED, AC), Options(repeat_near_limit=False), "TLE", 1),
        ((Reply(outcome=exited(cpu_ms=990), stdout=b"ok\n"),), Options(), "AC", 1),
        ((Reply(outcome=stopped(Cause.WALL_LIMIT)), AC), Options(), "TLE", 1),
        ((STOPPED, ENDS["WA"]), Options(), "WA", 2),
    ],
)
async def test_a_run_stopped_at_the_time_limit_gets_a_second_chance(
    tmp_path: Path, replies: tuple[Reply, ...], options: Options, verdict: str, attempts: int
) -> None:
    """One stop may be the machine's noise, two are the program's; what ends in time stands."""
    problem = package(tmp_path, {"secret/1": ("a", "ok")})
    found = await bench(Script(run=says(*replies)))(problem, options=options)

    assert verdict == found.verdict
    assert attempts == found.runs[0].attempts


@pytest.mark.parametrize(
    "failure",
    [
        LOST,
        Reply(raises=SandboxDirtyError("left over")),
        Reply(outcome=stopped(Cause.CANCELLED)),
    ],
    ids=["lost", "dirty", "cancelled"],
)
async def test_our_failure_is_tried_again_and_never_the_players(
    problem: Problem, failure: Reply
) -> None:
    """Once: the next attempt decides. For ever: a judge error, after a bounded count."""
    once = await bench(Script(run=says(failure, AC)))(problem)
    always = await bench(Script(run=says(failure)))(problem)

    assert (once.verdict, once.attempts) == (Verdict.AC, 2)
    assert (always.verdict, always.attempts) == (Verdict.JE, limits.JUDGE_ATTEMPTS_MAX)
    assert always.reason


async def test_a_lost_sandbox_is_not_used_again(problem: Problem) -> None:
    """The second attempt runs in a sandbox that was started for it."""
    bench_ = bench(Script(run=says(LOST, AC)))
    await bench_(problem)

    assert len(bench_.sandboxes) == 2
    assert not bench_.sandboxes[0].usable


async def test_a_program_that_cannot_be_started_is_a_judge_error(problem: Problem) -> None:
    """The compiler made it, so that it does not start is our fault."""
    broken = Reply(outcome=Outcome(cause=Cause.EXEC_FAILED, message="no such file"))
    found = await bench(Script(run=says(broken)))(problem)

    assert found.verdict is Verdict.JE


async def test_a_missing_image_is_told_not_judged(problem: Problem) -> None:
    """A machine that lacks something raises, with the remedy: no player gets a verdict for it."""
    with pytest.raises(EngineError, match="codebattle images build python3"):
        await bench(images=frozenset())(problem)


@pytest.mark.parametrize(
    "files",
    [{}, {"main.py": b"#" * (128 * limits.KIB + 1)}, {"../main.py": b""}],
    ids=["none", "too large", "unsafe name"],
)
async def test_what_cannot_be_judged_is_refused_before_a_slot_is_leased(
    problem: Problem, files: dict[str, bytes]
) -> None:
    """The package's own limit on source size counts."""
    bench_ = bench()
    with pytest.raises(SourceError):
        await bench_(problem, Submission(files=files, language="python3"))

    assert not bench_.sandboxes


async def test_programs_get_the_input_and_nothing_of_the_answer(tmp_path: Path) -> None:
    """No command of the submission's names or holds an answer or another case."""
    problem = package(tmp_path, {"secret/1": ("in1", "ANSWER"), "secret/2": ("in2", "ANSWER")})
    bench_ = bench(Script(run=says(Reply(stdout=b"ANSWER\n"))))
    await bench_(problem)
    commands = bench_.script.of(Role.RUN)

    assert [_bytes(command) for command in commands] == [b"in1", b"in2"]
    for command in commands:
        assert not command.files
        assert str(tmp_path) not in repr((command.argv, command.env))
        assert "ANSWER" not in repr((command.argv, command.env))


def _bytes(command: Command) -> bytes:
    assert isinstance(command.stdin, Path)
    return command.stdin.read_bytes()


async def test_cases_that_are_one_file_are_run_once(tmp_path: Path) -> None:
    """Packages link cases into several groups; one run serves all of them."""
    package(tmp_path, {"secret/1": ("a", "ok")})
    for end in ("in", "ans"):
        (tmp_path / f"data/secret/2.{end}").symlink_to(f"1.{end}")
    problem = package(tmp_path, {})
    bench_ = bench(Script(run=says(AC)))
    found = await bench_(problem)

    assert len(bench_.script.of(Role.RUN)) == 1
    assert [run.case for run in found.runs] == ["secret/1", "secret/2"]


async def test_differences_are_shown_on_samples_only(problem: Problem) -> None:
    """A difference quotes the answer; of a secret case only the message for judges does."""
    found = await bench(Script(run=says(ENDS["WA"])))(problem, options=Options(full=True))
    shown = {run.case: run.difference for run in found.runs}

    assert shown["sample/1"] is not None
    assert shown["sample/1"].expected == "ok"
    assert shown["secret/1"] is None


async def test_the_worst_times_of_all_cases_are_the_judgements(problem: Problem) -> None:
    """Largest CPU time and largest memory need not be of the same case."""
    table = {
        "s": Reply(stdout=b"ok", outcome=exited(cpu_ms=5, memory_bytes=10)),
        "a": Reply(stdout=b"ok", outcome=exited(cpu_ms=70, memory_bytes=20)),
        "b": Reply(stdout=b"ok", outcome=exited(cpu_ms=6, memory_bytes=90)),
    }
    found = await bench(Script(run=by_input(table)))(problem)

    assert (found.cpu_ms, found.memory_bytes) == (70, 90)


def test_limits_are_those_of_the_package_within_the_engines(tmp_path: Path) -> None:
    """`cpu_ms` of the options replaces the time limit; nothing exceeds the engine's bounds."""
    yaml = "limits: {time_limit: 2, memory: 100, output: 3}"
    problem = package(tmp_path / "bounded", CASES, yaml=yaml)
    used = limits_used(problem, Options())

    assert (used.cpu_ms, used.wall_ms) == (2000, 6000)
    assert (used.memory_bytes, used.output_bytes) == (100 * limits.MIB, 3 * limits.MIB)
    assert limits_used(problem, Options(cpu_ms=50)).cpu_ms == 50
    assert limits_used(problem, Options(cpu_ms=10**9)).cpu_ms == limits.CPU_MS_MAX
    with pytest.raises(UsageError, match="no time limit"):
        limits_used(package(tmp_path / "open", CASES, yaml=""), Options())
