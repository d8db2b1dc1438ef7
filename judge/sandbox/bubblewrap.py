"""The bubblewrap backend: the same warden in the same places, on a machine without Docker.

THEORY. A sandbox is a chain of programs that become each other: `sh` steps into the sandbox's
control groups, `unshare` takes a private mount namespace, `sh` mounts the writable places there
(size, inodes, owner, noexec: bwrap's own tmpfs has not all of them) and becomes `bwrap`, which
makes the other namespaces and the view of the file system and runs warden as PID 1. Standard
input and output are one socket whose other end only we hold: when we die, warden reads the end
and exits; `--die-with-parent` says the same to bwrap.

As root there is no user namespace: warden keeps SETUID, SETGID and KILL, every role has a uid of
its own, and the groups bound memory and processes. As an ordinary user everything happens in a
user namespace with a single uid, and memory is sampled unless a control group was delegated. Root
that is asked for a user namespace becomes an ordinary user first (`setpriv`): the kernel exempts
root's processes from RLIMIT_NPROC however they are called inside, and root's files would be the
program's own.

What it does not stop that Docker does: warden's seccomp filter is the only one (no second profile
beneath it), and file locks on the machine's own files can be seen by parallel runs.
"""

import asyncio
import contextlib
import hashlib
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from judge.errors import EngineError, SandboxError
from judge.sandbox import cgroups
from judge.sandbox.base import Command, Outcome, PairOutcome, SandboxInfo, Sink
from judge.sandbox.client import WardenSandbox
from judge.sandbox.places import MASKED, PLACES, SLOT_MEMORY_BYTES, memory_needed
from judge.sandbox.worker import UidBlocks, Worker

WARDEN_BINARY: Final = Path(__file__).resolve().parents[2] / "build" / "warden" / "warden"
WARDEN_INSIDE: Final = "/warden"
START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 10.0
CAPABILITIES: Final = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# bwrap makes missing directories for root alone; programs must get through these.
DIRECTORIES: Final = ("/etc", "/sys", "/sys/fs", "/sys/fs/cgroup")
TOOLS: Final = {
    "bwrap": "bubblewrap", "unshare": "util-linux", "setpriv": "util-linux", "mount": "mount",
    "sh": "dash",
}  # fmt: skip

