"""Validators, interactors, passes and graders: programs of the package around one of a player."""

from pathlib import Path

import pytest

from judge.compiling import Program
from judge.errors import PackageError
from judge.interacting import shared_image
from judge.judging import Options
from judge.languages import get
from judge.problem.model import Problem
from judge.sandbox.base import Area, Cause, Command, File, Outcome, PairOutcome, Role
from judge.sandbox.fake import Reply, exited
from judge.submission import Submission
from judge.verdicts import Verdict

from .scripted import VALIDATOR, Script, bench, given, package, says, stopped

CASE = {"secret/1": ("a", "ok")}
INTERACTIVE = "type: interactive\nlimits: {time_limit: 1}"
MULTI_PASS = "type: multi-pass\nlimits: {time_limit: 1, validation_passes: 3}"
SCORING = "type: scoring\nlimits: {time_limit: 1}"


def says_to(code: int, **files: str) -> Reply:
    """Return a validator's reply: exit with a code and feedback (`judgemessage="x"`)."""
    kept = tuple(
        File(path=f"feedback/{name}.{'in' if name == 'nextpass' else 'txt'}", data=text.encode())
        for name, text in files.items()
    )
    return Reply(outcome=exited(code), files=kept)


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    return package(tmp_path, CASE, files=VALIDATOR)


@pytest.mark.parametrize(
    ("reply", "verdict", "text"),
    [
        (says_to(42), "AC", ""),
        (says_to(43, judgemessage="wrong line 3"), "WA", "wrong line 3"),
        (says_to(0), "JE", "exited with code 0"),
        (says_to(1), "JE", "exited with code 1"),
        (Reply(outcome=Outcome(cause=Cause.SIGNALLED, signal=11)), "JE", "SIGSEGV"),
        (Reply(outcome=stopped(Cause.CPU_LIMIT)), "JE", "CPU time"),
        (Reply(outcome=stopped(Cause.WALL_LIMIT)), "JE", "elapsed time"),
        (Reply(outcome=stopped(Cause.MEMORY_LIMIT)), "JE", "memory"),
        (Reply(outcome=stopped(Cause.OUTPUT_LIMIT)), "JE", "output"),
        (Reply(outcome=Outcome(cause=Cause.EXEC_FAILED, message="x")), "JE", "cannot be started"),
    ],
)
async def test_a_validators_word(problem: Problem, reply: Reply, verdict: str, text: str) -> None:
    """42 and 43 are words; whatever else a validator does is a judge error, not the player's."""
    found = await bench(Script(validate=says(reply)))(problem)
    run = found.runs[0]

    assert verdict == found.verdict
    assert text in f"{run.reason} {run.judge_message}"
    assert found.attempts == 1  # a broken validator is as broken elsewhere


async def test_a_program_that_failed_is_not_validated(problem: Problem) -> None:
    """Its output is not worth an opinion."""
    bench_ = bench(Script(run=says(Reply(outcome=exited(3), stdout=b"ok\n"))))
    found = await bench_(problem)

    assert found.verdict is Verdict.RTE
    assert not bench_.script.of(Role.VALIDATE)


async def test_validators_never_sit_with_a_submission(problem: Problem) -> None:
    """What a submission left in its sandbox cannot meet the answer or the validator."""
    bench_ = bench()
    await bench_(problem)
    roles = [
        {command.role for command in each.commands if command.argv[-1] != "--version"}
        for each in bench_.sandboxes
    ]

    assert sorted(map(sorted, roles)) == [["compile", "validate"], ["run"]]


async def test_a_validator_gets_input_answer_and_output(problem: Problem) -> None:
    """In that order, the output on standard input, the feedback directory as the third word."""
    bench_ = bench(Script(run=says(Reply(stdout=b"mine\n"))))
    await bench_(problem)
    command = bench_.script.of(Role.VALIDATE)[0]
    placed = {file.path: file.data for file in command.files}

    assert command.argv[-3:] == ("/val/data/1.in", "/val/data/1.ans", "/val/feedback/")
    assert given(command) == "mine\n"
    assert command.cwd is Area.VALIDATOR
    assert problem.cases()[0].answer == placed["data/1.ans"]


