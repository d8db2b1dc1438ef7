"""Write the test data of this package: `python3 generators/generate.py` (no arguments).

A prime p with p - 1 = d * e and a = g ** e gives a circle of d songs (g a generator);
a power of two as a further factor of m, with an even multiplier, puts songs in front of it.
"""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"


def songs(m: int, a: int, c: int, x: int) -> int:
    heard = set()
    while x not in heard:
        heard.add(x)
        x = (a * x + c) % m
    return len(heard)


def is_prime(p: int) -> bool:
    return p > 1 and all(p % d for d in range(2, int(p**0.5) + 1))


def prime_factors(n: int) -> list[int]:
    return [d for d in range(2, n + 1) if n % d == 0 and is_prime(d)]


def circle(length: int, least: int) -> tuple[int, int]:
    """Return a prime above `least` and a multiplier of that multiplicative order."""
    factors = prime_factors(length)
    p = length * (least // length + 1) + 1
    while not is_prime(p):
        p += length
    for g in range(2, p):
        a = pow(g, (p - 1) // length, p)
        if all(pow(a, length // factor, p) != 1 for factor in factors):
            return p, a
    raise ValueError(length)


def with_tail(length: int, least: int, bits: int) -> tuple[int, int]:
    """Extend a circle by a tail: modulo 2 ** bits the multiplier is 2."""
    p, a = circle(length, least)
    while a % (1 << bits) != 2:
        a += p
    return p << bits, a


CASES = {
    "sample/1": (10, 2, 1, 3),
    "sample/2": (7, 1, 3, 5),
    "secret/01-one-song": (1, 0, 0, 0),
    "secret/02-stays": (2_000_000_000, 1, 0, 1_999_999_999),
    "secret/03-two-songs": (2_000_000_000, 0, 7, 9),
    "secret/04-all-songs": (65_536, 5, 3, 1),
    "secret/05-tail-only": (1 << 30, 2, 5, 77),
}
p, a = with_tail(1000, 10**6, 10)
CASES["secret/06-tail-and-circle"] = (p, a, 12_345, 1)
p, a = circle(1_999_998, 1_900_000_000)
CASES["secret/07-long-circle"] = (p, a, 987_654_321, 42)
p, a = with_tail(1_900_000, 200_000_000, 3)
CASES["secret/08-long-with-tail"] = (p, a, 1, 3)

for name, machine in CASES.items():
    (DATA / f"{name}.in").write_text(" ".join(map(str, machine)) + "\n")
    (DATA / f"{name}.ans").write_text(f"{songs(*machine)}\n")
