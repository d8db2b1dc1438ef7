"""What only a bucket can do: be away, refuse, be missing, or lack its library."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from api.blobs import BlobAwayError, BlobMissingError
from api.blobs.s3 import S3Blobs
from api.problems import archives
from api.settings import Settings
from tests.api.blobs.conftest import SECRET, Bucket
from tests.api.conftest import Client, started

pytestmark = pytest.mark.slow


async def test_refused_credentials_are_one_line_without_them(
    bucket: Bucket, tmp_path: Path
) -> None:
    store = S3Blobs(bucket.settings())
    name = await store.put(b"x")
    with bucket.refusing():
        for attempt in (store.put(b"y"), store.fetch(name, tmp_path / "t"), store.check()):
            with pytest.raises(BlobAwayError, match="credentials refused") as caught:
                await attempt
            assert SECRET not in str(caught.value)
            assert "\n" not in str(caught.value)

    await store.fetch(name, tmp_path / "t")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"s3_bucket": "nobody-made-it"}, "no such bucket"),
        ({"s3_endpoint": "http://127.0.0.1:1", "s3_connect_timeout_s": 0.1}, "EndpointConnection"),
    ],
)
async def test_a_store_that_is_away_is_not_an_empty_one(
    bucket: Bucket, changes: dict[str, object], said: str
) -> None:
    store = S3Blobs(bucket.settings(**changes))
    with pytest.raises(BlobAwayError, match=said):
        await store.check()
    with pytest.raises((BlobAwayError, BlobMissingError)):
        await store.put(b"x")


async def test_readiness_tells_when_the_store_is_away(bucket: Bucket, settings: Settings) -> None:
    named = {
        key: getattr(bucket.settings(s3_bucket="nobody-made-it"), key)
        for key in Settings.model_fields
        if key.startswith("s3_") or key == "blob_store"
    }
    async with started(settings.model_copy(update=named)) as app:
        transport = httpx.ASGITransport(app)
        async with Client(transport=transport, base_url="http://test") as client:
            answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["missing"] == ["blobs", "workers"]
    assert answer.json()["checks"]["blobs"] == "failed: BlobAwayError"


async def test_a_worker_waits_for_a_store_that_is_away(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package comes when the store is back; nothing is judged an error meanwhile."""
    store = S3Blobs(bucket.settings())
    name = await store.put(b"no package, but that comes later")
    failures = 0
    fetch = store.fetch

    async def flaky(sha256: str, target: Path) -> None:
        nonlocal failures
        failures += 1
        if failures < 3:
            raise BlobAwayError("away")
        await fetch(sha256, target)

    monkeypatch.setattr(store, "fetch", flaky)
    monkeypatch.setattr("api.problems.archives._RETRY_FIRST_S", 0.01)
    await archives.fetched(store, name, tmp_path / "package.zip")

    assert failures == 3
    assert (tmp_path / "package.zip").exists()


@pytest.mark.slow
def test_without_the_library_it_is_one_line() -> None:
    """Who chose S3 and installed no extra is told which, with the exit code of a missing tool."""
    program = (
        "import sys; sys.modules['boto3'] = None\n"
        "from judge.cli import main; import api.cli\n"
        "sys.argv = ['codebattle', 'serve']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "CODEBATTLE_ENVIRONMENT": "development",
            "CODEBATTLE_BLOB_STORE": "s3",
            "CODEBATTLE_S3_BUCKET": "b",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 5
    assert done.stderr == (
        "codebattle: blob_store is s3, and boto3 is not installed: pip install 'codebattle[s3]'\n"
    )


@pytest.mark.parametrize(
    "changes", [{"s3_bucket": ""}, {"s3_secret_key": None}, {"s3_access_key": None}]
)
def test_half_a_setting_is_refused(changes: dict[str, object]) -> None:
    given = {
        "environment": "development",
        "blob_store": "s3",
        "s3_bucket": "b",
        "s3_access_key": SecretStr("k"),
        "s3_secret_key": SecretStr("s"),
    }
    with pytest.raises(ValidationError):
        Settings(**(given | changes))  # type: ignore[arg-type]
