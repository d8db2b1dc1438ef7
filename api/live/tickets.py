"""Stream tickets: browsers' EventSource sends no headers, and a bearer token is no part of a URL.

A ticket is random, good for one use within half a minute, and bound to its principal and topics.
Redis holds only its hash. A ticket that was lost with Redis is refused; the client gets another.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.auth import CurrentUser, Role, Scope
from api.errors import TooManyError, UnauthenticatedError, UnavailableError
from api.live import keys

LIFETIME_S = 30
PER_MINUTE_MAX = 60


async def issue(redis: Redis, user: CurrentUser, topics: Sequence[str]) -> str:
    """Return a new ticket for these topics, which the caller may follow."""
    ticket = secrets.token_urlsafe(32)
    held = {
        "id": str(user.id),
        "name": user.name,
        "roles": sorted(user.roles),
        "scopes": sorted(user.scopes),
        "topics": list(topics),
        "token_id": None if user.token_id is None else str(user.token_id),
        "until": user.until,
    }
    counter = f"{keys.TICKETS_OF}{user.id}"
    try:
        async with asyncio.timeout(keys.ANSWER_S), redis.pipeline(transaction=True) as pipe:
            pipe.set(counter, 0, ex=60, nx=True)
            pipe.incr(counter)
            pipe.set(_key(ticket), json.dumps(held), ex=LIFETIME_S)
            _, count, _ = await pipe.execute()
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError("no tickets for now", retry_after_s=2) from error
    if count > PER_MINUTE_MAX:
        raise TooManyError("too many tickets within a minute", retry_after_s=60)
    return ticket


async def redeem(redis: Redis, ticket: str) -> tuple[CurrentUser, list[str]]:
    """Use a ticket up; raises `UnauthenticatedError` if it does not hold, or not any more."""
    try:
        async with asyncio.timeout(keys.ANSWER_S):
            found = cast("bytes | None", await cast("Any", redis.getdel(_key(ticket))))
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError("tickets cannot be checked for now", retry_after_s=2) from error
    if found is None:
        raise UnauthenticatedError("the ticket was used or has expired", slug="ticket-invalid")
    held = json.loads(found)
    user = CurrentUser(
        id=UUID(held["id"]),
        name=held["name"],
        roles=frozenset(Role(each) for each in held["roles"]),
        scopes=frozenset(Scope(each) for each in held["scopes"]),
        token_id=UUID(held["token_id"]) if held.get("token_id") else None,
        until=held.get("until"),
    )
    return user, list(held["topics"])


def _key(ticket: str) -> str:
    return keys.TICKET + hashlib.sha256(ticket.encode()).hexdigest()
