"""`/v1/jobs`: who sees one, pages, waiting for the end, cancelling."""

import asyncio
from uuid import uuid4

from api.auth import Role
from api.db.models import JobLane
from api.wiring import Parts
from tests.api.conftest import ClientFor
from tests.api.jobs.conftest import ALICE, RunnerFor, Scripted, queued


async def test_only_its_owner_and_game_masters_see_a_job(
    parts: Parts, client_for: ClientFor
) -> None:
    """For all others it is not there, to read or to cancel."""
    job_id = await queued(parts, "fine")
    roles = {Role.AUTHOR: 404, Role.REVIEWER: 404, Role.PLAYER: 404, Role.GAME_MASTER: 200}
    for role, status in roles.items():
        client = client_for(role)
        assert (await client.get(f"/v1/jobs/{job_id}")).status_code == status
        cancelled = await client.post(f"/v1/jobs/{job_id}/cancel")
        assert cancelled.status_code == status
        assert (await client.get("/v1/jobs")).json()["items"] == []
    owner = client_for(user_id=ALICE)
    found = (await owner.get(f"/v1/jobs/{job_id}")).json()

    assert (found["kind"], found["state"], found["owner_id"]) == ("test", "cancelled", str(ALICE))
    assert "payload" not in found
    assert (await owner.get(f"/v1/jobs/{uuid4()}")).json()["type"].endswith("job-not-found")


async def test_pages_hold_every_job_once(parts: Parts, client_for: ClientFor) -> None:
    """Latest first, by cursor; nobody else's."""
    made = [str(await queued(parts, "fine")) for _ in range(5)]
    await queued(parts, "fine", owner=uuid4())
    owner = client_for(user_id=ALICE)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2", "kind": "test"} | ({"cursor": cursor} if cursor else {})
        page = (await owner.get("/v1/jobs", params=query)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    bad = await owner.get("/v1/jobs", params={"cursor": "x"})

    assert seen == made[::-1]
    assert (bad.status_code, bad.json()["type"][-10:]) == (400, "bad-cursor")
    assert (await owner.get("/v1/jobs", params={"kind": "other"})).json()["items"] == []


async def test_waiting_ends_with_the_job(
    parts: Parts, client_for: ClientFor, runner_for: RunnerFor, script: Scripted
) -> None:
    """A long poll answers when the job ends, not when its time is over."""
    job_id = await queued(parts, "wait")
    looking = asyncio.create_task(runner_for().look(JobLane.LONG))
    await script.waiting.wait()
    owner = client_for(user_id=ALICE)
    before = (await owner.get(f"/v1/jobs/{job_id}")).json()
    waiting = asyncio.create_task(owner.get(f"/v1/jobs/{job_id}?wait=20"))
    await asyncio.sleep(0)
    script.go_on.set()
    async with asyncio.timeout(5):
        found = (await waiting).json()
    await looking

    assert (before["state"], before["attempt"]) == ("running", 1)
    assert (found["state"], found["progress"]) == ("done", 100)
    assert found["result"] == {"said": "wait\ufffd", "stored": True}
    assert found["finished_at"] >= found["started_at"] >= found["created_at"]


async def test_cancelling_again_changes_nothing(
    parts: Parts, client_for: ClientFor, runner_for: RunnerFor
) -> None:
    """A job that has ended stays as it ended."""
    owner = client_for(user_id=ALICE)
    waiting, done = await queued(parts, "fine", lane=JobLane.QUICK), await queued(parts, "fine")
    await runner_for().look(JobLane.LONG)
    answers = [
        (await owner.post(f"/v1/jobs/{each}/cancel")).json() for each in (waiting, waiting, done)
    ]

    assert [each["state"] for each in answers] == ["cancelled", "cancelled", "done"]
    assert answers[0]["finished_at"] == answers[1]["finished_at"]
    assert answers[0]["finished_at"] is not None
