"""The caller of a request, as everything below the HTTP edge sees it."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from api.errors import ForbiddenError


class Role(StrEnum):
    """What somebody is on the platform."""

    PLAYER = "player"
    GUILD_MASTER = "guild_master"
    GAME_MASTER = "game_master"
    AUTHOR = "author"
    REVIEWER = "reviewer"


class Scope(StrEnum):
    """What a token may be used for, whatever its owner may do."""

    READ = "read"
    # With this, or `admin`, a game master's token reads what only the jury sees.
    JURY = "jury"
    SUBMIT = "submit"
    WRITE = "write"
    ADMIN = "admin"


_SEEING = frozenset({Scope.JURY, Scope.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentUser:
    """Somebody with a valid token."""

    id: UUID
    name: str = ""
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Scope] = frozenset(Scope)
    # The personal access token that was used, if one was.
    token_id: UUID | None = None
    # When the token ends, in seconds of the epoch; None for one that lasts until it is revoked.
    until: float | None = field(default=None, compare=False)

    def has(self, *roles: Role) -> bool:
        """Tell whether the caller has one of the roles; a game master has them all."""
        return Role.GAME_MASTER in self.roles or not self.roles.isdisjoint(roles)

    @property
    def jury(self) -> bool:
        """Tell whether the caller is shown what only the jury sees.

        A game master by a token that was asked for it: one for public feeds is public.
        """
        return Role.GAME_MASTER in self.roles and not _SEEING.isdisjoint(self.scopes)

    def need(self, *roles: Role) -> None:
        """Raise `ForbiddenError` unless the caller has one of the roles."""
        if not self.has(*roles):
            wanted = " or ".join(roles)
            raise ForbiddenError(f"this needs the role {wanted}")

    def need_scope(self, scope: Scope) -> None:
        """Raise `ForbiddenError` unless the token allows this use."""
        if scope not in self.scopes:
            raise ForbiddenError(f"the token lacks the scope {scope}", slug="scope-missing")
