"""Reports: the copy comes first, with evidence; decisions outlive them; players learn nothing."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from api.auth import Role
from api.db.models import Event, EventState, JobLane
from api.jobs.running import JobRunner
from api.wiring import Parts
from tests.api.conftest import Client, ClientFor
from tests.api.similarity.conftest import COPY, ORIGINAL, Submit
from tests.unit.similarity.programs import program

pytestmark = pytest.mark.slow

REPORTS = "/v1/similarity/reports"


async def reported(client: Client, runner: JobRunner, **scope: Any) -> str:
    """Ask for a report, make it, and return where it is."""
    said = await client.post(REPORTS, json=scope or {"problem": "hello"})
    assert said.status_code == 202, said.text
    await runner.look(JobLane.LONG)
    return str(said.headers["location"])


async def read(client: Client, address: str) -> Any:
    """Read something that must be there."""
    said = await client.get(address)
    assert said.status_code == 200, said.text
    return said.json()


@pytest.fixture
async def pair(submit: Submit) -> tuple[UUID, UUID]:
    """Store independent solutions, an original, a copy of it and its author's second attempt."""
    author = uuid4()
    first = await submit(ORIGINAL, user=author)
    await submit(ORIGINAL + "# again\n", user=author)
    for seed in range(2, 14):
        await submit(program(seed))
    return first, await submit(COPY)


async def test_a_copy_comes_first_and_a_decision_survives(
    client_for: ClientFor, runner: JobRunner, pair: tuple[UUID, UUID]
) -> None:
    """The pair of different people is told with lines, meaning and who was first."""
    reviewer = client_for(Role.REVIEWER)
    where = await reported(reviewer, runner)
    report = await read(reviewer, where)
    found = await read(reviewer, f"{where}/pairs?stands_out=true")
    closest = found["items"][0]
    between = f"/v1/similarity/pairs/{pair[1]}/{pair[0]}"

    assert (report["state"], report["submissions"]) == ("done", 15)
    assert sum(report["problems"][0]["histogram"]) == report["problems"][0]["pairs"]
    assert closest["second_id"] == str(pair[1])
    assert closest["score"] > 0.7
    assert closest["chance"] < 1e-4
    assert closest["evidence"]["fragments"][0]["first_lines"][1] > 20
    assert closest["evidence"]["meaning"].startswith("this close by chance")
    assert closest["signals"]["earlier_id"] == closest["first_id"]
    assert closest["decision"] is None
    both = {each["first_id"] for each in found["items"]} | {
        each["second_id"] for each in found["items"]
    }
    assert len(both) == 3, "two attempts of one person and the copy, and nobody else"

    decided = await reviewer.put(
        f"{between}/decision", json={"decision": "confirmed", "note": "the same constants"}
    )
    again = await reported(reviewer, runner)
    confirmed = await read(reviewer, f"{again}/pairs?decision=confirmed")
    detail = await read(reviewer, between)

    assert decided.status_code == 200, decided.text
    assert [each["second_id"] for each in confirmed["items"]] == [str(pair[1])]
    assert confirmed["items"][0]["decision"]["note"] == "the same constants"
    assert [each["action"] for each in detail["history"]] == ["similarity.decided"]
    assert len(detail["found"]) == 2
    page = await read(reviewer, f"{again}/pairs?limit=1")
    rest = await read(reviewer, f"{again}/pairs?cursor={page['next_cursor']}")
    assert rest["items"][0]["position"] == 1
    assert len((await read(reviewer, REPORTS))["items"]) == 2


