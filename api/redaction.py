"""The one policy of what leaves the service: who looks, in which phase, at which class of test.

Everything that shows a judging goes through here: REST, live updates, webhooks, exports. Nothing
here ever returns a hidden test's name, input, answer or a validator's message for the jury.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.auth import CurrentUser, Role
from api.db.models import Judging
from api.db.models import Run as RunRow
from judge.results import Run
from judge.verdicts import Verdict


class Audience(StrEnum):
    """Who looks at somebody's submission."""

    OWNER = "owner"
    JURY = "jury"
    PUBLIC = "public"


def audience(user: CurrentUser | None, owner_id: UUID) -> Audience:
    """Return which of them a caller is."""
    if user is None:
        return Audience.PUBLIC
    if user.has(Role.REVIEWER):
        return Audience.JURY
    return Audience.OWNER if user.id == owner_id else Audience.PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What may be shown of a run."""

    index: int
    sample: bool
    verdict: Verdict
    name: str | None = None
    cpu_ms: int | None = None
    memory_bytes: int | None = None
    message: str | None = None
    difference: dict[str, Any] | None = None


def run(row: RunRow, who: Audience) -> Shown | None:
    """Return what somebody may see of a stored run; strangers see none."""
    if who is Audience.PUBLIC:
        return None
    open_to = row.sample or who is Audience.JURY
    return Shown(
        index=row.position,
        sample=row.sample,
        verdict=row.verdict,
        name=row.case_name if open_to else None,
        cpu_ms=-(-row.cpu_us // 1000),
        memory_bytes=row.memory_bytes,
        # A validator may put hidden data into any of its messages, so only samples show them.
        message=(row.team_message or None) if open_to else None,
        difference=row.record.get("difference") if open_to else None,
    )


def progress(index: int, total: int, case: str, done: Run | None) -> dict[str, Any]:
    """Return what a live update says of a case: never its name, unless it is a sample."""
    sample = case.startswith("sample/")
    told: dict[str, Any] = {"index": index, "total": total, "sample": sample}
    if done is not None:
        told["verdict"] = done.verdict.value
        told["cpu_ms"] = done.cpu_ms
    return told


def verdict(judging: Judging, who: Audience) -> Verdict | None:
    """Return the verdict; our own failure is pending to all but the jury."""
    if judging.verdict is Verdict.JE and who is not Audience.JURY:
        return None
    return judging.verdict


def reason(judging: Judging, who: Audience) -> str:
    """Return why, where the player is told: compile errors are theirs, ours are not."""
    if who is Audience.JURY:
        return judging.reason
    if who is Audience.OWNER and judging.verdict is Verdict.CE:
        return judging.reason
    return ""


def compile_log(judging: Judging, who: Audience) -> str:
    """Return the compiler's output, which is made of the player's own source."""
    return "" if who is Audience.PUBLIC else judging.compile_log
