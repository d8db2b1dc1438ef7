"""What the platform tells us: signatures, replays, and events in any order."""

import json
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import delete, func, select
from standardwebhooks import Webhook

from api.db.models import GuildMemberRef, GuildRef, InboundEvent, UserProfileRef
from api.neighbours import inbound, signing
from api.settings import Environment, Settings
from api.wiring import Parts
from tests.api.conftest import Client, started

SECRET = signing.new_secret()
NEXT = signing.new_secret()
ADA, GUILD, OTHER = (UUID(int=number) for number in (1, 2, 3))
START = datetime(2026, 11, 1, tzinfo=UTC)


def event(kind: str, minute: int, **data: Any) -> dict[str, Any]:
    said = {name: str(value) for name, value in data.items()}
    at = (START + timedelta(minutes=minute)).isoformat()
    return {"type": kind, "occurred_at": at, "data": said}


@pytest.fixture
async def hook(settings: Settings, parts: Parts, anonymous: Client) -> AsyncIterator[Client]:
    """Return a client of a service that knows two secrets."""
    known = (SecretStr(SECRET), SecretStr(NEXT))
    async with started(settings.model_copy(update={"hook_secrets": known})) as app:
        anonymous._transport.app = app  # type: ignore[attr-defined]
        yield anonymous


async def send(
    client: Client,
    said: Any,
    *,
    message_id: str | None = None,
    secret: str = SECRET,
    skew_s: int = 0,
    **headers: str,
) -> Any:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    sent_at = int(time.time()) + skew_s
    signed = signing.headers(
        message_id or f"msg_{uuid4().hex}", body, sent_at_s=sent_at, secrets_held=[secret]
    )
    merged = {"Content-Type": "application/json", **signed}
    merged |= {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in merged.items()]
    return await client.post("/v1/hooks/platform", content=body, headers=raw)


async def test_signatures_are_those_of_the_reference_library(hook: Client) -> None:
    """What it signs we take, and what we sign it takes."""
    body = json.dumps(event("user.created", 0, user_id=ADA, name="Ada"))
    now = datetime.now(UTC)
    theirs = Webhook(SECRET).sign("msg_1", now, body)
    stamp = str(int(now.timestamp()))
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": theirs}

    answer = await hook.post("/v1/hooks/platform", content=body, headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"effect": "applied"})
    ours = signing.headers(
        "msg_2", body.encode(), sent_at_s=int(time.time()), secrets_held=[NEXT, SECRET]
    )
    assert Webhook(SECRET).verify(body, ours) == json.loads(body)


@pytest.mark.parametrize("secret", [SECRET, NEXT], ids=["this", "next"])
async def test_either_secret_is_good_while_they_are_replaced(hook: Client, secret: str) -> None:
    """Several secrets may be held, and a message may carry several signatures."""
    said = event("user.created", 0, user_id=ADA, name="Ada")

    assert (await send(hook, said, secret=secret)).status_code == 200
    body = json.dumps(said).encode()
    mixed = signing.headers(
        "msg_x",
        body,
        sent_at_s=int(time.time()),
        secrets_held=[signing.new_secret(), secret],
    )
    answer = await hook.post("/v1/hooks/platform", content=body, headers=mixed)
    assert answer.status_code == 200


REFUSED: dict[str, dict[str, Any]] = {
    "another secret": {"secret": signing.SECRET_PREFIX + "A" * 32},
    "too old": {"skew_s": -400},
    "from the future": {"skew_s": 400},
    "another id": {"webhook_id": "msg_other"},
    "no id": {"webhook_id": ""},
    "id with a dot": {"message_id": "msg.1"},
    "huge id": {"message_id": "m" * 201},
    "another time": {"webhook_timestamp": str(int(time.time()) + 1000)},
    "time is a word": {"webhook_timestamp": "now"},
    "time is signed": {"webhook_timestamp": "-1"},
    "time is huge": {"webhook_timestamp": "9" * 400},
    "time in Arabic digits": {"webhook_timestamp": b"\xd9\xa1".decode("latin-1")},
    "no signature": {"webhook_signature": ""},
    "another version": {"webhook_signature": "v1a,AAAA"},
    "no comma": {"webhook_signature": "v1"},
    "empty": {"webhook_signature": "v1,"},
    "not base64": {"webhook_signature": "v1,ÿÿ"},
    "many": {"webhook_signature": " ".join(["v1,AAAA"] * 1000)},
}


