"""Similarity as reviewers see it. Sources are not in here: they are read where they always are."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.db.models import AppealState, Decision, JobState, NeighbourKind

SET_MAX = 2000
PAIRS_MAX = 1000
NOTE_CHARS_MAX = 4000

Note = Annotated[str, Field(max_length=NOTE_CHARS_MAX, pattern=r"^[^\x00]*$")]


class NewReport(BaseModel):
    """What to compare: an event, a problem (or both), or a set of submissions."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"problem": "hello", "pairs_max": 100}]}
    )

    event: Annotated[UUID | None, Field(description="All problems of an event.")] = None
    problem: Annotated[
        str | None,
        Field(max_length=64, pattern=r"^[^\x00]*$", description="A problem's slug or id."),
    ] = None
    submission_ids: Annotated[
        list[UUID] | None, Field(min_length=2, max_length=SET_MAX, description="These alone.")
    ] = None
    pairs_max: Annotated[int, Field(ge=1, le=PAIRS_MAX, description="Pairs told in full.")] = 200
    every: Annotated[
        bool, Field(description="Every submission, not only the first, last and best of each.")
    ] = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.event or self.problem or self.submission_ids):
            raise ValueError("name an event, a problem or submissions")
        return self


class ReportSummary(BaseModel):
    """A report in a list."""

    id: UUID
    created_by: UUID
    created_at: datetime
    scope: dict[str, Any]
    state: JobState
    progress: Annotated[int, Field(ge=0, le=100)]
    finished_at: datetime | None


class ReportDetail(ReportSummary):
    """A report: per problem the histogram, what scores mean there, and clusters.

    Null until the job of the same id is done.
    """

    submissions: int | None
    pairs: int | None
    threshold: float | None
    problems: list[dict[str, Any]] | None


class ReportPage(BaseModel):
    """A page of reports, latest first."""

    items: list[ReportSummary]
    next_cursor: str | None = None


class DecisionShown(BaseModel):
    """What a reviewer made of a pair."""

    decision: Decision
    note: str
    decided_by: UUID
    decided_at: datetime


class PairShown(BaseModel):
    """Two submissions, how close they are, what that means, and where they are alike.

    `signals` lie beside the score and are no part of it.
    """

    report_id: UUID
    position: int
    problem_id: UUID
    first_id: UUID
    second_id: UUID
    score: float
    chance: Annotated[
        float | None, Field(description="Share of independent pairs that come as close.")
    ]
    stands_out: bool
    evidence: dict[str, Any]
    signals: Annotated[
        dict[str, Any],
        Field(
            description="Who was first and by how much, same event, room and guild; and what the "
            "event recorded, null where it did not: `same_network`, `writing` and `pasted_said` of "
            "each submission, see docs/similarity.md."
        ),
    ]
    decision: DecisionShown | None = None


class PairPage(BaseModel):
    """A page of pairs, the closest first; after all others those across languages.

    The latter have `weak` in their evidence: score and chance are on a scale of their own.
    """

    items: list[PairShown]
    next_cursor: str | None = None


class AppealShown(BaseModel):
    """An appeal against a confirmed decision."""

    id: UUID
    submission_id: UUID
    first_id: UUID
    second_id: UUID
    text: str
    state: AppealState
    answer: str
    made_at: datetime
    answered_at: datetime | None


class Appeals(BaseModel):
    """Appeals that wait for an answer."""

    items: list[AppealShown]


class Act(BaseModel):
    """One entry of a pair's history."""

    at: datetime
    actor_id: UUID | None
    action: str
    detail: dict[str, Any]


class PairDetail(BaseModel):
    """All that is known of a pair: the last decision, appeals, its history, and every report."""

    first_id: UUID
    second_id: UUID
    decision: DecisionShown | None
    appeals: list[AppealShown]
    history: list[Act]
    found: list[PairShown]


class NewDecision(BaseModel):
    """A reviewer's decision."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"decision": "dismissed", "note": "both from a book"}]},
    )

    decision: Decision
    note: Note = ""


class NewAppeal(BaseModel):
    """Why a decision is wrong, in the words of who is concerned."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[Note, Field(min_length=1)]


class Answer(BaseModel):
    """What became of an appeal; an upheld one dismisses the pair."""

    model_config = ConfigDict(extra="forbid")

    upheld: bool
    answer: Annotated[Note, Field(min_length=1)]


class OwnAppeal(BaseModel):
    """An appeal as its maker sees it: nothing of the other submission."""

    id: UUID
    text: str
    state: AppealState
    answer: str
    made_at: datetime
    answered_at: datetime | None


class OwnDecisions(BaseModel):
    """How many confirmed decisions name one's submission, and what was said against them."""

    confirmed: int
    appeals: list[OwnAppeal]


class SimilarSubmission(BaseModel):
    """A submission close to another. `meaning` marks a hint of a model, which proves nothing."""

    submission_id: UUID
    problem_id: UUID
    user_id: UUID
    event_id: UUID | None
    language: str
    submitted_at: datetime
    score: float
    kind: NeighbourKind
    decision: Decision | None


class SimilarSubmissions(BaseModel):
    """What is close to a submission; `compared` is false until it has been looked at."""

    submission_id: UUID
    compared: bool
    too_short: bool
    items: list[SimilarSubmission]


class SimilarProblem(BaseModel):
    """A problem whose statement is close to another's."""

    problem_id: UUID
    slug: str
    title: str
    score: float
    near_duplicate: Annotated[
        bool, Field(description="So close that it is likely the same problem, perhaps reworded.")
    ]


class SimilarProblems(BaseModel):
    """Problems by the closeness of their statements, with what told it."""

    problem_id: UUID
    model: str | None
    items: list[SimilarProblem]
