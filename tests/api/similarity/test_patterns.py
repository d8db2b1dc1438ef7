"""Approaches over HTTP: found, named, kept; points are suggested and never added."""

import shutil
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from api.auth import Role
from api.db.models import (
    AuditEntry,
    CodeProblem,
    Event,
    EventProblem,
    EventState,
    Job,
    JobLane,
    Judging,
    SolutionPattern,
)
from api.jobs.running import JobRunner
from api.problems.service import Imported
from api.similarity.keeper import Keeper
from api.wiring import Parts
from judge.similarity import patterns
from judge.similarity.features import Feature
from judge.verdicts import Verdict
from tests.api.conftest import Client, ClientFor
from tests.api.similarity.conftest import Submit
from tests.unit.similarity.approaches import label, programs

PATTERNS = "/v1/problems/hello/patterns"
RULE = "/v1/problems/hello/suggestions"
KNAPSACK = {name: each for name, each in programs("knapsack").items() if name.endswith(".py")}
# A table of which only one column is filled.
WRONG = KNAPSACK["table-1.py"].replace("for room in range(capacity + 1):", "if capacity > 0:")


@pytest.fixture
async def author(parts: Parts, hello: Imported) -> UUID:
    """Return who owns the problem."""
    owner = uuid4()
    async with parts.sessions() as session:
        await session.execute(
            update(CodeProblem).where(CodeProblem.id == hello.problem_id).values(owner_id=owner)
        )
        await session.commit()
    return owner


@pytest.fixture
async def solved(submit: Submit) -> dict[str, UUID]:
    """Store solutions of different people by three and more approaches."""
    return {name: await submit(source) for name, source in KNAPSACK.items()}


async def listed(client: Client) -> dict[str, Any]:
    """Return the patterns by name."""
    said = await client.get(PATTERNS)
    assert said.status_code == 200, said.text
    return {each["name"]: each for each in said.json()["items"]}


async def made(client: Client, runner: JobRunner) -> dict[str, Any]:
    """Have the patterns made, and return them by name."""
    said = await client.post(PATTERNS)
    assert said.status_code == 202, said.text
    await runner.look(JobLane.LONG)
    job = await client.get(said.headers["location"])
    assert job.json()["state"] == "done", job.text
    return await listed(client)


@pytest.mark.slow
async def test_approaches_keep_what_people_wrote_to_them(
    client_for: ClientFor,
    runner: JobRunner,
    submit: Submit,
    author: UUID,
    solved: dict[str, UUID],
    parts: Parts,
) -> None:
    """Shares, medoids and features; a name and a mark survive the next computation."""
    client = client_for(Role.AUTHOR, user_id=author)
    assert await listed(client) == {}
    found = await made(client, runner)
    table = found["table of earlier results"]

    assert set(found) == {
        "table of earlier results",
        "memoised results",
        "branching recursion",
        "bit masks, nested loops",
    }
    assert (table["solutions"], table["people"], table["verified"]) == (2, 2, False)
    assert table["share"] == pytest.approx(2 / len(solved), abs=1e-5)
    assert table["languages"] == {"python": 2}
    assert table["medoid_id"] in {str(solved[f"table-{n}.py"]) for n in (1, 2)}
    assert {"feature": "table of earlier results", "share": 1.0} in table["features"]

    address = f"{PATTERNS}/{table['id']}"
    named = await client.patch(address, json={"name": "dynamic programming", "verified": True})
    assert (named.status_code, named.json()["verified_by"]) == (200, str(author)), named.text
    for _ in range(3):
        for name, source in KNAPSACK.items():
            await submit(source.replace("best", "most") + f"# {name}\n")
    later = (await made(client, runner))["dynamic programming"]

    assert (later["id"], later["verified"], later["solutions"]) == (table["id"], True, 8)
    assert later["derived_name"] == "table of earlier results"
    bare = await client.patch(address, json={"name": None})
    assert (bare.json()["name"], bare.json()["verified"]) == ("table of earlier results", True)

    async with parts.sessions() as session:
        await session.execute(update(Judging).values(verdict=Verdict.WA))
        await session.commit()
        acts = list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    empty = await made(client, runner)
    assert [(each["id"], each["solutions"], each["share"]) for each in empty.values()] == [
        (table["id"], 0, 0.0)
    ]
    assert acts == ["patterns.asked", "pattern.changed", "patterns.asked", "pattern.changed"]


