"""Telling followers that an event changed, whoever changed it: people, the clock, a script.

An event remembers what its followers were told last (`metadata.told`). Workers look a few times a
second for those of which something else is true by now. What was published and not noted, since
the worker died in between, is told again: at least once, and never before it is committed.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.engine import Sessions
from api.db.models import Event
from api.events import statements
from api.events.machine import RUNNING, STARTED
from api.live import Kind, Publisher, Topic, Update, event_state

EVERY_S = 0.25
# What changed longer ago is of no interest to whoever waits for it.
RECENT = timedelta(minutes=10)


async def announce(sessions: Sessions, publisher: Publisher) -> int:
    """Tell what changed since it was told last; return of how many events."""
    async with sessions() as session:
        found = (await session.scalars(_recent())).all()
    changed = [event.id for event in found if _told(event).get("sign") != _sign(event)]
    done = 0
    for event_id in changed:
        async with sessions() as session:
            done += await _announce(session, publisher, event_id)
    return done


async def _announce(session: AsyncSession, publisher: Publisher, event_id: UUID) -> bool:
    """Tell of an event that nobody else is at; commits, and tells whether it was told."""
    event = await session.scalar(
        select(Event).where(Event.id == event_id).with_for_update(skip_locked=True, key_share=True)
    )
    if event is None or (before := _told(event)).get("sign") == _sign(event):
        return False
    topics = [Topic.EVENT.of(event.id)]
    said = [(topics, _update(event, await clocks.now(session)))]
    if event.state in RUNNING and not before.get("started"):
        problems = await statements.of(session, event)
        said += [(topics, each) for each in statements.updates(problems)]
    if not await publisher.publish_all(said):
        # Redis is away: those who come back read the state, the others are told later.
        return False
    started = event.state in STARTED
    event.extra = {**event.extra, "told": {"sign": _sign(event), "started": started}}
    await session.commit()
    return True


def _recent() -> Select[Event]:
    """Return events that changed a moment ago."""
    return select(Event).where(
        Event.state.not_in(event_state.UNKNOWN), Event.updated_at > func.now() - RECENT
    )


def _told(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = event.extra.get("told") or {}
    return told


def _sign(event: Event) -> str:
    """Return what tells one state of an event from another."""
    facts = [
        *(event.state, event.starts_at, event.started_at, event.duration_s, event.freeze_s),
        *(event.frozen_at, event.removed, event.revealed),
    ]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]


def _update(event: Event, now: datetime) -> Update:
    return Update(kind=Kind.EVENT, data={**event_state.told(event), "at": now.isoformat()})
