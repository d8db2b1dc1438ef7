"""What we tell others: the outbox, deliveries to a real receiver, and receivers that misbehave."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select, text, update
from standardwebhooks import Webhook

from api.auth import Role
from api.db.models import Outbox, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from api.neighbours import delivery, outbox
from api.neighbours.delivery import CLAIM_S, backoff_s, deliver_due
from api.neighbours.guard import LOOPBACK, Guard
from api.neighbours.outbox import announce
from api.neighbours.sending import HEAD_BYTES, Sender
from api.neighbours.signing import new_secret
from api.wiring import Parts
from tests.api.conftest import Client, ClientFor
from tests.api.receiving import Receiver, receiving

LOCAL = "127.0.0.1"


class Names:
    """A resolver that says what the test wants, and remembers being asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers) or [LOCAL]
        self.asked = 0

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return [self.answers[min(self.asked, len(self.answers)) - 1]]


def guard(names: Names | None = None, **changes: Any) -> Guard:
    usual = {"plain_http": True, "ports": None, "networks": LOOPBACK}
    return Guard(resolve=(names or Names()).resolve, **(usual | changes))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as held:
        yield held


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(guard(), timeout_s=1) as held:
        yield held


async def subscribed(parts: Parts, url: str, *kinds: str) -> WebhookEndpoint:
    async with parts.sessions() as session:
        endpoint = WebhookEndpoint(url=url, secret=new_secret(), kinds=list(kinds))
        session.add(endpoint)
        await session.commit()
        return endpoint


async def told(parts: Parts, kind: str = "submission.judged", key: str = "1") -> UUID:
    async with parts.sessions() as session:
        made = await announce(session, kind, {"verdict": "AC", "name": "Zoë"}, key)
        await session.commit()
        return made


async def only(parts: Parts) -> WebhookDelivery:
    async with parts.sessions() as session:
        return (await session.scalars(select(WebhookDelivery))).one()


async def log(parts: Parts) -> list[WebhookAttempt]:
    async with parts.sessions() as session:
        return list(await session.scalars(select(WebhookAttempt).order_by(WebhookAttempt.number)))


async def due_now(parts: Parts) -> None:
    """Let the time of every waiting delivery have come."""
    async with parts.sessions() as session:
        await session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.next_at.is_not(None))
            .values(next_at=func.now() - timedelta(seconds=1))
        )
        await session.commit()


