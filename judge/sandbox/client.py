"""The engine's end of warden's stream: the whole sandbox port over one asyncio transport.

A backend subclasses `WardenSandbox`, connects it to a stream and says how it is destroyed.

THEORY. One request is under way at a time (`_answer`). It is sent as few large writes, usually
one; a large one is pumped, whenever the transport has room, from an iterator that reads its file
piece by piece. Answers arrive in `data_received` and are handled right there: output goes to the
sink, the report resolves the one future. No task, queue or buffer is made per run; what a run
costs in Python is what this file does.

A request whose caller is cancelled is *abandoned*: CANCEL is sent, the rest of its answer is
dropped, and the next call waits for that. An abandoned request that was not sent to its end, and
an answer that stays away too long, lose the sandbox. Losing is final: `_lost` says why.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, cast

from judge import limits
from judge.errors import SandboxDirtyError, SandboxError, SandboxLostError
from judge.sandbox import wire
from judge.sandbox.base import (
    Area,
    Command,
    File,
    Outcome,
    PairOutcome,
    Role,
    SandboxInfo,
    Sink,
)
from judge.sandbox.wire import Kind

# An answer is overdue after three times the wall limit (waiting for a busy CPU may stretch it so
# far, see PROTOCOL.md) and this; without a run, after this alone. Every byte starts it afresh.
OVERDUE_S: Final = 10.0
# What is kept of the supervisor's own words, for the message of an error.
DIAGNOSIS_BYTES_MAX: Final = 4 * limits.KIB


@dataclass(slots=True, eq=False)
class _Answer:
    """What has come of the answer to one request."""

    future: asyncio.Future[None]
    reports_due: int
    sink: Sink | None
    abandoned: bool = False
    complete: bool = False
    error: SandboxError | None = None
    fields: dict[str, str] = field(default_factory=dict)
    reports: list[tuple[dict[str, str], Outcome]] = field(default_factory=list)
    stderr: bytearray = field(default_factory=bytearray)
    files: list[File] = field(default_factory=list)
    file_head: dict[str, str] = field(default_factory=dict)
    file_left: int = 0
    file_data: bytearray = field(default_factory=bytearray)


class WardenSandbox(asyncio.Protocol):
    """A `Sandbox` whose warden is at the other end of a stream."""

    def __init__(self, info: SandboxInfo) -> None:
        self._info = info
        self._loop = asyncio.get_running_loop()
        self._reader = wire.FrameReader(self._on_frame)
        self._transport: asyncio.Transport | None = None
        self._disconnected: asyncio.Future[None] = self._loop.create_future()
        self._request = 0
        self._answer: _Answer | None = None
        self._pieces: Iterator[bytes] | None = None
        self._paused = False
        self._lost = ""
        self._dirty = ""
        self._overdue_s = OVERDUE_S
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._diagnosis = bytearray()

    # ---- the port ----------------------------------------------------------------------------

    @property
    def info(self) -> SandboxInfo:
        """Return what is known about this sandbox."""
        return self._info

    @property
    def usable(self) -> bool:
        """Tell whether more can be asked."""
        return not (self._lost or self._dirty)

    async def hello(self, timeout_s: float = OVERDUE_S) -> None:
        """Begin the conversation; complete `info` with what warden says about itself."""
        fields = wire.encode(("version", wire.VERSION))
        answer = await self._ask((wire.frame(Kind.HELLO, self._next(), fields),), timeout_s)
        self._info = replace(
            self._info,
            warden_version=answer.fields.get("warden", ""),
            memory_accounting=answer.fields.get("accounting", ""),
        )

    async def put(self, area: Area, files: Iterable[File]) -> None:
        """Place files in an area; a failure is told by the next call."""
        request = self._next()
        # A list: every path is checked before the first byte is sent.
        pieces = [wire.put_pieces(request, area, file) for file in files]
        await self._ask(chain.from_iterable(pieces), answered=False)

    async def get(self, area: Area, *, bytes_max: int) -> list[File]:
        """Return every regular file of an area."""
        fields = wire.encode(("area", area), ("bytes_max", bytes_max))
        answer = await self._ask((wire.frame(Kind.GET, self._next(), fields),))
        return answer.files

    async def run(self, command: Command, stdout: Sink | None = None) -> Outcome:
        """Run one command to its end."""
        answer = await self._ask(
            wire.run_pieces(self._next(), command),
            OVERDUE_S + 3 * command.limits.wall_ms / 1000,
            reports=1,
            sink=stdout,
        )
        return answer.reports[0][1]

    async def run_pair(self, submission: Command, validator: Command) -> PairOutcome:
        """Run a submission and a validator joined by two pipes."""
        wall_ms = max(submission.limits.wall_ms, validator.limits.wall_ms)
        answer = await self._ask(
            wire.pair_pieces(self._next(3), submission, validator),
            OVERDUE_S + 3 * wall_ms / 1000,
            reports=2,
        )
        (_, ours), (fields, theirs) = answer.reports
        first = Role.VALIDATE if fields.get("first") == "1" else Role.RUN
        return PairOutcome(submission=ours, validator=theirs, first=first)

    async def wipe(self) -> None:
        """Kill everything and empty every writable place."""
        answer = await self._ask((wire.frame(Kind.WIPE, self._next()),))
        left = answer.fields.get("left")
        if left != "0":
            self._dirty = f"dirty: {left} entries withstood the wipe"
            raise SandboxDirtyError(self._dirty)

    async def ping(self, timeout_s: float = 5.0) -> None:
        """Check that the supervisor answers."""
        await self._ask((wire.frame(Kind.PING, self._next()),), timeout_s)

    async def close(self) -> None:
        """Close the stream, at which warden ends; a backend makes sure of it."""
        self._lose("it was closed")
        if self._transport is not None:
            await asyncio.shield(self._disconnected)

    def drop(self) -> None:
        """Close the stream without waiting for what follows from it."""
        self._lose("it was given up")

    # ---- requests ----------------------------------------------------------------------------

    def _next(self, count: int = 1) -> int:
        request = self._request + 1
        self._request = (self._request + count) & 0x3FFFFFFF
        return request

    async def _ask(
        self,
        pieces: Iterable[bytes],
        overdue_s: float = OVERDUE_S,
        *,
        reports: int = 0,
        sink: Sink | None = None,
        answered: bool = True,
    ) -> _Answer:
        """Send a request; wait for its answer, or if it has none until it is on its way."""
        while self._answer is not None:
            await self._drained(self._answer)
        if self._lost:
            raise SandboxLostError(self._lost)
        if self._dirty:
            raise SandboxDirtyError(self._dirty)
        answer = _Answer(self._loop.create_future(), reports, sink, complete=not answered)
        self._answer = answer
        self._set_deadline(overdue_s)
        self._pieces = wire.gather(pieces)
        self._pump()
        try:
            await answer.future
        except asyncio.CancelledError:
            self._abandon(answer)
            raise
        return answer

    def _drained(self, answer: _Answer) -> asyncio.Future[None]:
        """Return what is done once the answer to an abandoned request has come."""
        if not answer.abandoned:
            raise RuntimeError("a sandbox takes one call at a time")
        if answer.future.done():
            answer.future = self._loop.create_future()
        return answer.future

    def _pump(self) -> None:
        """Write as much of the request as the transport has room for."""
        if self._transport is None or self._pieces is None:
            return
        try:
            for piece in self._pieces:
                self._transport.write(piece)
                if self._paused:
                    self._deadline = self._loop.time() + self._overdue_s
                    return
        except SandboxLostError as error:
            self._lose(str(error))
            return
        self._pieces = None
        self._settle()

    def _settle(self) -> None:
        """Resolve the request once it is sent to its end and its answer is complete."""
        answer = self._answer
        if answer is None or self._pieces is not None or not answer.complete:
            return
        self._answer = None
        if answer.future.done():
            return
        if answer.error is not None and not answer.abandoned:
            answer.future.set_exception(answer.error)
        else:
            answer.future.set_result(None)

    def _abandon(self, answer: _Answer) -> None:
        if self._answer is not answer or self._transport is None:
            return
        answer.abandoned = True
        answer.sink = None
        if self._pieces is not None:
            self._lose("its request was given up half sent")
            return
        if answer.reports_due:
            self._transport.write(wire.frame(Kind.CANCEL, self._next()))
        self._set_deadline(OVERDUE_S)

    # ---- overdue answers ---------------------------------------------------------------------

    def _set_deadline(self, overdue_s: float) -> None:
        """Expect the next byte within `overdue_s`; one timer serves many requests."""
        self._overdue_s = overdue_s
        self._deadline = self._loop.time() + overdue_s
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        if self._answer is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)
        else:
            self._lose(f"no answer within {self._overdue_s:.1f} s")

    # ---- asyncio.Protocol --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=2 * wire.CHUNK_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request under way."""
        self._lose(f"its stream closed{f' ({exc})' if exc else ''}")
        if not self._disconnected.done():
            self._disconnected.set_result(None)

    def pause_writing(self) -> None:
        """Stop pumping."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on pumping."""
        self._paused = False
        self._pump()

    def data_received(self, data: bytes) -> None:
        """Take what warden sent."""
        self.take(data, 0, len(data))

    def take(self, data: bytes, at: int, end: int) -> None:
        """Handle `data[at:end]` of warden's stream."""
        self._deadline = self._loop.time() + self._overdue_s
        try:
            self._reader.feed(data, at, end)
        except SandboxLostError as error:
            self._lose(str(error))
        except (KeyError, ValueError) as error:
            self._lose(f"it sent nonsense: {error}")

    def diagnose(self, data: bytes) -> None:
        """Keep what the supervisor said to people, the latest of it."""
        self._diagnosis += data
        del self._diagnosis[:-DIAGNOSIS_BYTES_MAX]

    def _lose(self, reason: str) -> None:
        if self._lost:
            return
        said = self._diagnosis.decode("utf-8", "replace").strip()
        self._lost = f"{self._info.backend} sandbox {self._info.image}: {reason}"
        if said:
            self._lost += f"; it said: {said}"
        answer, self._answer, self._pieces = self._answer, None, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        if answer is None or answer.future.done():
            return
        if answer.abandoned:
            answer.future.set_result(None)
        else:
            answer.future.set_exception(SandboxLostError(self._lost))

    # ---- answers -----------------------------------------------------------------------------

    def _on_frame(self, kind: int, _request: int, payload: bytes) -> None:
        answer = self._answer
        if answer is None:
            if not self._lost:
                raise SandboxLostError(f"frame {kind} answers no request")
            return
        if kind == Kind.OUTPUT:
            self._on_output(answer, payload)
        elif kind == Kind.REPORT:
            self._on_report(answer, payload)
        elif kind == Kind.STDERR:
            answer.stderr += payload
        elif kind == Kind.DATA:
            _take_file(answer, payload)
        elif kind == Kind.FILE:
            answer.file_head = wire.decode(payload)
            answer.file_left = int(answer.file_head["size"])
            answer.file_data = bytearray()
            _take_file(answer, b"")
        elif kind == Kind.ERROR:
            self._on_error(answer, wire.decode(payload).get("message", ""))
        else:
            answer.fields = wire.decode(payload)
            answer.complete = True
            self._settle()

    def _on_output(self, answer: _Answer, payload: bytes) -> None:
        if answer.sink is None:
            return
        try:
            answer.sink.write(payload)
        except OSError as error:
            raise SandboxLostError(f"no place for its output: {error}") from error

    def _on_report(self, answer: _Answer, payload: bytes) -> None:
        fields = wire.decode(payload)
        outcome = wire.decode_outcome(fields, bytes(answer.stderr), tuple(answer.files))
        answer.reports.append((fields, outcome))
        if len(answer.reports) == answer.reports_due:
            answer.complete = True
            self._settle()
        else:
            answer.stderr.clear()
            answer.files.clear()

    def _on_error(self, answer: _Answer, message: str) -> None:
        if message.startswith("bad frame"):
            raise SandboxLostError(message)
        if message.startswith("dirty"):
            self._dirty = message
            answer.error = SandboxDirtyError(message)
        else:
            answer.error = SandboxError(f"the sandbox refused: {message}")
        answer.complete = True
        self._settle()


def _take_file(answer: _Answer, payload: bytes) -> None:
    """Add to the file that is coming in; it is whole when its size is reached."""
    answer.file_left -= len(payload)
    if answer.file_left < 0 or not answer.file_head:
        raise SandboxLostError("more of a file than announced")
    answer.file_data += payload
    if answer.file_left:
        return
    head = answer.file_head
    answer.files.append(
        File(path=head["path"], data=bytes(answer.file_data), executable=head["mode"] == "1")
    )
    answer.file_head = {}
