"""Choosing what is judged again, inside PostgreSQL: a set may be hundreds of thousands."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    Select,
    Text,
    Uuid,
    cast,
    func,
    insert,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser, Role
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    CodeSubmission,
    EventProblem,
    Judging,
    JudgingState,
    Queue,
)
from api.errors import ForbiddenError, InvalidError
from api.problems import queries as problems
from api.rejudging.schemas import NewRejudging, Selection
from api.settings import Settings

# Rows of one statement, so that none of them runs into the time a statement may take.
CHUNK = 20_000
FINAL: ColumnElement[bool] = literal_column("judgings.state IN ('done', 'failed')", Boolean)
# A UUID of version 7, made where the rows are.
_NEW_ID = literal_column(
    "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing"
    " substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) from 3)"
    " from 1 for 6), 52, 1), 53, 1), 'hex')::uuid",
    Uuid,
)


class Chosen:
    """A selection somebody is allowed to make, as conditions; `against` is a version or nothing."""

    def __init__(
        self, conditions: list[ColumnElement[bool]], worker: UUID | None, against: UUID | None
    ) -> None:
        self._conditions = conditions
        self._worker = worker
        self._against = against

    async def count(self, session: AsyncSession, most: int) -> tuple[int, int]:
        """Return how many would be chosen, up to `most`, and how many are not judged yet."""
        final = select(self._some(literal(1)).where(FINAL).limit(most).subquery())
        waiting = select(self._some(literal(1)).where(~FINAL).limit(most).subquery())
        counts = [
            await session.scalar(select(func.count()).select_from(each.subquery()))
            for each in (final, waiting)
        ]
        return counts[0] or 0, counts[1] or 0

    async def queue(
        self, session: AsyncSession, settings: Settings, rejudging_id: UUID, most: int
    ) -> int:
        """Queue a judging for each of them, at most so many; returns how many.

        Each waits a step longer than the one before, so that a set of any size leaves room.
        """
        made, last = 0, None
        while made < most:
            rows = await session.execute(
                insert(Judging)
                .from_select(
                    [
                        *("id", "submission_id", "version_id", "user_id", "room_id"),
                        *("rejudging_id", "replaces_id", "barred_workers"),
                        *("is_current", "state", "queue", "due_at"),
                    ],
                    self._rows(settings, rejudging_id, made, last).limit(min(CHUNK, most - made)),
                    include_defaults=False,
                )
                .returning(Judging.submission_id)
                .execution_options(synchronize_session=False)
            )
            some = rows.scalars().all()
            made += len(some)
            if len(some) < CHUNK:
                break
            last = max(some)
        return made

    def _rows(
        self, settings: Settings, rejudging_id: UUID, made: int, last: UUID | None
    ) -> Select[*tuple[object, ...]]:
        place = func.row_number().over(order_by=CodeSubmission.id) + made
        seconds = settings.rejudge_delay_s + cast(place, Float) * settings.fair_step_s
        query = (
            self._some(
                _NEW_ID,
                CodeSubmission.id,
                # Inside an event by what is handed in there now, too.
                func.coalesce(EventProblem.version_id, CodeProblem.current_version_id)
                if self._against is None
                else literal(self._against, Uuid),
                CodeSubmission.user_id,
                CodeSubmission.room_id,
                literal(rejudging_id, Uuid),
                Judging.id,
                literal([self._worker] if self._worker else [], ARRAY(Uuid)),
                literal(value=False),
                literal(JudgingState.QUEUED.value, Text),
                literal(Queue.REJUDGE.value, Text),
                func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds),
            )
            .where(FINAL)
            .order_by(CodeSubmission.id)
        )
        return query if last is None else query.where(CodeSubmission.id > last)

    def _some(self, *columns: Any) -> Select[*tuple[object, ...]]:
        return (
            select(*columns)
            .select_from(CodeSubmission)
            .join(Judging, (Judging.submission_id == CodeSubmission.id) & Judging.is_current)
            .join(CodeProblem, CodeProblem.id == CodeSubmission.problem_id)
            .outerjoin(
                EventProblem,
                (EventProblem.event_id == CodeSubmission.event_id)
                & (EventProblem.problem_id == CodeSubmission.problem_id)
                & CodeSubmission.entry_id.is_not(None),
            )
            .where(*self._conditions)
        )


async def choose(session: AsyncSession, user: CurrentUser, new: NewRejudging) -> Chosen:
    """Return a selection; raises for problems and versions there are not, or not for the caller."""
    wanted = new.selection
    version = against = None
    problem = None
    if wanted.problem is not None:
        problem, _ = await problems.one(session, user, wanted.problem)
        if wanted.version is not None:
            version = await _version(session, problem.id, wanted.version)
        if new.against is not None:
            against = await _version(session, problem.id, new.against)
    if not user.has(Role.GAME_MASTER) and (problem is None or problem.owner_id != user.id):
        raise ForbiddenError("authors rejudge their own problems: select one of them")
    conditions = _conditions(wanted)
    if not user.has(Role.GAME_MASTER):
        # Whose problem is played does not decide who wins: they may play there themselves.
        conditions.append(CodeSubmission.event_id.is_(None))
    if problem is not None:
        conditions.append(CodeSubmission.problem_id == problem.id)
    if version is not None:
        conditions.append(Judging.version_id == version)
    return Chosen(conditions, wanted.worker, against)


def _conditions(wanted: Selection) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (CodeSubmission.event_id, wanted.event_id),
            (CodeSubmission.room_id, wanted.room_id),
            (CodeSubmission.user_id, wanted.user_id),
            (CodeSubmission.language, wanted.language),
            (Judging.judged_by, wanted.worker),
        )
        if value is not None
    ]
    if wanted.verdicts is not None:
        found.append(Judging.verdict.in_(wanted.verdicts))
    if wanted.submission_ids is not None:
        found.append(CodeSubmission.id.in_(wanted.submission_ids))
    if wanted.since is not None:
        found.append(CodeSubmission.submitted_at >= wanted.since)
    if wanted.until is not None:
        found.append(CodeSubmission.submitted_at < wanted.until)
    return found


async def _version(session: AsyncSession, problem_id: UUID, number: int) -> UUID:
    found = await session.scalar(
        select(CodeProblemVersion.id).where(
            CodeProblemVersion.problem_id == problem_id, CodeProblemVersion.number == number
        )
    )
    if found is None:
        raise InvalidError(f"the problem has no version {number}", slug="version-unknown")
    return found
