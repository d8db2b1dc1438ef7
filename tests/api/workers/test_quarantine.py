"""Workers that contradict others: found, put aside by several people's submissions, released."""

import asyncio
import platform
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    AuditEntry,
    FindingKind,
    Judging,
    JudgingState,
    Worker,
    WorkerFinding,
    WorkerState,
)
from api.workers import service as registry
from tests.api.conftest import ClientFor
from tests.api.rejudging.conftest import ChangedJudge, Scene
from tests.api.submissions.conftest import ScriptedJudge

pytestmark = pytest.mark.slow

LYING = {"AC": "WA"}


async def state(scene: Scene, worker: UUID) -> WorkerState:
    async with scene.parts.sessions() as session:
        return (await session.get_one(Worker, worker)).state


async def findings(scene: Scene) -> Sequence[WorkerFinding]:
    async with scene.parts.sessions() as session:
        return list(await session.scalars(select(WorkerFinding)))


async def checked(
    scene: Scene, judges: Sequence[tuple[UUID, ScriptedJudge]], *, people: int = 3
) -> None:
    """Let people submit; the first judges, the second checks every one, the third decides."""
    (first, one), *others = judges
    for _ in range(people):
        await scene.submit("AC")
    await scene.judge(one, worker=first, double_check_share=1, quarantine_after=3)
    for worker, judge in others:
        await scene.judge(judge, worker=worker, quarantine_after=3)


@pytest.mark.parametrize(
    ("odd", "people", "expected"),
    [(0, 3, True), (1, 3, True), (0, 2, False), (None, 3, False)],
    ids=["the first was wrong", "the check was wrong", "too few people", "all agree"],
)
async def test_the_odd_one_out(
    scene: Scene, odd: int | None, people: int, *, expected: bool
) -> None:
    """A third worker decides; what several people's submissions show is believed."""
    workers = [await scene.worker(host=f"host {number}") for number in range(3)]
    judges = [
        (worker, ChangedJudge(LYING if place == odd else {}))
        for place, worker in enumerate(workers)
    ]
    await checked(scene, judges, people=people)
    suspects = {each.worker_id for each in await findings(scene)}
    states = [await state(scene, each) for each in workers]

    assert suspects == (set() if odd is None else {workers[odd]})
    assert [each is WorkerState.QUARANTINED for each in states] == [
        expected and place == odd for place in range(3)
    ]
    assert sum(each.is_current for each in await scene.judgings()) == people


async def test_what_does_not_speak_against_a_worker(scene: Scene) -> None:
    """Not the band near a limit, not one person's random program, not three different verdicts."""
    workers = [await scene.worker(host=f"host {number}") for number in range(3)]
    near = [
        (workers[0], ChangedJudge(LYING, near_limit=True)),
        (workers[1], ChangedJudge({})),
    ]
    await checked(scene, near)
    after_near = len(await scene.judgings())
    different = [
        (each, ChangedJudge({"AC": verdict}))
        for each, verdict in zip(workers, ("AC", "WA", "CE"), strict=True)
    ]
    await checked(scene, different)
    undecided = len(await findings(scene))
    player = uuid4()
    for _ in range(4):
        await scene.submit("AC", user=player)
    for worker, judge in ((0, LYING), (1, {}), (2, {})):
        share = 1 if worker == 0 else 0
        await scene.judge(ChangedJudge(judge), worker=workers[worker], double_check_share=share)

    assert after_near == 6
    assert undecided == 0
    assert len(await findings(scene)) == 4
    assert await state(scene, workers[0]) is WorkerState.ACTIVE


