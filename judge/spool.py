"""A bounded sink for a run's output: in memory while it is small, in a temporary file after that.

The worker's memory must not grow with what programs print, and most print a few bytes.
"""

import io
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from judge import limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Output comes in pieces of some 10 KiB; the file takes them in larger ones.
_BUFFER_BYTES = 256 * limits.KIB


class Spool:
    """Takes bytes as they arrive and gives them back in chunks, as often as wanted."""

    __slots__ = ("_file", "_memory", "_memory_bytes_max", "size")

    def __init__(self, memory_bytes_max: int = limits.SPOOL_MEMORY_BYTES) -> None:
        self._memory = bytearray()
        self._memory_bytes_max = memory_bytes_max
        self._file: IO[bytes] | None = None
        self.size = 0

    def write(self, data: bytes, /) -> int:
        """Append a chunk; raises OSError when the disk is full."""
        self.size += len(data)
        if self._file is not None:
            return self._file.write(data)
        if self.size <= self._memory_bytes_max:
            self._memory += data
            return len(data)
        self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed below
            buffering=_BUFFER_BYTES, prefix="codebattle-"
        )
        self._file.write(self._memory)
        self._memory = bytearray()
        return self._file.write(data)

    def open(self) -> IO[bytes]:
        """Return a reader of everything written so far; close it after use."""
        if self._file is None:
            return io.BytesIO(self._memory)
        self._file.flush()
        return io.BufferedReader(_FileView(self._file.fileno()))

    def clear(self) -> None:
        """Forget what was written, to be written anew."""
        self.close()
        self.size = 0

    def source(self) -> bytes | Path:
        """Return everything written as something a sandbox can take; valid until `close`."""
        if self._file is None:
            return bytes(self._memory)
        self._file.flush()
        return Path(f"/proc/self/fd/{self._file.fileno()}")

    def head(self, count: int) -> bytes:
        """Return the first `count` bytes, or all when there are fewer."""
        if self._file is None:
            return bytes(self._memory[:count])
        with self.open() as reader:
            return reader.read(count)

    def close(self) -> None:
        """Forget everything."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _FileView(io.RawIOBase):
    """Reads an open file from its start with a position of its own, so that readers are many."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = os.dup(descriptor)
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        count = os.preadv(self._descriptor, [buffer], self._position)
        self._position += count
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
