"""Write the test data of this package: `python3 generators/generate.py` (no arguments).

The largest case repeats a track of 29 steps, so that 22 MB take little room when compressed.
"""

import random
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
rng = random.Random(99)


def track(steps: int) -> str:
    return "".join(rng.choice("NESW") for _ in range(steps))


CASES = {
    "sample/1": "NNES",
    "sample/2": "WWWWW",
    "secret/01-one": "E",
    "secret/02-there-and-back": "NSNSEWEW",
    "secret/03-round-trip": "N" * 50 + "E" * 50 + "S" * 50 + "W" * 50,
    "secret/04-random": track(5000),
    "secret/05-hundred-thousand": track(1000) * 100,
    "secret/06-largest": (track(29) * 760_000)[:22_000_000],
}
BACK = str.maketrans("NESW", "SWNE")

for name, steps in CASES.items():
    (DATA / f"{name}.in").write_text(steps + "\n")
    (DATA / f"{name}.ans").write_text(steps[::-1].translate(BACK) + "\n")
