"""The writable places of a sandbox, the same under every backend."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from judge.limits import MEMORY_BYTES_DEFAULT, MIB, PUT_BYTES_MAX
from judge.sandbox.base import Command

WARDEN: Final = "/usr/local/lib/codebattle/warden"

# What a sandbox may use in all; the run's own, lower limits are warden's business.
SLOT_MEMORY_BYTES: Final = MEMORY_BYTES_DEFAULT + 512 * MIB
# On top of a run's memory, input and output: warden, the program's files, what it has put down.
HEADROOM_BYTES: Final = 384 * MIB
PIDS_MAX: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A size-limited tmpfs. `owner` counts from the slot's first uid; None is everybody's."""

    owner: int | None
    mode: str
    size_bytes: int
    inodes: int
    executable: bool = False

    def options(self, uid_base: int | None) -> str:
        """Return the mount options; without a base everything belongs to whoever mounts."""
        options = f"rw,nosuid,nodev,{'exec' if self.executable else 'noexec'}"
        options += f",size={self.size_bytes},nr_inodes={self.inodes},mode={self.mode}"
        if uid_base is not None and self.owner is not None:
            uid = uid_base + self.owner
            options += f",uid={uid},gid={uid}"
        return options


# /prog must hold the largest artefact, /val a whole test case: input, answer and output.
PLACES: Final[Mapping[str, Place]] = MappingProxyType(
    {
        "/prog": Place(
            owner=0, mode="0755", size_bytes=PUT_BYTES_MAX + 64 * MIB, inodes=16384, executable=True
        ),
        "/box": Place(owner=1, mode="0700", size_bytes=PUT_BYTES_MAX, inodes=8192),
        "/val": Place(
            owner=2, mode="0700", size_bytes=3 * PUT_BYTES_MAX, inodes=8192, executable=True
        ),
        "/tmp": Place(owner=None, mode="1777", size_bytes=256 * MIB, inodes=8192),  # noqa: S108
        "/dev/shm": Place(owner=None, mode="1777", size_bytes=256 * MIB, inodes=8192),  # noqa: S108
    }
)

# What of /proc and /sys tells more about the machine than about the sandbox.
MASKED: Final = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore",
    "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/latency_stats", "/proc/modules",
    "/proc/sched_debug", "/proc/scsi", "/proc/slabinfo", "/proc/sysvipc", "/proc/timer_list",
    "/proc/timer_stats", "/proc/vmallocinfo", "/sys/devices/virtual/powercap", "/sys/firmware",
    "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing", "/sys/module",
)  # fmt: skip


def memory_needed(*commands: Command) -> int:
    """Return what the sandbox as a whole must be allowed for these commands to run at once."""
    total = HEADROOM_BYTES
    for command in commands:
        bounds, stdin = command.limits, command.stdin
        total += bounds.memory_bytes + bounds.output_bytes
        if stdin is not None:
            total += len(stdin) if isinstance(stdin, bytes) else stdin.stat().st_size
    return total
