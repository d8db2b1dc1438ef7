"""Programs that come with a package: validators, graders, generators and example submissions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from judge.problem.constants import fill
from judge.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file of the package. `name` is relative to its program or directory."""

    name: str
    path: Path
    size_bytes: int
    executable: bool = False

    def read(self, constants: Mapping[str, str] | None = None) -> bytes:
        """Return the content, with constants filled in when there are any."""
        data = self.path.read_bytes()
        return fill(data, constants) if constants else data


class ProgramKind(StrEnum):
    """What a program of a package is for."""

    INPUT_VALIDATOR = "input validator"
    OUTPUT_VALIDATOR = "output validator"
    STATIC_VALIDATOR = "static validator"
    GRADER = "grader"
    GENERATOR = "generator"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSource:
    """A program to build from a file or a directory.

    `language` is a code of the format's language table, or `build` (has a `build` or `run`
    script), `checktestdata` or `viva`, or None when it cannot be told. `entry_point` is the file
    to start for interpreted languages. `location` is the path inside the package.
    """

    kind: ProgramKind
    name: str
    location: str
    files: tuple[SourceFile, ...]
    language: str | None
    entry_point: str | None = None

    @property
    def runnable(self) -> bool:
        """Tell whether the engine can build it: validator languages of other tools are not."""
        return self.language not in {None, "checktestdata", "viva"}

    @property
    def scripted(self) -> bool:
        """Tell whether `build` and `run` say how the program is built and started."""
        return self.language == "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRange:
    """An inclusive range of scores; both ends equal for one expected score."""

    low: Fraction
    high: Fraction

    def holds(self, score: Fraction, tolerance: Fraction = Fraction(1, 10**6)) -> bool:
        """Tell whether a score is in the range, rounding of printed scores forgiven."""
        return self.low - tolerance <= score <= self.high + tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRule:
    """What must hold of the verdicts on a set of test cases.

    `where` is a glob over names of groups and cases relative to `data/`, "" for all cases.
    Every case's verdict is in `permitted`, at least one is in `required`; None demands nothing.
    `score` bounds the score of the group itself. `pattern` is the key that brought the rule.
    """

    where: str = ""
    permitted: frozenset[Verdict] | None = None
    required: frozenset[Verdict] | None = None
    score: ScoreRange | None = None
    message: str = ""
    lower_bound: bool = False
    upper_bound: bool = False
    pattern: str = ""


class LabelSource(StrEnum):
    """Who said what a submission should get."""

    DIRECTORY = "directory"
    TAG = "tag"
    SUBMISSIONS_YAML = "submissions.yaml"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the jury says a submission gets.

    `verdicts` are the allowed final verdicts in the coarse five, None when nobody says. `partial`
    asks for less than the best score, `full` for the best score. `grades` are the expected
    verdicts of the groups below `secret` in order. `rules` judge single cases (2025-09).
    """

    verdicts: tuple[Verdict, ...] | None = None
    source: LabelSource = LabelSource.NOTHING
    partial: bool = False
    score: ScoreRange | None = None
    grades: tuple[Verdict, ...] = ()
    rules: tuple[CaseRule, ...] = ()

    def allows(self, verdict: Verdict) -> bool:
        """Tell whether a final verdict is an expected one; any is where nobody says."""
        return self.verdicts is None or verdict.big5 in self.verdicts

    @property
    def lower_bound(self) -> bool:
        """Tell whether its times (on the rules' cases) bound the time limit from below."""
        return any(rule.lower_bound for rule in self.rules)

    @property
    def upper_bound(self) -> bool:
        """Tell whether its times (on the rules' cases) bound the time limit from above."""
        return any(rule.upper_bound for rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSubmission:
    """A solution in `submissions/`. `name` is relative to that directory.

    `language` is what `submissions.yaml` states and None otherwise; `language_guess` is what the
    file endings say (a code of the format's table), None when they do not.
    """

    name: str
    directory: str
    files: tuple[SourceFile, ...]
    expectation: Expectation
    language: str | None = None
    language_guess: str | None = None
    entry_point: str | None = None
    model_solution: bool = False
    authors: tuple[str, ...] = ()
