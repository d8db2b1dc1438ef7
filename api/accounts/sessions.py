"""Signing in and staying so: access tokens that live minutes, refresh tokens used once.

The refresh tokens of one sign-in are a family. Each use of one gives the next. One that comes a
second time was copied: by whom cannot be told, so the whole family ends and both must sign in.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.accounts import attempts
from api.auth import Role, bearer, opaque
from api.auth.passwords import Passwords
from api.db.base import new_id
from api.db.models import Account, Token, TokenKind
from api.errors import UnauthenticatedError
from api.logs import logger
from api.settings import Settings

_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignedIn:
    """What the client gets."""

    access: str
    refresh: str
    refresh_expires_at: datetime


async def sign_in(
    session: AsyncSession,
    settings: Settings,
    passwords: Passwords,
    *,
    name: str,
    password: str,
    address: str,
) -> SignedIn:
    """Check a password and begin a family; raises `UnauthenticatedError` in one form only."""
    account = await checked(session, passwords, name=name, password=password, address=address)
    return await _next(session, settings, account, family=new_id())


async def checked(
    session: AsyncSession, passwords: Passwords, *, name: str, password: str, address: str
) -> Account:
    """Return the account with this name and password, whatever there is taking as long."""
    await attempts.begin(session, name, address)
    account = await session.scalar(select(Account).where(func.lower(Account.name) == name.lower()))
    # Gives the connection back: hashing takes long, and many may wait for it.
    await session.commit()
    stored = account.password_hash if account is not None else None
    right = await passwords.matches(stored, password)
    if account is not None:
        # Meanwhile the password may have been replaced, or the account disabled.
        account = await _locked(session, account.id)
        right = right and account.password_hash == stored
    if not right or account is None or account.disabled_at is not None:
        _log.info("login.refused", address=address)
        raise UnauthenticatedError("name or password is wrong", slug="bad-login")
    await attempts.succeeded(session, name, address)
    if stored is not None and passwords.outdated(stored):
        account.password_hash = await passwords.hash(password)
    return account


async def refresh(session: AsyncSession, settings: Settings, text: str) -> SignedIn:
    """Change a refresh token for the next; one that was used already ends its family."""
    wanted = select(Token).where(
        Token.token_hash == opaque.digest(text), Token.kind == TokenKind.REFRESH
    )
    found = await session.scalar(wanted)
    if found is None:
        raise _refused()
    # Whoever adds to a family or ends it holds the account: none can slip in meanwhile.
    account = await _locked(session, found.account_id)
    await session.refresh(found)
    if found.revoked_at is not None:
        raise _refused()
    if found.used_at is not None:
        await end_family(session, found.family_id)
        audit.record(session, None, "session.reused", subject=("account", found.account_id))
        # Committed here: the error that follows undoes the request's transaction.
        await session.commit()
        _log.warning("session.reused", account_id=str(found.account_id))
        raise _refused()
    now = datetime.now(UTC)
    if account.disabled_at is not None or (found.expires_at is None or found.expires_at <= now):
        raise _refused()
    found.used_at = now
    return await _next(session, settings, account, family=found.family_id)


async def sign_out(session: AsyncSession, text: str) -> None:
    """End the family of a refresh token, if it is one of ours."""
    found = await session.scalar(
        select(Token).where(
            Token.token_hash == opaque.digest(text), Token.kind == TokenKind.REFRESH
        )
    )
    if found is not None:
        await _locked(session, found.account_id)
        await end_family(session, found.family_id)


async def end_family(session: AsyncSession, family: UUID) -> None:
    """Revoke all refresh tokens of one sign-in."""
    await session.execute(
        update(Token)
        .where(Token.family_id == family, Token.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


async def end_all(session: AsyncSession, account_id: UUID, *, personal: bool = False) -> None:
    """End all sign-ins of an account, and with `personal` its access tokens too."""
    kinds = list(TokenKind) if personal else [TokenKind.REFRESH]
    await session.execute(
        update(Token)
        .where(Token.account_id == account_id, Token.kind.in_(kinds), Token.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


async def _locked(session: AsyncSession, account_id: UUID) -> Account:
    return await session.get_one(Account, account_id, with_for_update=True, populate_existing=True)


async def _next(
    session: AsyncSession, settings: Settings, account: Account, *, family: UUID
) -> SignedIn:
    minted = opaque.mint(opaque.REFRESH)
    expires_at = datetime.now(UTC) + timedelta(seconds=settings.auth_refresh_s)
    session.add(
        Token(
            account_id=account.id,
            kind=TokenKind.REFRESH,
            family_id=family,
            prefix=minted.prefix,
            token_hash=minted.hash,
            expires_at=expires_at,
        )
    )
    await session.flush()
    access = bearer.issue(
        settings,
        user_id=account.id,
        name=account.name,
        roles=[Role(each) for each in account.roles if each in set(Role)],
        lifetime=timedelta(seconds=settings.auth_access_s),
    )
    return SignedIn(access=access, refresh=minted.text, refresh_expires_at=expires_at)


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("sign in again", slug="session-ended")
