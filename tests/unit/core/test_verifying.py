"""Whether a package keeps its promises: its data, its time limit, its submissions' labels."""

from dataclasses import replace
from pathlib import Path

import pytest

from judge.judging import Options
from judge.limits import TIME_LIMIT_MS_DEFAULT
from judge.problem.model import Problem
from judge.sandbox.base import Cause, Command
from judge.sandbox.fake import Reply, exited
from judge.verdicts import Verdict
from judge.verifying import Checked, check_data, check_submission, time_limit_ms

from .scripted import Bench, Script, bench, given, package, says, stopped

CASE = {"secret/1": ("a", "ok")}
AC = Reply(stdout=b"ok\n")
WA = Reply(stdout=b"no\n")
CHECKER = {"input_validators/check.py": "import sys; sys.exit(42)\n"}


def _accepts(words: str) -> Script:
    """Return a script whose input validator accepts the inputs named."""

    def validate(command: Command) -> Reply:
        good = given(command) in words.split()
        outcome = exited(42 if good else 43)
        return Reply(outcome=replace(outcome, stderr=b"" if good else b"line 1: bad\nmore"))

    return Script(validate=validate)


@pytest.mark.parametrize(
    ("accepted", "faults"),
    [
        ("a", []),
        (
            "",
            ["data/secret/1.in: rejected by input_validators/check.py (exit code 43) line 1: bad"],
        ),
        ("a x", ["data/invalid_input/1.in: no input validator rejects it"]),
    ],
)
async def test_inputs_are_validated(tmp_path: Path, accepted: str, faults: list[str]) -> None:
    """Good inputs pass every validator, each bad one fails at least one; the file is named."""
    files = {**CHECKER, "data/invalid_input/1.in": "x"}
    problem = package(tmp_path, CASE, files=files)

    assert await check_data(bench(_accepts(accepted)).judge, problem) == faults


def _jury(root: Path, label: str, name: str = "one.py", *, yaml: str = "") -> Problem:
    text = "#!/usr/bin/python3\nprint()\n"
    limits = yaml or "limits: {time_limit: 1}"
    return package(root, CASE, files={f"submissions/{label}/{name}": text}, yaml=limits)


@pytest.mark.parametrize(
    ("label", "reply", "ok"),
    [
        ("accepted", AC, True),
        ("accepted", WA, False),
        ("wrong_answer", WA, True),
        ("wrong_answer", AC, False),
        ("time_limit_exceeded", Reply(outcome=stopped(Cause.CPU_LIMIT)), True),
        ("run_time_error", Reply(outcome=exited(1)), True),
        ("run_time_error", Reply(outcome=stopped(Cause.MEMORY_LIMIT)), True),
        ("rejected", WA, True),
        ("rejected", AC, False),
    ],
)
async def test_labels(tmp_path: Path, label: str, reply: Reply, ok: bool) -> None:  # noqa: FBT001
    """A label holds when the verdict, in the coarse five, is the expected one."""
    problem = _jury(tmp_path, label)
    checked = await _check(bench(Script(run=says(reply))), problem)

    assert (checked.ok, bool(checked.reason and not ok)) == (ok, not ok)


async def _check(on: Bench, problem: Problem) -> Checked:
    (example,) = problem.submissions
    return await check_submission(on.judge, problem, example, options=Options())


@pytest.mark.parametrize("label", ["rejected", "without_a_meaning"])
async def test_a_judge_error_never_holds_a_label(tmp_path: Path, label: str) -> None:
    """Ours is not the jury's expectation, whatever that is."""
    problem = _jury(tmp_path, label)
    cancelled = Reply(outcome=stopped(Cause.CANCELLED))
    checked = await _check(bench(Script(run=says(cancelled))), problem)

    assert not checked.ok


async def test_a_language_not_offered_is_skipped_and_said(tmp_path: Path) -> None:
    """It neither holds nor fails; nothing is run."""
    problem = _jury(tmp_path, "accepted", "one.hs")
    bench_ = bench()
    checked = await _check(bench_, problem)

    assert (checked.ok, checked.judgement) == (True, None)
    assert checked.reason.startswith("skipped")
    assert checked.to_json()["verdict"] is None
    assert not bench_.sandboxes


