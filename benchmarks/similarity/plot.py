"""Draws how the cost grows with the number of submissions, as one SVG with logarithmic axes.

Two straight lines show what growing with submissions and growing with pairs would be.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

WIDTH, HEIGHT = 640, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 60, 20, 50

Point = tuple[float, float]


def draw(seconds: Mapping[int, float], out: Path) -> None:
    """Write the plot of wall seconds by number of submissions; at least two are needed."""
    sizes = sorted(seconds)
    first, last = sizes[0], sizes[-1]
    measured = [(float(size), seconds[size]) for size in sizes]
    ends = {
        name: [(float(size), seconds[first] * (size / first) ** power) for size in (first, last)]
        for name, power in (("with submissions", 1), ("with pairs", 2))
    }
    values = [value for line in (measured, *ends.values()) for _, value in line]
    axes = _Axes((first, last), (min(values), max(values)))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *axes.drawn(sizes),
    ]
    for name, line in ends.items():
        x, y = axes.place(line[-1])
        parts.append(axes.line(line, "#999", dashed=True))
        parts.append(f'<text x="{x - 6:.0f}" y="{y + 30:.0f}" text-anchor="end">{name}</text>')
    parts.append(axes.line(measured, "#3465c8"))
    for point in measured:
        x, y = axes.place(point)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#3465c8"/>')
        parts.append(f'<text x="{x - 8:.0f}" y="{y - 8:.0f}">{point[1]:.3g} s</text>')
    out.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


class _Axes:
    """Where a point of the plot is on the page."""

    def __init__(self, across: Point, up: Point) -> None:
        self._across = (math.log10(across[0]), math.log10(across[1]))
        self._up = (math.floor(math.log10(up[0])), math.ceil(math.log10(up[1])))

    def place(self, point: Point) -> Point:
        x = (math.log10(point[0]) - self._across[0]) / (self._across[1] - self._across[0])
        y = (math.log10(point[1]) - self._up[0]) / (self._up[1] - self._up[0])
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    def line(self, points: Sequence[Point], colour: str, *, dashed: bool = False) -> str:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.place, points))
        dashes = ' stroke-dasharray="4 4"' if dashed else ""
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'

    def drawn(self, sizes: Sequence[int]) -> Iterator[str]:
        floor = HEIGHT - BOTTOM
        for power in range(self._up[0], self._up[1] + 1):
            _, y = self.place((10 ** self._across[0], 10.0**power))
            yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>'
        for size in sizes:
            x, _ = self.place((float(size), 10.0 ** self._up[0]))
            yield f'<text x="{x:.1f}" y="{floor + 18}" text-anchor="middle">{size:,}</text>'
        yield (
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">'
            "submissions of one problem</text>"
        )
