"""The desk: submissions of one moment are stored together and answered each for itself."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import column, func, select, table, update
from sqlalchemy.engine import make_url

from api.auth import CurrentUser, Role
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    CodeSubmission,
    Judging,
    Queue,
    Visibility,
)
from api.errors import ApiError
from api.problems.service import Imported
from api.submissions.desk import Desk
from api.submissions.intake import Intake, Taken
from api.submissions.schemas import NewSubmission
from api.wiring import Parts

_backends = table("pg_stat_activity", column("pid"), column("datname"))
ALICE, BOB = (CurrentUser(id=uuid4()) for _ in range(2))


def new(source: str = "AC", *, problem: str = "hello") -> NewSubmission:
    """Return a submission."""
    return NewSubmission(problem=problem, language="python3", source=source)


async def together(
    desk: Desk, *given: tuple[CurrentUser, NewSubmission], key: str | None = None
) -> list[Taken | BaseException]:
    """Hand in at the same moment."""
    return await asyncio.gather(
        *(desk.take(user, each, key=key, request_id="test", peer="") for user, each in given),
        return_exceptions=True,
    )


async def versions(parts: Parts, taken: Taken) -> set[UUID]:
    """Return the versions a submission is judged by."""
    async with parts.sessions() as session:
        rows = await session.scalars(
            select(Judging.version_id).where(Judging.submission_id == taken.id)
        )
        return set(rows)


class _Broken(Desk):
    """Stores what says `broken` with a version that does not exist."""

    def _intake(self, *given: object) -> Intake:
        made = super()._intake(*given)  # type: ignore[arg-type]
        broken = b"broken" in next(iter(made.submission.files.values()))
        return replace(made, version_id=uuid4()) if broken else made


async def test_a_row_that_is_refused_harms_no_neighbour(parts: Parts, hello: Imported) -> None:
    """Each of a batch has its own fate; what one lacks is not taken from the others."""
    async with aclosing(_Broken(parts)) as desk:
        answers = await together(
            desk,
            *((ALICE, new("AC")), (BOB, new("broken")), (BOB, new("WA"))),
            *((ALICE, new(problem="nothing")), (ALICE, new("RTE"))),
        )
        after = await desk.take(BOB, new(), key=None, request_id="test", peer="")
    async with parts.sessions() as session:
        stored = set(await session.scalars(select(CodeSubmission.id)))
        judgings = await session.scalar(select(func.count()).select_from(Judging))

    assert isinstance(answers[1], asyncpg.ForeignKeyViolationError)
    assert isinstance(answers[3], ApiError)
    assert answers[3].type.endswith(":problem-not-found")
    taken = [each for each in (*answers, after) if isinstance(each, Taken)]
    assert {each.id for each in taken} == stored
    assert len(stored) == judgings == 4
    assert await versions(parts, after) == {hello.version_id}


async def test_a_batch_counts_for_its_users(parts: Parts, hello: Imported) -> None:
    """Places in the queue and the bound on what waits are as if they had come one by one."""
    del hello
    held = replace(parts, settings=parts.settings.model_copy(update={"user_queued_max": 3}))
    async with aclosing(Desk(held)) as desk:
        answers = await together(desk, *((ALICE, new()) for _ in range(5)), (BOB, new()))
    async with parts.sessions() as session:
        query = select(Judging).where(Judging.user_id == ALICE.id).order_by(Judging.due_at)
        mine = await session.scalars(query)
        delays = [(each.due_at - each.queued_at).total_seconds() for each in mine]

    refused = [each for each in answers if isinstance(each, ApiError)]
    assert [each.type.rpartition(":")[2] for each in refused] == ["quota", "quota"]
    assert delays == [0, 2, 4]
    assert isinstance(answers[-1], Taken)


async def test_the_same_key_in_one_batch_makes_one(parts: Parts, hello: Imported) -> None:
    """Whoever comes second gets what the first one made; for somebody else it is a new one."""
    del hello
    async with aclosing(Desk(parts)) as desk:
        first, again, other = await together(desk, *((ALICE, new()),) * 2, (BOB, new()), key="k")

    assert isinstance(first, Taken)
    assert isinstance(again, Taken)
    assert isinstance(other, Taken)
    assert (again.id, again.replayed) == (first.id, True)
    assert other.id != first.id


async def test_an_edit_holds_from_the_next_submission_on(parts: Parts, hello: Imported) -> None:
    """Whichever process it came to: nothing of a problem is remembered between batches."""
    async with aclosing(Desk(parts)) as desk:
        before = await desk.take(ALICE, new(), key=None, request_id="test", peer="")
        async with parts.sessions() as session:
            old = await session.get_one(CodeProblemVersion, hello.version_id)
            columns = {each.key for each in CodeProblemVersion.__table__.columns}
            names = columns - {"id", "number", "metadata", "created_at", "updated_at"}
            edited = CodeProblemVersion(number=2, **{name: getattr(old, name) for name in names})
            session.add(edited)
            await session.flush()
            await session.execute(update(CodeProblem).values(current_version_id=edited.id))
            await session.commit()
        after = await desk.take(ALICE, new(), key=None, request_id="test", peer="")
        async with parts.sessions() as session:
            await session.execute(update(CodeProblem).values(visibility=Visibility.HIDDEN))
            await session.commit()
        (hidden,) = await together(desk, (ALICE, new()))

    assert await versions(parts, before) == {hello.version_id}
    assert await versions(parts, after) == {edited.id}
    assert isinstance(hidden, ApiError)
    assert hidden.type.endswith(":problem-not-found")


async def test_the_desk_outlives_its_connection(parts: Parts, hello: Imported) -> None:
    """A PostgreSQL that was restarted meanwhile costs nobody an answer."""
    del hello
    url = make_url(parts.settings.database_url.get_secret_value())
    async with aclosing(Desk(parts)) as desk:
        await desk.take(ALICE, new(), key=None, request_id="test", peer="")
        async with parts.sessions() as session:
            await session.execute(
                select(func.pg_terminate_backend(_backends.c.pid)).where(
                    _backends.c.datname == url.database, _backends.c.pid != func.pg_backend_pid()
                )
            )
        after = await desk.take(ALICE, new(), key=None, request_id="test", peer="")

    assert not after.replayed


async def test_neither_a_user_nor_a_room_starves_others(parts: Parts, hello: Imported) -> None:
    """Whoever comes after a pile of one user, or of a full room, is due before most of it."""
    del hello
    jury = frozenset({Role.GAME_MASTER})
    room = uuid4()
    pile = [
        *((ALICE, new()) for _ in range(40)),
        *(
            (
                CurrentUser(id=uuid4(), roles=jury),
                new().model_copy(update={"event_id": uuid4(), "room_id": room}),
            )
            for _ in range(40)
        ),
    ]
    lifted = replace(
        parts, settings=parts.settings.model_copy(update={"submissions_per_minute": 0})
    )
    async with aclosing(Desk(lifted)) as desk:
        answers = await together(desk, *pile)
        (late,) = await together(desk, (BOB, new()))
    assert not [each for each in (*answers, late) if isinstance(each, BaseException)]
    assert isinstance(late, Taken)
    async with parts.sessions() as session:
        in_order = list(await session.scalars(select(Judging.id).order_by(Judging.due_at)))
        queued = {row.id: row for row in await session.scalars(select(Judging))}
    before = [queued[each] for each in in_order[: in_order.index(late.judging_id)]]
    # One each of those who came first, and as many of the room as it may have at once.
    assert sum(each.user_id == ALICE.id for each in before) <= 2
    assert sum(each.room_id == room for each in before) <= 9


async def test_players_choose_neither_queue_nor_event(parts: Parts, hello: Imported) -> None:
    """Both decide who is judged first."""
    del hello
    async with aclosing(Desk(parts)) as desk:
        answers = await together(
            desk,
            (ALICE, new().model_copy(update={"queue": Queue.REJUDGE})),
            (ALICE, new().model_copy(update={"room_id": uuid4()})),
            (ALICE, new().model_copy(update={"event_id": uuid4()})),
        )

    assert [each.type.rpartition(":")[2] for each in answers if isinstance(each, ApiError)] == [
        *("forbidden", "event-not-found", "event-not-found")
    ]
