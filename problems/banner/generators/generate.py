"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
CASES = {
    "sample/1": (5, "X"),
    "sample/2": (7, "O"),
    "secret/01-nine": (9, "A"),
    "secret/02-eleven": (11, "Z"),
    "secret/03-bigger": (41, "M"),
    "secret/04-biggest": (99, "Q"),
}


def flag(height: int, letter: str) -> str:
    last = height - 1
    sheet = [[" "] * height for _ in range(height)]
    for i in range(height):
        sheet[i][i] = sheet[i][last - i] = letter
    for i in range(height):
        sheet[0][i] = sheet[last][i] = "-"
        sheet[i][0] = sheet[i][last] = "|"
    for row, column in ((0, 0), (0, last), (last, 0), (last, last)):
        sheet[row][column] = "+"
    return "".join("".join(line) + "\n" for line in sheet)


for name, (height, letter) in CASES.items():
    (DATA / f"{name}.in").write_text(f"{height} {letter}\n")
    (DATA / f"{name}.ans").write_text(flag(height, letter))
