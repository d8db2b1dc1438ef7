"""Leaderboards: the log of what scoring knows, the boards made of it, and final snapshots.

`event_attempts` is only ever added to: one row when a submission is made, one for each judgement
of it that counted. The latest row of a submission is what counts, the latest up to an instant is
what counted then; `shown` says that the board has it. Cells and rows are kept up to date in the
transaction that adds to the log and can always be made anew from it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Timed, choice
from api.db.models.events import EntryKind
from judge.verdicts import Verdict


class EventAttempt(Base):
    """What became known of an attempt at an instant; verdict None is pending."""

    __tablename__ = "event_attempts"
    __table_args__ = (
        Index("ix_event_attempts_cell", "event_id", "entry_id", "problem_id", "id"),
        Index("ix_event_attempts_log", "event_id", "id"),
        Index("ix_event_attempts_submission", "submission_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    entry_id: Mapped[UUID]
    problem_id: Mapped[UUID]
    submission_id: Mapped[UUID]
    judging_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    submitted_at: Mapped[datetime]
    verdict: Mapped[Verdict | None] = mapped_column(choice(Verdict))
    score: Mapped[Decimal | None] = mapped_column(Numeric)
    groups: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    cpu_us: Mapped[int] = mapped_column(server_default="0")
    memory_bytes: Mapped[int] = mapped_column(server_default="0")


class UnshownAttempt(Base):
    """A row of the log that the board does not show yet.

    Rows of their own, so that those of the log are never written again.
    """

    __tablename__ = "event_unshown"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    attempt_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[UUID]
    problem_id: Mapped[UUID]


class BoardCell(Base):
    """One entry on one problem, on the jury's board or the `public` one."""

    __tablename__ = "board_cells"
    __table_args__ = (
        Index(
            "ix_board_cells_first",
            *("event_id", "public", "problem_id"),
            postgresql_where=text("first"),
        ),
        Index(
            "ix_board_cells_solved",
            "event_id",
            "public",
            "problem_id",
            "solved_us",
            "solved_submission",
            postgresql_where=text("solved_us IS NOT NULL"),
        ),
        # A first solve is settled only when nothing earlier is pending.
        Index(
            "ix_board_cells_pending",
            "event_id",
            "public",
            "problem_id",
            "pending_since_us",
            postgresql_where=text("pending > 0"),
        ),
    )

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    public: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    problem_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    pending: Mapped[int]
    pending_since_us: Mapped[int | None]
    score: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    at_us: Mapped[int | None]
    submission_id: Mapped[UUID | None]
    solved_us: Mapped[int | None]
    solved_submission: Mapped[UUID | None]
    first: Mapped[bool] = mapped_column(Boolean)
    bonus: Mapped[Decimal] = mapped_column(Numeric)


class BoardRow(Base):
    """One entry; `lost` is the negative score, so that one index has the board's order."""

    __tablename__ = "board_rows"
    __table_args__ = (
        Index("ix_board_rows_order", "event_id", "public", "lost", "penalty", "last", "entry_id"),
        Index(
            "ix_board_rows_room",
            *("event_id", "public", "room_id", "lost", "penalty", "last", "entry_id"),
        ),
        # With what a guild's rows add up to, so that they need not be read for it.
        Index(
            "ix_board_rows_guild",
            *("event_id", "public", "guild_id"),
            postgresql_include=["entry_id", "lost", "penalty", "last"],
        ),
    )

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    public: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    room_id: Mapped[UUID | None]
    guild_id: Mapped[UUID | None]
    lost: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    last: Mapped[int]
    # What is shown of the entry's cells, by problem, see `api.leaderboards.cells.Shown`: a page of
    # the board reads nothing else.
    # JSON and not JSONB: it is only ever given out as it is.
    cells: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")


class BoardReveal(Base):
    """A cell that the public board shows although it was frozen, and what was told of it then."""

    __tablename__ = "board_reveals"
    __table_args__ = (UniqueConstraint("event_id", "entry_id", "problem_id"),)

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    step: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID]
    problem_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    # The cell as an `api.leaderboards.cells.Shown`.
    cell: Mapped[list[Any]] = mapped_column(JSON)
    # Who was the first on the problem until then, and is no longer.
    overtaken_id: Mapped[UUID | None]
    score: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    rank_before: Mapped[int]
    rank: Mapped[int]


