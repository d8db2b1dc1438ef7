"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

import random
from pathlib import Path
from string import ascii_uppercase

DATA = Path(__file__).resolve().parent.parent / "data"
rng = random.Random(26)
SHUFFLED = "".join(rng.sample(ascii_uppercase, 26))
QWERTY = "QWERTYUIOPASDFGHJKLZXCVBNM"


def words(lines: int) -> list[str]:
    def word() -> str:
        return "".join(rng.choices(ascii_uppercase, k=rng.randint(1, 9)))

    return [" ".join(word() for _ in range(rng.randint(1, 15))) for _ in range(lines)]


CASES = {
    "sample/1": ("encode", 1, QWERTY, ["MEET AT THE GATE"]),
    "sample/2": ("decode", 27, QWERTY, ["QRRY SY YJR HSYR"]),
    "secret/01-key-zero": ("encode", 0, SHUFFLED, words(3)),
    "secret/02-decode": ("decode", 5, SHUFFLED, words(5)),
    "secret/03-around": ("encode", 999, ascii_uppercase, words(5)),
    "secret/04-back-around": ("decode", 1000, QWERTY[::-1], ["A", "Z", "A Z"]),
    "secret/05-long": ("decode", 13, SHUFFLED[::-1], words(40)),
}

for name, (mode, key, wheel, lines) in CASES.items():
    step = key if mode == "encode" else -key
    table = {ord(c): wheel[(i + step) % 26] for i, c in enumerate(wheel)}
    (DATA / f"{name}.in").write_text("".join(f"{line}\n" for line in lines))
    (DATA / f"{name}.ans").write_text("".join(f"{line.translate(table)}\n" for line in lines))
    (DATA / f"{name}.yaml").write_text(f'args: [{mode}, "{key}"]\n')
    (DATA / f"{name}.files").mkdir(exist_ok=True)
    (DATA / f"{name}.files" / "wheel.txt").write_text(f"{wheel}\n")
