"""Whole boards for other programs: CSV and JSON, a page of rows at a time."""

import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import EntryKind, EventProblem
from api.leaderboards import apart, momentary, queries, schemas, viewing
from api.leaderboards.apart import Which
from api.leaderboards.momentary import Ground, Then
from api.leaderboards.overridden import Marks
from api.leaderboards.queries import Among, Ranked

PAGE = 500
# Spreadsheets run what begins with these; a quote before it makes it text.
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = ("rank", "name", "entry_id", "guild_id", "room_id", "score", "penalty", "last")
_OF_CELL = ("score", "attempts", "pending", "at_s", "overridden")
Rows = AsyncIterator[Sequence[Ranked]]


def rows(session: AsyncSession, among: Among) -> Rows:
    """Return all rows page by page; the transaction must see one state all along."""
    return _paged(lambda after: queries.page(session, among, limit=PAGE, after=after))


def of_virtual(session: AsyncSession, on: Ground, among: Among, then: Then) -> Rows:
    """Return the same of a virtual board of a moment."""
    return _paged(lambda after: momentary.page(session, on, among, then, limit=PAGE, after=after))


def of_practice(session: AsyncSession, event_id: UUID) -> Rows:
    """Return the same of what was solved after the end."""
    which = Which(event_id=event_id, kind=EntryKind.PRACTICE)
    return _paged(lambda after: apart.page(session, which, limit=PAGE, after=after))


async def _paged(read: Callable[[UUID | None], Awaitable[Sequence[Ranked]]]) -> Rows:
    after = None
    while True:
        page = await read(after)
        yield page
        if len(page) < PAGE:
            return
        after = page[-1].entry_id


async def as_csv(
    tasks: Sequence[EventProblem], pages: Rows, marks: Marks, *, kinds: bool = False
) -> AsyncIterator[bytes]:
    """Write rows as CSV, five columns for each problem; with a column for what `kinds` they are."""
    columns = (*_COLUMNS, "kind") if kinds else _COLUMNS
    names = [f"{task.label} {name}" for task in tasks for name in _OF_CELL]
    yield _lines([(*columns, *names)])
    async for page in pages:
        rows = viewing.shown(page, tasks)
        marks.on(rows)
        yield _lines(_record(row, columns, tasks) for row in rows)


async def as_json(
    head: Mapping[str, Any], tasks: Sequence[EventProblem], pages: Rows, marks: Marks
) -> AsyncIterator[bytes]:
    """Write a board as one JSON document."""
    above = schemas.BoardHead(**head).model_dump_json()
    yield f'{above.removesuffix("}")},"rows":['.encode()
    comma = ""
    async for page in pages:
        if page:
            rows = viewing.shown(page, tasks)
            marks.on(rows)
            yield (comma + ",".join(row.model_dump_json() for row in rows)).encode()
            comma = ","
    yield b"]}\n"


def safe(value: Any) -> Any:
    """Return a value no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RUN) else value


def _record(
    row: schemas.BoardRow, columns: Iterable[str], tasks: Iterable[EventProblem]
) -> list[Any]:
    record = [_plain(getattr(row, name)) for name in columns]
    for task in tasks:
        cell = row.cells.get(task.label)
        record += [None if cell is None else _plain(getattr(cell, name)) for name in _OF_CELL]
    return record


def _plain(value: Any) -> Any:
    # Numbers and truths are written as JSON writes them: 3, 2.5, true.
    if isinstance(value, float | bool):
        return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
    return value if value is None or isinstance(value, int) else str(value)


def _lines(records: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    for record in records:
        writer.writerow([safe(each) for each in record])
    return text.getvalue().encode()
