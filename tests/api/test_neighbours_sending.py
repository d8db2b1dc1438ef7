"""Sending to a real receiver: those that misbehave, names that move, certificates."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.neighbours.guard import LOOPBACK, Guard
from api.neighbours.sending import HEAD_BYTES, Sender
from tests.api.receiving import LOCAL, Names, Receiver, guard, receiving, silence

pytestmark = pytest.mark.slow


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as held:
        yield held


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(guard(), timeout_s=1) as held:
        yield held


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a header a byte at a time, for ever."""
    for char in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100_000:
        writer.write(bytes([char]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(writer: asyncio.StreamWriter) -> None:
    """Send a body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def heads(writer: asyncio.StreamWriter) -> None:
    """Send headers without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Pad: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def stall(writer: asyncio.StreamWriter) -> None:
    """Promise a body and send half of it."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await writer.drain()
    await asyncio.sleep(30)


REDIRECT = (
    b"HTTP/1.1 %d Go\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (drip, None, "no answer"),
        (silence, None, "no answer"),
        (heads, None, "not HTTP"),
        (flood, 200, ""),
        (stall, 200, ""),
        (b"SSH-2.0-OpenSSH\r\n", None, "not HTTP"),
        (b"", None, "not HTTP"),
        (REDIRECT % 301, 301, ""),
        (REDIRECT % 307, 307, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz", 200, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\x00\x1b[2J\xff", 200, ""),
    ],
    ids=[
        *("slow header", "silence", "endless header", "endless body", "half a body"),
        *("not HTTP", "nothing", "301", "307", "broken gzip", "terminal codes"),
    ],
)
async def test_receivers_that_misbehave_cost_little(
    receiver: Receiver, sender: Sender, answer: Any, status: int | None, error: str
) -> None:
    """Bounded in time and bytes; a redirect is an answer and is not followed."""
    receiver.answer = answer
    began = time.monotonic()

    outcome = await sender.send(receiver.url(), b"{}", {})

    assert time.monotonic() - began < 3
    assert outcome.status == status
    assert error in outcome.error
    assert len(outcome.head) <= HEAD_BYTES
    assert "\x00" not in outcome.head
    assert "\x1b" not in outcome.head
    assert receiver.connections == 1
    assert outcome.delivered == (status == 200)


async def test_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    """The name is resolved once an attempt, by us; nothing resolves it a second time."""
    names = Names(LOCAL, "169.254.169.254")
    async with Sender(guard(names), timeout_s=1) as sender:
        first = await sender.send(receiver.url(), b"{}", {})
        assert (first.status, names.asked) == (200, 1)
        second = await sender.send(receiver.url(), b"{}", {})

    assert "not public" in second.error
    assert receiver.connections == 1


async def test_the_next_address_is_tried_when_one_is_dead(receiver: Receiver) -> None:
    """A receiver with several addresses is reached while one of them answers."""

    async def both(host: str, port: int) -> list[str]:
        return ["127.0.0.2", LOCAL]

    held = Guard(plain_http=True, ports=None, networks=LOOPBACK, resolve=both)
    async with Sender(held, timeout_s=2) as sender:
        assert (await sender.send(receiver.url(), b"{}", {})).status == 200


async def test_nothing_listens(receiver: Receiver, sender: Sender) -> None:
    """The reason is in our words, without addresses."""
    outcome = await sender.send("http://hook.test:1/", b"{}", {})

    assert (outcome.status, outcome.error) == (None, "no connection")


async def test_proxies_of_the_environment_are_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would connect to addresses of its own choice."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Sender(guard(), timeout_s=1) as sender:
        assert (await sender.send(receiver.url(), b"{}", {})).status == 200


def certificate(directory: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for a name; return the server's context and one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


async def test_the_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    """Although the connection goes to an address; another name's does not hold."""
    server, trusting = certificate(tmp_path, "hook.test")
    async with receiving(server) as receiver:
        transport = httpx.AsyncHTTPTransport(verify=trusting)
        async with Sender(guard(), timeout_s=2, transport=transport) as sender:
            right = await sender.send(receiver.url(scheme="https"), b"{}", {})
            wrong = await sender.send(receiver.url("other.test", scheme="https"), b"{}", {})
        async with Sender(guard(), timeout_s=2) as sender:
            unknown = await sender.send(receiver.url(scheme="https"), b"{}", {})

    assert right.status == 200
    assert (wrong.status, unknown.status) == (None, None)
    assert wrong.error == unknown.error == "the certificate does not hold"


def test_loopback_is_what_the_tests_allow() -> None:
    """The strict guard would refuse every receiver of these tests."""
    assert not Guard().allows(ip_address(LOCAL))
