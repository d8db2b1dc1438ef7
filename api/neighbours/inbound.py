"""What the platform tells us of people and guilds, kept as copies of a few names.

Events may come late, twice, or in any order. Each message id is taken once. Each row keeps the
stamp of the event it comes from (version, time, and a tie-break that is the same everywhere) and
gives way only to a later one; a person's guild is worked out from all memberships known. So every
order of the same events ends in the same rows. A sender that counts versions must always do so.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from prometheus_client import Counter
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import ColumnElement, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api import traces
from api.db.models import GuildMemberRef, GuildRef, InboundEvent, UserProfileRef
from api.errors import FieldProblem, InvalidError
from api.logs import logger
from api.metrics import REGISTRY

SOURCE = "platform"
NAME_CHARS_MAX = 200
# A stamp in the future would keep later news out for as long.
AHEAD_MAX = timedelta(minutes=5)
_LOCK: Final = 0x696E626F
_log = logger(__name__)
_seen = Counter(
    "codebattle_inbound_events_total",
    "Events from other services: applied, stale, replayed, unknown, refused.",
    ("outcome",),
    registry=REGISTRY,
)


class Effect(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    STALE = "stale"
    REPLAYED = "replayed"
    UNKNOWN = "unknown"


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")


class UserData(_Data):
    """A person; a deleted one needs no name."""

    user_id: UUID = Field(validation_alias=AliasChoices("user_id", "id"))
    name: str = Field(
        "",
        max_length=NAME_CHARS_MAX,
        validation_alias=AliasChoices("name", "username", "display_name"),
    )


class GuildData(_Data):
    """A guild; a deleted one needs no name."""

    guild_id: UUID = Field(validation_alias=AliasChoices("guild_id", "id"))
    name: str = Field("", max_length=NAME_CHARS_MAX)


class MemberData(_Data):
    """Somebody in a guild."""

    guild_id: UUID
    user_id: UUID


class Message(BaseModel):
    """An event as it comes: what happened, when, and which version of the thing it made."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field(max_length=100)
    occurred_at: datetime = Field(validation_alias=AliasChoices("occurred_at", "timestamp"))
    version: int = Field(0, ge=0, lt=2**62)
    data: dict[str, Any]

    @field_validator("occurred_at")
    @classmethod
    def _zoned(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        try:
            return value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("a time that no calendar has") from error


KINDS: Final = {
    "user.created": UserData,
    "user.updated": UserData,
    "user.deleted": UserData,
    "guild.created": GuildData,
    "guild.updated": GuildData,
    "guild.deleted": GuildData,
    "guild.member_added": MemberData,
    "guild.member_removed": MemberData,
}
_ENDINGS: Final = ("deleted", "member_removed")


async def take(session: AsyncSession, message_id: str, body: bytes) -> Effect:
    """Take a message whose signature held; raises `InvalidError` for one that cannot be read."""
    message = _read(Message, body)
    if message.type not in KINDS:
        return _counted(Effect.UNKNOWN)
    data = _read(KINDS[message.type], message.data)
    if message.occurred_at > datetime.now(UTC) + AHEAD_MAX:
        raise InvalidError("occurred_at lies in the future")
    named = message.type in {"user.created", "user.updated", "guild.created", "guild.updated"}
    if named and not _name(data):
        raise InvalidError(f"{message.type} needs a name")
    # One at a time: names and memberships touch each other, and there are few of them.
    await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    fresh = await session.scalar(
        insert(InboundEvent)
        .values(source=SOURCE, message_id=message_id, kind=message.type)
        .on_conflict_do_nothing()
        .returning(InboundEvent.message_id)
    )
    if fresh is None:
        return _counted(Effect.REPLAYED)
    applied = await _apply(session, message_id, message, data)
    _log.info("inbound.taken", kind=message.type, message_id=message_id, applied=applied)
    return _counted(Effect.APPLIED if applied else Effect.STALE)


async def _apply(session: AsyncSession, message_id: str, message: Message, data: _Data) -> bool:
    ended = message.type.endswith(_ENDINGS)
    ended_at = message.occurred_at if ended else None
    rank = 2 if ended else 1 if message.type.endswith("updated") else 0
    stamp = {
        "event_version": message.version,
        "event_at": message.occurred_at,
        # Of two events of one moment the end wins over a change, a change over a beginning.
        "event_tie": f"{rank}:{message_id}",
    }
    match data:
        case UserData():
            row = {"name": "" if ended else _name(data), "deleted_at": ended_at}
            done = await _put(session, UserProfileRef, {"user_id": data.user_id}, row, stamp)
            users = UserProfileRef.user_id == data.user_id
            if done and ended:
                await traces.forget(session, data.user_id)
        case GuildData():
            row = {"name": "" if ended else _name(data), "deleted_at": ended_at}
            done = await _put(session, GuildRef, {"guild_id": data.guild_id}, row, stamp)
            members = select(GuildMemberRef.user_id).where(GuildMemberRef.guild_id == data.guild_id)
            users = UserProfileRef.user_id.in_(members)
        case MemberData():
            key = {"guild_id": data.guild_id, "user_id": data.user_id}
            done = await _put(session, GuildMemberRef, key, {"left_at": ended_at}, stamp)
            users = UserProfileRef.user_id == data.user_id
        case _:
            raise AssertionError(data)
    if done:
        await _work_out_guilds(session, users)
    return done


async def _put(
    session: AsyncSession,
    model: type[UserProfileRef | GuildRef | GuildMemberRef],
    key: dict[str, UUID],
    row: dict[str, Any],
    stamp: dict[str, Any],
) -> bool:
    """Insert or replace a row unless what is there has a later stamp; tells whether it did."""
    statement = insert(model).values(**key, **row, **stamp)
    order = ("event_version", "event_at", "event_tie")
    new = tuple_(*(statement.excluded[each] for each in order))
    old = tuple_(*(getattr(model, each) for each in order))
    done = await session.execute(
        statement.on_conflict_do_update(
            index_elements=list(key), set_={**row, **stamp}, where=new > old
        ).returning(text("1"))
    )
    return done.first() is not None


async def _work_out_guilds(session: AsyncSession, users: ColumnElement[bool]) -> None:
    """Set the guild of some people: the one they joined last and that still is."""
    current = (
        select(GuildMemberRef.guild_id)
        .outerjoin(GuildRef, GuildRef.guild_id == GuildMemberRef.guild_id)
        .where(
            GuildMemberRef.user_id == UserProfileRef.user_id,
            GuildMemberRef.left_at.is_(None),
            GuildRef.deleted_at.is_(None),
        )
        # Versions count one membership's events; between memberships only times compare.
        .order_by(GuildMemberRef.event_at.desc(), GuildMemberRef.guild_id)
        .limit(1)
    ).scalar_subquery()
    alive = UserProfileRef.deleted_at.is_(None)
    await session.execute(
        update(UserProfileRef).where(users, alive).values(guild_id=current, guild_name=None)
    )
    await session.execute(
        update(UserProfileRef).where(users, ~alive).values(guild_id=None, guild_name=None)
    )
    await session.execute(
        update(UserProfileRef)
        .where(users, GuildRef.guild_id == UserProfileRef.guild_id)
        .values(guild_name=GuildRef.name)
        .execution_options(synchronize_session=False)
    )


def _name(data: Any) -> str:
    """Return a name on one line, without what would break a page or a terminal."""
    return "".join(char for char in str(data.name) if char.isprintable()).strip()


def _read(model: type[Any], given: bytes | dict[str, Any]) -> Any:
    try:
        if isinstance(given, bytes):
            return model.model_validate_json(given)
        return model.model_validate(given)
    except (ValidationError, RecursionError) as error:
        found = error.errors(include_input=False) if isinstance(error, ValidationError) else []
        raise InvalidError(
            "the event cannot be read",
            errors=[
                FieldProblem(pointer="/" + "/".join(map(str, each["loc"])), detail=each["msg"])
                for each in found[:10]
            ],
        ) from error


def _counted(effect: Effect) -> Effect:
    _seen.labels(effect.value).inc()
    return effect


def refused() -> None:
    """Count a message whose signature did not hold."""
    _seen.labels("refused").inc()
