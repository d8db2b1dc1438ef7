"""Packages written on the spot and a judge whose sandboxes follow a script: nothing is run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path

from judge.artefacts import ArtefactCache
from judge.judging import Judge, Options
from judge.problem import load
from judge.problem.model import Problem
from judge.results import Judgement
from judge.sandbox.base import Cause, Command, File, Outcome, PairOutcome, Role
from judge.sandbox.fake import FakeLauncher, FakeSandbox, Reply, exited
from judge.sandbox.pool import Pool
from judge.submission import Submission

VALIDATOR = {"output_validator/validate.py": "print()\n"}
VERSION = "scripted 1.0"
SOURCE = {"main.py": b"print()\n"}


def package(
    root: Path,
    cases: Mapping[str, tuple[str, str]],
    *,
    yaml: str = "limits: {time_limit: 1}",
    files: Mapping[str, str] | None = None,
) -> Problem:
    """Write a 2025-09 package and load it; cases are input and answer by name below data/."""
    head = f"problem_format_version: 2025-09\nname: Scripted\nuuid: {'0' * 8}\n{yaml}\n"
    written = {"problem.yaml": head, **(files or {})}
    for name, (given, answer) in cases.items():
        written[f"data/{name}.in"] = given
        written[f"data/{name}.ans"] = answer
    for name, text in written.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load(root)


def submission(text: str = "print()\n", *, language: str = "python3") -> Submission:
    return Submission(files={"main.py": text.encode()}, language=language)


def stopped(cause: Cause, *, cpu_ms: int = 1000) -> Outcome:
    """Return the outcome of a process the sandbox ended."""
    return Outcome(cause=cause, cpu_us=cpu_ms * 1000, wall_us=cpu_ms * 1000)


def given(command: Command) -> str:
    """Return a command's standard input as text."""
    data = command.stdin or b""
    return (data if isinstance(data, bytes) else data.read_bytes()).decode()


def says(*replies: Reply) -> Callable[[Command], Reply]:
    """Answer with one reply after the other, then with the last for ever."""
    turns: Iterator[Reply] = chain(replies, repeat(replies[-1]))
    return lambda _command: next(turns)


def by_input(table: Mapping[str, Reply]) -> Callable[[Command], Reply]:
    """Answer by what the program is given."""
    return lambda command: table[given(command)]


def compiles(_command: Command) -> Reply:
    return Reply(files=(File(path="program", data=b"\x7fELF", executable=True),))


@dataclass(slots=True)
class Script:
    """What the compiler, the submission and the package's programs do; keeps every command."""

    run: Callable[[Command], Reply] = field(default_factory=lambda: says(Reply()))
    compile: Callable[[Command], Reply] = compiles
    validate: Callable[[Command], Reply] = field(
        default_factory=lambda: says(Reply(outcome=exited(42)))
    )
    commands: list[Command] = field(default_factory=list)

    def __call__(self, command: Command) -> Reply:
        if command.argv[-1] == "--version":
            return Reply(stdout=VERSION.encode() + b"\nmore\n")
        self.commands.append(command)
        if command.role is Role.COMPILE:
            return self.compile(command)
        return (self.run if command.role is Role.RUN else self.validate)(command)

    def of(self, role: Role) -> list[Command]:
        """Return the commands run in a role."""
        return [command for command in self.commands if command.role is role]


@dataclass(slots=True)
class Bench:
    """A judge on scripted sandboxes, and what there is to look at afterwards."""

    script: Script
    launcher: FakeLauncher
    judge: Judge

    async def __call__(
        self,
        problem: Problem,
        given: Submission | None = None,
        options: Options | None = None,
    ) -> Judgement:
        return await self.judge.judge(problem, given or submission(), options=options or Options())

    @property
    def sandboxes(self) -> Sequence[FakeSandbox]:
        return self.launcher.launched


def bench(
    script: Script | None = None,
    pair: Callable[[Command, Command], PairOutcome] | None = None,
    *,
    cache: ArtefactCache | None = None,
    images: frozenset[str] | None = None,
) -> Bench:
    """Return a judge with one slot."""
    script = script or Script()
    launcher = FakeLauncher(script=script, pair_script=pair, images=images)
    return Bench(script, launcher, Judge(Pool(launcher, [None]), cache=cache))
