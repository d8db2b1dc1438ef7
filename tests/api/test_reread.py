"""What a second, hostile reading of the service found; each test failed before its fix."""

import asyncio
from types import SimpleNamespace
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from api import wiring
from api.accounts import service as accounts
from api.auth import Role
from api.db.base import new_id
from api.db.models import CodeProblem, Judging, JudgingState, Outbox, Token
from api.db.models import TokenKind as Kind
from api.live import keys
from api.neighbours import guard
from api.neighbours.guard import Guard, RefusedTargetError
from api.problems.cache import PackageCache
from api.submissions import reporting
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts, opened
from api.workers import selftesting
from judge.judging import Judge
from tests.api.conftest import Client, ClientFor
from tests.api.signing_in import FAST, OTHER, PASSWORD
from tests.api.submissions import conftest as scripted

judge, worker_for = scripted.judge, scripted.worker_for
CANARY = "canary-nobody-must-read"


async def submitted(client: Client, source: str = "AC", **more: object) -> UUID:
    """Submit to `hello` and return the id."""
    body = {"problem": "hello", "language": "python3", "source": source, **more}
    answer = await client.post("/v1/submissions", json=body)
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["id"])


async def state_of(parts: Parts, submission_id: UUID) -> JudgingState | None:
    async with parts.sessions() as session:
        return await session.scalar(
            select(Judging.state).where(Judging.submission_id == submission_id)
        )


async def test_a_failing_statement_does_not_tell_its_parameters(parts: Parts) -> None:
    """Errors are logged with their message, and parameters are sources and secrets."""
    async with parts.sessions() as session:
        with pytest.raises(DBAPIError) as failed:
            await session.execute(text("SELECT 1 / 0, CAST(:said AS text)"), {"said": CANARY})

    assert CANARY not in str(failed.value)


