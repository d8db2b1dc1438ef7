"""How often something may be done: a bucket for each that fills steadily and is drained by doing.

`Shared` keeps its buckets in Redis, for all processes; without Redis it lets everybody pass, since
what protects the database is counted there. `Local` keeps them in this process.

A bucket is one number: the moment at which it will be full again (the "generic cell rate").
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.errors import TooManyError
from api.logs import logger

# A Redis that takes longer is not waited for, and not asked again for a while.
PATIENCE_S = 0.25
PAUSE_S = 2.0
BUCKETS_MAX = 20_000
_PREFIX = "codebattle:rate:"
_log = logger(__name__)

# KEYS: buckets. ARGV: milliseconds that one costs, milliseconds that a full bucket holds, then how
# many are wanted of each bucket. Returns of each how many may be done and the wait for the next.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local cost, holds = tonumber(ARGV[1]), tonumber(ARGV[2])
local answers = {}
for i = 1, #KEYS do
  local full = math.max(tonumber(redis.call('GET', KEYS[i]) or '0'), now)
  local room = math.floor((holds - (full - now)) / cost + 1e-6)
  local granted = math.max(0, math.min(tonumber(ARGV[i + 2]), room))
  full = full + granted * cost
  if granted > 0 then
    local kept = math.max(1, math.ceil(full - now))
    redis.call('SET', KEYS[i], string.format('%.3f', full), 'PX', kept)
  end
  answers[i] = {granted, math.max(0, math.ceil(full + cost - holds - now))}
end
return answers
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many in a minute, and at most so many at once; none a minute is no limit."""

    per_minute: int
    burst: int

    @property
    def cost_s(self) -> float:
        """Return how long a bucket takes to fill by one."""
        return 60 / self.per_minute

    def refusal(self, what: str, wait_s: float) -> TooManyError:
        """Return what to answer, with the headers of the IETF's draft."""
        seconds = max(1, math.ceil(wait_s))
        error = TooManyError(
            f"{what}: at most {self.per_minute} a minute, {self.burst} at once",
            retry_after_s=seconds,
            slug="rate-limited",
        )
        error.headers["RateLimit-Policy"] = f'"default";q={self.per_minute};w=60'
        error.headers["RateLimit"] = f'"default";r=0;t={seconds}'
        return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """How many may be done now, and how long it takes until one more may."""

    count: int
    wait_s: float


class Shared:
    """Buckets that all processes share."""

    def __init__(self, redis: Redis, name: str, rate: Rate) -> None:
        self._script = redis.register_script(_TAKE)
        self._prefix = f"{_PREFIX}{name}:"
        self._rate = rate
        self._again_at = float("-inf")

    async def take(self, wanted: Mapping[str, int]) -> dict[str, Granted]:
        """Take from some buckets at once, by name; tell what each gave."""
        free = {name: Granted(count=count, wait_s=0) for name, count in wanted.items()}
        if not wanted or not self._rate.per_minute or time.monotonic() < self._again_at:
            return free
        cost_ms = 1000 * self._rate.cost_s
        call: Any = self._script(
            keys=[self._prefix + name for name in wanted],
            args=[cost_ms, cost_ms * self._rate.burst, *wanted.values()],
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                rows = await cast("Any", call)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("rates.uncounted", error=type(error).__name__)
            self._again_at = time.monotonic() + PAUSE_S
            return free
        return {
            name: Granted(count=int(count), wait_s=int(wait_ms) / 1000)
            for name, (count, wait_ms) in zip(wanted, rows, strict=True)
        }

    async def one(self, name: str, what: str) -> None:
        """Take one from a bucket; raises `TooManyError` when it is empty."""
        granted = (await self.take({name: 1}))[name]
        if not granted.count:
            raise self._rate.refusal(what, granted.wait_s)


class Local:
    """Buckets of this process; what is full is forgotten."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, name: str, what: str) -> None:
        """Take one from a bucket; raises `TooManyError` when it is empty."""
        if not self._rate.per_minute:
            return
        now = self._clock()
        cost = self._rate.cost_s
        full_at = max(self._full_at.get(name, now), now) + cost
        wait_s = full_at - now - cost * self._rate.burst
        if wait_s > 1e-6:
            raise self._rate.refusal(what, wait_s)
        if len(self._full_at) >= BUCKETS_MAX:
            self._forget(now)
        self._full_at[name] = full_at

    def charge(self, name: str, count: int) -> None:
        """Take so many more for what turned out dear; a bucket may owe some afterwards."""
        now = self._clock()
        if self._rate.per_minute and count > 0:
            self._full_at[name] = max(self._full_at.get(name, now), now) + self._rate.cost_s * count

    def _forget(self, now: float) -> None:
        """Forget what is full; if that is nothing, those that are the least empty."""
        left = {name: at for name, at in self._full_at.items() if at > now}
        if len(left) >= BUCKETS_MAX:
            ordered = sorted(left, key=lambda name: left[name], reverse=True)
            left = {name: left[name] for name in ordered[: BUCKETS_MAX // 2]}
        self._full_at = left
