"""Events as clients ask for them and see them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from api.accounts.router import Moment
from api.db.base import is_id
from api.db.models import Entries, EntryKind, EventState
from api.events.choosing import PROBLEMS_MAX
from judge import limits
from judge.scoring.guilds import Combining

DAY_S = 86_400


def _no_id(slug: str) -> str:
    if is_id(slug):
        raise ValueError("a slug is no UUID")
    return slug


Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$"), AfterValidator(_no_id)
]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00\r\n]*$")]
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,9}$")]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Points = Annotated[
    Decimal, Field(ge=0, le=1_000_000, max_digits=9, decimal_places=2, allow_inf_nan=False)
]
Difficulty = Annotated[int, Field(ge=0, le=10_000)]
Experience = Annotated[int, Field(ge=0, le=1_000_000)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
CpuMs = Annotated[int, Field(ge=1, le=limits.CPU_MS_MAX)]
MemoryBytes = Annotated[int, Field(ge=1 << 20, le=limits.MEMORY_BYTES_MAX)]


class Asked(BaseModel):
    """What somebody asks for; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Topic(Asked):
    """So many problems with a tag, between two difficulties, worth so much each."""

    count: Annotated[int, Field(ge=1, le=50)]
    points: Points = Decimal(100)
    tag: Tag | None = None
    difficulty_min: Difficulty | None = None
    difficulty_max: Difficulty | None = None


def _few(topics: list[Topic]) -> list[Topic]:
    count = sum(each.count for each in topics)
    if count > PROBLEMS_MAX:
        raise ValueError(f"they ask for {count} problems, and an event has at most {PROBLEMS_MAX}")
    return topics


Topics = Annotated[
    list[Topic],
    Field(max_length=26, description=f"They draw at most {PROBLEMS_MAX} problems together."),
    AfterValidator(_few),
]


class GuildBoard(Asked):
    """How members' results become their guild's; `best` is how many count with `how: best`."""

    how: Combining = Combining.SUM
    best: Annotated[int, Field(ge=1, le=1000)] = 1


class AwardRule(Asked):
    """Experience points: for taking part, for each point of the score, for the first ranks."""

    base: Experience = 0
    per_point: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 0
    by_rank: Annotated[list[Experience], Field(max_length=1000)] = []


class Awards(AwardRule):
    """The rule for entries, and one for guilds."""

    guild: AwardRule = AwardRule()


class Rules(Asked):
    """What of an event may be changed before it starts."""

    title: Line
    description: Text = ""
    format: Annotated[str, Field(max_length=20, examples=["icpc"])]
    options: Annotated[
        dict[str, Any],
        Field(max_length=50, description="The format's options, see docs/events.md."),
    ] = {}
    starts_at: AwareDatetime
    duration_s: Annotated[int, Field(ge=60, le=60 * DAY_S)]
    freeze_s: Annotated[
        int | None, Field(ge=0, description="The public board stands still for the last seconds.")
    ] = None
    assign_s: Annotated[int, Field(ge=0, le=DAY_S)] = 900
    lobby_s: Annotated[int, Field(ge=0, le=DAY_S)] = 600
    topics: Topics = []
    seed: Seed | None = None
    individuals: bool = True
    entries: Annotated[
        Entries, Field(description="Whether a place on the board is a person's or a team's.")
    ] = Entries.INDIVIDUAL
    team_members_max: Annotated[int, Field(ge=1, le=100)] = 3
    guilds_max: Annotated[int | None, Field(ge=1, le=10_000)] = None
    guild_members_max: Annotated[int | None, Field(ge=1, le=1000)] = None
    room_entries: Annotated[
        int, Field(ge=0, le=100_000, description="Entries a room; 0 for one room.")
    ] = 0
    guild_board: GuildBoard = GuildBoard()
    awards: Awards = Awards()
    spectator_delay_s: Annotated[int | None, Field(ge=0, le=DAY_S)] = None
    auto_thaw: bool = False
    start_when_ready: Annotated[
        bool, Field(description="Start before the time once all who play are in the lobby, ready.")
    ] = False
    private: Annotated[
        bool, Field(description="Only who takes part and game masters know of it.")
    ] = False
    record_writing: Annotated[
        bool,
        Field(
            description="Keep how drafts grow and what clients say was pasted, for reviewers of "
            "similarity."
        ),
    ] = False
    record_network: Annotated[
        bool,
        Field(
            description="Keep a keyed hash of the network each submission comes from, for "
            "reviewers of similarity."
        ),
    ] = False

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.freeze_s is not None and self.freeze_s > self.duration_s:
            raise ValueError("freeze_s: the freeze is no longer than the event")
        return self


