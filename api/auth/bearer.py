"""Bearer tokens (JWT, HS256): reading what callers send and issuing our own in embedded mode."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from api.auth.principal import CurrentUser, Role, Scope
from api.errors import UnauthenticatedError
from api.settings import Settings

_ALGORITHM = "HS256"


def read(token: str, settings: Settings) -> CurrentUser:
    """Return who a token speaks for; raises `UnauthenticatedError` when it does not hold."""
    try:
        claims = jwt.decode(
            token,
            settings.auth_secret.get_secret_value(),
            algorithms=[_ALGORITHM],
            issuer=settings.auth_issuer,
            audience=settings.auth_audience,
            leeway=settings.auth_leeway_s,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise UnauthenticatedError("the token has expired", slug="token-expired") from error
    except jwt.PyJWTError as error:
        raise UnauthenticatedError("the token is not valid") from error
    return principal(claims, settings)


def principal(claims: dict[str, Any], settings: Settings) -> CurrentUser:
    """Return the caller that verified claims describe; unknown roles and scopes are left out."""
    try:
        user_id = UUID(str(claims["sub"]))
    except ValueError as error:
        raise UnauthenticatedError("the token's subject is no UUID") from error
    said = claims.get(settings.auth_roles_claim, ())
    roles = said.split() if isinstance(said, str) else said
    scope = claims.get("scope")
    return CurrentUser(
        id=user_id,
        name=str(claims.get("name", ""))[:100],
        roles=frozenset(Role(each) for each in _words(roles) if each in set(Role)),
        scopes=frozenset(Scope)
        if scope is None
        else frozenset(Scope(each) for each in str(scope).split() if each in set(Scope)),
    )


def _words(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def issue(
    settings: Settings,
    *,
    user_id: UUID,
    name: str,
    roles: Iterable[Role],
    lifetime: timedelta,
    scopes: Iterable[Scope] | None = None,
) -> str:
    """Return a signed token for one of our own accounts."""
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "sub": str(user_id),
        "name": name,
        settings.auth_roles_claim: sorted(roles),
        "iss": settings.auth_issuer,
        "aud": settings.auth_audience,
        "iat": now,
        "exp": now + lifetime,
    }
    if scopes is not None:
        claims["scope"] = " ".join(sorted(scopes))
    return jwt.encode(claims, settings.auth_secret.get_secret_value(), algorithm=_ALGORITHM)
