"""Translations between languages, told from other solutions of the same and of other problems.

`packages` says what counts as a translation. `of one problem` compares each problem's solutions,
where what is no translation solves the same task; `all in one folder` compares all of them, as
a folder of mixed languages without any order.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.similarity.metrics import Judged, area, average_precision
from benchmarks.similarity.packages import solutions, translated, unknown
from judge.similarity import Comparison, Entry


def measure(directory: Path) -> Iterator[Figure]:
    """Compare the accepted solutions of all packages below a directory."""
    chosen = solutions(directory)
    copies, unsaid = translated(chosen), unknown(chosen)
    if not copies:
        print(f"no translations below {directory}")
        return
    for title, entries in (
        ("of one problem", [one.entry() for one in chosen]),
        ("all in one folder", [one.entry("all") for one in chosen]),
    ):
        judged = _judged(entries, copies, unsaid)
        right = sum(copied for _, copied in judged)
        note = f"{right} translations among {len(judged):,} pairs of {len(entries)} solutions"
        for name, value in (("AUC", area(judged)), ("AP", average_precision(judged))):
            yield Figure(name=f"across languages, {title}: {name}", value=value, unit="", note=note)


def _judged(
    entries: Sequence[Entry], copies: set[frozenset[str]], unsaid: set[frozenset[str]]
) -> list[Judged]:
    """Rank the pairs of different families, without those whose label nobody knows."""
    judged: list[Judged] = []
    for scored in Comparison(entries).scored():
        names = [one.id for one in scored.entries]
        families = [one.fingerprint.family for one in scored.entries]
        judged += [
            (score, frozenset((names[first], names[second])) in copies)
            for first, second, score in zip(
                scored.first.tolist(), scored.second.tolist(), scored.scores.tolist(), strict=True
            )
            if families[first] != families[second]
            and frozenset((names[first], names[second])) not in unsaid
        ]
    return judged
