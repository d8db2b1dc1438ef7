"""A server that speaks S3 for the tests of the stores, and of what uses them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from api.settings import BlobPlace, Environment, Settings

START_S = 30.0
KEY, SECRET = "AKIAEXAMPLE", "nobody-must-read-this"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a test's own; `client` goes past the store that is tested."""

    name: str
    endpoint: str
    client: Any

    def settings(self, **changes: Any) -> Settings:
        """Return settings that name it."""
        named: dict[str, Any] = {
            "environment": Environment.DEVELOPMENT,
            "blob_store": BlobPlace.S3,
            "s3_endpoint": self.endpoint,
            "s3_bucket": self.name,
            "s3_access_key": SecretStr(KEY),
            "s3_secret_key": SecretStr(SECRET),
            "s3_path_style": True,
            "s3_prefix": "blobs/",
        }
        return Settings(**(named | changes))

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Have the server look at credentials, of which it knows none."""
        self._look_after(0)
        try:
            yield
        finally:
            self._look_after(10**9)

    def _look_after(self, requests: int) -> None:
        httpx.post(f"{self.endpoint}/moto-api/reset-auth", content=str(requests)).raise_for_status()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Start the server once, as a process of its own; return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_S
        while not _answers(address):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield address
        server.kill()


def _answers(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/moto-api/").is_success
    return False


@pytest.fixture(scope="session")
def s3_client(s3_server: str) -> Any:
    """Return a client of it; making one takes half a second."""
    import boto3  # type: ignore[import-untyped]

    return boto3.session.Session().client(
        "s3",
        endpoint_url=s3_server,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )


@pytest.fixture
def bucket(s3_server: str, s3_client: Any) -> Bucket:
    """Make a bucket."""
    made = Bucket(f"test-{uuid4().hex}", s3_server, s3_client)
    s3_client.create_bucket(Bucket=made.name)
    return made
