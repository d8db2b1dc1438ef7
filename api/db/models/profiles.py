"""Copies of what other services own: people, guilds, and who is in which.

Each row keeps the stamp of the event it comes from, and only a later stamp changes it. That makes
the result the same in whatever order events arrive, so rows of what was deleted stay as markers.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Timed


class Stamped:
    """The order of events about one thing: version first, then time, then a tie-break."""

    event_version: Mapped[int] = mapped_column(server_default="0")
    event_at: Mapped[datetime]
    event_tie: Mapped[str] = mapped_column(server_default="")


class UserProfileRef(Stamped, Timed, Extensible, Base):
    """A person. Guild and its name are worked out from the two tables below."""

    __tablename__ = "user_profiles_ref"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    guild_id: Mapped[UUID | None] = mapped_column(index=True)
    guild_name: Mapped[str | None]
    deleted_at: Mapped[datetime | None]


class GuildRef(Stamped, Timed, Extensible, Base):
    """A guild."""

    __tablename__ = "guild_refs"

    guild_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    deleted_at: Mapped[datetime | None]


class GuildMemberRef(Stamped, Timed, Base):
    """Somebody's place in a guild, or that it ended."""

    __tablename__ = "guild_member_refs"
    __table_args__ = (
        Index("ix_guild_member_refs_user", "user_id", postgresql_where=text("left_at IS NULL")),
    )

    guild_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    left_at: Mapped[datetime | None]
