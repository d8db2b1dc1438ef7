"""Kills, one after the other, as a seed says."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from api.embedded.postgres import DATABASE

from .stack import Kind, Part, Program, Stack

# Workers most: they hold what can be lost. Both of the others that hold state come next.
SHARES = {Kind.WORKER: 40, Kind.API: 20, Kind.ENGINE: 14, Kind.POSTGRES: 13, Kind.REDIS: 13}
UP_S = 60.0
TOLD_EVERY = 20
_HELD = """
SELECT judgings.id, judgings.fencing_token
FROM codebattle.judgings JOIN codebattle.workers ON workers.id = judgings.lease_owner
WHERE workers.process_id = $1 AND judgings.state IN ('compiling', 'running')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Killing:
    """One kill. `held` are the judgings a worker had, with their tokens."""

    kind: Kind
    name: str
    at: float
    held: tuple[tuple[UUID, int], ...] = ()


@dataclass(slots=True)
class Killer:
    """Kills so many parts, with so long between."""

    stack: Stack
    seed: int
    pause_s: tuple[float, float]
    say: Callable[[str], None] = lambda _: None
    killed: list[Killing] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def run(self, count: int) -> None:
        """Kill until it is enough. The first five are one of each kind."""
        chance = random.Random(f"{self.seed} killer")
        first = list(Kind)
        chance.shuffle(first)
        for number in range(count):
            kinds = list(SHARES)
            drawn = chance.choices(kinds, list(SHARES.values()))[0]
            kind = first[number] if number < len(first) else drawn
            parts = self.stack.of(kind)
            part = chance.choice([each for each in parts if each.up.is_set()] or parts)
            delay_s = chance.choice((0.0, 0.0, chance.uniform(0.0, 2.0)))
            pause_s = chance.choice((0.0, *[chance.uniform(*self.pause_s)] * 5))
            if await self._up(part):
                await self.kill(part, delay_s=delay_s)
            await asyncio.sleep(pause_s)
            if (number + 1) % TOLD_EVERY == 0:
                self.say(f"{number + 1} kills")

    async def all_up(self) -> None:
        """Return when everything runs again."""
        for part in self.stack.parts:
            await self._up(part)

    async def _up(self, part: Part) -> bool:
        try:
            await asyncio.wait_for(part.up.wait(), UP_S)
        except TimeoutError:
            self.faults.append(f"{part.name} was not up again within {UP_S:.0f} s")
            return False
        return True

    async def kill(self, part: Part, *, delay_s: float) -> None:
        """Kill one, and note what it held."""
        pid = part.server.pid if isinstance(part.server, Program) else 0
        at = time.time()
        await part.kill(delay_s=delay_s)
        held = await self._held_by(pid) if part.kind is Kind.WORKER else ()
        self.killed.append(Killing(kind=part.kind, name=part.name, at=at, held=held))

    async def _held_by(self, pid: int) -> tuple[tuple[UUID, int], ...]:
        """Return what a worker was judging; its leases outlive it. Nothing if nobody can say."""
        try:
            connection = await self.stack.postgres.connect(DATABASE)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return ()
        try:
            rows = await connection.fetch(_HELD, pid)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return ()
        finally:
            connection.terminate()
        return tuple((row["id"], row["fencing_token"]) for row in rows)
