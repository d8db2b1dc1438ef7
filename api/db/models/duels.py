"""Duels: who challenged whom, with whom at their side, and how far the answers are."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Identified, Timed, choice


class DuelState(StrEnum):
    """Where a challenge is."""

    OFFERED = "offered"
    # Accepted, and some of those named by a captain have not joined yet.
    GATHERING = "gathering"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class DuelSide(StrEnum):
    """On whose side somebody is."""

    CHALLENGER = "challenger"
    OPPONENT = "opponent"


class Duel(Identified, Timed, Base):
    """A challenge by one captain of another; accepting it makes an event of the format `duel`."""

    __tablename__ = "duels"
    __table_args__ = (
        Index("ix_duels_opponent", "opponent_id", "id"),
        Index("ix_duels_challenger", "challenger_id", "id"),
    )

    challenger_id: Mapped[UUID]
    opponent_id: Mapped[UUID]
    state: Mapped[DuelState] = mapped_column(choice(DuelState), server_default="offered")
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    expires_at: Mapped[datetime]
    event_id: Mapped[UUID | None] = mapped_column(ForeignKey("events.id", ondelete="SET NULL"))


class DuelMember(Timed, Base):
    """Somebody named for a duel, its captains too; the key lets nobody be on both sides."""

    __tablename__ = "duel_members"
    __table_args__ = (Index("ix_duel_members_mine", "user_id", "duel_id"),)

    duel_id: Mapped[UUID] = mapped_column(
        ForeignKey("duels.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[DuelSide] = mapped_column(choice(DuelSide))
    name: Mapped[str] = mapped_column(server_default="")
    joined_at: Mapped[datetime | None]
    # A guild master has put them there, and they have not said yes themselves.
    selected: Mapped[bool] = mapped_column(Boolean, server_default="false")
