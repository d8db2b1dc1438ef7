"""Labelled sets: the bars of average precision, F and AUC, one configuration for all."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.similarity.metrics import (
    Judged,
    area,
    average_precision,
    best_threshold,
    f_score,
)
from benchmarks.similarity.sets import Labelled, entries, key, truth
from judge.similarity import Comparison
from judge.similarity.comparing import CHANCE_MAX

SETS = {
    "conplag1": ("ConPlag raw", 0.93, 0.86),
    "conplag2": ("ConPlag template-free", 0.955, 0.89),
    "soco-train-java": ("SOCO Java", 0.935, None),
    "soco-train-c": ("SOCO C", 0.78, None),
}
LEVELS = {"L1": 0.97, "L2": 0.94, "L3": 0.77}
FALSE_MAX = 1.0
EACH = 10_000


def measure(data: Path) -> Iterator[Figure]:
    """Compare every set that is there and yield its figures."""
    flagged = independent = 0
    for name, (title, bar, f_bar) in SETS.items():
        if not (data / name).is_dir():
            continue
        scores, out = _compared(data / name)
        pairs = truth(data / name)
        judged = _judged(pairs, scores)
        yield Figure(
            name=f"{title}: AP", value=average_precision(judged), unit="", bound=bar, at_least=True
        )
        if f_bar is not None:
            yield Figure(
                name=f"{title}: test F1.5",
                value=_f(pairs, scores),
                unit="",
                bound=f_bar,
                at_least=True,
            )
        else:
            independent += sum(not pair.copied for pair in pairs)
            flagged += sum(not pair.copied and (pair.first, pair.second) in out for pair in pairs)
    if independent:
        yield Figure(
            name=f"independent pairs that stand out, of {EACH:,}",
            value=EACH * flagged / independent,
            unit="",
            bound=FALSE_MAX,
            note=f"{flagged} of {independent:,} labelled independent, SOCO",
        )
    if (data / "irplag").is_dir():
        scores, _ = _compared(data / "irplag")
        pairs = truth(data / "irplag")
        for level, bar in LEVELS.items():
            chosen = [pair for pair in pairs if not pair.copied or pair.level == level]
            value = area(_judged(chosen, scores))
            yield Figure(
                name=f"IR-Plag {level}: AUC", value=value, unit="", bound=bar, at_least=True
            )


def _compared(directory: Path) -> tuple[dict[tuple[str, str], float], set[tuple[str, str]]]:
    """Return the scores of all pairs, and which stand out at the default threshold."""
    comparison = Comparison(entries(directory))
    scores: dict[tuple[str, str], float] = {}
    for scored in comparison.scored():
        names = [one.id for one in scored.entries]
        for first, second, score in zip(
            scored.first.tolist(), scored.second.tolist(), scored.scores.tolist(), strict=True
        ):
            scores[key(names[first], names[second])] = score
    report = comparison.report(pairs_max=1000, chance_max=CHANCE_MAX)
    return scores, {key(one.first, one.second) for one in report.pairs if one.stands_out}


def _judged(pairs: list[Labelled], scores: dict[tuple[str, str], float]) -> list[Judged]:
    return [(scores.get((one.first, one.second), -1.0), one.copied) for one in pairs]


def _f(pairs: list[Labelled], scores: dict[tuple[str, str], float]) -> float:
    """Choose the threshold on the train pairs, as ConPlag's paper does; score the test pairs."""
    train = _judged([one for one in pairs if one.level == "train"], scores)
    test = _judged([one for one in pairs if one.level == "test"], scores)
    return f_score(test, best_threshold(train))
