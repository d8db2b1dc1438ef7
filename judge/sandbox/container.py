"""What dockerd is asked to make of a sandbox: everything refused that is not needed.

Pure data, apart from the SDK, so that it can be read and tested without an engine.
"""

from dataclasses import dataclass
from typing import Any, Final

from judge import limits
from judge.limits import KIB
from judge.sandbox.places import MASKED, PIDS_MAX, PLACES, WARDEN

LABEL: Final = "codebattle.worker"
CAPABILITIES: Final = ("SETUID", "SETGID", "KILL")
READ_ONLY: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
# POSIX queues outlive the process that made them; nothing may be made there.
NO_QUEUES: Final = "ro,nosuid,nodev,noexec,size=4k,mode=0"
# Not above what engines themselves are limited to; rootless ones cannot raise it.
OPEN_FILES_MAX: Final = 4096

assert limits.COMPILE_PROCESSES < PIDS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One sandbox to make. `seccomp` is the profile's text, `label` names the worker."""

    image_id: str
    label: str
    uid_base: int
    cpu: int | None
    memory_bytes: int
    seccomp: str
    runtime: str | None = None
    cgroup_namespace: bool = False

    def config(self) -> dict[str, Any]:
        """Return the body of the engine's request."""
        return {
            "Image": self.image_id,
            "Entrypoint": [WARDEN],
            "Cmd": ["--uid-base", str(self.uid_base)],
            "User": "0:0",
            "WorkingDir": "/",
            "Env": [],
            "Hostname": "sandbox",
            "Labels": {LABEL: self.label},
            "NetworkDisabled": True,
            "Healthcheck": {"Test": ["NONE"]},
            "StopSignal": "SIGKILL",
            "StopTimeout": 0,
            # When our stream closes, for whatever reason, so does warden's standard input.
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": False,
            "HostConfig": self._host_config(),
        }

    def _host_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "AutoRemove": True,
            "NetworkMode": "none",
            "IpcMode": "none",
            "ReadonlyRootfs": True,
            "Init": False,
            "LogConfig": {"Type": "none", "Config": {}},
            "CapDrop": ["ALL"],
            "CapAdd": list(CAPABILITIES),
            "SecurityOpt": ["no-new-privileges", f"seccomp={self.seccomp}"],
            "MaskedPaths": list(MASKED),
            "ReadonlyPaths": list(READ_ONLY),
            "Memory": self.memory_bytes,
            "MemorySwap": self.memory_bytes,
            "OomKillDisable": False,
            "PidsLimit": PIDS_MAX,
            "Ulimits": [
                {"Name": "core", "Soft": 0, "Hard": 0},
                {"Name": "msgqueue", "Soft": 0, "Hard": 0},
                {"Name": "nofile", "Soft": 1024, "Hard": OPEN_FILES_MAX},
                {"Name": "memlock", "Soft": 64 * KIB, "Hard": 64 * KIB},
                {"Name": "rtprio", "Soft": 0, "Hard": 0},
                {"Name": "nice", "Soft": 0, "Hard": 0},
            ],
            "Tmpfs": {
                **{path: place.options(self.uid_base) for path, place in PLACES.items()},
                "/dev/mqueue": NO_QUEUES,
            },
        }
        if self.cpu is not None:
            config["CpusetCpus"] = str(self.cpu)
        if self.cgroup_namespace:
            config["CgroupnsMode"] = "private"
        if self.runtime is not None:
            config["Runtime"] = self.runtime
        return config
