"""Telling other services that something happened: in the transaction that makes it so.

`announce` writes a row and nothing else, so what was rolled back is never told and what was
committed is never forgotten. `fan_out` turns rows into deliveries, `api.neighbours.delivery` sends.

What is in the payload goes out as it is: redact before (`api.redaction`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.base import document, new_id
from api.db.models import InboundEvent, Outbox, WebhookDelivery, WebhookEndpoint

# Any UUID does, as long as it never changes.
_NAMESPACE = UUID("6f0d4f5e-8f0c-5d0a-9a53-2f6f3a1c77b1")
FAN_OUT_MAX = 200
_ANNOUNCE = """
INSERT INTO codebattle.outbox (event_id, kind, key, payload)
SELECT event_id, kind, key, payload
FROM jsonb_to_recordset($1::jsonb) AS told (event_id uuid, kind text, key text, payload jsonb)
ON CONFLICT (event_id) DO NOTHING
"""
KEPT = timedelta(days=30)


def event_id(kind: str, key: str) -> UUID:
    """Return the id of an event: the same whenever the same thing is told."""
    return uuid5(_NAMESPACE, f"{kind}\n{key}")


async def announce(
    session: AsyncSession, kind: str, payload: Mapping[str, Any], key: object
) -> UUID:
    """Note, in the caller's transaction, that something happened; returns the event's id.

    `key` says which happening of its kind this is (the judging's id, say): with the same kind and
    key it is told once, however often this is called.
    """
    await announce_all(session, kind, {str(key): payload})
    return event_id(kind, str(key))


def said_by(having: str, *, after: int) -> str:
    """Return a part of the statement that makes it so: it tells when `having` has a row.

    It takes what `said` returns, as the parameters that come `after` so many others.
    """
    told_id, kind, key, told = (f"${after + place}" for place in range(1, 5))
    return f"""
    INSERT INTO codebattle.outbox (event_id, kind, key, payload)
    SELECT {told_id}::uuid, {kind}, {key}, {told}::jsonb FROM {having}
    WHERE {told}::jsonb IS NOT NULL
    ON CONFLICT (event_id) DO NOTHING
    """  # noqa: S608 - numbers and our own names


def said(
    kind: str, payload: Mapping[str, Any] | None, key: object
) -> tuple[UUID, str, str, str | None]:
    """Return what `said_by` takes; no payload, and nothing is told."""
    told = None if payload is None else document(payload)
    return event_id(kind, str(key)), kind, str(key), told


async def announce_all(
    session: AsyncSession, kind: str, payloads: Mapping[str, Mapping[str, Any]]
) -> None:
    """Note many happenings of a kind by their keys, in one statement."""
    rows = [
        {"event_id": event_id(kind, key), "kind": kind, "key": key, "payload": dict(payload)}
        for key, payload in payloads.items()
    ]
    if rows:
        await direct.ask(session, _ANNOUNCE, document(rows))


async def fan_out(session: AsyncSession, *, attempts_max: int, now: datetime) -> int:
    """Make a delivery for each new event and each endpoint that wants it; returns the events."""
    rows = list(
        await session.scalars(
            select(Outbox)
            .where(Outbox.dispatched_at.is_(None))
            .order_by(Outbox.id)
            .limit(FAN_OUT_MAX)
            .with_for_update(skip_locked=True)
        )
    )
    if not rows:
        return 0
    endpoints = list(
        await session.scalars(select(WebhookEndpoint).where(WebhookEndpoint.disabled_at.is_(None)))
    )
    deliveries = [
        {
            "id": new_id(),
            "endpoint_id": endpoint.id,
            "event_id": row.event_id,
            "attempts_max": attempts_max,
            "next_at": now,
        }
        for row in rows
        for endpoint in endpoints
        if not endpoint.kinds or row.kind in endpoint.kinds
    ]
    for start in range(0, len(deliveries), FAN_OUT_MAX):
        await session.execute(
            insert(WebhookDelivery)
            .values(deliveries[start : start + FAN_OUT_MAX])
            .on_conflict_do_nothing(index_elements=["endpoint_id", "event_id"])
        )
    await session.execute(
        update(Outbox)
        .where(Outbox.id.in_([row.id for row in rows]))
        .values(dispatched_at=func.now())
    )
    return len(rows)


async def prune(session: AsyncSession, *, now: datetime, kept: timedelta = KEPT) -> int:
    """Delete events, both ways, that are old and settled; returns how many."""
    waiting = exists().where(
        WebhookDelivery.event_id == Outbox.event_id, WebhookDelivery.next_at.is_not(None)
    )
    sent = await session.execute(delete(Outbox).where(Outbox.dispatched_at < now - kept, ~waiting))
    taken = await session.execute(delete(InboundEvent).where(InboundEvent.received_at < now - kept))
    return sum(int(getattr(each, "rowcount", 0)) for each in (sent, taken))
