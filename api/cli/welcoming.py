"""What `up` does once its servers run: the schema, the demo account, the examples, a verdict.

Apart from `up` because of what it imports: seconds in which the servers can start already.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select

from api.accounts import service as accounts
from api.auth import Role, bearer
from api.cli import examples
from api.db import migrating
from api.db.models import Account
from api.settings import Settings
from api.wiring import Parts, opened
from judge.errors import EngineError

READY_S = 60.0
VERDICT_S = 30.0
DEMO = "demo"
DEMO_ROLES = (Role.PLAYER, Role.AUTHOR)
DEMO_LIFETIME = timedelta(days=30)


async def prepare(settings: Settings, password: Callable[[], str], *, first: bool) -> UUID:
    """Bring schema, demo account and, if asked for, the first example; return the account."""
    await migrating.upgrade(settings.database_url.get_secret_value())
    async with opened(settings, application="codebattle up") as parts:
        account = await _demo_account(parts, password)
        if first:
            await examples.import_first(parts)
    return account


async def welcome(
    settings: Settings, account: UUID, password: str, *, began: float, with_examples: bool
) -> None:
    """Wait until all answers, say where it is, and show a verdict."""
    token = bearer.issue(
        settings, user_id=account, name=DEMO, roles=DEMO_ROLES, lifetime=DEMO_LIFETIME
    )
    url = f"http://{settings.host}:{settings.port}"
    async with httpx.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=10
    ) as client:
        await _ready(client, settings.data_dir)
        print(f"codebattle is up at {url} after {time.monotonic() - began:.1f} s")
        print(f"  documentation  {url}/docs")
        print(f"  demo account   {DEMO} / {password}")
        print(f"  demo token     {token}")
        print(f"  data           {settings.data_dir}", flush=True)
        if with_examples:
            await _first_verdict(client, began)
    if with_examples:
        async with opened(settings, application="codebattle up") as parts:
            count = await examples.import_rest(parts)
        print(f"  examples       {count} problems")
    print("Ctrl-C stops everything", flush=True)


async def _demo_account(parts: Parts, password: Callable[[], str]) -> UUID:
    """Make the demo account at the first start; return its id."""
    async with parts.sessions() as session:
        known = await session.scalar(select(Account.id).where(func.lower(Account.name) == DEMO))
        if known is not None:
            return known
        made = await accounts.create(
            session, parts.passwords, name=DEMO, password=password(), roles=DEMO_ROLES
        )
        await session.commit()
        return made.id


async def _ready(client: httpx.AsyncClient, data: Path) -> None:
    """Wait until the API answers and a worker is there."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            answer = await client.get("/readyz")
            if answer.status_code == httpx.codes.OK and answer.json()["workers"]:
                return
        await asyncio.sleep(0.1)
    raise EngineError(f"not ready after {READY_S:.0f} s; the logs are in {data / 'log'}")


async def _first_verdict(client: httpx.AsyncClient, began: float) -> None:
    """Submit the first example's solution and say what came of it."""
    source = examples.first_solution()
    if source is None:
        return
    language, text = source
    began_verdict = time.monotonic()
    answer = await client.post(
        "/v1/submissions",
        json={"problem": examples.FIRST, "language": language, "source": text},
    )
    answer.raise_for_status()
    url = answer.headers["Location"]
    found: dict[str, Any] = {}
    while time.monotonic() - began_verdict < VERDICT_S and not found.get("verdict"):
        found = (await client.get(url, params={"wait": 5})).json()
    took = (time.monotonic() - began_verdict) * 1000
    print(
        f"  first verdict  {found.get('verdict') or found.get('state')} for {examples.FIRST}"
        f" in {took:.0f} ms, {time.monotonic() - began:.1f} s after the start",
        flush=True,
    )
