"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
CASES = {
    "sample/1": "Ada",
    "sample/2": "xX_gong_Xx",
    "secret/01-one-letter": "Q",
    "secret/02-digits": "0042",
    "secret/03-underscores": "___",
    "secret/04-mixed": "rOuNd_2_FIGHT",
    "secret/05-longest": "abcdefghij_KLMNOPQRS",
}

for name, handle in CASES.items():
    (DATA / f"{name}.in").write_text(f"{handle}\n")
    (DATA / f"{name}.ans").write_text(f"Welcome to the arena, {handle}!\n")