async def test_the_last_worker_is_never_put_aside_by_itself(scene: Scene) -> None:
    """People are told; a doubtful worker is better than none."""
    workers = [await scene.worker(host=f"host {number}") for number in range(3)]
    judges = [
        (each, ChangedJudge(LYING if not place else {})) for place, each in enumerate(workers)
    ]
    for _ in range(3):
        await scene.submit("AC")
    await scene.judge(judges[0][1], worker=workers[0], double_check_share=1)
    await scene.judge(judges[1][1], worker=workers[1])
    async with scene.parts.sessions() as session:
        await session.execute(
            update(Worker).where(Worker.id != workers[0]).values(state=WorkerState.GONE)
        )
        await session.commit()
    await scene.judge(judges[2][1], worker=workers[2])

    assert len(await findings(scene)) == 3
    assert await state(scene, workers[0]) is WorkerState.ACTIVE


async def test_a_worker_that_fails_where_others_do_not(scene: Scene) -> None:
    """Judge errors count only where somebody else then had none."""
    broken, sound = await scene.worker(host="a"), await scene.worker(host="b")
    for _ in range(3):
        await scene.submit("AC")
    await scene.judge(ChangedJudge({"AC": "JE"}), worker=broken, judging_attempts_max=9)
    assert await findings(scene) == []
    await scene.judge(ScriptedJudge(), worker=sound)

    assert {each.kind for each in await findings(scene)} == {FindingKind.FAILED}
    assert await state(scene, broken) is WorkerState.QUARANTINED
    assert await state(scene, sound) is WorkerState.ACTIVE


async def test_quarantine_and_release_by_hand(scene: Scene) -> None:
    """It takes nothing, others get what it had, its result is refused; twice is no error."""
    worker = await scene.worker(host="a")
    made = await scene.submit("wait")
    judge = ScriptedJudge()
    jobs = scene.jobs(judge, worker=worker)
    looking = asyncio.create_task(jobs.look())
    await asyncio.wait_for(judge.waiting.wait(), 5)
    shown = await scene.shown(f"/v1/workers/{worker}")
    url = f"/v1/workers/{worker}"
    put = [await scene.master.post(f"{url}/quarantine", json={"reason": "odd"}) for _ in range(2)]
    await scene.submit("AC")
    judge.go_on.set()
    await looking
    untouched = [each.state for each in await scene.judgings()]
    again = await _registered(scene)
    other = ScriptedJudge()
    other.go_on.set()
    await scene.judge(other)
    freed = [
        await scene.master.post(f"{url}/release", json={"reason": "new disk"}) for _ in range(2)
    ]
    async with scene.parts.sessions() as session:
        acts = list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))

    assert shown["judging"][0]["submission_id"] == made
    assert [each.status_code for each in (*put, *freed)] == [200] * 4
    assert (put[1].json()["state"], put[1].json()["judging"]) == ("quarantined", [])
    assert untouched == [JudgingState.QUEUED, JudgingState.QUEUED]
    assert again is WorkerState.QUARANTINED
    assert other.judged == ["wait", "AC"]
    assert (freed[0].json()["state"], freed[0].json()["quarantine_reason"]) == ("active", "")
    assert await _registered(scene) is WorkerState.ACTIVE
    assert acts == ["worker.quarantined", "worker.released"]


async def _registered(scene: Scene) -> WorkerState:
    """Start another worker on this host, which is that of all in quarantine."""
    async with scene.parts.sessions() as session:
        await session.execute(update(Worker).values(host=platform.node()))
        await session.commit()
        identity = new_id()
        await registry.register(session, identity, backend="scripted", slots=1)
    return await state(scene, identity)


async def test_a_release_forgets_findings(scene: Scene) -> None:
    """What was found before does not count again; what a worker judged can be rejudged."""
    workers = [await scene.worker(host=f"host {number}") for number in range(3)]
    judges = [
        (each, ChangedJudge(LYING if not place else {})) for place, each in enumerate(workers)
    ]
    await checked(scene, judges)
    suspect = await scene.shown(f"/v1/workers/{workers[0]}")
    await scene.master.post(f"/v1/workers/{workers[0]}/release", json={"reason": "mended"})
    await checked(scene, judges, people=1)
    address = await scene.rejudge(worker=str(workers[0]))
    await scene.judge(worker=workers[0])
    waiting = (await scene.shown(address))["progress"]
    await scene.judge(worker=workers[1])
    applied = await scene.master.post(f"{address}/apply")

    assert len(suspect["findings"]) == 3
    assert suspect["state"] == "quarantined"
    assert await state(scene, workers[0]) is WorkerState.ACTIVE
    assert waiting == {"done": 0, "total": 4}
    assert applied.json()["outcome"]["after"] == {"AC": 4}