@pytest.mark.parametrize("attack", REFUSED.values(), ids=REFUSED)
async def test_what_is_not_signed_just_now_by_us_is_refused(
    hook: Client, parts: Parts, attack: dict[str, Any]
) -> None:
    """The answer is 401 whatever is wrong, and nothing is kept."""
    said = event("user.created", 0, user_id=ADA, name="Ada")

    answer = await send(hook, said, **attack)

    assert answer.status_code == 401
    assert answer.json()["type"].endswith("bad-signature")
    async with parts.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(InboundEvent)) == 0
        assert await session.get(UserProfileRef, ADA) is None


async def test_a_changed_body_is_refused(hook: Client) -> None:
    """Even by one space."""
    body = json.dumps(event("user.created", 0, user_id=ADA, name="Ada")).encode()
    headers = signing.headers("msg_1", body, sent_at_s=int(time.time()), secrets_held=[SECRET])

    answer = await hook.post("/v1/hooks/platform", content=body + b" ", headers=headers)

    assert answer.status_code == 401


async def test_a_clock_that_is_a_little_wrong_is_forgiven(hook: Client) -> None:
    """Up to the tolerance, both ways."""
    for skew_s in (-290, 290):
        said = event("user.created", 0, user_id=uuid4(), name="Ada")
        assert (await send(hook, said, skew_s=skew_s)).status_code == 200


async def test_a_replay_changes_nothing(hook: Client, parts: Parts) -> None:
    """The id decides, even when the body is a newer one; the answer is 200."""
    one = event("user.created", 0, user_id=ADA, name="Ada")
    two = event("user.updated", 5, user_id=ADA, name="Eve")
    first = await send(hook, one, message_id="msg_1")
    again = await send(hook, one, message_id="msg_1")
    other = await send(hook, two, message_id="msg_1")

    effects = [each.json()["effect"] for each in (first, again, other)]
    assert effects == ["applied", "replayed", "replayed"]
    assert {each.status_code for each in (first, again, other)} == {200}
    assert await name_of(parts) == "Ada"


async def test_stale_news_change_nothing(hook: Client, parts: Parts) -> None:
    """An older event that comes late is answered 200 and has no effect."""
    await send(hook, event("user.updated", 5, user_id=ADA, name="Ada L."))
    late = await send(hook, event("user.created", 0, user_id=ADA, name="Ada"))

    assert (late.status_code, late.json()) == (200, {"effect": "stale"})
    assert await name_of(parts) == "Ada L."


async def test_a_version_decides_before_a_clock(hook: Client, parts: Parts) -> None:
    """Two senders' clocks may differ; whoever counts versions is believed."""
    newer = event("user.updated", 0, user_id=ADA, name="Ada L.") | {"version": 7}
    older = event("user.updated", 9, user_id=ADA, name="Ada") | {"version": 6}
    await send(hook, newer)
    await send(hook, older)

    assert await name_of(parts) == "Ada L."


async def test_an_unknown_type_is_accepted_and_ignored(hook: Client, parts: Parts) -> None:
    """The answer is 202, and it is counted."""
    counter = inbound._seen.labels("unknown")._value
    before = counter.get()

    answer = await send(hook, event("quest.finished", 0, quest="x"))

    assert (answer.status_code, answer.json()) == (202, {"effect": "unknown"})
    assert counter.get() == before + 1
    async with parts.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(InboundEvent)) == 0


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[" * 10_000,
        b"[]",
        {},
        {"type": "user.created"},
        event("user.created", 0, user_id="ada", name="Ada"),
        event("user.created", 0, user_id=ADA),
        event("user.created", 0, user_id=ADA, name="\x00\u202e"),
        event("user.created", 0, user_id=ADA, name="x" * 201),
        event("user.created", 0, user_id=ADA, name="Ada") | {"version": -1},
        event("user.created", 0, user_id=ADA, name="Ada") | {"version": 2**63},
        event("user.created", 0, user_id=ADA, name="Ada") | {"occurred_at": "2026-11-01T00:00:00"},
        event("user.created", 0, user_id=ADA, name="Ada") | {"occurred_at": "2999-01-01T00:00:00Z"},
        event("guild.member_added", 0, user_id=ADA),
        event("user.created", 0, user_id=ADA, name="Ada")
        | {"occurred_at": "0001-01-01T00:00:00+23:00"},
        (
            b'{"type": "user.created", "occurred_at": "2026-11-01T00:00:00Z", "data": {"user_id":'
            b' "00000000-0000-0000-0000-000000000001", "name": "\\ud800"}}'
        ),
    ],
    ids=lambda said: str(said)[-40:],
)
async def test_a_signed_event_that_cannot_be_read_is_422(
    hook: Client, parts: Parts, said: Any
) -> None:
    """It is not noted as taken either: sent again in order, it counts."""
    assert (await send(hook, said)).status_code == 422
    async with parts.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(InboundEvent)) == 0


