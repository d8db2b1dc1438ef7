"""The queue's promises: exactly one judgement, whatever happens to workers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from api.auth import CurrentUser, Role
from api.db.models import Judging, JudgingState, Outbox, Queue, Run
from api.problems.service import Imported
from api.submissions import claiming, storing
from api.submissions.claiming import Claim
from api.submissions.desk import Desk
from api.submissions.jobs import SubmissionJobs
from api.submissions.schemas import NewSubmission
from api.wiring import Parts
from judge.results import Judgement
from judge.verdicts import Verdict
from tests.api.submissions.conftest import ScriptedJudge, WorkerFor, looking

pytestmark = pytest.mark.usefixtures("hello")
ALICE, BOB = uuid4(), uuid4()


async def submitted(
    parts: Parts, source: str = "AC", *, user: UUID = ALICE, queue: Queue = Queue.INTERACTIVE
) -> UUID:
    """Submit and return the judging's id."""
    new = NewSubmission(problem="hello", language="python3", source=source, queue=queue)
    author = CurrentUser(id=user, roles=frozenset({Role.AUTHOR}))
    async with aclosing(Desk(parts)) as desk:
        taken = await desk.take(author, new, key=None, request_id="test", peer="")
    return taken.judging_id


async def row(parts: Parts, judging_id: UUID) -> Judging:
    """Read a judging."""
    async with parts.sessions() as session:
        return await session.get_one(Judging, judging_id)


async def claimed(parts: Parts, worker: UUID | None = None) -> Claim | None:
    """Claim as some worker."""
    async with parts.sessions() as session:
        return await claiming.claim(session, worker or uuid4(), lease_s=5, queues=list(Queue))


async def expire(parts: Parts) -> None:
    """Let all leases run out, on a server that has been up for so long that a sweep believes it."""
    await until(lambda: _up_long(parts))
    async with parts.sessions() as session:
        await session.execute(
            update(Judging)
            .where(Judging.lease_expires_at.is_not(None))
            .values(lease_expires_at=func.now() - text("interval '1 second'"))
        )
        await session.commit()


