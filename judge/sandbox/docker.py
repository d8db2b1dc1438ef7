"""The Docker backend: one unprivileged container per sandbox, warden as its PID 1.

The SDK is used for the life of a container and runs in threads; traffic goes over the hijacked
attach stream without it. The container ends by itself when that stream closes, whatever became
of us: dockerd closes its standard input (`StdinOnce`), warden reads the end of it and exits, and
dockerd removes the container (`AutoRemove`).

An engine that is restarted takes its containers with it: their sandboxes are lost, which is for
the caller to repeat, and starting the next waits until the engine is back, for a bounded time.
One that has never answered is told at once, with the remedy.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from judge.errors import EngineAwayError, EngineError, SandboxError, SandboxLostError
from judge.images import Images
from judge.sandbox.base import Command, Outcome, PairOutcome, SandboxInfo, Sink
from judge.sandbox.client import WardenSandbox
from judge.sandbox.container import LABEL, Container
from judge.sandbox.places import SLOT_MEMORY_BYTES, memory_needed
from judge.sandbox.worker import UidBlocks, Worker

SECCOMP: Final = Path(__file__).resolve().parents[2] / "sandboxes" / "seccomp.json"
START_TIMEOUT_S: Final = 60.0
# A restart takes seconds; with many containers to clear away, tens of them.
RESTART_TIMEOUT_S: Final = 60.0
RESTART_POLL_S: Final = 0.25

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerSettings:
    """What an installation may change. `url` None is what the environment says.

    `tag` None is the image of this very checkout: one with an older warden does not serve.
    """

    url: str | None = None
    runtime: str | None = None
    tag: str | None = None
    repository: str = "codebattle"
    seccomp: Path = SECCOMP
    memory_bytes: int = SLOT_MEMORY_BYTES


class DockerSandbox(WardenSandbox):
    """A sandbox in a container; undoes the framing dockerd puts around warden's two streams."""

    _STREAM_HEADER = struct.Struct(">BxxxI")
    _STDOUT = 1

    def __init__(self, info: SandboxInfo, launcher: "DockerLauncher", container: str) -> None:
        super().__init__(info)
        self._launcher = launcher
        self._container = container
        self._memory_bytes = launcher.settings.memory_bytes
        self._partial = b""
        self._stream = 0
        self._stream_left = 0

    def data_received(self, data: bytes) -> None:
        """Hand warden's output on, keep its words to people."""
        if self._partial:
            data = self._partial + data
            self._partial = b""
        at, end = 0, len(data)
        while at < end:
            if not self._stream_left:
                if end - at < self._STREAM_HEADER.size:
                    self._partial = data[at:]
                    return
                self._stream, self._stream_left = self._STREAM_HEADER.unpack_from(data, at)
                at += self._STREAM_HEADER.size
                continue
            after = min(end, at + self._stream_left)
            self._stream_left -= after - at
            if self._stream == self._STDOUT:
                self.take(data, at, after)
            else:
                self.diagnose(data[at:after])
            at = after

    async def run(self, command: Command, stdout: Sink | None = None) -> Outcome:
        """Run one command to its end."""
        if memory_needed(command) > self._memory_bytes:
            await self._raise_memory(memory_needed(command))
        return await super().run(command, stdout)

    async def run_pair(self, submission: Command, validator: Command) -> PairOutcome:
        """Run a submission and a validator joined by two pipes."""
        if memory_needed(submission, validator) > self._memory_bytes:
            await self._raise_memory(memory_needed(submission, validator))
        return await super().run_pair(submission, validator)

    async def _raise_memory(self, needed_bytes: int) -> None:
        """Widen the container for good; the next run's own limit is warden's business."""
        try:
            await self._launcher.in_thread(
                lambda api: api.update_container(
                    self._container, mem_limit=needed_bytes, memswap_limit=needed_bytes
                )
            )
        except EngineError as error:
            raise SandboxError(f"cannot raise a container's memory limit: {error}") from error
        self._memory_bytes = needed_bytes

    async def close(self) -> None:
        """Remove the container."""
        await super().close()
        # Gone already, or dockerd is: it removes the container at its own pace, or `reap` does.
        with contextlib.suppress(EngineError):
            await self._launcher.remove(self._container)


