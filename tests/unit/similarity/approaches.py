"""Solutions of small problems whose approach is known: `tests/golden/approaches/PROBLEM.txt`.

A line `==> memo-1.py` begins a solution by memoised recursion.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from judge.languages.load import languages
from judge.languages.model import suffix
from judge.similarity import fingerprint
from judge.similarity.featuring import features
from judge.similarity.patterns import Solution

GOLDEN = Path(__file__).parents[2] / "golden/approaches"
_BEGIN = re.compile(r"^==> (\S+)\n", re.MULTILINE)


def programs(problem: str) -> dict[str, str]:
    """Return the solutions of a problem by name."""
    _, *found = _BEGIN.split((GOLDEN / f"{problem}.txt").read_text())
    return dict(zip(found[::2], found[1::2], strict=True))


def language_of(name: str) -> str:
    """Return the language of a solution by its name."""
    return next(each.id for each in languages().values() if suffix(name) in each.extensions)


def solution(name: str, source: str) -> Solution:
    """Return what is clustered of a source."""
    one = fingerprint(source.encode(), language_of(name))
    return Solution(id=name, features=features(one, {name: source.encode()}), size=one.own_tokens)


def solutions(problem: str) -> Iterator[Solution]:
    """Yield what is clustered of a problem's solutions."""
    for name, source in programs(problem).items():
        yield solution(name, source)


def label(name: str) -> str:
    """Return the approach that a name tells."""
    return name.partition("-")[0]
