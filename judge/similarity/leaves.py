"""The leaves of a program as lists, with the loops they are in and the functions that have a name.

What reads a program leaf by leaf stands on this; the bounds hold whatever the source is.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property

from judge.similarity.features import hashes
from judge.similarity.fingerprints import Fingerprint
from judge.similarity.kinds import Leaf, Part

_DEFINING = hashes("def fn func fun function")
_STATEMENT_MAX = 80
# What has more is hostile or generated, and its beginning has to do.
_TOKENS_MAX = 20_000
_FUNCTIONS_MAX = 200
_LEAVES_MAX = 2000
_OPEN, _EQUAL = (zlib.crc32(mark) for mark in (b"(", b"="))
_BRACE, _BRACED = (zlib.crc32(mark) for mark in (b"{", b"}"))
_NAME = int(Leaf.NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function by the hash of its name, and the leaves that are in it, the name aside."""

    name: int
    start: int
    end: int


class Leaves:
    """The leaves of a program as lists of hashes, to be looked at one by one."""

    def __init__(self, one: Fingerprint) -> None:
        count = min(len(one.spellings), _TOKENS_MAX)
        self.words: list[int] = one.spellings[:count].tolist()
        self.shapes: list[int] = one.shapes[:count].tolist()
        self.lines: list[int] = one.lines[:count].tolist()
        self.own: list[bool] = one.own[:count].tolist()
        self.marks: list[tuple[int, int]] = list(
            zip(one.parts.tolist(), one.part_at.tolist(), strict=True)
        )
        # The end of what is open at the last leaf stands behind it, and before no leaf.
        self.parts = [(part, at) for part, at in self.marks if at < count]
        self.count = count

    def shape(self, place: int) -> int:
        """Return what a leaf is; 0 beyond the ends."""
        return self.shapes[place] if 0 <= place < self.count else 0

    def word(self, place: int) -> int:
        """Return the spelling of a leaf; 0 beyond the ends."""
        return self.words[place] if 0 <= place < self.count else 0

    @cached_property
    def depth(self) -> list[int]:
        """Return in how many loops each leaf is."""
        steps = [0] * (self.count + 1)
        for part, at in self.parts:
            steps[at] += int(part == Part.LOOP) - int(part == Part.LOOP_END)
        total, depths = 0, []
        for step in steps[: self.count]:
            total += step
            depths.append(total)
        return depths

    @cached_property
    def functions(self) -> list[Function]:
        """Return the functions that have a name, lambdas that are given one too."""
        found: list[Function] = []
        opened: list[int] = []
        for part, at in self.marks:
            if len(found) >= _FUNCTIONS_MAX:
                break
            if part == Part.FUNCTION:
                opened.append(at)
            elif part == Part.FUNCTION_END and opened:
                place = self._name_after(opened.pop(), at)
                if place is not None:
                    end = min(at, self.count, place + _LEAVES_MAX)
                    found.append(Function(name=self.words[place], start=place + 1, end=end))
            elif part == Part.LAMBDA:
                found += self._named_lambda(at)
        return [one for one in found if self.own[one.start - 1]]

    def _name_after(self, start: int, end: int) -> int | None:
        for place in range(start, min(end, start + _STATEMENT_MAX, self.count)):
            if self.shapes[place] != _NAME:
                continue
            if self.shape(place + 1) == _OPEN or self.word(place - 1) in _DEFINING:
                return place
        return None

    def _named_lambda(self, at: int) -> list[Function]:
        """Return the function `f = lambda …`: to the end of its braces, or of its line."""
        before = at - 1
        if self.shape(before) != _EQUAL or self.shape(before - 1) != _NAME:
            return []
        line, place, depth = self.lines[at] if at < self.count else 0, at, 0
        while place < min(self.count, at + _LEAVES_MAX):
            shape = self.shapes[place]
            if shape == _BRACE:
                depth += 1
            elif shape == _BRACED:
                depth -= 1
                if depth == 0:
                    break
            if depth == 0 and self.lines[place] > line:
                break
            place += 1
        return [Function(name=self.words[before - 1], start=before, end=place)]
