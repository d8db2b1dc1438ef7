"""What a judging leaves behind: frozen records of runs, groups and the whole judgement.

The records hold facts and conclusions, never paths of this machine or open files, so that they
can be stored and shown anywhere. `Judgement.to_json` is the one stored form; it is versioned.
Scores are exact fractions inside and plain numbers in JSON. Texts that came from programs pass
`printable` before they get here.
"""

import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypedDict, TypeVar, get_args, get_origin, get_type_hints

from judge.errors import UsageError
from judge.verdicts import Verdict

RECORD_VERSION = 1
TEXT_CHARS_MAX = 4096
EXCERPT_CHARS_MAX = 80

_NUMBER = re.compile(r"[+-]?(?:[0-9]*\.[0-9]+|[0-9]+\.?)(?:[eE][+-]?[0-9]+)?")
_NUMBER_CHARS_MAX = 400
_PLAIN = frozenset({str, int, bool, float})
# Of each kind of record the names of its fields, asked for once.
_NAMES: dict[type[Any], tuple[str, ...]] = {}


def printable(text: bytes | str, *, chars_max: int = TEXT_CHARS_MAX) -> str:
    r"""Return untrusted text bounded and harmless for terminals, logs and pages.

    Newlines and tabs stay; every other character that is not visible becomes `\x..` or
    `\u....`, and so do bytes that are not UTF-8. A cut text ends in an ellipsis.
    """
    cut = text[: 4 * chars_max + 4]
    shown = cut.decode("utf-8", "backslashreplace") if isinstance(cut, bytes) else cut
    shown = shown.replace("\r\n", "\n")
    if not shown.isprintable():
        shown = "".join(map(_visible, shown))
    if len(shown) > chars_max or len(cut) < len(text):
        return shown[:chars_max] + "\u2026"
    return shown


def excerpt(text: bytes | str) -> str:
    r"""Return untrusted text as one short line: like `printable`, with `\n` and `\t` escaped."""
    shown = printable(text, chars_max=EXCERPT_CHARS_MAX)
    return shown.replace("\n", "\\n").replace("\t", "\\t")


def _visible(char: str) -> str:
    if char in "\n\t" or char.isprintable():
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def parse_score(text: str) -> Fraction | None:
    """Read one decimal number (2025-09 grammar, blanks around it allowed); None when it is not.

    Numbers a double cannot hold are refused, so that no exponent can take our time or memory.
    """
    stripped = text.strip(" \t\r\n\v\f")
    if len(stripped) > _NUMBER_CHARS_MAX or not _NUMBER.fullmatch(stripped):
        return None
    value = float(stripped)
    if value in (float("inf"), float("-inf")):
        return None
    # A number so small that a double rounds it to nothing is nothing.
    return Fraction(stripped) if value else Fraction(0)


