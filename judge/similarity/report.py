"""What a comparison found, as data: for JSON, for the page, and for whoever stores it."""

from dataclasses import asdict, dataclass
from typing import Any

from judge.similarity.alignment import Fragment
from judge.similarity.calibration import CHANCE_MIN, Calibration
from judge.similarity.clusters import Cluster
from judge.similarity.edits import Edits

FORMAT = "codebattle-similarity-1"
HISTOGRAM_BINS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The parts of a score: overlaps of the three streams, and the order of tokens if counted."""

    shapes: float
    parts: float
    spellings: float
    order: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two submissions of one problem, `first` before `second` by id.

    `chance` is the share of independent pairs of this problem that come as close, or None when
    there are too few pairs to say. `also` counts the other problems in which the same two people
    stand out. `weak` marks a comparison across languages, which is weaker evidence: its score is
    on a scale of its own, and its `chance` that among pairs across languages.
    """

    problem: str
    first: str
    second: str
    score: float
    chance: float | None
    stands_out: bool
    terms: Terms
    edits: Edits
    fragments: tuple[Fragment, ...]
    also: int = 0
    weak: bool = False

    @property
    def meaning(self) -> str:
        """Return the score in words; `chance` is that among pairs of the same kind."""
        kind = "pairs of this problem across languages" if self.weak else "pairs of this problem"
        if self.chance is None:
            return f"too few {kind} to say how often this comes by chance"
        if self.chance <= CHANCE_MIN:
            return f"this close by chance: less than 1 in {one_in(CHANCE_MIN):,} {kind}"
        return f"this close by chance: about 1 in {one_in(self.chance):,} {kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem: what was compared, how the scores lie, what stands out.

    `histogram` counts pairs by overlap, in equal bins from 0 to 1.
    """

    name: str
    family: str
    submissions: tuple[str, ...]
    too_short: tuple[str, ...]
    pairs: int
    histogram: tuple[int, ...]
    calibration: Calibration
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole comparison; pairs come with the highest score first, those across languages last.

    A pair stands out when its chance is at most `threshold` and its score at least `score_min`.
    """

    problems: tuple[Problem, ...]
    pairs: tuple[Pair, ...]
    threshold: float
    score_min: float
    unread: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        told = asdict(self)
        told["format"] = FORMAT
        for pair, plain in zip(self.pairs, told["pairs"], strict=True):
            plain["meaning"] = pair.meaning
        return told


def one_in(chance: float) -> int:
    """Return the N of "1 in N", with two digits that mean something."""
    if chance <= 0:
        return 10_000_000
    exact = 1.0 / chance
    digits = int(10 ** max(len(str(int(exact))) - 2, 0))
    return max(1, round(exact / digits) * digits)
