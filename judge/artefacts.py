"""A content-addressed cache of compiled programs, so that nothing is compiled twice.

Key: a digest over everything that decides the result (sources, language, argv, image digest).
Value: the files of /prog after a successful compilation, as one uncompressed tar.
Writers rename into place, so readers never see half a file; a damaged entry is a miss.
The oldest entries go when the cache outgrows its bound.
"""

import contextlib
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from judge.sandbox.base import File


def digest(parts: Iterable[bytes | str]) -> str:
    """Return the sha-256 (hex) of a sequence, each part framed by its length."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()


class ArtefactCache:
    """Compiled programs on disk, by key."""

    def __init__(self, root: Path, *, bytes_max: int = 2 << 30) -> None:
        self._root = root
        self._bytes_max = bytes_max
        self._written = 0

    def load(self, key: str) -> list[File] | None:
        """Return the files stored under `key`, or None."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)
            with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
                files = [
                    File(
                        path=entry.name, data=_content(tar, entry), executable=bool(entry.mode & 1)
                    )
                    for entry in tar
                ]
        except (OSError, tarfile.TarError):
            return None
        # A file of zeros, as a power cut leaves it, is an archive of nothing.
        return files or None

    def store(self, key: str, files: Iterable[File]) -> None:
        """Keep `files` under `key`; a full disk only means that nothing is cached."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:", format=tarfile.PAX_FORMAT) as tar:
            for file in files:
                data = file.data if isinstance(file.data, bytes) else file.data.read_bytes()
                entry = tarfile.TarInfo(file.path)
                entry.size = len(data)
                entry.mode = 0o755 if file.executable else 0o644
                tar.addfile(entry, io.BytesIO(data))
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(buffer.getbuffer())
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
            self._written += buffer.tell()
            # Looking at the whole directory is worth it only once in a while.
            if self._written > self._bytes_max // 16:
                self._written = 0
                self._trim()

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / f"{key}.tar"

    def _trim(self) -> None:
        entries = []
        for path in self._root.glob("*/*.tar"):
            with contextlib.suppress(OSError):
                status = path.stat()
                entries.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._bytes_max:
                break
            path.unlink(missing_ok=True)
            total -= size


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(entry) if entry.isreg() else None
    if stream is None:
        raise tarfile.TarError(f"{entry.name} is not a regular file")
    return stream.read()
