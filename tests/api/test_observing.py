"""One submission seen from outside: its lines, its trace, its numbers, from the API to the end."""

import asyncio
import contextvars
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api import logs, metrics, tracing
from api.settings import LogFormat, Settings
from api.submissions.jobs import SubmissionJobs
from tests.api.conftest import ClientFor, token_for
from tests.api.submissions import conftest as scripted

judge, worker_for = scripted.judge, scripted.worker_for
REQUEST_ID = "seen-from-outside-1"
SOURCE = "AC # canary-of-a-source"
TOKEN = "canary-of-a-token-0123456789"


@contextmanager
def informed() -> Iterator[None]:
    """Log as production does, into what the test captures."""
    logs.configure(form=LogFormat.JSON, level="INFO")
    try:
        yield
    finally:
        logs.configure(form=LogFormat.JSON, level="WARNING")


@contextmanager
def traced() -> Iterator[InMemorySpanExporter]:
    """Trace into memory."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    try:
        yield exporter
    finally:
        tracing.close()


async def submitted_and_judged(client: httpx.AsyncClient, worker: SubmissionJobs) -> str:
    """Submit, judge as another process would, and return the submission's id."""
    answer = await client.post(
        "/v1/submissions",
        json={"problem": "hello", "language": "python3", "source": SOURCE},
        headers={"X-Request-ID": REQUEST_ID},
    )
    assert answer.status_code == 202, answer.text
    # Nothing of the request's context comes along into another process.
    await asyncio.create_task(worker.look(), context=contextvars.Context())
    return str(answer.json()["id"])


@pytest.mark.usefixtures("hello")
async def test_lines_of_both_processes_name_request_and_submission(
    client_for: ClientFor,
    settings: Settings,
    worker_for: scripted.WorkerFor,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever has either id finds what the API and the worker said; neither says the source."""
    token = token_for(settings)
    with informed():
        submission = await submitted_and_judged(client_for(token=token), worker_for())
    text = capsys.readouterr().err
    lines = [json.loads(line) for line in text.splitlines()]
    named = {
        line["event"]
        for line in lines
        if (line.get("request_id"), line.get("submission_id")) == (REQUEST_ID, submission)
    }

    assert named == {"request.answered", "judging.done"}
    assert token not in text
    assert "canary" not in text


@pytest.mark.usefixtures("hello")
async def test_one_trace_from_the_request_to_each_run(
    client_for: ClientFor, worker_for: scripted.WorkerFor
) -> None:
    """The worker goes on with the trace of the request, stage by stage, and tells no secrets."""
    before = {stage: observed(stage) for stage in ("prepare", "compile", "run", "store", "total")}
    with traced() as exporter:
        submission = await submitted_and_judged(client_for(), worker_for())
    spans: dict[str, ReadableSpan] = {each.name: each for each in exporter.get_finished_spans()}
    request, judging = spans["POST /v1/submissions"], spans["judging"]
    attributes: dict[str, Any] = dict(judging.attributes or {})
    names = {span.context.span_id: name for name, span in spans.items()}
    parents = {
        name: names.get(span.parent.span_id) if span.parent else None
        for name, span in spans.items()
    }

    assert len({span.context.trace_id for span in spans.values()}) == 1
    assert parents == {
        "POST /v1/submissions": None,
        "judging": "POST /v1/submissions",
        **dict.fromkeys(("queue", "prepare", "compile", "run", "store"), "judging"),
        "case": "run",
    }
    assert attributes["submission_id"] == submission
    assert attributes["request_id"] == REQUEST_ID
    assert (request.attributes or {})["http.response.status_code"] == 202
    for span in spans.values():
        assert "canary" not in span.to_json()
    for stage, count in before.items():
        assert observed(stage) == count + 1, stage


def observed(stage: str) -> float:
    """Return how many judgings were measured in a stage."""
    name, labels = "codebattle_judging_seconds_count", {"stage": stage}
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.usefixtures("hello")
@pytest.mark.slow
async def test_traces_reach_a_collector(
    settings: Settings, client_for: ClientFor, worker_for: scripted.WorkerFor
) -> None:
    """The endpoint of the settings gets the spans over HTTP."""
    with collector() as (url, taken):
        assert tracing.configure(
            settings.model_copy(update={"tracing_endpoint": url}), service="codebattle-tests"
        )
        await submitted_and_judged(client_for(), worker_for())
        await asyncio.to_thread(tracing.close)

    assert {path for path, _ in taken} == {"/v1/traces"}
    body = b"".join(each for _, each in taken)
    for word in (b"codebattle-tests", b"POST /v1/submissions", b"judging", b"compile", b"case"):
        assert word in body


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Take what is posted; yields the address and what came."""
    taken: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", taken
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("token", "path", "said", "status"),
    [
        (None, "/metrics", "", 200),
        (None, "/", "", 404),
        (TOKEN, "/metrics", "", 403),
        (TOKEN, "/metrics", f"Bearer {TOKEN}x", 403),
        (TOKEN, "/metrics", f"Bearer {TOKEN}", 200),
    ],
)
async def test_a_worker_answers_scrapes(
    token: str | None, path: str, said: str, status: int
) -> None:
    """From this host, or with the token; nobody waits for anything else."""
    with metrics.served(0, host="127.0.0.1", token=token) as port:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            answer = await client.get(path, headers={"Authorization": said} if said else {})

    assert answer.status_code == status
    assert ("codebattle_sandboxes" in answer.text) == (status == 200)


async def test_only_this_host_may_scrape_without_a_token(app: FastAPI) -> None:
    """One rule for the API and for workers."""
    del app
    assert metrics.may_scrape("127.0.0.1", "", None)
    assert metrics.may_scrape("::1", "", None)
    for address in ("10.0.0.1", "", "localhost", "::ffff:10.0.0.1"):
        assert not metrics.may_scrape(address, "", None)
        assert not metrics.may_scrape(address, "Bearer x", TOKEN)
