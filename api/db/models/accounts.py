"""Local accounts and tokens (embedded mode), and copies of the names other services own."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed, choice


class Account(Identified, Timed, Extensible, Base):
    """Somebody who signs in here; the password is an argon2 hash."""

    __tablename__ = "accounts"
    __table_args__ = (Index("uq_accounts_name_folded", text("lower(name)"), unique=True),)

    name: Mapped[str]
    password_hash: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    disabled_at: Mapped[datetime | None]


class TokenKind(StrEnum):
    """What a stored token is for."""

    REFRESH = "refresh"
    PERSONAL = "personal"


class Token(Identified, Timed, Base):
    """A token of ours by its hash. Refresh tokens of one sign-in are one family."""

    __tablename__ = "tokens"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[TokenKind] = mapped_column(choice(TokenKind))
    family_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(server_default="")
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class UserProfileRef(Timed, Extensible, Base):
    """What other services told us of a person; `event_at` keeps late news from winning."""

    __tablename__ = "user_profiles_ref"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    guild_id: Mapped[UUID | None] = mapped_column(index=True)
    guild_name: Mapped[str | None]
    event_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
