"""Showing the whole board: the jury's rows take the place of those that everybody saw."""

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import BoardCell, BoardGuild, BoardRow, BoardTally, Event

_TO_PUBLIC = {
    "board_cells": text("""
        INSERT INTO codebattle.board_cells SELECT
            event_id, true, entry_id, problem_id, attempts, pending, pending_since_us, score,
            penalty, at_us, submission_id, solved_us, solved_submission, first, bonus
        FROM codebattle.board_cells WHERE event_id = :event_id AND NOT public
    """),
    "board_rows": text("""
        INSERT INTO codebattle.board_rows SELECT
            event_id, true, entry_id, room_id, guild_id, lost, penalty, last, cells
        FROM codebattle.board_rows WHERE event_id = :event_id AND NOT public
    """),
    "board_tallies": text("""
        INSERT INTO codebattle.board_tallies (event_id, public, step, part, entries)
        SELECT event_id, true, step, part, entries
        FROM codebattle.board_tallies WHERE event_id = :event_id AND NOT public
    """),
    "board_guilds": text("""
        INSERT INTO codebattle.board_guilds SELECT
            event_id, true, guild_id, lost, penalty, last
        FROM codebattle.board_guilds WHERE event_id = :event_id AND NOT public
    """),
}


async def show_all(session: AsyncSession, event: Event) -> None:
    """Put the jury's board in the place of the public one."""
    for model in (BoardCell, BoardRow, BoardTally, BoardGuild):
        await session.execute(
            delete(model)
            .where(model.event_id == event.id, model.public)
            .execution_options(synchronize_session=False)
        )
        await session.execute(_TO_PUBLIC[model.__tablename__], {"event_id": event.id})
