"""Subscriptions: where events go, their secrets, and the log of deliveries."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, paging
from api.auth import CurrentUser
from api.db.base import new_id
from api.db.models import Outbox, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from api.errors import BadRequestError, ConflictError, InvalidError, NotFoundError
from api.neighbours import schemas, signing
from api.neighbours.guard import Guard, RefusedTargetError
from api.neighbours.sealing import Sealer

ENDPOINTS_MAX = 50
OLD_SECRET_LIVES = timedelta(hours=24)
REDELIVERY_ATTEMPTS = 3
_LOCK = 0x686F6F6B


async def create(
    session: AsyncSession,
    guard: Guard,
    sealer: Sealer,
    actor: CurrentUser,
    wanted: schemas.EndpointWanted,
) -> tuple[WebhookEndpoint, str]:
    """Subscribe a place after checking it; returns it and, this once, its secret."""
    await _checked(guard, wanted.url)
    await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    held = await session.scalar(select(func.count()).select_from(WebhookEndpoint))
    if (held or 0) >= ENDPOINTS_MAX:
        raise ConflictError(f"there may be {ENDPOINTS_MAX} endpoints", slug="endpoints-max")
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(
        id=new_id(),
        url=wanted.url,
        kinds=sorted(set(wanted.kinds)),
        description=wanted.description,
        secret=sealer.seal(secret),
    )
    session.add(endpoint)
    _noted(session, actor, "webhook.created", endpoint)
    await session.flush()
    await session.refresh(endpoint)
    return endpoint, secret


async def change(
    session: AsyncSession,
    guard: Guard,
    actor: CurrentUser,
    endpoint_id: UUID,
    wanted: schemas.EndpointChange,
) -> WebhookEndpoint:
    """Change a subscription."""
    if wanted.url is not None:
        await _checked(guard, wanted.url)
    endpoint = await _get(session, endpoint_id)
    if wanted.url is not None:
        endpoint.url = wanted.url
    if wanted.kinds is not None:
        endpoint.kinds = sorted(set(wanted.kinds))
    if wanted.description is not None:
        endpoint.description = wanted.description
    if wanted.disabled is not None:
        endpoint.disabled_at = datetime.now(UTC) if wanted.disabled else None
        endpoint.disabled_reason = "switched off" if wanted.disabled else ""
    _noted(session, actor, "webhook.changed", endpoint)
    await session.flush()
    await session.refresh(endpoint)
    return endpoint


async def remove(session: AsyncSession, actor: CurrentUser, endpoint_id: UUID) -> None:
    """Unsubscribe a place; its deliveries go with it."""
    endpoint = await _get(session, endpoint_id)
    _noted(session, actor, "webhook.removed", endpoint)
    await session.delete(endpoint)


async def replace_secret(
    session: AsyncSession, sealer: Sealer, actor: CurrentUser, endpoint_id: UUID
) -> tuple[WebhookEndpoint, str]:
    """Make a new secret; for a day, events are signed with the old one as well."""
    secret = signing.new_secret()
    endpoint = await _get(session, endpoint_id)
    endpoint.old_secret = endpoint.secret
    endpoint.old_secret_until = datetime.now(UTC) + OLD_SECRET_LIVES
    endpoint.secret = sealer.seal(secret)
    _noted(session, actor, "webhook.secret_replaced", endpoint)
    await session.flush()
    return endpoint, secret


async def every(session: AsyncSession) -> list[WebhookEndpoint]:
    """Return all subscriptions, oldest first."""
    return list(await session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.id)))


async def deliveries(
    session: AsyncSession, endpoint_id: UUID, *, limit: int, cursor: str | None
) -> tuple[list[schemas.DeliveryShown], str | None]:
    """Return the deliveries to a place, newest first, and the cursor of the next page."""
    await _get(session, endpoint_id, lock=False)
    wanted = (
        select(WebhookDelivery, Outbox)
        .join(Outbox, Outbox.event_id == WebhookDelivery.event_id)
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        (last,) = paging.decode(cursor)
        try:
            wanted = wanted.where(WebhookDelivery.id < UUID(last))
        except ValueError as error:
            raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
    found = (await session.execute(wanted)).all()
    more = len(found) > limit
    items = [schemas.DeliveryShown(**_shown(*each)) for each in found[:limit]]
    return items, paging.encode(str(items[-1].id)) if more else None


async def delivery(session: AsyncSession, delivery_id: UUID) -> schemas.DeliveryDetail:
    """Return a delivery with its event and its attempts."""
    found = (
        await session.execute(
            select(WebhookDelivery, Outbox)
            .join(Outbox, Outbox.event_id == WebhookDelivery.event_id)
            .where(WebhookDelivery.id == delivery_id)
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError("no such delivery")
    log = await session.scalars(
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id == delivery_id)
        .order_by(WebhookAttempt.number.desc(), WebhookAttempt.id.desc())
        .limit(paging.PAGE_MAX)
    )
    return schemas.DeliveryDetail(
        **_shown(found.WebhookDelivery, found.Outbox),
        payload=found.Outbox.payload,
        log=[schemas.AttemptShown.model_validate(each) for each in log],
    )


async def redeliver(session: AsyncSession, actor: CurrentUser, delivery_id: UUID) -> None:
    """Have an event sent again, under the same id, whether it arrived or was given up."""
    held = await session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if held is None:
        raise NotFoundError("no such delivery")
    if held.next_at is not None:
        raise ConflictError("the delivery is still under way", slug="under-way")
    held.next_at = datetime.now(UTC)
    held.delivered_at = held.given_up_at = None
    held.attempts_max = held.attempts + REDELIVERY_ATTEMPTS
    audit.record(session, actor, "webhook.redelivered", subject=("delivery", delivery_id))


async def _get(session: AsyncSession, endpoint_id: UUID, *, lock: bool = True) -> WebhookEndpoint:
    endpoint = await session.get(WebhookEndpoint, endpoint_id, with_for_update=lock or None)
    if endpoint is None:
        raise NotFoundError("no such endpoint")
    return endpoint


async def _checked(guard: Guard, url: str) -> None:
    try:
        await guard.check(url)
    except RefusedTargetError as error:
        raise InvalidError(str(error), slug="target-refused") from error


def _noted(
    session: AsyncSession, actor: CurrentUser, action: str, endpoint: WebhookEndpoint
) -> None:
    """Record an act; the path and query of a URL may hold a key and are left out."""
    detail = {
        "host": endpoint.url.split("/")[2],
        "kinds": endpoint.kinds,
        "disabled": endpoint.disabled_at is not None,
    }
    audit.record(session, actor, action, subject=("webhook", endpoint.id), detail=detail)


def _shown(held: WebhookDelivery, event: Outbox) -> dict[str, Any]:
    return {
        "id": held.id,
        "endpoint_id": held.endpoint_id,
        "event_id": held.event_id,
        "kind": event.kind,
        "created_at": held.created_at,
        "attempts": held.attempts,
        "next_at": held.next_at,
        "delivered_at": held.delivered_at,
        "given_up_at": held.given_up_at,
    }
