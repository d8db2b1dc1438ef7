"""Programs to compare: small ones of different authors, made by a seed."""

import random
from collections.abc import Sequence

_STATEMENTS = (
    "total += values[{i}] * {n}",
    "if values[{i}] > {n}:\n        best = max(best, values[{i}] - total)",
    "for k in range({n}):\n        total -= k * best % {m}",
    "while total > {m}:\n        total //= {n}",
    "seen.add((total, best ^ {n}))",
    "order = sorted(seen, key=lambda one: one[0] % {m})",
    "values[{i}], values[-1] = values[-1], values[{i}] + {n}",
    "print(total, best, len(seen), sep='{m}')",
    "table = [[{n}] * (best + 1) for _ in range(total)]",
    "total = sum(one for one in values if one % {n} == {i})",
    "best = -1 if not seen else min(seen)[1]",
    "seen.discard((best, {m}))",
    "assert total >= -{m} or best",
    "values.extend([best, total, {n}])",
    "try:\n        best = seen.pop()[0] // {n}\n    except KeyError:\n        best = {m}",
)


def program(seed: int, statements: int = 25) -> str:
    """Return a Python program that nobody else would write."""
    draw = random.Random(seed)
    lines = ["def solve(values):", "    total, best, seen = 0, 0, set()"]
    for _ in range(statements):
        one = draw.choice(_STATEMENTS)
        filled = one.format(
            i=draw.randrange(9), n=draw.randrange(2, 99), m=draw.randrange(100, 999)
        )
        lines.append(f"    {filled}")
    lines.append("    return total + best")
    return "\n".join(lines) + "\n"


def renamed(source: str, names: Sequence[str] = ("total", "best", "seen", "values")) -> str:
    """Return a copy with other names."""
    for place, name in enumerate(names):
        source = source.replace(name, f"v{place}")
    return source
