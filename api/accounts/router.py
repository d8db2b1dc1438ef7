"""`/v1/auth`, `/v1/me`, `/v1/accounts` and `/v1/audit`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, status
from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.accounts import attempts, schemas, service, sessions
from api.auth import Scope
from api.auth.verifier import local
from api.deps import GameMasterDep, PartsDep, SessionDep, UserDep, address
from api.documented import problems
from api.errors import ForbiddenError, NotFoundError
from api.live import Kind, Topic, Update
from api.paging import PAGE_DEFAULT, CursorParam, LimitParam
from api.wiring import Parts


async def _local(parts: PartsDep) -> None:
    """Answer 404 where people come from another service."""
    if not local(parts.settings):
        raise NotFoundError("there are no accounts here: sign in where your token comes from")


Word = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time that no calendar has") from error


def _written(moment: object) -> object:
    if isinstance(moment, str) and not moment[:11].endswith(("T", "t", " ")):
        raise ValueError("a time is written as RFC 3339 has it")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]
router = APIRouter(tags=["accounts"])
ours = APIRouter(dependencies=[Depends(_local)], responses=problems(404))


def _pair(given: sessions.SignedIn, parts: PartsDep) -> schemas.Pair:
    return schemas.Pair(
        access_token=given.access,
        expires_in_s=round(parts.settings.auth_access_s),
        refresh_token=given.refresh,
        refresh_expires_at=given.refresh_expires_at,
    )


@ours.post("/auth/register", status_code=201, responses=problems(403, 409, 429))
async def register_account(
    body: schemas.SignIn, parts: PartsDep, session: SessionDep, request: Request
) -> schemas.AccountShown:
    """Make an account as a player, where that is allowed."""
    if not parts.settings.auth_registration:
        raise ForbiddenError("ask a game master for an account", slug="registration-closed")
    await attempts.begin(session, None, address(request))
    made = await service.create(
        session,
        parts.passwords,
        name=body.name,
        password=body.password.get_secret_value(),
        address=address(request),
    )
    return schemas.AccountShown.model_validate(made)


@ours.post("/auth/login", responses=problems(401, 429))
async def sign_in(
    body: schemas.SignIn, parts: PartsDep, session: SessionDep, request: Request
) -> schemas.Pair:
    """Sign in with name and password."""
    given = await sessions.sign_in(
        session,
        parts.settings,
        parts.passwords,
        name=body.name,
        password=body.password.get_secret_value(),
        address=address(request),
    )
    return _pair(given, parts)


@ours.post("/auth/refresh", responses=problems(401))
async def refresh_tokens(
    body: schemas.RefreshGiven, parts: PartsDep, session: SessionDep
) -> schemas.Pair:
    """Change a refresh token for a new pair; the old one is spent."""
    given = await sessions.refresh(session, parts.settings, body.refresh_token.get_secret_value())
    return _pair(given, parts)


@ours.post("/auth/logout", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(body: schemas.RefreshGiven, session: SessionDep) -> None:
    """End a sign-in. The answer is the same whether there was one."""
    await sessions.sign_out(session, body.refresh_token.get_secret_value())


@router.get("/me")
async def get_me(user: UserDep) -> schemas.Me:
    """Tell who the caller is, as the token says."""
    return schemas.Me(
        id=user.id, name=user.name, roles=sorted(user.roles), scopes=sorted(user.scopes)
    )


@ours.post("/me/password", status_code=204, responses=problems(429))
async def change_password(
    body: schemas.PasswordChange,
    user: UserDep,
    parts: PartsDep,
    session: SessionDep,
    request: Request,
) -> None:
    """Replace one's own password; every sign-in ends."""
    await service.change_password(
        session,
        parts.passwords,
        user,
        current=body.current.get_secret_value(),
        new=body.new.get_secret_value(),
        address=address(request),
    )
    await _doubt(session, parts, user.id)


@ours.get("/me/tokens")
async def list_tokens(user: UserDep, session: SessionDep) -> schemas.TokenList:
    """List one's personal access tokens, without what makes them tokens."""
    user.need_scope(Scope.READ)
    found = await service.tokens(session, user)
    return schemas.TokenList(items=[schemas.TokenShown.model_validate(each) for each in found])


@ours.post("/me/tokens", status_code=201, responses=problems(409))
async def make_token(
    body: schemas.TokenWanted, user: UserDep, session: SessionDep
) -> schemas.TokenMade:
    """Make a personal access token; it is shown this once."""
    held, token = await service.make_token(
        session,
        user,
        name=body.name,
        scopes=body.scopes,
        lifetime=timedelta(seconds=body.lifetime_s),
    )
    shown = schemas.TokenShown.model_validate(held)
    return schemas.TokenMade(**shown.model_dump(), token=token)


@ours.delete("/me/tokens/{token_id}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_token(token_id: UUID, user: UserDep, parts: PartsDep, session: SessionDep) -> None:
    """Revoke a personal access token of one's own."""
    await service.revoke_token(session, user, token_id)
    await _doubt(session, parts, user.id)


@ours.get("/accounts")
async def list_accounts(
    _: GameMasterDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
) -> schemas.AccountPage:
    """List accounts by name."""
    found, following = await service.page(session, limit=limit, cursor=cursor)
    items = [schemas.AccountShown.model_validate(each) for each in found]
    return schemas.AccountPage(items=items, next_cursor=following)


@ours.post("/accounts", status_code=201, responses=problems(409))
async def create_account(
    body: schemas.AccountWanted,
    user: GameMasterDep,
    parts: PartsDep,
    session: SessionDep,
    request: Request,
) -> schemas.AccountShown:
    """Make an account with roles."""
    made = await service.create(
        session,
        parts.passwords,
        name=body.name,
        password=body.password.get_secret_value(),
        roles=body.roles,
        actor=user,
        address=address(request),
    )
    return schemas.AccountShown.model_validate(made)


@ours.patch("/accounts/{account_id}", responses=problems(409))
async def change_account(
    account_id: UUID,
    body: schemas.AccountChange,
    user: GameMasterDep,
    parts: PartsDep,
    session: SessionDep,
    request: Request,
) -> schemas.AccountShown:
    """Change roles or password, disable or enable; the account's sign-ins end."""
    changed = await service.change(
        session,
        parts.passwords,
        user,
        account_id,
        roles=body.roles,
        disabled=body.disabled,
        password=body.password.get_secret_value() if body.password is not None else None,
        address=address(request),
    )
    shown = schemas.AccountShown.model_validate(changed)
    await _doubt(session, parts, account_id)
    return shown


@router.get("/audit")
async def read_audit(
    _: GameMasterDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
    actor_id: UUID | None = None,
    action: Word = None,
    subject_kind: Word = None,
    subject_id: Word = None,
    since: Moment | None = None,
) -> schemas.AuditPage:
    """List privileged acts, newest first."""
    found, following = await audit.page(
        session,
        limit=limit,
        cursor=cursor,
        actor_id=actor_id,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        since=since,
    )
    items = [schemas.AuditShown.model_validate(each) for each in found]
    return schemas.AuditPage(items=items, next_cursor=following)


async def _doubt(session: AsyncSession, parts: Parts, account_id: UUID) -> None:
    """Commit, and have open streams of somebody ask anew whether they may go on."""
    await session.commit()
    parts.announcer.say([Topic.USER.of(account_id)], Update(kind=Kind.RIGHTS, data={}))


router.include_router(ours)
