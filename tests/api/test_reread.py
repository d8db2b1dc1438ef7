"""What a second, hostile reading of the service found; each test failed before its fix."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4
from zipfile import ZipFile, ZipInfo

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from api import redaction
from api.accounts import service as accounts
from api.auth import Role, Scope
from api.db.base import new_id
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    Judging,
    JudgingState,
    Outbox,
    Token,
    WebhookAttempt,
    WebhookEndpoint,
)
from api.db.models import TokenKind as Kind
from api.errors import ForbiddenError
from api.live import keys
from api.neighbours import guard, outbox
from api.neighbours.delivery import deliver_due
from api.neighbours.guard import Guard, RefusedTargetError
from api.neighbours.sealing import Sealer, UnreadableSecretError
from api.neighbours.sending import Sender
from api.problems.cache import PackageCache
from api.problems.service import Imported
from api.settings import Environment, Settings
from api.submissions import reporting
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts, opened
from api.workers import selftesting
from judge.errors import PackageError
from judge.judging import Judge
from judge.problem import archive
from judge.results import Run
from judge.verdicts import Verdict
from tests.api.conftest import PROBLEMS, Client, ClientFor, imported, token_for
from tests.api.signing_in import FAST, OTHER, PASSWORD
from tests.api.submissions import conftest as scripted

judge, worker_for = scripted.judge, scripted.worker_for
SETTINGS = Settings(environment=Environment.DEVELOPMENT)
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
    for module, name in ((keys, "ANSWER_S"), (reporting, "LEFT_S")):
        monkeypatch.setattr(module, name, 0.1)
    submission_id = await submitted(client_for())

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    silent = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    hung = parts.settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{port}/0")})
    async with opened(hung, application="tests") as held, asyncio.timeout(5):
        cache = PackageCache(hung.cache_dir, held.blobs, bytes_max=1 << 30)
        await SubmissionJobs(held, judge, cache, worker=new_id(), slots=1).look()
    silent.close()
    await silent.wait_closed()

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
    event = await submitted(client_for(Role.AUTHOR), event_id=str(uuid4()))
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


async def test_a_token_reads_only_with_the_scope(client_for: ClientFor, hello: object) -> None:
    """A token that may only submit showed the hidden problems of its owner, and their tokens."""
    del hello
    reader = client_for(token=token_for(SETTINGS, scopes=(Scope.READ,)))
    submitter = client_for(token=token_for(SETTINGS, scopes=(Scope.SUBMIT,)))
    for path in ("/v1/problems", "/v1/problems/hello", "/v1/problems/hello/samples"):
        assert (await reader.get(path)).status_code == 200
        assert (await submitter.get(path)).status_code == 403
    assert (await submitter.get("/v1/me/tokens")).status_code == 403


def test_secrets_are_sealed_in_the_database() -> None:
    """They open with any key that is held, and with no other."""
    old, new = Sealer("a" * 32), Sealer("b" * 32, "a" * 32)
    sealed = old.seal(CANARY)

    assert CANARY not in sealed
    assert (old.open(sealed), new.open(sealed)) == (CANARY, CANARY)
    assert old.open("whsec_from-before") == "whsec_from-before"
    with pytest.raises(UnreadableSecretError):
        old.open(new.seal(CANARY))


async def test_a_subscription_whose_secret_is_lost_ends_no_worker(parts: Parts) -> None:
    """Its deliveries fail and say why; it got no secret that could be read."""
    async with parts.sessions() as session:
        session.add(
            WebhookEndpoint(url="https://guild.example", secret=Sealer("b" * 32).seal("whsec_x"))
        )
        await outbox.announce(session, "kind", {}, key=1)
        await session.commit()
    async with Sender(Guard(), timeout_s=1) as sender:
        assert await deliver_due(parts.sessions, sender, Sealer("a" * 32)) == 1
    async with parts.sessions() as session:
        error = (await session.scalars(select(WebhookAttempt.error))).one()

    assert error == "the secret cannot be read: replace it"


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


async def test_a_slug_taken_meanwhile_is_not_overwritten(parts: Parts) -> None:
    """Who owns a problem was asked before its package was read, and never again."""
    await imported(parts, PROBLEMS / "hello", owner_id=uuid4())
    with pytest.raises(ForbiddenError):
        await imported(parts, PROBLEMS / "hello", owner_id=uuid4(), only_own=True)


async def test_unpacked_packages_are_for_the_worker_alone(parts: Parts, hello: Imported) -> None:
    """They hold secret test data, and others may work on the same machine."""
    root = parts.settings.cache_dir / "packages"
    async with parts.sessions() as session:
        sha256 = (await session.scalars(select(CodeProblemVersion.package_sha256))).one()
    await PackageCache(root, parts.blobs, bytes_max=1 << 30).problem(sha256, hello.slug)

    assert root.stat().st_mode & 0o077 == 0


def test_links_of_an_archive_cannot_help_each_other_out(tmp_path: Path) -> None:
    """Each stays inside while the other is missing; together they led anywhere."""
    package = tmp_path / "package.zip"
    with ZipFile(package, "w") as made:
        made.writestr("problem.yaml", "")
        for name, to in (("a", "b/c/d/../../../etc/passwd"), *((each, ".") for each in "bcd")):
            link = ZipInfo(name)
            link.external_attr = 0o120777 << 16
            made.writestr(link, to)
    with pytest.raises(PackageError, match="leads out of the package"):
        archive.unpack(package)


@pytest.mark.parametrize("large", [False, True])
def test_an_endless_list_of_files_is_not_read(
    tmp_path: Path, *, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of a small upload may name millions of files, each of which takes memory."""
    package = tmp_path / "package.zip"
    with ZipFile(package, "w") as made:
        made.writestr("problem.yaml", "")
    data = bytearray(package.read_bytes())
    end = data.rfind(b"PK\5\6")
    size = (2**31).to_bytes(8, "little")
    if large:
        record = b"PK\6\6" + bytes(36) + size + bytes(8)
        data[end:end] = record + b"PK\6\7" + bytes(16)
    else:
        data[end + 12 : end + 16] = size[:4]
    package.write_bytes(data)
    monkeypatch.setattr("zipfile.ZipFile", lambda _: pytest.fail("it was read"))
    with pytest.raises(PackageError, match="too many files"):
        archive.unpack(package)


def test_what_a_hidden_case_took_is_told_live_in_steps() -> None:
    """A program can spend as much as an input says that nobody is to know."""
    done = Run(case="secret/1", verdict=Verdict.AC, cpu_us=123_456)
    told = [redaction.progress(1, 2, case, done)["cpu_ms"] for case in ("secret/1", "sample/1")]
    assert told == [100, 124]
