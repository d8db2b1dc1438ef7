"""What endpoints ask for: parts, a database session, the caller."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser, Role, Scope
from api.errors import UnauthenticatedError
from api.wiring import Parts

ANONYMOUS = "requests without a valid token"
_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    bearerFormat="JWT",
    description="A JWT or a personal access token.",
)


async def parts(request: Request) -> Parts:
    """Return the parts this application is made of.

    Like all dependencies it is a coroutine: FastAPI would send a plain function to a thread.
    """
    found: Parts = request.app.state.parts
    return found


PartsDep = Annotated[Parts, Depends(parts)]


def address(request: Request) -> str:
    """Return where a request comes from; behind a proxy, the server is told to trust it."""
    return request.client.host if request.client is not None else ""


async def session(held: PartsDep) -> AsyncIterator[AsyncSession]:
    """Give one transaction to a request; it is committed before the response is sent."""
    async with held.sessions() as opened:
        yield opened
        await opened.commit()


# By default FastAPI would run what follows the yield after the response: too late to fail.
SessionDep = Annotated[AsyncSession, Depends(session, scope="function")]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def maybe_user(
    request: Request, held: PartsDep, credentials: Credentials
) -> CurrentUser | None:
    """Return the caller, or None without a token; a token that does not hold is refused.

    Those who have none, or guess, are counted by their address.
    """
    if credentials is None:
        held.anonymous.take(address(request), ANONYMOUS)
        return None
    try:
        return await held.verifier.user(credentials.credentials, held.sessions)
    except UnauthenticatedError:
        held.anonymous.take(address(request), ANONYMOUS)
        raise


MaybeUserDep = Annotated[CurrentUser | None, Depends(maybe_user)]


async def current_user(user: MaybeUserDep) -> CurrentUser:
    """Return the caller; raises `UnauthenticatedError` when there is none."""
    if user is None:
        raise UnauthenticatedError("a bearer token is needed")
    return user


UserDep = Annotated[CurrentUser, Depends(current_user)]


async def maybe_reader(user: MaybeUserDep) -> CurrentUser | None:
    """Return the caller, or None without a token; one with a token may read by it."""
    if user is not None:
        user.need_scope(Scope.READ)
    return user


async def game_master(user: UserDep) -> CurrentUser:
    """Return the caller if a game master, by a token that is for such acts."""
    user.need(Role.GAME_MASTER)
    user.need_scope(Scope.ADMIN)
    return user


MaybeReaderDep = Annotated[CurrentUser | None, Depends(maybe_reader)]
GameMasterDep = Annotated[CurrentUser, Depends(game_master)]