class NewEvent(Rules):
    """An event: a game master's is approved at once, a guild master's is a request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "autumn",
                    "title": "Autumn battle",
                    "format": "icpc",
                    "starts_at": "2027-10-01T18:00:00Z",
                    "duration_s": 18_000,
                    "freeze_s": 3600,
                }
            ]
        }
    )

    slug: Slug


class Changes(Asked):
    """What is to be different before the start; what is left out stays."""

    title: Line | None = None
    description: Text | None = None
    format: Annotated[str | None, Field(max_length=20)] = None
    options: Annotated[dict[str, Any] | None, Field(max_length=50)] = None
    starts_at: AwareDatetime | None = None
    duration_s: int | None = None
    freeze_s: int | None = None
    assign_s: int | None = None
    lobby_s: int | None = None
    topics: list[Topic] | None = None
    seed: Seed | None = None
    individuals: bool | None = None
    entries: Entries | None = None
    team_members_max: int | None = None
    guilds_max: int | None = None
    guild_members_max: int | None = None
    room_entries: int | None = None
    guild_board: GuildBoard | None = None
    awards: Awards | None = None
    spectator_delay_s: int | None = None
    auto_thaw: bool | None = None
    start_when_ready: bool | None = None
    private: bool | None = None
    record_writing: bool | None = None
    record_network: bool | None = None


class Why(Asked):
    """Why it is done; it is kept in the audit log."""

    reason: Reason = ""


class Doing(Why):
    """What is said with an act."""

    revision: Annotated[
        Tag | None, Field(description="Of the request that was read; an approval needs it.")
    ] = None
    force: Annotated[
        bool,
        Field(strict=True, description="Finalise although verdicts are missing: they never count."),
    ] = False


class Longer(Why):
    """More time for everybody: so much, or up to a moment, which may be said twice."""

    seconds: Annotated[int | None, Field(ge=1, le=DAY_S)] = None
    ends_at: Annotated[
        Moment | None, Field(description="It goes on at least until then; again changes nothing.")
    ] = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.seconds is None) == (self.ends_at is None):
            raise ValueError("give either seconds or ends_at")
        return self


class Chosen(Asked):
    """A problem for an event; limits that are left out are the problem's own."""

    problem: Annotated[Tag, Field(description="Slug or id.")]
    label: Label | None = None
    points: Points = Decimal(100)
    cpu_ms: CpuMs | None = None
    memory_bytes: MemoryBytes | None = None


class Choices(Asked):
    """All problems of an event, in order."""

    items: Annotated[list[Chosen], Field(max_length=100)]


class Draw(Asked):
    """Drawing problems; topics and seed that are left out are the event's own."""

    topics: Annotated[Topics, Field(min_length=1)] | None = None
    seed: Seed | None = None
    dry_run: Annotated[bool, Field(strict=True, description="Only say what would be drawn.")] = (
        False
    )


class EventSummary(BaseModel):
    """An event in a list."""

    id: UUID
    slug: str
    title: str
    state: EventState
    format: str
    starts_at: datetime
    duration_s: int
    url: str


class EventShown(EventSummary):
    """An event; fields that only its game masters see are null for others."""

    description: str
    options: dict[str, Any]
    freeze_s: int | None
    assign_s: int
    lobby_s: int
    topics: list[dict[str, Any]]
    individuals: bool
    entries: Entries
    team_members_max: int
    guilds_max: int | None
    guild_members_max: int | None
    room_entries: int
    guild_board: dict[str, Any]
    awards: dict[str, Any]
    spectator_delay_s: int | None
    auto_thaw: bool
    start_when_ready: bool
    private: bool
    record_writing: bool
    record_network: bool
    paused: bool
    ends_at: Annotated[datetime | None, Field(description="Null while a pause has no end.")]
    started_at: datetime | None
    frozen_at: datetime | None
    finished_at: datetime | None
    thawed_at: datetime | None
    revealed: Annotated[int, Field(description="Steps of the thaw that were taken one by one.")]
    finalised_at: datetime | None
    entry_id: Annotated[UUID | None, Field(description="The caller's official entry.")] = None
    team_key: Annotated[
        str | None, Field(description="Lets others into the caller's team, while it is open.")
    ] = None
    allowed: Annotated[list[str], Field(description="Acts the state allows, to game masters.")] = []
    seed: int | None = None
    reason: Annotated[str | None, Field(description="Why it was decided so.")] = None
    revision: Annotated[str | None, Field(description="Changes with the request.")] = None
    requested_by: UUID | None = None
    decided_by: UUID | None = None
    stuck: Annotated[str | None, Field(description="What keeps the clock from acting.")] = None


class EventPage(BaseModel):
    """Events, the latest start first."""

    items: list[EventSummary]
    next_cursor: str | None = None


class ProblemShown(BaseModel):
    """A problem of an event."""

    problem_id: UUID
    slug: str
    label: str
    position: int
    title: str
    points: float
    scoring: bool
    max_score: float | None
    cpu_ms: int
    memory_bytes: int


class Problems(BaseModel):
    """An event's problems, in order."""

    items: list[ProblemShown]


class EntryShown(BaseModel):
    """An entry."""

    id: UUID
    kind: EntryKind
    name: str
    guild_id: UUID | None
    room_id: UUID | None
    extra_s: Annotated[int | None, Field(description="To its own people and the jury.")] = None
    members: list["MemberShown"]


class MemberShown(BaseModel):
    """Somebody in an entry."""

    user_id: UUID
    name: str


class EntryPage(BaseModel):
    """Official entries, in order of registration."""

    items: list[EntryShown]
    next_cursor: str | None = None


class GuildShown(BaseModel):
    """A guild that registered."""

    guild_id: UUID
    name: str
    registered_by: UUID
    members: list[UUID]


class Guilds(BaseModel):
    """The guilds of an event, by name."""

    items: list[GuildShown]
