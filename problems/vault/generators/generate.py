"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

import random
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
rng = random.Random(3)
tiny = [(marks, secret) for marks in range(1, 10) for secret in range(marks)]
large = [(marks, rng.randrange(marks)) for marks in (rng.randint(1, 10**9) for _ in range(120))]
edge = [(10**9, secret) for secret in (0, 1, 5 * 10**8, 5 * 10**8 - 1, 10**9 - 1)]
edge += [(10**9 - 1, secret) for secret in (0, 499_999_999, 500_000_000, 10**9 - 2)]
CASES = {
    "sample/1": [(10, 7), (2, 1)],
    "secret/01-tiny": tiny,
    "secret/02-edges": edge,
    "secret/03-large": large,
}

for name, vaults in CASES.items():
    lines = [str(len(vaults)), *(f"{marks} {secret}" for marks, secret in vaults)]
    (DATA / f"{name}.in").write_text("".join(f"{line}\n" for line in lines))
    # The validator needs no answer; the file has to exist.
    (DATA / f"{name}.ans").write_text("")