async def test_who_is_named_may_appeal_and_learns_nothing_of_the_other(
    client_for: ClientFor, submit: Submit
) -> None:
    """An owner hears of confirmed decisions alone; an upheld appeal dismisses the pair."""
    reviewer, player = client_for(Role.REVIEWER), uuid4()
    one, other = await submit(ORIGINAL), await submit(COPY, user=player)
    own = f"/v1/submissions/{other}/similarity"
    decision = f"/v1/similarity/pairs/{one}/{other}/decision"
    owner = client_for(user_id=player)

    await reviewer.put(decision, json={"decision": "suspicious"})
    early = await owner.post(f"{own}/appeal", json={"text": "No!"})
    await reviewer.put(decision, json={"decision": "confirmed"})
    told = await read(owner, own)
    made = await owner.post(f"{own}/appeal", json={"text": "We had the same teacher."})
    twice = await owner.post(f"{own}/appeal", json={"text": "Again."})
    waiting = (await read(reviewer, "/v1/similarity/appeals"))["items"]
    answered = await reviewer.put(
        f"/v1/similarity/appeals/{waiting[0]['id']}", json={"upheld": True, "answer": "True."}
    )
    late = await reviewer.put(
        f"/v1/similarity/appeals/{waiting[0]['id']}", json={"upheld": False, "answer": "No."}
    )
    after = await owner.get(own)

    assert (early.status_code, early.json()["type"]) == (
        409,
        "urn:codebattle:error:nothing-to-appeal",
    )
    assert told == {"confirmed": 1, "appeals": []}
    assert (made.status_code, twice.status_code) == (201, 409)
    assert answered.json()["state"] == "upheld"
    assert late.status_code == 409
    assert after.json()["confirmed"] == 0
    assert after.json()["appeals"][0]["answer"] == "True."
    assert str(one) not in told.__repr__() + made.text + after.text
    detail = await read(reviewer, f"/v1/similarity/pairs/{one}/{other}")
    assert detail["decision"]["decision"] == "dismissed"
    assert [each["action"] for each in detail["history"]][:3] == [
        "similarity.decided",
        "similarity.answered",
        "similarity.appealed",
    ]
    assert (await client_for().get(own)).status_code == 404


async def test_players_never_and_reviewers_not_while_the_event_goes_on(
    client_for: ClientFor,
    runner: JobRunner,
    submit: Submit,
    live_event: UUID,
    parts: Parts,
) -> None:
    """What a game master has compared inside an event is nobody else's until it is over."""
    one = await submit(ORIGINAL, event=live_event)
    other = await submit(COPY, event=live_event)
    master, reviewer = client_for(Role.GAME_MASTER), client_for(Role.REVIEWER)
    inside = await reported(master, runner, event=str(live_event))
    outside = await reported(reviewer, runner)
    addresses = [
        inside,
        f"{inside}/pairs",
        f"/v1/submissions/{one}/similar",
        f"/v1/similarity/pairs/{one}/{other}",
    ]
    refused = await reviewer.post(REPORTS, json={"event": str(live_event)})

    for address in addresses:
        assert (await master.get(address)).status_code == 200, address
        assert (await reviewer.get(address)).status_code == 404, address
        for role in (Role.PLAYER, Role.GUILD_MASTER, Role.AUTHOR):
            assert (await client_for(role).get(address)).status_code == 403, (address, role)
    assert refused.status_code == 404
    assert (await read(master, inside))["submissions"] == 2
    assert (await read(reviewer, outside))["submissions"] == 0
    assert [each["id"] for each in (await read(reviewer, REPORTS))["items"]] == [
        outside.rpartition("/")[2]
    ]

    async with parts.sessions() as session:
        await session.execute(update(Event).values(state=EventState.FINISHED))
        await session.commit()
    for address in addresses:
        assert (await reviewer.get(address)).status_code == 200, address


@pytest.mark.parametrize(
    ("scope", "status"),
    [({}, 422), ({"problem": "none"}, 404), ({"submission_ids": [str(uuid4())]}, 422)],
)
async def test_scopes_that_mean_nothing_are_refused(
    client_for: ClientFor, scope: dict[str, Any], status: int
) -> None:
    """A report is of something."""
    said = await client_for(Role.REVIEWER).post(REPORTS, json=scope)

    assert said.status_code == status
