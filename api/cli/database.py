"""`codebattle db …`: the schema and who may use it."""

import asyncio
from typing import Annotated

import typer

from judge.errors import UsageError

app = typer.Typer(help="The database: schema, roles.", no_args_is_help=True)


def _url() -> str:
    from api.cli.reading import database

    return database().database_url.get_secret_value()


@app.command()
def upgrade(target: Annotated[str, typer.Argument(help="A revision, or head.")] = "head") -> None:
    """Move the schema up."""
    from api.db import migrating

    asyncio.run(migrating.upgrade(_url(), target))
    status()


@app.command()
def downgrade(target: Annotated[str, typer.Argument(help="A revision, -1, or base.")]) -> None:
    """Move the schema down. What the newer schema held is lost."""
    from api.db import migrating

    asyncio.run(migrating.downgrade(_url(), target))
    status()


@app.command()
def status() -> None:
    """Say where the schema is. Exit 1 when steps are pending."""
    from api.db import migrating

    found = asyncio.run(migrating.status(_url()))
    print(f"schema at {found.current or 'nothing'}, newest is {found.head}")
    for step in found.pending:
        print(f"pending: {step}")
    if found.pending:
        raise typer.Exit(1)


@app.command()
def new(message: Annotated[str, typer.Argument(help="What the step does.")]) -> None:
    """Write a step from the schema as it is to the models as they are."""
    from api.db import migrating

    asyncio.run(migrating.new(_url(), message))


@app.command()
def roles(
    show: Annotated[bool, typer.Option("--show", help="Only print the script.")] = False,
    login: Annotated[
        str,
        typer.Option(help="Also let this user in, with the first role; password: see below."),
    ] = "",
    password: Annotated[str, typer.Option(envvar="CODEBATTLE_LOGIN_PASSWORD", hidden=True)] = "",
) -> None:
    """Create the two roles: codebattle_rw for the service, codebattle_ro for people who look.

    The password of --login is read from CODEBATTLE_LOGIN_PASSWORD.
    """
    from api.db import roles as script

    if show:
        print(script.SCRIPT)
        return
    if login and not password:
        raise UsageError("--login: set CODEBATTLE_LOGIN_PASSWORD")
    asyncio.run(script.create(_url(), login=login, password=password))
    print(f"roles: {script.READ_WRITE}, {script.READ_ONLY}" + (f"; user: {login}" if login else ""))
