"""Approaches to a problem and suggested points, as reviewers and the problem's author see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from judge.verdicts import Verdict

NAME_CHARS_MAX = 100
POINTS_MAX = 1_000_000.0

Name = Annotated[
    str, Field(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class FeatureShare(BaseModel):
    """A feature and the share of a pattern's solutions that have it."""

    feature: str
    share: Annotated[float, Field(ge=0, le=1)]


class PatternShown(BaseModel):
    """One approach. `name` is the author's if one was given, else made of features.

    `medoid_id` is the submission in its middle; who may read sources reads it where they are.
    """

    id: UUID
    name: str
    given_name: str | None
    derived_name: str
    verified: bool
    verified_by: UUID | None
    verified_at: datetime | None
    solutions: int
    people: int
    share: Annotated[float, Field(ge=0, le=1, description="Of all solutions clustered.")]
    languages: Annotated[dict[str, int], Field(description="Solutions by family of languages.")]
    medoid_id: UUID | None
    features: list[FeatureShare]
    made_at: datetime


class PointsRule(BaseModel):
    """Whether points are suggested for a problem: `points_max` for the features of a pattern.

    Below `closeness_min` none are.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"enabled": True, "points_max": 50, "closeness_min": 0.6}]},
    )

    enabled: bool
    points_max: Annotated[float, Field(gt=0, le=POINTS_MAX)] = 50.0
    closeness_min: Annotated[float, Field(ge=0, le=1)] = 0.6


class PatternList(BaseModel):
    """The approaches to a problem, the most frequent first; empty until they were computed."""

    problem_id: UUID
    solutions: Annotated[int, Field(description="Accepted solutions that were clustered.")]
    items: list[PatternShown]


class PatternChange(BaseModel):
    """What people say of a pattern; what is left out stays, a null name is taken away."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "dynamic programming", "verified": True}]},
    )

    name: Name | None = None
    verified: bool | None = None


class SuggestionShown(BaseModel):
    """Points suggested for a submission that was not accepted, with all they are made of.

    A suggestion only: nothing adds them to a score. `points` is null where there is none, and
    `reason` says why. `verdict` and `score` are the judge's, unchanged.
    """

    submission_id: UUID
    problem_id: UUID
    verdict: Verdict | None
    score: float | None
    points: float | None
    reason: str | None
    calculation: Annotated[list[str], Field(description="The sum, line by line.")]
    closeness: float | None
    rule: PointsRule | None
    pattern: PatternShown | None
    evidence: Annotated[
        dict[str, Any],
        Field(description="Features matched, missing and extra by weight; fragments by lines."),
    ]
    made_at: datetime | None
