"""The port every blob store implements. Contents never change, so a name can be trusted."""

import hashlib
import re
from pathlib import Path
from typing import IO, Protocol

CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BlobMissingError(Exception):
    """There is no blob of that name, or what is there is not what the name says."""


class BlobAwayError(OSError):
    """The store cannot be reached or does not let us in; the text is one line, without secrets.

    Whatever needed it may be tried again: an API answers 503, a worker waits.
    """


class BlobStore(Protocol):
    """Keeps contents under their SHA-256 in hexadecimal.

    Everything may raise `BlobAwayError`.
    """

    async def put(self, source: Path | bytes) -> str:
        """Store a content durably and return its name; storing it again changes nothing."""

    async def fetch(self, sha256: str, target: Path) -> None:
        """Write a blob to a file, checked against its name; raises `BlobMissingError`."""

    async def has(self, sha256: str) -> bool:
        """Tell whether a blob is there."""

    async def delete(self, sha256: str) -> None:
        """Remove a blob; one that is not there is no error."""

    async def check(self) -> None:
        """Return if the store answers and lets us in."""


def copied(source: IO[bytes], out: IO[bytes] | None = None) -> str:
    """Read a stream to its end, in pieces; return the hash of what was read and written."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        if out is not None:
            out.write(chunk)
    return digest.hexdigest()


def checked(sha256: str) -> str:
    """Return a blob's name; raises `BlobMissingError` for what cannot be one."""
    if not _SHA256.fullmatch(sha256):
        raise BlobMissingError("no blob has such a name")
    return sha256
