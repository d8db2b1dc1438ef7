"""`python -m benchmarks.similarity DIR`: every figure with its bar; 1 when one is missed."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.similarity import accuracy, crossing, embedding, retrieval, robustness, speed

PARTS = ("accuracy", "retrieval", "robustness", "embedding", "speed")


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the labelled sets, laid out as docs/similarity.md")
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; default: all")
    parser.add_argument("--sizes", default="1000,10000", help="numbers of submissions")
    parser.add_argument("--plot", type=Path, help="draw the growth into this SVG")
    parser.add_argument(
        "--packages",
        type=Path,
        help="problem packages: translations, and copies hidden in C++ and Python",
    )
    parser.add_argument("--archive", type=int, default=speed.ARCHIVE, help="0: none")
    asked = parser.parse_args()
    parts = asked.parts or PARTS
    if not asked.data.is_dir() or set(parts) - set(PARTS):
        parser.error("DATA must be a directory, and the parts known")
    missed = 0
    if "accuracy" in parts:
        missed += _show(accuracy.measure(asked.data))
    if "retrieval" in parts:
        missed += _show(retrieval.measure(asked.data))
    if "robustness" in parts:
        missed += _show(robustness.measure(asked.data))
    if "embedding" in parts:
        missed += _show(embedding.measure(asked.data))
    if asked.packages is not None:
        missed += _show(crossing.measure(asked.packages))
        if "robustness" in parts:
            missed += _show(robustness.measure_packages(asked.packages))
    if "speed" in parts:
        sizes = [int(size) for size in asked.sizes.split(",") if size]
        missed += _show(speed.measure(asked.data, sizes, asked.archive, asked.plot))
    return int(missed > 0)


def _show(figures: Iterable[Figure]) -> int:
    missed = 0
    for figure in figures:
        print(figure.row(), flush=True)
        missed += not figure.met
    return missed


if __name__ == "__main__":
    sys.exit(main())