class BoardHead(Base):
    """How often an event's board was taken; a number that was read is old once it has moved."""

    __tablename__ = "board_heads"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int]


class BoardTally(Base):
    """How many rows have about a score and a penalty, see `api.leaderboards.tallies`.

    A rank is what these add up to and the rows of one of them, not all rows that are ahead.
    """

    __tablename__ = "board_tallies"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    public: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    step: Mapped[Decimal] = mapped_column(Numeric, primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    entries: Mapped[int]


class BoardGuild(Base):
    """One guild, from its entries' rows."""

    __tablename__ = "board_guilds"
    __table_args__ = (
        Index("ix_board_guilds_order", "event_id", "public", "lost", "penalty", "last"),
    )

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    public: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    guild_id: Mapped[UUID] = mapped_column(primary_key=True)
    lost: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    last: Mapped[int]


class ApartRow(Base):
    """An entry apart from the official board: virtual, or practice; with its cells as shown."""

    __tablename__ = "board_apart"
    __table_args__ = (
        Index("ix_board_apart_order", "event_id", "kind", "lost", "penalty", "last", "entry_id"),
    )

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    entry_id: Mapped[UUID] = mapped_column(
        ForeignKey("event_entries.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    guild_id: Mapped[UUID | None]
    lost: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    last: Mapped[int]
    cells: Mapped[dict[str, Any]] = mapped_column(JSONB)


class BoardMoment(Base):
    """How an entry stood from a moment of its own clock until another, in an event that is over.

    Official entries and virtual ones; what a virtual board of any moment is read from.
    """

    __tablename__ = "board_moments"
    __table_args__ = (
        Index("ix_board_moments_entry", "entry_id"),
        # With the times, so that ranks and pages of a moment are read from it alone.
        Index(
            "ix_board_moments_order",
            *("event_id", "virtual", "lost", "penalty", "last", "entry_id"),
            postgresql_include=["since_us", "until_us"],
        ),
    )

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    entry_id: Mapped[UUID] = mapped_column(
        ForeignKey("event_entries.id", ondelete="CASCADE"), primary_key=True
    )
    since_us: Mapped[int] = mapped_column(primary_key=True)
    until_us: Mapped[int]
    virtual: Mapped[bool] = mapped_column(Boolean)
    lost: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    last: Mapped[int]


class BoardTimeline(Base):
    """How far the moments of an event are written down: up to which entry, or all of them."""

    __tablename__ = "board_timelines"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    last_entry_id: Mapped[UUID | None]
    whole: Mapped[bool] = mapped_column(Boolean, server_default="false")


class LeaderboardEntry(Timed, Base):
    """A row of the final board, as it stood when the event was finalised."""

    __tablename__ = "leaderboard_entries"
    __table_args__ = (Index("ix_leaderboard_entries_rank", "event_id", "rank"),)

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    guild_id: Mapped[UUID | None]
    room_id: Mapped[UUID | None]
    rank: Mapped[int]
    room_rank: Mapped[int | None]
    score: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    last: Mapped[int]
    cells: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    experience: Mapped[int] = mapped_column(server_default="0")


class GuildLeaderboardEntry(Timed, Base):
    """A guild's row of the final board."""

    __tablename__ = "guild_leaderboard_entries"
    __table_args__ = (Index("ix_guild_leaderboard_entries_rank", "event_id", "rank"),)

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    guild_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    rank: Mapped[int]
    score: Mapped[Decimal] = mapped_column(Numeric)
    penalty: Mapped[int]
    last: Mapped[int]
    experience: Mapped[int] = mapped_column(server_default="0")


class Rating(Timed, Base):
    """Somebody's rating across events."""

    __tablename__ = "ratings"
    __table_args__ = (Index("ix_ratings_order", "rating", "user_id"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    rating: Mapped[int]
    games: Mapped[int]


class RatingChange(Timed, Base):
    """What one event did to somebody's rating; an event counts once."""

    __tablename__ = "rating_changes"
    __table_args__ = (Index("ix_rating_changes_user", "user_id", "created_at", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    before: Mapped[int]
    after: Mapped[int]
    rank: Mapped[int]