# What programs see of this machine: toolchains, and of /etc only what they read.
SYSTEM: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC: Final = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "java*", "mono", "pypy*",
    "python3*", "nodejs",
)  # fmt: skip
ACCOUNTS: Final = {
    "passwd": "root:x:0:0:root:/:/usr/sbin/nologin\nprogram:x:{uid}:{uid}::/box:/bin/sh\n",
    "group": "root:x:0:\nprogram:x:{uid}:\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BubblewrapSettings:
    """What an installation may change.

    `rootfs` holds an exported image per directory; None shows this machine's own toolchains.
    `user_namespace` None means: unless we are root. Without `control_groups` warden samples.
    """

    rootfs: Path | None = None
    warden: Path = WARDEN_BINARY
    user_namespace: bool | None = None
    control_groups: bool = True
    memory_bytes: int = SLOT_MEMORY_BYTES


class BubblewrapSandbox(WardenSandbox):
    """A sandbox made of a process tree of ours."""

    def __init__(
        self,
        info: SandboxInfo,
        process: "subprocess.Popen[bytes]",
        group: cgroups.Group | None,
        memory_bytes: int,
    ) -> None:
        super().__init__(info)
        self._process = process
        self._group = group
        self._memory_bytes = memory_bytes

    async def run(self, command: Command, stdout: Sink | None = None) -> Outcome:
        """Run one command to its end."""
        if self._group is not None and memory_needed(command) > self._memory_bytes:
            self._raise_memory(self._group, memory_needed(command))
        return await super().run(command, stdout)

    async def run_pair(self, submission: Command, validator: Command) -> PairOutcome:
        """Run a submission and a validator joined by two pipes."""
        needed = memory_needed(submission, validator)
        if self._group is not None and needed > self._memory_bytes:
            self._raise_memory(self._group, needed)
        return await super().run_pair(submission, validator)

    def _raise_memory(self, group: cgroups.Group, needed_bytes: int) -> None:
        try:
            group.set_memory(needed_bytes)
        except OSError as error:
            raise SandboxError(f"cannot raise a control group's memory limit: {error}") from error
        self._memory_bytes = needed_bytes

    async def close(self) -> None:
        """End the process tree and remove its groups."""
        await super().close()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._group is not None:
            self._group.remove()


class _Words(asyncio.Protocol):
    """Passes on what bwrap and warden say to people."""

    def __init__(self, sandbox: WardenSandbox) -> None:
        self._sandbox = sandbox

    def data_received(self, data: bytes) -> None:
        self._sandbox.diagnose(data)


@dataclass(slots=True)
class BubblewrapLauncher:
    """Starts sandboxes as process trees of this machine."""

    settings: BubblewrapSettings = field(default_factory=BubblewrapSettings)
    name: str = "bubblewrap"
    _worker: Worker = field(default_factory=Worker.current)
    _uids: UidBlocks = field(default_factory=UidBlocks)
    _groups: cgroups.Groups | None = None
    _directory: Path | None = None

    async def launch(self, image: str, *, cpu: int | None, index: int) -> BubblewrapSandbox:
        """Start a sandbox; raises `EngineError` with the remedy when it cannot."""
        self._prepare()
        root = self._root(image)
        base = self._uids.base(index)
        group = None
        if self._groups is not None:
            group = self._groups.create(memory_bytes=self.settings.memory_bytes, cpu=cpu)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = _spawn(self._argv(root, base, group), theirs, cpu)
            except OSError as error:
                ours.close()
                if group is not None:
                    group.remove()
                raise EngineError(f"cannot start bubblewrap: {error}") from error
        info = SandboxInfo(
            backend=self.name,
            image=image,
            image_digest=_digest(root),
            warden_version="",
            cpu=cpu,
            memory_accounting="",
        )
        sandbox = BubblewrapSandbox(info, process, group, self.settings.memory_bytes)
        return await _greeted(sandbox, process, ours)

    async def reap(self) -> int:
        """Remove what workers that have ended left: process trees, groups, directories."""
        _check_tools()
        return await asyncio.to_thread(_reap)

    async def close(self) -> None:
        """Remove the groups and the directory, once every sandbox is closed."""
        self._uids.close()
        if self._groups is not None:
            self._groups.remove()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    @property
    def _in_user_namespace(self) -> bool:
        if self.settings.user_namespace is None:
            return os.geteuid() != 0
        return self.settings.user_namespace

    def _prepare(self) -> None:
        """Check what is needed and make what all sandboxes share."""
        if self._directory is not None:
            return
        _check_tools()
        if not os.access(self.settings.warden, os.X_OK):
            raise EngineError(f"{self.settings.warden} is missing: make -C sandboxes/warden")
        if self.settings.control_groups:
            self._groups = cgroups.Groups.find(self._worker, root=not self._in_user_namespace)
        prefix = f"{cgroups.PREFIX}{self._worker.label}."
        directory = Path(tempfile.mkdtemp(prefix=prefix))
        directory.chmod(0o755)
        (directory / "places").mkdir()
        self._directory = directory

    def _root(self, image: str) -> Path | None:
        """Return the exported image's root; None is this machine's."""
        if self.settings.rootfs is None:
            return None
        root = self.settings.rootfs / image
        if not (root / "usr").is_dir():
            raise EngineError(
                f"{root}: no exported image there: run `codebattle images export` where there is "
                "an engine, and copy the directory"
            )
        return root

    def _argv(self, root: Path | None, base: int, group: cgroups.Group | None) -> list[str]:
        """Return the command that becomes a sandbox; see THEORY."""
        assert self._directory is not None
        alone = self._in_user_namespace
        places = self._directory / "places"
        script = [["mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", str(places)]]
        for path, place in PLACES.items():
            source = str(places / path.strip("/").replace("/", "-"))
            options = place.options(None if alone else base)
            script += [["mkdir", source], ["mount", "-t", "tmpfs", "-o", options, "tmpfs", source]]
        script.append(["exec", *self._bwrap(root, base, group, places)])
        user = ["--user", "--map-root-user"] if alone else []
        argv = ["unshare", *user, "--mount", "--propagation", "private", "--", *_shell(script)]
        if alone and os.geteuid() == 0:
            argv = ["setpriv", "--reuid", str(base), "--regid", str(base), "--clear-groups", *argv]
        joins = [f"echo $$ > {shlex.quote(str(path))}" for path in group.procs] if group else []
        return ["sh", "-ec", "\n".join((*joins, shlex.join(["exec", *argv])))]

    def _bwrap(
        self, root: Path | None, base: int, group: cgroups.Group | None, places: Path
    ) -> list[str]:
        alone = self._in_user_namespace
        argv = ["bwrap", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"]
        argv += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
        argv += ["--unshare-cgroup-try", "--hostname", "sandbox"]
        if alone:
            argv += ["--unshare-user", "--uid", str(base), "--gid", str(base)]
        else:
            argv += [word for name in CAPABILITIES for word in ("--cap-add", name)]
        if root is None:
            argv += [word for name in DIRECTORIES for word in ("--perms", "0755", "--dir", name)]
        argv += _rootfs_view(root) if root else self._host_view(base if alone else base + 1)
        argv += ["--proc", "/proc", "--dev", "/dev"]
        for path in PLACES:
            argv += ["--bind", str(places / path.strip("/").replace("/", "-")), path]
        # In a user namespace these would be the program's own to write on.
        argv += ["--remount-ro", "/dev", *_masked()]
        for source, target in group.binds if group is not None else ():
            argv += ["--ro-bind", str(source), target]
        argv += ["--ro-bind", str(self.settings.warden), WARDEN_INSIDE, "--remount-ro", "/"]
        argv += ["--chdir", "/", "--", WARDEN_INSIDE]
        argv += ["--single-uid"] if alone else ["--uid-base", str(base)]
        return argv if group is not None else [*argv, "--cgroup", "none"]

    def _host_view(self, uid: int) -> list[str]:
        """Return the options that show this machine's toolchains and hide everything else."""
        assert self._directory is not None
        argv = ["--ro-bind", "/usr", "/usr"]
        for name in SYSTEM:
            argv += _shown(Path(name), name)
        for pattern in ETC:
            for path in sorted(Path("/etc").glob(pattern)):
                argv += ["--ro-bind", str(path), str(path)]
        for name, text in ACCOUNTS.items():
            path = self._directory / f"{name}-{uid}"
            path.write_text(text.format(uid=uid), encoding="ascii")
            argv += ["--ro-bind", str(path), f"/etc/{name}"]
        return argv


def _shell(script: list[list[str]]) -> list[str]:
    return ["sh", "-ec", "\n".join(shlex.join(line) for line in script)]


def _rootfs_view(root: Path) -> list[str]:
    """Return the options that show an exported image, except what every sandbox has anew."""
    own = {"/proc", "/dev", "/sys", *PLACES}
    argv: list[str] = []
    for path in sorted(root.iterdir()):
        if f"/{path.name}" not in own:
            argv += _shown(path, f"/{path.name}")
    return argv


def _shown(path: Path, target: str) -> list[str]:
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), target]
    return ["--ro-bind", str(path), target] if path.exists() else []


