"""Players who send programs in, and insist: the same key again until the answer is 202."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import httpx

from api.auth import bearer
from api.auth.principal import Role
from api.settings import Settings

from .programs import SLUG, Program, drawn

TRY_S = 10.0
PAUSE_S = 0.2
REFUSED_S_MAX = 2.0
# A player who has so many waiting sends no more: the load is what the machine can take.
WAITING_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A submission that was answered with 202."""

    id: UUID
    key: str
    user_id: UUID
    program: Program
    tries: int


@dataclass(slots=True)
class Log:
    """What players saw, of all of them."""

    accepted: dict[UUID, Accepted] = field(default_factory=dict)
    # Submissions whose end their player was told by the stream.
    told: set[UUID] = field(default_factory=set)
    resent: int = 0
    broken: int = 0
    refused: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Player:
    """One user; sends until told to stop, and then until the last is accepted."""

    def __init__(
        self, number: int, settings: Settings, urls: tuple[str, ...], log: Log, *, seed: int
    ) -> None:
        self._chance = random.Random(f"{seed} player {number}")
        self.id = UUID(int=self._chance.getrandbits(128), version=4)
        self.token = bearer.issue(
            settings,
            user_id=self.id,
            name=f"Player {number}",
            roles=(Role.PLAYER,),
            lifetime=timedelta(hours=6),
        )
        self._number = number
        self._urls = urls
        self._log = log
        self._sent = 0

    async def run(self, until: asyncio.Event, *, pause_s: float) -> None:
        """Send programs, one after the other."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(timeout=TRY_S, headers=headers) as client:
            while not until.is_set():
                if self._waiting() < WAITING_MAX:
                    await self._submit(client)
                await _pause(until, self._chance.expovariate(1 / pause_s))

    async def send(self, program: Program) -> Accepted:
        """Send one program."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(timeout=TRY_S, headers=headers) as client:
            return await self._insist(client, program)

    def _waiting(self) -> int:
        mine = (each.id for each in self._log.accepted.values() if each.user_id == self.id)
        return sum(each not in self._log.told for each in mine)

    async def _submit(self, client: httpx.AsyncClient) -> None:
        taken = await self._insist(client, drawn(self._chance))
        if self._chance.random() < 0.1:
            # Somebody who never saw the answer: the same key makes no second one.
            again = await self._insist(client, taken.program, key=taken.key)
            if again.id != taken.id:
                self._log.faults.append(f"{taken.key} made {taken.id} and {again.id}")

    async def _insist(
        self, client: httpx.AsyncClient, program: Program, *, key: str | None = None
    ) -> Accepted:
        if key is None:
            self._sent += 1
            key = f"player-{self._number}-{self._sent}"
        number = int(key.rpartition("-")[2])
        body = {"problem": SLUG, "language": "python3", "source": program.numbered(number)}
        tries = 0
        while True:
            tries += 1
            answer = await self._post(client, body, key)
            if answer is not None and answer.status_code == httpx.codes.ACCEPTED:
                taken = Accepted(
                    id=UUID(answer.json()["id"]),
                    key=key,
                    user_id=self.id,
                    program=program,
                    tries=tries,
                )
                self._log.accepted.setdefault(taken.id, taken)
                self._log.resent += tries - 1
                return taken
            await asyncio.sleep(PAUSE_S if answer is None else self._patience(answer))

    async def _post(
        self, client: httpx.AsyncClient, body: dict[str, str], key: str
    ) -> httpx.Response | None:
        url = self._chance.choice(self._urls)
        try:
            return await client.post(
                f"{url}/v1/submissions", json=body, headers={"Idempotency-Key": key}
            )
        except httpx.TransportError:
            self._log.broken += 1
            return None

    def _patience(self, answer: httpx.Response) -> float:
        """Note a refusal; return how long it asks us to wait."""
        code = answer.status_code
        self._log.refused[code] = self._log.refused.get(code, 0) + 1
        if code not in {429, 503}:
            self._log.faults.append(f"a submission was answered with {code}: {answer.text[:300]}")
        return min(REFUSED_S_MAX, float(answer.headers.get("Retry-After", PAUSE_S)))


async def _pause(until: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(until.wait(), seconds)
    except TimeoutError:
        return
