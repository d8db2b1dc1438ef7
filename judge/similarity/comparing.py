"""Compares a corpus: every two submissions of each problem, and what of it a person should see.

The order of the submissions does not matter: screening by matrices only decides which pairs are
looked at, and every score that is told is computed from the two fingerprints alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from judge.similarity import across
from judge.similarity.arrays import Hashes
from judge.similarity.fingerprints import Stream
from judge.similarity.groups import CHANCE_MAX, SCORE_MIN, Entry, Group, Scored
from judge.similarity.report import Pair, Report
from judge.similarity.weighting import Rarity, rarities

__all__ = ["CHANCE_MAX", "SCORE_MIN", "Comparison", "Entry", "Scored", "compare"]


def compare(
    entries: Sequence[Entry], *, pairs_max: int = 200, chance_max: float = CHANCE_MAX
) -> Report:
    """Compare all submissions of each problem; `pairs_max` pairs of each kind are told in full."""
    return Comparison(entries).report(pairs_max=pairs_max, chance_max=chance_max)


class Comparison:
    """A corpus being compared, by problem and family of languages."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._groups = _grouped(entries)

    def report(self, *, pairs_max: int, chance_max: float) -> Report:
        """Return what stands out, and the closest pairs, up to `pairs_max` of each kind.

        Scores across languages stand on a scale of their own, so those pairs come after all others.
        """
        pairs: list[Pair] = []
        for weak in (False, True):
            best = sorted(
                (
                    (-score, group.name, place, group)
                    for group in self._groups
                    if group.weak is weak
                    for place, score in group.tellable(pairs_max)
                ),
                key=lambda one: one[:3],
            )
            told = [group.pair(place, chance_max) for _, _, place, group in best[:pairs_max]]
            pairs += sorted(told, key=lambda one: (-one.score, one.problem, one.first, one.second))
        return Report(
            problems=tuple(group.problem(chance_max) for group in self._groups),
            pairs=tuple(_counted(pairs, self._people())),
            threshold=chance_max,
            score_min=SCORE_MIN,
        )

    def scored(self) -> Iterator[Scored]:
        """Yield the scores of each problem's pairs, without what they consist of."""
        for group in self._groups:
            yield group.scored

    def _people(self) -> Mapping[str, str]:
        return {one.id: one.author or one.id for group in self._groups for one in group.entries}


def _grouped(entries: Sequence[Entry]) -> list[Group]:
    """Return what is compared: each problem in each family, and each problem across families."""
    by_family: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    across: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda one: one.id):
        by_family[entry.fingerprint.family][entry.problem].append(entry)
        across[entry.problem].append(entry)
    groups: list[Group] = []
    for problems in by_family.values():
        groups += _made(list(problems.values()), weak=False)
    mixed = [each for each in across.values() if len({one.fingerprint.family for one in each}) > 1]
    if mixed:
        groups += _made(mixed, weak=True)
    return sorted(groups, key=lambda one: (one.name, one.weak, one.family))


def _made(problems: Sequence[Sequence[Entry]], *, weak: bool) -> list[Group]:
    """Return a group for each problem; all of them together say what is in several."""
    sets = [_sets_across(entries) if weak else _sets(entries) for entries in problems]
    by_stream = [
        (_rarities_across if weak else _rarities)(problems, [one[stream] for one in sets])
        for stream in range(len(sets[0]))
    ]
    return [
        Group(
            entries=tuple(entries),
            sets=sets[place],
            rarity=tuple(one[place] for one in by_stream),
            problems=len(problems),
            weak=weak,
        )
        for place, entries in enumerate(problems)
    ]


def _sets(entries: Sequence[Entry]) -> list[list[Hashes]]:
    """Return the gram sets of submissions by stream."""
    return [[one.fingerprint.gram_set(stream) for one in entries] for stream in Stream]


def _sets_across(entries: Sequence[Entry]) -> list[list[Hashes]]:
    """Return the same of what programs in different languages may share."""
    return [
        list(stream)
        for stream in zip(*(across.sets(one.fingerprint) for one in entries), strict=True)
    ]


def _rarities(
    problems: Sequence[Sequence[Entry]], sets: Sequence[Sequence[Hashes]]
) -> list[Rarity]:
    return rarities([_of_people(*one) for one in zip(problems, sets, strict=True)])


def _rarities_across(
    problems: Sequence[Sequence[Entry]], sets: Sequence[Sequence[Hashes]]
) -> list[Rarity]:
    people: list[list[tuple[str, Hashes]]] = []
    for entries, grams in zip(problems, sets, strict=True):
        people.append([])
        for family in sorted({one.fingerprint.family for one in entries}):
            chosen = [at for at, one in enumerate(entries) if one.fingerprint.family == family]
            of = _of_people([entries[at] for at in chosen], [grams[at] for at in chosen])
            people[-1] += [(family, each) for each in of]
    return across.rarity(people)


def _of_people(entries: Sequence[Entry], sets: Sequence[Hashes]) -> list[Hashes]:
    """Join the gram sets of each person: what one repeats is not common for that."""
    if not any(one.author for one in entries):
        return list(sets)
    joined: dict[str, list[Hashes]] = defaultdict(list)
    for entry, grams in zip(entries, sets, strict=True):
        joined[entry.author or f"\0{entry.id}"].append(grams)
    return [one[0] if len(one) == 1 else np.unique(np.concatenate(one)) for one in joined.values()]


def _counted(pairs: Sequence[Pair], people: Mapping[str, str]) -> list[Pair]:
    """Tell of each pair in how many other problems the same two people stand out."""

    def key(pair: Pair) -> tuple[str, str]:
        one, other = sorted((people[pair.first], people[pair.second]))
        return one, other

    problems: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pair in pairs:
        if pair.stands_out:
            problems[key(pair)].add(pair.problem)
    counts = Counter({who: len(where) for who, where in problems.items()})
    return [
        replace(pair, also=counts[key(pair)] - int(pair.problem in problems[key(pair)]))
        if key(pair) in problems
        else pair
        for pair in pairs
    ]
