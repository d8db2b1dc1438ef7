"""How the runs of a problem become its judgement: the rules a package gives, nothing else.

`judge.aggregation.plans` maps a problem to one of three plans. Case and group names are paths
below `data/` (`sample/1`, `secret/group1/02-x`); the order of `items` is the order of judging.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from judge.problem.model import Aggregation
from judge.results import GroupResult, Run
from judge.verdicts import Verdict


class ScoreMode(StrEnum):
    """How scores of parts become the score of the whole."""

    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class VerdictMode(StrEnum):
    """How verdicts of parts become the verdict of the whole (legacy default grader)."""

    WORST_ERROR = "worst_error"
    FIRST_ERROR = "first_error"
    ALWAYS_ACCEPT = "always_accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFailPlan:
    """Pass-fail, every format: accepted when every case is; `cases` in order, samples first."""

    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyGroup:
    """A legacy test data group with everything it inherits already filled in.

    The root's name is empty. `items` are case names and subgroups in lexicographic order.
    `range_min` and `range_max` of None are infinite. `custom_scores` says whether a validator
    may give scores; without, more can be known before all cases are judged.
    """

    name: str
    items: tuple["str | LegacyGroup", ...] = ()
    stop_on_reject: bool = True
    custom_grading: bool = False
    grader_flags: tuple[str, ...] = ()
    accept_score: Fraction = Fraction(1)
    reject_score: Fraction = Fraction(0)
    range_min: Fraction | None = None
    range_max: Fraction | None = None
    custom_scores: bool = True

    def cases(self) -> Iterator[str]:
        """Yield the names of all cases in and below this group, in order."""
        for item in self.items:
            if isinstance(item, str):
                yield item
            else:
                yield from item.cases()


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyPlan:
    """Legacy scoring: a tree whose root holds `sample` and `secret`.

    `maximise` says which of two scores is better, `keeps_score` that a rejected submission has
    the score of the groups it passed.
    """

    root: LegacyGroup
    maximise: bool = True
    keeps_score: bool = False

    @property
    def cases(self) -> tuple[str, ...]:
        """Return the names of all cases in order."""
        return tuple(self.root.cases())


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredGroup:
    """A 2025-09 test data group (or `secret` without groups, or `sample`).

    `max_score` None is unbounded. `static_case`, when the group has a static validation case,
    is its name; it is judged before the others, `static_score` None makes it pass-fail.
    """

    name: str
    cases: tuple[str, ...] = ()
    aggregation: Aggregation = Aggregation.PASS_FAIL
    max_score: Fraction | None = None
    require_pass: tuple[str, ...] = ()
    static_case: str | None = None
    static_score: Fraction | None = None

    @property
    def all_cases(self) -> tuple[str, ...]:
        """Return the cases in order of judging, the static one first."""
        return self.cases if self.static_case is None else (self.static_case, *self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPlan:
    """2025-09 scoring: `secret` holds cases itself or groups, never both."""

    sample: tuple[str, ...]
    secret: ScoredGroup
    groups: tuple[ScoredGroup, ...] = ()

    @property
    def cases(self) -> tuple[str, ...]:
        """Return the names of all cases in order."""
        below = tuple(case for group in self.groups for case in group.all_cases)
        return (*self.sample, *self.secret.all_cases, *below)


Plan = PassFailPlan | LegacyPlan | ScoredPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class GraderCall:
    """A custom grader that has to be run: its group, arguments and standard input."""

    group: str
    flags: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What the runs add up to.

    `runs` are those that were judged, in order, with the scores they count. While
    `grader_calls` is not empty the rest is preliminary: run the graders and aggregate again.
    """

    verdict: Verdict
    score: Fraction | None = None
    reason: str = ""
    groups: GroupResult | None = None
    runs: tuple[Run, ...] = ()
    warnings: tuple[str, ...] = ()
    grader_calls: tuple[GraderCall, ...] = ()
