"""The default output validator: an output is right when its tokens are those of the answer.

Both files are read side by side in blocks (`judge.checkers.streams`). Equal blocks cost one
memory comparison; blocks that differ are cut into token lists, which are compared as lists; only
tokens that differ are looked at one by one. Numbers are compared as doubles in bulk where that
is conclusive and exactly where it is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

from judge.checkers.base import Comparison, Source, reading, rereading
from judge.checkers.numbers import parse_number, within
from judge.checkers.streams import BLOCK_BYTES, TokenStream, position
from judge.errors import PackageError
from judge.results import Difference, excerpt

_TOLERANCES = ("float_tolerance", "float_absolute_tolerance", "float_relative_tolerance")
_TOLERANCE_EXPONENT_MAX = 400
_CONTEXT_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """How tokens are compared; a tolerance of None is not set."""

    case_sensitive: bool = False
    space_change_sensitive: bool = False
    absolute: Decimal | None = None
    relative: Decimal | None = None
    hexadecimal: bool = False

    @property
    def numeric(self) -> bool:
        """Tell whether numbers are compared as numbers."""
        return self.absolute is not None or self.relative is not None


def parse_rules(flags: Sequence[str], *, legacy: bool, where: str) -> TokenRules:
    """Read validator flags; raises `PackageError` beginning with `where` and naming the flag.

    A repeated or contradictory tolerance is an error in 2025-09; in legacy the last one holds.
    """
    given: dict[str, Decimal] = {}
    words: set[str] = set()
    remaining = iter(flags)
    for flag in remaining:
        if flag in {"case_sensitive", "space_change_sensitive"}:
            words.add(flag)
        elif flag in _TOLERANCES:
            if not legacy and (flag in given or (given and "float_tolerance" in {flag, *given})):
                raise PackageError(f"{where}: {flag}: conflicts with an earlier tolerance")
            given.pop(flag, None)
            given[flag] = _tolerance(flag, next(remaining, None), where)
        else:
            raise PackageError(f"{where}: unknown default validator flag '{excerpt(flag)}'")
    absolute = relative = None
    for flag, epsilon in given.items():
        if flag != "float_relative_tolerance":
            absolute = epsilon
        if flag != "float_absolute_tolerance":
            relative = epsilon
    return TokenRules(
        case_sensitive="case_sensitive" in words,
        space_change_sensitive="space_change_sensitive" in words,
        absolute=absolute,
        relative=relative,
        hexadecimal=legacy,
    )


def _tolerance(flag: str, text: str | None, where: str) -> Decimal:
    if text is None:
        raise PackageError(f"{where}: {flag}: a number must follow")
    epsilon = parse_number(text.encode("utf-8", "replace"), hexadecimal=False)
    if epsilon is None or epsilon < 0 or abs(epsilon.adjusted()) > _TOLERANCE_EXPONENT_MAX:
        raise PackageError(f"{where}: {flag}: '{excerpt(text)}' is not a tolerance")
    return epsilon


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChecker:
    """The default validator with its flags read."""

    rules: TokenRules = TokenRules()
    block_bytes: int = BLOCK_BYTES

    def compare(self, output: Source, answer: Source) -> Comparison:
        """Tell whether the output is right, and if not, where it first goes wrong."""
        with reading(output) as found, reading(answer) as expected:
            return self._compare(found, expected, output)

    def _compare(self, output: IO[bytes], answer: IO[bytes], source: Source) -> Comparison:
        found, expected = (
            TokenStream(
                reader,
                spaces=self.rules.space_change_sensitive,
                fold=not self.rules.case_sensitive,
                block_bytes=self.block_bytes,
            )
            for reader in (output, answer)
        )
        tester = _Tester(self.rules)
        while True:
            waiting = not (found.tokens or expected.tokens or found.ended or expected.ended)
            if waiting and found.place == expected.place:
                block, other = found.read(), expected.read()
                if block == other:
                    if not block:
                        return Comparison(accepted=True)
                    found.skip(block)
                    expected.skip(block)
                    continue
                found.feed(block)
                expected.feed(other)
            for side in (found, expected):
                while not side.tokens and not side.ended:
                    side.feed(side.read())
            count = min(len(found.tokens), len(expected.tokens))
            if count == 0:
                if not found.tokens and not expected.tokens:
                    return Comparison(accepted=True)
                return _rejected(found, expected, 0, source, self.rules)
            index = tester.first_wrong(found.tokens, expected.tokens, count)
            if index is not None:
                return _rejected(found, expected, index, source, self.rules)
            found.drop(count)
            expected.drop(count)


class _Tester:
    """Finds the first token that is wrong; holds the tolerances as doubles with room for error."""

    def __init__(self, rules: TokenRules) -> None:
        self.rules = rules
        # A distance of doubles is off by at most a few units in the last place of its operands;
        # what is accepted below these shrunken tolerances is accepted exactly too.
        self.absolute = -1.0
        if rules.absolute is not None and float(rules.absolute) > 1e-290:
            self.absolute = float(rules.absolute) * (1 - 1e-12)
        self.relative = -1.0
        if rules.relative is not None:
            self.relative = float(rules.relative) * (1 - 1e-12) - 1e-15

    def first_wrong(self, found: list[bytes], expected: list[bytes], count: int) -> int | None:
        """Return the index below `count` of the first token that is wrong, or None."""
        if count < len(found):
            found = found[:count]
        if count < len(expected):
            expected = expected[:count]
        if found == expected:
            return None
        differ = [n for n, (f, e) in enumerate(zip(found, expected, strict=True)) if f != e]
        if not self.rules.numeric:
            return differ[0]
        differ = self._doubtful(found, expected, differ)
        return next((n for n in differ if not self.accepts(found[n], expected[n])), None)

    def _doubtful(self, found: list[bytes], expected: list[bytes], differ: list[int]) -> list[int]:
        """Return those of `differ` that doubles cannot show to be close enough."""
        left = [found[n] for n in differ]
        right = [expected[n] for n in differ]
        # Python reads more as a number than the format does: names, underscores, long strings.
        if b"".join((*left, *right)).translate(None, b"0123456789+-.eE"):
            return differ
        try:
            values = zip(differ, map(float, left), map(float, right), strict=True)
            absolute, relative = self.absolute, self.relative
            return [
                n
                for n, f, e in values
                if not (
                    (distance := abs(f - e)) <= absolute - 1e-15 * (size := abs(e))
                    or (distance <= relative * size and (size > 1e-290 or not distance))
                )
            ]
        except ValueError:
            return differ

    def accepts(self, found: bytes, expected: bytes) -> bool:
        """Tell exactly whether one number may stand for another; words that differ never do."""
        rules = self.rules
        wanted = parse_number(expected, hexadecimal=rules.hexadecimal)
        if wanted is None:
            return False
        given = parse_number(found, hexadecimal=rules.hexadecimal)
        return given is not None and within(
            given, wanted, absolute=rules.absolute, relative=rules.relative
        )


def _rejected(
    found: TokenStream, expected: TokenStream, index: int, source: Source, rules: TokenRules
) -> Comparison:
    """Describe the token where the output goes wrong."""
    token, wanted = found.original(index), expected.original(index)
    line, column = None, None
    if rereading(source):
        line, column = position(source, found.offset(index))
    place = "" if line is None else f"line {line}, column {column}: "
    shown, hoped = _around(token, wanted)
    if not wanted:
        message = f"{place}the output should have ended, found '{shown}'"
    elif not token:
        message = f"{place}the output ended, expected '{hoped}'"
    else:
        message = f"{place}expected '{hoped}', found '{shown}'{_remark(token, wanted, rules)}"
    return Comparison(
        accepted=False,
        message=message,
        difference=Difference(line=line, column=column, expected=hoped, found=shown),
    )


def _remark(token: bytes, wanted: bytes, rules: TokenRules) -> str:
    """Say why two tokens differ where it is not plain to see."""
    if token.isspace() != wanted.isspace():
        return " (whitespace differs)"
    if rules.numeric and parse_number(wanted, hexadecimal=rules.hexadecimal) is not None:
        given = parse_number(token, hexadecimal=rules.hexadecimal)
        return " (not a number)" if given is None else " (too far off)"
    if rules.case_sensitive and token.lower() == wanted.lower():
        return " (letter case differs)"
    return ""


def _around(token: bytes, wanted: bytes) -> tuple[str, str]:
    """Return excerpts of two tokens; long ones begin shortly before they differ."""
    start = 0
    if token and wanted and max(len(token), len(wanted)) > 2 * _CONTEXT_BYTES:
        same = next(
            (n for n, (a, b) in enumerate(zip(token, wanted, strict=False)) if a != b),
            min(len(token), len(wanted)),
        )
        start = max(0, same - _CONTEXT_BYTES)
    mark = "\u2026" if start else ""
    return mark + excerpt(token[start:]), mark + excerpt(wanted[start:])