async def test_points_are_suggested_with_their_evidence_and_added_nowhere(
    client_for: ClientFor,
    runner: JobRunner,
    kept: Keeper,
    submit: Submit,
    author: UUID,
    solved: dict[str, UUID],
    parts: Parts,
) -> None:
    """Only where the author switched it on, only by verified patterns, only when asked."""
    client, reviewer = client_for(Role.AUTHOR, user_id=author), client_for(Role.REVIEWER)
    wrong = await submit(WRONG, verdict=Verdict.WA)
    short = await submit("print(1)\n", verdict=Verdict.WA)
    address = f"/v1/submissions/{wrong}/suggestion"
    await kept.take([wrong, short])
    table = (await made(client, runner))["table of earlier results"]

    async def why(asked: str = address) -> str:
        said = (await reviewer.get(asked)).json()
        assert said["points"] is None
        return str(said["reason"])

    assert "switched" in await why()
    rule = {"enabled": True, "points_max": 40, "closeness_min": 0.5}
    assert (await client.get(RULE)).json()["enabled"] is False
    assert (await client.put(RULE, json=rule)).json() == rule
    assert await why() == "it has not been looked at yet"
    await runner.look(JobLane.LONG)
    assert await why() == "no pattern of this problem is verified"
    verified = await reviewer.patch(f"{PATTERNS}/{table['id']}", json={"verified": True})
    assert verified.status_code == 200, verified.text
    await runner.look(JobLane.LONG)
    told = (await reviewer.get(address)).json()

    assert told["points"] == pytest.approx(40 * told["closeness"], abs=0.01)
    assert 0.5 < told["closeness"] < 1
    assert told["pattern"]["id"] == table["id"]
    assert told["calculation"][-1].startswith("points = ")
    evidence = told["evidence"]
    assert evidence["solution_id"] in {str(solved[f"table-{n}.py"]) for n in (1, 2)}
    weighed = {name: evidence[name] for name in ("matched", "missing", "extra")}
    every = sum(each["weight"] for some in weighed.values() for each in some)
    matched = sum(each["weight"] for each in evidence["matched"])
    assert told["closeness"] == pytest.approx(matched / every, abs=1e-3)
    assert [each["feature"] for each in evidence["missing"]] == ["nested loops"]
    assert evidence["fragments"][0]["lines"][1] - evidence["fragments"][0]["lines"][0] >= 2
    assert (told["verdict"], told["score"]) == ("WA", None)
    assert "weight <= room" not in str(told), "a source is read where sources are"

    assert await why(f"/v1/submissions/{short}/suggestion") == "it is too short to say anything"
    accepted = next(iter(solved.values()))
    assert await why(f"/v1/submissions/{accepted}/suggestion") == "it was accepted"
    await client.put(RULE, json={**rule, "closeness_min": 1})
    strict = (await reviewer.get(address)).json()
    assert (strict["points"], strict["calculation"][-1][-9:]) == (0, "no points")
    later = await submit(WRONG.replace("best", "most"), verdict=Verdict.TLE)
    await kept.take([later])
    assert (await client.get(f"/v1/submissions/{later}/suggestion")).json()["pattern"]
    await reviewer.patch(f"{PATTERNS}/{table['id']}", json={"verified": False})
    assert await why() == "the closest pattern is not verified any more"
    async with parts.sessions() as session:
        scores = await session.scalars(select(Judging.score).where(Judging.submission_id == wrong))
        assert list(scores) == [None]
    assert (await client.put(RULE, json={**rule, "points_max": 0})).status_code == 422


