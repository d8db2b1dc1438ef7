"""Write the test data of this package: `python3 generators/generate.py` (no arguments)."""

from decimal import Decimal, getcontext
from pathlib import Path

getcontext().prec = 60
DATA = Path(__file__).resolve().parent.parent / "data"
CASES = {
    "sample/1": ("5", "0 0 1 0", "10 3 -1 0"),
    "sample/2": ("2", "-4 0 1 1", "4 0 1 -1"),
    "secret/01-standing-still": ("1000", "3 4 0 0", "0 0 0 0"),
    "secret/02-same-speed": ("777.5", "-1 -1 12.125 -3", "2 3 12.125 -3"),
    "secret/03-closest-in-the-past": ("10", "0 0 -3 0", "7 0.5 4 0"),
    "secret/04-cameras-stop-early": ("0.001", "-1000 -1000 1000 999", "1000 1000 -1000 -1000"),
    "secret/05-no-time": ("0", "1 1 5 5", "4 5 -5 -5"),
    "secret/06-head-on": ("3", "-6 -8 3 4", "6 8 -3 -4"),
    "secret/07-slow-drift": ("1000", "0 0 0.001 0", "0.999 0.001 0 0"),
    "secret/08-grazing": ("1000", "-999.999 0.001 999.999 0", "1000 -0.001 -1000 0"),
    "secret/09-far": ("1000", "1000 1000 1000 1000", "-1000 -1000 -1000 -1000"),
}


def closest(duration: Decimal, one: list[Decimal], two: list[Decimal]) -> Decimal:
    x, y, u, v = (b - a for a, b in zip(one, two, strict=True))
    speed = u * u + v * v
    when = Decimal(0) if speed == 0 else -(x * u + y * v) / speed
    when = min(max(when, Decimal(0)), duration)
    return ((x + when * u) ** 2 + (y + when * v) ** 2).sqrt()


for name, (duration, *drones) in CASES.items():
    one, two = ([Decimal(word) for word in drone.split()] for drone in drones)
    lines = [f"{Decimal(duration):.3f}"]
    lines += [" ".join(f"{number:.3f}" for number in drone) for drone in (one, two)]
    (DATA / f"{name}.in").write_text("".join(line + "\n" for line in lines))
    (DATA / f"{name}.ans").write_text(f"{closest(Decimal(duration), one, two):.12f}\n")
