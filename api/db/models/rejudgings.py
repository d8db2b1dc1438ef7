"""Rejudge sets: chosen submissions judged again, shown first, applied or dropped as a whole."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed, choice


class RejudgingState(StrEnum):
    """Where a rejudge set is."""

    JUDGING = "judging"
    READY = "ready"
    APPLIED = "applied"
    CANCELLED = "cancelled"


class Rejudging(Identified, Timed, Extensible, Base):
    """One rejudge set; its judgings become current together when it is applied."""

    __tablename__ = "rejudgings"

    reason: Mapped[str]
    state: Mapped[RejudgingState] = mapped_column(choice(RejudgingState))
    selection: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[UUID]
    applied_by: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]
