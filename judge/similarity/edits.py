"""What lies between a copy and its original: the kinds of edits that an alignment shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from judge.similarity.alignment import Tile
from judge.similarity.arrays import Array
from judge.similarity.fingerprints import Fingerprint
from judge.similarity.kinds import Leaf

_SOME = 0.05
_MANY = 0.15
_COVERED = 0.6
TILES_MAX = 500


class Edit(StrEnum):
    """A kind of difference."""

    NONE = "none"
    RENAMED = "renamed"
    LITERALS = "literals changed"
    TYPES = "types changed"
    REORDERED = "reordered"
    INSERTED = "code inserted"
    REWRITTEN = "parts rewritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """The kinds of edits, and how much of each submission's own code is aligned."""

    kinds: tuple[Edit, ...]
    first_covered: float
    second_covered: float
    names_renamed: float


def classify(first: Fingerprint, second: Fingerprint, tiles: Sequence[Tile]) -> Edits:
    """Tell the kinds of edits between two aligned submissions."""
    if not tiles:
        return Edits(kinds=(), first_covered=0.0, second_covered=0.0, names_renamed=0.0)
    here = np.concatenate([np.arange(one.first, one.first + one.length) for one in tiles])
    there = np.concatenate([np.arange(one.second, one.second + one.length) for one in tiles])
    shapes = first.shapes[here]
    differ = first.spellings[here] != second.spellings[there]
    covered = (
        len(here) / max(first.own_tokens, len(here)),
        len(there) / max(second.own_tokens, len(there)),
    )
    renamed = _share(differ, shapes, (Leaf.NAME,))
    kinds = []
    if renamed > _SOME:
        kinds.append(Edit.RENAMED)
    if _share(differ, shapes, (Leaf.NUMBER, Leaf.TEXT, Leaf.CHARACTER, Leaf.TRUTH)) > _MANY:
        kinds.append(Edit.LITERALS)
    if _share(differ, shapes, (Leaf.TYPE,)) > _MANY:
        kinds.append(Edit.TYPES)
    if _moved(tiles) > _SOME:
        kinds.append(Edit.REORDERED)
    if max(covered) >= _COVERED and max(covered) - min(covered) > _MANY:
        kinds.append(Edit.INSERTED)
    elif min(covered) < 1.0 - _MANY:
        kinds.append(Edit.REWRITTEN)
    return Edits(
        kinds=tuple(kinds) or (Edit.NONE,),
        first_covered=round(covered[0], 4),
        second_covered=round(covered[1], 4),
        names_renamed=round(renamed, 4),
    )


def _share(differ: Array, shapes: Array, leaves: Sequence[Leaf]) -> float:
    """Return the share of the aligned leaves of some kinds that are spelled differently."""
    chosen = np.isin(shapes, [int(leaf) for leaf in leaves])
    return float(differ[chosen].mean()) if chosen.any() else 0.0


def _moved(tiles: Sequence[Tile]) -> float:
    """Return the share of the aligned tokens that stand in another order."""
    total = sum(tile.length for tile in tiles)
    # The heaviest run of tiles that stand in the same order in both, ending at each tile.
    heaviest: list[int] = []
    for place, tile in enumerate(tiles[:TILES_MAX]):
        before = (heaviest[other] for other in range(place) if tiles[other].second < tile.second)
        heaviest.append(tile.length + max(before, default=0))
    return 1.0 - max(heaviest, default=0) / total if len(tiles) <= TILES_MAX else 0.0