async def test_a_validator_that_does_not_compile_breaks_the_package(problem: Problem) -> None:
    """It is the author's, so it is told as the package's fault, with the file."""
    broken = Reply(outcome=Outcome(cause=Cause.EXITED, exit_code=1, stderr=b"line 1: oops"))
    with pytest.raises(PackageError, match=r"output_validator.*does not compile.*oops"):
        await bench(Script(compile=says(broken)))(problem)


# -- multi-pass -------------------------------------------------------------------------------


async def test_passes_go_on_until_the_validator_asks_no_more(tmp_path: Path) -> None:
    """The second pass gets what the first asked for; the longest pass is the case's time."""
    problem = package(tmp_path, CASE, yaml=MULTI_PASS, files=VALIDATOR)
    script = Script(
        run=says(Reply(outcome=exited(cpu_ms=9)), Reply(outcome=exited(cpu_ms=4))),
        validate=says(says_to(42, nextpass="second"), says_to(42)),
    )
    found = await bench(script)(problem)

    assert [given(command) for command in script.of(Role.RUN)] == ["a", "second"]
    assert (found.verdict, found.runs[0].passes, found.runs[0].cpu_ms) == (Verdict.AC, 2, 9)


@pytest.mark.parametrize(
    ("second", "verdict"),
    [(Reply(outcome=exited(1)), "RTE"), (Reply(outcome=stopped(Cause.WALL_LIMIT)), "TLE")],
)
async def test_a_failure_in_any_pass_is_the_cases(
    tmp_path: Path, second: Reply, verdict: str
) -> None:
    """Nothing is run after it."""
    problem = package(tmp_path, CASE, yaml=MULTI_PASS, files=VALIDATOR)
    script = Script(run=says(Reply(), second), validate=says(says_to(42, nextpass="next")))
    found = await bench(script)(problem)

    assert verdict == found.verdict
    assert len(script.of(Role.RUN)) == 2


async def test_a_validator_cannot_ask_for_ever(tmp_path: Path) -> None:
    """More passes than the package allows are the validator's mistake."""
    problem = package(tmp_path, CASE, yaml=MULTI_PASS, files=VALIDATOR)
    script = Script(validate=says(says_to(42, nextpass="again")))
    found = await bench(script)(problem)

    assert found.verdict is Verdict.JE
    assert "more than 3 passes" in found.runs[0].reason
    assert len(script.of(Role.RUN)) == 3


async def test_notes_of_a_validator_reach_its_next_pass(tmp_path: Path) -> None:
    """Whatever it wrote beside `nextpass.in` is there again."""
    problem = package(tmp_path, CASE, yaml=MULTI_PASS, files=VALIDATOR)
    script = Script(validate=says(says_to(42, nextpass="x", notes="17"), says_to(42)))
    await bench(script)(problem)
    second = {file.path: file.data for file in script.of(Role.VALIDATE)[1].files}

    assert second["feedback/notes.txt"] == b"17"
    assert "feedback/nextpass.in" not in second


# -- interactive ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("player", "validator", "first", "verdict"),
    [
        (exited(), exited(42), Role.RUN, "AC"),
        (exited(), exited(43), Role.RUN, "WA"),
        (exited(1), exited(42), Role.RUN, "RTE"),
        (exited(1), exited(43), Role.VALIDATE, "WA"),
        (stopped(Cause.CPU_LIMIT), exited(43), Role.RUN, "TLE"),
        (stopped(Cause.WALL_LIMIT), exited(43), Role.VALIDATE, "WA"),
        (exited(), exited(1), Role.VALIDATE, "JE"),
        (exited(1), exited(1), Role.VALIDATE, "JE"),
    ],
)
async def test_an_interaction(
    tmp_path: Path, player: Outcome, validator: Outcome, first: Role, verdict: str
) -> None:
    """A rejection that came first wins; otherwise the submission's own failure does."""
    problem = package(tmp_path, CASE, yaml=INTERACTIVE, files=VALIDATOR)
    pair = PairOutcome(submission=player, validator=validator, first=first)
    found = await bench(pair=lambda _one, _two: pair)(
        problem, options=Options(repeat_near_limit=False)
    )

    assert verdict == found.verdict


