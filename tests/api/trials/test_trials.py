"""`/v1/trials`: who may try what out, what is told of it, and that nothing of it stays."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import ASGITransport
from sqlalchemy import func, select, update

from api.auth import Role, Scope
from api.db.models import CodeSubmission, Job, Judging, Visibility
from api.settings import Settings
from api.wiring import Parts
from api.worker import _prune
from judge.sandbox.base import Cause, Outcome
from judge.sandbox.base import Role as ProcessRole
from judge.sandbox.fake import Reply, exited
from tests.api.conftest import PROBLEMS, Client, ClientFor, imported, started, token_for
from tests.api.trials.conftest import RunnerFor, look, new
from tests.api.workers.test_worker import working
from tests.unit.core.scripted import VALIDATOR, Script, given, package, says

SEEN = "canary-seen"


async def done(client: Any, body: dict[str, Any], runner: Any) -> dict[str, Any]:
    """Try something out and return the job once a worker did it."""
    taken = await client.post("/v1/trials", json=body)
    assert taken.status_code == 202, taken.text
    await look(runner)
    job: dict[str, Any] = (await client.get(taken.headers["location"])).json()
    return job


@pytest.mark.usefixtures("hello")
async def test_without_inputs_the_samples_are_run(
    client_for: ClientFor, parts: Parts, runner_for: RunnerFor
) -> None:
    """A job of one's own, with a verdict for each; it is no submission, and its source is gone."""
    script = Script(run=says(Reply(stdout=b"Welcome to the arena, Ada!\n"), Reply()))
    client = client_for()
    job = await done(client, new(source="print('secret source')"), runner_for(script))
    async with parts.sessions() as session:
        stored = await session.get_one(Job, UUID(job["id"]))
        counts = [
            await session.scalar(select(func.count()).select_from(table))
            for table in (CodeSubmission, Judging)
        ]
    first, second = job["result"]["runs"]

    assert (job["kind"], job["state"], job["progress"]) == ("trial", "done", 100)
    assert [each["name"] for each in (first, second)] == ["sample/1", "sample/2"]
    assert (first["verdict"], second["verdict"]) == ("AC", "WA")
    assert first["stdout"] == {"text": "Welcome to the arena, Ada!\n", "bytes": 27, "cut": False}
    assert second["difference"]["found"] == ""
    assert counts == [0, 0]
    assert stored.payload == {}
    assert len(script.of(ProcessRole.RUN)) == 2


@pytest.mark.usefixtures("hello")
async def test_own_inputs_come_back_as_they_were_printed(
    client_for: ClientFor, runner_for: RunnerFor
) -> None:
    """NUL and what is no text included; a text that was cut within a character stays a text."""
    failed = Outcome(cause=Cause.EXITED, exit_code=1, stderr=b"Traceback", stderr_bytes=9)
    script = Script(
        run=says(
            Reply(stdout=b"\xff\x00", outcome=failed),
            Reply(stdout=b"x" + "\N{ROCKET}".encode() * 5000),
            Reply(stdout=b"a\0b"),
        )
    )
    inputs = ["nul \0 in it", "\N{ROCKET}", ""]
    job = await done(client_for(), new(inputs=inputs), runner_for(script))
    first, second, third = job["result"]["runs"]

    assert [given(each) for each in script.of(ProcessRole.RUN)] == inputs
    assert (first["verdict"], first["reason"], first["exit_code"]) == ("RTE", "exit code 1", 1)
    assert base64.b64decode(first["stdout"]["base64"]) == b"\xff\x00"
    assert first["stderr"] == {"text": "Traceback", "bytes": 9, "cut": False}
    assert "verdict" not in second
    assert second["stdout"]["text"] == "x" + "\N{ROCKET}" * 4095
    assert (second["stdout"]["bytes"], second["stdout"]["cut"]) == (20_001, True)
    assert base64.b64decode(third["stdout"]["base64"]) == b"a\0b"


