"""Write the test data of this package: `python3 generators/generate.py` (no arguments).

The large cases repeat one short block of arrivals, so that they compress well.
"""

import random
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"


def busiest(moments: list[int], w: int) -> int:
    moments = sorted(moments)
    best = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= w:
            first += 1
        best = max(best, last - first + 1)
    return best


def write(name: str, w: int, moments: list[int]) -> None:
    line = " ".join(map(str, moments))
    (DATA / f"{name}.in").write_text(f"{len(moments)} {w}\n{line}\n")
    (DATA / f"{name}.ans").write_text(f"{busiest(moments, w)}\n")


rng = random.Random(20250901)
write("sample/1", 10, [25, 3, 12, 8, 13, 31])
write("sample/2", 1, [7, 7, 7])
write("secret/01-one", 10**9, [0])
write("secret/02-period-is-half-open", 5, [0, 5, 10, 15, 20])
write("secret/03-all-of-them", 10**9, [10**9 - 1, 1, 0, 1000])
write("secret/04-random", 5000, [rng.randrange(100_000) for _ in range(1000)])
write("secret/05-far-apart", 1000, [10**9 - 7919 * i for i in range(1000)])
block = [rng.randrange(10**9) for _ in range(2000)]
write("secret/06-large-same-moments", 10**8, block * 100)
write("secret/07-large-wide", 10**9, [rng.randrange(1000) for _ in range(1000)] * 200)
write("secret/08-large-sorted", 9999, [moment for moment in range(1000) for _ in range(200)])
