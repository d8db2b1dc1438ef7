"""`codebattle leaderboard …`: boards proved, mended and shown, past the service."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from judge.errors import EngineError, UsageError

if TYPE_CHECKING:
    from api.db.engine import Sessions
    from api.db.models import Event

app = typer.Typer(help="Boards of events.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="EVENT", help="Slug or id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
_ResultT = TypeVar("_ResultT")


@app.command()
def rebuild(
    event: Name,
    check: Annotated[bool, typer.Option("--check", help="Change nothing, only compare.")] = False,
    as_json: Json = False,
) -> None:
    """Make a board anew from the log of judgements, or compare the kept one with that.

    Others judge and play on meanwhile. The exit code is 1 when they differ with --check, or still
    do after it was made anew.
    """

    async def run(sessions: "Sessions", found: "Event") -> bool:
        from api.leaderboards import mending

        proof = await mending.prove(sessions, found.id)
        wanted = not check and not proof.equal
        now = await mending.mend(sessions, found.id) if wanted else proof
        if as_json:
            _json(
                event=found.slug,
                equal=proof.equal,
                rows=proof.rows,
                waiting=proof.waiting,
                kept=proof.kept,
                made=proof.made,
                differences=list(proof.differences),
                rebuilt=wanted and now.equal,
            )
            return now.equal
        for each in (*proof.differences, *(now.differences if wanted else ())):
            print(each)
        said = "equal" if proof.equal else "different" if check else "was different; rebuilt"
        if wanted and not now.equal:
            said = "different, also after it was made anew"
        print(f"{found.slug}: {said}; {now.rows} cells, rows and guilds; sha256 {now.made}")
        return now.equal

    if not _run(event, run):
        raise typer.Exit(1)


@app.command()
def show(
    event: Name,
    at: Annotated[
        str | None, typer.Option(help="As it was then, as 2026-05-01T14:30:00Z says it.")
    ] = None,
    jury: Annotated[bool, typer.Option("--jury", help="With what a freeze hides.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Rows.")] = 20,
    as_json: Json = False,
) -> None:
    """Print the top of a board, as it is or as it was."""
    until = None if at is None else _moment(at)

    async def run(sessions: "Sessions", found: "Event") -> None:
        from api.leaderboards import instants, queries, viewing
        from api.leaderboards.queries import Among

        among = Among(event_id=found.id, public=not jury)
        async with sessions() as session:
            tasks = await viewing.problems(session, found.id)
            if until is None:
                rows = await queries.page(session, among, limit=limit)
            else:
                past = await instants.board(session, found, public=not jury, until=until)
                rows = instants.page(past, among, limit=limit, after=None)
        for row in viewing.shown(rows, tasks):
            if as_json:
                print(row.model_dump_json())
                continue
            # What players call themselves may hold anything.
            name = json.dumps(row.name, ensure_ascii=True)[1:-1]
            solved = " ".join(label for label, cell in row.cells.items() if cell.solved)
            print(
                f"{row.rank:>5}  {row.score:>10g}  {row.penalty:>7}  {name:<30}  {solved}".rstrip()
            )

    _run(event, run)


def _run(name: str, act: Callable[["Sessions", "Event"], Awaitable[_ResultT]]) -> _ResultT:
    """Do something with an event; what the database has against it is one line."""
    from sqlalchemy import select
    from sqlalchemy.exc import DBAPIError

    from api.cli.reading import database
    from api.db.models import Event
    from api.wiring import opened

    async def run() -> _ResultT:
        async with opened(database(), application="codebattle leaderboard") as parts:
            async with parts.sessions() as session:
                found = await session.scalar(
                    select(Event).where(
                        (Event.slug == name) if (key := _uuid(name)) is None else Event.id == key
                    )
                )
            if found is None:
                raise UsageError(f"event: there is none called {name[:80]!r}")
            return await act(parts.sessions, found)

    try:
        return asyncio.run(run())
    except (DBAPIError, OSError) as error:
        said = str(error).partition("\n")[0]
        raise EngineError(f"database: {said}; see CODEBATTLE_DATABASE_URL") from error


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _moment(said: str) -> datetime:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise UsageError(f"--at: {said[:80]!r} is no time") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _json(**values: Any) -> None:
    print(json.dumps(values))
