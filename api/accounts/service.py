"""Making and changing accounts, and their personal access tokens."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, paging
from api.accounts import attempts, sessions
from api.auth import CurrentUser, Role, Scope, opaque
from api.auth.passwords import Passwords, acceptable
from api.db.base import new_id
from api.db.models import Account, Token, TokenKind, UserProfileRef
from api.errors import ConflictError, ForbiddenError, NotFoundError

TOKENS_MAX = 50
# Tokens that ended stay this long, to be recognised when they come again.
ENDED_KEPT = timedelta(days=30)
_LAST_MASTER_LOCK = 0x6D617374


async def create(
    session: AsyncSession,
    passwords: Passwords,
    *,
    name: str,
    password: str,
    roles: Iterable[Role] = (Role.PLAYER,),
    actor: CurrentUser | None = None,
    address: str = "",
) -> Account:
    """Make an account and its profile; raises `ConflictError` when the name is taken."""
    acceptable(password, name=name)
    account = Account(
        id=new_id(),
        name=name,
        password_hash=await passwords.hash(password),
        roles=sorted(set(roles)),
    )
    now = datetime.now(UTC)
    session.add(account)
    try:
        await session.flush()
    except IntegrityError as error:
        raise ConflictError("the name is taken", slug="name-taken") from error
    session.add(UserProfileRef(user_id=account.id, name=name, event_at=now))
    audit.record(
        session,
        actor,
        "account.created",
        subject=("account", account.id),
        detail={"name": name, "roles": account.roles},
        address=address,
    )
    await session.flush()
    await session.refresh(account)
    return account


async def ensure(
    session: AsyncSession,
    *,
    name: str,
    password: str,
    roles: Iterable[Role],
    passwords: Passwords | None = None,
) -> UUID:
    """Make an account, or set the password and roles of one that is there (command line)."""
    hasher = passwords or Passwords()
    wanted = select(Account).where(func.lower(Account.name) == name.lower()).with_for_update()
    account = await session.scalar(wanted)
    if account is None:
        return (await create(session, hasher, name=name, password=password, roles=roles)).id
    acceptable(password, name=name)
    account.password_hash = await hasher.hash(password)
    account.roles = sorted(set(roles))
    await sessions.end_all(session, account.id, personal=True)
    audit.record(
        session,
        None,
        "account.changed",
        subject=("account", account.id),
        detail={"roles": account.roles, "password": "replaced"},
    )
    await session.flush()
    return account.id


async def change(
    session: AsyncSession,
    passwords: Passwords,
    actor: CurrentUser,
    account_id: UUID,
    *,
    roles: Iterable[Role] | None = None,
    disabled: bool | None = None,
    password: str | None = None,
    address: str = "",
) -> Account:
    """Change what a game master may; ends the sign-ins of whoever may do less afterwards."""
    new_hash: str | None = None
    if password is not None:
        name = await session.scalar(select(Account.name).where(Account.id == account_id))
        acceptable(password, name=name or "")
        new_hash = await passwords.hash(password)
    await session.execute(text(f"SELECT pg_advisory_xact_lock({_LAST_MASTER_LOCK})"))
    account = await session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise NotFoundError("no such account")
    said: dict[str, object] = {}
    was_master = _master(account)
    if roles is not None:
        said["roles"] = {"before": account.roles, "after": sorted(set(roles))}
        account.roles = sorted(set(roles))
    if disabled is not None and disabled != (account.disabled_at is not None):
        said["disabled"] = disabled
        account.disabled_at = datetime.now(UTC) if disabled else None
    if new_hash is not None:
        said["password"] = "replaced"  # noqa: S105 - that it was, not which
        account.password_hash = new_hash
    await session.flush()
    if was_master and not _master(account) and not await _masters(session):
        raise ConflictError("somebody must stay game master", slug="last-game-master")
    if said:
        await sessions.end_all(session, account_id, personal=bool(disabled or new_hash))
        audit.record(
            session,
            actor,
            "account.changed",
            subject=("account", account_id),
            detail=said,
            address=address,
        )
    await session.refresh(account)
    return account


def _master(account: Account) -> bool:
    return Role.GAME_MASTER in account.roles and account.disabled_at is None


async def _masters(session: AsyncSession) -> int:
    wanted = select(func.count()).select_from(Account)
    able = Account.roles.contains([Role.GAME_MASTER])
    return await session.scalar(wanted.where(able, Account.disabled_at.is_(None))) or 0


async def change_password(
    session: AsyncSession,
    passwords: Passwords,
    actor: CurrentUser,
    *,
    current: str,
    new: str,
    address: str,
) -> None:
    """Replace the caller's own password; all sign-ins end, personal tokens stay."""
    name = (await own(session, actor)).name
    acceptable(new, name=name)
    account = await sessions.checked(
        session, passwords, name=name, password=current, address=address
    )
    new_hash = await passwords.hash(new)
    account.password_hash = new_hash
    await sessions.end_all(session, account.id)
    audit.record(
        session, actor, "password.changed", subject=("account", account.id), address=address
    )


