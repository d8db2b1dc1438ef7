"""Reads limits, finds the time limit wherever a package put it, or computes it where it is open."""

import dataclasses
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from judge import limits
from judge.errors import PackageError
from judge.problem.findings import Findings
from judge.problem.model import FormatVersion, Limits, Problem, TimeLimitSource
from judge.problem.tree import Tree
from judge.problem.yaml_reading import Scalar, Section, parse_number

_TEXT_BYTES_MAX = 4096
_INI_LINE = re.compile(r"^\s*([A-Za-z_-]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|(.*?))\s*$")

# Key, unit, what this engine gives at most.
_WHOLE = (
    ("memory", limits.MIB, limits.MEMORY_BYTES_MAX, "memory_bytes"),
    ("output", limits.MIB, limits.OUTPUT_BYTES_MAX, "output_bytes"),
    ("code", limits.KIB, limits.SOURCE_BYTES_MAX, "code_bytes"),
    ("compilation_time", 1000, limits.CPU_MS_MAX, "compilation_time_ms"),
    ("compilation_memory", limits.MIB, limits.MEMORY_BYTES_MAX, "compilation_memory_bytes"),
    ("validation_time", 1000, limits.CPU_MS_MAX, "validation_time_ms"),
    ("validation_memory", limits.MIB, limits.MEMORY_BYTES_MAX, "validation_memory_bytes"),
    ("validation_output", limits.MIB, limits.OUTPUT_BYTES_MAX, "validation_output_bytes"),
)
_UNITS = {limits.MIB: "MiB", limits.KIB: "KiB", 1000: "seconds"}
_STATED = ("time_limit", "validation_passes")
_PASSES_MAX = 1000
# Submissions whose times are closer than this are not told apart by any time limit.
_MARGIN_MIN = Fraction(5, 4)

_LEGACY = Limits(ac_to_time_limit=Fraction(5), time_limit_to_tle=Fraction(2))


def read_limits(section: Section, version: FormatVersion) -> Limits:
    """Return the limits of `problem.yaml`; new names are taken in legacy packages and warned of."""
    below = section.section("limits")
    found = _LEGACY if version.legacy else Limits()
    if below is None:
        return found
    values: dict[str, object] = {}
    for key, unit, most, name in _WHOLE:
        amount = _whole(below, key, unit, most)
        if amount is not None:
            values[name] = amount
    if "validation_passes" in below:
        values["validation_passes"] = _passes(below)
    stated = frozenset(key for key in (*(row[0] for row in _WHOLE), *_STATED) if key in below)
    found = dataclasses.replace(found, stated=stated, **values)  # type: ignore[arg-type]
    found = _multipliers(below, _time_limit(below, found, version), version)
    below.finish()
    return found


def _whole(section: Section, key: str, unit: int, most: int) -> int | None:
    expected = f"a number of {_UNITS[unit]}"
    value = section.number(key, expected)
    if value is None:
        return None
    if value <= 0:
        raise section.error(key, f"{expected} above 0")
    if value.denominator != 1:
        section.warn(key, "expected a whole number")
    amount = math.ceil(value * unit)
    if amount > most:
        raise section.error(key, f"at most {most // unit} {_UNITS[unit]} on this judge")
    return amount


def _passes(section: Section) -> int:
    value = section.number("validation_passes", "a whole number")
    assert value is not None
    if value.denominator != 1 or not 1 <= value <= _PASSES_MAX:
        raise section.error("validation_passes", f"a whole number from 2 to {_PASSES_MAX}")
    if value == 1:
        section.warn("validation_passes", "should be at least 2")
    return int(value)


def _milliseconds(section: Section, key: str) -> int | None:
    value = section.number(key, "a number of seconds")
    if value is None:
        return None
    if value <= 0:
        raise section.error(key, "a number of seconds above 0")
    if value * 1000 > limits.CPU_MS_MAX:
        raise section.error(key, f"at most {limits.CPU_MS_MAX // 1000} seconds on this judge")
    return max(1, math.ceil(value * 1000))


def _time_limit(section: Section, found: Limits, version: FormatVersion) -> Limits:
    if version.legacy:
        for key in ("time_limit", "time_resolution"):
            if key in section:
                section.warn(key, "not a legacy key; taken anyway")
    resolution = _milliseconds(section, "time_resolution")
    if resolution is not None:
        found = dataclasses.replace(found, time_resolution_ms=resolution)
    given = _milliseconds(section, "time_limit")
    if given is None:
        return found
    if not version.legacy and given % found.time_resolution_ms:
        step = found.time_resolution_ms
        section.warn("time_limit", f"is no multiple of time_resolution ({step} ms)")
    return dataclasses.replace(
        found, time_limit_ms=given, time_limit_source=TimeLimitSource.PROBLEM_YAML
    )


