"""Local accounts, their tokens, and how often somebody tried to sign in (embedded mode)."""

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
    """A token of ours by its hash. Refresh tokens of one sign-in are one family.

    A refresh token is used once: `used_at` is when. A personal one notes there when it was last.
    """

    __tablename__ = "tokens"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[TokenKind] = mapped_column(choice(TokenKind))
    family_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(server_default="")
    prefix: Mapped[str] = mapped_column(server_default="")
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginWindow(Base):
    """Attempts to sign in since a moment, by whom or from where; counted before they are judged."""

    __tablename__ = "login_windows"

    key: Mapped[str] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(server_default="1")
