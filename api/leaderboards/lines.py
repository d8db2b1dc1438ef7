"""The rows of a board as text, by which two boards are compared."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID


def key(row: Mapping[str, Any]) -> str:
    """Return what tells a row from all others of its event."""
    if "since_us" in row:
        return f"moment {row['entry_id']} {row['since_us']}"
    if "kind" in row:
        return f"{row['kind']} row {row['entry_id']}"
    side = "public" if row["public"] else "jury"
    if "step" in row:
        return f"{side} tally {row['step']:f} {row['part']}"
    if "problem_id" in row:
        return f"{side} cell {row['entry_id']} {row['problem_id']}"
    return (
        f"{side} row {row['entry_id']}" if "entry_id" in row else f"{side} guild {row['guild_id']}"
    )


def line(row: Mapping[str, Any]) -> str:
    """Return everything in a row, numbers in one form whatever their scale."""
    return " ".join(f"{name}={_plain(row[name])}" for name in sorted(row))


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool | int | str | UUID):
        return str(value)
    if isinstance(value, dict):
        parts = ((name, _plain(each)) for name, each in value.items())
        return "{" + " ".join(f"{name}={each}" for name, each in sorted(parts)) + "}"
    if isinstance(value, list | tuple):
        return f"[{' '.join(map(_plain, value))}]"
    if isinstance(value, float):
        # A whole number comes back from JSON as an int.
        return str(int(value)) if value.is_integer() else str(value)
    return format(value.normalize() if value else 0, "f")


def digest(lines: Mapping[str, str]) -> str:
    """Return the SHA-256 of all lines in the order of their keys."""
    made = hashlib.sha256()
    for each in sorted(lines):
        made.update(f"{each} {lines[each]}\n".encode())
    return made.hexdigest()
