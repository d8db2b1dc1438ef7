"""Reads what the jury writes into submissions: `@EXPECTED_RESULTS@` and its relatives.

DOMjudge and Kattis spell verdicts differently; both are understood in any case.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from judge.problem.programs import ScoreRange, SourceFile
from judge.problem.yaml_reading import parse_number
from judge.verdicts import Verdict

TAG_BYTES_MAX = 1 << 20

_TAG = re.compile(rb"@EXPECTED_(RESULTS|SCORE|GRADES)@\s*:?[ \t]*([^\r\n]*)", re.IGNORECASE)
_CLOSERS = re.compile(r"\s*(?:\*+/|-->|#\}|\*\)|-\}|\|#)\s*$")
_SCORE_TOLERANCE = Fraction(1, 100)

_NAMES = {
    Verdict.AC: "ac accepted correct",
    Verdict.WA: "wa wrong-answer wronganswer no-output presentation-error output-limit",
    Verdict.TLE: "tle timelimit time-limit time-limit-exceeded",
    Verdict.RTE: "rte run-error run-time-error runtime-error runerror memory-limit mle",
    Verdict.CE: "ce compiler-error compile-error compilation-error",
}
_VERDICTS = {name: verdict for verdict, names in _NAMES.items() for name in names.split()}
_OPEN = {"check-manually"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The tags of one submission; `verdicts` None when there is no usable one."""

    verdicts: tuple[Verdict, ...] | None = None
    score: ScoreRange | None = None
    grades: tuple[Verdict, ...] = ()
    problems: tuple[str, ...] = ()


def verdict_named(text: str) -> Verdict | None:
    """Return the verdict a name in any spelling means, in the coarse five."""
    return _VERDICTS.get(text.strip().lower().replace("_", "-").replace(" ", "-"))


def read_tags(files: Iterable[SourceFile]) -> Tags:
    """Return the tags in the files; of several of one kind the first counts."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for file in files:
        with file.path.open("rb") as stream:
            data = stream.read(TAG_BYTES_MAX)
        if b"@" not in data:
            continue
        for match in _TAG.finditer(data):
            kind = match[1].decode("ascii").upper()
            text = _CLOSERS.sub("", match[2].decode("utf-8", "replace")).strip()
            if kind not in found:
                found[kind] = text
            elif found[kind] != text:
                problems.append(f"a second @EXPECTED_{kind}@; the first counts")
    return Tags(
        verdicts=_results(found.get("RESULTS"), problems),
        score=_score(found.get("SCORE"), problems),
        grades=_grades(found.get("GRADES"), problems),
        problems=tuple(problems),
    )


def _results(text: str | None, problems: list[str]) -> tuple[Verdict, ...] | None:
    if text is None:
        return None
    verdicts: list[Verdict] = []
    for word in (part.strip() for part in text.split(",")):
        verdict = verdict_named(word)
        if verdict is not None:
            verdicts.append(verdict)
        elif word.lower().replace("_", "-") in _OPEN:
            return None
        else:
            problems.append(f"@EXPECTED_RESULTS@: unknown verdict {word[:40]!r}")
    return ordered(verdicts) if verdicts else None


def _score(text: str | None, problems: list[str]) -> ScoreRange | None:
    if text is None:
        return None
    value = parse_number(text)
    if value is None:
        problems.append(f"@EXPECTED_SCORE@: not a number: {text[:40]!r}")
        return None
    # Authors write scores rounded to two decimals.
    tolerance = Fraction(0) if value.denominator == 1 else _SCORE_TOLERANCE
    return ScoreRange(low=value - tolerance, high=value + tolerance)


def _grades(text: str | None, problems: list[str]) -> tuple[Verdict, ...]:
    grades: list[Verdict] = []
    for word in (text or "").replace(",", " ").split():
        verdict = verdict_named(word)
        if verdict is None:
            problems.append(f"@EXPECTED_GRADES@: unknown verdict {word[:40]!r}")
            return ()
        grades.append(verdict)
    return tuple(grades)


def ordered(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Return verdicts once each in the order of `Verdict`."""
    kept = set(verdicts)
    return tuple(verdict for verdict in Verdict if verdict in kept)
