"""Records survive their stored form, and text from programs is harmless in them."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.errors import UsageError
from judge.results import (
    Difference,
    GroupResult,
    Judgement,
    LimitsUsed,
    Run,
    excerpt,
    maxima,
    parse_score,
    printable,
    score_number,
)
from judge.verdicts import Verdict

RUN = Run(
    case="sample/1",
    verdict=Verdict.WA,
    cpu_us=1001,
    wall_us=2000,
    memory_bytes=4096,
    exit_code=0,
    custom_score=Fraction(1, 2),
    difference=Difference(line=1, column=None, expected="a", found="b"),
    warnings=("w",),
)
JUDGEMENT = Judgement(
    problem="hello",
    verdict=Verdict.WA,
    language="cpp",
    score=Fraction("74.42"),
    runs=(RUN, Run(case="secret/1", verdict=Verdict.AC, signal=None)),
    groups=GroupResult(
        name="",
        verdict=Verdict.WA,
        children=(GroupResult(name="secret", verdict=None, score=Fraction(3)),),
    ),
    limits=LimitsUsed(cpu_ms=1000),
)


def test_round_trip() -> None:
    """What was stored is read back, through real JSON."""
    stored = json.loads(json.dumps(JUDGEMENT.to_json(), allow_nan=False))

    assert Judgement.from_json(stored) == JUDGEMENT
    assert stored["version"] == 1
    assert stored["score"] == 74.42
    assert stored["runs"][0]["difference"]["column"] is None


def _changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    record = json.loads(json.dumps(JUDGEMENT.to_json()))
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert isinstance(record, dict)
    return record


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("version",), 2, "version"),
        (("verdict",), "OK", "verdict"),
        (("verdict",), [], "verdict"),
        (("cpu_us",), "5", "cpu_us"),
        (("cpu_us",), True, "cpu_us"),
        (("runs",), {}, "runs"),
        (("runs", 1, "case"), None, r"runs\[1\]: case"),
        (("runs", 0, "score"), "7", r"runs\[0\]: score"),
        (("runs", 0, "score"), float("nan"), r"runs\[0\]: score"),
        (("groups", "children", 0, "odd\x1b"), 1, r"children\[0\]: unknown key odd\\x1b"),
        (("limits",), 7, "limits: a mapping"),
    ],
)
def test_a_bad_record_names_the_key(path: tuple[Any, ...], value: Any, named: str) -> None:
    """A record that does not fit is refused with the place where it does not."""
    with pytest.raises(UsageError, match=named):
        Judgement.from_json(_changed(path, value))


def test_a_missing_key() -> None:
    """Keys without a default are needed."""
    record = JUDGEMENT.to_json()
    del record["problem"]

    with pytest.raises(UsageError, match="a key is missing"):
        Judgement.from_json(record)


def test_milliseconds_round_up() -> None:
    """A run that broke a limit never reads as if it had kept it."""
    assert RUN.cpu_ms == 2
    assert RUN.wall_ms == 2
    assert replace(JUDGEMENT, cpu_us=999_001).cpu_ms == 1000


def test_maxima() -> None:
    """The slowest and the largest may be different runs."""
    other = Run(case="b", verdict=Verdict.AC, cpu_us=1, wall_us=1, memory_bytes=9999)

    assert maxima([RUN, other]) == {"cpu_us": 1001, "wall_us": 2000, "memory_bytes": 9999}
    assert maxima([]) == {"cpu_us": 0, "wall_us": 0, "memory_bytes": 0}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"plain\n\ttext", "plain\n\ttext"),
        (b"a\r\nb\rc", "a\nb\\x0dc"),
        (b"\x1b[31m\0\x7f", "\\x1b[31m\\x00\\x7f"),
        (b"\xff\xc3\xa4", "\\xff\u00e4"),
        ("\u202eevil\u200b", "\\u202eevil\\u200b"),
        ("\x85\u2028\U000e0001", "\\x85\\u2028\\U000e0001"),
        ("\ud800", "\\ud800"),
    ],
)
def test_printable(text: bytes | str, shown: str) -> None:
    """Visible characters, newlines and tabs stay; the rest is spelled out."""
    assert printable(text) == shown


@given(st.binary() | st.text(st.characters()), st.integers(1, 50))
def test_printable_is_bounded_and_encodable(text: bytes | str, chars_max: int) -> None:
    """Whatever comes in, what goes out is short and fit for any UTF-8 document."""
    shown = printable(text, chars_max=chars_max)

    assert len(shown) <= chars_max + 1
    assert shown.encode().decode() == shown
    assert "\x1b" not in shown


def test_excerpts_are_one_line() -> None:
    """Newlines and tabs are spelled out too."""
    assert excerpt(b"a\n\tb") == "a\\n\\tb"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", "1"), ("-0.5", "-1/2"), ("1e-400", "0"), ("+2.", "2"), ("1e999999999", None)],
)
def test_parse_score(text: str, value: str | None) -> None:
    """Exact, and no exponent takes our time."""
    assert parse_score(text) == (None if value is None else Fraction(value))


def test_scores_as_numbers() -> None:
    """Integers stay integers."""
    assert repr(score_number(Fraction(20))) == "20"
    assert score_number(Fraction(1, 4)) == 0.25