@dataclass(slots=True)
class DockerLauncher:
    """Starts sandboxes in containers of the local engine."""

    settings: DockerSettings = field(default_factory=DockerSettings)
    name: str = "docker"
    _worker: Worker = field(default_factory=Worker.current)
    _uids: UidBlocks = field(default_factory=UidBlocks)
    _api: docker.APIClient | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _cgroup_namespace: bool = False
    _seccomp: str = ""
    _answered: bool = False

    async def launch(self, image: str, *, cpu: int | None, index: int) -> DockerSandbox:
        """Start a sandbox of `image`; raises `EngineError` with the remedy when it cannot."""
        base = self._uids.base(index)
        deadline = time.monotonic() + RESTART_TIMEOUT_S
        lost = False
        while True:
            try:
                return await self._launch(image, cpu, base)
            except EngineAwayError:
                if not self._answered or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RESTART_POLL_S)
            except SandboxLostError as error:
                # Once may be the engine's end; twice it is the image.
                if lost:
                    raise _does_not_start(image, error) from error
                lost = True
            except SandboxError as error:
                raise _does_not_start(image, error) from error

    async def _launch(self, image: str, cpu: int | None, base: int) -> DockerSandbox:
        starting = asyncio.ensure_future(
            self.in_thread(lambda api: self._start(api, image, cpu, base))
        )
        try:
            container, digest, stream = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_discard)
            raise
        info = SandboxInfo(
            backend=self.name,
            image=image,
            image_digest=digest,
            warden_version="",
            cpu=cpu,
            memory_accounting="",
        )
        sandbox = DockerSandbox(info, self, container)
        try:
            await asyncio.get_running_loop().create_connection(lambda: sandbox, sock=stream)
            await sandbox.hello(START_TIMEOUT_S)
        except SandboxError:
            await sandbox.close()
            raise
        except asyncio.CancelledError:
            sandbox.drop()
            raise
        return sandbox

    async def reap(self) -> int:
        """Remove the containers of workers that have ended; return how many."""
        return await self.in_thread(self._reap)

    async def close(self) -> None:
        """Close the connections to the engine."""
        self._uids.close()
        self._hang_up()

    async def remove(self, container: str) -> None:
        """Remove a container, running or not; gone already is fine."""
        await self.in_thread(lambda api: _remove(api, container))

    async def in_thread(self, call: Callable[[docker.APIClient], Result]) -> Result:
        """Run SDK calls in a thread; raises `EngineError` for whatever the engine refuses."""
        return await asyncio.to_thread(self._guarded, call)

    def _guarded(self, call: Callable[[docker.APIClient], Result]) -> Result:
        try:
            try:
                return call(self._connected())
            except requests.exceptions.ConnectionError:
                # A connection kept from before a restart of the engine: once more on a new one.
                self._hang_up()
                return call(self._connected())
        except APIError as error:
            raise EngineError(f"Docker refused: {error.explanation or error}") from error
        except (DockerException, requests.exceptions.RequestException) as error:
            self._hang_up()
            raise _down(error) from error

    def _connected(self) -> docker.APIClient:
        with self._lock:
            if self._api is None:
                url = self.settings.url or os.environ.get("DOCKER_HOST")
                api = docker.APIClient(base_url=url, version="auto")
                self._cgroup_namespace = api.info().get("CgroupVersion") == "2"
                self._api = api
                self._answered = True
            return self._api

    def _hang_up(self) -> None:
        with self._lock:
            api, self._api = self._api, None
        if api is not None:
            api.close()

    def _start(
        self, api: docker.APIClient, image: str, cpu: int | None, base: int
    ) -> tuple[str, str, socket.socket]:
        found = self._find(api, image)
        wanted = Container(
            image_id=found,
            label=self._worker.label,
            uid_base=base,
            cpu=cpu,
            memory_bytes=self.settings.memory_bytes,
            seccomp=self._seccomp_profile(),
            runtime=self.settings.runtime,
            cgroup_namespace=self._cgroup_namespace,
        )
        container = api.create_container_from_config(wanted.config())["Id"]  # type: ignore[no-untyped-call]
        try:
            params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            attached = api.attach_socket(container, params=params)
            # A descriptor of our own: the SDK's object closes its own whenever it is collected,
            # and closing it leaves the socket beneath open.
            beneath = attached._sock  # noqa: SLF001 - the SDK gives no other way to it
            stream = socket.socket(fileno=os.dup(attached.fileno()))
            stream.setblocking(False)  # noqa: FBT003 - the name of the method says it
            # By its response: what still holds a closed object complains when it is collected.
            attached._response.close()  # noqa: SLF001 - the same
            beneath.close()
            api.start(container)
        except (APIError, requests.exceptions.RequestException):
            _remove(api, container)
            raise
        return container, found, stream

    def _find(self, api: docker.APIClient, image: str) -> str:
        images = Images()
        if self.settings.tag is None and image in images.names():
            name = images.tag(image)
        else:
            name = f"{self.settings.repository}/{image}:{self.settings.tag or 'latest'}"
        try:
            found = api.inspect_image(name)  # type: ignore[no-untyped-call]
        except ImageNotFound as error:
            raise EngineError(
                f"image {name} is not built, or only for another version of this checkout: "
                f"codebattle images build {image}"
            ) from error
        return str(found["Id"])

    def _seccomp_profile(self) -> str:
        if not self._seccomp:
            path = self.settings.seccomp
            try:
                profile = json.loads(path.read_text(encoding="utf-8"))
            except OSError as error:
                raise EngineError(f"{path}: {error.strerror}: reinstall codebattle") from error
            except ValueError as error:
                raise EngineError(f"{path}: not JSON: {error}") from error
            self._seccomp = json.dumps(profile, separators=(",", ":"))
        return self._seccomp

    def _reap(self, api: docker.APIClient) -> int:
        count = 0
        for found in api.containers(all=True, filters={"label": LABEL}):
            worker = Worker.parse(found["Labels"].get(LABEL, ""))
            if worker is not None and worker.gone:
                _remove(api, found["Id"])
                count += 1
        return count


def _discard(starting: asyncio.Future[tuple[str, str, socket.socket]]) -> None:
    """Let go of a container nobody waits for any more: without its stream it ends."""
    if not starting.cancelled() and starting.exception() is None:
        starting.result()[2].close()


def _remove(api: docker.APIClient, container: str) -> None:
    try:
        api.remove_container(container, force=True)
    except NotFound:
        return
    except APIError as error:
        # 409: dockerd is removing it already, as AutoRemove asks.
        if error.response is None or error.response.status_code != requests.codes.conflict:
            raise


def _does_not_start(image: str, error: SandboxError) -> EngineError:
    return EngineError(
        f"image {image}: its supervisor does not start ({error}); "
        f"rebuild it: codebattle images build {image}"
    )


def _down(error: Exception) -> EngineAwayError:
    return EngineAwayError(
        f"the Docker engine does not answer ({error}): start it (systemctl start docker), "
        "or use --backend bubblewrap"
    )
