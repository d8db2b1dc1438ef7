"""Average precision and its kin; tied scores enter together, so no order of ties helps."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

Judged = tuple[float, bool]


def blocks(judged: Iterable[Judged]) -> list[tuple[float, int, int]]:
    """Return each score with its copied and its independent pairs, from the highest down."""
    counts: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for score, copied in judged:
        counts[score][0 if copied else 1] += 1
    return [(score, *counts[score]) for score in sorted(counts, reverse=True)]  # type: ignore[misc]


def average_precision(judged: Sequence[Judged]) -> float:
    """Return the area under precision over recall."""
    positives = sum(copied for _, copied in judged)
    right = seen = 0
    total = 0.0
    for _, good, bad in blocks(judged):
        right += good
        seen += good + bad
        total += right / seen * good
    return total / positives


def area(judged: Sequence[Judged]) -> float:
    """Return the chance that a copied pair is ranked above an independent one."""
    positives = sum(copied for _, copied in judged)
    right = total = 0.0
    for _, good, bad in blocks(judged):
        total += bad * (right + good / 2)
        right += good
    return total / (positives * (len(judged) - positives))


def f_score(judged: Sequence[Judged], threshold: float, beta: float = 1.5) -> float:
    """Return the F score at a threshold; recall counts `beta` times as much."""
    right = sum(1 for score, copied in judged if copied and score >= threshold)
    wrong = sum(1 for score, copied in judged if not copied and score >= threshold)
    positives = sum(copied for _, copied in judged)
    if not right:
        return 0.0
    square = beta * beta
    return (1 + square) * right / ((1 + square) * right + square * (positives - right) + wrong)


def best_threshold(judged: Sequence[Judged]) -> float:
    """Return the threshold with the highest F score."""
    return max(sorted({score for score, _ in judged}), key=lambda at: f_score(judged, at))


def recall_at(judged: Sequence[Judged], precision: float) -> float:
    """Return the largest recall with at least this precision."""
    positives = sum(copied for _, copied in judged)
    right = seen = 0
    best = 0.0
    for _, good, bad in blocks(judged):
        right += good
        seen += good + bad
        if right / seen >= precision:
            best = max(best, right / positives)
    return best