async def test_an_event_reaches_its_receiver_signed(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """The reference library accepts it; it is sent once, and the log says how it went."""
    endpoint = await subscribed(parts, receiver.url())
    event_id = await told(parts)

    assert await deliver_due(parts.sessions, sender) == 1
    assert await deliver_due(parts.sessions, sender) == 0

    (head,) = receiver.heads
    said = Webhook(endpoint.secret).verify(receiver.bodies[0], head)
    assert said["type"] == "submission.judged"
    assert said["data"] == {"verdict": "AC", "name": "Zoë"}
    assert head["webhook-id"] == str(event_id)
    assert head["host"] == f"hook.test:{receiver.port}"
    assert receiver.lines == ["POST /hook?key=1 HTTP/1.1"]
    assert not {"authorization", "cookie"} & head.keys()
    (attempt,) = await log(parts)
    assert (attempt.status, attempt.response_head, attempt.error) == (200, "taken", "")
    held = await only(parts)
    assert held.delivered_at is not None
    assert held.next_at is None


async def test_what_is_rolled_back_is_never_told(parts: Parts) -> None:
    """The outbox belongs to the transaction of the act; telling twice tells once."""
    async with parts.sessions() as session:
        await announce(session, "submission.judged", {}, "lost")
        await session.rollback()
    await asyncio.gather(*(told(parts, key="same") for _ in range(5)))

    async with parts.sessions() as session:
        assert list(await session.scalars(select(Outbox.key))) == ["same"]


async def test_endpoints_get_the_kinds_they_want(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """No kinds means all; one that is switched off gets nothing."""
    await subscribed(parts, receiver.url("all.test"))
    await subscribed(parts, receiver.url("some.test"), "event.finalised")
    off = await subscribed(parts, receiver.url("off.test"))
    async with parts.sessions() as session:
        await session.execute(
            update(WebhookEndpoint)
            .where(WebhookEndpoint.id == off.id)
            .values(disabled_at=func.now())
        )
        await session.commit()
    await told(parts)
    await told(parts, "event.finalised")

    assert await deliver_due(parts.sessions, sender) == 3
    hosts = sorted(each["host"].partition(".")[0] for each in receiver.heads)
    assert hosts == ["all", "all", "some"]


async def test_a_failed_delivery_is_tried_again_later_and_not_for_ever(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """The wait grows, the id stays, and after the last attempt it is given up."""
    receiver.answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nboom"
    await subscribed(parts, receiver.url())
    await told(parts)
    waits: list[float] = []
    for _ in range(3):
        before = datetime.now(UTC)
        assert await deliver_due(parts.sessions, sender, attempts_max=3) == 1
        assert await deliver_due(parts.sessions, sender, attempts_max=3) == 0
        held = await only(parts)
        if held.next_at is not None:
            waits.append((held.next_at - before).total_seconds())
        await due_now(parts)

    assert await deliver_due(parts.sessions, sender) == 0
    assert held.given_up_at is not None
    assert len({each["webhook-id"] for each in receiver.heads}) == 1
    assert [each.status for each in await log(parts)] == [500] * 3
    assert 3.9 <= waits[0] <= 7
    assert 15.9 <= waits[1] <= 25


def test_waits_grow_within_bounds() -> None:
    """Exponentially, spread by a fifth each way, never over the longest."""
    assert [backoff_s(number, chance=0.5) for number in (1, 2, 3)] == [5, 20, 80]
    assert backoff_s(1, chance=0) == 4
    assert backoff_s(1, chance=1) == pytest.approx(6)
    assert backoff_s(30, chance=1) == pytest.approx(delivery.BACKOFF_MAX_S * 1.2)


async def test_a_receiver_may_ask_for_more_time(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """`Retry-After` lengthens the wait, within the longest."""
    receiver.answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 999999\r\nContent-Length: 0\r\n\r\n"
    await subscribed(parts, receiver.url())
    await told(parts)
    await deliver_due(parts.sessions, sender)

    held = await only(parts)
    assert held.next_at is not None
    wait_s = (held.next_at - datetime.now(UTC)).total_seconds()
    assert delivery.BACKOFF_MAX_S - 60 < wait_s <= delivery.BACKOFF_MAX_S


async def test_gone_switches_an_endpoint_off(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """410 is how a receiver says never again."""
    receiver.answer = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    endpoint = await subscribed(parts, receiver.url())
    await told(parts)
    await deliver_due(parts.sessions, sender)
    await told(parts, key="2")
    await deliver_due(parts.sessions, sender)

    assert receiver.connections == 1
    async with parts.sessions() as session:
        held = await session.get_one(WebhookEndpoint, endpoint.id)
    assert "410" in held.disabled_reason


async def test_two_workers_do_not_send_the_same(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """However many run at once, each event goes out once."""
    await subscribed(parts, receiver.url())
    for number in range(12):
        await told(parts, key=str(number))
    while await asyncio.gather(*(deliver_due(parts.sessions, sender) for _ in range(3))) != [0] * 3:
        pass

    ids = [each["webhook-id"] for each in receiver.heads]
    assert len(ids) == len(set(ids)) == 12


async def test_a_worker_that_died_loses_no_delivery(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """What it claimed is due again after the claim; a late result does not undo a newer one."""
    await subscribed(parts, receiver.url())
    await told(parts)
    hanging = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        hanging.set()
        await asyncio.sleep(30)

    receiver.answer = hang
    dying = asyncio.create_task(deliver_due(parts.sessions, sender))
    await asyncio.wait_for(hanging.wait(), 5)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    receiver.answer = b"HTTP/1.1 204 Fine\r\n\r\n"
    held = await only(parts)

    assert held.next_at is not None
    assert (held.next_at - datetime.now(UTC)).total_seconds() > CLAIM_S - 10
    assert await deliver_due(parts.sessions, sender) == 0
    await due_now(parts)
    assert await deliver_due(parts.sessions, sender) == 1
    assert (await only(parts)).delivered_at is not None


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a header a byte at a time, for ever."""
    for char in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100_000:
        writer.write(bytes([char]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(writer: asyncio.StreamWriter) -> None:
    """Send a body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def heads(writer: asyncio.StreamWriter) -> None:
    """Send headers without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Pad: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def stall(writer: asyncio.StreamWriter) -> None:
    """Promise a body and send half of it."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await writer.drain()
    await asyncio.sleep(30)


async def silence(writer: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await asyncio.sleep(30)


REDIRECT = (
    b"HTTP/1.1 %d Go\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (drip, None, "no answer"),
        (silence, None, "no answer"),
        (heads, None, "not HTTP"),
        (flood, 200, ""),
        (stall, 200, ""),
        (b"SSH-2.0-OpenSSH\r\n", None, "not HTTP"),
        (b"", None, "not HTTP"),
        (REDIRECT % 301, 301, ""),
        (REDIRECT % 307, 307, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz", 200, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\x00\x1b[2J\xff", 200, ""),
    ],
    ids=[
        *("slow header", "silence", "endless header", "endless body", "half a body"),
        *("not HTTP", "nothing", "301", "307", "broken gzip", "terminal codes"),
    ],
)
async def test_receivers_that_misbehave_cost_little(
    receiver: Receiver, sender: Sender, answer: Any, status: int | None, error: str
) -> None:
    """Bounded in time and bytes; a redirect is an answer and is not followed."""
    receiver.answer = answer
    began = time.monotonic()

    outcome = await sender.send(receiver.url(), b"{}", {})

    assert time.monotonic() - began < 3
    assert outcome.status == status
    assert error in outcome.error
    assert len(outcome.head) <= HEAD_BYTES
    assert "\x00" not in outcome.head
    assert "\x1b" not in outcome.head
    assert receiver.connections == 1
    assert outcome.delivered == (status == 200)


async def test_an_outcome_with_odd_bytes_can_be_stored(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """PostgreSQL takes no NUL, and people's terminals no codes."""
    receiver.answer = b"HTTP/1.1 400 No\r\nContent-Length: 4\r\n\r\n\x00\xff\x1b!"
    await subscribed(parts, receiver.url())
    await told(parts)
    await deliver_due(parts.sessions, sender)

    (attempt,) = await log(parts)
    assert attempt.response_head == "���!"


async def test_a_slow_receiver_does_not_hold_up_others(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """A round takes few places for each endpoint, however much is due there."""
    receiver.answer = silence
    await subscribed(parts, receiver.url(), "slow")
    for number in range(40):
        await told(parts, "slow", str(number))
    async with receiving() as quick:
        await subscribed(parts, quick.url(), "quick")
        await told(parts, "quick")
        assert await deliver_due(parts.sessions, sender) == delivery.ENDPOINT_MAX + 1

        assert len(quick.bodies) == 1


async def test_a_name_that_moves_inside_is_refused_at_delivery(
    parts: Parts, receiver: Receiver
) -> None:
    """Public when it was subscribed, loopback now: nothing is connected to."""
    names = Names("93.184.216.34", LOCAL)
    strict = guard(names, networks=())
    await strict.check(receiver.url())
    await subscribed(parts, receiver.url())
    await told(parts)
    async with Sender(strict, timeout_s=1) as sender:
        await deliver_due(parts.sessions, sender)

    (attempt,) = await log(parts)
    assert "not public" in attempt.error
    assert receiver.connections == 0


async def test_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    """The name is resolved once an attempt, by us; nothing resolves it a second time."""
    names = Names(LOCAL, "169.254.169.254")
    async with Sender(guard(names), timeout_s=1) as sender:
        first = await sender.send(receiver.url(), b"{}", {})
        assert (first.status, names.asked) == (200, 1)
        second = await sender.send(receiver.url(), b"{}", {})

    assert "not public" in second.error
    assert receiver.connections == 1


async def test_the_next_address_is_tried_when_one_is_dead(receiver: Receiver) -> None:
    """A receiver with several addresses is reached while one of them answers."""

    async def both(host: str, port: int) -> list[str]:
        return ["127.0.0.2", LOCAL]

    held = Guard(plain_http=True, ports=None, networks=LOOPBACK, resolve=both)
    async with Sender(held, timeout_s=2) as sender:
        assert (await sender.send(receiver.url(), b"{}", {})).status == 200


async def test_nothing_listens(receiver: Receiver, sender: Sender) -> None:
    """The reason is in our words, without addresses."""
    outcome = await sender.send("http://hook.test:1/", b"{}", {})

    assert (outcome.status, outcome.error) == (None, "no connection")


async def test_proxies_of_the_environment_are_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would connect to addresses of its own choice."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Sender(guard(), timeout_s=1) as sender:
        assert (await sender.send(receiver.url(), b"{}", {})).status == 200


def certificate(directory: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for a name; return the server's context and one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


async def test_the_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    """Although the connection goes to an address; another name's does not hold."""
    server, trusting = certificate(tmp_path, "hook.test")
    async with receiving(server) as receiver:
        transport = httpx.AsyncHTTPTransport(verify=trusting)
        async with Sender(guard(), timeout_s=2, transport=transport) as sender:
            right = await sender.send(receiver.url(scheme="https"), b"{}", {})
            wrong = await sender.send(receiver.url("other.test", scheme="https"), b"{}", {})
        async with Sender(guard(), timeout_s=2) as sender:
            unknown = await sender.send(receiver.url(scheme="https"), b"{}", {})

    assert right.status == 200
    assert (wrong.status, unknown.status) == (None, None)
    assert wrong.error == unknown.error == "the certificate does not hold"


async def test_subscriptions_over_http(
    parts: Parts, receiver: Receiver, client_for: ClientFor, sender: Sender
) -> None:
    """Made, changed, rotated, redelivered, removed; the secret is shown once each time."""
    master = client_for(Role.GAME_MASTER)
    url = receiver.url(LOCAL)
    made = await master.post("/v1/webhooks", json={"url": url, "kinds": ["submission.judged"]})
    endpoint = made.json()
    path = f"/v1/webhooks/{endpoint['id']}"
    rotated = (await master.post(f"{path}/secret")).json()
    listed = await master.get("/v1/webhooks")
    await told(parts)
    await told(parts, "other.kind")
    assert await deliver_due(parts.sessions, sender) == 1

    assert made.status_code == 201
    for secret in (endpoint["secret"], rotated["secret"]):
        assert Webhook(secret).verify(receiver.bodies[0], receiver.heads[0])
        assert secret not in listed.text
    (shown,) = (await master.get(f"{path}/deliveries")).json()["items"]
    again = await master.post(f"/v1/webhooks/deliveries/{shown['id']}/redeliver")
    twice = await master.post(f"/v1/webhooks/deliveries/{shown['id']}/redeliver")
    assert (again.status_code, twice.status_code) == (202, 409)
    assert await deliver_due(parts.sessions, sender) == 1
    assert receiver.heads[0]["webhook-id"] == receiver.heads[1]["webhook-id"]
    detail = (await master.get(f"/v1/webhooks/deliveries/{shown['id']}")).json()
    assert [each["number"] for each in detail["log"]] == [2, 1]
    assert detail["payload"] == {"verdict": "AC", "name": "Zoë"}
    assert (await master.patch(path, json={"disabled": True})).json()["disabled_at"]
    assert (await master.delete(path)).status_code == 204
    assert (await master.delete(path)).status_code == 404
    audit = await master.get("/v1/audit?subject_kind=webhook")
    assert [each["action"].split(".")[1] for each in audit.json()["items"]] == [
        *("removed", "changed", "secret_replaced", "created"),
    ]
    assert rotated["secret"] not in audit.text
    assert "key=1" not in audit.text


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest/", "http://10.0.0.1/", "ftp://x.test/", "http://[fd00::1]/"],
)
async def test_subscribing_an_inside_address_is_refused(client_for: ClientFor, url: str) -> None:
    """422 with the reason, when made and when changed; in development too."""
    master = client_for(Role.GAME_MASTER)
    answer = await master.post("/v1/webhooks", json={"url": url})
    changed = await master.patch(f"/v1/webhooks/{uuid4()}", json={"url": url})

    for each in (answer, changed):
        assert each.status_code == 422
        assert each.json()["type"].endswith("target-refused")


async def test_pages_of_deliveries(
    parts: Parts, receiver: Receiver, client_for: ClientFor, sender: Sender
) -> None:
    """Newest first, none twice, none left out; a made-up cursor is 400."""
    endpoint = await subscribed(parts, receiver.url())
    for number in range(5):
        await told(parts, key=str(number))
    await deliver_due(parts.sessions, sender)
    master: Client = client_for(Role.GAME_MASTER)
    seen: list[str] = []
    path = f"/v1/webhooks/{endpoint.id}/deliveries?limit=2"
    following: str | None = ""
    while following is not None:
        cursor = f"&cursor={following}" if following else ""
        page = (await master.get(path + cursor)).json()
        seen += [each["id"] for each in page["items"]]
        following = page["next_cursor"]

    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    assert (await master.get(f"{path}&cursor=WyJ4Il0")).status_code == 400


async def test_old_events_are_deleted_once_settled(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """Not while a delivery waits."""
    await subscribed(parts, receiver.url())
    await told(parts)
    await deliver_due(parts.sessions, sender)
    await told(parts, key="2")
    receiver.answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    await deliver_due(parts.sessions, sender)
    async with parts.sessions() as session:
        later = datetime.now(UTC) + timedelta(days=31)

        assert await outbox.prune(session, now=later) == 1
        assert list(await session.scalars(select(Outbox.key))) == ["2"]


def test_loopback_is_what_the_tests_allow() -> None:
    """The strict guard would refuse every receiver of these tests."""
    assert not Guard().allows(ip_address(LOCAL))


async def test_a_result_that_cannot_be_stored_ends_nothing(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """The round goes on, and the delivery is due again when its claim has run out."""
    await subscribed(parts, receiver.url())
    await told(parts)
    async with parts.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE codebattle.webhook_attempts RENAME TO away"))

    assert await deliver_due(parts.sessions, sender) == 1
    held = await only(parts)
    assert held.next_at is not None
    assert held.delivered_at is None
