"""Blobs in a directory: `ab/cdef…`, written beside their place and renamed into it."""

import asyncio
import io
import os
import tempfile
from pathlib import Path

from api.blobs.base import BlobAwayError, BlobMissingError, checked, copied


class LocalBlobs:
    """A `BlobStore` on this machine's disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, source: Path | bytes) -> str:
        """Store a content durably and return its name."""
        return await asyncio.to_thread(self._put, source)

    async def fetch(self, sha256: str, target: Path) -> None:
        """Write a blob to a file, checked against its name."""
        await asyncio.to_thread(self._fetch, checked(sha256), target)

    async def has(self, sha256: str) -> bool:
        """Tell whether a blob is there."""
        return await asyncio.to_thread(self._path(checked(sha256)).exists)

    async def delete(self, sha256: str) -> None:
        """Remove a blob."""
        await asyncio.to_thread(self._path(checked(sha256)).unlink, missing_ok=True)

    async def check(self) -> None:
        """Return if the directory can be read."""
        await asyncio.to_thread(self._check)

    def names(self) -> set[str]:
        """Return all that is there; not in the port, because nothing may list a bucket."""
        return {path.parent.name + path.name for path in self._root.glob("??/*")}

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256[2:]

    def _put(self, source: Path | bytes) -> str:
        self._root.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._root, prefix="new-")
        temporary = Path(name)
        try:
            opened = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
            with os.fdopen(handle, "wb") as out, opened:
                digest = copied(opened, out)
                out.flush()
                os.fsync(out.fileno())
            place = self._path(digest)
            if not place.exists():
                place.parent.mkdir(exist_ok=True)
                self._belong(temporary, place.parent)
                temporary.replace(place)
                _sync_directory(place.parent)
        finally:
            temporary.unlink(missing_ok=True)
        return digest

    def _belong(self, *paths: Path) -> None:
        """Give what root makes to the directory's owner, as whom the API may run."""
        owner = self._root.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            for path in paths:
                os.chown(path, owner.st_uid, owner.st_gid)

    def _fetch(self, sha256: str, target: Path) -> None:
        try:
            with self._path(sha256).open("rb") as source, target.open("wb") as out:
                found = copied(source, out)
        except FileNotFoundError as error:
            raise BlobMissingError(f"blob {sha256} is not in {self._root}") from error
        if found != sha256:
            target.unlink()
            raise BlobMissingError(f"blob {sha256} in {self._root} is damaged")

    def _check(self) -> None:
        # Made with the first blob: until then, what it will be made in.
        place = next(each for each in (self._root, *self._root.parents) if each.exists())
        if not os.access(place, os.R_OK | os.X_OK):
            raise BlobAwayError(f"{self._root} cannot be read")


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
