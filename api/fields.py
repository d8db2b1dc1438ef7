"""The names of what may leave the service at all, in lists; `api.redaction` says to whom.

Rows, records and mappings are read alike here, one field at a time.
"""

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

SUBJECT = ("submission_id", "judging_id", "problem_id", "user_id", "event_id", "room_id")
JOB = ("job_id", "kind", "state", "progress", "message")
RESULT = ("state", "verdict", "score")
USAGE = ("cpu_ms", "memory_bytes")
OVERRIDE = ("by", "reason", "of")
DIFFERENCE = ("line", "column", "expected", "found")
SUBMISSION = ("id", "problem_id", "version_id", "user_id", "event_id", "room_id", "language")
ABOUT_SOURCE = ("entry_point", "source_hash", "source_bytes")
SUBMISSION_INSIDE = (*SUBMISSION, *ABOUT_SOURCE)
PROBLEM = ("id", "slug", "title", "keywords", "difficulty")
VERSION = (
    *("number", "kinds", "languages", "cpu_ms", "memory_bytes", "output_bytes", "source_bytes"),
    *("case_total", "statements", "samples"),
)
VERSION_JURY = (*VERSION, "package_sha256", "data_hash", "findings")
# What the jury sees of a run beyond the owner.
RUN_JURY = (
    *("wall_us", "output_bytes", "exit_code", "signal", "reason", "judge_message"),
    *("near_limit", "attempts", "passes", "warnings"),
)
EVENT = (
    *("event_id", "slug", "state", "act", "starts_at", "duration_s", "paused", "revealed", "at"),
    *("clock_url", "statements_url"),
)
STATEMENT = (
    *(
        "event_id",
        "problem_id",
        "slug",
        "label",
        "position",
        "points",
        "cpu_limit_ms",
        "memory_limit_bytes",
    ),
    *("title", "language", "format", "text", "url"),
)
IN_EVENT = ("event_id", "room_id", "entry_id", "problem_id")
BOARD = (*IN_EVENT, "kind")
REVEAL = (
    *("event_id", "step", "entry_id", "name", "problem_id", "label", "at"),
    *("attempts", "pending", "solved", "first", "gained", "at_s"),
    *("score", "penalty", "rank_before", "rank", "overtaken_id"),
)
PRESENCE = ("event_id", "room_id", "entry_id", "user_id", "name", "presence", "ready")
CLARIFICATION = ("event_id", "clarification_id", "problem_id", "reply_to_id", "text", "to", "at")
DUEL = ("duel_id", "state", "challenger_id", "opponent_id", "event_id", "expires_at")


# A program can spend as much of both as an input says that nobody is to know: what a hidden case
# took is told in whole steps.
CPU_STEP_US = 50_000
MEMORY_STEP = 4 << 20


def coarse(used: int | None, step: int, *, exact: bool) -> int | None:
    """Return what was used, in whole steps unless it may be told exactly."""
    return used if used is None or exact else used - used % step


def read(thing: Any, name: str) -> Any:
    """Read one field of a row, a record or a mapping; a row keeps some in its `record`."""
    found = _own(thing, name)
    kept = _own(thing, "record") if found is None else None
    return kept.get(name) if isinstance(kept, Mapping) else found


def _own(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def picked(thing: Any, names: Iterable[str]) -> dict[str, Any] | None:
    """Read some fields, and keep those that are there."""
    if thing is None:
        return None
    found = {name: read(thing, name) for name in names}
    return {name: each for name, each in found.items() if each is not None}


def plain(value: Any) -> bool:
    """Tell whether a value is one that a live update may hold."""
    return value is not None and isinstance(value, str | int | float | bool)


def content(captured: Any) -> dict[str, Any] | None:
    """Return bytes as JSON can hold them: as text where they are some."""
    if captured is None:
        return None
    size = {"bytes": captured.size, "cut": captured.cut}
    text = None
    # A cut may go through a character; what was there before it is still text.
    for spare in range(4 if captured.cut else 1):
        with suppress(UnicodeDecodeError):
            text = captured.data[: len(captured.data) - spare].decode()
            break
    if text is None or "\0" in text:
        return {"base64": base64.b64encode(captured.data).decode(), **size}
    return {"text": text, **size}
