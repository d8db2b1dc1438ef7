"""What the endpoints of accounts read and write."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from api.auth import Role, Scope
from api.auth.opaque import CHARS_MAX
from api.auth.passwords import CHARS_MAX as PASSWORD_CHARS_MAX

NAME_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?$"
DAY_S = 86_400


def _whole(secret: SecretStr) -> SecretStr:
    """Refuse half a character: JSON can name one, and nothing can be computed of it."""
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("not a text that UTF-8 can hold") from None
    return secret


Name = Annotated[str, Field(max_length=40, pattern=NAME_PATTERN, examples=["ada"])]
Password = Annotated[
    SecretStr, Field(min_length=1, max_length=PASSWORD_CHARS_MAX), AfterValidator(_whole)
]
Line = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignIn(_Strict):
    """A name and a password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ada", "password": "correct horse battery"}]}
    )

    name: Name
    password: Password


class RefreshGiven(_Strict):
    """A refresh token; each is good once."""

    refresh_token: Annotated[
        SecretStr, Field(min_length=1, max_length=CHARS_MAX), AfterValidator(_whole)
    ]


class Pair(BaseModel):
    """What signing in gives. The refresh token is not shown again."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a word of the protocol
    expires_in_s: int
    refresh_token: str
    refresh_expires_at: datetime


class PasswordChange(_Strict):
    """The password so far and the one from now on."""

    current: Password
    new: Password


class Me(BaseModel):
    """The caller."""

    id: UUID
    name: str
    roles: list[Role]
    scopes: list[Scope]


class TokenWanted(_Strict):
    """A personal access token to be made."""

    name: Line = Field(min_length=1)
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    lifetime_s: int = Field(90 * DAY_S, ge=60, le=366 * DAY_S)


class TokenShown(BaseModel):
    """A personal access token without what makes it one."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class TokenMade(TokenShown):
    """A personal access token, whole for this one time."""

    token: str


class TokenList(BaseModel):
    """All personal access tokens of the caller that are in force or ran out."""

    items: list[TokenShown]


class AccountWanted(_Strict):
    """An account to be made by a game master."""

    name: Name
    password: Password
    roles: list[Role] = Field(default=[Role.PLAYER], max_length=len(Role))


class AccountChange(_Strict):
    """What is to be different; what is left out stays."""

    roles: list[Role] | None = Field(None, max_length=len(Role))
    disabled: bool | None = None
    password: Password | None = None


class AccountShown(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    roles: list[Role]
    created_at: datetime
    disabled_at: datetime | None


class AccountPage(BaseModel):
    """Accounts by name."""

    items: list[AccountShown]
    next_cursor: str | None


class AuditShown(BaseModel):
    """One privileged act."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor_id: UUID | None
    action: str
    subject_kind: str
    subject_id: str
    detail: dict[str, Any]
    request_id: str
    address: str


class AuditPage(BaseModel):
    """Privileged acts, newest first."""

    items: list[AuditShown]
    next_cursor: str | None