async def test_a_silent_worker_comes_back(scene: Scene) -> None:
    """Others took it for gone; its next heartbeat says otherwise, quarantine or not."""
    worker, held = await scene.worker(host="a"), await scene.worker(host="b")
    async with scene.parts.sessions() as session:
        await session.execute(
            update(Worker).values(state="gone", heartbeat_at=func.now() - timedelta(hours=1))
        )
        await session.execute(
            update(Worker).where(Worker.id == held).values(quarantine_reason="odd")
        )
        await session.commit()
        states = [
            await registry.beat(session, each, images={"python": "sha256:1"})
            for each in (worker, held)
        ]
        images = (await session.get_one(Worker, worker)).images

    assert states == [WorkerState.ACTIVE, WorkerState.QUARANTINED]
    assert images == {"python": "sha256:1"}


async def test_who_sees_workers_and_the_queue(scene: Scene, client_for: ClientFor) -> None:
    """Workers are for game masters; how long the queue is, for all who are signed in."""
    worker = await scene.worker(slots=2)
    for _ in range(3):
        await scene.submit("AC")
    await scene.judge(worker=worker)
    async with scene.parts.sessions() as session:
        await session.execute(
            update(Judging).values(started_at=Judging.finished_at - timedelta(seconds=4))
        )
        await session.commit()
    await scene.rejudge()
    await scene.submit("AC")
    queue = (await client_for().get("/v1/queue")).json()
    codes = [
        (await client_for(*roles).get(path)).status_code
        for roles in ((), (Role.AUTHOR,))
        for path in ("/v1/workers", f"/v1/workers/{worker}")
    ]
    listed: Any = await scene.shown("/v1/workers")

    assert (queue["slots"], queue["judging_s"]) == (2, 4.0)
    assert [
        (each["queue"], each["queued"], each["estimated_wait_s"]) for each in queue["queues"]
    ] == [
        ("interactive", 1, 2.0),
        ("batch", 0, 2.0),
        ("rejudge", 3, 8.0),
    ]
    assert codes == [403] * 4
    assert [each["id"] for each in listed["items"]] == [str(worker)]
    assert (await scene.master.get(f"/v1/workers/{uuid4()}")).status_code == 404


async def test_workers_that_are_long_gone_are_forgotten(scene: Scene) -> None:
    """Not those in quarantine, nor who is in doubt, nor what ended lately or is there."""
    kept, old = timedelta(days=29), timedelta(days=31)
    gone, late, there, held, doubted = [await scene.worker(host=f"host {n}") for n in range(5)]
    async with scene.parts.sessions() as session:
        for worker, ago in ((gone, old), (late, kept), (there, old), (held, old), (doubted, old)):
            values = {
                "heartbeat_at": func.now() - ago,
                "state": WorkerState.ACTIVE if worker == there else WorkerState.GONE,
                "quarantine_reason": "odd" if worker == held else "",
            }
            await session.execute(update(Worker).where(Worker.id == worker).values(values))
        for worker, settled in ((doubted, False), (gone, True)):
            session.add(
                WorkerFinding(
                    worker_id=worker,
                    judging_id=new_id(),
                    user_id=new_id(),
                    kind=FindingKind.FAILED,
                    settled=settled,
                )
            )
        await session.commit()
        assert await registry.prune(session) == 1
        await session.commit()
        left = set(await session.scalars(select(Worker.id)))
    assert left == {late, there, held, doubted}
