"""What is measured, by name. Every process has its own numbers; Prometheus adds them up.

Labels are few and bounded: never an id, a path with ids, or anything a client chose.
"""

import hmac
import ipaddress
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REGISTRY = CollectorRegistry(auto_describe=True)
CONTENT_TYPE = CONTENT_TYPE_LATEST
# Whoever connects to a worker's port and says nothing is let go after this.
SCRAPE_S = 5.0
_SHORT_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG_S = (*_SHORT_S, 120, 300, 600, 1800, 3600)

HTTP_REQUESTS = Counter(
    "codebattle_http_requests_total",
    "Requests answered, by route template.",
    ("method", "route", "code"),
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "codebattle_http_request_seconds",
    "From the request to the first byte of its response.",
    ("method", "route"),
    buckets=_SHORT_S,
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge("codebattle_queue_depth", "Judgings that wait.", ("queue",), registry=REGISTRY)
QUEUE_OLDEST_SECONDS = Gauge(
    "codebattle_queue_oldest_seconds", "Age of the judging that waits longest.", registry=REGISTRY
)
WORKERS = Gauge(
    "codebattle_workers", "Workers that reported lately.", ("state",), registry=REGISTRY
)
SLOTS = Gauge("codebattle_slots", "Judgings that active workers can do at once.", registry=REGISTRY)
WAIT_SECONDS = Histogram(
    "codebattle_judging_wait_seconds",
    "From queueing to the claim of a worker.",
    ("queue",),
    buckets=_LONG_S,
    registry=REGISTRY,
)
JUDGING_SECONDS = Histogram(
    "codebattle_judging_seconds",
    "Time in a stage of judging, by stage.",
    ("stage",),
    buckets=_LONG_S,
    registry=REGISTRY,
)
VERDICTS = Counter(
    "codebattle_verdicts_total", "Judgings ended.", ("verdict", "language"), registry=REGISTRY
)
JUDGING_ERRORS = Counter(
    "codebattle_judging_errors_total",
    "Attempts at a judging that did not end by a verdict, by cause.",
    ("cause",),
    registry=REGISTRY,
)
REQUEUED = Counter(
    "codebattle_judgings_requeued_total",
    "Judgings queued again by a sweep because their worker was silent.",
    registry=REGISTRY,
)
COMPARISONS = Counter(
    "codebattle_judging_comparisons_total",
    "Judgings compared with those of other workers, by outcome.",
    ("outcome",),
    registry=REGISTRY,
)
FINDINGS = Counter(
    "codebattle_worker_findings_total",
    "Judgings that speak against a worker, by kind.",
    ("kind",),
    registry=REGISTRY,
)
QUARANTINES = Counter(
    "codebattle_worker_quarantines_total",
    "Workers put into quarantine, by whom: judgements or a person.",
    ("by",),
    registry=REGISTRY,
)
BELL_FAILURES = Counter(
    "codebattle_bell_failures_total",
    "Rings that Redis did not take; a sweep finds the work.",
    registry=REGISTRY,
)
SANDBOXES = Gauge(
    "codebattle_sandboxes",
    "Sandboxes of this worker: warm, in_use, starting.",
    ("state",),
    registry=REGISTRY,
)
JOBS_ENDED = Counter(
    "codebattle_jobs_total", "Jobs ended: done, failed.", ("kind", "state"), registry=REGISTRY
)
LIVE_FOLLOWERS = Gauge("codebattle_live_followers", "Open streams.", registry=REGISTRY)
LIVE_PUBLISHED = Counter(
    "codebattle_live_published_total", "Updates given to Redis.", ("outcome",), registry=REGISTRY
)
LIVE_ENDED = Counter(
    "codebattle_live_ended_total", "Streams ended, by reason.", ("reason",), registry=REGISTRY
)
WEBHOOKS = Counter(
    "codebattle_webhook_deliveries_total", "Attempts to deliver.", ("outcome",), registry=REGISTRY
)


def exposition() -> bytes:
    """Return everything in the text format of Prometheus."""
    return generate_latest(REGISTRY)


def may_scrape(address: str, authorization: str, token: str | None) -> bool:
    """Tell whether somebody may read this: with the token, or without one from this host."""
    if token is not None:
        return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@contextmanager
def served(port: int, *, host: str, token: str | None) -> Iterator[int]:
    """Answer scrapes from threads, for workers, which have no other HTTP; yields the port."""
    server = ThreadingHTTPServer((host, port), _handler(token))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def _handler(token: str | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = SCRAPE_S

        def do_GET(self) -> None:
            said = self.headers.get("authorization", "")
            if self.path.partition("?")[0] != "/metrics":
                self._answer(404, b"", "text/plain")
            elif not may_scrape(self.client_address[0], said, token):
                self._answer(403, b"", "text/plain")
            else:
                self._answer(200, exposition(), CONTENT_TYPE)

        def log_message(self, *_: Any) -> None:
            """Say nothing: a scrape is no news."""

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


class HttpMetrics:
    """ASGI middleware that counts requests under the template of their route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        started = time.perf_counter()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = template(scope)
                HTTP_REQUESTS.labels(method, route, str(message["status"])).inc()
                HTTP_SECONDS.labels(method, route).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, sent)


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def template(scope: Scope) -> str:
    """Return the path of the route that answers, with names for its ids; `none` without a route.

    A route knows its path from the innermost router on; what is before it is a fixed prefix.
    """
    path = getattr(scope.get("route"), "path", None)
    if not isinstance(path, str):
        return "none"
    parts = scope["path"].split("/")
    outer = len(parts) - len(path.split("/"))
    return "/".join(parts[: outer + 1]) + path if outer > 0 and ":path" not in path else path
