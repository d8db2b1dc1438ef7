"""Probes, measurements and traces."""

import re
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from api import metrics, tracing
from api.db.base import new_id
from api.db.models import Worker, WorkerState
from api.settings import Settings
from api.wiring import Parts
from api.workers import service as registry
from tests.api.conftest import Client, ClientFor, started

SECRET = "nobody-must-read-this"


async def _worker(parts: Parts, state: WorkerState, self_test: str | None) -> UUID:
    identity = new_id()
    async with parts.sessions() as session:
        session.add(
            Worker(
                id=identity,
                host=SECRET,
                process_id=1,
                version="0",
                backend="fake",
                slots=2,
                state=state,
                self_test={"status": self_test} if self_test else None,
            )
        )
        await session.commit()
    return identity


@pytest.mark.parametrize(
    ("state", "drained"),
    [
        (WorkerState.ACTIVE, WorkerState.DRAINING),
        (WorkerState.QUARANTINED, WorkerState.QUARANTINED),
    ],
)
async def test_whoever_drains_is_seen_to(
    anonymous: Client, parts: Parts, state: WorkerState, drained: WorkerState
) -> None:
    identity = await _worker(parts, state, "passed")
    async with parts.sessions() as session:
        await registry.drain(session, identity)
        assert await registry.beat(session, identity) is drained
    answer = await anonymous.get("/readyz")
    assert [each["state"] for each in answer.json()["workers"]] == [drained]
    assert SECRET not in answer.text


async def test_ready_with_everything(anonymous: Client, parts: Parts) -> None:
    await _worker(parts, WorkerState.ACTIVE, "passed")
    answer = await anonymous.get("/readyz", params={"whole": True})
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert answer.json()["missing"] == []
    assert answer.json()["queued"] == 0


@pytest.mark.parametrize(
    ("state", "self_test", "said"),
    [
        (None, None, "no worker reports"),
        (WorkerState.ACTIVE, None, "tested its sandbox yet"),
        (WorkerState.ACTIVE, "failed", "passed its test"),
        (WorkerState.QUARANTINED, "passed", "passed its test"),
        (WorkerState.DRAINING, "passed", "passed its test"),
    ],
)
async def test_without_a_fit_worker_it_is_degraded(
    anonymous: Client, parts: Parts, state: WorkerState | None, self_test: str | None, said: str
) -> None:
    if state is not None:
        await _worker(parts, state, self_test)
    answer = await anonymous.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["missing"] == ["workers"]
    assert said in answer.json()["checks"]["workers"]
    assert (await anonymous.get("/readyz", params={"whole": True})).status_code == 503


async def test_what_is_down_is_said_without_its_address(settings: Settings) -> None:
    address = f"postgresql+asyncpg://u:{SECRET}@localhost:1/{SECRET}"
    changes = {
        "database_url": SecretStr(address),
        "redis_url": SecretStr(f"redis://:{SECRET}@localhost:1/0"),
    }
    async with started(settings.model_copy(update=changes)) as app, _client(app) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["missing"] == ["database", "redis", "workers"]
        assert SECRET not in answer.text
        assert "1" not in answer.json()["checks"].values()
        assert (await client.get("/livez")).json() == {"status": "ok"}
        measured = await client.get("/metrics")
        assert measured.status_code == 200
        assert SECRET not in measured.text


async def test_version(anonymous: Client) -> None:
    answer = await anonymous.get("/version")
    assert answer.json()["name"] == "codebattle"
    assert re.fullmatch(r"\d+\.\d+.*", answer.json()["version"])


async def test_metrics_tell_of_the_queue_and_the_workers(anonymous: Client, parts: Parts) -> None:
    await _worker(parts, WorkerState.ACTIVE, "passed")
    metrics.VERDICTS.labels("AC", "cpp").inc()
    answer = await anonymous.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'codebattle_queue_depth{queue="interactive"} 0.0',
        'codebattle_workers{state="active"} 1.0',
        "codebattle_slots 2.0",
        'codebattle_verdicts_total{language="cpp",verdict="AC"}',
    ):
        assert line in answer.text


async def test_metrics_are_for_this_host_or_for_a_token(
    settings: Settings, app: FastAPI, client_for: ClientFor
) -> None:
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
        async with _client(app) as client:
            assert (await client.get("/metrics", headers=headers)).status_code == 403
    for address in ("10.0.0.1", "somewhere", "::ffff:10.0.0.1"):
        async with _client(app, address) as client:
            assert (await client.get("/metrics")).status_code == 403
    changed = settings.model_copy(update={"metrics_token": SecretStr(SECRET)})
    async with started(changed) as other, _client(other, "10.0.0.1") as client:
        assert (await client.get("/metrics")).status_code == 403
        right = {"Authorization": f"Bearer {SECRET}"}
        assert (await client.get("/metrics", headers=right)).status_code == 200
        assert (await client_for().get("/livez")).status_code == 200


async def test_requests_are_counted_by_template(app: FastAPI) -> None:
    known, unknown = ("401", "/v1/submissions/{submission_id}"), ("404", "none")
    before = _counted(*known), _counted(*unknown)
    async with _client(app) as client:
        for _ in range(3):
            await client.get(f"/v1/submissions/{uuid4()}")
            await client.get(f"/nowhere/{uuid4()}")

    assert (_counted(*known), _counted(*unknown)) == (before[0] + 3, before[1] + 3)


def _counted(code: str, route: str) -> float:
    labels = {"code": code, "method": "GET", "route": route}
    value = metrics.REGISTRY.get_sample_value("codebattle_http_requests_total", labels)
    return value or 0.0


async def test_a_trace_goes_from_the_request_into_another_process() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    carried: dict[str, str] = {}

    async def inner(_scope: Scope, _receive: Receive, send: Send) -> None:
        carried.update(tracing.carrier())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    try:
        async with _client(tracing.Tracing(inner)) as client:
            await client.get("/v1/submissions")
        with tracing.span("judging", parent=carried, submission_id="1"), tracing.span("compile"):
            pass
    finally:
        tracing.use(None)
        provider.shutdown()
    spans = {each.name: each for each in exporter.get_finished_spans()}
    assert set(spans) == {"GET none", "judging", "compile"}
    assert len({each.context.trace_id for each in spans.values()}) == 1


async def test_without_tracing_there_is_nothing_to_carry(settings: Settings) -> None:
    assert not tracing.configure(settings, service="api")
    with tracing.span("judging"):
        assert tracing.carrier() == {}


def _client(app: object, address: str = "127.0.0.1") -> Client:
    transport = httpx.ASGITransport(app, client=(address, 1))  # type: ignore[arg-type]
    return Client(transport=transport, base_url="http://test")
