"""The updates there are and the topics they belong to.

An update carries what the submission's owner may see at most: no input, answer, message of a
validator or source ever gets into Redis. What a follower gets of it is `api.redaction.update`.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID


class Topic(StrEnum):
    """What can be followed."""

    SUBMISSION = "submission"
    USER = "user"
    JOB = "job"
    PROBLEM = "problem"
    EVENT = "event"
    ROOM = "room"

    def of(self, subject: UUID) -> str:
        """Return the topic's full name."""
        return f"{self.value}:{subject}"


class Kind(StrEnum):
    """What can happen. A judging goes down this list, and back to `queued` if its worker dies.

    `running` is test case `index` of `total` with its verdict.
    """

    QUEUED = "queued"
    COMPILING = "compiling"
    RUNNING = "running"
    JUDGED = "judged"
    JOB = "job"
    # Followers read anew what they may see: an event was frozen, thawed, finalised.
    PHASE = "phase"
    # Nobody gets it: the streams of a person ask anew whether their token holds.
    RIGHTS = "rights"
    # Of events and rooms: the event itself, its statements at the start, who is there, how far
    # somebody's judging is, a row of the board, a step of the thaw, what the jury says, what it is
    # asked.
    EVENT = "event"
    STATEMENT = "statement"
    PRESENCE = "presence"
    PROGRESS = "progress"
    BOARD = "board"
    JURY_BOARD = "jury_board"
    REVEAL = "reveal"
    CLARIFICATION = "clarification"
    QUESTION = "question"
    DUEL = "duel"


# What PostgreSQL does not hold: told again after a snapshot of a judging that still goes on.
PASSING = frozenset({Kind.RUNNING})
# What has no meaning any more once the judging it speaks of is known to be over.
BEFORE_THE_END = frozenset({Kind.QUEUED, Kind.COMPILING, Kind.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Something that happened; `kind` is one of `Kind`, everything else is left out on the way."""

    kind: str
    data: dict[str, Any]

    def encode(self) -> str:
        """Return the form in Redis."""
        return json.dumps({"kind": self.kind, "data": self.data}, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str | bytes) -> "Update":
        """Read the form in Redis."""
        read = json.loads(text)
        return cls(kind=read["kind"], data=read["data"])


def parse(name: str) -> tuple[Topic, UUID]:
    """Return what a topic's full name says; raises `ValueError`."""
    kind, _, subject = name.partition(":")
    return Topic(kind), UUID(subject)
