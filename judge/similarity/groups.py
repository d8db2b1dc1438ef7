"""The submissions of one problem that are compared with each other: screened, scored, told.

Screening by matrices only decides which pairs are looked at; what is told of a pair is computed
from its two fingerprints.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from judge.similarity import ordering
from judge.similarity.alignment import Fragment, align
from judge.similarity.arrays import Array, Hashes, Reals
from judge.similarity.calibration import Calibration, calibrate
from judge.similarity.clusters import clusters
from judge.similarity.edits import Edits, classify
from judge.similarity.fingerprints import Fingerprint, Stream
from judge.similarity.overlaps import Overlaps, overlap
from judge.similarity.report import HISTOGRAM_BINS, Pair, Problem, Terms
from judge.similarity.weighting import Rarity

# A pair stands out when independent pairs come as close more seldom than this, and it shares
# about half of what says something: common sources of two people are not taken for a copy.
CHANCE_MAX = 1e-5
SCORE_MIN = 0.55
# Submissions that are too short to say anything are scored down to so many tokens, and not told.
SCORED_MIN = 12

_SAMPLE_PAIRS = 2000
_ORDERED_EACH = 6
_ORDERED_ABOVE = 0.25
_KEPT_MAX = 600_000
_LINKS_MAX = 20_000
# With few pairs the usual overlap across languages is nearer to none, as if by so many more pairs.
_USUAL_PRIOR = 3.0
_NO_EDITS = Edits(kinds=(), first_covered=0.0, second_covered=0.0, names_renamed=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One submission to compare; two of one `author` are never a pair."""

    id: str
    problem: str
    fingerprint: Fingerprint
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """The best pairs of a problem by falling score, as places in `entries`."""

    entries: tuple[Entry, ...]
    first: Array
    second: Array
    scores: Array


