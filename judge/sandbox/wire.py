"""What travels between the engine and warden: frames and fields, as PROTOCOL.md fixes them.

Pure: bytes in, values out. Who sends what when is in `client`.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import Final

from judge import limits
from judge.errors import SandboxError, SandboxLostError
from judge.sandbox.base import Area, Cause, Command, File, Outcome

VERSION: Final = 1
HEADER: Final = struct.Struct("<IBBHI")  # length, type, reserved, reserved, request
# One write this large is worth a system call of its own; smaller pieces travel together.
CHUNK_BYTES: Final = 128 * limits.KIB
PATH_BYTES_MAX: Final = 4095
NAME_BYTES_MAX: Final = 255


class Kind(IntEnum):
    """The type of a frame."""

    HELLO = 1
    READY = 2
    PUT = 3
    DATA = 4
    RUN = 5
    PAIR = 6
    REPORT = 7
    OUTPUT = 8
    STDERR = 9
    FILE = 10
    GET = 11
    WIPE = 12
    PING = 13
    DONE = 14
    CANCEL = 15
    ERROR = 16


# Their payload is a stretch of a stream: it is handed on in whatever pieces arrive.
STREAMED: Final = frozenset({int(Kind.DATA), int(Kind.OUTPUT), int(Kind.STDERR)})
ANSWERS: Final = STREAMED | {
    int(kind) for kind in (Kind.READY, Kind.REPORT, Kind.FILE, Kind.DONE, Kind.ERROR)
}

FrameHandler = Callable[[int, int, bytes], None]


def frame(kind: int, request: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return HEADER.pack(len(payload), kind, 0, 0, request) + payload


class FrameReader:
    """Cuts a stream of answers into frames, however the bytes were split on their way.

    Calls `handle(kind, request, payload)`: once per frame, or for a streamed frame once per piece.
    Holds at most one frame that is not streamed.
    """

    __slots__ = ("_handle", "_held", "_kind", "_left", "_request")

    def __init__(self, handle: FrameHandler) -> None:
        self._handle = handle
        self._held = bytearray()
        self._left = 0
        self._kind = 0
        self._request = 0

    def feed(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        """Take `data[at:end]`; raises `SandboxLostError` when it makes no sense."""
        stop = len(data) if end is None else end
        if self._held:
            self._held += data[at:stop]
            data, at, stop = bytes(self._held), 0, len(self._held)
            self._held.clear()
        while True:
            if self._left:
                taken = min(self._left, stop - at)
                if not taken:
                    return
                self._left -= taken
                self._handle(self._kind, self._request, data[at : at + taken])
                at += taken
            if stop - at < HEADER.size:
                break
            length, kind, zero, also_zero, request = HEADER.unpack_from(data, at)
            if length > limits.FRAME_BYTES_MAX or zero or also_zero or kind not in ANSWERS:
                raise SandboxLostError(f"the sandbox sent nonsense: frame {kind}, {length} bytes")
            if kind in STREAMED:
                at += HEADER.size
                self._left, self._kind, self._request = length, kind, request
                continue
            after = at + HEADER.size + length
            if after > stop:
                break
            self._handle(kind, request, data[at + HEADER.size : after])
            at = after
        if at < stop:
            self._held += data[at:stop]


def encode(*fields: tuple[str, object]) -> bytes:
    """Return the payload of `key=value` fields."""
    payload = "".join([f"{key}={value}\0" for key, value in fields])
    return _checked(payload, len(fields))


def decode(payload: bytes) -> dict[str, str]:
    """Return the fields of an answer; raises `SandboxLostError` when it makes no sense."""
    text = payload.decode("utf-8", "surrogateescape")
    if not text.endswith("\0"):
        raise SandboxLostError("the sandbox sent nonsense: a field without its end")
    fields: dict[str, str] = {}
    for part in text[:-1].split("\0"):
        key, equals, value = part.partition("=")
        if not equals:
            raise SandboxLostError("the sandbox sent nonsense: a field without a value")
        fields[key] = value
    return fields


def decode_outcome(
    fields: dict[str, str], stderr: bytes = b"", files: tuple[File, ...] = ()
) -> Outcome:
    """Return what a REPORT says; raises `SandboxLostError` when it makes no sense."""
    try:
        get = fields.get
        code, signal = get("exit_code"), get("signal")
        return Outcome(
            cause=_CAUSES[fields["cause"]],
            exit_code=None if code is None else int(code),
            signal=None if signal is None else int(signal),
            cpu_us=int(fields["cpu_us"]),
            wall_us=int(fields["wall_us"]),
            memory_bytes=int(fields["memory_bytes"]),
            output_bytes=int(fields["output_bytes"]),
            stderr=stderr,
            stderr_bytes=int(fields["stderr_bytes"]),
            processes_left=int(get("processes_left", 0)),
            oom_kills=int(get("oom_kills", 0)),
            message=get("message", ""),
            files=files,
            collect_cut=get("collect_cut") == "1",
        )
    except (KeyError, ValueError) as error:
        raise SandboxLostError(f"the sandbox sent nonsense: report without {error}") from error


_CAUSES: Final = {str(cause): cause for cause in Cause}


def put_pieces(request: int, area: Area, file: File) -> Iterator[bytes]:
    """Return what places one file; raises `SandboxError` for a path no file may have."""
    _check_path(file.path)
    size, data = _content(request, file.data)
    fields = encode(
        ("area", area), ("path", file.path), ("mode", int(file.executable)), ("size", size)
    )
    return chain((frame(Kind.PUT, request, fields),), data)


def run_pieces(request: int, command: Command) -> Iterator[bytes]:
    """Return what places a command's files and runs it."""
    size, data = _content(request, b"" if command.stdin is None else command.stdin)
    run = chain((frame(Kind.RUN, request, encode_command(command, size)),), data)
    if not command.files:
        return run
    return chain(_files_pieces(request, command), run)


