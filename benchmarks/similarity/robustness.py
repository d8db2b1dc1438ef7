"""Seeded obfuscations of independent solutions, to be found again among the others."""

import ast
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.similarity import obfuscating_cpp, obfuscating_python
from benchmarks.similarity.metrics import Judged, average_precision, recall_at
from benchmarks.similarity.obfuscating import WAYS, all_ways
from benchmarks.similarity.packages import Solution, independent, solutions
from benchmarks.similarity.sets import entries, files, key, truth
from judge.similarity import Comparison, Entry, fingerprint

SET = "conplag2"
PROBLEMS = 6
COPIES = 20
PRECISION = 0.95
RECALL_MIN = 0.95
Way = Callable[[bytes, random.Random], bytes]
# One after the other on the same source; no bar is set for it.
FIVE = ("rename", "loop rewriting", "statement split and merge", "reorder", "literal changes")
AT_ONCE = "five at once"


def measure(data: Path) -> Iterator[Figure]:
    """For each way: hide copies of independent solutions among all of them, and rank the pairs."""
    directory = data / SET
    copied = {key(one.first, one.second) for one in truth(directory) if one.copied}
    involved = {name for pair in copied for name in pair}
    plain = [one for one in entries(directory) if one.id not in involved]
    counts: dict[str, int] = {}
    for one in plain:
        counts[one.problem] = counts.get(one.problem, 0) + 1
    largest = sorted(counts, key=lambda name: (-counts[name], name))[:PROBLEMS]
    plain = [one for one in plain if one.problem in largest]
    sources = {path.name: path.read_bytes() for path in files(directory)}
    hidden: dict[str, list[Entry]] = {name: [] for name in [*WAYS, AT_ONCE]}
    for problem in largest:
        chosen = [one for one in plain if one.problem == problem][:COPIES]
        for seed, one in enumerate(chosen):
            for way, source in all_ways(sources[one.id], seed):
                hidden[way].append(_copy(one.id, problem, source, "java"))
            source = at_once(WAYS, sources[one.id], seed)
            hidden[AT_ONCE].append(_copy(one.id, problem, source, "java"))
    yield from _figures("", plain, hidden)


def measure_packages(directory: Path) -> Iterator[Figure]:
    """Do the same with C++ and Python of problem packages, by ways of those languages."""
    every = solutions(directory)
    for title, languages, ways in (
        ("C++, ", {"c", "cpp"}, obfuscating_cpp.WAYS),
        ("Python, ", {"python3"}, obfuscating_python.WAYS),
    ):
        chosen = [one for one in independent(every, languages) if _read(one)]
        draw = random.Random(title)
        copied = draw.sample(chosen, min(COPIES * PROBLEMS, len(chosen)))
        hidden: dict[str, list[Entry]] = {}
        for name, way in ways.items():
            made = (
                (one, way(one.source, random.Random(f"{name} {seed}")))
                for seed, one in enumerate(copied)
            )
            # Where there is nothing for a way to do, finding the copy would prove nothing.
            hidden[name] = [
                _copy(one.id, one.problem, source, one.language)
                for one, source in made
                if source not in {one.source, _untouched(one)}
            ]
        hidden[AT_ONCE] = [
            _copy(one.id, one.problem, at_once(ways, one.source, seed), one.language)
            for seed, one in enumerate(copied)
        ]
        yield from _figures(title, [one.entry() for one in chosen], hidden)


def at_once(ways: Mapping[str, Way], source: bytes, seed: int) -> bytes:
    """Return a source after five ways."""
    for name in FIVE:
        source = ways[name](source, random.Random(f"{name} {seed}"))
    return source


def _read(one: Solution) -> bool:
    """Tell whether what edits it can read it: Python of before 3 is not."""
    if one.language != "python3":
        return True
    try:
        ast.parse(one.source)
    except (SyntaxError, ValueError):
        return False
    return True


def _untouched(one: Solution) -> bytes:
    """Return Python as the ways write it that change nothing of it."""
    return obfuscating_python.plain(one.source) if one.language == "python3" else one.source


def _copy(of: str, problem: str, source: bytes, language: str) -> Entry:
    made = fingerprint(source, language)
    return Entry(id=f"hidden {of}", problem=problem, fingerprint=made)


def _figures(title: str, plain: list[Entry], hidden: Mapping[str, list[Entry]]) -> Iterator[Figure]:
    for way, copies in hidden.items():
        judged, nearest = _judged(plain, copies)
        note = f"{len(copies)} copies among {len(plain)} solutions"
        yield Figure(
            name=f"{title}{way}: recall at precision 0.95",
            value=recall_at(judged, PRECISION),
            unit="",
            bound=None if way == AT_ONCE else RECALL_MIN,
            at_least=True,
            note=note,
        )
        if way == AT_ONCE:
            # A copy that nobody labelled, above all of these, makes the recall 0 by itself.
            value = average_precision(judged)
            yield Figure(name=f"{title}{way}: AP", value=value, unit="", note=note)
            value = nearest / max(len(copies), 1)
            yield Figure(name=f"{title}{way}: nearest is the original", value=value, unit="")


def _judged(plain: list[Entry], copies: list[Entry]) -> tuple[list[Judged], int]:
    """Rank the pairs of all submissions; those of unlabelled solutions count as independent.

    With them comes the number of copies to which nothing is nearer than what they are copied from.
    """
    judged: list[Judged] = []
    seen: set[str] = set()
    nearest = 0
    for scored in Comparison([*plain, *copies]).scored():
        names = [one.id for one in scored.entries]
        for first, second, score in zip(
            scored.first.tolist(), scored.second.tolist(), scored.scores.tolist(), strict=True
        ):
            one, other = sorted((names[first], names[second]), key=lambda name: " " in name)
            copied = other == f"hidden {one}"
            judged.append((score, copied))
            # Pairs come by falling score: the first of a copy is its nearest.
            nearest += copied and other not in seen
            seen |= {one, other}
    return judged, nearest
