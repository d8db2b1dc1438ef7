"""The tests' own codec of warden's frames: independent of `judge/`, so that a shared error shows.

`Warden` drives one supervisor process; `launch` starts it as PID 1 of fresh namespaces with empty
tmpfs areas, as root with the capabilities a container gives it, or without any root.
"""

import os
import selectors
import struct
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
    return b"".join(
        f"{key}={value}".encode("utf-8", "surrogateescape") + b"\0" for key, value in fields
    )


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


def wait_for(condition: Callable[[], int]) -> int:
    """Ask until the answer is not 0, at most as long as an answer may take."""
    deadline = time.monotonic() + ANSWER_S
    with selectors.DefaultSelector() as nothing:
        while not (answer := condition()):
            assert time.monotonic() < deadline
            nothing.select(0.005)
    return answer


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
        self.closed = False
        self.ready = Result({})

    def close(self) -> tuple[int, str]:
        """Close the stream; return the exit status and what warden said to people."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.closed = True
        self.selector.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            status = self.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        said = self.process.stderr.read().decode(errors="replace")
        self.process.stderr.close()
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
        self.ready = self.ask(HELLO, [("version", 1)])
        return self.ready

    def descendants(self) -> list[tuple[int, str]]:
        """Return pid and name of every process below ours, as the outside sees them."""
        parents: dict[int, tuple[int, str]] = {}
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = place.read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            head, _, rest = text.rpartition(")")
            pid, _, name = head.partition(" (")
            parents[int(pid)] = (int(rest.split()[1]), name)
        below = {self.process.pid}
        while new := {pid for pid, (parent, _) in parents.items() if parent in below} - below:
            below |= new
        return [(pid, parents[pid][1]) for pid in below if pid in parents]

    def wait_for_process(self, name: str) -> int:
        """Wait until a process of that name runs below us; return its pid outside."""
        return wait_for(lambda: next((p for p, n in self.descendants() if n == name), 0))

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

    def probe(self, *argv: str, stdin: bytes = b"", **options: object) -> Result:
        """Run the probe program that the fixture placed."""
        return self.run("/prog/probe", *argv, stdin=stdin, **options)

    def start(self, *argv: str, **options: object) -> None:
        """Send a RUN and do not wait for its report."""
        self.send(frame(RUN, 7, encode(command(*argv, **options))))  # type: ignore[arg-type]

    def cancel(self) -> None:
        self.send(frame(CANCEL, 8))

    def send_blind(self, content: bytes) -> None:
        """Write although nobody reads the answers."""
        os.write(self.stdin, content)

    @staticmethod
    def count_descriptors(pid: int) -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    def send_pair(self, submission: Fields, validator: Fields) -> None:
        self.send(
            frame(PAIR, 1) + frame(RUN, 2, encode(submission)) + frame(RUN, 3, encode(validator))
        )

    def pair(self, submission: Fields, validator: Fields) -> tuple[Result, Result]:
        self.send_pair(submission, validator)
        first = self.result()
        if first["type"] == str(ERROR):
            return first, first
        return first, self.result()


def is_root() -> bool:
    return os.geteuid() == 0


def _system() -> list[str]:
    """Return bwrap's options that show the host's programs and libraries and nothing else."""
    options = ["--ro-bind", "/usr", "/usr"]
    for place in ("/bin", "/sbin", "/lib", "/lib64"):
        path = Path(place)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), place]
        elif path.exists():
            options += ["--ro-bind", place, place]
    return [*options, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]


def jail(
    binary: Path,
    *options: str,
    single_uid: bool = False,
    pid1: bool = True,
    mounts: Sequence[str] = (),
) -> list[str]:
    """Return the command line that runs warden in fresh namespaces, always its own PID one.

    With `pid1` false it is the child of bwrap's own init: still inside, but not PID 1.
    """
    rights = ["--unshare-user"]
    if is_root() and not single_uid:
        rights = []
        for capability in ("SETUID", "SETGID", "KILL", "CHOWN"):
            rights += ["--cap-add", f"CAP_{capability}"]
    elif "--single-uid" not in options:
        options = ("--single-uid", *options)
    places: list[str] = []
    for area in ("/prog", "/box", "/val"):
        places += ["--tmpfs", area]
    for area in ("/tmp", "/dev/shm"):
        places += ["--perms", "1777", "--tmpfs", area]
    return [
        *("bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--die-with-parent", *(["--as-pid-1"] if pid1 else []), *rights, *_system()),
        *("--proc", "/proc", "--dev", "/dev", *places, *mounts),
        *("--ro-bind", str(binary), "/warden", "--remount-ro", "/"),
        *("--clearenv", "--setenv", "ASAN_OPTIONS", "detect_leaks=0"),
        *("--", "/warden", *([] if "--cgroup" in options else ["--cgroup", "none"]), *options),
    ]