class Group:
    """The submissions of one problem in one family of languages, or, if `weak`, across them.

    `sets` are their gram sets, a list for each stream; across languages the streams are those of
    `across`, and only pairs of different families are compared.
    """

    def __init__(
        self,
        *,
        entries: tuple[Entry, ...],
        sets: Sequence[Sequence[Hashes]],
        rarity: tuple[Rarity, ...],
        problems: int,
        weak: bool = False,
    ) -> None:
        self.weak = weak
        self.entries = entries
        self.name = entries[0].problem
        self.family = " and ".join(sorted({one.fingerprint.family for one in entries}))
        self._sets = sets
        self._rarity = rarity
        self._order_weight = 0.0 if weak else ordering.weight(problems)
        self._orders = ordering.Orders([one.fingerprint for one in entries])
        self._overlaps = Overlaps(sets, rarity, len(entries))
        self._histogram = np.zeros(HISTOGRAM_BINS, dtype=np.int64)

    @cached_property
    def scored(self) -> Scored:
        """Score every pair that the matrices bring up, the order of tokens for the best of them."""
        first, second, overlaps = self._screened()
        scores = self._above(overlaps)
        weight = self._order_weight
        if weight and len(scores):
            chosen = _worth_ordering(first, second, scores, len(self.entries))
            order = np.zeros(len(scores))
            order[chosen] = self._order(first[chosen], second[chosen])
            scores = (1 - weight) * scores + weight * order
        by = np.lexsort((second, first, -scores))
        return Scored(entries=self.entries, first=first[by], second=second[by], scores=scores[by])

    @cached_property
    def calibration(self) -> Calibration:
        """Return what scores mean here, from pairs taken at random."""
        scores = self._above(self._sample_overlaps)
        if self._order_weight:
            order = ordering.above(self._sample_likeness, self._usual_order)
            scores = (1 - self._order_weight) * scores + self._order_weight * order
        return calibrate(scores)

    def tellable(self, pairs_max: int) -> list[tuple[int, float]]:
        """Return the places in `scored` of the best pairs, without what is too short to say."""
        short = np.array([one.fingerprint.too_short for one in self.entries])
        scored = self.scored
        told = np.flatnonzero(~short[scored.first] & ~short[scored.second] & (scored.scores > 0))
        best = told[:pairs_max]
        return list(zip(best.tolist(), scored.scores[best].tolist(), strict=True))

    def problem(self, chance_max: float) -> Problem:
        """Return the summary, with the clusters of the pairs that stand out."""
        scored = self.scored
        links = [
            (self.entries[scored.first[place]].id, self.entries[scored.second[place]].id, score)
            for place, score in self.tellable(_LINKS_MAX)
            if self._stands_out(score, chance_max)
        ]
        return Problem(
            name=self.name,
            family=self.family,
            submissions=tuple(one.id for one in self.entries),
            too_short=tuple(one.id for one in self.entries if one.fingerprint.too_short),
            pairs=int(self._histogram.sum()),
            histogram=tuple(int(one) for one in self._histogram),
            calibration=self.calibration,
            clusters=clusters(self.name, links),
        )

    def _stands_out(self, score: float, chance_max: float) -> bool:
        chance = self.calibration.chance(score)
        return chance is not None and chance <= chance_max and score >= SCORE_MIN

    def _screened(self) -> tuple[Array, Array, Array]:
        """Return the pairs with the greatest overlaps."""
        count = len(self.entries)
        authors = np.unique(
            [one.author or f"\0{place}" for place, one in enumerate(self.entries)],
            return_inverse=True,
        )[1]
        families = np.array([one.fingerprint.family for one in self.entries])
        usable = np.array([one.fingerprint.own_tokens >= SCORED_MIN for one in self.entries])
        kept: list[tuple[Array, Array, Array]] = []
        floor, held = 0.0, 0
        for block in self._overlaps.blocks():
            rows = np.arange(block.first, block.first + len(block.values))
            allowed = (np.arange(count)[None, :] > rows[:, None]) & usable[None, :]
            allowed &= usable[rows][:, None] & (authors[None, :] != authors[rows][:, None])
            if self.weak:
                allowed &= families[None, :] != families[rows][:, None]
            values = block.values
            bins = np.clip((values[allowed] * HISTOGRAM_BINS).astype(int), 0, HISTOGRAM_BINS - 1)
            self._histogram += np.bincount(bins, minlength=HISTOGRAM_BINS)
            one, other = np.nonzero(allowed & (values >= floor))
            kept.append((rows[one], other, values[one, other].astype(np.float64)))
            held += len(one)
            if held > 2 * _KEPT_MAX:
                kept, floor = _best(kept)
                held = len(kept[0][0])
        if not kept:
            return np.zeros(0, int), np.zeros(0, int), np.zeros(0)
        (best,), _ = _best(kept)
        return best

    @cached_property
    def _sample(self) -> tuple[Array, Array]:
        """Return pairs of different people, the same ones whatever the order of submissions."""
        usable = [place for place, one in enumerate(self.entries) if not one.fingerprint.too_short]
        count = len(usable)
        found: set[tuple[int, int]] = set()
        if count * (count - 1) // 2 <= _SAMPLE_PAIRS:
            found.update(
                (one, other) for at, one in enumerate(usable) for other in usable[at + 1 :]
            )
        else:
            draw = random.Random(count)  # noqa: S311 - a sample, no secret
            while len(found) < _SAMPLE_PAIRS:
                one, other = sorted(draw.sample(usable, 2))
                found.add((one, other))
        kept = [pair for pair in sorted(found) if self._comparable(*pair)]
        table = np.array(kept, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def _comparable(self, one: int, other: int) -> bool:
        first, second = self.entries[one], self.entries[other]
        if self.weak and first.fingerprint.family == second.fingerprint.family:
            return False
        return not first.author or first.author != second.author

    def _above(self, overlaps: Reals) -> Reals:
        """Return scores: across languages what two programs share beyond the usual of the problem.

        Its numbers and the names of its statement are in solutions of every language.
        """
        if not self.weak or not len(overlaps):
            return overlaps
        return ordering.above(overlaps, self._usual_overlap)

    @cached_property
    def _usual_overlap(self) -> float:
        found = self._sample_overlaps
        if not len(found):
            return 0.0
        return float(np.median(found)) * len(found) / (len(found) + _USUAL_PRIOR)

    @cached_property
    def _sample_overlaps(self) -> Reals:
        return np.asarray(self._overlaps.of(*self._sample).mean(axis=0))

    @cached_property
    def _sample_likeness(self) -> Reals:
        return self._orders.likeness(*self._sample)

    @cached_property
    def _usual_order(self) -> float:
        found = self._sample_likeness
        return float(np.median(found)) if len(found) else 0.0

    def _order(self, first: Array, second: Array) -> Reals:
        return ordering.above(self._orders.likeness(first, second), self._usual_order)

    def _terms(self, one: int, other: int) -> tuple[float, Terms]:
        """Return the score of two submissions and what it consists of."""
        found = [
            overlap(sets[one], sets[other], rarity)
            for sets, rarity in zip(self._sets, self._rarity, strict=True)
        ]
        score = float(self._above(np.array([sum(found) / len(found)]))[0])
        order = None
        # Across languages the order of words stands where shapes do.
        shapes, parts, spellings = (found[2], found[0], found[1]) if self.weak else found
        if self._order_weight:
            order = float(self._order(np.array([one]), np.array([other]))[0])
            score = (1 - self._order_weight) * score + self._order_weight * order
        terms = Terms(
            shapes=round(shapes, 4),
            parts=round(parts, 4),
            spellings=round(spellings, 4),
            order=None if order is None else round(order, 4),
        )
        return round(score, 6), terms

    def pair(self, place: int, chance_max: float) -> Pair:
        """Return a pair of `scored` in full."""
        one, other = int(self.scored.first[place]), int(self.scored.second[place])
        first, second = self.entries[one], self.entries[other]
        score, terms = self._terms(one, other)
        fragments: tuple[Fragment, ...] = ()
        edits = _NO_EDITS
        if not self.weak:
            found = align(first.fingerprint, second.fingerprint, self._rarity[Stream.SHAPES])
            fragments = found.fragments
            edits = classify(first.fingerprint, second.fingerprint, found.tiles)
        return Pair(
            problem=self.name,
            first=first.id,
            second=second.id,
            score=score,
            chance=self.calibration.chance(score),
            stands_out=self._stands_out(score, chance_max),
            terms=terms,
            edits=edits,
            fragments=fragments,
            weak=self.weak,
        )


def _best(
    kept: Sequence[tuple[Array, Array, Array]],
) -> tuple[list[tuple[Array, Array, Array]], float]:
    """Keep the pairs with the highest scores; return them and the lowest score kept."""
    first, second, scores = (np.concatenate([one[place] for one in kept]) for place in range(3))
    if len(scores) <= _KEPT_MAX:
        return [(first, second, scores)], 0.0
    by = np.argpartition(-scores, _KEPT_MAX)[:_KEPT_MAX]
    return [(first[by], second[by], scores[by])], float(scores[by].min())


def _worth_ordering(first: Array, second: Array, scores: Array, count: int) -> Array:
    """Choose the pairs whose order of tokens matters: each submission's nearest, and all close."""
    chosen = scores >= _ORDERED_ABOVE
    by = np.argsort(-scores, kind="stable")
    seen = np.zeros(count, dtype=np.int64)
    for place in by.tolist():
        one, other = first[place], second[place]
        if seen[one] < _ORDERED_EACH or seen[other] < _ORDERED_EACH:
            seen[one] += 1
            seen[other] += 1
            chosen[place] = True
    return np.flatnonzero(chosen)