async def test_both_sides_have_clocks_of_their_own(tmp_path: Path) -> None:
    """A silent pair must end by the submission's clock, so the validator's is longer."""
    problem = package(tmp_path, CASE, yaml=INTERACTIVE, files=VALIDATOR)
    seen: list[Command] = []

    def pair(player: Command, validator: Command) -> PairOutcome:
        seen.extend((player, validator))
        return PairOutcome(submission=exited(), validator=exited(42), first=Role.RUN)

    await bench(pair=pair)(problem)
    player, validator = seen

    assert (player.role, validator.role) == (Role.RUN, Role.VALIDATE)
    assert player.limits.cpu_ms == 1000
    assert player.limits.wall_ms < validator.limits.wall_ms
    assert player.stdin is None
    assert not any("data/" in file.path for file in player.files)


async def test_an_interaction_stopped_at_the_limit_is_repeated(tmp_path: Path) -> None:
    """As any other run is."""
    problem = package(tmp_path, CASE, yaml=INTERACTIVE, files=VALIDATOR)
    turns = iter([stopped(Cause.CPU_LIMIT), exited()])

    def pair(_player: Command, _validator: Command) -> PairOutcome:
        return PairOutcome(submission=next(turns), validator=exited(42), first=Role.RUN)

    found = await bench(pair=pair)(problem)

    assert (found.verdict, found.runs[0].attempts) == (Verdict.AC, 2)


@pytest.mark.parametrize(
    ("player", "validator", "image"),
    [
        ("java", "java", "java"),
        ("javascript", "cpp", "node"),
        ("javascript", "python3", "node"),
        ("cpp", "java", "java"),
        ("python3", "java", "java"),
        ("javascript", "java", None),
    ],
)
def test_the_sandbox_two_sides_share(player: str, validator: str, image: str | None) -> None:
    """Static binaries and Python run anywhere; two that do not are the package's limitation."""
    sides = [
        Program(image=get(name).image, files=(), language=get(name)) for name in (player, validator)
    ]
    if image is None:
        with pytest.raises(PackageError, match="write the validator in C"):
            shared_image(*sides)
    else:
        assert image == shared_image(*sides)


# -- scores and answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feedback", "verdict", "score"),
    [
        ({"score": "12.5"}, "AC", 12.5),
        ({"score_multiplier": "0.5"}, "AC", 50),
        ({"score_multiplier": "1.5"}, "JE", None),
        ({"score": "many"}, "JE", None),
    ],
)
async def test_scores_of_validators(
    tmp_path: Path, feedback: dict[str, str], verdict: str, score: float | None
) -> None:
    """A score that is no number is a judge error: nobody guesses points."""
    unbounded = "score" in feedback
    group = "max_score: unbounded\n" if unbounded else "max_score: 100\n"
    files = {**VALIDATOR, "data/secret/test_group.yaml": f"score_aggregation: sum\n{group}"}
    problem = package(tmp_path, CASE, yaml=SCORING, files=files)
    found = await bench(Script(validate=says(says_to(42, **feedback))))(problem)

    assert verdict == found.verdict
    assert score == (None if found.score is None else float(found.score))


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ({"1.out": b"ok\n", "2.out": b"ok\n"}, "AC"),
        ({"1.out": b"ok\n", "2.out": b"no\n"}, "WA"),
        ({"1.out": b"ok\n"}, "WA"),
        ({"secret/1.out": b"ok\n", "secret/2.out": b"ok\n"}, "AC"),
    ],
)
async def test_submitted_answers_are_compared_and_nothing_is_run(
    tmp_path: Path, files: dict[str, bytes], verdict: str
) -> None:
    """A case without an answer is wrong."""
    cases = {"secret/1": ("a", "ok"), "secret/2": ("b", "ok")}
    problem = package(tmp_path, cases, yaml="type: submit-answer")
    bench_ = bench()
    options = Options(cpu_ms=1000)
    found = await bench_(problem, Submission(files=files, language="none"), options)

    assert verdict == found.verdict
    assert not bench_.script.commands