def score_number(score: Fraction) -> int | float:
    """Return a score as JSON shows it: an integer when it is one."""
    return score.numerator if score.denominator == 1 else float(score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where an output first departs from the answer. Shown to players on samples only.

    `line` and `column` count from 1 in the output, columns in bytes. An empty `expected` means
    that the output should have ended, an empty `found` that it ended too early.
    """

    line: int | None
    column: int | None
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The judgement of one test case.

    `custom_score` and `custom_multiplier` are what a validator wrote; `score` is what the case
    counts after aggregation. Times are microseconds, `near_limit` says that the CPU time is within
    ten per cent of the limit, `attempts` how often it was run.
    """

    case: str
    verdict: Verdict
    cpu_us: int = 0
    wall_us: int = 0
    memory_bytes: int = 0
    output_bytes: int = 0
    exit_code: int | None = None
    signal: int | None = None
    score: Fraction | None = None
    custom_score: Fraction | None = None
    custom_multiplier: Fraction | None = None
    judge_message: str = ""
    team_message: str = ""
    difference: Difference | None = None
    near_limit: bool = False
    attempts: int = 1
    passes: int = 1
    reason: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def cpu_ms(self) -> int:
        """CPU time in milliseconds, rounded up so that it never reads below a limit it broke."""
        return -(-self.cpu_us // 1000)

    @property
    def wall_ms(self) -> int:
        """Elapsed time in milliseconds, rounded up."""
        return -(-self.wall_us // 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResult:
    """The result of a test group; verdict None means that it was not run (`require_pass`)."""

    name: str
    verdict: Verdict | None
    score: Fraction | None = None
    cases: tuple[str, ...] = ()
    children: tuple["GroupResult", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsUsed:
    """The limits every run was held to."""

    cpu_ms: int = 0
    wall_ms: int = 0
    memory_bytes: int = 0
    output_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The recorded outcome of judging one submission, with all that is needed to repeat it."""

    problem: str
    verdict: Verdict
    language: str
    score: Fraction | None = None
    reason: str = ""
    cpu_us: int = 0
    wall_us: int = 0
    memory_bytes: int = 0
    case_total: int = 0
    runs: tuple[Run, ...] = ()
    groups: GroupResult | None = None
    compile_log: str = ""
    warnings: tuple[str, ...] = ()
    entry_point: str | None = None
    source_hash: str = ""
    data_hash: str = ""
    limits: LimitsUsed = field(default_factory=LimitsUsed)
    backend: str = ""
    image: str = ""
    image_digest: str = ""
    compiler_version: str = ""
    warden_version: str = ""
    host: str = ""
    cpu_model: str = ""
    judged_at: str = ""
    attempts: int = 1
    version: int = RECORD_VERSION

    @property
    def cpu_ms(self) -> int:
        """CPU time of the slowest run in milliseconds, rounded up."""
        return -(-self.cpu_us // 1000)

    @property
    def wall_ms(self) -> int:
        """Elapsed time of the longest run in milliseconds, rounded up."""
        return -(-self.wall_us // 1000)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form: plain values, every key always there."""
        return {name: _encode(getattr(self, name)) for name in _names(type(self))}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Judgement":
        """Read the stored form back; raises `UsageError` naming the key that does not fit."""
        if record.get("version") != RECORD_VERSION:
            raise UsageError(f"judgement record: version: this engine reads {RECORD_VERSION}")
        return _decode_record(cls, record, "judgement record")


class Maxima(TypedDict):
    """Keywords of `Judgement` that are the largest of its runs."""

    cpu_us: int
    wall_us: int
    memory_bytes: int


def maxima(runs: Iterable[Run]) -> Maxima:
    """Return the largest times and memory of the runs, which need not be of the same run."""
    kept = tuple(runs)
    return Maxima(
        cpu_us=max((run.cpu_us for run in kept), default=0),
        wall_us=max((run.wall_us for run in kept), default=0),
        memory_bytes=max((run.memory_bytes for run in kept), default=0),
    )


def _encode(value: object) -> object:
    # A record has hundreds of values, nearly all of them plain.
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Fraction):
        return score_number(value)
    if isinstance(value, tuple):
        return [_encode(each) for each in value]
    if is_dataclass(value):
        return {name: _encode(getattr(value, name)) for name in _names(type(value))}
    return value


def _names(kind: type[Any]) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(each.name for each in fields(kind))
    return _NAMES[kind]


_RecordT = TypeVar("_RecordT")


def _decode_record(cls: type[_RecordT], record: object, where: str) -> _RecordT:
    if not isinstance(record, Mapping):
        raise UsageError(f"{where}: a mapping is needed")
    hints = get_type_hints(cls)
    unknown = sorted(str(key) for key in record if key not in hints)
    if unknown:
        raise UsageError(f"{where}: unknown key {excerpt(unknown[0])}")
    values = {key: _decode(hints[key], value, f"{where}: {key}") for key, value in record.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise UsageError(f"{where}: a key is missing") from error


def _decode(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(each for each in get_args(hint) if each is not types.NoneType)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{where}: a list is needed")
        inner = get_args(hint)[0]
        return tuple(_decode(inner, each, f"{where}[{n}]") for n, each in enumerate(value))
    if is_dataclass(hint) and isinstance(hint, type):
        return _decode_record(hint, value, where)
    if hint is Fraction:
        return _decode_score(value, where)
    if hint is Verdict:
        if not isinstance(value, str) or value not in Verdict.__members__:
            raise UsageError(f"{where}: unknown verdict")
        return Verdict(value)
    if type(value) is not hint:
        raise UsageError(f"{where}: {hint.__name__} is needed")
    return value


def _decode_score(value: Any, where: str) -> Fraction:
    if type(value) in (int, float):
        score = parse_score(repr(value))
        if score is not None:
            return score
    raise UsageError(f"{where}: a finite number is needed")
