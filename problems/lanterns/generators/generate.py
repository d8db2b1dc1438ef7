"""Write the test data of this package: `python3 generators/generate.py` (no arguments).

The answer files hold a court without any lantern: valid, and not used by the validator.
"""

import random
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
rng = random.Random(23)


def court(n: int, walls: float) -> list[str]:
    return ["".join("#" if rng.random() < walls else "." for _ in range(n)) for _ in range(n)]


CASES = {
    "sample/1": ["..#.", "#...", "...#", ".#.."],
    "secret/01-all-walls": ["##", "##"],
    "secret/02-open": court(8, 0.0),
    "secret/03-few-walls": court(20, 0.1),
    "secret/04-many-walls": court(40, 0.4),
    "secret/05-large": court(60, 0.2),
}

for name, rows in CASES.items():
    text = "".join(f"{row}\n" for row in rows)
    (DATA / f"{name}.in").write_text(f"{len(rows)}\n{text}")
    (DATA / f"{name}.ans").write_text(text)
