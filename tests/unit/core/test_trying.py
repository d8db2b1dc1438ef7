"""Trials: what is run, what of it is kept, and what is marked as not for people's eyes."""

from pathlib import Path

import pytest

from judge import limits
from judge.errors import PackageError, SandboxLostError, UsageError
from judge.judging import Options
from judge.problem.model import Problem
from judge.sandbox.base import Cause, Command, Outcome, PairOutcome, Role
from judge.sandbox.fake import Reply, exited
from judge.trying import Trial, attempt
from judge.verdicts import Verdict

from .scripted import VALIDATOR, Script, bench, by_input, given, package, says, stopped, submission

CASES = {"sample/1": ("s", "ok"), "sample/2": ("t", "ok"), "secret/1": ("a", "ok")}


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    return package(tmp_path, CASES)


async def tried(
    problem: Problem, script: Script, *inputs: bytes, options: Options | None = None
) -> Trial:
    """Try the usual submission out."""
    return await attempt(
        bench(script).judge, problem, submission(), inputs=inputs or None, options=options
    )


async def test_samples_get_verdicts_and_secret_cases_are_never_run(problem: Problem) -> None:
    """Both samples are run, whatever the first came to; no other input is ever given."""
    script = Script(run=by_input({"s": Reply(stdout=b"no\n"), "t": Reply(stdout=b"ok\n")}))
    seen: list[tuple[int, int]] = []
    found = await attempt(
        bench(script).judge, problem, submission(), progress=lambda *step: seen.append(step)
    )
    first, second = found.runs

    assert found.compiled
    assert [given(each) for each in script.of(Role.RUN)] == ["s", "t"]
    assert [(run.name, run.verdict) for run in found.runs] == [
        ("sample/1", Verdict.WA),
        ("sample/2", Verdict.AC),
    ]
    assert first.difference is not None
    assert (first.difference.expected, first.difference.found) == ("ok", "no")
    assert first.stdout is not None
    assert (first.stdout.data, first.stdout.size, first.stdout.cut) == (b"no\n", 3, False)
    assert (second.difference, second.input_shown, second.answer_shown) == (None, True, True)
    assert seen == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("reply", "verdict", "reason"),
    [
        (Reply(stdout=b"anything"), None, ""),
        (Reply(outcome=exited(3)), Verdict.RTE, "exit code 3"),
        (
            Reply(outcome=Outcome(cause=Cause.SIGNALLED, signal=11)),
            Verdict.RTE,
            "killed by SIGSEGV",
        ),
        (Reply(outcome=stopped(Cause.CPU_LIMIT)), Verdict.TLE, "CPU time limit exceeded"),
        (Reply(outcome=stopped(Cause.MEMORY_LIMIT)), Verdict.MLE, "memory limit exceeded"),
        (Reply(outcome=stopped(Cause.OUTPUT_LIMIT)), Verdict.OLE, "output limit exceeded"),
    ],
)
async def test_own_inputs_tell_how_they_ended(
    problem: Problem, reply: Reply, verdict: Verdict | None, reason: str
) -> None:
    """Run once each, under the limits of a judging, and compared with nothing."""
    script = Script(run=says(Reply(), reply))
    found = await tried(problem, script, b"one", b"\0two", options=Options(cpu_ms=700))
    runs = script.of(Role.RUN)

    assert [each.stdin for each in runs] == [b"one", b"\0two"]
    assert {each.limits.cpu_ms for each in runs} == {700}
    assert [run.name for run in found.runs] == ["input/1", "input/2"]
    assert (found.runs[0].verdict, found.runs[0].difference) == (None, None)
    assert (found.runs[1].verdict, found.runs[1].reason) == (verdict, reason)
    assert not script.of(Role.VALIDATE)


@pytest.mark.parametrize("inputs", [(), (b"1", b"2")])
async def test_running_out_of_time_ends_a_trial(
    problem: Problem, inputs: tuple[bytes, ...]
) -> None:
    """A slot is not held for ten times what one run may take; a crash ends nothing."""
    late, crash = Reply(outcome=stopped(Cause.WALL_LIMIT)), Reply(outcome=exited(1))
    slow = await tried(problem, Script(run=says(late, crash)), *inputs)
    broken = await tried(problem, Script(run=says(crash, late)), *inputs)

    assert ([run.verdict for run in slow.runs], slow.total) == ([Verdict.TLE], 2)
    assert [run.verdict for run in broken.runs] == [Verdict.RTE, Verdict.TLE]


