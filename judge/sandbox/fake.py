r"""A scripted sandbox: the port without any isolation or process, for tests of what stands on it.

A script answers each command with a `Reply`; it is a callable, or a table from argv to reply:

    sandbox = FakeSandbox({("/prog/main",): Reply(stdout=b"42\n")})
    sandbox = FakeSandbox(lambda command: Reply(stdout=command.stdin or b""))

The fake keeps the files of each area, so `put`, `get`, `collect`, `keep` and `wipe` behave as in
a real one, and it remembers every command in `commands`.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from judge import limits
from judge.errors import EngineError, SandboxError, SandboxLostError
from judge.sandbox.base import (
    Area,
    Cause,
    Command,
    File,
    Outcome,
    PairOutcome,
    Role,
    SandboxInfo,
    Sink,
)


def exited(code: int = 0, *, cpu_ms: int = 1, memory_bytes: int = limits.MIB) -> Outcome:
    """Return the outcome of a process that ended by itself."""
    return Outcome(
        cause=Cause.EXITED,
        exit_code=code,
        cpu_us=cpu_ms * 1000,
        wall_us=cpu_ms * 1000,
        memory_bytes=memory_bytes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one command does: its outcome, what it prints, and the files it leaves in its area.

    `raises` makes the call fail instead; a lost sandbox stays lost.
    """

    outcome: Outcome = field(default_factory=exited)
    stdout: bytes = b""
    files: tuple[File, ...] = ()
    raises: SandboxError | None = None


Script = Callable[[Command], Reply] | Mapping[tuple[str, ...], Reply]
PairScript = Callable[[Command, Command], PairOutcome]


class FakeSandbox:
    """A `Sandbox` that runs nothing."""

    def __init__(
        self,
        script: Script | None = None,
        pair_script: PairScript | None = None,
        info: SandboxInfo | None = None,
    ) -> None:
        self.commands: list[Command] = []
        self.files: dict[Area, dict[str, File]] = {area: {} for area in Area}
        self.wipes = 0
        self.pings = 0
        self._script: Script = {} if script is None else script
        self._pair_script = pair_script
        self._info = info or fake_info("base")
        self._lost = ""

    @property
    def info(self) -> SandboxInfo:
        """Return what is known about this sandbox."""
        return self._info

    @property
    def usable(self) -> bool:
        """Tell whether more can be asked."""
        return not self._lost

    def lose(self, reason: str = "the script said so") -> None:
        """Make every later call raise `SandboxLostError`."""
        self._lost = reason

    async def put(self, area: Area, files: Iterable[File]) -> None:
        """Place files in an area."""
        self._check()
        for file in files:
            self.files[area][file.path] = replace(file, data=_content(file.data))

    async def get(self, area: Area, *, bytes_max: int) -> list[File]:
        """Return every file of an area."""
        self._check()
        found = list(self.files[area].values())
        if sum(len(_content(file.data)) for file in found) > bytes_max:
            raise SandboxError(f"GET {area}: more than {bytes_max} bytes")
        return found

    async def run(self, command: Command, stdout: Sink | None = None) -> Outcome:
        """Do what the script says."""
        self._check()
        await asyncio.sleep(0)
        await self.put(command.cwd, command.files)
        self.commands.append(command)
        reply = self._reply(command)
        if reply.raises is not None:
            self._lost = str(reply.raises)
            raise reply.raises
        await self.put(command.cwd, reply.files)
        if stdout is not None and reply.stdout:
            stdout.write(reply.stdout)
        outcome = self._collected(command, reply.outcome)
        self._clean_up(command)
        return replace(outcome, output_bytes=outcome.output_bytes or len(reply.stdout))

    async def run_pair(self, submission: Command, validator: Command) -> PairOutcome:
        """Do what the pair script says; without one both exit with 0, the validator first."""
        self._check()
        await asyncio.sleep(0)
        for command in (submission, validator):
            await self.put(command.cwd, command.files)
            self.commands.append(command)
        if self._pair_script is None:
            pair = PairOutcome(submission=exited(), validator=exited(), first=Role.VALIDATE)
        else:
            pair = self._pair_script(submission, validator)
        pair = replace(
            pair,
            submission=self._collected(submission, pair.submission),
            validator=self._collected(validator, pair.validator),
        )
        self._clean_up(submission)
        self._clean_up(validator)
        return pair

    async def wipe(self) -> None:
        """Forget all files."""
        self._check()
        self.wipes += 1
        for files in self.files.values():
            files.clear()

    async def ping(self, timeout_s: float = 5.0) -> None:  # noqa: ARG002 - the port's
        """Answer unless lost."""
        self._check()
        self.pings += 1

    async def close(self) -> None:
        """Be lost from now on."""
        self._lost = self._lost or "it was closed"

    def _check(self) -> None:
        if self._lost:
            raise SandboxLostError(f"fake sandbox: {self._lost}")

    def _reply(self, command: Command) -> Reply:
        if callable(self._script):
            return self._script(command)
        if command.argv not in self._script:
            missing = f"{command.argv[0]}: not in the script"
            return Reply(outcome=Outcome(cause=Cause.EXEC_FAILED, message=missing))
        return self._script[command.argv]

    def _collected(self, command: Command, outcome: Outcome) -> Outcome:
        """Add the files the command asked for, as far as they fit."""
        room, cut = command.collect_bytes, outcome.collect_cut
        found: list[File] = []
        for wanted in command.collect:
            for path, file in self.files[command.cwd].items():
                if path != wanted and not (wanted.endswith("/") and path.startswith(wanted)):
                    continue
                size = len(_content(file.data))
                if size > room:
                    cut = True
                    continue
                room -= size
                found.append(file)
        return replace(outcome, files=(*outcome.files, *found), collect_cut=cut)

    def _clean_up(self, command: Command) -> None:
        if not command.keep:
            self.files[Area.BOX].clear()
            self.files[Area.VALIDATOR].clear()


def _content(data: bytes | Path) -> bytes:
    return data if isinstance(data, bytes) else data.read_bytes()


def fake_info(image: str, cpu: int | None = None) -> SandboxInfo:
    """Return what a fake sandbox says about itself."""
    return SandboxInfo(
        backend="fake",
        image=image,
        image_digest=f"fake:{image}",
        warden_version="0",
        cpu=cpu,
        memory_accounting="sampling",
    )


@dataclass(slots=True)
class FakeLauncher:
    """Hands out fake sandboxes that share one script; `images` None offers every image."""

    script: Script | None = None
    pair_script: PairScript | None = None
    images: frozenset[str] | None = None
    name: str = "fake"
    launched: list[FakeSandbox] = field(default_factory=list)
    closed: bool = False

    async def launch(self, image: str, *, cpu: int | None, index: int) -> FakeSandbox:  # noqa: ARG002
        """Return a new fake sandbox."""
        await asyncio.sleep(0)
        if self.images is not None and image not in self.images:
            raise EngineError(f"image {image} is not built: codebattle images build {image}")
        sandbox = FakeSandbox(self.script, self.pair_script, fake_info(image, cpu))
        self.launched.append(sandbox)
        return sandbox

    async def reap(self) -> int:
        """Find nothing."""
        return 0

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
