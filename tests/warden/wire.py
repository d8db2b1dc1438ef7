"""The tests' own codec of warden's frames: independent of `judge/`, so that a shared error shows.

`Warden` drives one supervisor process; `launch` starts it as PID 1 of fresh namespaces with empty
tmpfs areas, as root with the capabilities a container gives it, or without any root.
"""

import os
import selectors
import struct
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

HELLO, READY, PUT, DATA, RUN, PAIR, REPORT, OUTPUT = range(1, 9)
STDERR, FILE, GET, WIPE, PING, DONE, CANCEL, ERROR = range(9, 17)

HEADER = struct.Struct("<IBBHI")
PAYLOAD_MAX = 65536
MIB = 1024 * 1024
ANSWER_S = 20.0

Fields = Sequence[tuple[str, object]]


class GoneError(Exception):
    """Warden closed its stream where an answer was due."""


@dataclass
class Collected:
    """A file that came back."""

    path: str
    executable: bool
    data: bytes = b""


@dataclass
class Result:
    """One answered request: the report's fields and everything that came before it."""

    fields: dict[str, str]
    output: bytes = b""
    stderr: bytes = b""
    files: list[Collected] = field(default_factory=list)

    def __getitem__(self, key: str) -> str:
        return self.fields[key]

    def number(self, key: str) -> int:
        return int(self.fields[key])


def frame(kind: int, request: int = 1, payload: bytes = b"") -> bytes:
    return HEADER.pack(len(payload), kind, 0, 0, request) + payload


def encode(fields: Fields) -> bytes:
    return b"".join(f"{key}={value}".encode("utf-8", "surrogateescape") + b"\0"
                    for key, value in fields)


def decode(payload: bytes) -> dict[str, str]:
    return dict(part.decode().split("=", 1) for part in payload.split(b"\0")[:-1])


def data(content: bytes, request: int = 1) -> bytes:
    return b"".join(
        frame(DATA, request, content[at : at + PAYLOAD_MAX])
        for at in range(0, len(content), PAYLOAD_MAX)
    )


def command(
    *argv: str,
    role: str = "run",
    cwd: str = "/box",
    env: Iterable[str] = ("PATH=/usr/bin:/bin",),
    collect: Iterable[str] = (),
    **numbers: int,
) -> list[tuple[str, object]]:
    values = {
        "cpu_ms": 2000,
        "wall_ms": 8000,
        "memory_bytes": 256 * MIB,
        "output_bytes": MIB,
    } | numbers
    return [
        *(("arg", item) for item in argv),
        *(("env", item) for item in env),
        ("role", role),
        ("cwd", cwd),
        *(("collect", item) for item in collect),
        *values.items(),
    ]


