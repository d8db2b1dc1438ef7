"""Which parts of two submissions correspond: maximal tiles, then tiles joined across small edits.

Only pairs that were found by their grams come here. Tokens are matched by shape, so a renamed copy
aligns like a literal one; what was renamed is told apart afterwards.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from judge.similarity.arrays import Array, Flags
from judge.similarity.fingerprints import Fingerprint, Stream
from judge.similarity.hashing import windows
from judge.similarity.weighting import Rarity

SEED = 9
TILE_MIN = 12
GAP_MAX = 16
FRAGMENTS_MAX = 200
_SEEDS_MAX = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A run of tokens of the same shapes: where it begins in each, and how long it is."""

    first: int
    second: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """Corresponding lines of two submissions.

    `exact` when no edit lies inside; `spelled` is the share of its tokens that are written the
    same. `holders` of `submissions` have its rarest tenth.
    """

    first_lines: tuple[int, int]
    second_lines: tuple[int, int]
    tokens: int
    exact: bool
    spelled: float
    holders: int
    submissions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """All tiles of two submissions, and the fragments made of them."""

    tiles: tuple[Tile, ...]
    fragments: tuple[Fragment, ...]


def align(first: Fingerprint, second: Fingerprint, rarity: Rarity) -> Alignment:
    """Align two submissions; `rarity` is that of the shapes of their problem."""
    tiles = tiled(first, second)
    holders = _holders(first, rarity)
    fragments = [
        _fragment(group, first, second, holders, rarity.submissions) for group in _joined(tiles)
    ]
    fragments.sort(key=lambda one: (one.holders, -one.tokens, one.first_lines))
    return Alignment(tiles=tuple(tiles), fragments=tuple(fragments[:FRAGMENTS_MAX]))


def tiled(first: Fingerprint, second: Fingerprint) -> list[Tile]:
    """Return tiles that do not overlap, the longest taken first, in the order of the first."""
    runs = _runs(first, second)
    free_first, free_second = first.own.copy(), second.own.copy()
    found: list[Tile] = []
    waiting: dict[int, list[Tile]] = defaultdict(list)
    for run in runs:
        waiting[run.length].append(run)
    # By falling length: a run of which a part is taken waits again with what is left of it.
    for length in range(max(waiting, default=0), TILE_MIN - 1, -1):
        for run in sorted(waiting.pop(length, ()), key=lambda one: (one.first, one.second)):
            for rest in _free(run, free_first, free_second):
                if rest.length == length:
                    free_first[rest.first : rest.first + length] = False
                    free_second[rest.second : rest.second + length] = False
                    found.append(rest)
                elif rest.length >= TILE_MIN:
                    waiting[rest.length].append(rest)
    return sorted(found, key=lambda one: one.first)


def _runs(first: Fingerprint, second: Fingerprint) -> list[Tile]:
    """Return the maximal runs of equal shapes that hold a seed."""
    here, there = windows(first.shapes, SEED), windows(second.shapes, SEED)
    order = np.argsort(there, kind="stable")
    low = np.searchsorted(there[order], here, side="left")
    counts = np.searchsorted(there[order], here, side="right") - low
    if int(counts.sum()) > _SEEDS_MAX:
        counts[counts > max(1, _SEEDS_MAX // max(len(here), 1))] = 0
    starts = np.repeat(np.arange(len(here)), counts)
    if not len(starts):
        return []
    within = np.arange(len(starts)) - np.repeat(np.cumsum(counts) - counts, counts)
    matches = order[np.repeat(low, counts) + within]
    diagonal = matches - starts
    by = np.lexsort((starts, diagonal))
    starts, diagonal = starts[by], diagonal[by]
    breaks = np.flatnonzero((np.diff(diagonal) != 0) | (np.diff(starts) != 1)) + 1
    heads = np.concatenate(([0], breaks))
    tails = np.concatenate((breaks, [len(starts)])) - 1
    return [
        Tile(
            first=int(starts[head]),
            second=int(starts[head] + diagonal[head]),
            length=int(starts[tail] - starts[head]) + SEED,
        )
        for head, tail in zip(heads, tails, strict=True)
    ]


def _free(run: Tile, first: Flags, second: Flags) -> list[Tile]:
    """Return the parts of a run that are free in both."""
    free = first[run.first : run.first + run.length] & second[run.second : run.second + run.length]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], free.view(np.int8), [0]))))
    return [
        Tile(first=run.first + int(a), second=run.second + int(a), length=int(b - a))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def _joined(tiles: list[Tile]) -> list[list[Tile]]:
    """Join tiles that follow each other in both with a small gap: an edit within a fragment."""
    groups: list[list[Tile]] = []
    for tile in tiles:
        if groups:
            last = groups[-1][-1]
            here = tile.first - last.first - last.length
            there = tile.second - last.second - last.length
            if here <= GAP_MAX and 0 <= there <= GAP_MAX:
                groups[-1].append(tile)
                continue
        groups.append([tile])
    return groups


def _holders(one: Fingerprint, rarity: Rarity) -> Array:
    """Return for each token in how many submissions the gram beginning there is."""
    grams, at = one.grams(Stream.SHAPES)
    holders = np.zeros(len(one.shapes), dtype=np.int64)
    holders[at] = rarity.holders_of(grams)
    return holders


def _fragment(
    group: list[Tile], first: Fingerprint, second: Fingerprint, holders: Array, submissions: int
) -> Fragment:
    known = np.concatenate([holders[one.first : one.first + one.length] for one in group])
    known = known[known > 0]
    same = sum(
        int(
            (
                first.spellings[one.first : one.first + one.length]
                == second.spellings[one.second : one.second + one.length]
            ).sum()
        )
        for one in group
    )
    tokens = sum(one.length for one in group)
    end = group[-1]
    return Fragment(
        first_lines=_lines(first, group[0].first, end.first + end.length),
        second_lines=_lines(second, group[0].second, end.second + end.length),
        tokens=tokens,
        exact=len(group) == 1,
        spelled=same / tokens,
        holders=int(np.quantile(known, 0.1)) if len(known) else submissions,
        submissions=submissions,
    )


def _lines(one: Fingerprint, start: int, end: int) -> tuple[int, int]:
    return int(one.lines[start]), int(one.lines[end - 1])
