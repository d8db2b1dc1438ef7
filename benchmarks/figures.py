"""What a benchmark hands back, and the command line every module has.

`python -m benchmarks.<name>` prints a table in Markdown; with `--json` lines of JSON: the figures
with all details first, and as the last line the short form of modules that have one. Either says
what else became of the processors meanwhile.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number and the bar it is held to; `bound` None only informs."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        """Tell whether the bar is met; a figure without a bar always is."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def row(self) -> str:
        """Return the figure as a row of the table."""
        bar, verdict = "—", "—"
        if self.bound is not None:
            bar = f"{'≥' if self.at_least else '≤'} {_number(self.bound)} {self.unit}".rstrip()
            verdict = "met" if self.met else "**missed**"
        value = f"{_number(self.value)} {self.unit}".rstrip()
        return f"| {self.name} | {bar} | {value} | {verdict} | {self.note} |"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "bound": self.bound,
            "at_least": self.at_least,
            "met": self.met,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Figure":
        """Read `to_json` back."""
        return cls(**{name: value for name, value in record.items() if name != "met"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a module measured; `last` is what its last line of JSON holds, if not everything."""

    figures: tuple[Figure, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    last: Mapping[str, Any] | None = None


HEADER = "| what | bar | figure | | |\n|---|---|---|---|---|"


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table in Markdown."""
    return "\n".join([HEADER, *(figure.row() for figure in figures)])


def run(measure: Callable[[], Awaitable[Report]]) -> None:
    """Measure and print, as the command line says; missed bars are no failure of the module."""
    before = _jiffies()
    # The loop of API and worker.
    report = uvloop.run(_awaited(measure))
    machine = _shares(before, _jiffies())
    if "--json" not in sys.argv[1:]:
        print(table(report.figures))
        print(
            f"\nOf all processors' time: {', '.join(f'{k} {v:.0%}' for k, v in machine.items())}."
        )
        return
    figures = [each.to_json() for each in report.figures]
    print(json.dumps({"figures": figures, "machine": machine, **report.details}))
    if report.last is not None:
        print(json.dumps(report.last))


async def _awaited(measure: Callable[[], Awaitable[Report]]) -> Report:
    return await measure()


def _jiffies() -> Sequence[int]:
    """Return user, nice, system, idle, waiting, interrupts (2) and stolen time: proc(5)."""
    return [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]


def _shares(before: Sequence[int], after: Sequence[int]) -> dict[str, float]:
    """Return what share of the time nobody had, at low priority others had, the host took."""
    spent = [end - begin for begin, end in zip(before, after, strict=True)]
    named = {"idle": spent[3], "nice": spent[1], "stolen": spent[7]}
    return {name: round(each / max(1, sum(spent)), 3) for name, each in named.items()}


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
