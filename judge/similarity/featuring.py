"""Reads from a fingerprint what a program does: loops, recursion, tables, the words it uses.

Names of one's own do not matter, only where the same name stands again; what a template gave does
not count. Every step is one pass over the leaves with a bounded look around, whatever the source.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from zlib import crc32

from judge.similarity.features import FOUND_BY, WORDS_BEFORE, Feature, hashes
from judge.similarity.fingerprints import Fingerprint, joined
from judge.similarity.kinds import Leaf, Part
from judge.similarity.leaves import Function, Leaves

_STORING = hashes("put insert emplace set Add setdefault insert_or_assign")
_LOOKING = hashes(
    "get containsKey contains_key ContainsKey contains Contains count find has TryGetValue"
    " getOrDefault in getOrPut"
)
_APPENDING = hashes("append push push_back add Add emplace_back")
_PUSHING, _POPPING = hashes("push append push_back Push"), hashes("pop pop_back Pop")
_EITHER_END = hashes("ArrayDeque")
_ONE = hashes("1 1L 1LL 1UL 1ULL 1u 1U 1n 1usize 1u32 1u64")
_TWO = hashes("2 2L 2LL 2.0 2n")
# Where the fingerprint leaves something out: what stands before a function, and no import.
_KEPT_RESULTS = re.compile(
    r"^[ \t]*@\s*(?:functools\s*\.\s*)?(?:lru_cache|cache|memoi[sz]ed?)\b", re.MULTILINE
)
_STATEMENT_MAX = 80


def _of(text: str) -> int:
    return crc32(text.encode())


_OPEN, _CLOSE, _DOT, _COMMA = _of("("), _of(")"), _of("."), _of(",")
_SQUARE, _SQUARED, _BRACE, _BRACED = _of("["), _of("]"), _of("{"), _of("}")
_EQUAL, _PLUS, _AND, _COLON, _MINUS = _of("="), _of("+"), _of("&"), _of(":"), _of("-")
_PERCENT, _LEFT, _POWER = _of("%"), _of("<<"), _of("**")
_DIVIDING = frozenset({_of("/"), _of("//"), _of(">>"), _of(">>>"), _of("shr")})
_DIVIDED = hashes("/= //= >>= >>>=")
_UP, _DOWN = hashes("++ +="), hashes("-- -=")
_RETURN, _IN = _of("return"), _of("in")
_COMPARING = hashes("< <= > >= != == ===")
# After one of these a line goes on.
_GOING_ON = hashes("+ - * / % // , ( [ = && || and or ? : . & | ^")
_NAME, _NUMBER = int(Leaf.NAME), int(Leaf.NUMBER)
_CONSTANTS = frozenset({_NUMBER, int(Leaf.TRUTH), int(Leaf.TEXT), int(Leaf.CHARACTER)})


def features(one: Fingerprint, files: Mapping[str, bytes] | None = None) -> frozenset[Feature]:
    """Return what a program does. `files` tell what fingerprints leave out: annotations."""
    text = joined(files)[0] if files else ""
    return _Reading(one, remembering=bool(_KEPT_RESULTS.search(text))).found()


class _Reading(Leaves):
    """What is found in the leaves of a program."""

    def __init__(self, one: Fingerprint, *, remembering: bool) -> None:
        super().__init__(one)
        self.remembering = remembering

    def found(self) -> frozenset[Feature]:
        """Return all features."""
        found = self._by_words() | self._by_loops() | self._by_recursion() | self._by_arrays()
        found |= self._by_arithmetic() | self._by_variables()
        if not found & {Feature.LOOP, Feature.RECURSION}:
            found.add(Feature.STRAIGHT)
        return frozenset(found)

    def _by_words(self) -> set[Feature]:
        found = set()
        for place in range(self.count):
            if not self.own[place]:
                continue
            word = self.words[place]
            if word in FOUND_BY:
                found.add(FOUND_BY[word])
            after = self.word(place + 1)
            for feature, words, marks in WORDS_BEFORE:
                if word in words and after in marks:
                    found.add(feature)
            empty = word == _BRACE and after == _BRACED and self.shape(place - 1) == _EQUAL
            pair = word == _BRACE and self.shape(place + 2) == _COLON
            if empty or (pair and self.shape(place - 1) in {_EQUAL, _OPEN, _COMMA}):
                found.add(Feature.MAP)
        if not found & {Feature.HEAP, Feature.QUEUE}:
            found |= self._by_ends()
        return found

    def _by_ends(self) -> set[Feature]:
        """Tell a list that is a stack: pushed to and popped from at its end."""
        used: dict[int, set[int]] = {}
        either_end = False
        for place in range(self.count - 2):
            either_end = either_end or self.words[place] in _EITHER_END
            if self.shapes[place] == _NAME and self.shapes[place + 1] == _DOT:
                used.setdefault(self.words[place], set()).add(self.words[place + 2])
        if any(each & _PUSHING and each & _POPPING for each in used.values()):
            return {Feature.STACK}
        return {Feature.QUEUE} if either_end else set()

    def _by_loops(self) -> set[Feature]:
        own = [depth if self.own[place] else 0 for place, depth in enumerate(self.depth)]
        most = max(own, default=0)
        inner = {one.name: self._inner(one) for one in self.functions}
        for place in range(self.count):
            # A loop in a function that is called in a loop is nested, whoever wrote it apart.
            called = inner.get(self.words[place], 0)
            if called and own[place] and self.shape(place + 1) == _OPEN:
                most = max(most, own[place] + called)
        levels = ((1, Feature.LOOP), (2, Feature.NESTED), (3, Feature.DEEP))
        return {feature for least, feature in levels if most >= least}

    def _inner(self, one: Function) -> int:
        """Return how deep loops are in a function; what calls itself is told by that instead."""
        if any(self.words[place] == one.name for place in self._calls(one)):
            return 0
        outer = self.depth[one.start - 1]
        return max(self.depth[one.start : one.end], default=outer) - outer

    def _by_recursion(self) -> set[Feature]:
        found = set()
        calls = {one.name: self._called(one) for one in self.functions}
        for one in self.functions:
            own = [place for place in self._calls(one) if self.words[place] == one.name]
            if not own and one.name not in _reached(one.name, calls):
                continue
            found.add(Feature.RECURSION)
            if len(own) > 1:
                found.add(Feature.BRANCHING)
            if any(self.depth[place] > self.depth[one.start - 1] for place in own):
                found.add(Feature.SEARCH)
            if self.remembering or self._remembers(one):
                found.add(Feature.MEMO)
        return found

    def _calls(self, one: Function) -> list[int]:
        return [
            place
            for place in range(one.start, one.end)
            if self.shapes[place] == _NAME and self.shape(place + 1) == _OPEN
        ]

    def _called(self, one: Function) -> frozenset[int]:
        return frozenset(self.words[place] for place in self._calls(one))

    def _remembers(self, one: Function) -> bool:
        """Tell whether a function keeps what it made and gives it back when asked again."""
        kept, asked = set(), set()
        for place in range(one.start, one.end):
            if self.shapes[place] != _NAME:
                continue
            word, after = self.words[place], self.shape(place + 1)
            same_line = place and self.lines[place - 1] == self.lines[place]
            before = self.word(place - 1) if same_line else 0
            if after == _DOT and self.word(place + 2) in _STORING:
                kept.add(word)
            if after == _DOT and self.word(place + 2) in _LOOKING:
                asked.add(word)
            if before == _IN or (before in {_RETURN, _EQUAL} and after == _SQUARE):
                asked.add(word)
            if after == _SQUARE:
                end = self._behind_index(place)
                if self.shape(end) == _EQUAL and not self._constant(end + 1):
                    kept.add(word)
                # `int &result = memo[i][j];`, and what is given to it stays there.
                if before == _EQUAL and self.shape(place - 3) == _AND:
                    return True
        return bool(kept & asked)

    def _constant(self, place: int) -> bool:
        """Tell whether what is assigned is a mark of a search, as in `used[i] = true`."""
        signed = place + int(self.shape(place) == _MINUS)
        if self.shape(signed) not in _CONSTANTS:
            return False
        if signed + 1 >= self.count or self.lines[signed] < self.lines[signed + 1]:
            return True
        return self.shape(signed + 1) in {_NAME, _BRACED}

    def _behind_index(self, place: int) -> int:
        """Return the leaf behind `a[…][…]`, given that of `a`."""
        place += 1
        until = min(self.count, place + _STATEMENT_MAX)
        depth = 0
        while place < until:
            shape = self.shapes[place]
            if shape == _SQUARE:
                depth += 1
            elif shape == _SQUARED:
                depth -= 1
                if depth == 0 and self.shape(place + 1) != _SQUARE:
                    return place + 1
            place += 1
        return until

    def _by_arrays(self) -> set[Feature]:
        found = set()
        indexed = [at for part, at in self.parts if part == Part.INDEX and self.own[at]]
        if indexed:
            found.add(Feature.ARRAY)
        if len(set(indexed)) < len(indexed):
            found.add(Feature.GRID)
        for at in indexed:
            name, inner = self.words[at], at + 2
            if self.shapes[at] != _NAME:
                continue
            if self.word(inner) == name and self.shape(inner + 1) == _SQUARE:
                found.add(Feature.LINKS)
            end = self._behind_index(at)
            if _COMMA in self.shapes[at:end]:
                found.add(Feature.GRID)
            index = self.words[at + 1 : end]
            if self.shape(end) == _EQUAL and self.depth[at] and self._reads(name, end + 1, index):
                found.add(Feature.TABLE)
            if self.word(end) == _EQUAL and self.depth[at] and self._constant(end + 1):
                found.add(Feature.MARKS)
        if any(self._grows(place) for place in range(self.count - 3)):
            found.add(Feature.TABLE)
        return found

    def _grows(self, place: int) -> bool:
        """Tell whether a list gets what its own entries make: `row.append(row[-1] + row[-2])`."""
        if self.shapes[place] != _NAME or not self.depth[place] or not self.own[place]:
            return False
        if self.shapes[place + 1] != _DOT or self.words[place + 2] not in _APPENDING:
            return False
        return self._reads(self.words[place], place + 3)

    def _reads(self, name: int, start: int, index: Sequence[int] = ()) -> bool:
        """Tell whether an array is read in the rest of a statement, at another index than one."""
        stops = self._statements
        opened = 0
        for place in range(start, min(self.count, start + _STATEMENT_MAX)):
            shape = self.shapes[place]
            if place in stops and place > start and not opened:
                return False
            opened += int(shape in {_OPEN, _SQUARE}) - int(shape in {_CLOSE, _SQUARED})
            if opened < 0 or shape in {_BRACE, _BRACED}:
                return False
            fresh_line = self.lines[place] > self.lines[start - 1] and not opened
            if fresh_line and shape == _NAME and self.shape(place - 1) not in _GOING_ON:
                return False
            if self.words[place] == name and self.shape(place + 1) in {_SQUARE, _DOT}:
                same = self.words[place + 1 : place + 1 + len(index)] == index
                # `count[x] = count.get(x, 0) + 1` counts.
                if not index or (not same and self.shape(place + 1) == _SQUARE):
                    return True
        return False

    @cached_property
    def _statements(self) -> frozenset[int]:
        """Return the leaves at which a statement begins."""
        begin = {Part.ASSIGN, Part.LOOP, Part.IF, Part.RETURN, Part.LOOP_END, Part.DECLARE}
        return frozenset(at for part, at in self.parts if part in begin)

    def _by_arithmetic(self) -> set[Feature]:
        found = set()
        for place in range(self.count):
            if not self.own[place]:
                continue
            word, shape = self.words[place], self.shapes[place]
            after = self.word(place + 1)
            if shape == _PERCENT or word == _of("%="):
                found.add(Feature.MODULO)
            numbers = self.shape(place - 1) == _NUMBER == self.shape(place + 1)
            if word == _POWER and not numbers:
                found.add(Feature.ROOTS)
            masked = word in _ONE and self.shape(place + 1) == _LEFT
            if masked and self.shape(place - 1) != _LEFT:
                found.add(Feature.SUBSETS)
            halved = (shape in _DIVIDING or word in _DIVIDED) and after in _TWO | _ONE
            whole = after in _TWO or word not in hashes("/ // /= //=")
            if halved and whole and not self._shifted(place):
                bisecting = self.depth[place] or self._recursive(place)
                middle = self._plus_before(place)
                if bisecting:
                    found.add(Feature.BISECTION if middle else Feature.HALVING)
        return found

    def _shifted(self, place: int) -> bool:
        """Tell whether `x >> 1` is one bit of a mask, as in `x >> i & 1`."""
        return self.word(place + 2) == _AND

    def _plus_before(self, place: int) -> bool:
        return _PLUS in self.shapes[max(0, place - 8) : place] and any(
            self.lines[each] == self.lines[place] and self.shapes[each] == _PLUS
            for each in range(max(0, place - 8), place)
        )

    def _recursive(self, place: int) -> bool:
        """Tell whether a leaf is in a function that calls itself."""
        return any(one.start <= place < one.end for one in self._recursive_functions)

    @cached_property
    def _recursive_functions(self) -> list[Function]:
        return [one for one in self.functions if one.name in self._called(one)]

    def _by_variables(self) -> set[Feature]:
        found: set[Feature] = set()
        up: set[int] = set()
        down: set[int] = set()
        for place in range(1, self.count):
            if not self.own[place]:
                continue
            word, name = self.words[place], self.shape(place - 1) == _NAME
            if self.depth[place] and word in _UP | _DOWN:
                who = self.words[place - 1] if name else self.word(place + 1)
                (up if word in _UP else down).add(who)
            if self.shapes[place] == _EQUAL and name and self.depth[place]:
                found |= self._moved(place)
        if any(self._compares(place, up, down) for place in range(1, self.count - 1)):
            found.add(Feature.POINTERS)
        return found

    def _compares(self, place: int, up: set[int], down: set[int]) -> bool:
        """Tell whether what rises meets what falls here: `while (left < right)`."""
        if self.words[place] not in _COMPARING:
            return False
        one, other = self.words[place - 1], self.words[place + 1]
        return (one in up and other in down) or (one in down and other in up)

    def _moved(self, place: int) -> set[Feature]:
        """Tell of an assignment what goes round: `a = b; b = c`, `a, b = b, c`."""
        first, second = self.word(place - 1), self.word(place + 1)
        if self.shape(place + 1) != _NAME:
            return set()
        if self.shape(place - 2) == _COMMA and self.shape(place + 2) == _COMMA:
            other = self.word(place - 3)
            swapped = self.word(place + 3) == other and self.shape(place + 4) not in _GOING_ON
            if first == second:
                return {Feature.SWAP if swapped else Feature.ROLLING}
            return set()
        again = self.word(place + 2) == second and self.shape(place + 3) == _EQUAL
        return {Feature.ROLLING} if again else set()


def _reached(name: int, calls: Mapping[int, frozenset[int]]) -> set[int]:
    """Return the functions that a function calls, directly or by others."""
    seen: set[int] = set()
    waiting = [name]
    while waiting:
        for each in calls.get(waiting.pop(), frozenset()):
            if each in calls and each not in seen:
                seen.add(each)
                waiting.append(each)
    return seen
