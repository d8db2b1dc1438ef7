"""Delivers what is due. Run often, by any number of workers at once.

A delivery is claimed by moving its `next_at` past the longest an attempt can take, and committed,
before anything is sent. A worker that dies leaves it to be claimed again then; a receiver may
therefore see an event twice, with the same `webhook-id`. What an attempt found is written only if
nobody claimed the delivery meanwhile. No endpoint gets more than a few places of one round, so a
slow one holds up itself.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.engine import Sessions
from api.db.models import Outbox, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from api.logs import logger
from api.metrics import WEBHOOKS
from api.neighbours import outbox, signing
from api.neighbours.sealing import Sealer, UnreadableSecretError
from api.neighbours.sending import Outcome, Sender

ATTEMPTS_MAX = 10
ROUND_MAX = 32
ENDPOINT_MAX = 4
CLAIM_S: Final = 120.0
BACKOFF_FIRST_S = 5.0
BACKOFF_FACTOR = 4.0
BACKOFF_MAX_S = 6 * 3600.0
JITTER = 0.2
GONE = 410
_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    delivery_id: UUID
    endpoint_id: UUID
    number: int
    attempts_max: int
    url: str
    secrets: tuple[str, ...]
    event_id: UUID
    body: bytes


def backoff_s(attempt: int, *, chance: float) -> float:
    """Return the wait after a failed attempt; `chance` in 0…1 spreads it by a fifth each way."""
    plain = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * BACKOFF_FACTOR ** (attempt - 1))
    return float(plain * (1 - JITTER + 2 * JITTER * chance))


async def deliver_due(
    sessions: Sessions, http: Sender, sealer: Sealer, *, attempts_max: int = ATTEMPTS_MAX
) -> int:
    """Spread new events over endpoints, then make one round of attempts; returns their number."""
    now = datetime.now(UTC)
    async with sessions() as session:
        await outbox.fan_out(session, attempts_max=attempts_max, now=now)
        await session.commit()
    async with sessions() as session:
        claimed = await _claim(session, now)
        await session.commit()
    async with asyncio.TaskGroup() as group:
        for each in claimed:
            group.create_task(_attempt(sessions, http, sealer, each))
    return len(claimed)


async def _claim(session: AsyncSession, now: datetime) -> list[_Claimed]:
    place = (
        func.row_number()
        .over(partition_by=WebhookDelivery.endpoint_id, order_by=WebhookDelivery.next_at)
        .label("place")
    )
    due = (
        select(WebhookDelivery.id, place)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.next_at <= now, WebhookEndpoint.disabled_at.is_(None))
        .subquery()
    )
    found = (
        await session.execute(
            select(WebhookDelivery, WebhookEndpoint, Outbox)
            .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
            .join(Outbox, Outbox.event_id == WebhookDelivery.event_id)
            .where(
                WebhookDelivery.id.in_(select(due.c.id).where(due.c.place <= ENDPOINT_MAX)),
                WebhookDelivery.next_at <= now,
            )
            .order_by(WebhookDelivery.next_at)
            .limit(ROUND_MAX)
            .with_for_update(of=WebhookDelivery, skip_locked=True)
        )
    ).all()
    claimed: list[_Claimed] = []
    for delivery, endpoint, event in found:
        delivery.attempts += 1
        delivery.next_at = now + timedelta(seconds=CLAIM_S)
        old = endpoint.old_secret if _later(endpoint.old_secret_until, now) else None
        claimed.append(
            _Claimed(
                delivery_id=delivery.id,
                endpoint_id=endpoint.id,
                number=delivery.attempts,
                attempts_max=delivery.attempts_max,
                url=endpoint.url,
                secrets=(endpoint.secret, *((old,) if old else ())),
                event_id=event.event_id,
                body=body_of(event),
            )
        )
    return claimed


def body_of(event: Outbox) -> bytes:
    """Return the bytes that are signed and sent."""
    told = {
        "type": event.kind,
        "timestamp": event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": event.payload,
    }
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


async def _attempt(sessions: Sessions, http: Sender, sealer: Sealer, claimed: _Claimed) -> None:
    try:
        headers = signing.headers(
            str(claimed.event_id),
            claimed.body,
            sent_at_s=int(time.time()),
            secrets_held=[sealer.open(each) for each in claimed.secrets],
        )
    except (UnreadableSecretError, ValueError):
        # Not a reason to end the worker: a new secret mends it, and the event is sent again then.
        outcome = Outcome(status=None, duration_ms=0, error="the secret cannot be read: replace it")
    else:
        outcome = await http.send(claimed.url, claimed.body, headers)
    try:
        async with sessions() as session:
            await _settle(session, claimed, outcome, datetime.now(UTC))
            await session.commit()
    except (SQLAlchemyError, OSError) as error:
        # The claim runs out and the receiver sees the event twice: better than not at all.
        _log.warning("webhook.unsettled", error=type(error).__name__)
        return
    word = "delivered" if outcome.delivered else "failed"
    WEBHOOKS.labels(word).inc()
    _log.info(
        f"webhook.{word}",
        delivery_id=str(claimed.delivery_id),
        attempt=claimed.number,
        status=outcome.status,
        ms=outcome.duration_ms,
    )


async def _settle(
    session: AsyncSession, claimed: _Claimed, outcome: Outcome, now: datetime
) -> None:
    session.add(
        WebhookAttempt(
            delivery_id=claimed.delivery_id,
            number=claimed.number,
            status=outcome.status,
            duration_ms=outcome.duration_ms,
            response_head=outcome.head,
            error=outcome.error,
        )
    )
    values: dict[str, datetime | None] = {"next_at": None}
    if outcome.delivered:
        values["delivered_at"] = now
    elif claimed.number >= claimed.attempts_max or outcome.status == GONE:
        values["given_up_at"] = now
    else:
        wait_s = backoff_s(claimed.number, chance=random.random())  # noqa: S311 - only a spread
        wait_s = max(wait_s, min(outcome.retry_after_s or 0, BACKOFF_MAX_S))
        values["next_at"] = now + timedelta(seconds=wait_s)
    change = update(WebhookDelivery).where(WebhookDelivery.id == claimed.delivery_id)
    if not outcome.delivered:
        # Whoever claimed it after us knows more, and what arrived stays arrived.
        change = change.where(
            WebhookDelivery.attempts == claimed.number, WebhookDelivery.delivered_at.is_(None)
        )
    await session.execute(change.values(**values))
    if outcome.status == GONE:
        await session.execute(
            update(WebhookEndpoint)
            .where(WebhookEndpoint.id == claimed.endpoint_id, WebhookEndpoint.url == claimed.url)
            .values(disabled_at=now, disabled_reason="the receiver answered 410 Gone")
        )


def _later(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now
