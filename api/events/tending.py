"""What workers do for events in the background, beside the clock: again and again, any of them.

Each step locks what it works on and leaves alone what another worker has, so that any number may
tend at once, and what one that died has left is done by the next.
"""

from collections.abc import Sequence

from api import clocks
from api.events.drafts import handing_in
from api.events.duels import deciding
from api.events.duels import service as duels
from api.events.rooms import presence, starting
from api.events.rooms.presence import Said
from api.wiring import Parts

TEND_S = 1.0


async def tend(parts: Parts) -> None:
    """Do once whatever is due."""
    async with parts.sessions() as session:
        await say(parts, await presence.lose(session))
    while handed_in := await _bell(parts):
        await say(parts, handed_in)
        await parts.bell.ring()
    async with parts.sessions() as session:
        await say(parts, await presence.complete(session, now=await clocks.now(session)))
    async with parts.sessions() as session:
        await say(parts, await duels.expire(session, now=await clocks.now(session)))
    async with parts.sessions() as session:
        now = await clocks.now(session)
    await starting.start_ready(parts.sessions, now=now)
    await deciding.decide(parts.sessions, now=now)


async def _bell(parts: Parts) -> Sequence[Said]:
    async with parts.sessions() as session:
        return await handing_in.hand_in(session, parts.settings, now=await clocks.now(session))


async def say(parts: Parts, said: Sequence[Said]) -> None:
    """Publish what happened, once it is committed."""
    await parts.publisher.publish_all(said)
