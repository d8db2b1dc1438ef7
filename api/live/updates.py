"""The updates there are and the topics they belong to.

An update carries what the submission's owner may see at most: no input, answer, message of a
validator or source ever gets into Redis.
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

    def of(self, subject: UUID) -> str:
        """Return the topic's full name."""
        return f"{self.value}:{subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Something that happened. `kind` is queued, compiling, running, judged…"""

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
