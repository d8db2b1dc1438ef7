"""`codebattle user …`: local accounts."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from api.auth import Role

app = typer.Typer(help="Local accounts and tokens.", no_args_is_help=True)


@app.command()
def token(
    user_id: Annotated[UUID, typer.Argument(help="Who the token speaks for.")],
    role: Annotated[list[str] | None, typer.Option(help="Default: player.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=24 * 366)] = 24,
) -> None:
    """Print a bearer token signed with the service's own secret."""
    from api.auth import bearer
    from api.cli.reading import database

    roles = _roles(role)
    print(
        bearer.issue(
            database(), user_id=user_id, name="", roles=roles, lifetime=timedelta(hours=hours)
        )
    )


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[list[str] | None, typer.Option(help="Default: player.")] = None,
    password: Annotated[
        str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True)
    ] = "",
) -> None:
    """Make an account, or give an account that exists a new password and roles."""
    from api.accounts import service
    from api.cli.reading import database
    from api.wiring import opened

    roles = _roles(role)

    async def run() -> UUID:
        async with (
            opened(database(), application="codebattle user") as parts,
            parts.sessions() as session,
        ):
            made = await service.ensure(session, name=name, password=password, roles=roles)
            await session.commit()
            return made

    print(asyncio.run(run()))


def _roles(names: list[str] | None) -> "list[Role]":
    from api.auth import Role
    from judge.errors import UsageError

    try:
        return [Role(each) for each in names or ["player"]]
    except ValueError as error:
        raise UsageError(f"{error}: there are {', '.join(Role)}") from error
