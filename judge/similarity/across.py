"""What programs in different languages may share: structure, words, and the order of words.

Languages write one thing in many ways, so structure is told in their common words: control flow
without functions and calls, what is computed and compared, and the numbers. Translators keep
names more often than not, so how often a word occurs and what follows it count as much.
"""

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np

from judge.similarity.arrays import Array, Flags, Hashes, Reals
from judge.similarity.fingerprints import Fingerprint
from judge.similarity.hashing import mixed, windows
from judge.similarity.kinds import Leaf, Part
from judge.similarity.weighting import Rarity, rarities

_LENGTHS = (2, 3, 4)
_RUNS = (2, 3)
# A word that occurs so often, or more, counts once more for each.
_OFTEN = (1, 2, 4, 8)
# Marks of control flow; functions and calls are not here, since languages differ in both.
_MARKS = {
    Part.LOOP: 1,
    Part.LOOP_END: 2,
    Part.IF: 3,
    Part.IF_END: 4,
    Part.ELSE: 5,
    Part.RETURN: 6,
    Part.BREAK: 7,
    Part.CONTINUE: 8,
    Part.INDEX: 9,
}
# Operators by what they do; the two directions of a comparison are one.
_OPERATORS = (
    "+ += ++",
    "- -= --",
    "* *=",
    "/ /= // //=",
    "% %=",
    "< >",
    "<= >=",
    "== === is",
    "!= !==",
    "&& and",
    "|| or",
    "! not",
    "& &=",
    "| |=",
    "^ ^=",
    "<<= <<",
    "** **= pow",
)
# What other problems say counts like so many solutions.
_PRIOR = 3.0
# Few words of a program survive a translation, and most of those are in every solution: what is
# rare counts for more than within a language, and little that is shared for less.
_RARITY_POWER = 2.0
_SMOOTHING = 15.0


def _table() -> tuple[Hashes, Array]:
    """Return the spellings of operators, ascending, and what each does."""
    found = {
        crc32(word.encode()): 100 + place
        for place, words in enumerate(_OPERATORS)
        for word in words.split()
    }
    keys = sorted(found)
    return np.array(keys, dtype=np.uint32), np.array([found[key] for key in keys])


_SPELT, _DOES = _table()
_MARKED = np.zeros(256, dtype=np.int64)
for _part, _mark in _MARKS.items():
    _MARKED[_part] = _mark


def sets(one: Fingerprint) -> list[Hashes]:
    """Return what may be shared with another language: structure, words, runs of words."""
    words = one.words[one.own & (one.words != 0)]
    return [_structure(one), _counted(words), _joined(words, _RUNS)]


def rarity(problems: Sequence[Sequence[tuple[str, Hashes]]]) -> list[Rarity]:
    """Return the rarity of a stream for each problem, given the families and sets of people.

    What everybody in one language writes is its library: rare is what is rare in each language.
    A problem has few solutions in each, so what they say is joined with all other problems'.
    """
    every = rarities([[grams for _, grams in people] for people in problems])
    usual = {
        family: rarities(
            [[grams for each, grams in people if each == family] for people in [_all(problems)]]
        )[0]
        for family in sorted({each for people in problems for each, _ in people})
    }
    count = sum(len(people) for people in problems)
    return [
        Rarity(
            grams=known.grams,
            holders=np.maximum(known.holders, _share(known.grams, people, usual) * count),
            problems=np.ones(len(known.grams), dtype=np.int64),
            submissions=count,
            power=_RARITY_POWER,
            smoothing=_SMOOTHING,
        )
        for people, known in zip(problems, every, strict=True)
    ]


def _all(problems: Sequence[Sequence[tuple[str, Hashes]]]) -> list[tuple[str, Hashes]]:
    return [each for people in problems for each in people]


def _share(
    grams: Hashes, people: Sequence[tuple[str, Hashes]], usual: Mapping[str, Rarity]
) -> Reals:
    """Return how usual grams are in the language of the problem where they are most so."""
    found = np.zeros(len(grams))
    for family in sorted({each for each, _ in people}):
        (own,) = rarities([[each for of, each in people if of == family]])
        known = usual[family]
        prior = _held(known, grams) / (known.submissions + 1.0)
        found = np.maximum(found, (_held(own, grams) + _PRIOR * prior) / (own.submissions + _PRIOR))
    return found


def _held(known: Rarity, grams: Hashes) -> Reals:
    return np.asarray(known.holders_of(grams) * np.isin(grams, known.grams), dtype=np.float64)


def _structure(one: Fingerprint) -> Hashes:
    place = np.minimum(np.searchsorted(_SPELT, one.spellings), len(_SPELT) - 1)
    operator = _SPELT[place] == one.spellings
    number = one.shapes == int(Leaf.NUMBER)
    leaves = np.flatnonzero(operator | number)
    does = np.where(operator, _DOES[place], one.words.astype(np.int64) + 1000)[leaves]
    marks = np.flatnonzero(_MARKED[one.parts])
    tokens = np.concatenate([_MARKED[one.parts[marks]], does])
    at = np.concatenate([one.part_at[marks].astype(np.int64), leaves])
    own: Flags = np.concatenate([one.own_parts()[marks], one.own[leaves]])
    # A mark stands before the leaf that it begins with.
    order = np.lexsort((np.arange(len(at)), at))
    return _joined(tokens[order][own[order]], _LENGTHS)


def _joined(tokens: Array, lengths: Sequence[int]) -> Hashes:
    return np.unique(np.concatenate([windows(tokens, length) for length in lengths]))


def _counted(words: Hashes) -> Hashes:
    """Return the words, those that occur often in several hashes."""
    found, counts = np.unique(words, return_counts=True)
    parts = [found]
    for often in _OFTEN[1:]:
        again = found[counts >= often].astype(np.uint64) + (np.uint64(often) << np.uint64(32))
        parts.append(np.asarray(mixed(again) >> np.uint64(32), dtype=np.uint32))
    return np.unique(np.concatenate(parts))
