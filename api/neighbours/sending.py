"""Sends one event to one place, within bounds: time, bytes read, and where to (see `guard`)."""

import asyncio
import time
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Self

import httpx

from api.neighbours.guard import Address, Guard, RefusedTargetError, Target, guard_from
from api.settings import Settings

HEAD_BYTES = 512
CONNECT_S = 3.0
TRIES = 3
USER_AGENT = "codebattle-webhooks/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt went: a status, or why there is none."""

    status: int | None
    duration_ms: int
    head: str = ""
    error: str = ""
    retry_after_s: float | None = None

    @property
    def delivered(self) -> bool:
        """Tell whether the receiver has taken it."""
        return self.status is not None and httpx.codes.is_success(self.status)


class Sender:
    """Connections to receivers; no proxy, no cookies, no redirects, nothing kept open."""

    def __init__(
        self,
        guard: Guard,
        *,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.guard = guard
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def __aenter__(self) -> Self:
        """Give itself; to be closed at the end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self._client.aclose()

    async def send(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """Post a body; whatever happens becomes an outcome."""
        started = time.perf_counter()
        # The status counts even when the body after it is never finished.
        partial = _Partial()
        error = ""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._send(url, body, headers, partial)
        except RefusedTargetError as refused:
            error = str(refused)
        except TimeoutError:
            error = "" if partial.status is not None else f"no answer in {self._timeout_s:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as failed:
            error = "" if partial.status is not None else _why(failed)
        return Outcome(
            status=partial.status,
            duration_ms=round((time.perf_counter() - started) * 1000),
            head=partial.text(),
            error=error,
            retry_after_s=partial.retry_after_s,
        )

    async def _send(
        self, url: str, body: bytes, headers: dict[str, str], partial: "_Partial"
    ) -> None:
        target = await self.guard.check(url)
        tries = target.addresses[:TRIES]
        for number, address in enumerate(tries, 1):
            request = self._request(target, address, body, headers)
            try:
                response = await self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(tries):
                    raise
                continue
            try:
                partial.status = response.status_code
                partial.retry_after_s = _retry_after(response)
                async for chunk in response.aiter_raw():
                    partial.body += chunk[: HEAD_BYTES - len(partial.body)]
                    if len(partial.body) >= HEAD_BYTES:
                        return
            finally:
                await response.aclose()
            return

    def _request(
        self, target: Target, address: Address, body: bytes, headers: dict[str, str]
    ) -> httpx.Request:
        """Build a request to an address; host and certificate stay those of the name."""
        assert self.guard.allows(address)
        place = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        return self._client.build_request(
            "POST",
            target.url.copy_with(netloc=f"{place}:{target.port}".encode()),
            content=body,
            headers={
                "Host": target.url.netloc.decode("ascii"),
                "User-Agent": USER_AGENT,
                "Content-Type": "application/json",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Connection": "close",
                **headers,
            },
            extensions={"sni_hostname": target.host.strip("[]")},
        )


def sender_from(settings: Settings) -> Sender:
    """Return the sender of these settings."""
    return Sender(guard_from(settings), timeout_s=settings.webhook_timeout_s)


class _Partial:
    """What is known of an answer so far."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.retry_after_s: float | None = None
        self.body = bytearray()

    def text(self) -> str:
        shown = bytes(self.body).decode("utf-8", "replace")
        return "".join(char if char.isprintable() or char == "\n" else "�" for char in shown)


def _retry_after(response: httpx.Response) -> float | None:
    said = response.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdecimal() and len(said) <= 6 else None


def _why(error: Exception) -> str:
    """Return a reason in our own words: a library's may repeat addresses and headers."""
    match error:
        case httpx.ConnectError() if "CERTIFICATE" in str(error).upper():
            return "the certificate does not hold"
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return "no connection"
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.ProtocolError():
            return "what came back is not HTTP"
        case _:
            return f"failed: {type(error).__name__}"