async def own(session: AsyncSession, user: CurrentUser) -> Account:
    """Return the caller's account; raises `ForbiddenError` for people of another service."""
    if user.token_id is not None:
        raise ForbiddenError("a personal access token may not do this; sign in")
    account = await session.get(Account, user.id)
    if account is None or account.disabled_at is not None:
        raise ForbiddenError("this is for accounts of our own")
    return account


async def page(
    session: AsyncSession, *, limit: int, cursor: str | None
) -> tuple[list[Account], str | None]:
    """Return accounts by name, and the cursor of the next page."""
    wanted = select(Account).order_by(func.lower(Account.name)).limit(limit + 1)
    if cursor is not None:
        (last,) = paging.decode(cursor)
        wanted = wanted.where(func.lower(Account.name) > last)
    found = list(await session.scalars(wanted))
    more = len(found) > limit
    found = found[:limit]
    return found, paging.encode(found[-1].name.lower()) if more else None


async def make_token(
    session: AsyncSession,
    user: CurrentUser,
    *,
    name: str,
    scopes: Iterable[Scope],
    lifetime: timedelta,
) -> tuple[Token, str]:
    """Make a personal access token; returns its row and, this once, the token itself."""
    await own(session, user)
    for scope in scopes:
        user.need_scope(scope)
    # The account's row is locked so that two requests cannot both make the last token allowed.
    await session.get(Account, user.id, with_for_update=True, populate_existing=True)
    live = await session.scalar(select(func.count()).select_from(Token).where(*_personal(user.id)))
    if (live or 0) >= TOKENS_MAX:
        raise ConflictError(f"nobody may have more than {TOKENS_MAX} tokens", slug="tokens-max")
    minted = opaque.mint(opaque.PERSONAL)
    held = Token(
        id=new_id(),
        account_id=user.id,
        kind=TokenKind.PERSONAL,
        family_id=new_id(),
        name=name,
        prefix=minted.prefix,
        token_hash=minted.hash,
        scopes=sorted(set(scopes)),
        expires_at=datetime.now(UTC) + lifetime,
    )
    session.add(held)
    detail = {"prefix": held.prefix, "scopes": held.scopes}
    audit.record(session, user, "token.created", subject=("token", held.id), detail=detail)
    await session.flush()
    await session.refresh(held)
    return held, minted.text


async def tokens(session: AsyncSession, user: CurrentUser) -> list[Token]:
    """Return the caller's personal tokens that were not revoked."""
    wanted = select(Token).where(*_personal(user.id)).order_by(Token.id).limit(TOKENS_MAX)
    return list(await session.scalars(wanted))


async def revoke_token(session: AsyncSession, user: CurrentUser, token_id: UUID) -> None:
    """Revoke one of the caller's personal tokens, or that which they use."""
    if user.token_id not in {None, token_id}:
        raise ForbiddenError("a personal access token may revoke only itself")
    held = await session.scalar(
        select(Token).where(Token.id == token_id, *_personal(user.id)).with_for_update()
    )
    if held is None:
        raise NotFoundError("no such token")
    held.revoked_at = datetime.now(UTC)
    audit.record(session, user, "token.revoked", subject=("token", token_id))


async def prune(session: AsyncSession) -> int:
    """Delete tokens that ended long ago and counts that are over; returns how many."""
    before = datetime.now(UTC) - ENDED_KEPT
    done = await session.execute(
        delete(Token).where(or_(Token.expires_at < before, Token.revoked_at < before))
    )
    return int(getattr(done, "rowcount", 0)) + await attempts.prune(session)


def _personal(account_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        Token.account_id == account_id,
        Token.kind == TokenKind.PERSONAL,
        Token.revoked_at.is_(None),
    )
