"""`codebattle db backup`, `restore`, `check`, `drill`: what becomes of the data."""

import asyncio
import json
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from judge.doctor import Diagnosis, Level
from judge.errors import EngineError

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
_ResultT = TypeVar("_ResultT")
_WORST = (Level.OK, Level.WARN, Level.FAIL)


def backup(
    into: Annotated[Path, typer.Argument(help="Directory that gets a new directory.")],
    keep: Annotated[
        int | None, typer.Option(min=1, help="Remove older backups there beyond so many.")
    ] = None,
    blobs: Annotated[
        bool | None,
        typer.Option(help="Copy the blobs too; default: when they are on this machine."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a backup: a dump, the blobs it needs, a manifest. The service goes on meanwhile."""
    from api.backups.taking import take
    from api.cli.reading import database
    from api.settings import BlobPlace
    from api.wiring import blob_store

    chosen = database()
    copied = chosen.blob_store is BlobPlace.LOCAL if blobs is None else blobs
    url = chosen.database_url.get_secret_value()
    began = time.monotonic()
    taken = _run(take(url, blob_store(chosen), into, with_blobs=copied, keep=keep))
    made = taken.manifest
    if as_json:
        _json(
            backup=str(taken.directory),
            rows=sum(each.rows for each in made.tables.values()),
            blobs=len(made.blobs),
            with_blobs=made.with_blobs,
            dump_bytes=made.dump_bytes,
            removed=[str(each) for each in taken.removed],
            seconds=round(time.monotonic() - began, 1),
        )
        return
    rows = sum(each.rows for each in made.tables.values())
    kept = f"{len(made.blobs)} blobs" + ("" if made.with_blobs else " named, not copied")
    print(f"{taken.directory}: {rows} rows in {len(made.tables)} tables, {kept}")
    for each in taken.removed:
        print(f"removed {each}")


def restore(
    directory: Annotated[Path, typer.Argument(help="A directory that `db backup` made.")],
    force: Annotated[
        str | None, typer.Option(metavar="DATABASE", help="Replace what this database holds.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty database; everything is verified before and after."""
    from api.backups.restoring import restore as put_back
    from api.cli.reading import database
    from api.wiring import blob_store

    chosen = database()
    url = chosen.database_url.get_secret_value()
    made = _run(put_back(url, blob_store(chosen), directory, force=force))
    tables, blobs = len(made.manifest.tables), len(made.manifest.blobs)
    if as_json:
        _json(rows=made.rows, tables=tables, blobs=blobs, pending=list(made.pending))
        return
    print(f"restored {made.rows} rows in {tables} tables, {blobs} blobs; all as backed up")
    if made.pending:
        print(f"{len(made.pending)} migrations are newer: codebattle db upgrade")
    print("grants are not part of a backup: codebattle db roles")


def check(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only ask whether blobs are there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look for what must not be in the data, and blobs that are missing or damaged."""
    from api.backups.checking import check as look
    from api.cli.reading import database
    from api.wiring import blob_store

    chosen = database()
    store = blob_store(chosen)

    async def found() -> list[Diagnosis]:
        url = chosen.database_url.get_secret_value()
        return [each async for each in look(url, store, quick=quick)]

    raise typer.Exit(_say(_run(found()), as_json=as_json))


def drill(
    directory: Annotated[
        Path | None, typer.Argument(help="A backup; default: one is taken now.")
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Directory with room for a second copy of everything.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into a PostgreSQL of its own, check it, compare it, throw it away."""
    from api.backups.drilling import drill as practise
    from api.cli.reading import database
    from api.wiring import blob_store

    chosen = database()
    url = chosen.database_url.get_secret_value()
    done = _run(practise(url, blob_store(chosen), backup=directory, scratch=scratch))
    code = _say(done.findings, as_json=as_json)
    said = {
        name: getattr(done, name)
        for name in ("rows", "tables", "blobs", "backup_s", "restore_s", "check_s")
    }
    if as_json:
        _json(**said)
    else:
        print(
            f"{done.rows} rows in {done.tables} tables and {done.blobs} blobs came back as they"
            f" were: backup {done.backup_s} s, restore {done.restore_s} s, check {done.check_s} s"
        )
    raise typer.Exit(code)


def _run(work: Coroutine[Any, Any, _ResultT]) -> _ResultT:
    """Run it; what the database or the store says becomes one line."""
    from asyncpg import PostgresError
    from sqlalchemy.exc import SQLAlchemyError

    from api.blobs import BlobMissingError

    try:
        return asyncio.run(work)
    except (SQLAlchemyError, PostgresError) as error:
        # SQLAlchemy's own text quotes the statement.
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise EngineError(f"database: {said}") from error
    except BlobMissingError as error:
        raise EngineError(f"{error}; see codebattle db check") from error


def _say(findings: Iterable[Diagnosis], *, as_json: bool) -> int:
    worst = Level.OK
    count = 0
    for each in findings:
        count += 1
        worst = max(worst, each.level, key=_WORST.index)
        if as_json:
            _json(**each.to_json())
        else:
            remedy = f" ({each.remedy})" if each.remedy else ""
            print(f"{each.level.value:4} {each.name}: {each.found}{remedy}")
    if as_json:
        _json(findings=count, level=worst.value)
    return 1 if worst is Level.FAIL else 0


def _json(**said: Any) -> None:
    print(json.dumps(said, ensure_ascii=False))
