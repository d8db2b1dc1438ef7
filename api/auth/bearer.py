"""Bearer tokens (JWT): what must hold, who they speak for, and issuing our own.

Either all tokens are HS256 with the secret of the settings, or all are signed with a key of the
issuer's key set; never both, so that no key of one kind can pass for one of the other.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from api.auth.jwks import KeySet
from api.auth.principal import CurrentUser, Role, Scope
from api.errors import UnauthenticatedError
from api.settings import Settings

TOKEN_CHARS_MAX = 8192
_ALGORITHM = "HS256"
_KID_CHARS_MAX = 256


def read(token: str, settings: Settings) -> CurrentUser:
    """Return who a token signed with our secret speaks for.

    Raises `UnauthenticatedError` when it does not hold.
    """
    if settings.auth_jwks_url or _header(token)["alg"] != _ALGORITHM:
        raise _invalid()
    secret = settings.auth_secret.get_secret_value()
    return principal(_claims(token, secret, _ALGORITHM, settings), settings)


async def read_signed(token: str, keys: KeySet, settings: Settings) -> CurrentUser:
    """Return who a token speaks for that is signed with a key of the issuer's."""
    header = _header(token)
    algorithm = header["alg"]
    if algorithm not in keys.algorithms:
        raise _invalid()
    key = await keys.key(header.get("kid"), algorithm)
    return principal(_claims(token, key, algorithm, settings), settings)


def expiry(token: str) -> float:
    """Return when a token ends that was verified already, in seconds of the epoch."""
    said = jwt.decode(token, options={"verify_signature": False})
    return float(said["exp"])


def _header(token: str) -> dict[str, Any]:
    """Return the header, unverified. Keys or places of keys that it names are never looked at."""
    if len(token) > TOKEN_CHARS_MAX:
        raise _invalid()
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise _invalid() from error
    kid, kind = header.get("kid"), header.get("typ", "JWT")
    if (
        not isinstance(header.get("alg"), str)
        or not isinstance(kid, str | None)
        or len(kid or "") > _KID_CHARS_MAX
        or not isinstance(kind, str)
        or kind.lower() not in {"jwt", "at+jwt"}
        or "crit" in header
        or "b64" in header
    ):
        raise _invalid()
    return header


def _claims(token: str, key: Any, algorithm: str, settings: Settings) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=settings.auth_issuer,
            audience=settings.auth_audience,
            leeway=settings.auth_leeway_s,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise UnauthenticatedError("the token has expired", slug="token-expired") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _invalid() from error
    return claims


def _invalid() -> UnauthenticatedError:
    # One sentence for every reason: which one it was helps only an attacker.
    return UnauthenticatedError("the token is not valid")


def principal(claims: dict[str, Any], settings: Settings) -> CurrentUser:
    """Return the caller that verified claims describe; unknown roles and scopes are left out."""
    try:
        user_id = UUID(str(claims["sub"]))
    except ValueError as error:
        raise UnauthenticatedError("the token's subject is no UUID") from error
    scope = claims.get("scope")
    return CurrentUser(
        id=user_id,
        name=str(claims.get("name", ""))[:100],
        roles=roles(claims, settings),
        scopes=frozenset(Scope)
        if scope is None
        else frozenset(Scope(each) for each in str(scope).split() if each in set(Scope)),
        until=float(claims["exp"]) + settings.auth_leeway_s if "exp" in claims else None,
    )


def roles(claims: Mapping[str, Any], settings: Settings) -> frozenset[Role]:
    """Return the roles in a claim, translated by the settings; those we lack are left out."""
    said = _at(claims, settings.auth_roles_claim)
    words = said.split() if isinstance(said, str) and said not in settings.auth_role_map else said
    if isinstance(words, str):
        words = [words]
    if not isinstance(words, list):
        return frozenset()
    mapped = settings.auth_role_map
    names = [mapped.get(each) if mapped else each for each in words if isinstance(each, str)]
    return frozenset(Role(each) for each in names if each in set(Role))


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by name, or by a path of names with dots between them."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


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
