"""The audit log: who did what to what, when, in which request.

`record` adds a row to the caller's transaction, so an act and its row stand or fall together.
Nothing secret goes into `detail`: names, ids, roles, addresses of endpoints.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import paging
from api.auth import CurrentUser
from api.db.models import AuditEntry
from api.errors import BadRequestError


def record(
    session: AsyncSession,
    actor: CurrentUser | None,
    action: str,
    *,
    subject: tuple[str, object],
    detail: Mapping[str, Any] | None = None,
    address: str = "",
) -> None:
    """Note an act; `subject` is its kind and its id, and no actor means the system itself."""
    kind, identity = subject
    said = dict(detail or {})
    if actor is not None and actor.token_id is not None:
        said["token_id"] = str(actor.token_id)
    session.add(
        AuditEntry(
            actor_id=actor.id if actor is not None else None,
            action=action,
            subject_kind=kind,
            subject_id=str(identity),
            detail=said,
            request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
            address=address,
        )
    )


async def page(
    session: AsyncSession,
    *,
    limit: int,
    cursor: str | None = None,
    actor_id: UUID | None = None,
    action: str | None = None,
    subject_kind: str | None = None,
    subject_id: str | None = None,
    since: datetime | None = None,
) -> tuple[list[AuditEntry], str | None]:
    """Return entries, newest first, and the cursor of the next page."""
    wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit + 1)
    for column, value in (
        (AuditEntry.actor_id, actor_id),
        (AuditEntry.action, action),
        (AuditEntry.subject_kind, subject_kind),
        (AuditEntry.subject_id, subject_id),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if since is not None:
        wanted = wanted.where(AuditEntry.at >= since)
    if cursor is not None:
        (last,) = paging.decode(cursor)
        if not last.isdecimal() or not last.isascii() or len(last) > 18:
            raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
        wanted = wanted.where(AuditEntry.id < int(last))
    found = list(await session.scalars(wanted))
    more = len(found) > limit
    found = found[:limit]
    return found, paging.encode(str(found[-1].id)) if more else None
