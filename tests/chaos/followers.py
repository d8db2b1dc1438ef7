"""Players' browsers: each follows its own stream through whatever breaks, and remembers all of it.

What was published is recorded at Redis itself, so that a gap in a stream shows.
"""

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.live import keys

from .players import Log, Player

SILENCE_S = 40.0
PAUSE_S = 0.1
FINAL = {"done", "failed"}


@dataclass(frozen=True, slots=True)
class Position:
    """An event's id: the count within an epoch of Redis."""

    epoch: str
    number: int

    @classmethod
    def parse(cls, text: str) -> "Position":
        epoch, _, number = text.rpartition("-")
        return cls(epoch, int(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An update as Redis told it to everybody."""

    position: Position
    kind: str
    submission_id: str


class Recorder:
    """Listens beside the service; what it hears is what there was to be told."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.heard: dict[str, list[Published]] = {}

    async def run(self) -> None:
        """Listen, and again after every break."""
        while True:
            try:
                async with Redis.from_url(self._url) as redis, redis.pubsub() as channel:
                    await channel.subscribe(keys.CHANNEL)
                    async for message in channel.listen():
                        if message["type"] == "message":
                            self._note(message["data"])
            except (RedisError, OSError):
                await asyncio.sleep(PAUSE_S)

    def _note(self, data: bytes) -> None:
        topic, epoch, number, text = data.decode().split("\n", 3)
        update = json.loads(text)
        told = update["data"]
        if topic.startswith("user:") and told.get("current") is not False:
            heard = Published(
                position=Position(epoch, int(number)),
                kind=update["kind"],
                submission_id=str(told.get("submission_id")),
            )
            self.heard.setdefault(topic, []).append(heard)


@dataclass(slots=True)
class Follower:
    """One stream of one player, over many connections."""

    player: Player
    urls: tuple[str, ...]
    log: Log
    chance: random.Random
    connections: int = 0
    resumed: int = 0
    snapshots: int = 0
    updates: int = 0
    verdicts: dict[UUID, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    # Per epoch: what was told by number, and the stretches for which nothing may be missing.
    told: dict[str, set[int]] = field(default_factory=dict)
    stretches: list[tuple[str, int, int]] = field(default_factory=list)
    ended: dict[str, Position | None] = field(default_factory=dict)
    _last_id: str = ""
    _seen: Position | None = None
    _torn: bool = True

    @property
    def topic(self) -> str:
        return f"user:{self.player.id}"

    async def run(self) -> None:
        """Follow, and come back after every break."""
        timeout = httpx.Timeout(10, read=SILENCE_S)
        async with httpx.AsyncClient(timeout=timeout) as client:
            while True:
                try:
                    await self._follow(client)
                except httpx.TransportError:
                    self.log.broken += 1
                await asyncio.sleep(PAUSE_S)

    async def _follow(self, client: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {self.player.token}"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        async with client.stream(
            "GET",
            f"{self.chance.choice(self.urls)}/v1/stream",
            params={"topic": self.topic},
            headers=headers,
        ) as answer:
            if answer.status_code != httpx.codes.OK:
                if answer.status_code not in {429, 503}:
                    self.faults.append(f"a stream was answered with {answer.status_code}")
                return
            self.connections += 1
            self.resumed += bool(self._last_id)
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif not line:
                    if "event" in fields:
                        self._take(fields["event"], json.loads(fields["data"]), fields.get("id"))
                    fields = {}

    def _take(self, kind: str, data: dict[str, Any], identity: str | None) -> None:
        if kind == "snapshot":
            self.snapshots += 1
            self._torn = True
            for item in data["items"]:
                self._state(item)
        elif kind in {"queued", "compiling", "running", "judged"}:
            self.updates += 1
            if kind == "judged":
                self._state(data)
        if identity is not None:
            self._move(kind, Position.parse(identity))
            self._last_id = identity
        if kind in {"judged", "snapshot"}:
            self._note_ends(data["items"] if kind == "snapshot" else [data])

    def _move(self, kind: str, to: Position) -> None:
        """Note a position; between two of an epoch, without a snapshot, everything was told."""
        before = self._seen
        if kind != "ready":
            self.told.setdefault(to.epoch, set()).add(to.number)
        if before is not None and before.epoch == to.epoch:
            if to.number < before.number or (to.number == before.number and kind != "ready"):
                self.faults.append(f"{to} after {before}")
            if not self._torn:
                self.stretches.append((to.epoch, before.number, to.number))
        elif not self._torn:
            self.faults.append(f"{to} after {before} without a snapshot")
        if kind == "ready":
            self._torn = False
        self._seen = to

    def _state(self, item: dict[str, Any]) -> None:
        """Note what is said of a submission; nothing that is said of its end may change."""
        if item.get("state") not in FINAL:
            return
        submission, verdict = UUID(item["submission_id"]), str(item.get("verdict"))
        known = self.verdicts.setdefault(submission, verdict)
        if known != verdict or item["state"] == "failed":
            self.faults.append(f"{submission} was told {known}, then {item}")
        self.log.told.add(submission)

    def _note_ends(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            if item.get("state") in FINAL:
                self.ended.setdefault(item["submission_id"], self._seen)

    def gaps(self, heard: list[Published]) -> list[str]:
        """Return what was published within a stretch and not told.

        What comes before an end that was told already is left out on purpose.
        """
        missing = []
        for each in heard:
            at = each.position
            inside = any(
                epoch == at.epoch and first < at.number <= last
                for epoch, first, last in self.stretches
            )
            if not inside or at.number in self.told.get(at.epoch, set()):
                continue
            if each.kind != "judged" and each.submission_id in self.ended:
                continue
            missing.append(f"{self.topic}: {each.kind} {at.epoch}-{at.number} was not told")
        return missing
