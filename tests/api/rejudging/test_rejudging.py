"""Rejudge sets: nothing counts before it is applied, then all of it does."""

import asyncio
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from api.auth import Role, Scope
from api.db.models import (
    AuditEntry,
    CodeProblem,
    JudgingState,
    Outbox,
    Rejudging,
    Run,
)
from api.live import Kind, Resync, Topic
from api.settings import Settings
from tests.api.conftest import PROBLEMS, ClientFor, imported, token_for
from tests.api.rejudging.conftest import ChangedJudge, Scene
from tests.api.submissions.conftest import ScriptedJudge

pytestmark = pytest.mark.slow


async def acts(scene: Scene) -> list[AuditEntry]:
    async with scene.parts.sessions() as session:
        return list(
            await session.scalars(
                select(AuditEntry)
                .where(AuditEntry.subject_kind == "rejudging")
                .order_by(AuditEntry.id)
            )
        )


async def test_a_set_is_previewed_and_applied_as_a_whole(scene: Scene) -> None:
    """Who changes is seen first, and by the jury only; then everything counts at once."""
    player = uuid4()
    made = [await scene.submit(each, user=player) for each in ("AC", "WA", "AC")]
    await scene.judge()
    address = await scene.rejudge()
    assert (await scene.shown(address))["progress"] == {"done": 0, "total": 3}
    refused = await scene.master.post(f"{address}/apply")
    await scene.judge(ChangedJudge({"WA": "AC"}))
    ready = await scene.shown(address)
    preview = await scene.shown(f"{address}/preview?changed=true")
    before = await scene.verdicts(*made)
    own = await scene.client_for(user_id=player).get(f"/v1/submissions/{made[1]}")
    async with scene.hub.listen([Topic.SUBMISSION.of(UUID(made[1]))]) as updates:
        applied = await scene.master.post(f"{address}/apply")
        told = await asyncio.wait_for(updates.get(), 5)
    assert not isinstance(told, Resync)
    again = await scene.master.post(f"{address}/apply")
    cancelled = await scene.master.post(f"{address}/cancel")
    async with scene.parts.sessions() as session:
        events = list(await session.scalars(select(Outbox).order_by(Outbox.id)))
        runs = await session.scalar(select(func.count()).select_from(Run))

    assert refused.status_code == 409
    assert refused.json()["allowed"] == ["cancel"]
    assert refused.json()["missing"] == 3
    assert (ready["state"], ready["progress"]) == ("ready", {"done": 3, "total": 3})
    assert [each["submission_id"] for each in preview["items"]] == [made[1]]
    assert preview["matrix"] == [
        {"old": "AC", "new": "AC", "count": 2},
        {"old": "WA", "new": "AC", "count": 1},
    ]
    assert before == ["AC", "WA", "AC"]
    assert own.json()["verdict"] == "WA"
    assert applied.json()["outcome"] == again.json()["outcome"]
    assert applied.json()["outcome"] == {
        "changed": 1,
        "unchanged": 2,
        "superseded": 0,
        "failed": 0,
        "before": {"AC": 2, "WA": 1},
        "after": {"AC": 3},
    }
    assert (cancelled.status_code, cancelled.json()["allowed"]) == (409, [])
    assert await scene.verdicts(*made) == ["AC"] * 3
    # Three first judgings and the one that changed; runs of all six are kept.
    assert [each.payload["submission_id"] for each in events] == [*made, made[1]]
    assert events[-1].payload["verdict"] == "AC"
    assert runs == 12
    assert (told.update.kind, told.update.data["verdict"]) == (Kind.JUDGED, "AC")
    assert (await scene.shown(f"{address}/preview"))["matrix"] == preview["matrix"]
    assert [each.action for each in await acts(scene)] == ["rejudging.created", "rejudging.applied"]
    assert (await acts(scene))[1].detail["before"] == {"AC": 2, "WA": 1}