def _masked() -> Iterator[str]:
    """Hide what a container hides of /proc, as far as this kernel has it."""
    for name in MASKED:
        path = Path(name)
        if not name.startswith("/proc/") or not path.exists():
            continue
        if path.is_dir():
            yield from ("--tmpfs", name, "--remount-ro", name)
        else:
            yield from ("--ro-bind", "/dev/null", name)


def _spawn(argv: list[str], stream: socket.socket, cpu: int | None) -> "subprocess.Popen[bytes]":
    """Start the chain from this thread, whose end would be the sandbox's, on the given CPU."""
    allowed = os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    try:
        return subprocess.Popen(
            argv,
            stdin=stream.fileno(),
            stdout=stream.fileno(),
            stderr=subprocess.PIPE,
            env={"PATH": PATH},
        )
    finally:
        if cpu is not None:
            os.sched_setaffinity(0, allowed)


async def _greeted(
    sandbox: BubblewrapSandbox, process: "subprocess.Popen[bytes]", stream: socket.socket
) -> BubblewrapSandbox:
    """Connect to a sandbox that is starting and wait until it answers."""
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: _Words(sandbox), process.stderr)
        await loop.create_connection(lambda: sandbox, sock=stream)
        await sandbox.hello(START_TIMEOUT_S)
    except SandboxError as error:
        await sandbox.close()
        raise EngineError(f"bubblewrap cannot make a sandbox here: {error}") from error
    except asyncio.CancelledError:
        sandbox.drop()
        stream.close()
        raise
    return sandbox


def _check_tools() -> None:
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise EngineError(
            f"bubblewrap cannot be used: install it: apt-get install {' '.join(missing)}"
        )


def _reap() -> int:
    for path in Path(tempfile.gettempdir()).glob(f"{cgroups.PREFIX}*"):
        worker = Worker.parse(path.name.removeprefix(cgroups.PREFIX).rpartition(".")[0])
        if worker is not None and worker.gone:
            shutil.rmtree(path, ignore_errors=True)
    return cgroups.reap()


def _digest(root: Path | None) -> str:
    """Return what changes whenever the toolchains do, as an image's digest would."""
    total = hashlib.sha256()
    base = root or Path("/")
    for name in ("etc/os-release", "var/lib/dpkg/status"):
        with contextlib.suppress(OSError):
            total.update((base / name).read_bytes())
    for name in ("usr/bin", "usr/lib", "usr/local/bin"):
        with contextlib.suppress(OSError):
            total.update(str((base / name).stat().st_mtime_ns).encode())
    return f"host:{total.hexdigest()}"
