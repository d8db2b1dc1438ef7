"""The port every blob store implements. Contents never change, so a name can be trusted."""

import re
from pathlib import Path
from typing import Protocol

_SHA256 = re.compile(r"[0-9a-f]{64}")


class BlobMissingError(Exception):
    """There is no blob of that name, or what is there is not what the name says."""


class BlobStore(Protocol):
    """Keeps contents under their SHA-256 in hexadecimal."""

    async def put(self, source: Path | bytes) -> str:
        """Store a content durably and return its name; storing it again changes nothing."""

    async def fetch(self, sha256: str, target: Path) -> None:
        """Write a blob to a file, checked against its name; raises `BlobMissingError`."""

    async def has(self, sha256: str) -> bool:
        """Tell whether a blob is there."""

    async def delete(self, sha256: str) -> None:
        """Remove a blob; one that is not there is no error."""


def checked(sha256: str) -> str:
    """Return a blob's name; raises `BlobMissingError` for what cannot be one."""
    if not _SHA256.fullmatch(sha256):
        raise BlobMissingError("no blob has such a name")
    return sha256
