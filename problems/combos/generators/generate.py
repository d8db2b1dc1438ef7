"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

import random
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
rng = random.Random(5)


def longest(k: int, colours: list[int]) -> int:
    start = best = 0
    count: dict[int, int] = {}
    for end, colour in enumerate(colours):
        count[colour] = count.get(colour, 0) + 1
        while len(count) > k:
            left = colours[start]
            count[left] -= 1
            if count[left] == 0:
                del count[left]
            start += 1
        best = max(best, end - start + 1)
    return best


def write(name: str, k: int, colours: list[int]) -> None:
    line = " ".join(map(str, colours))
    (DATA / f"{name}.in").write_text(f"{len(colours)} {k}\n{line}\n")
    (DATA / f"{name}.ans").write_text(f"{longest(k, colours)}\n")


def noise(n: int, colours: int) -> list[int]:
    return [rng.randint(1, colours) for _ in range(n)]


write("sample/1", 2, [1, 2, 1, 3, 3, 2, 3])
write("sample/2", 1, [4, 4, 4, 9])
write("secret/group1/01-one", 1, [10**9])
write("secret/group1/02-all-equal", 1, [6] * 100)
write("secret/group1/03-runs", 1, [c for c in noise(30, 3) for _ in range(3)])
write("secret/group2/01-small", 3, noise(100, 6))
write("secret/group2/02-middle", 50, noise(1000, 90))
write("secret/group2/03-larger", 3000, noise(3000, 10**9))
tile = noise(1000, 20)
write("secret/group3/01-few-colours", 19, tile * 100)
write("secret/group3/02-all-colours", 20, tile * 100)
many = rng.sample(range(1, 10**9), 2000)
write("secret/group4/01-many-colours", 1999, many * 50)
write("secret/group4/02-everything", 2000, many * 50)