async def _up_long(parts: Parts) -> bool:
    up = func.now() - func.pg_postmaster_start_time()
    async with parts.sessions() as session:
        return bool(await session.scalar(select(up > claiming.RESTARTED)))


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, but not for ever."""
    async with asyncio.timeout(10):
        while not await check():
            await asyncio.sleep(0.01)


async def test_a_look_judges_all_there_is(
    parts: Parts, worker_for: WorkerFor, judge: ScriptedJudge
) -> None:
    """One ring is enough for any number of submissions, and each is judged once."""
    made = [await submitted(parts, verdict) for verdict in ("AC", "WA")]
    await worker_for().look()
    rows = [await row(parts, each) for each in made]
    async with parts.sessions() as session:
        runs = await session.scalar(select(func.count()).select_from(Run))
        events = list(await session.scalars(select(Outbox.kind)))

    assert judge.judged == ["AC", "WA"]
    assert [each.verdict for each in rows] == [Verdict.AC, Verdict.WA]
    assert all(each.state is JudgingState.DONE and each.lease_owner is None for each in rows)
    assert runs == 4
    assert events == ["submission.judged", "submission.judged"]


async def test_two_workers_never_claim_the_same(parts: Parts) -> None:
    """Claims made at the same time are different."""
    made = {await submitted(parts) for _ in range(8)}
    claims = await asyncio.gather(*(claimed(parts) for _ in range(10)))
    got = [each.judging_id for each in claims if each is not None]

    assert len(got) == len(set(got))
    rest = await claimed(parts)
    while rest is not None:
        got.append(rest.judging_id)
        rest = await claimed(parts)
    assert sorted(got) == sorted(made)


async def test_a_pile_does_not_come_before_somebody_else(parts: Parts) -> None:
    """Alice's ten do not keep Bob's one waiting."""
    new = NewSubmission(problem="hello", language="python3", source="AC")
    async with aclosing(Desk(parts)) as desk:
        taken = await asyncio.gather(
            *(
                desk.take(CurrentUser(id=user), new, key=None, request_id="test", peer="")
                for user in (*[ALICE] * 10, BOB)
            )
        )
    *alices, bobs = [each.judging_id for each in taken]
    order = [each.judging_id for _ in range(11) if (each := await claimed(parts)) is not None]

    assert order.index(bobs) == 1
    assert [each for each in order if each != bobs] == alices


async def test_people_come_before_batches_but_not_for_ever(parts: Parts) -> None:
    """Batch work yields until it has waited long enough."""
    batch = await submitted(parts, queue=Queue.BATCH)
    first = await submitted(parts)
    assert [(await claimed(parts) or pytest.fail("nothing")).judging_id] == [first]
    async with parts.sessions() as session:
        await session.execute(
            update(Judging)
            .where(Judging.id == batch)
            .values(due_at=Judging.due_at - text("interval '1 hour'"))
        )
        await session.commit()
    await submitted(parts)
    found = await claimed(parts)

    assert found is not None
    assert found.judging_id == batch


async def test_a_lost_lease_is_judged_elsewhere_and_refused_here(
    parts: Parts, worker_for: WorkerFor
) -> None:
    """What a worker brings after its lease was lost changes nothing."""
    judging_id = await submitted(parts)
    slow = await claimed(parts)
    assert slow is not None
    await expire(parts)
    other = worker_for()
    await other.sweep()
    await until(lambda: _is(parts, judging_id, JudgingState.DONE))
    late = Judgement(problem="hello", verdict=Verdict.WA, language="python3")
    async with parts.sessions() as session:
        done = await storing.store(session, slow, late, told={})

    found = await row(parts, judging_id)
    assert not done.stored
    assert (found.verdict, found.attempt) == (Verdict.AC, 2)


async def _is(parts: Parts, judging_id: UUID, state: JudgingState) -> bool:
    return (await row(parts, judging_id)).state is state


async def test_a_heartbeat_keeps_a_lease(
    parts: Parts, worker_for: WorkerFor, judge: ScriptedJudge
) -> None:
    """As long as the worker beats, sweeping leaves its judging alone."""
    judging_id = await submitted(parts, "wait")
    worker = worker_for()
    async with looking(worker):
        await judge.waiting.wait()
        before = (await row(parts, judging_id)).lease_expires_at
        await worker.beat()
        after = (await row(parts, judging_id)).lease_expires_at
        await worker_for().sweep()
        judge.go_on.set()

    found = await row(parts, judging_id)
    assert before is not None
    assert after is not None
    assert after > before
    assert (found.verdict, found.attempt) == (Verdict.AC, 1)


async def test_a_worker_stops_what_it_has_lost(
    parts: Parts, worker_for: WorkerFor, judge: ScriptedJudge
) -> None:
    """The heartbeat tells, and the judging is dropped without giving anything back."""
    judging_id = await submitted(parts, "wait")
    worker = worker_for()
    async with looking(worker):
        await judge.waiting.wait()
        await expire(parts)
        async with parts.sessions() as session:
            await claiming.sweep(session, claims_max=50)
        other = await claimed(parts)
        await worker.beat()
        await until(lambda: _idle(worker))

    found = await row(parts, judging_id)
    assert other is not None
    assert (found.state, found.fencing_token) == (JudgingState.COMPILING, other.token)


async def _idle(worker: SubmissionJobs) -> bool:
    return worker.held == 0


async def test_a_drained_worker_gives_back(
    parts: Parts, worker_for: WorkerFor, judge: ScriptedJudge
) -> None:
    """What does not finish in time is queued again at once, for whoever comes."""
    judging_id = await submitted(parts, "wait")
    worker = worker_for()
    task = asyncio.create_task(worker.look())
    await judge.waiting.wait()
    await worker.drain(0)
    await task
    found = await row(parts, judging_id)

    assert (found.state, found.lease_owner) == (JudgingState.QUEUED, None)
    assert await claimed(parts) is not None


async def test_a_judge_error_is_tried_elsewhere_three_times(
    parts: Parts, worker_for: WorkerFor, judge: ScriptedJudge
) -> None:
    """Each time by another worker; then it stays, and no other service hears of it."""
    judging_id = await submitted(parts, "JE")
    workers = [worker_for() for _ in range(3)]
    for worker in workers:
        await worker.look()
    found = await row(parts, judging_id)
    async with parts.sessions() as session:
        events = list(await session.scalars(select(Outbox.kind)))

    assert len(judge.judged) == 3
    assert (found.state, found.verdict) == (JudgingState.FAILED, Verdict.JE)
    assert len(set(found.tried_workers)) == 2
    assert events == []


async def test_what_kills_every_worker_ends(parts: Parts) -> None:
    """A judging that was claimed too often becomes a judge error."""
    judging_id = await submitted(parts)
    for _ in range(2):
        assert await claimed(parts) is not None
        await expire(parts)
        async with parts.sessions() as session:
            _, given_up = await claiming.sweep(session, claims_max=2)

    assert len(given_up) == 1
    assert (await row(parts, judging_id)).verdict is Verdict.JE


async def test_a_slot_is_kept_for_people(
    parts: Parts, worker_for: WorkerFor, judge: ScriptedJudge
) -> None:
    """Of two slots, batch work gets one."""
    for _ in range(2):
        await submitted(parts, "wait", queue=Queue.BATCH)
    worker = worker_for(slots=2)
    async with looking(worker):
        await judge.waiting.wait()
        await worker.look()
        assert worker.held == 1
        await submitted(parts, "AC")
        await worker.look()
        assert judge.judged == ["wait", "AC"]
        judge.go_on.set()


async def test_missing_test_data_is_our_failure(
    parts: Parts, worker_for: WorkerFor, hello: Imported
) -> None:
    """A blob that is gone never becomes the player's fault."""
    from api.db.models import CodeProblemVersion

    async with parts.sessions() as session:
        version = await session.get_one(CodeProblemVersion, hello.version_id)
    await parts.blobs.delete(version.package_sha256)
    judging_id = await submitted(parts)
    await worker_for().look()
    found = await row(parts, judging_id)

    assert found.state is JudgingState.QUEUED
    assert found.verdict is None
    assert len(found.tried_workers) == 1
