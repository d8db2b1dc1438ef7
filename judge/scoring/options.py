"""Reading a format's options from an event: known keys, the right types, within bounds."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from fractions import Fraction
from typing import Any, TypeVar, get_type_hints

from judge.errors import UsageError
from judge.results import excerpt, parse_score
from judge.verdicts import Verdict

NUMBER_MAX = 10**9

_FormatT = TypeVar("_FormatT")


def parse(cls: type[_FormatT], options: Mapping[str, Any]) -> _FormatT:
    """Make a format of its options.

    Raises `UsageError` naming the option that is unknown, of the wrong type or out of bounds.
    Bounds stand in a field's metadata as `least` and `most`.
    """
    # A format is a dataclass; the type checker has no word for that.
    known: dict[str, Field[Any]] = {each.name: each for each in fields(cls) if each.init}  # type: ignore[arg-type]
    unknown = sorted(str(key) for key in options if key not in known)
    if unknown:
        raise UsageError(f"options.{excerpt(unknown[0])}: there is no such option")
    hints = get_type_hints(cls)
    values = {key: _read(hints[key], known[key], value, key) for key, value in options.items()}
    missing = [
        key
        for key, each in known.items()
        if key not in values and each.default is MISSING and each.default_factory is MISSING
    ]
    if missing:
        raise UsageError(f"options.{missing[0]}: is needed")
    return cls(**values)


def _read(hint: Any, known: Field[Any], value: Any, key: str) -> Any:
    where = f"options.{key}"
    if hint is bool:
        if not isinstance(value, bool):
            raise UsageError(f"{where}: true or false is needed")
        return value
    if hint == frozenset[Verdict]:
        return _verdicts(value, where)
    number = _number(value, where)
    if hint is int:
        if number.denominator != 1:
            raise UsageError(f"{where}: a whole number is needed")
        return int(_bounded(number, known, where))
    return _bounded(number, known, where)


def _number(value: Any, where: str) -> Fraction:
    read = None
    if isinstance(value, Fraction):
        read = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        read = parse_score(repr(value))
    elif isinstance(value, str):
        read = parse_score(value)
    if read is None:
        raise UsageError(f"{where}: a number is needed")
    return read


def _bounded(number: Fraction, known: Field[Any], where: str) -> Fraction:
    least, most = known.metadata.get("least", 0), known.metadata.get("most", NUMBER_MAX)
    if not least <= number <= most:
        raise UsageError(f"{where}: between {least} and {most}")
    return number


def _verdicts(value: Any, where: str) -> frozenset[Verdict]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise UsageError(f"{where}: a list of verdicts is needed")
    names = [str(each) for each in value]
    unknown = [name for name in names if name not in Verdict.__members__]
    if unknown:
        raise UsageError(f"{where}: {excerpt(unknown[0])} is no verdict")
    return frozenset(Verdict(name) for name in names)
