"""The second seccomp filter: what it refuses, and what it must leave alone."""

from pathlib import Path

import pytest

from .wire import Warden

ALLOWED = {"af_unix", "personality-query", "getpid", "clone"}
ANSWERS = {
    "clone3": {"ENOSYS"},
    "io_uring_setup": {"ENOSYS"},
    "io_uring_enter": {"ENOSYS"},
    "no-such-call": {"ENOSYS"},
    "af_inet": {"EAFNOSUPPORT"},
    "af_inet6": {"EAFNOSUPPORT"},
    "af_netlink": {"EAFNOSUPPORT"},
    "af_alg": {"EAFNOSUPPORT"},
    "af_vsock": {"EAFNOSUPPORT"},
    "af_packet": {"EAFNOSUPPORT"},
}


def test_table_of_system_calls(warden: Warden, syscalls: Path) -> None:
    """Each call of the table is refused with its errno, and the innocent ones work."""
    warden.put_program(syscalls, "syscalls")

    lines = warden.run("/prog/syscalls").output.decode().splitlines()

    assert len(lines) > 60
    for line in lines:
        name, answer = line.split()
        expected = {"ok"} if name in ALLOWED else ANSWERS.get(name, {"EPERM"})
        assert (name, answer) in {(name, right) for right in expected}


@pytest.mark.parametrize("abi", ["foreign", "x32"])
def test_other_abis_are_fatal(warden: Warden, syscalls: Path, abi: str) -> None:
    """A call through another ABI, which could pass by filters by number, kills the process."""
    warden.put_program(syscalls, "syscalls")

    result = warden.run("/prog/syscalls", abi)

    assert (result["cause"], result.number("signal")) == ("signalled", 31)
