"""Is this machine fit to judge? One finding per question, each with its remedy.

Only reads: files below /proc and /sys, tools on PATH, and what the engine answers.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from judge import limits
from judge.errors import EngineError
from judge.images import Images
from judge.languages import languages
from judge.sandbox.bubblewrap import PATH

_DISK_BYTES_MIN = 5 << 30
_MEMORY_BYTES_MIN = limits.MEMORY_BYTES_DEFAULT + 512 * limits.MIB
_KERNEL_MIN = (5, 10)


class Level(StrEnum):
    """How bad a finding is: FAIL means that this machine cannot judge as it should."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The answer to one question; a remedy where something is to be done."""

    name: str
    level: Level
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def diagnose(root: Path = Path("/")) -> Iterator[Diagnosis]:
    """Ask everything; `root` is where /proc and /sys are, for tests."""
    yield _kernel()
    yield _memory(root)
    yield _swap(root)
    yield _clock(root)
    yield _governor(root)
    yield _cgroup(root)
    yield _disk()
    yield from _docker()
    yield _bubblewrap()
    yield _host_tools()


def _kernel() -> Diagnosis:
    release, machine = platform.release(), platform.machine()
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    found = f"Linux {release}, {machine}"
    if machine not in {"x86_64", "aarch64"}:
        return _fail("kernel", found, "use an x86_64 or aarch64 machine")
    if numbers < _KERNEL_MIN:
        return _warn("kernel", found, "Linux 5.10 or later is what we test on")
    return _ok("kernel", found)


def _memory(root: Path) -> Diagnosis:
    total = _meminfo(root, "MemTotal")
    cpus = len(os.sched_getaffinity(0))
    found = f"{total // limits.MIB} MiB for {cpus} CPUs"
    if total < _MEMORY_BYTES_MIN * cpus:
        return _warn("memory", found, "use fewer slots (--slots), or add memory: 2.5 GiB for each")
    return _ok("memory", found)


def _swap(root: Path) -> Diagnosis:
    swap = _meminfo(root, "SwapTotal")
    if swap:
        return _warn("swap", f"{swap // limits.MIB} MiB", "swapoff -a: swapping makes times unfair")
    return _ok("swap", "none")


def _clock(root: Path) -> Diagnosis:
    source = _text(root / "sys/devices/system/clocksource/clocksource0/current_clocksource")
    if source in {"hpet", "acpi_pm", "jiffies"}:
        return _warn("clock", source, "boot with a tsc or kvm-clock clock source: this one is slow")
    return _ok("clock", source or "not told by this kernel")


def _governor(root: Path) -> Diagnosis:
    paths = sorted(root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"))
    governors = sorted({_text(path) for path in paths})
    if not governors:
        return _ok("cpu governor", "not told: a virtual machine, or a fixed frequency")
    if governors != ["performance"]:
        return _warn("cpu governor", ", ".join(governors), "cpupower frequency-set -g performance")
    return _ok("cpu governor", "performance")


def _cgroup(root: Path) -> Diagnosis:
    if (root / "sys/fs/cgroup/cgroup.controllers").exists():
        return _ok("cgroup", "version 2")
    if (root / "sys/fs/cgroup/memory/memory.limit_in_bytes").exists():
        return _ok("cgroup", "version 1")
    return _fail("cgroup", "no memory controller", "mount cgroups (version 2, or 1 with memory)")


def _disk() -> Diagnosis:
    free = shutil.disk_usage(Path.cwd()).free
    found = f"{free >> 30} GiB free here"
    if free < _DISK_BYTES_MIN:
        return _warn("disk", found, "free at least 5 GiB for images and test data")
    return _ok("disk", found)


def _docker() -> Iterator[Diagnosis]:
    images = Images()
    try:
        status = images.status()
    except EngineError as error:
        yield _warn("docker", str(error), "start Docker Engine 20.10 or later, or use bubblewrap")
        return
    yield _ok("docker", "the engine answers")
    missing = [each.name for each in status if not each.built]
    if missing:
        names = " ".join(missing)
        yield _fail(
            "images", f"missing or out of date: {names}", f"codebattle images build {names}"
        )
    else:
        yield _ok("images", f"{len(status)} up to date")
    for each in status:
        if each.drift:
            yield _warn(
                f"image {each.name}",
                "; ".join(each.drift),
                "other versions than the ones we tested: compare before an event",
            )


def _bubblewrap() -> Diagnosis:
    path = shutil.which("bwrap")
    if path is None:
        return _warn("bubblewrap", "not installed", "apt-get install bubblewrap (if Docker is not)")
    if os.geteuid() == 0:
        return _ok("bubblewrap", f"{path}, as root: own users and cgroups")
    return _warn(
        "bubblewrap",
        f"{path}, as an ordinary user: one user for all roles, memory by sampling",
        "judge contests with Docker, or as root",
    )


def _host_tools() -> Diagnosis:
    missing = {
        language.name: [tool for tool in language.needs if shutil.which(tool, path=PATH) is None]
        for language in languages().values()
    }
    lacking = [f"{name} ({', '.join(tools)})" for name, tools in missing.items() if tools]
    if lacking:
        return _warn(
            "host toolchains",
            "bubblewrap lacks " + "; ".join(lacking),
            "install them, or judge with Docker, whose images have them all",
        )
    return _ok("host toolchains", "all languages")


def worst(found: list[Diagnosis]) -> Level:
    """Return the worst level of all."""
    order = list(Level)
    return max((each.level for each in found), key=order.index, default=Level.OK)


def _ok(name: str, found: str) -> Diagnosis:
    return Diagnosis(name=name, level=Level.OK, found=found)


def _warn(name: str, found: str, remedy: str) -> Diagnosis:
    return Diagnosis(name=name, level=Level.WARN, found=found, remedy=remedy)


def _fail(name: str, found: str, remedy: str) -> Diagnosis:
    return Diagnosis(name=name, level=Level.FAIL, found=found, remedy=remedy)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _meminfo(root: Path, key: str) -> int:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0]) * limits.KIB
    return 0
