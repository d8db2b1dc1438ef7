"""`/v1/hooks` for what we are told, `/v1/webhooks` for what we tell."""

import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status

from api.deps import GameMasterDep, PartsDep, SessionDep
from api.documented import problems
from api.errors import NotFoundError, TooLargeError, UnauthenticatedError
from api.logs import logger
from api.neighbours import endpoints, inbound, schemas, signing
from api.neighbours.guard import Guard, guard_from
from api.neighbours.sealing import Sealer, sealer_from
from api.paging import PAGE_DEFAULT, CursorParam, LimitParam

HOOK_BYTES_MAX = 256 * 1024
_log = logger(__name__)


async def _guard(parts: PartsDep) -> Guard:
    return guard_from(parts.settings)


async def _sealer(parts: PartsDep) -> Sealer:
    return sealer_from(parts.settings)


GuardDep = Annotated[Guard, Depends(_guard)]
SealerDep = Annotated[Sealer, Depends(_sealer)]
hooks = APIRouter(prefix="/hooks", tags=["neighbours"])
webhooks = APIRouter(prefix="/webhooks", tags=["neighbours"])


@hooks.post(
    "/platform",
    responses=problems(401, 404)
    | {202: {"model": schemas.Taken, "description": "An event we have no use for"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": inbound.Message.model_json_schema()},
            },
        },
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ],
    },
)
async def take_platform_event(
    request: Request, response: Response, parts: PartsDep, session: SessionDep
) -> schemas.Taken:
    """Take an event of the platform, signed by Standard Webhooks."""
    settings = parts.settings
    if not settings.hook_secrets:
        raise NotFoundError("no platform is set up to send events here")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > HOOK_BYTES_MAX:
            raise TooLargeError(f"an event may have {HOOK_BYTES_MAX} bytes")
    try:
        message_id = signing.check(
            request.headers,
            bytes(body),
            now_s=time.time(),
            tolerance_s=settings.hook_tolerance_s,
            secrets_held=[each.get_secret_value() for each in settings.hook_secrets],
        )
    except signing.SignatureRefusedError as error:
        inbound.refused()
        _log.info("inbound.refused", reason=str(error))
        raise UnauthenticatedError("the signature does not hold", slug="bad-signature") from error
    effect = await inbound.take(session, message_id, bytes(body))
    if effect is inbound.Effect.UNKNOWN:
        response.status_code = status.HTTP_202_ACCEPTED
    return schemas.Taken(effect=effect)


@webhooks.get("")
async def list_webhooks(_: GameMasterDep, session: SessionDep) -> schemas.EndpointList:
    """List where events are sent."""
    found = await endpoints.every(session)
    return schemas.EndpointList(
        items=[schemas.EndpointShown.model_validate(each) for each in found]
    )


@webhooks.post("", status_code=status.HTTP_201_CREATED, responses=problems(409))
async def create_webhook(
    body: schemas.EndpointWanted,
    user: GameMasterDep,
    session: SessionDep,
    guard: GuardDep,
    sealer: SealerDep,
) -> schemas.EndpointMade:
    """Have events sent somewhere; the secret is shown this once."""
    made, secret = await endpoints.create(session, guard, sealer, user, body)
    shown = schemas.EndpointShown.model_validate(made)
    return schemas.EndpointMade(**shown.model_dump(), secret=secret)


@webhooks.patch("/{endpoint_id}")
async def change_webhook(
    endpoint_id: UUID,
    body: schemas.EndpointChange,
    user: GameMasterDep,
    session: SessionDep,
    guard: GuardDep,
) -> schemas.EndpointShown:
    """Change where or what is sent, switch off and on."""
    changed = await endpoints.change(session, guard, user, endpoint_id, body)
    return schemas.EndpointShown.model_validate(changed)


@webhooks.delete("/{endpoint_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_webhook(endpoint_id: UUID, user: GameMasterDep, session: SessionDep) -> None:
    """Send nothing there any more."""
    await endpoints.remove(session, user, endpoint_id)


@webhooks.post("/{endpoint_id}/secret")
async def replace_webhook_secret(
    endpoint_id: UUID, user: GameMasterDep, session: SessionDep, sealer: SealerDep
) -> schemas.SecretMade:
    """Make a new secret, shown this once; the old one signs as well for a day."""
    changed, secret = await endpoints.replace_secret(session, sealer, user, endpoint_id)
    assert changed.old_secret_until is not None
    return schemas.SecretMade(secret=secret, old_secret_until=changed.old_secret_until)


@webhooks.get("/{endpoint_id}/deliveries")
async def list_webhook_deliveries(
    endpoint_id: UUID,
    _: GameMasterDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
) -> schemas.DeliveryPage:
    """List what was sent there, newest first."""
    items, following = await endpoints.deliveries(session, endpoint_id, limit=limit, cursor=cursor)
    return schemas.DeliveryPage(items=items, next_cursor=following)


@webhooks.get("/deliveries/{delivery_id}")
async def get_webhook_delivery(
    delivery_id: UUID, _: GameMasterDep, session: SessionDep
) -> schemas.DeliveryDetail:
    """Show what was sent and how every attempt went."""
    return await endpoints.delivery(session, delivery_id)


@webhooks.post("/deliveries/{delivery_id}/redeliver", status_code=status.HTTP_202_ACCEPTED)
async def redeliver_webhook(
    delivery_id: UUID, user: GameMasterDep, session: SessionDep
) -> schemas.DeliveryDetail:
    """Send an event again under its id."""
    await endpoints.redeliver(session, user, delivery_id)
    await session.flush()
    return await endpoints.delivery(session, delivery_id)


router = APIRouter()
router.include_router(hooks)
router.include_router(webhooks)
