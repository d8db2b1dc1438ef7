"""Who calls: by Basic authentication, as contest software does, or by a bearer token.

The password of Basic is an account's, a personal access token, or a JWT. Checking an account's
password is made to take long, so one that was right is believed for a while, as long as the
account and its password are as they were.
"""

import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from api.accounts import sessions
from api.auth import CurrentUser, Role, Scope, opaque
from api.auth.verifier import local
from api.db.models import Account
from api.deps import ANONYMOUS, Credentials, PartsDep, address
from api.errors import UnauthenticatedError
from api.wiring import Parts

BELIEVED_S = 300.0
BELIEVED_MAX = 10_000
NAME_CHARS_MAX = 256
_JWT = "eyJ"
_basic = HTTPBasic(
    auto_error=False,
    scheme_name="basic",
    description="An account's name, and its password or one of its tokens.",
)
Who = Callable[[], Awaitable[CurrentUser | None]]
BasicGiven = Annotated[HTTPBasicCredentials | None, Depends(_basic)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Whose password it was, and what was kept of it then."""

    account_id: UUID
    password_hash: str
    until: float


class Passwords:
    """Passwords that were right a moment ago, by a hash that nobody else can make."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._known: dict[bytes, _Known] = {}

    async def user(self, parts: Parts, given: HTTPBasicCredentials, address: str) -> CurrentUser:
        """Return whose name and password these are; raises `UnauthenticatedError`."""
        said = f"{len(given.username)}:{given.username}{given.password}"
        name = hashlib.blake2b(said.encode("utf-8", "replace"), key=self._key).digest()
        known = self._known.get(name)
        async with parts.sessions() as session:
            if known is not None and time.monotonic() < known.until:
                account = await session.get(Account, known.account_id)
                if (
                    account is not None
                    and account.disabled_at is None
                    and account.password_hash == known.password_hash
                ):
                    return _user(account)
            account = await sessions.checked(
                session,
                parts.passwords,
                name=given.username,
                password=given.password,
                address=address,
            )
            await session.commit()
        if len(self._known) >= BELIEVED_MAX:
            self._known.clear()
        until = time.monotonic() + BELIEVED_S
        self._known[name] = _Known(
            account_id=account.id, password_hash=account.password_hash, until=until
        )
        return _user(account)


async def asking(request: Request, parts: PartsDep, token: Credentials, given: BasicGiven) -> Who:
    """Return what finds out who calls, as often as it is asked."""
    return partial(_resolve, request, parts, token.credentials if token else None, given)


async def caller(who: Annotated[Who, Depends(asking)]) -> CurrentUser | None:
    """Return the caller, or None for who says nothing; what does not hold is refused."""
    return await who()


Asking = Annotated[Who, Depends(asking)]
Caller = Annotated[CurrentUser | None, Depends(caller)]


async def known_caller(user: Caller) -> CurrentUser:
    """Return the caller; raises `UnauthenticatedError` when there is none."""
    if user is None:
        raise UnauthenticatedError("credentials are needed")
    return user


KnownCaller = Annotated[CurrentUser, Depends(known_caller)]


async def _resolve(
    request: Request, parts: Parts, token: str | None, given: HTTPBasicCredentials | None
) -> CurrentUser | None:
    where = address(request)
    if token is None and given is None:
        parts.anonymous.take(where, ANONYMOUS)
        return None
    try:
        if token is not None:
            user = await parts.verifier.user(token, parts.sessions)
        else:
            assert given is not None
            user = await _by_password(request, parts, given, where)
    except UnauthenticatedError:
        parts.anonymous.take(where, ANONYMOUS)
        raise
    user.need_scope(Scope.READ)
    return user


async def _by_password(
    request: Request, parts: Parts, given: HTTPBasicCredentials, address: str
) -> CurrentUser:
    if given.password.startswith((opaque.PERSONAL, _JWT)):
        user = await parts.verifier.user(given.password, parts.sessions)
        if given.password.startswith(_JWT) or user.name.lower() == given.username.lower():
            return user
        raise UnauthenticatedError("the token is another account's", slug="bad-login")
    plain = f"{given.username}{given.password}"
    if not local(parts.settings) or "\0" in plain or len(given.username) > NAME_CHARS_MAX:
        raise UnauthenticatedError("name or password is wrong", slug="bad-login")
    held: Passwords = request.app.state.contest_passwords
    return await held.user(parts, given, address)


def _user(account: Account) -> CurrentUser:
    return CurrentUser(
        id=account.id,
        name=account.name,
        roles=frozenset(Role(each) for each in account.roles if each in set(Role)),
    )