def _multipliers(section: Section, found: Limits, version: FormatVersion) -> Limits:
    first = _factor(section, "time_multiplier")
    second = _factor(section, "time_safety_margin")
    if not version.legacy and (first is not None or second is not None):
        section.warn("time_multiplier", "a legacy key; time_multipliers say this now; taken anyway")
    if "time_multipliers" in section:
        if version.legacy:
            section.warn("time_multipliers", "not a legacy key; taken anyway")
        if isinstance(section.node("time_multipliers"), Scalar):
            section.warn("time_multipliers", "expected a map; read as ac_to_time_limit")
            first = _factor(section, "time_multipliers")
        else:
            below = section.section("time_multipliers")
            assert below is not None
            first = _factor(below, "ac_to_time_limit")
            second = _factor(below, "time_limit_to_tle")
            below.finish()
    return dataclasses.replace(
        found,
        ac_to_time_limit=found.ac_to_time_limit if first is None else first,
        time_limit_to_tle=found.time_limit_to_tle if second is None else second,
    )


def _factor(section: Section, key: str) -> Fraction | None:
    value = section.number(key)
    if value is None:
        return None
    if value <= 0:
        raise section.error(key, "a number above 0")
    if value < 1:
        section.warn(key, "should be at least 1")
    return value


def find_time_limit(found: Limits, tree: Tree, findings: Findings) -> Limits:
    """Fill in the time limit from the files other judges keep it in, unless it is stated."""
    for source in (TimeLimitSource.TIMELIMIT_FILE, TimeLimitSource.DOMJUDGE_INI):
        file = source.value
        data = tree.dot_file(file, _TEXT_BYTES_MAX)
        if data is None:
            continue
        text = data.decode("utf-8", "replace")
        if source is TimeLimitSource.DOMJUDGE_INI:
            text = ini_values(text).get("timelimit", "")
            if not text:
                continue
        seconds = parse_number(text)
        if seconds is None or not 0 < seconds * 1000 <= limits.CPU_MS_MAX:
            findings.warn(file, "", "holds no usable number of seconds; ignored")
            continue
        given = max(1, math.ceil(seconds * 1000))
        if found.time_limit_ms is None:
            found = dataclasses.replace(found, time_limit_ms=given, time_limit_source=source)
        elif given != found.time_limit_ms:
            message = (
                f"says {given} ms, but {found.time_limit_source} says {found.time_limit_ms} ms"
            )
            findings.warn(file, "", message)
    return found


def ini_values(text: str) -> dict[str, str]:
    """Return the keys and values of `domjudge-problem.ini`, quotes removed."""
    matches = (_INI_LINE.match(line) for line in text.splitlines())
    found = (match for match in matches if match is not None)
    return {each[1]: next((part for part in each.groups()[1:] if part), "") for each in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedTimeLimit:
    """A computed time limit; `note` says what could not be satisfied, "" when all could.

    It is a `guess` when no submission bounds it from below.
    """

    time_limit_ms: int
    note: str = ""
    guess: bool = False


def compute_time_limit(
    problem: Problem, ac_times_ms: Iterable[int], tle_times_ms: Iterable[int]
) -> ComputedTimeLimit:
    """Compute the time limit from the slowest case of each bounding submission.

    `ac_times_ms` are of the submissions with `expectation.lower_bound`, `tle_times_ms` of those
    with `expectation.upper_bound` (a run that was stopped counts with the time it had). The limit
    is the smallest multiple of the resolution that is at least the largest of the first times
    `ac_to_time_limit`; times `time_limit_to_tle` it should not exceed the smallest of the second.
    Where a slow one would even be accepted, the limit lies between, their geometric mean.
    """
    bounds = problem.limits
    below = tuple(ac_times_ms)
    above = tuple(tle_times_ms)
    if not below:
        default = limits.TIME_LIMIT_MS_DEFAULT
        return ComputedTimeLimit(
            time_limit_ms=default,
            note=f"no submission bounds the time limit from below; {default} ms is a guess",
            guess=True,
        )
    step = bounds.time_resolution_ms
    least = max(below) * bounds.ac_to_time_limit
    time_limit_ms = max(1, math.ceil(least / step)) * step
    note = ""
    if above and max(below) * _MARGIN_MIN <= min(above) <= time_limit_ms:
        # Better a narrow margin on both sides than a slow submission that is accepted.
        time_limit_ms = math.isqrt(max(below) * min(above))
    if above and time_limit_ms * bounds.time_limit_to_tle > min(above):
        note = (
            f"no time limit keeps the margins: {_show(bounds.ac_to_time_limit)} times the slowest "
            f"accepted ({max(below)} ms) is {time_limit_ms} ms, but the fastest too slow one needs "
            f"{min(above)} ms, less than {_show(bounds.time_limit_to_tle)} times that"
        )
    if time_limit_ms > limits.CPU_MS_MAX:
        most = limits.CPU_MS_MAX
        raise PackageError(
            f"problem.yaml: limits: the time limit would be {time_limit_ms} ms; at most {most} ms"
        )
    return ComputedTimeLimit(time_limit_ms=time_limit_ms, note=note)


def _show(factor: Fraction) -> str:
    return f"{float(factor):g}"