def pair_pieces(request: int, submission: Command, validator: Command) -> Iterator[bytes]:
    """Return what runs a pair; its reports carry `request` + 1 and `request` + 2."""
    return chain(
        _files_pieces(request, submission),
        _files_pieces(request, validator),
        (
            frame(Kind.PAIR, request),
            frame(Kind.RUN, request + 1, encode_command(submission, 0)),
            frame(Kind.RUN, request + 2, encode_command(validator, 0)),
        ),
    )


def _files_pieces(request: int, command: Command) -> Iterator[bytes]:
    # A list: every path is checked before the first byte is sent.
    return chain.from_iterable([put_pieces(request, command.cwd, file) for file in command.files])


def gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces, so that an ordinary request is one write."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held)


def encode_command(command: Command, stdin_size: int) -> bytes:
    """Return the payload of a RUN frame."""
    bounds = command.limits
    parts = [f"arg={item}\0" for item in command.argv]
    parts += [f"env={name}={value}\0" for name, value in command.env.items()]
    parts += [f"collect={path}\0" for path in command.collect]
    count = len(parts) + 14
    parts.append(
        f"role={command.role}\0cwd={command.cwd}\0cpu_ms={bounds.cpu_ms}\0"
        f"wall_ms={bounds.wall_ms}\0memory_bytes={bounds.memory_bytes}\0"
        f"output_bytes={bounds.output_bytes}\0stderr_bytes={bounds.stderr_bytes}\0"
        f"file_bytes={bounds.file_bytes}\0processes={bounds.processes}\0"
        f"open_files={bounds.open_files}\0stack_bytes={bounds.stack_bytes}\0"
        f"stdin_size={stdin_size}\0collect_bytes={command.collect_bytes}\0"
        f"keep={int(command.keep)}\0"
    )
    return _checked("".join(parts), count)


def _checked(text: str, count: int) -> bytes:
    """Encode fields; a NUL within one would begin another."""
    payload = text.encode("utf-8", "surrogateescape")
    if payload.count(0) != count:
        raise SandboxError("an argument, name or path contains a NUL byte")
    if len(payload) > limits.FRAME_BYTES_MAX:
        raise SandboxError(
            f"the command line and environment take {len(payload)} bytes, "
            f"more than {limits.FRAME_BYTES_MAX}"
        )
    return payload


def _check_path(path: str) -> None:
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise SandboxError(f"{path!r}: not a plain relative path")
    if len(path) * 4 > NAME_BYTES_MAX:
        sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
        if max(sizes) > NAME_BYTES_MAX or sum(sizes) + len(parts) > PATH_BYTES_MAX:
            raise SandboxError(f"{path[:40]!r}…: the path is too long")


def _content(request: int, data: bytes | Path) -> tuple[int, Iterable[bytes]]:
    """Return the size of a content and its DATA frames; a file must not change meanwhile."""
    if isinstance(data, Path):
        try:
            size = data.stat().st_size
        except OSError as error:
            raise SandboxError(f"{data}: {error.strerror}") from error
        return size, _frames_of_file(request, data, size)
    if len(data) > limits.FRAME_BYTES_MAX:
        return len(data), _frames_of_bytes(request, data)
    return len(data), (frame(Kind.DATA, request, data),) if data else ()


def _frames_of_bytes(request: int, data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), limits.FRAME_BYTES_MAX):
        yield frame(Kind.DATA, request, data[at : at + limits.FRAME_BYTES_MAX])


def _frames_of_file(request: int, path: Path, size: int) -> Iterator[bytes]:
    """Yield exactly `size` bytes of a file: they have been announced."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while size:
                chunk = os.read(descriptor, min(size, limits.FRAME_BYTES_MAX))
                if not chunk:
                    raise SandboxLostError(f"{path}: the file became shorter while it was sent")
                size -= len(chunk)
                yield frame(Kind.DATA, request, chunk)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SandboxLostError(f"{path}: {error.strerror}, while it was sent") from error
