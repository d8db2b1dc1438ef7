"""An event with people in it, put straight into the tables, and a server on a real socket."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update

from api.app import create_app
from api.auth import Role
from api.db.models import Event, EventParticipant, EventState
from api.settings import Settings
from api.wiring import Parts
from tests.api.conftest import token_for
from tests.api.leaderboards.conftest import Ground, Grounds, ground
from tests.api.live_client import serving

__all__ = ["ground"]
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Arena:
    """A server and an event in it; player n alone is entry n, entries n and n + 2 share a room."""

    url: str
    settings: Settings
    parts: Parts
    ground: Ground
    people: list[UUID]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def path(self) -> str:
        return f"/v1/events/{self.ground.event_id}"

    def token(self, who: int | None, *roles: Role) -> str:
        """Return the token of player `who`, or of somebody who does not play."""
        user_id = self.people[who] if who is not None else uuid4()
        return token_for(self.settings, *roles, user_id=user_id)

    async def client(self, who: int | None, *roles: Role) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token(who, *roles)}"}
        return await self.stack.enter_async_context(
            httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, verify=False)
        )

    async def change(self, **values: Any) -> None:
        """Change the event behind everybody's back."""
        async with self.parts.sessions() as session:
            await session.execute(
                update(Event).where(Event.id == self.ground.event_id).values(**values)
            )
            await session.commit()


Arenas = Callable[..., Awaitable[Arena]]


@pytest.fixture
async def arena(settings: Settings, parts: Parts, ground: Grounds) -> AsyncIterator[Arenas]:
    """Return a function that makes an event with people and serves it; live unless said."""
    async with AsyncExitStack() as stack:

        async def make(**event: Any) -> Arena:
            now = datetime.now(UTC)
            made = await ground(**{"starts_at": now - HOUR, "state": EventState.LIVE} | event)
            people = [uuid4() for _ in made.entries]
            async with parts.sessions() as session:
                session.add_all(
                    EventParticipant(
                        entry_id=entry, user_id=user, event_id=made.event_id, name=f"Player {n}"
                    )
                    for n, (entry, user) in enumerate(zip(made.entries, people, strict=True))
                )
                await session.commit()
            url, _ = await stack.enter_async_context(serving(create_app(settings)))
            here = Arena(url, settings, parts, made, people)
            stack.push_async_callback(here.stack.aclose)
            return here

        yield make