async def test_python_may_hold_its_label_on_either_interpreter(tmp_path: Path) -> None:
    """Juries label for the interpreter they had, and seldom say which."""
    problem = _jury(tmp_path, "time_limit_exceeded")

    def run(command: Command) -> Reply:
        slow = "pypy3" in command.argv[0]
        return Reply(outcome=stopped(Cause.WALL_LIMIT)) if slow else AC

    checked = await _check(bench(Script(run=run)), problem)

    assert checked.ok
    assert checked.language == "pypy3"


async def test_the_json_line_has_the_keys_people_parse(tmp_path: Path) -> None:
    """The keys are an interface."""
    line = (await _check(bench(Script(run=says(AC))), _jury(tmp_path, "accepted"))).to_json()

    assert list(line) == [
        *("package", "submission", "language", "expected", "verdict", "ok"),
        *("score", "cpu_ms", "wall_ms", "memory_bytes", "reason"),
    ]
    assert (line["submission"], line["expected"]) == ("accepted/one.py", ["AC"])


async def test_an_open_time_limit_comes_from_accepted_submissions(tmp_path: Path) -> None:
    """Twice the slowest, rounded up to a second; a stated limit is not measured."""
    problem = _jury(tmp_path / "open", "accepted", yaml="keywords: [x]")
    slow = bench(Script(run=says(Reply(stdout=b"ok", outcome=exited(cpu_ms=900)))))

    assert await time_limit_ms(slow.judge, problem) == 2000
    assert await time_limit_ms(bench().judge, _jury(tmp_path / "said", "accepted")) == 1000


async def test_an_open_time_limit_lies_below_a_slow_submission_that_would_fit(
    tmp_path: Path,
) -> None:
    """On a quick machine the rule's limit may be too generous for the jury's slow submissions."""
    files = {
        "submissions/accepted/one.c": "quick",
        "submissions/time_limit_exceeded/two.c": "slow",
    }
    problem = package(tmp_path, CASE, files=files, yaml="keywords: [x]")
    times = Script(
        run=says(
            Reply(stdout=b"ok", outcome=exited(cpu_ms=900)),
            Reply(stdout=b"ok", outcome=exited(cpu_ms=1600)),
        )
    )

    assert await time_limit_ms(bench(times).judge, problem) == 1200


async def test_what_must_not_be_too_slow_bounds_an_open_time_limit(tmp_path: Path) -> None:
    """So do wrong answers; without any there is a guess, for the rest can still be judged."""
    wrong = _jury(tmp_path / "wrong", "wrong_answer", yaml="keywords: [x]")
    script = Script(run=says(Reply(stdout=b"no", outcome=exited(cpu_ms=1400))))
    nothing = _jury(tmp_path / "nothing", "time_limit_exceeded", yaml="keywords: [x]")

    assert await time_limit_ms(bench(script).judge, wrong) == 3000
    assert await time_limit_ms(bench().judge, nothing) == TIME_LIMIT_MS_DEFAULT


@pytest.mark.parametrize(("limits", "ok"), [("", True), ("code: 100, ", False)])
async def test_only_a_stated_code_limit_binds_the_jury(
    tmp_path: Path,
    limits: str,
    ok: bool,  # noqa: FBT001
) -> None:
    """Our default is not theirs."""
    files = {"submissions/accepted/one.py": "#!/usr/bin/python3\n" + "#" * 200_000}
    yaml = f"limits: {{{limits}time_limit: 1}}"
    problem = package(tmp_path, CASE, files=files, yaml=yaml)
    checked = await _check(bench(Script(run=says(AC))), problem)

    assert checked.ok == ok


def test_verdicts_map_to_the_big_five() -> None:
    """What is published is coarse."""
    mapped = {verdict.value: verdict.big5.value for verdict in Verdict}

    assert mapped == {
        **{each: each for each in ("AC", "WA", "TLE", "RTE", "CE", "JE")},
        "MLE": "RTE",
        "OLE": "WA",
        "SV": "RTE",
    }
