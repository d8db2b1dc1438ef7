"""Every error is a problem document, whoever raised it."""

from uuid import uuid4

import pytest

from api.errors import MEDIA_TYPE
from api.settings import Settings
from tests.api.conftest import Client, ClientFor, started, token_for

SUBMISSION = {"problem": "hello", "language": "python3", "source": "print(1)"}


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/problems/nothing", 404, "problem-not-found"),
        ("DELETE", "/v1/languages", 405, "method-not-allowed"),
        ("GET", "/v1/problems?limit=0", 422, "invalid"),
        ("GET", "/v1/problems?cursor=%00", 400, "bad-cursor"),
        ("GET", "/v1/submissions", 401, "unauthenticated"),
        ("POST", "/v1/submissions", 401, "unauthenticated"),
    ],
)
async def test_errors_are_problem_documents(
    anonymous: Client, method: str, path: str, status: int, slug: str
) -> None:
    """Type, title, status, the path and the request's id are always there."""
    answer = await anonymous.request(method, path, json=SUBMISSION if method == "POST" else None)

    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    said = answer.json()
    assert said["type"] == f"urn:codebattle:error:{slug}"
    assert said["status"] == status
    assert said["instance"] == path.partition("?")[0]
    assert said["request_id"] == answer.headers["x-request-id"]


async def test_a_body_over_the_bound_is_413(client_for: ClientFor, settings: Settings) -> None:
    """Whether the length is said or not, nothing over the bound is read."""
    client = client_for()
    large = b"x" * (settings.body_bytes_max + 1)

    async def chunks() -> object:
        for start in range(0, len(large), 1 << 16):
            yield large[start : start + (1 << 16)]

    said = await client.post(
        "/v1/submissions", content=large, headers={"Content-Type": "application/json"}
    )
    unsaid = await client.post(
        "/v1/submissions",
        content=chunks(),  # type: ignore[arg-type]
        headers={"Content-Type": "application/json"},
    )

    assert [said.status_code, unsaid.status_code] == [413, 413]
    assert said.headers["content-type"] == unsaid.headers["content-type"] == MEDIA_TYPE


async def test_another_media_type_is_415(client_for: ClientFor) -> None:
    """JSON is read, nothing else."""
    answer = await client_for().post(
        "/v1/submissions", content=b"a=b", headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code == 415


async def test_what_was_wrong_is_named_but_not_repeated(client_for: ClientFor) -> None:
    """A secret sent in the wrong place does not come back."""
    answer = await client_for().post("/v1/submissions", json={"problem": {"secret": "hunter2"}})

    assert answer.status_code == 422
    assert "/body/problem" in {each["pointer"] for each in answer.json()["errors"]}
    assert "hunter2" not in answer.text


async def test_a_database_that_is_away_is_503(settings: Settings) -> None:
    """No request hangs, none says 500."""
    gone = settings.model_copy(
        update={"database_url": type(settings.database_url)("postgresql+asyncpg://x@127.0.0.1:1/x")}
    )
    async with started(gone) as app:
        import httpx

        async with Client(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            answer = await client.get(
                f"/v1/submissions/{uuid4()}",
                headers={"Authorization": f"Bearer {token_for(gone)}"},
            )
            ready = await client.get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert int(answer.headers["retry-after"]) > 0
    assert ready.status_code == 503
