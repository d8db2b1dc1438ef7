"""What we tell others: the outbox, deliveries to a real receiver, and receivers that misbehave."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update
from standardwebhooks import Webhook

from api.auth import Role
from api.db.models import Outbox, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from api.neighbours import delivery, outbox
from api.neighbours.delivery import CLAIM_S, backoff_s, deliver_due
from api.neighbours.outbox import announce
from api.neighbours.sealing import Sealer
from api.neighbours.sending import Sender
from api.neighbours.signing import new_secret
from api.settings import DEVELOPMENT_SECRET
from api.wiring import Parts
from tests.api.conftest import Client, ClientFor
from tests.api.receiving import LOCAL, Names, Receiver, guard, receiving, silence

SEALER = Sealer(DEVELOPMENT_SECRET)


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

    assert await deliver_due(parts.sessions, sender, SEALER) == 1
    assert await deliver_due(parts.sessions, sender, SEALER) == 0

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

    assert await deliver_due(parts.sessions, sender, SEALER) == 3
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
        assert await deliver_due(parts.sessions, sender, SEALER, attempts_max=3) == 1
        assert await deliver_due(parts.sessions, sender, SEALER, attempts_max=3) == 0
        held = await only(parts)
        if held.next_at is not None:
            waits.append((held.next_at - before).total_seconds())
        await due_now(parts)

    assert await deliver_due(parts.sessions, sender, SEALER) == 0
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
    await deliver_due(parts.sessions, sender, SEALER)

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
    await deliver_due(parts.sessions, sender, SEALER)
    await told(parts, key="2")
    await deliver_due(parts.sessions, sender, SEALER)

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
    while (
        await asyncio.gather(*(deliver_due(parts.sessions, sender, SEALER) for _ in range(3)))
        != [0] * 3
    ):
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
    dying = asyncio.create_task(deliver_due(parts.sessions, sender, SEALER))
    await asyncio.wait_for(hanging.wait(), 5)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    receiver.answer = b"HTTP/1.1 204 Fine\r\n\r\n"
    held = await only(parts)

    assert held.next_at is not None
    assert (held.next_at - datetime.now(UTC)).total_seconds() > CLAIM_S - 10
    assert await deliver_due(parts.sessions, sender, SEALER) == 0
    await due_now(parts)
    assert await deliver_due(parts.sessions, sender, SEALER) == 1
    assert (await only(parts)).delivered_at is not None


async def test_an_outcome_with_odd_bytes_can_be_stored(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """PostgreSQL takes no NUL, and people's terminals no codes."""
    receiver.answer = b"HTTP/1.1 400 No\r\nContent-Length: 4\r\n\r\n\x00\xff\x1b!"
    await subscribed(parts, receiver.url())
    await told(parts)
    await deliver_due(parts.sessions, sender, SEALER)

    (attempt,) = await log(parts)
    assert attempt.response_head == "���!"


@pytest.mark.slow
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
        assert await deliver_due(parts.sessions, sender, SEALER) == delivery.ENDPOINT_MAX + 1

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
        await deliver_due(parts.sessions, sender, SEALER)

    (attempt,) = await log(parts)
    assert "not public" in attempt.error
    assert receiver.connections == 0


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
    assert await deliver_due(parts.sessions, sender, SEALER) == 1

    assert made.status_code == 201
    for secret in (endpoint["secret"], rotated["secret"]):
        assert Webhook(secret).verify(receiver.bodies[0], receiver.heads[0])
        assert secret not in listed.text
    (shown,) = (await master.get(f"{path}/deliveries")).json()["items"]
    again = await master.post(f"/v1/webhooks/deliveries/{shown['id']}/redeliver")
    twice = await master.post(f"/v1/webhooks/deliveries/{shown['id']}/redeliver")
    assert (again.status_code, twice.status_code) == (202, 409)
    assert await deliver_due(parts.sessions, sender, SEALER) == 1
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
    await deliver_due(parts.sessions, sender, SEALER)
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
    await deliver_due(parts.sessions, sender, SEALER)
    await told(parts, key="2")
    receiver.answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    await deliver_due(parts.sessions, sender, SEALER)
    async with parts.sessions() as session:
        later = datetime.now(UTC) + timedelta(days=31)

        assert await outbox.prune(session, now=later) == 1
        assert list(await session.scalars(select(Outbox.key))) == ["2"]


async def test_a_result_that_cannot_be_stored_ends_nothing(
    parts: Parts, receiver: Receiver, sender: Sender
) -> None:
    """The round goes on, and the delivery is due again when its claim has run out."""
    await subscribed(parts, receiver.url())
    await told(parts)
    async with parts.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE codebattle.webhook_attempts RENAME TO away"))

    assert await deliver_due(parts.sessions, sender, SEALER) == 1
    held = await only(parts)
    assert held.next_at is not None
    assert held.delivered_at is None
