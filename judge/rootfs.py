"""Unpacks images into directories, for bubblewrap on machines that have no engine.

The directory then holds one root per image: copy it to such a machine and name it in
`CODEBATTLE_ROOTFS`.
"""

import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judge.errors import UsageError
from judge.images import Images


def export(images: Images, name: str, directory: Path) -> Path:
    """Unpack an image below `directory`; return its root. What was there before is replaced.

    Raises `EngineError` when the image is not built, `UsageError` when it cannot be written.
    """
    digest = images.digest(name)
    root = directory / name
    unfinished = directory / f"{name}.part"
    container = images.engine.containers.create(digest)
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        stream = io.BufferedReader(_Chunks(container.export()))
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                # Devices come from bubblewrap; whoever unpacks need not be root.
                if not member.isdev():
                    tar.extract(member, unfinished, filter="tar")
        shutil.rmtree(root, ignore_errors=True)
        unfinished.rename(root)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise UsageError(f"{directory}: cannot unpack {name}: {error.strerror}") from error
    finally:
        container.remove(force=True)
    return root


class _Chunks(io.RawIOBase):
    """Chunks of bytes as the file that `tarfile` wants."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
