"""Leaderboards, ratings and thaws as clients see them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.db.models import EntryKind, EventState

Seconds = Annotated[int, Field(description="Seconds of the event's own time.")]
Reason = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
Label = Annotated[str, Field(description="The problem's label in the event.")]


class View(StrEnum):
    """Which board: everybody's, which a freeze holds still, or the jury's."""

    PUBLIC = "public"
    JURY = "jury"


class FirstSolve(BaseModel):
    """Who solved a problem first."""

    entry_id: UUID
    at_s: Seconds
    settled: Annotated[bool, Field(description="False while something earlier has no verdict.")]


class BoardProblem(BaseModel):
    """A column."""

    label: Label
    problem_id: UUID
    points: float
    first: FirstSolve | None


# Not a model: a page has a thousand of them, and these are made in a fifth of the time.
@dataclass(slots=True, kw_only=True)
class BoardCell:
    """One entry on one problem."""

    attempts: Annotated[int, Field(description="Judged attempts that count.")]
    pending: Annotated[int, Field(description="Attempts without a verdict that may be known.")]
    solved: bool
    first: bool
    score: Annotated[float, Field(description="With the bonus of the first.")]
    penalty: int
    at_s: Annotated[int | None, Field(description="When the attempt that counts was made.")]
    overridden: Annotated[
        bool, Field(description="A verdict in it is the jury's, in the place of the judge's.")
    ] = False


class BoardRow(BaseModel):
    """One entry. What nobody touched has no cell."""

    rank: Annotated[int, Field(description="From 1, shared by equals.")]
    entry_id: UUID
    kind: Annotated[EntryKind, Field(description="A virtual row takes nobody's rank.")]
    name: str
    guild_id: UUID | None
    room_id: UUID | None
    score: float
    penalty: int
    last: Annotated[int, Field(description="The last gain, in the format's unit; breaks ties.")]
    cells: Annotated[dict[str, BoardCell], Field(description="By the problem's label.")]


class BoardHead(BaseModel):
    """What a board is of."""

    event_id: UUID
    state: EventState
    format: str
    view: View
    frozen: Annotated[bool, Field(description="It stands still; what is newer is pending.")]
    frozen_since: datetime | None
    revealed: Annotated[int, Field(description="Steps of the thaw that were taken one by one.")]
    at: Annotated[datetime | None, Field(description="The instant it is of, if not now.")]
    kind: Annotated[EntryKind, Field(description="Which board: `virtual` has official rows too.")]
    elapsed_s: Annotated[
        int | None,
        Field(description="Of a virtual board: the event's time it is of, null the end."),
    ]
    problems: list[BoardProblem]
    entries: Annotated[int, Field(description="Rows there are.")]


class Board(BoardHead):
    """A page of a board, and the caller's own row wherever it is."""

    rows: list[BoardRow]
    own: BoardRow | None
    next_cursor: str | None


class WholeBoard(BoardHead):
    """A board with all its rows."""

    rows: list[BoardRow]


class GuildRow(BaseModel):
    """One guild."""

    rank: int
    guild_id: UUID
    kind: Annotated[EntryKind, Field(description="A virtual guild takes nobody's rank.")]
    name: str
    score: float
    penalty: int
    last: int


class GuildBoard(BaseModel):
    """All guilds of an event."""

    event_id: UUID
    state: EventState
    view: View
    frozen: bool
    kind: Annotated[EntryKind, Field(description="Which board: `virtual` has official guilds too.")]
    elapsed_s: Annotated[
        int | None,
        Field(description="Of a virtual board: the event's time it is of, null the end."),
    ]
    how: Annotated[str, Field(description="sum, average, or best of so many members.")]
    best: Annotated[int | None, Field(description="How many members count, with `best`.")]
    rows: list[GuildRow]


class Step(BaseModel):
    """One step of a thaw: a cell becomes known and a row moves."""

    step: Annotated[int, Field(description="From 1.")]
    entry_id: UUID
    name: str
    label: Label
    cell: BoardCell
    score: float
    penalty: int
    rank_before: int
    rank: int
    overtaken_id: Annotated[
        UUID | None, Field(description="Who was the first to solve it, and is no longer.")
    ]


class Thaw(BaseModel):
    """The steps from the frozen board to the last one: the lowest row that hides something."""

    event_id: UUID
    state: EventState
    frozen_since: datetime | None
    revealed: Annotated[int, Field(description="Steps that were taken; they are as told then.")]
    pending: Annotated[
        int | None,
        Field(description="Submissions still without a verdict; to whom all steps are shown."),
    ]
    total: Annotated[
        int | None, Field(description="Steps there are; to whom all of them are shown.")
    ]
    steps: list[Step]
    next_cursor: str | None


class Steps(BaseModel):
    """How far a frozen board is to be revealed."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[
        int,
        Field(
            ge=0,
            le=10_000_000,
            strict=True,
            description="Steps from the first on that are to be taken by then; 0 to look only.",
        ),
    ]
    force: Annotated[
        bool, Field(strict=True, description="Although verdicts are missing; say why.")
    ] = False
    reason: Reason = ""


class Coming(BaseModel):
    """Who shows what next."""

    entry_id: UUID
    name: str
    label: Label
    rank: int


class Revealed(BaseModel):
    """What was revealed, and what comes next; when nothing is left the event is thawed."""

    event_id: UUID
    state: EventState
    revealed: Annotated[int, Field(description="Steps that were taken in all.")]
    steps: Annotated[list[Step], Field(description="Those that this request took.")]
    coming: Coming | None


class RatingRow(BaseModel):
    """Somebody's rating across events."""

    rank: int
    user_id: UUID
    name: str
    rating: int
    games: int


class RatingPage(BaseModel):
    """Ratings, the highest first."""

    items: list[RatingRow]
    next_cursor: str | None = None


class RatingChange(BaseModel):
    """What one event did to a rating."""

    event_id: UUID
    slug: str
    title: str
    rank: int
    before: int
    after: int
    at: datetime


class RatingHistory(BaseModel):
    """Somebody's rating, and the events it comes from, latest first."""

    user_id: UUID
    name: str
    rank: int
    rating: int
    games: int
    items: list[RatingChange]
    next_cursor: str | None = None