@pytest.mark.parametrize(
    ("replaced", "told"),
    [
        ("", {"stdout", "stderr", "message", "difference"}),
        ("1.in.statement", set()),
        ("1.ans.statement", {"stdout", "stderr"}),
    ],
)
async def test_what_a_statement_replaces_is_not_printed_either(
    client_for: ClientFor,
    parts: Parts,
    runner_for: RunnerFor,
    tmp_path: Path,
    replaced: str,
    told: set[str],
) -> None:
    """A program that prints its input would tell it, and a difference tells the answer."""
    files = {f"data/sample/{replaced}": "something else"} if replaced else {}
    package(tmp_path / "some", {"sample/1": (SEEN, "ok"), "secret/1": ("x", "ok")}, files=files)
    await imported(parts, tmp_path / "some", slug="some")
    echoed = Reply(
        stdout=SEEN.encode(),
        outcome=Outcome(cause=Cause.EXITED, exit_code=0, stderr=SEEN.encode(), stderr_bytes=11),
    )
    job = await done(client_for(), new(problem="some"), runner_for(Script(run=says(echoed))))
    run = job["result"]["runs"][0]

    assert run["verdict"] == "WA"
    assert run.keys() & {"stdout", "stderr", "message", "difference"} == told - {"message"}
    assert run["withheld"] is (replaced != "")
    assert (SEEN in str(job)) is ("stdout" in told)


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        ({"problem": "nothing"}, 404, "problem-not-found"),
        ({"problem": "unlisted"}, 404, "problem-not-found"),
        ({"language": "cobol"}, 422, "language-unknown"),
        ({"source": "x" * 65_537}, 413, "source-too-large"),
        ({"source": None}, 422, "invalid"),
        ({"source": None, "files": {"../x.py": "1"}}, 422, "source-invalid"),
        ({"inputs": []}, 422, "invalid"),
        ({"inputs": ["x"] * 11}, 422, "invalid"),
        ({"inputs": ["x" * 65_537]}, 413, "input-too-large"),
        ({"inputs": ["\N{ROCKET}" * 16_385]}, 413, "input-too-large"),
        ({"inputs": ["\ud800"]}, 422, "invalid"),
        ({"problem": "vault", "inputs": ["1"]}, 422, "inputs-not-taken"),
        ({"room_id": str(uuid4())}, 422, "invalid"),
    ],
)
async def test_what_cannot_be_tried_is_refused(
    client_for: ClientFor, parts: Parts, change: dict[str, Any], status: int, slug: str
) -> None:
    """With the documented type, and no job."""
    if change.get("problem") == "unlisted":
        await imported(parts, PROBLEMS / "hello", slug="unlisted", visibility=Visibility.HIDDEN)
    if change.get("problem") == "vault":
        await imported(parts, PROBLEMS / "vault")
    body = {key: value for key, value in new(**change).items() if value is not None}
    # Half a character is no UTF-8, but there is an escape for it in JSON.
    answer = await client_for().post(
        "/v1/trials", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    async with parts.sessions() as session:
        jobs = await session.scalar(select(func.count()).select_from(Job))

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:codebattle:error:{slug}")
    assert jobs == 0


@pytest.mark.usefixtures("hello")
async def test_who_may_try_and_who_may_look(
    client_for: ClientFor, settings: Settings, parts: Parts
) -> None:
    """A token that may submit; the result is its owner's, and nothing stays of what they cancel."""
    reading = client_for(token=token_for(settings, scopes=(Scope.READ,)))
    refused = await reading.post("/v1/trials", json=new())
    owner = client_for()
    taken = await owner.post("/v1/trials", json=new())
    others = [
        (await client_for(role).get(taken.headers["location"])).status_code
        for role in (Role.PLAYER, Role.AUTHOR, Role.GAME_MASTER)
    ]

    cancelled = await owner.post(f"{taken.headers['location']}/cancel")
    async with parts.sessions() as session:
        stored = await session.get_one(Job, UUID(taken.json()["id"]))

    assert (cancelled.json()["state"], stored.payload) == ("cancelled", {})
    assert (refused.status_code, refused.json()["type"][-13:]) == (403, "scope-missing")
    assert taken.json()["url"] == taken.headers["location"] == f"/v1/jobs/{taken.json()['id']}"
    assert others == [404, 404, 200]


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize(
    ("few", "slug"),
    [
        ({"trials_burst": 2, "trials_per_minute": 1}, "rate-limited"),
        ({"trials_queued_max": 2}, "quota"),
    ],
)
async def test_trials_are_limited(settings: Settings, few: dict[str, int], slug: str) -> None:
    """By the minute, and by what waits; each user's own, and submissions' apart."""
    async with started(settings.model_copy(update=few)) as app:

        async def post(token: str, path: str = "/v1/trials") -> Any:
            async with Client(transport=ASGITransport(app), base_url="http://test") as client:
                client.headers["Authorization"] = f"Bearer {token}"
                return await client.post(path, json=new())

        mine, other = token_for(settings), token_for(settings)
        answers = [await post(mine) for _ in range(3)]
        rest = [await post(other), await post(mine, "/v1/submissions")]

    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[2].json()["type"] == f"urn:codebattle:error:{slug}"
    assert int(answers[2].headers["retry-after"]) >= 1
    assert [each.status_code for each in rest] == [202, 202]


async def test_a_broken_package_is_our_fault(
    client_for: ClientFor, parts: Parts, runner_for: RunnerFor, tmp_path: Path
) -> None:
    """At once, not after three tries; what is wrong with it is not the player's to know."""
    package(tmp_path / "some", {"sample/1": ("s", "ok"), "secret/1": ("x", "ok")}, files=VALIDATOR)
    await imported(parts, tmp_path / "some", slug="some")
    failing = Script(validate=says(Reply(outcome=replace(exited(1), stderr=SEEN.encode()))))
    job = await done(client_for(), new(problem="some"), runner_for(failing))

    assert (job["state"], job["attempt"], job["result"]) == ("failed", 1, None)
    assert job["error"]["type"] == "urn:codebattle:error:internal"
    assert SEEN not in str(job)


@pytest.mark.usefixtures("hello")
async def test_results_are_forgotten_after_a_day(
    client_for: ClientFor, parts: Parts, runner_for: RunnerFor
) -> None:
    """The worker's pruning takes trials that ended long ago, and no others."""
    client = client_for()
    old = await done(client, new(), runner_for(Script()))
    kept = await done(client, new(), runner_for(Script()))
    async with parts.sessions() as session:
        past = func.now() - timedelta(days=1, seconds=5)
        await session.execute(update(Job).where(Job.id == UUID(old["id"])).values(finished_at=past))
        await session.commit()
    await _prune(parts)
    left = [each["id"] for each in (await client.get("/v1/jobs")).json()["items"]]

    assert left == [kept["id"]]


@pytest.mark.usefixtures("hello")
@pytest.mark.bubblewrap
async def test_a_worker_tries_out_in_a_real_sandbox(client_for: ClientFor, parts: Parts) -> None:
    """From the request to what the program printed; nothing of the secret cases is in reach."""
    client = client_for()
    source = "import sys\nname = input()\nprint(f'Welcome to the arena, {name}!')\n"
    source += "print(name, file=sys.stderr)\nsys.exit(name == 'exit')\n"
    async with working(parts.settings):
        samples = await client.post("/v1/trials", json=new(source=source))
        own = await client.post("/v1/trials", json=new(source=source, inputs=["Bob\n", "exit\n"]))
        broken = await client.post("/v1/trials", json=new(source="print("))
        jobs = [await ended(client, each.headers["location"]) for each in (samples, own, broken)]
    first, second, third = (job["result"] for job in jobs)

    assert [(run["name"], run["verdict"]) for run in first["runs"]] == [
        ("sample/1", "AC"),
        ("sample/2", "AC"),
    ]
    assert [run.get("verdict") for run in second["runs"]] == [None, "RTE"]
    assert second["runs"][0]["stdout"]["text"] == "Welcome to the arena, Bob!\n"
    assert second["runs"][0]["stderr"]["text"] == "Bob\n"
    assert second["runs"][0]["cpu_ms"] > 0
    assert (third["compiled"], third["runs"]) == (False, [])
    assert "SyntaxError" in third["compile_log"]


async def ended(client: Any, url: str) -> dict[str, Any]:
    """Wait for a job."""
    async with asyncio.timeout(60):
        while True:
            job: dict[str, Any] = (await client.get(url, params={"wait": "10"})).json()
            if job["state"] in {"done", "failed"}:
                return job
