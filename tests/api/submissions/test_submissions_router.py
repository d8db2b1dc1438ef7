"""`/v1/submissions`: taking in, showing, and who may see what."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from api.auth import Role, Scope
from api.db.models import CodeSubmission, Judging
from api.settings import Settings
from api.wiring import Parts
from judge import limits
from tests.api.conftest import ClientFor, token_for
from tests.api.submissions.conftest import WorkerFor, looking

pytestmark = pytest.mark.usefixtures("hello")


def new(source: str = "AC", **more: Any) -> dict[str, Any]:
    """Return a submission for `hello`."""
    return {"problem": "hello", "language": "python3", "source": source} | more


async def test_a_submission_is_taken_in_and_queued(client_for: ClientFor) -> None:
    """202, a place to look, and one current judging that waits."""
    client = client_for()
    taken = await client.post("/v1/submissions", json=new())
    shown = await client.get(taken.headers["location"])

    assert taken.status_code == 202
    assert taken.json()["state"] == shown.json()["state"] == "queued"
    assert shown.json()["id"] == taken.json()["id"]
    assert shown.json()["verdict"] is None


@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        ({"problem": "nothing"}, 404, "problem-not-found"),
        ({"language": "cobol"}, 422, "language-unknown"),
        ({"source": "x" * 65537}, 413, "source-too-large"),
        ({"source": None}, 422, "invalid"),
        ({"source": None, "files": {"../x.py": "1"}}, 422, "source-invalid"),
        ({"files": {"a.py": "1"}}, 422, "invalid"),
        ({"nonsense": 1}, 422, "invalid"),
        ({"queue": "batch"}, 403, "forbidden"),
        ({"problem": "a\x00b"}, 422, "invalid"),
    ],
)
async def test_what_is_not_acceptable_is_refused(
    client_for: ClientFor, parts: Parts, change: dict[str, Any], status: int, slug: str
) -> None:
    """The documented problem type, and nothing is stored."""
    body = {key: value for key, value in new(**change).items() if value is not None}
    answer = await client_for().post("/v1/submissions", json=body)
    async with parts.sessions() as session:
        stored = await session.scalar(select(func.count()).select_from(CodeSubmission))

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:codebattle:error:{slug}")
    assert stored == 0


async def test_source_of_the_problems_own_bound(client_for: ClientFor, parts: Parts) -> None:
    """A problem may allow less than the service does."""
    from api.db.models import CodeProblemVersion

    async with parts.sessions() as session:
        await session.execute(update(CodeProblemVersion).values(source_bytes=limits.KIB))
        await session.commit()
    answer = await client_for().post("/v1/submissions", json=new("x" * 2000))

    assert (answer.status_code, answer.json()["source_bytes_max"]) == (413, limits.KIB)


async def test_an_idempotency_key_makes_one_submission(client_for: ClientFor, parts: Parts) -> None:
    """However often and at once a request is sent, it is stored once; another one is refused."""
    client = client_for()
    headers = {"Idempotency-Key": "first-try"}
    answers = await asyncio.gather(
        *(client.post("/v1/submissions", json=new(), headers=headers) for _ in range(5))
    )
    other = await client.post("/v1/submissions", json=new("WA"), headers=headers)
    someone = await client_for().post("/v1/submissions", json=new("WA"), headers=headers)
    async with parts.sessions() as session:
        judgings = await session.scalar(select(func.count()).select_from(Judging))

    assert {each.status_code for each in answers} == {202}
    assert len({each.json()["id"] for each in answers}) == 1
    assert sorted(each.json()["replayed"] for each in answers) == [False, True, True, True, True]
    assert other.status_code == 409
    assert someone.status_code == 202
    assert judgings == 2


async def test_waiting_answers_when_it_is_judged(
    client_for: ClientFor, worker_for: WorkerFor
) -> None:
    """A long poll ends with the verdict, long before its time is over."""
    client = client_for()
    taken = await client.post("/v1/submissions", json=new("WA"))
    async with asyncio.timeout(10):
        answer, _ = await asyncio.gather(
            client.get(taken.headers["location"], params={"wait": 30}), worker_for().look()
        )

    said = answer.json()
    assert (said["state"], said["verdict"], said["big5"]) == ("done", "WA", "WA")
    assert [run["name"] for run in said["runs"]] == ["sample/1", "sample/2"]
    assert said["cpu_ms"] == 2


async def test_waiting_ends_with_its_time(client_for: ClientFor) -> None:
    """Nobody waits for ever."""
    client = client_for()
    taken = await client.post("/v1/submissions", json=new())
    async with asyncio.timeout(5):
        answer = await client.get(taken.headers["location"], params={"wait": 0.2})

    assert answer.json()["state"] == "queued"


async def test_only_owner_and_jury_see_a_submission(client_for: ClientFor) -> None:
    """For all others it is not there: neither itself nor its source."""
    owner = client_for()
    place = (await owner.post("/v1/submissions", json=new("AC # mine"))).headers["location"]
    paths = (place, f"{place}/source")

    for client, status in ((owner, 200), (client_for(Role.REVIEWER), 200), (client_for(), 404)):
        assert [(await client.get(path)).status_code for path in paths] == [status, status]
    assert (await owner.get(f"{place}/source")).json()["files"] == {"main.py": "AC # mine"}


async def test_a_list_shows_ones_own_latest_first(client_for: ClientFor) -> None:
    """Pages hold each once, and nobody else's."""
    client = client_for()
    await client_for().post("/v1/submissions", json=new())
    made = [(await client.post("/v1/submissions", json=new())).json()["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/submissions", params=query)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == made[::-1]


async def test_a_token_without_the_scope_submits_nothing(
    client_for: ClientFor, settings: Settings
) -> None:
    """A token for reading reads."""
    reader = client_for(token=token_for(settings, scopes=(Scope.READ,)))

    assert (await reader.post("/v1/submissions", json=new())).status_code == 403
    assert (await reader.get("/v1/submissions")).status_code == 200


async def test_a_full_queue_says_when_to_come_back(
    client_for: ClientFor, parts: Parts, settings: Settings
) -> None:
    """Beyond the bound nothing is taken in, and nothing is lost."""
    client = client_for()
    await client.post("/v1/submissions", json=new())
    small = settings.model_copy(update={"queue_depth_max": 1, "user_queued_max": 1})
    from tests.api.conftest import Client, started

    async with started(small) as app:
        import httpx

        async with Client(transport=httpx.ASGITransport(app), base_url="http://test") as full:
            full.headers["Authorization"] = client.headers["Authorization"]
            answer = await full.post("/v1/submissions", json=new())
    async with parts.sessions() as session:
        stored = await session.scalar(select(func.count()).select_from(CodeSubmission))

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert stored == 1


async def test_our_failure_is_pending_to_players(
    client_for: ClientFor, worker_for: WorkerFor, parts: Parts
) -> None:
    """A judge error is ours: the jury sees it, the player sees no verdict."""
    owner = client_for()
    place = (await owner.post("/v1/submissions", json=new("JE"))).headers["location"]
    for _ in range(parts.settings.judging_attempts_max):
        async with looking(worker_for()):
            pass
    mine, jury = (
        (await owner.get(place)).json(),
        (await client_for(Role.GAME_MASTER).get(place)).json(),
    )

    assert (mine["state"], mine["verdict"], mine["big5"]) == ("failed", None, None)
    assert jury["verdict"] == "JE"


async def test_nothing_that_does_not_exist_is_found(client_for: ClientFor) -> None:
    """A made-up id is 404, nonsense is 422."""
    client = client_for()

    assert (await client.get(f"/v1/submissions/{uuid4()}")).status_code == 404
    assert (await client.get("/v1/submissions/nonsense")).status_code == 422
