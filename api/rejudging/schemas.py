"""Rejudge sets as clients send and see them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from api.accounts.router import Moment
from api.db.models import EventState, JudgingState, RejudgingState
from judge.verdicts import Verdict

IDS_MAX = 1000
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Number = Annotated[int, Field(ge=1, le=1_000_000)]


class Selection(BaseModel):
    """Which submissions: those for which everything holds that is given here."""

    model_config = ConfigDict(extra="forbid")

    problem: Annotated[Name | None, Field(description="Slug or id.")] = None
    version: Annotated[
        Number | None, Field(description="Judged last against this version of the problem.")
    ] = None
    event_id: UUID | None = None
    room_id: UUID | None = None
    user_id: UUID | None = None
    language: Name | None = None
    verdicts: Annotated[
        list[Verdict] | None,
        Field(description="Their present verdict.", min_length=1, max_length=20),
    ] = None
    submission_ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=IDS_MAX)] = None
    since: Annotated[Moment | None, Field(description="Handed in then or later.")] = None
    until: Annotated[Moment | None, Field(description="Handed in before then.")] = None
    worker: Annotated[
        UUID | None, Field(description="Judged last by this worker; it does not get them again.")
    ] = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set or all(
            getattr(self, name) is None for name in self.model_fields_set
        ):
            raise ValueError("select by at least one thing")
        if self.version is not None and self.problem is None:
            raise ValueError("a version needs its problem")
        return self


class NewRejudging(BaseModel):
    """A rejudge set to be made."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    selection: Selection
    against: Annotated[
        Number | None,
        Field(
            description="Version of the selected problem to judge against; else the one that"
            " an event keeps, or outside events the present one."
        ),
    ] = None

    @model_validator(mode="after")
    def _of_one_problem(self) -> Self:
        if self.against is not None and self.selection.problem is None:
            raise ValueError("to judge against a version, select one problem")
        return self


class Why(BaseModel):
    """Why one submission is judged again."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class NewOverride(Why):
    """A verdict of the jury's, in the place of the judge's."""

    verdict: Annotated[Verdict, Field(description="Any but JE.")]
    score: Annotated[
        float | None,
        Field(ge=0, le=1e9, description="Where the problem has scores, in its package's measure."),
    ] = None

    @field_validator("verdict")
    @classmethod
    def _somebodys(cls, verdict: Verdict) -> Verdict:
        if verdict is Verdict.JE:
            raise ValueError("a judge error is nobody's verdict")
        return verdict


class Applying(BaseModel):
    """How a set is applied."""

    model_config = ConfigDict(extra="forbid")

    force: Annotated[
        bool, Field(description="Leave out what ended in a judge error, instead of refusing.")
    ] = False


class Counted(BaseModel):
    """What a selection would choose."""

    selected: int
    unfinished: Annotated[
        int, Field(description="Still being judged for the first time: not chosen.")
    ]


class Progress(BaseModel):
    """How far the judging is."""

    done: int
    total: int


class RejudgingShown(BaseModel):
    """A rejudge set."""

    id: UUID
    state: RejudgingState
    reason: str
    selection: dict[str, Any]
    against: Annotated[int | None, Field(description="Version, if not the present ones.")]
    created_by: UUID
    created_at: datetime
    applied_by: UUID | None
    finished_at: datetime | None
    progress: Progress
    outcome: Annotated[dict[str, Any] | None, Field(description="What applying it changed.")]
    allowed: Annotated[list[str], Field(description="What can be done with it now.")]
    url: str


class RejudgingPage(BaseModel):
    """Rejudge sets, latest first."""

    items: list[RejudgingShown]
    next_cursor: str | None = None


class Judged(BaseModel):
    """One side of a comparison."""

    judging_id: UUID
    state: JudgingState
    verdict: Verdict | None
    score: float | None
    reason: str


class Compared(BaseModel):
    """A submission before and after."""

    submission_id: UUID
    user_id: UUID
    problem_id: UUID
    language: str
    old: Judged
    new: Judged
    changed: bool
    current: Annotated[bool, Field(description="The new one counts.")]


class Cell(BaseModel):
    """How many went from one verdict to another; `new` is null while it is being judged."""

    old: Verdict | None
    new: Verdict | None
    count: int


class Preview(BaseModel):
    """Who changes: all of it as a matrix, and a page of it one by one."""

    state: RejudgingState
    matrix: list[Cell]
    changed: int
    failed: Annotated[int, Field(description="Ended in a judge error.")]
    unfinished: int
    items: list[Compared]
    next_cursor: str | None = None


class Move(BaseModel):
    """An entry whose rank or score changes."""

    entry_id: UUID
    name: str
    rank_before: int
    rank: int
    score_before: float
    score: float


class Moved(BaseModel):
    """Who moves on the jury's board of one event, in the order that comes."""

    event_id: UUID
    slug: str
    state: EventState
    moved: Annotated[int, Field(description="All that move; `entries` has the first of them.")]
    entries: list[Move]


class Moves(BaseModel):
    """Who moves on which board if the set is applied as it is now."""

    events: list[Moved]
