"""Programs whose right verdict is known, and the problem they are for."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from judge.images import ROOT
from judge.verdicts import Verdict

SLUG = "chaos"
CASES = 7
_RIGHT = 'print(f"Welcome to the arena, {input()}!")\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A submission in Python; `share` of the load is of its kind, `runs` of its cases are run."""

    name: str
    verdict: Verdict
    share: int
    source: str
    runs: int = 1

    def numbered(self, number: int) -> str:
        """Return the source as nobody else sends it: nothing of it was compiled before."""
        return f"{self.source}# {number}\n"


# Sleeping costs the machine nothing, and leaves time to be killed in.
SLOW = Program(
    name="slow",
    verdict=Verdict.AC,
    share=25,
    source=f"import time\ntime.sleep(0.3)\n{_RIGHT}",
    runs=CASES,
)
PROGRAMS = (
    Program(name="right", verdict=Verdict.AC, share=35, source=_RIGHT, runs=CASES),
    SLOW,
    Program(name="wrong", verdict=Verdict.WA, share=15, source="print('Welcome, nobody!')\n"),
    Program(name="crash", verdict=Verdict.RTE, share=10, source="print(1 // 0)\n"),
    Program(name="broken", verdict=Verdict.CE, share=10, source="print((\n", runs=0),
    Program(name="endless", verdict=Verdict.TLE, share=5, source="while True:\n    pass\n"),
)


def drawn(chance: random.Random) -> Program:
    """Return a program, each as often as its share says."""
    return chance.choices(PROGRAMS, [each.share for each in PROGRAMS])[0]


def package(directory: Path) -> Path:
    """Make the problem: the example `hello` with a short time limit."""
    made = directory / SLUG
    shutil.copytree(ROOT / "problems" / "hello", made)
    path = made / "problem.yaml"
    text = path.read_text(encoding="utf-8")
    assert "time_limit: 2\n" in text
    path.write_text(text.replace("time_limit: 2\n", "time_limit: 1\n"), encoding="utf-8")
    return made
