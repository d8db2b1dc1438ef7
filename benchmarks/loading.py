"""Sends requests over kept connections as fast as answers come, and nothing else: a lean client.

    python -m benchmarks.loading < plan.json > result.json

A process of its own, with prebuilt requests and a parser that reads no more than the status and
the length of an answer: what it costs is a small share of what it measures, and is reported.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, cast

import uvloop

from benchmarks.measuring import percentile

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# In a request it stands for a number of the same length that no other request of the plan has.
NUMBER = "00000000-number"
_NUMBER = NUMBER.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send: each connection repeats one request until the time or the count is used up."""

    port: int
    requests: list[str]
    seconds: float | None = None
    count: int | None = None
    keep_locations: bool = False


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of it; latencies in milliseconds, in the order of the answers."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return len(self.latencies_ms) / self.wall_s

    def share(self, status: int) -> float:
        """Return the part of the answers that had a status."""
        return self.statuses.get(str(status), 0) / max(1, len(self.latencies_ms))

    def percentile(self, percent: float) -> float:
        """Return a percentile of the latencies."""
        return percentile(self.latencies_ms, percent)


def post(path: str, token: str, body: bytes, headers: Mapping[str, str] = _NO_HEADERS) -> str:
    """Return a POST of JSON as it goes over the wire."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{more}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head + body.decode()


def get(path: str, token: str = "") -> str:
    """Return a GET as it goes over the wire."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{bearer}\r\n"


async def run(plan: Plan) -> Result:
    """Carry a plan out in another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.loading"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode:
        raise RuntimeError("the load generator failed")
    return Result(**json.loads(said))


class _Connection(asyncio.Protocol):
    """One connection: the next request is sent when the last one is answered."""

    def __init__(self, load: "_Load", request: bytes) -> None:
        self._load = load
        self._request = request
        self._data = b""
        self._sent = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to write to."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def next(self) -> None:
        """Send the next request, or close when there is none."""
        assert self._transport is not None
        if self._load.more():
            self._sent = time.perf_counter()
            self._transport.write(self._load.numbered(self._request))
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Read as far as an answer's end."""
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self._data = b""
        location = b""
        if self._load.plan.keep_locations:
            at = lowered.find(b"location:")
            location = head[at + 9 :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""
        self._load.answered(head[9:12].decode(), time.perf_counter() - self._sent, location)
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that never came; what else there is to send, others send."""
        del exc
        self._load.closed()


class _Load:
    """All connections of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.result = Result()
        self._sent = 0
        self._left = plan.count if plan.count is not None else sys.maxsize
        self._until = float("inf")
        self._open = 0
        self._over = asyncio.Event()

    async def run(self) -> Result:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(
                lambda each=each: _Connection(self, each.encode()),  # type: ignore[misc]
                "127.0.0.1",
                self.plan.port,
            )
            for each in self.plan.requests
        ]
        self._open = len(made)
        began, cpu = time.perf_counter(), time.process_time()
        if self.plan.seconds is not None:
            self._until = began + self.plan.seconds
        for _, connection in made:
            connection.next()
        await self._over.wait()
        self.result.wall_s = time.perf_counter() - began
        self.result.cpu_s = time.process_time() - cpu
        return self.result

    def more(self) -> bool:
        """Take one from what is left to send."""
        if self._left <= 0 or time.perf_counter() >= self._until:
            return False
        self._left -= 1
        return True

    def numbered(self, request: bytes) -> bytes:
        """Return a request with its own number where it wants one."""
        self._sent += 1
        return request.replace(_NUMBER, b"%015d" % self._sent)

    def answered(self, status: str, took: float, location: bytes) -> None:
        """Note an answer."""
        result = self.result
        result.statuses[status] = result.statuses.get(status, 0) + 1
        result.latencies_ms.append(round(took * 1000, 3))
        if location:
            result.locations.append(location.decode())

    def closed(self) -> None:
        """Note that a connection is over."""
        self._open -= 1
        if not self._open:
            self._over.set()


def main() -> None:
    """Carry out the plan on the standard input."""
    given: dict[str, Any] = json.load(sys.stdin)
    plan = Plan(**given)
    print(json.dumps(asdict(uvloop.run(_Load(plan).run()))))


if __name__ == "__main__":
    main()