async def test_cancelling_leaves_no_trace_in_results(scene: Scene) -> None:
    """What waits goes, what runs is refused, what counts stays; twice is no error."""
    made = [await scene.submit(each) for each in ("wait", "AC")]
    first = ScriptedJudge()
    first.go_on.set()
    await scene.judge(first)
    address = await scene.rejudge()
    slow = ScriptedJudge()
    jobs = scene.jobs(slow)
    looking = asyncio.create_task(jobs.look())
    await asyncio.wait_for(slow.waiting.wait(), 5)
    answers = [await scene.master.post(f"{address}/cancel") for _ in range(2)]
    slow.go_on.set()
    await looking
    applied = await scene.master.post(f"{address}/apply")

    assert [each.status_code for each in answers] == [200, 200]
    assert answers[1].json()["state"] == "cancelled"
    assert (applied.status_code, applied.json()["allowed"]) == (409, [])
    assert await scene.verdicts(*made) == ["AC", "AC"]
    assert [each.is_current for each in await scene.judgings()] == [True, True]
    assert (await acts(scene))[-1].detail["removed"] == 2


async def test_a_judge_error_is_never_swapped_in(scene: Scene) -> None:
    """It keeps a set from being applied, unless it is left out."""
    made = [await scene.submit(each) for each in ("AC", "WA")]
    await scene.judge()
    address = await scene.rejudge()
    await scene.judge(ChangedJudge({"WA": "JE", "AC": "WA"}), judging_attempts_max=1)
    refused = await scene.master.post(f"{address}/apply")
    failed = await scene.shown(f"{address}/preview?failed=true")
    forced = await scene.master.post(f"{address}/apply", json={"force": True})

    assert (refused.status_code, refused.json()["failed"]) == (409, 1)
    assert [each["submission_id"] for each in failed["items"]] == [made[1]]
    assert forced.json()["outcome"]["failed"] == 1
    assert await scene.verdicts(*made) == ["WA", "WA"]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_the_newest_of_two_sets_counts(scene: Scene, *, newest_first: bool) -> None:
    """In whatever order two sets are applied, and every submission has one current judging."""
    made = await scene.submit("AC")
    await scene.judge()
    older = await scene.rejudge()
    await scene.judge(ChangedJudge({"AC": "WA"}))
    newer = await scene.rejudge()
    await scene.judge(ChangedJudge({"AC": "CE"}))
    order = (newer, older) if newest_first else (older, newer)
    said = [(await scene.master.post(f"{each}/apply")).json()["outcome"] for each in order]

    assert [each["superseded"] for each in said] == ([0, 1] if newest_first else [0, 0])
    assert await scene.verdicts(made) == ["CE"]
    assert sum(each.is_current for each in await scene.judgings()) == 1


async def test_selections(scene: Scene) -> None:
    """Each condition chooses what it says, together they narrow, and a dry run stores nothing."""
    ada, bob, event, room = (uuid4() for _ in range(4))
    first = await scene.submit("AC", user=ada, event_id=str(event), room_id=str(room))
    second = await scene.submit("WA", user=bob)
    judge = uuid4()
    await scene.judge(worker=judge)
    third = await scene.submit("AC", user=bob)
    at = (await scene.shown(f"/v1/submissions/{second}"))["submitted_at"]
    table: list[tuple[dict[str, Any], int]] = [
        ({"problem": "hello"}, 2),
        ({"problem": "hello", "version": 1}, 2),
        ({"event_id": str(event)}, 1),
        ({"room_id": str(room)}, 1),
        ({"user_id": str(bob)}, 1),
        ({"language": "cpp"}, 0),
        ({"verdicts": ["WA", "TLE"]}, 1),
        ({"verdicts": ["WA"], "user_id": str(ada)}, 0),
        ({"submission_ids": [first, second, third]}, 2),
        ({"since": at}, 1),
        ({"until": at}, 1),
        ({"worker": str(judge)}, 2),
        ({"worker": str(uuid4())}, 0),
    ]
    found = []
    for selection, _ in table:
        body = {"reason": "count", "selection": selection}
        said = await scene.master.post("/v1/rejudgings?dry_run=true", json=body)
        found.append((selection, said.json()["selected"]))
    empty = await scene.master.post(
        "/v1/rejudgings", json={"reason": "x", "selection": {"language": "cpp"}}
    )
    async with scene.parts.sessions() as session:
        sets = await session.scalar(select(func.count()).select_from(Rejudging))

    assert found == table
    assert (empty.status_code, empty.json()["type"][-15:]) == (422, "selection-empty")
    assert sets == 0


