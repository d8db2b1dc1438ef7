"""Traces from the API over the queue into the worker and the sandbox. Off unless asked for.

    request span ─ carrier in the judging's metadata ─→ judging span ─→ a span for each stage

Only this file knows OpenTelemetry. Without the extra `tracing`, or without an endpoint, spans
cost a function call and nothing else is imported. Exceptions are never recorded: their messages
may hold what somebody sent.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import logger
from api.metrics import template
from api.settings import Settings

# At the end a process waits this long for whoever collects traces, once or a few times.
EXPORT_S = 3
_log = logger(__name__)
_provider: Any = None
_tracer: Any = None
_quiet = frozenset({"/livez", "/readyz", "/metrics", "/version"})


def configure(settings: Settings, *, service: str) -> bool:
    """Send traces to the endpoint of the settings; tell whether there is one."""
    if not settings.tracing_endpoint:
        return False
    try:
        sdk = import_module("opentelemetry.sdk.trace")
        export = import_module("opentelemetry.sdk.trace.export")
        otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = import_module("opentelemetry.sdk.resources")
    except ImportError:
        _log.error("tracing.missing", remedy="pip install 'codebattle[tracing]'")
        return False
    place = f"{settings.tracing_endpoint.rstrip('/')}/v1/traces"
    exporter = otlp.OTLPSpanExporter(place, timeout=EXPORT_S)
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": service}))
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    use(provider)
    return True


def use(provider: Any) -> None:
    """Make spans with this provider, or none at all with None."""
    global _provider, _tracer  # noqa: PLW0603 - one per process, as OpenTelemetry has it
    _provider = provider
    _tracer = provider.get_tracer("codebattle") if provider is not None else None


def close() -> None:
    """Send what is still to be sent, and make no more spans. Blocks for seconds at most."""
    ending = _provider
    use(None)
    if ending is not None:
        ending.shutdown()


class Begun:
    """A span that is going on; `end` it once. Without tracing it is nothing."""

    def __init__(self, current: Any = None) -> None:
        self._current = current

    def begin(self, name: str, **attributes: str | float) -> "Begun":
        """Begin a span within this one."""
        if self._current is None or _tracer is None:
            return Begun()
        inside = import_module("opentelemetry.trace").set_span_in_context(self._current)
        return Begun(_tracer.start_span(name, inside, attributes=attributes))

    def end(self, **attributes: str | float) -> None:
        """End it, with what is known by now."""
        if self._current is not None:
            self._current.set_attributes(attributes)
            self._current.end()


def begin(name: str, **attributes: str | float) -> Begun:
    """Begin a span within the present one, for what begins and ends in different places."""
    return Begun(_tracer.start_span(name, attributes=attributes)) if _tracer else Begun()


def happened(name: str, began: datetime, ended: datetime) -> None:
    """Add a span of what is over."""
    if _tracer is not None:
        moments = [int(each.timestamp() * 1e9) for each in (began, ended)]
        _tracer.start_span(name, start_time=moments[0]).end(end_time=moments[1])


def note(**attributes: str | float) -> None:
    """Add facts to the present span."""
    if _tracer is not None:
        import_module("opentelemetry.trace").get_current_span().set_attributes(attributes)


@contextmanager
def span(
    name: str, *, parent: Mapping[str, str] | None = None, **attributes: str | float
) -> Iterator[None]:
    """Trace a block; `parent` is a carrier from another process."""
    if _tracer is None:
        yield
        return
    context = _propagator().extract(parent) if parent else None
    with _tracer.start_as_current_span(
        name, context, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        found = format(current.get_span_context().trace_id, "032x")
        with structlog.contextvars.bound_contextvars(trace_id=found):
            yield


def carrier() -> dict[str, str]:
    """Return what another process needs to go on with the present trace; empty without one."""
    carried: dict[str, str] = {}
    if _tracer is not None:
        _propagator().inject(carried)
    return carried


def _propagator() -> Any:
    found = import_module("opentelemetry.trace.propagation.tracecontext")
    return found.TraceContextTextMapPropagator()


class Tracing:
    """ASGI middleware: a span per request, named by its route. Streams count to their start."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if _tracer is None or scope["type"] != "http" or scope["path"] in _quiet:
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): each.decode("latin-1") for key, each in scope["headers"]}
        context = _propagator().extract(headers)
        current = _tracer.start_span(f"{scope['method']}", context=context)
        request_id = scope.get("state", {}).get("request_id", "")
        current.set_attributes(
            {"http.request.method": scope["method"], "codebattle.request_id": request_id}
        )

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = template(scope)
                current.update_name(f"{scope['method']} {route}")
                current.set_attribute("http.route", route)
                current.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    current.set_status(_error())
                current.end()
            await send(message)

        trace = import_module("opentelemetry.trace")
        with trace.use_span(
            current, end_on_exit=False, record_exception=False, set_status_on_exception=False
        ):
            await self._app(scope, receive, sent)


def _error() -> Any:
    trace = import_module("opentelemetry.trace")
    return trace.Status(trace.StatusCode.ERROR)
