"""The kinds of objects: their order in the feed, and what of them which side is given.

What a side is not given is not there at all: `access` lists exactly what its objects have.
"""

from collections.abc import Mapping
from enum import StrEnum


class Side(StrEnum):
    """Who reads: a letter of the tokens of each one's feed."""

    PUBLIC = "p"
    TEAM = "t"
    JURY = "j"


class Kind(StrEnum):
    """A type of object, as notifications call it. They refer only to what stands before them."""

    CONTEST = "contest"
    JUDGEMENT_TYPES = "judgement-types"
    LANGUAGES = "languages"
    GROUPS = "groups"
    ORGANIZATIONS = "organizations"
    PROBLEMS = "problems"
    TEAMS = "teams"
    PERSONS = "persons"
    SUBMISSIONS = "submissions"
    JUDGEMENTS = "judgements"
    RUNS = "runs"
    CLARIFICATIONS = "clarifications"
    AWARDS = "awards"
    STATE = "state"

    @property
    def rank(self) -> int:
        """Return its place in the order of the feed."""
        return _RANKS[self]

    @property
    def single(self) -> bool:
        """Tell whether there is one object of it, without an id."""
        return self in {Kind.CONTEST, Kind.STATE}


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}
OF_RANK = {rank: kind for kind, rank in _RANKS.items()}
COLLECTIONS = tuple(kind for kind in Kind if not kind.single)
# Properties that other objects' ids stand in, by which a collection can be filtered.
FILTERS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEAMS: ("organization_id",),
    Kind.SUBMISSIONS: ("language_id", "problem_id", "team_id"),
    Kind.JUDGEMENTS: ("submission_id", "judgement_type_id"),
    Kind.RUNS: ("judgement_id", "judgement_type_id"),
    Kind.CLARIFICATIONS: ("from_team_id", "to_team_id", "reply_to_id", "problem_id"),
}
_CONTEST = ("id", "name", "formal_name", "start_time", "duration", "scoreboard_freeze_duration")
_TIMES = ("start_time", "start_contest_time", "end_time", "end_contest_time")
_BASE: Mapping[str, tuple[str, ...]] = {
    Kind.CONTEST: (*_CONTEST, "scoreboard_type"),
    Kind.JUDGEMENT_TYPES: ("id", "name", "solved"),
    Kind.LANGUAGES: ("id", "name", "entry_point_required", "extensions"),
    Kind.GROUPS: ("id", "name", "type"),
    Kind.ORGANIZATIONS: ("id", "name"),
    Kind.PROBLEMS: ("id", "label", "name", "ordinal", "time_limit", "test_data_count"),
    Kind.TEAMS: ("id", "label", "name", "organization_id", "group_ids"),
    Kind.SUBMISSIONS: (
        *("id", "language_id", "problem_id", "team_id", "time", "contest_time"),
        *("entry_point", "files"),
    ),
    Kind.JUDGEMENTS: ("id", "submission_id", "judgement_type_id", *_TIMES),
    Kind.CLARIFICATIONS: (
        *("id", "from_team_id", "to_team_id", "reply_to_id", "problem_id"),
        *("text", "time", "contest_time"),
    ),
    Kind.AWARDS: ("id", "citation", "team_ids"),
    Kind.STATE: ("started", "frozen", "ended", "thawed", "finalized", "end_of_updates"),
    "scoreboard": ("time", "contest_time", "state", "rows"),
    "event-feed": ("type", "id", "data", "token"),
}
_PERSON = ("id", "name", "role", "team_ids")
_ACCOUNT = ("id", "username", "name", "type", "team_id", "person_id")
_RUN = ("id", "judgement_id", "ordinal", "judgement_type_id", "time", "contest_time", "run_time")


def properties(side: Side, *, scores: bool) -> dict[str, tuple[str, ...]]:
    """Return what a side is given, by endpoint; `scores`: it is a contest of scores."""
    given = dict(_BASE)
    # There are none for the public, but clients take a contest without them for a broken one.
    given[Kind.RUNS] = _RUN
    if scores:
        given[Kind.PROBLEMS] += ("max_score",)
        given[Kind.JUDGEMENTS] += ("score",)
    else:
        given[Kind.CONTEST] += ("penalty_time",)
        given[Kind.JUDGEMENT_TYPES] += ("penalty",)
    if side is not Side.PUBLIC:
        given[Kind.JUDGEMENTS] += ("max_run_time",)
        given[Kind.PERSONS] = _PERSON
        given["accounts"] = _ACCOUNT
    return given