async def test_what_is_judged_against_which_version(scene: Scene, tmp_path: Path) -> None:
    """Against the present version unless another is named; the one that judged last is barred."""
    await scene.submit("AC")
    judge = uuid4()
    await scene.judge(worker=judge)
    old = (await scene.judgings())[0].version_id
    shutil.copytree(PROBLEMS / "hello", tmp_path / "hello")
    (tmp_path / "hello/data/sample/0.in").write_text("Zoe\n")
    (tmp_path / "hello/data/sample/0.ans").write_text("Welcome to the arena, Zoe!\n")
    newer = (await imported(scene.parts, tmp_path / "hello")).version_id
    await scene.rejudge(problem="hello", worker=str(judge))
    body = {"reason": "x", "selection": {"problem": "hello"}, "against": 1}
    await scene.master.post("/v1/rejudgings", json=body)
    unknown = await scene.master.post("/v1/rejudgings", json=body | {"against": 9})
    await scene.judge(worker=judge)
    _, present, named = await scene.judgings()

    assert (present.version_id, named.version_id) == (newer, old)
    assert (present.state, named.state) == (JudgingState.QUEUED, JudgingState.DONE)
    assert unknown.status_code == 422


async def test_who_may(scene: Scene, client_for: ClientFor, settings: Settings) -> None:
    """Game masters anything, authors their own problems, nobody else; wrong bodies are told."""
    made = await scene.submit("AC")
    await scene.judge()
    owner = uuid4()
    async with scene.parts.sessions() as session:
        problem = await session.scalar(select(CodeProblem).where(CodeProblem.slug == "hello"))
        assert problem is not None
        problem.owner_id = owner
        await session.commit()
    author = client_for(Role.AUTHOR, user_id=owner)
    stranger = client_for(Role.AUTHOR)
    reading = client_for(token=token_for(settings, Role.GAME_MASTER, scopes=(Scope.READ,)))
    body = {"reason": "x", "selection": {"problem": "hello"}}
    everything = {"reason": "x", "selection": {"language": "python3"}}
    address = await scene.rejudge(author, problem="hello")
    codes = [
        (await each.post("/v1/rejudgings", json=sent)).status_code
        for each, sent in (
            (client_for(), body),
            (client_for(Role.REVIEWER), body),
            (stranger, body),
            (author, everything),
            (reading, body),
            (scene.master, {"reason": "x", "selection": {}}),
            (scene.master, {"reason": "x", "selection": {"problem": None}}),
            (scene.master, {"reason": "", "selection": {"problem": "hello"}}),
            (scene.master, {"reason": "x", "selection": {"version": 1}}),
            (scene.master, {"reason": "x", "selection": {"problem": "nowhere"}}),
        )
    ]
    one = await author.post(f"/v1/submissions/{made}/rejudge", json={"reason": "look again"})
    seen = [(await each.get(address)).status_code for each in (author, stranger, client_for())]
    lists = [len((await each.get("/v1/rejudgings")).json()["items"]) for each in (author, stranger)]

    assert codes == [403, 403, 403, 403, 403, 422, 422, 422, 422, 404]
    assert (one.status_code, one.json()["progress"]["total"]) == (202, 1)
    assert seen == [200, 404, 403]
    assert lists == [2, 0]


async def test_pages_of_lists_and_previews(scene: Scene) -> None:
    """Cursors lead through everything once."""
    for _ in range(3):
        await scene.submit("AC")
    await scene.judge()
    sets = [await scene.rejudge() for _ in range(3)]
    pages: list[list[str]] = []
    for address, name in (("/v1/rejudgings", "url"), (f"{sets[0]}/preview", "submission_id")):
        got, cursor = [], ""
        while cursor is not None:
            said = await scene.shown(f"{address}?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            got += [each[name] for each in said["items"]]
            cursor = said["next_cursor"]
        pages.append(got)

    assert pages[0] == sets[::-1]
    assert len(pages[1]) == len(set(pages[1])) == 3
    assert (await scene.master.get("/v1/rejudgings?cursor=x")).status_code == 400


async def test_rejudging_takes_nothing_from_players(scene: Scene) -> None:
    """Neither their quota nor the queue's: only what they hand in counts for those."""
    player = uuid4()
    for _ in range(3):
        await scene.submit("AC", user=player)
    await scene.judge()
    await scene.rejudge()
    fresh = await scene.submit("AC", user=player)
    (row,) = [each for each in await scene.judgings() if str(each.submission_id) == fresh]

    assert (row.due_at - row.queued_at).total_seconds() < 1
