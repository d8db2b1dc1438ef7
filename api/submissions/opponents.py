"""What the others in a room see of a judging: testing, 4 of 5, solved; never which case or why.

    queued ─→ testing (passed of total) ─→ solved | tried

What was handed in while the board stands still is told to the jury alone, but for its being there.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.models import CodeSubmission, Event
from api.live import Kind, Topic, Update, event_state
from judge.verdicts import Verdict

# Cases may take a millisecond each; a room is told of them at most so often.
STEP_S = 0.4


@dataclass(slots=True, kw_only=True)
class Opponents:
    """Those who follow the room of one judging."""

    topic: str
    facts: Mapping[str, Any]
    clock: Callable[[], float] = time.monotonic
    _passed: int = field(default=0, init=False)
    _told_at: float = field(default=float("-inf"), init=False)

    def told(self, kind: Kind, data: Mapping[str, Any]) -> list[tuple[Sequence[str], Update]]:
        """Return what they are told of an update to the owner; often nothing."""
        said: dict[str, Any]
        total = data.get("total")
        if kind is Kind.QUEUED:
            said = {"stage": "queued"}
        elif kind is Kind.COMPILING:
            self._passed, self._told_at = 0, self.clock()
            said = {"stage": "testing", "passed": 0, "total": total}
        elif kind is Kind.RUNNING:
            self._passed += data.get("verdict") == Verdict.AC
            if self.clock() - self._told_at < STEP_S:
                return []
            self._told_at = self.clock()
            said = {"stage": "testing", "passed": self._passed, "total": total}
        else:
            said = {"stage": _end(data.get("verdict"))}
        return [([self.topic], Update(kind=Kind.PROGRESS, data={**self.facts, **said}))]


async def of(session: AsyncSession, submission: CodeSubmission) -> Opponents | None:
    """Return the others in the room of a submission; None where nobody is told."""
    if submission.event_id is None or submission.room_id is None or submission.entry_id is None:
        return None
    event = await session.get(Event, submission.event_id)
    if event is None or await event_state.crowded(session, submission.room_id):
        return None
    frozen = clocks.freeze_from(event)
    return Opponents(
        topic=Topic.ROOM.of(submission.room_id),
        facts=facts(submission, hidden=frozen is not None and submission.submitted_at >= frozen),
    )


def facts(submission: CodeSubmission, *, hidden: bool) -> dict[str, Any]:
    """Return what every update of a submission to its room says."""
    return {
        "event_id": str(submission.event_id),
        "room_id": str(submission.room_id),
        "entry_id": str(submission.entry_id),
        "problem_id": str(submission.problem_id),
        "submission_id": str(submission.id),
        "hidden": hidden,
    }


def _end(verdict: object) -> str:
    """Return the end; our own failure is none, it waits for a better one."""
    if verdict == Verdict.JE:
        return "queued"
    return "solved" if verdict == Verdict.AC else "tried"