async def test_nobody_who_may_be_a_player_sees_them(
    client_for: ClientFor,
    runner: JobRunner,
    hello: Imported,
    submit: Submit,
    live_event: UUID,
    author: UUID,
    solved: dict[str, UUID],
    parts: Parts,
) -> None:
    """Players never, reviewers not while an event has the problem, authors only their own."""
    player, own = uuid4(), client_for(Role.AUTHOR, user_id=author)
    mine = await submit(WRONG, user=player, verdict=Verdict.WA)
    found = await made(own, runner)
    one = next(iter(found.values()))["id"]
    asked: list[tuple[str, str, Any]] = [
        ("GET", PATTERNS, None),
        ("POST", PATTERNS, None),
        ("PATCH", f"{PATTERNS}/{one}", {"name": "x"}),
        ("GET", RULE, None),
        ("PUT", RULE, {"enabled": True}),
        ("GET", f"/v1/submissions/{mine}/suggestion", None),
    ]

    async def answers(client: Client) -> list[int]:
        return [
            (await client.request(method, address, json=body)).status_code
            for method, address, body in asked
        ]

    for stranger in (client_for(user_id=player), client_for(Role.GUILD_MASTER)):
        assert await answers(stranger) == [403] * 6
    assert await answers(client_for(Role.AUTHOR)) == [403, 403, 403, 403, 403, 404]
    assert await answers(client_for(Role.REVIEWER)) == [200, 202, 200, 200, 403, 200]
    assert await answers(own) == [200, 202, 200, 200, 200, 200]
    async with parts.sessions() as session:
        session.add(
            EventProblem(
                event_id=live_event,
                problem_id=hello.problem_id,
                version_id=hello.version_id,
                label="A",
                position=1,
                scoring=False,
                cpu_ms=1000,
                memory_bytes=1 << 28,
            )
        )
        await session.commit()
    assert await answers(client_for(Role.REVIEWER)) == [404, 404, 404, 404, 403, 404]
    assert await answers(client_for(Role.GAME_MASTER)) == [200, 202, 200, 200, 200, 200]
    async with parts.sessions() as session:
        await session.execute(update(Event).values(state=EventState.FINISHED))
        await session.commit()
    assert await answers(client_for(Role.REVIEWER)) == [200, 202, 200, 200, 403, 200]
    missing = await own.patch(f"{PATTERNS}/{uuid4()}", json={"name": "x"})
    assert missing.json()["type"] == "urn:codebattle:error:pattern-not-found"
    assert len(found) == len({label(each) for each in solved})


@pytest.mark.slow
async def test_the_index_finds_the_closest_pattern_and_is_made_anew(
    parts: Parts, submit: Submit, solved: dict[str, UUID], hello: Imported
) -> None:
    """A real ChromaDB holds them by problem; one that was lost has them again."""
    kept = Keeper(parts)
    await kept.open()
    await kept.take(list(solved.values()))
    runner = JobRunner(parts, kept.handlers, worker=uuid4(), slots=1)
    await kept.patterns.ask_once(hello.problem_id)
    await runner.look(JobLane.LONG)
    asked = patterns.vector(frozenset({Feature.MEMO, Feature.RECURSION})).astype("<f4")
    near = await kept.embeds.patterns(hello.problem_id, asked, 2)
    async with parts.sessions() as session:
        names = dict(
            (await session.execute(select(SolutionPattern.id, SolutionPattern.derived_name))).all()
        )

    assert [names[each] for each in near or ()] == ["memoised results", "branching recursion"]
    assert await kept.embeds.patterns(uuid4(), asked, 2) == []
    await kept.take([await submit(KNAPSACK["memo-1.py"])])
    async with parts.sessions() as session:
        gone = Judging.submission_id == solved["masks-1.py"]
        await session.execute(update(Judging).where(gone).values(verdict=Verdict.WA))
        await session.commit()
    await kept.patterns.ask_once(hello.problem_id)
    await runner.look(JobLane.LONG)
    left = await kept.embeds.patterns(hello.problem_id, asked, 9)
    assert left is not None
    assert (left[:2], len(left)) == (near, 3), "the fourth has no solution any more"
    await kept.close()
    for harm, whole in ((lambda _: None, True), (shutil.rmtree, False)):
        harm(parts.settings.similarity_dir / "chroma")
        again = Keeper(parts)
        await again.open()
        assert (again.embeds.rebuilt is None) is whole, again.embeds.rebuilt
        assert await again.embeds.patterns(hello.problem_id, asked, 2) == near
        await again.close()


@pytest.mark.slow
async def test_patterns_are_made_when_enough_was_solved(
    kept: Keeper, runner: JobRunner, client_for: ClientFor, submit: Submit, parts: Parts
) -> None:
    """A sweep queues one job for a problem, and none until a tenth more was solved."""

    async def queued() -> int:
        async with parts.sessions() as session:
            wanted = select(Job.id).where(Job.kind == "solution-patterns")
            return len(list(await session.scalars(wanted)))

    sources = list(KNAPSACK.values())
    for source in sources[:4]:
        await submit(source)
    await kept.sweep()
    assert await queued() == 0
    for source in sources[4:]:
        await submit(source)
    await kept.sweep()
    await kept.take([await submit(sources[0])])
    await kept.sweep()
    assert await queued() == 1
    await runner.look(JobLane.LONG)
    assert len(await listed(client_for(Role.REVIEWER))) == 4
    await kept.sweep()
    await kept.take([await submit("print(1)\n", verdict=Verdict.WA)])
    await kept.sweep()
    assert await queued() == 1
