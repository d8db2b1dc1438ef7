"""Submissions as clients send and see them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.db.models import JudgingState, Queue
from judge import limits
from judge.verdicts import Verdict

Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
# More than any source has, and nothing that grows.
Pasted = Annotated[
    int | None,
    Field(
        ge=0,
        le=1 << 24,
        strict=True,
        description="Characters pasted into the editor so far for this problem, as the client "
        "counts; kept only where the event has `record_writing`.",
    ),
]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]


class Program(BaseModel):
    """A program for a problem: one source text, or several files by name."""

    model_config = ConfigDict(extra="forbid")

    problem: Annotated[Name, Field(description="Slug or id of the problem.")]
    language: Annotated[Name, Field(description="Id of a language, see /v1/languages.")]
    source: Annotated[
        str | None, Field(description="The one source file; its bound is in bytes of UTF-8.")
    ] = None
    files: Annotated[
        dict[FileName, str] | None,
        Field(description="Source files by name.", max_length=limits.SOURCE_FILES_MAX),
    ] = None
    entry_point: FileName | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.source is None) == (not self.files):
            raise ValueError("give either source or files")
        return self


class NewSubmission(Program):
    """What somebody hands in: one source text, or several files by name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"problem": "hello", "language": "python3", "source": "print(f'Hi, {input()}!')"},
                {"problem": "hello", "language": "cpp", "files": {"main.cpp": "int main() {}"}},
            ]
        },
    )

    event_id: UUID | None = None
    room_id: UUID | None = None
    queue: Queue = Queue.INTERACTIVE
    pasted: Pasted = None


class RunShown(BaseModel):
    """What may be seen of one test case; `index` counts from 1 in judging order."""

    index: int
    sample: bool
    verdict: Verdict
    name: str | None = None
    cpu_ms: int | None = None
    memory_bytes: int | None = None
    message: str | None = None
    difference: "DifferenceShown | None" = None


class DifferenceShown(BaseModel):
    """Where an output first departs from the answer; of samples only."""

    line: int | None
    column: int | None
    expected: str
    found: str


class SubmissionSummary(BaseModel):
    """A submission in a list, with its current judging."""

    id: UUID
    problem_id: UUID
    problem: str
    user_id: UUID
    language: str
    submitted_at: datetime
    state: JudgingState
    verdict: Annotated[Verdict | None, Field(description="None while it is pending.")]
    big5: Annotated[Verdict | None, Field(description="AC, WA, TLE, RTE or CE.")]
    score: float | None
    cpu_ms: int | None
    memory_bytes: int | None
    overridden: Annotated[
        bool, Field(description="The verdict is the jury's, in the place of the judge's.")
    ] = False


class OverrideShown(BaseModel):
    """What the jury knows of an override."""

    by: UUID
    reason: str
    of: Annotated[UUID, Field(description="The judging it was put in the place of.")]


class SubmissionDetail(SubmissionSummary):
    """A submission with all the caller may know of it."""

    version_id: UUID
    event_id: UUID | None
    room_id: UUID | None
    entry_point: str | None = None
    source_bytes: Annotated[
        int | None, Field(description="None, like the hash, for who may not read the source.")
    ] = None
    source_hash: str | None = None
    judging_id: UUID
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    case_total: int | None
    compile_log: str
    reason: str
    override: Annotated[OverrideShown | None, Field(description="To the jury.")] = None
    runs: list[RunShown]


class Accepted(BaseModel):
    """A submission that was taken in."""

    id: UUID
    judging_id: UUID
    state: JudgingState
    submitted_at: datetime
    url: str
    replayed: Annotated[bool, Field(description="True when its idempotency key was known.")]
    wait_s: Annotated[
        float | None, Field(description="Estimated wait in seconds; null when nobody can say.")
    ] = None


class SubmissionPage(BaseModel):
    """A page of submissions, latest first."""

    items: list[SubmissionSummary]
    next_cursor: str | None = None


class Source(BaseModel):
    """The files of a submission."""

    language: str
    entry_point: str | None
    files: dict[str, str]
