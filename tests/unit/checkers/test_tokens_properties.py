"""The streaming comparison against a naive one that reads everything, on hostile inputs."""

import io
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge.checkers.tokens import TokenChecker, TokenRules

_NUMBER = re.compile(rb"[+-]?(\d*\.\d+|\d+\.?)([eE][+-]?\d+)?", re.ASCII)

_tokens = st.one_of(
    st.sampled_from([b"a", b"A", b"ab", b"aB", b"\0", b"\xff", b"nan", b"1_0", b"0x1", b"-", b"."]),
    st.from_regex(rb"[+-]?[0-9]{0,4}\.?[0-9]{1,3}(e[+-]?[0-9]{1,2})?", fullmatch=True),
    st.binary(min_size=1, max_size=40).map(lambda raw: b"".join(raw.split()) or b"x"),
)
_blanks = st.text(" \n\t\r\v\f", min_size=1, max_size=3).map(str.encode)
_texts = st.lists(st.tuples(_tokens, _blanks), max_size=12).map(
    lambda pairs: b"".join(token + blank for token, blank in pairs)
)
_tolerances = st.sampled_from([None, None, Decimal(0), Decimal("0.01"), Decimal("1e-9")])
_rules = st.builds(
    TokenRules,
    case_sensitive=st.booleans(),
    space_change_sensitive=st.booleans(),
    absolute=_tolerances,
    relative=_tolerances,
)
_word_rules = st.builds(
    TokenRules, case_sensitive=st.booleans(), space_change_sensitive=st.booleans()
)


class Dribble(io.RawIOBase):
    """A reader that returns a byte, two bytes, three bytes, and so on again."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._rest = data
        self._turn = 0

    def read(self, size: int = -1, /) -> bytes:
        self._turn = self._turn % 3 + 1
        size = self._turn if size < 0 else min(size, self._turn)
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def _naive_token(found: bytes, expected: bytes, rules: TokenRules) -> bool:
    if rules.numeric and _NUMBER.fullmatch(expected):
        if not _NUMBER.fullmatch(found):
            return False
        f, e = Fraction(found.decode()), Fraction(expected.decode())
        near = rules.absolute is not None and abs(f - e) <= Fraction(rules.absolute)
        return near or (
            rules.relative is not None and abs(f - e) <= Fraction(rules.relative) * abs(e)
        )
    return found == expected or (not rules.case_sensitive and found.lower() == expected.lower())


def _naive(output: bytes, answer: bytes, rules: TokenRules) -> bool:
    if rules.space_change_sensitive:
        blanks = re.compile(rb"[^ \t\n\r\v\f]+")
        # Where a token stands there is a blank run on either side, which may be empty.
        if blanks.split(output) != blanks.split(answer):
            return False
    found, expected = output.split(), answer.split()
    return len(found) == len(expected) and all(
        _naive_token(f, e, rules) for f, e in zip(found, expected, strict=True)
    )


def _mutations(answer: bytes) -> st.SearchStrategy[bytes]:
    def change(edit: tuple[int, int, bytes]) -> bytes:
        at, gone, put = edit
        at %= len(answer) + 1
        return answer[:at] + put + answer[at + gone :]

    edits = st.tuples(st.integers(0, 500), st.integers(0, 2), st.one_of(_blanks, _tokens))
    return st.one_of(st.just(answer), st.just(answer.swapcase()), edits.map(change))


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    answer = draw(_texts)
    return draw(st.one_of(_mutations(answer), _texts)), answer


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(_pairs(), _rules, st.integers(64, 200))
def test_streaming_equals_naive(
    pair: tuple[bytes, bytes], rules: TokenRules, block_bytes: int
) -> None:
    """Blocks at least as long as the numbers change nothing about the result."""
    output, answer = pair

    comparison = TokenChecker(rules=rules, block_bytes=block_bytes).compare(output, answer)

    assert _naive(output, answer, rules) == comparison.accepted


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(_pairs(), _word_rules, st.integers(1, 9))
def test_tiny_blocks_equal_naive_on_words(
    pair: tuple[bytes, bytes], rules: TokenRules, block_bytes: int
) -> None:
    """Tokens cut into many pieces compare like whole ones."""
    output, answer = pair

    comparison = TokenChecker(rules=rules, block_bytes=block_bytes).compare(output, answer)

    assert _naive(output, answer, rules) == comparison.accepted


@settings(max_examples=100, deadline=None)
@given(_pairs(), _rules)
def test_short_reads_change_nothing(pair: tuple[bytes, bytes], rules: TokenRules) -> None:
    """A reader that dribbles is read like one that does not."""
    output, answer = pair
    checker = TokenChecker(rules=rules, block_bytes=64)

    comparison = checker.compare(Dribble(output), Dribble(answer))  # type: ignore[arg-type]

    assert checker.compare(output, answer).accepted == comparison.accepted


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(_pairs())
def test_the_place_of_the_difference_is_where_tokens_part(pair: tuple[bytes, bytes]) -> None:
    """Line and column lead to the first token of the output that is not the answer's."""
    output, answer = pair
    comparison = TokenChecker().compare(output, answer)
    if comparison.difference is None:
        return
    starts = [match.start() for match in re.finditer(rb"[^ \t\n\r\v\f]+", output)]
    found, expected = output.lower().split(), answer.lower().split()
    same = 0
    while same < min(len(found), len(expected)) and found[same] == expected[same]:
        same += 1
    offset = starts[same] if same < len(starts) else len(output)
    before = output[:offset]

    assert before.count(b"\n") + 1 == comparison.difference.line
    assert offset - (before.rfind(b"\n") + 1) + 1 == comparison.difference.column
