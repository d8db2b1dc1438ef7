"""Seeded obfuscations of independent solutions, to be found again among the others."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.similarity.metrics import Judged, recall_at
from benchmarks.similarity.obfuscating import WAYS, all_ways
from benchmarks.similarity.sets import entries, files, key, truth
from judge.similarity import Comparison, Entry, fingerprint

SET = "conplag2"
PROBLEMS = 6
COPIES = 20
PRECISION = 0.95
RECALL_MIN = 0.95


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
    hidden: dict[str, list[Entry]] = {name: [] for name in WAYS}
    for problem in largest:
        chosen = [one for one in plain if one.problem == problem][:COPIES]
        for seed, one in enumerate(chosen):
            for way, source in all_ways(sources[one.id], seed):
                made = fingerprint(source, "java")
                hidden[way].append(Entry(id=f"hidden {one.id}", problem=problem, fingerprint=made))
    for way, copies in hidden.items():
        recall = recall_at(_judged(plain, copies), PRECISION)
        yield Figure(
            name=f"{way}: recall at precision 0.95",
            value=recall,
            unit="",
            bound=RECALL_MIN,
            at_least=True,
            note=f"{len(copies)} copies among {len(plain)} solutions",
        )


def _judged(plain: list[Entry], copies: list[Entry]) -> list[Judged]:
    """Rank the pairs of all submissions; those of unlabelled solutions count as independent."""
    judged: list[Judged] = []
    for scored in Comparison([*plain, *copies]).scored():
        names = [one.id for one in scored.entries]
        for first, second, score in zip(
            scored.first.tolist(), scored.second.tolist(), scored.scores.tolist(), strict=True
        ):
            one, other = sorted((names[first], names[second]), key=lambda name: " " in name)
            judged.append((score, other == f"hidden {one}"))
    return judged
