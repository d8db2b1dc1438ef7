"""The order of the Contest API's feed: which object of an event changed last as which number.

A mark is one object, not one change: an object that changes moves to the end. What a line of the
feed says is read from the tables it is kept in when the line is written.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base


class ContestFeed(Base):
    """How far the marks of an event are; whoever adds some holds this row."""

    __tablename__ = "contest_feeds"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    last_seq: Mapped[int] = mapped_column(server_default="0")
    # What all objects depend on: when it changes, all are looked at.
    context: Mapped[str] = mapped_column(server_default="")
    looked_at: Mapped[datetime | None]
    looked_at_all: Mapped[datetime | None]
    # Which life of the database this is, by a name of chance, and what that is told by; how often
    # was looked, and how often when each of the lives before ended: `[epoch, looks]`.
    epoch: Mapped[str] = mapped_column(server_default="")
    place: Mapped[str] = mapped_column(server_default="")
    looks: Mapped[int] = mapped_column(server_default="0")
    epochs: Mapped[list[list[Any]]] = mapped_column(JSONB, server_default="[]")


class ContestMark(Base):
    """An object of an event, and where in the feed it stands.

    `seq` is its place for the jury and for its own entry, `public_seq` that for everybody else:
    None as long as they may not know of it. A digest tells whether the object is still as it was
    when it got its place.
    """

    __tablename__ = "contest_marks"
    __table_args__ = (
        Index("ix_contest_marks_jury", "event_id", "rank", "seq"),
        Index(
            "ix_contest_marks_public",
            *("event_id", "rank", "public_seq"),
            postgresql_where=text("public_seq IS NOT NULL"),
        ),
        Index(
            "ix_contest_marks_own",
            *("event_id", "entry_id", "rank", "seq"),
            postgresql_where=text("entry_id IS NOT NULL"),
        ),
        Index(
            "ix_contest_marks_pending",
            *("event_id", "object_id"),
            postgresql_where=text("pending"),
        ),
    )

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    # Kinds in the order in which they refer to each other.
    rank: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID | None]
    seq: Mapped[int]
    digest: Mapped[str]
    public_seq: Mapped[int | None]
    public_digest: Mapped[str | None]
    # A submission that still waits for its verdict.
    pending: Mapped[bool] = mapped_column(Boolean, server_default="false")