async def test_what_is_kept_is_bounded(problem: Problem) -> None:
    """The beginnings, and how much there was."""
    much = Outcome(cause=Cause.EXITED, exit_code=0, stderr=b"e" * 5000, stderr_bytes=90_000)
    found = await tried(problem, Script(run=says(Reply(outcome=much, stdout=b"x" * 50_000))), b"")
    stdout, stderr = found.runs[0].stdout, found.runs[0].stderr

    assert stdout is not None
    assert stderr is not None
    assert (len(stdout.data), stdout.size) == (limits.TRIAL_STDOUT_BYTES_MAX, 50_000)
    assert (len(stderr.data), stderr.size) == (limits.TRIAL_STDERR_BYTES_MAX, 90_000)
    assert stdout.cut
    assert stderr.cut


async def test_at_most_so_many_samples_are_run(tmp_path: Path) -> None:
    """A problem with many samples does not hold a slot for ever; nor do two that are one file."""
    cases = {f"sample/{number:02}": ("same", "ok") for number in range(30)}
    found = await tried(package(tmp_path, cases), Script(run=says(Reply(stdout=b"ok"))))

    assert len(found.runs) == limits.TRIAL_SAMPLES_MAX
    assert all(run.stdout is not None and run.stdout.data == b"ok" for run in found.runs)


async def test_what_does_not_compile_is_not_run(problem: Problem) -> None:
    """The log is all there is."""
    broken = Outcome(cause=Cause.EXITED, exit_code=1, stderr=b"no such thing")
    script = Script(compile=says(Reply(outcome=broken)))
    found = await tried(problem, script)

    assert not found.compiled
    assert "no such thing" in found.compile_log
    assert not script.of(Role.RUN)


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ({}, (True, True)),
        ({"data/sample/1.in.statement": "other"}, (False, True)),
        ({"data/sample/1.ans.statement": "other"}, (True, False)),
        ({"data/sample/1.out": "ok as well"}, (True, False)),
        ({"data/sample/1.in.download": "more"}, (True, True)),
        ({"data/sample/1.interaction": "<1"}, (False, False)),
    ],
)
async def test_samples_that_are_not_shown_are_marked(
    tmp_path: Path, files: dict[str, str], shown: tuple[bool, bool]
) -> None:
    """As the package lets people see or download them, each of its two files for itself."""
    problem = package(tmp_path, {"sample/1": ("s", "ok")}, files=files)
    found = await tried(problem, Script(run=says(Reply(stdout=b"s"))))

    assert (found.runs[0].input_shown, found.runs[0].answer_shown) == shown


async def test_an_interaction_is_tried_on_samples_only(tmp_path: Path) -> None:
    """Its output went to the validator; nobody can make up the other side."""
    problem = package(
        tmp_path, CASES, yaml="type: interactive\nlimits: {time_limit: 1}", files=VALIDATOR
    )
    complaint = Outcome(cause=Cause.EXITED, exit_code=1, stderr=b"lost")

    def pair(_one: Command, _two: Command) -> PairOutcome:
        return PairOutcome(submission=complaint, validator=exited(42), first=Role.RUN)

    found = await attempt(bench(pair=pair).judge, problem, submission())
    with pytest.raises(UsageError, match="takes no inputs"):
        await attempt(bench(pair=pair).judge, problem, submission(), inputs=[b""])

    assert [run.verdict for run in found.runs] == [Verdict.RTE, Verdict.RTE]
    assert found.runs[0].reason == "exit code 1"
    assert found.runs[0].stdout is None
    assert found.runs[0].stderr is not None
    assert found.runs[0].stderr.data == b"lost"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(outcome=Outcome(cause=Cause.CANCELLED)), SandboxLostError),
        (Reply(raises=SandboxLostError("gone")), SandboxLostError),
    ],
)
@pytest.mark.parametrize("inputs", [(), (b"x",)])
async def test_our_failure_is_nobodys_result(
    problem: Problem, reply: Reply, error: type[Exception], inputs: tuple[bytes, ...]
) -> None:
    """It is raised, for whoever called to try again."""
    with pytest.raises(error):
        await tried(problem, Script(run=says(reply)), *inputs)


async def test_a_broken_validator_is_the_packages_failure(tmp_path: Path) -> None:
    """As in a judging it is never the player's."""
    problem = package(tmp_path, CASES, files=VALIDATOR)
    with pytest.raises(PackageError, match="sample/1"):
        await tried(problem, Script(validate=says(Reply(outcome=exited(1)))))
