"""Write the test data of this package: `python3 generators/generate.py` (no arguments).

An answer file holds the best worth; the sample shows a loot that reaches it.
"""

import random
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
Treasures = list[tuple[int, int]]
rng = random.Random(11)


def best_loot(lift: int, treasures: Treasures) -> list[int]:
    worth = [0] * (lift + 1)
    taken: list[list[bool]] = []
    for w, v in treasures:
        row = [False] * (lift + 1)
        for room in range(lift, w - 1, -1):
            if worth[room - w] + v > worth[room]:
                worth[room] = worth[room - w] + v
                row[room] = True
        taken.append(row)
    loot = []
    for i in range(len(treasures) - 1, -1, -1):
        if taken[i][lift]:
            loot.append(i + 1)
            lift -= treasures[i][0]
    return loot[::-1]


def write(name: str, lift: int, treasures: Treasures) -> None:
    text = f"{len(treasures)} {lift}\n" + "".join(f"{w} {v}\n" for w, v in treasures)
    (DATA / f"{name}.in").write_text(text)
    loot = best_loot(lift, treasures)
    worth = sum(treasures[i - 1][1] for i in loot)
    (DATA / f"{name}.ans").write_text(f"{worth}\n")
    if name.startswith("sample"):
        (DATA / f"{name}.out").write_text(f"{len(loot)}\n{' '.join(map(str, loot))}\n")


def hoard(n: int) -> Treasures:
    return [(w := rng.randint(1, 1000), min(1000, max(1, w + rng.randint(-90, 90)))) for _ in range(n)]


write("sample/1", 10, [(6, 30), (5, 20), (5, 19), (11, 1000)])
write("secret/group1/01-one", 5, [(5, 1)])
write("secret/group1/02-greed-is-bad", 1000, [(1, 10), (1000, 1000)] + [(999, 1)] * 5)
write("secret/group1/03-twenty", 4000, hoard(20))
write("secret/group2/01-hundred", 10_000, hoard(100))
write("secret/group2/02-everything", 20_000, [(rng.randint(1, 100), 7) for _ in range(200)])
write("secret/group2/03-tight", 15_001, [(2 * rng.randint(1, 500), rng.randint(1, 1000)) for _ in range(200)])
