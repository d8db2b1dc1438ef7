"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
CASES = {
    "sample/1": (8, 12),
    "sample/2": (3, 27),
    "sample/3": (3, 25),
    "secret/01-one-letter": (1, 0),
    "secret/02-one-digit": (1, 9),
    "secret/03-one-too-many": (1, 10),
    "secret/04-two": (2, 17),
    "secret/05-two-nines": (2, 18),
    "secret/06-eight-after-eight": (5, 42),
    "secret/07-letters-only": (999, 0),
    "secret/08-fullest-even": (1000, 8500),
    "secret/09-fullest-odd": (999, 8492),
    "secret/10-just-impossible": (999, 8493),
    "secret/11-middle": (1000, 4321),
    "secret/12-hopeless": (1000, 9000),
}


def password(length: int, total: int) -> str:
    tops = [9 - i % 2 for i in range(length)]
    if total > sum(tops):
        return "-"
    text = ""
    for i, top in enumerate(tops):
        take = min(top, total)
        if take == 0:
            text += "yz"[i % 2]
        elif text.endswith(str(take)):
            text = str(take) + text
        else:
            text += str(take)
        total -= take
    return text


for name, (length, total) in CASES.items():
    answer = password(length, total)
    digits = sum(int(c) for c in answer if c.isdigit())
    assert answer == "-" or (len(answer), digits) == (length, total)
    (DATA / f"{name}.in").write_text(f"{length} {total}\n")
    (DATA / f"{name}.ans").write_text(f"{answer}\n")
