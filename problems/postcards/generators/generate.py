"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
CASES = {
    "sample/1": (2025, "rotated"),
    "secret/01-zero": (0, "sorted"),
    "secret/02-largest": (10**12, "reversed"),
    "secret/03-all-digits": (987654321012, "random:1"),
    "secret/04-equal-digits": (777777777777, "random:2"),
    "secret/05-trailing-zeros": (120000000000, "sorted"),
}

for name, (number, order) in CASES.items():
    (DATA / f"{name}.in").write_text(f"send\n{number}\n")
    (DATA / f"{name}.ans").write_text(f"{number}\n")
    (DATA / f"{name}.yaml").write_text(f'output_validator_args: ["{order}"]\n')