class Warden:
    """A running supervisor and both ends of its stream."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin = self.process.stdin.fileno()
        self.stdout = self.process.stdout.fileno()
        os.set_blocking(self.stdin, False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.stdout, selectors.EVENT_READ)
        self.inbox = b""
        self.request = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> tuple[int, str]:
        """Close the stream; return the exit status and what warden said to people."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.selector.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            status = self.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        said = ""
        if not self.process.stderr.closed:
            said = self.process.stderr.read().decode(errors="replace")
            self.process.stderr.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status, said

    def _fill(self, deadline: float) -> None:
        if not self.selector.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError("warden does not answer")
        chunk = os.read(self.stdout, 1 << 20)
        if not chunk:
            raise GoneError
        self.inbox += chunk

    def send(self, content: bytes) -> None:
        """Write everything, reading answers meanwhile so that neither side waits for ever."""
        deadline = time.monotonic() + ANSWER_S
        view = memoryview(content)
        with selectors.DefaultSelector() as both:
            both.register(self.stdin, selectors.EVENT_WRITE)
            both.register(self.stdout, selectors.EVENT_READ)
            while view:
                for key, _ in both.select(max(0.0, deadline - time.monotonic())):
                    if key.fd == self.stdin:
                        try:
                            view = view[os.write(self.stdin, view[:MIB]) :]
                        except BrokenPipeError:
                            raise GoneError from None
                    else:
                        self._fill(deadline)

    def read(self) -> tuple[int, int, bytes]:
        """Return the next frame: type, request, payload."""
        deadline = time.monotonic() + ANSWER_S
        while len(self.inbox) < HEADER.size:
            self._fill(deadline)
        length, kind, *_, request = HEADER.unpack_from(self.inbox)
        assert length <= PAYLOAD_MAX
        while len(self.inbox) < HEADER.size + length:
            self._fill(deadline)
        payload = self.inbox[HEADER.size : HEADER.size + length]
        self.inbox = self.inbox[HEADER.size + length :]
        return kind, request, payload

    def result(self) -> Result:
        """Collect frames up to one REPORT, DONE, READY or ERROR (`fields["type"]` says which)."""
        output, stderr, files = bytearray(), bytearray(), list[Collected]()
        missing = 0
        while True:
            kind, _, payload = self.read()
            match kind:
                case 8:
                    output += payload
                case 9:
                    stderr += payload
                case 10:
                    assert missing == 0
                    head = decode(payload)
                    missing = int(head["size"])
                    files.append(Collected(head["path"], head["mode"] == "1"))
                case 4:
                    files[-1].data += payload
                    missing -= len(payload)
                    assert missing >= 0
                case _:
                    assert missing == 0
                    fields = {"type": str(kind)} | decode(payload)
                    return Result(fields, bytes(output), bytes(stderr), files)

    def ask(self, kind: int, fields: Fields = (), content: bytes = b"") -> Result:
        self.request += 1
        self.send(frame(kind, self.request, encode(fields)) + data(content, self.request))
        return self.result()

    def hello(self) -> Result:
        return self.ask(HELLO, [("version", 1)])

    def put(self, area: str, path: str, content: bytes, *, mode: int = 0) -> None:
        head = encode([("area", area), ("path", path), ("mode", mode), ("size", len(content))])
        self.send(frame(PUT, 0, head) + data(content, 0))

    def put_program(self, program: Path, name: str = "main") -> str:
        self.put("/prog", name, program.read_bytes(), mode=1)
        return f"/prog/{name}"

    def run(self, *argv: str, stdin: bytes = b"", **options: object) -> Result:
        fields = command(*argv, **options)  # type: ignore[arg-type]
        if stdin:
            fields.append(("stdin_size", len(stdin)))
        return self.ask(RUN, fields, stdin)

    def start(self, *argv: str, **options: object) -> None:
        """Send a RUN and do not wait for its report."""
        self.send(frame(RUN, 7, encode(command(*argv, **options))))  # type: ignore[arg-type]

    def pair(self, submission: Fields, validator: Fields) -> tuple[Result, Result]:
        self.send(
            frame(PAIR, 1) + frame(RUN, 2, encode(submission)) + frame(RUN, 3, encode(validator))
        )
        first = self.result()
        if first["type"] == str(ERROR):
            return first, first
        return first, self.result()


def is_root() -> bool:
    return os.geteuid() == 0


def jail(binary: Path, *options: str, single_uid: bool = False) -> list[str]:
    """Return the command line that runs warden as PID 1 of fresh namespaces."""
    base = [
        *("bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--as-pid-1", "--die-with-parent", "--ro-bind", "/", "/"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--tmpfs", "/tmp", "--ro-bind", str(binary), "/tmp/.warden"),  # noqa: S108
    ]
    for area in ("/prog", "/box", "/val", "/scratch", "/shm"):
        base += ["--tmpfs", f"/tmp/jail{area}"]
    places: list[str] = []
    for option, area in zip(
        ("--prog", "--box", "--val", "--tmp", "--shm"),
        ("/prog", "/box", "/val", "/scratch", "/shm"),
        strict=True,
    ):
        places += [option, f"/tmp/jail{area}"]
    if is_root() and not single_uid:
        for capability in ("SETUID", "SETGID", "KILL", "CHOWN"):
            base += ["--cap-add", f"CAP_{capability}"]
    else:
        base += ["--unshare-user"]
        places.append("--single-uid")
    return [*base, "/tmp/.warden", *places, *options]  # noqa: S108