@pytest.mark.usefixtures("hello")
async def test_a_redis_that_hangs_holds_up_no_judging(
    client_for: ClientFor,
    parts: Parts,
    judge: scripted.ScriptedJudge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It accepts connections and says nothing: progress is let go, the judgement is stored."""
    for module, name in ((wiring, "REDIS_S"), (reporting, "LEFT_S")):
        monkeypatch.setattr(module, name, 0.1)
    submission_id = await submitted(client_for())

    async def says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    silent = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    hung = parts.settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{port}/0")})
    async with opened(hung, application="tests") as held, asyncio.timeout(5):
        cache = PackageCache(hung.cache_dir, held.blobs, bytes_max=1 << 30)
        await SubmissionJobs(held, judge, cache, worker=new_id(), slots=1).look()
    silent.close()

    assert await state_of(parts, submission_id) is JudgingState.DONE


@pytest.mark.usefixtures("hello")
async def test_authors_are_the_jury_of_their_own_problems(
    client_for: ClientFor, parts: Parts
) -> None:
    """They were strangers to all submissions but their own."""
    author = uuid4()
    async with parts.sessions() as session:
        await session.execute(update(CodeProblem).values(owner_id=author))
        await session.commit()
    url = f"/v1/submissions/{await submitted(client_for())}"

    assert (await client_for(Role.AUTHOR, user_id=author).get(url)).status_code == 200
    assert (await client_for(Role.AUTHOR, user_id=author).get(f"{url}/source")).status_code == 200
    assert (await client_for(Role.PLAYER, user_id=author).get(url)).status_code == 404
    assert (await client_for(Role.AUTHOR).get(url)).status_code == 404


@pytest.mark.usefixtures("hello")
async def test_reviewers_compare_no_sources_while_an_event_goes_on(
    client_for: ClientFor, worker_for: scripted.WorkerFor
) -> None:
    """The hash of a source tells who handed in the same; time and memory are the owner's."""
    event = await submitted(client_for(), event_id=str(uuid4()))
    practice = await submitted(client_for())
    await worker_for().look()
    reviewer = client_for(Role.REVIEWER)
    during = (await reviewer.get(f"/v1/submissions/{event}")).json()
    other = (await reviewer.get(f"/v1/submissions/{practice}")).json()

    assert [during[key] for key in ("source_hash", "source_bytes", "verdict", "cpu_ms")] == [
        None
    ] * 4
    assert (other["source_bytes"], other["verdict"], other["cpu_ms"]) == (2, "AC", None)


@pytest.mark.usefixtures("hello")
async def test_other_services_get_what_the_policy_names(
    client_for: ClientFor, parts: Parts, worker_for: scripted.WorkerFor
) -> None:
    """The payload went out as the worker made it."""
    await submitted(client_for())
    await worker_for().look()
    async with parts.sessions() as session:
        payload = (await session.scalars(select(Outbox.payload))).one()

    assert set(payload) == {
        *("submission_id", "judging_id", "problem_id", "user_id"),
        *("state", "verdict", "score", "cpu_ms", "memory_bytes"),
    } - {key for key in ("score",) if key not in payload}


@pytest.mark.parametrize(
    ("length", "status"), [("9" * 5000, 413), ("1" * 19, 413), ("-1", 400), ("1e3", 400)]
)
async def test_no_length_of_a_body_is_a_bug(app: FastAPI, length: str, status: int) -> None:
    """Python refuses to read a number of five thousand digits."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with Client(transport=transport, base_url="http://test") as client:
        answer = await client.post("/v1/submissions", headers={"Content-Length": length})

    assert answer.status_code == status


async def test_a_resolver_that_hangs_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Subscribing waited for as long as the resolver pleased."""
    monkeypatch.setattr(guard, "RESOLVE_S", 0.01)

    async def hangs(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(RefusedTargetError):
        await Guard(resolve=hangs).check("https://guild.example/hook")


async def test_rubbish_on_the_channel_does_not_end_the_hub(app: FastAPI, parts: Parts) -> None:
    """One message nobody could read ended the updates of everybody, silently."""
    hub = app.state.parts.hub
    assert await hub.wait_up(5)
    async with hub.listen(["topic"]) as updates:
        for said in ("rubbish", "topic\nepoch\nfour\n{}", "topic\nepoch\n1\n[]"):
            await parts.redis.publish(keys.CHANNEL, said)
        await parts.redis.publish(keys.CHANNEL, 'topic\ne\n2\n{"kind":"queued","data":{}}')
        async with asyncio.timeout(5):
            item = await updates.get()
            while not hasattr(item, "update"):
                item = await updates.get()

    assert item.position.number == 2


async def test_a_password_set_on_the_command_line_ends_personal_tokens(parts: Parts) -> None:
    """It is what is done when somebody else has the account."""
    parts.passwords._hasher = FAST
    given = {"name": "ada", "roles": [Role.PLAYER], "passwords": parts.passwords}
    async with parts.sessions() as session:
        account = await accounts.ensure(session, password=PASSWORD, **given)  # type: ignore[arg-type]
        session.add(
            Token(account_id=account, kind=Kind.PERSONAL, family_id=new_id(), token_hash="x")
        )
        await session.flush()
        await accounts.ensure(session, password=OTHER, **given)  # type: ignore[arg-type]
        revoked = (await session.scalars(select(Token.revoked_at))).one()

    assert revoked is not None


async def test_an_attack_that_gets_through_once_is_said_and_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A busy machine makes attacks look better than they are; the record tells of it."""
    attacks = [SimpleNamespace(name=name, quick=True) for name in ("held", "flaky", "through")]
    problems: dict[str, list[tuple[str, ...]]] = {
        "held": [()],
        "flaky": [("late",), ()],
        "through": [("a",), ("b",)],
    }

    async def run(_judge: object, tried: SimpleNamespace, _notes: list[str]) -> tuple[str, ...]:
        return problems[str(tried.name)].pop(0)

    monkeypatch.setattr("judge.selftest.load_attacks", lambda: attacks)
    monkeypatch.setattr(selftesting, "_problems", run)
    result = await selftesting.attack(Judge(None))  # type: ignore[arg-type]

    assert result["status"] == selftesting.BROKEN
    assert result["succeeded"] == ["through: b"]
    assert result["retried"] == ["flaky: late"]
