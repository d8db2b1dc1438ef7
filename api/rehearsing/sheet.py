"""The go/no-go sheet of a rehearsal: what was counted, and what must hold."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What p95 may be, in seconds."""

    verdict_s: float = 30.0
    submit_s: float = 2.0
    board_s: float = 1.0


@dataclass(slots=True, kw_only=True)
class Sheet:
    """What a rehearsal found; times are seconds."""

    event: str
    bounds: Bounds
    players: int = 0
    planned: int = 0
    judged: int = 0
    lasts_s: float = 0
    speed: float = 1
    submit_s: list[float] = field(default_factory=list)
    verdict_s: list[float] = field(default_factory=list)
    board_s: list[float] = field(default_factory=list)
    held_back: int = 0
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    board: list[str] = field(default_factory=list)

    def checks(self) -> Iterator[tuple[str, bool, str]]:
        """Return what must hold, whether it does, and what was found."""
        yield "nothing lost", not self.lost, _some(self.lost, f"{self.judged} of {self.planned}")
        yield "verdicts as written", not self.unexpected, _some(self.unexpected, "all")
        yield "boards right", not self.board, _some(self.board, "equal to a rebuild")
        for name, taken, most in (
            ("submissions taken", self.submit_s, self.bounds.submit_s),
            ("verdicts told", self.verdict_s, self.bounds.verdict_s),
            ("board shown", self.board_s, self.bounds.board_s),
        ):
            found = p95(taken)
            said = f"p50 {p50(taken):.3f} s, p95 {found:.3f} s, at most {most:g} s"
            yield f"{name} in time", bool(taken) and found <= most, said

    @property
    def go(self) -> bool:
        """Tell whether all of it holds."""
        return all(holds for _, holds, _ in self.checks())

    @property
    def what(self) -> str:
        """What is rehearsed, and how hard."""
        faster = f", {self.speed:g} times as fast" if self.speed != 1 else ""
        return (
            f"{self.event}: {self.players} players, {self.planned} submissions"
            f" within {math.ceil(self.lasts_s)} s{faster}"
        )

    def lines(self) -> Iterator[str]:
        """Return the sheet for people."""
        yield self.what
        for name, holds, said in self.checks():
            yield f"{'go   ' if holds else 'NO-GO'}  {name:<25}  {said}"
        if self.held_back:
            yield f"       {self.held_back} requests had to wait (429, 503, no answer)"
        yield "go" if self.go else "NO-GO"

    def as_json(self) -> dict[str, Any]:
        """Return the sheet for programs."""
        return {
            "event": self.event,
            "go": self.go,
            "players": self.players,
            "submissions": self.planned,
            "lasts_s": math.ceil(self.lasts_s),
            "judged": self.judged,
            "held_back": self.held_back,
            "checks": {name: holds for name, holds, _ in self.checks()},
            "submit_s_p95": round(p95(self.submit_s), 3),
            "verdict_s_p95": round(p95(self.verdict_s), 3),
            "board_s_p95": round(p95(self.board_s), 3),
            "lost": self.lost[:20],
            "unexpected": self.unexpected[:20],
            "board": self.board[:20],
        }


def p95(taken: Sequence[float]) -> float:
    """Return what 95 in 100 stay below; 0 of nothing."""
    return sorted(taken)[int(len(taken) * 0.95)] if taken else 0.0


def p50(taken: Sequence[float]) -> float:
    """Return the median; 0 of nothing."""
    return sorted(taken)[len(taken) // 2] if taken else 0.0


def _some(found: Sequence[str], else_said: str) -> str:
    return f"{len(found)}: {found[0]}" if found else else_said
