"""A worker's unpacked packages: fetched once by hash, bounded, the longest unused go first."""

import asyncio
import os
import shutil
import tempfile
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from api.blobs import BlobStore
from api.problems import archives
from judge.problem import Problem, archive, load

LOADED_MAX = 32


class PackageCache:
    """Problems by the SHA-256 of their archive."""

    def __init__(self, root: Path, blobs: BlobStore, *, bytes_max: int) -> None:
        self._root = root
        self._blobs = blobs
        self._bytes_max = bytes_max
        self._loaded: OrderedDict[str, Problem] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    async def problem(self, sha256: str, slug: str) -> Problem:
        """Return a problem, fetched and unpacked when it is not here yet.

        Raises `BlobMissingError` when the store does not have it.
        """
        async with self._locks.setdefault(sha256, asyncio.Lock()):
            known = self._loaded.get(sha256)
            if known is None or not await asyncio.to_thread(known.root.exists):
                known = await self._load(sha256, slug)
                self._loaded[sha256] = known
            self._loaded.move_to_end(sha256)
        while len(self._loaded) > LOADED_MAX:
            gone, _ = self._loaded.popitem(last=False)
            self._locks.pop(gone, None)
        return known

    async def _load(self, sha256: str, slug: str) -> Problem:
        place = self._root / sha256 / slug
        if not await asyncio.to_thread(place.exists):
            await self._fetch(sha256, place)
        with suppress(OSError):
            os.utime(place.parent)
        return await asyncio.to_thread(load, place)

    async def _fetch(self, sha256: str, place: Path) -> None:
        # Packages hold secret test data: nobody else on this machine may look.
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="new-", dir=self._root))
        try:
            await archives.fetched(self._blobs, sha256, scratch / "package.zip")
            await asyncio.to_thread(_unpack, scratch / "package.zip", scratch / "package")
            place.parent.mkdir(exist_ok=True)
            # Another worker on this directory may have been quicker; its copy is the same.
            with suppress(OSError):
                (scratch / "package").rename(place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        await asyncio.to_thread(self._trim, sha256)

    def _trim(self, keep: str) -> None:
        entries = []
        for path in self._root.iterdir():
            if path.name != keep and path.name not in self._loaded and path.is_dir():
                with suppress(OSError):
                    entries.append((path.stat().st_mtime, _size(path), path))
        total = sum(size for _, size, _ in entries) + _size(self._root / keep)
        for _, size, path in sorted(entries):
            if total <= self._bytes_max:
                break
            shutil.rmtree(path, ignore_errors=True)
            total -= size


def _unpack(package: Path, target: Path) -> None:
    unpacked = archive.unpack(package)
    shutil.move(archive.package_root(unpacked), target)
    shutil.rmtree(unpacked, ignore_errors=True)


def _size(directory: Path) -> int:
    total = 0
    for path in directory.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total
