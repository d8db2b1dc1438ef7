"""Which cells of a board hold a verdict of the jury's: said of a page when it is made.

Overrides are few, so they are read from the sets that made them, and nothing of them is kept with
a cell. What the board does not show is not marked either: what a freeze hides, or what was said
after the moment it is of.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.leaderboards import schemas

_FOUND = text("""
SELECT submission.entry_id, submission.problem_id
FROM codebattle.rejudgings AS made
JOIN codebattle.judgings AS judging
    ON judging.rejudging_id = made.id AND judging.is_current AND judging.metadata ? 'override'
JOIN codebattle.code_submissions AS submission ON submission.id = judging.submission_id
JOIN codebattle.event_entries AS entry ON entry.id = submission.entry_id
JOIN codebattle.events AS event ON event.id = entry.event_id
WHERE made.state = 'applied' AND made.selection ? 'override' AND event.id = :event_id
    AND (:hidden_from IS NULL OR submission.submitted_at < :hidden_from OR EXISTS (
        SELECT FROM codebattle.board_reveals AS revealed WHERE revealed.event_id = event.id
            AND revealed.entry_id = submission.entry_id
            AND revealed.problem_id = submission.problem_id
    ))
    AND (:until IS NULL OR made.finished_at <= :until)
    -- The board of a finalised event stays as it is.
    AND (event.finalised_at IS NULL OR made.finished_at <= event.finalised_at
        OR entry.kind <> 'official')
""").bindparams(
    bindparam("hidden_from", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
)


class Marks:
    """The cells of an event's board that are the jury's word."""

    def __init__(self, head: schemas.BoardHead, cells: Iterable[tuple[UUID, UUID]]) -> None:
        labels = {each.problem_id: each.label for each in head.problems}
        self._cells = {(entry, labels[task]) for entry, task in cells if task in labels}

    def on(self, rows: Iterable[schemas.BoardRow | None]) -> None:
        """Mark them on rows."""
        for row in rows:
            if row is None or not self._cells:
                continue
            for label, cell in row.cells.items():
                cell.overridden = (row.entry_id, label) in self._cells


async def of(session: AsyncSession, head: schemas.BoardHead) -> Marks:
    """Return the marks of a board, as whoever it is for may see them."""
    found = await session.execute(
        _FOUND,
        {"event_id": head.event_id, "hidden_from": head.frozen_since, "until": head.at},
    )
    return Marks(head, [(row.entry_id, row.problem_id) for row in found])


async def marked(session: AsyncSession, board: schemas.Board) -> schemas.Board:
    """Mark a page, and the caller's own row, and return it."""
    (await of(session, board)).on((*board.rows, board.own))
    return board
