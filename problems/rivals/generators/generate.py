"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

import random
from collections import deque
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
Pairs = list[tuple[int, int]]


def seating(n: int, pairs: Pairs) -> str:
    rivals: list[list[int]] = [[] for _ in range(n + 1)]
    for a, b in pairs:
        rivals[a].append(b)
        rivals[b].append(a)
    table = [""] * (n + 1)
    for start in range(1, n + 1):
        if table[start]:
            continue
        table[start] = "A"
        queue = deque([start])
        while queue:
            a = queue.popleft()
            for b in rivals[a]:
                if table[b] == table[a]:
                    return "IMPOSSIBLE"
                if not table[b]:
                    table[b] = "B" if table[a] == "A" else "A"
                    queue.append(b)
    return "".join(table)


def write(name: str, n: int, pairs: Pairs) -> None:
    text = f"{n} {len(pairs)}\n" + "".join(f"{a} {b}\n" for a, b in pairs)
    (DATA / f"{name}.in").write_text(text)
    (DATA / f"{name}.ans").write_text(seating(n, pairs) + "\n")


rng = random.Random(7)


def two_sided(n: int, m: int) -> Pairs:
    side = [rng.random() < 0.5 for _ in range(n + 1)]
    pairs: Pairs = []
    while len(pairs) < m:
        a, b = rng.randint(1, n), rng.randint(1, n)
        if side[a] != side[b]:
            pairs.append((a, b))
    return pairs


write("sample/1", 4, [(1, 2), (2, 3), (3, 4)])
write("sample/2", 3, [(1, 2), (2, 3), (3, 1)])
write("secret/01-alone", 1, [])
write("secret/02-nobody-is-a-rival", 6, [])
write("secret/03-listed-twice", 3, [(3, 2), (2, 3), (3, 2)])
write("secret/04-components", 9, [(9, 1), (1, 8), (2, 7), (7, 3), (5, 4)])
write("secret/05-late-odd-ring", 12, [(1, 2), (3, 4), (10, 11), (11, 12), (12, 10)])
write("secret/06-random-possible", 2000, two_sided(2000, 3000))
ring = [(i, i % 1999 + 1) for i in range(1, 2000)]
write("secret/07-long-odd-ring", 1999, ring)
write("secret/08-long-chain", 20_000, [(i, i + 1) for i in range(1, 20_000)])
hub = [(10_000, i) for i in range(1, 20_001) if i != 10_000]
write("secret/09-one-against-all", 20_000, hub)