async def test_too_large_an_event_is_413(hook: Client) -> None:
    """Nothing over the bound is held in memory to be verified."""
    assert (await send(hook, b"x" * 300_000)).status_code == 413


async def test_without_secrets_there_is_no_hook(anonymous: Client) -> None:
    """A service that knows no platform takes nothing from anybody."""
    assert (await send(anonymous, event("user.created", 0, user_id=ADA))).status_code == 404


@pytest.mark.parametrize("secret", ["whsec_AAAA", "hunter2hunter2", "whsec_" + "!" * 40])
def test_a_weak_secret_ends_the_start(secret: str) -> None:
    """And it is not in the message."""
    with pytest.raises(ValidationError) as caught:
        Settings(environment=Environment.DEVELOPMENT, hook_secrets=(SecretStr(secret),))
    assert secret not in str(caught.value)


async def name_of(parts: Parts) -> str:
    async with parts.sessions() as session:
        return (await session.get_one(UserProfileRef, ADA)).name


STORY = [
    event("user.created", 0, user_id=ADA, name="Ada"),
    event("guild.created", 1, guild_id=GUILD, name="Engines"),
    event("guild.member_added", 2, guild_id=GUILD, user_id=ADA),
    event("guild.member_removed", 3, guild_id=GUILD, user_id=ADA),
    event("guild.member_added", 4, guild_id=OTHER, user_id=ADA),
    event("guild.updated", 5, guild_id=OTHER, name="Looms"),
]


@pytest.mark.parametrize(
    ("last", "guild"),
    [
        ([], (OTHER, "Looms")),
        ([event("guild.deleted", 6, guild_id=OTHER)], (None, None)),
        ([event("guild.member_removed", 4, guild_id=OTHER, user_id=ADA)], (None, None)),
        ([event("user.deleted", 6, user_id=ADA)], (None, None)),
    ],
    ids=["joined", "dissolved", "left at once", "deleted"],
)
@pytest.mark.slow
async def test_every_order_ends_the_same(
    parts: Parts, last: list[dict[str, Any]], guild: tuple[UUID | None, str | None]
) -> None:
    """In any order, and with a replay, the same events leave the same rows."""
    story = [*STORY, *last]
    chance = random.Random(3)
    seen: set[tuple[Any, ...]] = set()
    for order in (story, story[::-1], *(chance.sample(story, len(story)) for _ in range(20))):
        async with parts.sessions() as session:
            for model in (UserProfileRef, GuildRef, GuildMemberRef, InboundEvent):
                await session.execute(delete(model))
            for said in (*order, order[0]):
                identity = f"msg_{story.index(said)}"
                await inbound.take(session, identity, json.dumps(said).encode())
            row = await session.get_one(UserProfileRef, ADA, populate_existing=True)
            seen.add((row.name, row.guild_id, row.guild_name, row.deleted_at is not None))
            await session.rollback()

    (only,) = seen
    assert only[1:3] == guild


async def test_deleting_a_person_takes_the_name_away(hook: Client, parts: Parts) -> None:
    """The row stays as a marker, so that late news do not bring the name back."""
    await send(hook, event("user.created", 0, user_id=ADA, name="Ada"))
    await send(hook, event("user.deleted", 9, user_id=ADA))
    await send(hook, event("user.updated", 5, user_id=ADA, name="Ada"))

    async with parts.sessions() as session:
        row = await session.get_one(UserProfileRef, ADA)
    assert row.name == ""
    assert row.deleted_at is not None
