"""Turns what stands behind `Authorization: Bearer` into a caller, whichever kind it is."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import bearer, opaque
from api.auth.jwks import KeySet
from api.auth.principal import CurrentUser, Role, Scope
from api.db.engine import Sessions
from api.db.models import Account, Token, TokenKind
from api.errors import UnauthenticatedError
from api.settings import Environment, Settings

# A verified JWT is believed so long before its signature is looked at again, never beyond its end.
BELIEVED_S = 10.0
BELIEVED_MAX = 10_000
# When a personal token was last used is noted this exactly: not a write for every request.
USED_GRAIN = timedelta(minutes=1)


class Verifier:
    """Checks bearer tokens; keeps the issuer's keys."""

    def __init__(
        self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._keys: KeySet | None = None
        self._believed: dict[bytes, tuple[CurrentUser, float]] = {}
        if settings.auth_jwks_url:
            place = urlsplit(settings.auth_jwks_url)
            plain = settings.environment is Environment.DEVELOPMENT and place.scheme == "http"
            if place.scheme != "https" and not plain:
                raise ValueError("auth_jwks_url must be https outside development")
            self._keys = KeySet(
                settings.auth_jwks_url, settings.auth_algorithms, transport=transport
            )

    async def user(self, token: str, sessions: Sessions) -> CurrentUser:
        """Return who a token speaks for; raises `UnauthenticatedError` when it does not hold."""
        if token.startswith(opaque.PERSONAL):
            if not local(self._settings):
                raise UnauthenticatedError("the token is not valid")
            async with sessions() as session:
                return await personal(session, token)
        now = time.time()
        # Of a token kept in memory there is no more than this.
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._believed.get(name)
        if known is not None and now < known[1]:
            return known[0]
        if self._keys is not None:
            user = await bearer.read_signed(token, self._keys, self._settings)
        else:
            user = bearer.read(token, self._settings)
        if len(self._believed) >= BELIEVED_MAX:
            self._believed.clear()
        ends = bearer.expiry(token) + self._settings.auth_leeway_s
        self._believed[name] = (user, min(now + BELIEVED_S, ends))
        return user

    async def again(self, user: CurrentUser, sessions: Sessions) -> CurrentUser:
        """Return somebody who was let in a while ago, as they are now.

        Raises `UnauthenticatedError` when their token does not hold any more.
        """
        if user.until is not None and time.time() >= user.until:
            raise UnauthenticatedError("the token has expired", slug="token-expired")
        if not local(self._settings):
            return user
        async with sessions() as session:
            if user.token_id is not None:
                return await _held(session, Token.id == user.token_id)
            account = await session.get(Account, user.id)
        if account is not None and account.disabled_at is not None:
            raise UnauthenticatedError("the token is not valid")
        return user


def local(settings: Settings) -> bool:
    """Tell whether accounts of our own exist."""
    return settings.auth_accounts and not settings.auth_jwks_url


async def personal(session: AsyncSession, token: str) -> CurrentUser:
    """Return who a personal access token speaks for, with the roles they have now."""
    return await _held(session, Token.token_hash == opaque.digest(token[: opaque.CHARS_MAX]))


async def _held(session: AsyncSession, which: ColumnElement[bool]) -> CurrentUser:
    found = (
        await session.execute(
            select(Token, Account)
            .join(Account, Account.id == Token.account_id)
            .where(which, Token.kind == TokenKind.PERSONAL)
        )
    ).one_or_none()
    now = datetime.now(UTC)
    if found is None or found.Token.revoked_at is not None or found.Account.disabled_at is not None:
        raise UnauthenticatedError("the token is not valid")
    held, account = found.Token, found.Account
    if held.expires_at is not None and held.expires_at <= now:
        raise UnauthenticatedError("the token has expired", slug="token-expired")
    if held.used_at is None or now - held.used_at >= USED_GRAIN:
        await session.execute(update(Token).where(Token.id == held.id).values(used_at=now))
        await session.commit()
    return CurrentUser(
        id=account.id,
        name=account.name,
        roles=frozenset(Role(each) for each in account.roles if each in set(Role)),
        scopes=frozenset(Scope(each) for each in held.scopes if each in set(Scope)),
        token_id=held.id,
    )
