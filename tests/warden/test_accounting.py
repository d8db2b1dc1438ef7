"""What a report says a run has used."""

from pathlib import Path

from .conftest import Launch
from .wire import MIB, Warden


def test_cpu_time_of_one_process(warden: Warden) -> None:
    """CPU time is what the program spent, and little more."""
    result = warden.probe("burn", "100")

    assert 100_000 <= result.number("cpu_us") < 150_000
    assert result.number("wall_us") >= 95_000


def test_cpu_time_of_descendants_is_included(warden: Warden) -> None:
    """Four children that burn 50 ms each cost 200 ms."""
    result = warden.probe("burn-children", "50")

    assert 200_000 <= result.number("cpu_us") < 300_000


def test_cpu_time_of_an_orphan_is_charged(warden: Warden) -> None:
    """A daemon that lives on is killed, counted as left over, and not part of the next run."""
    first = warden.probe("daemon")
    second = warden.probe("exit", "0")

    assert first.output == b"done\n"
    assert first.number("processes_left") == 1
    assert second.number("processes_left") == 0
    assert second.number("cpu_us") < 50_000


def test_sleeping_costs_no_cpu(warden: Warden) -> None:
    """A sleeping program uses wall time only."""
    result = warden.probe("sleep", "100", wall_ms=300)

    assert result.number("cpu_us") < 50_000
    assert 300_000 <= result.number("wall_us") < 2_000_000


def test_peak_memory_of_one_process(warden: Warden) -> None:
    """64 MiB touched are reported as 64 MiB and the program itself."""
    result = warden.probe("touch", "64")

    assert 64 * MIB <= result.number("memory_bytes") < 68 * MIB


def test_reserved_memory_is_free(warden: Warden) -> None:
    """Memory that is only reserved is not counted."""
    result = warden.probe("reserve", "4000")

    assert result.number("memory_bytes") < 4 * MIB


def test_mapped_input_is_not_charged(warden: Warden) -> None:
    """A program that maps an input larger than its memory limit stays within the limit."""
    result = warden.probe("map-stdin", stdin=b"\1" * (48 * MIB), memory_bytes=16 * MIB)

    assert result["cause"] == "exited"
    assert f"{48 * MIB // 4096}\n".encode() == result.output
    assert result.number("memory_bytes") <= 16 * MIB


def test_output_is_not_charged_as_memory(warden: Warden) -> None:
    """A program may write more output than it may use memory."""
    result = warden.probe("stdout-flood", "48", output_bytes=64 * MIB, memory_bytes=16 * MIB)

    assert result["cause"] == "exited"
    assert 48 * MIB == len(result.output) == result.number("output_bytes")
    assert result.number("memory_bytes") <= 16 * MIB


def _recorded(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def _changed(path: Path, text: str) -> None:
    """Write over a counter as the kernel does: it is never seen empty."""
    with path.open("r+b", buffering=0) as file:
        file.write(text.encode())


def _launch_with_cgroup(launch: Launch, tree: Path) -> Warden:
    return launch("--cgroup", "/cgroup", mounts=("--ro-bind", str(tree), "/cgroup"))


def test_cgroup_version_1_tree(launch: Launch, probe: Path, tmp_path: Path) -> None:
    """A version 1 tree is recognised, and numbers that do not move charge nothing."""
    tree = _recorded(
        tmp_path,
        {
            "cpuacct/cpuacct.usage": "123456789\n",
            "memory/memory.usage_in_bytes": "900000000\n",
            "memory/memory.stat": "cache 5\nrss 800000000\nrss_huge 0\nshmem 4096\n",
            "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        },
    )
    warden = _launch_with_cgroup(launch, tree)
    warden.put_program(probe, "probe")

    assert warden.ready["accounting"] == "cgroup-v1"
    result = warden.probe("touch", "20", memory_bytes=32 * MIB)
    assert (result["cause"], result.number("oom_kills")) == ("exited", 0)


def test_cgroup_version_2_tree(launch: Launch, probe: Path, tmp_path: Path) -> None:
    """A version 2 tree is recognised; CPU time it alone has seen is charged, OOM kills reported."""
    files = {
        "cpu.stat": "usage_usec 1000000\nuser_usec 1\nsystem_usec 1\n",
        "memory.current": "900000000\n",
        "memory.stat": "anon 800000000\nfile 3\nshmem 4096\n",
        "memory.events": "low 0\nhigh 0\nmax 0\noom 3\noom_kill 3\noom_group_kill 0\n",
    }
    tree = _recorded(tmp_path, files)
    warden = _launch_with_cgroup(launch, tree)
    warden.put_program(probe, "probe")
    assert warden.ready["accounting"] == "cgroup-v2"

    warden.start("/prog/probe", "sleep", "1", cpu_ms=60_000)
    warden.wait_for_process("probe")
    _changed(tree / "memory.events", files["memory.events"].replace("kill 3", "kill 5"))
    _changed(tree / "cpu.stat", "usage_usec 31000000\nuser_usec 1\nsystem_usec 1\n")
    result = warden.result()

    assert (result["cause"], result.number("oom_kills")) == ("memory-limit", 2)
    assert 29_000_000 < result.number("cpu_us") <= 30_000_000


def test_cgroup_memory_growth_is_a_limit(launch: Launch, probe: Path, tmp_path: Path) -> None:
    """Memory that only the group sees, like a file in /dev/shm, counts against the limit."""
    files = {
        "cpu.stat": "usage_usec 1000000\n",
        "memory.current": "100000000\n",
        "memory.stat": "anon 1000000\nfile 3\nshmem 4096\n",
        "memory.events": "oom_kill 0\n",
    }
    tree = _recorded(tmp_path, files)
    warden = _launch_with_cgroup(launch, tree)
    warden.put_program(probe, "probe")

    warden.start("/prog/probe", "sleep", "60", wall_ms=60_000)
    warden.wait_for_process("probe")
    _changed(tree / "memory.stat", "anon 1000000\nfile 3\nshmem 500000000\n")
    _changed(tree / "memory.current", "600000000\n")
    result = warden.result()

    assert result["cause"] == "memory-limit"
    assert 490_000_000 < result.number("memory_bytes") < 500_000_000


def test_page_cache_is_not_charged(launch: Launch, probe: Path, tmp_path: Path) -> None:
    """Growth of the group that is neither anonymous nor shared memory is nobody's."""
    files = {
        "cpu.stat": "usage_usec 1000000\n",
        "memory.current": "100000000\n",
        "memory.stat": "anon 1000000\nfile 3\nshmem 4096\n",
        "memory.events": "oom_kill 0\n",
    }
    tree = _recorded(tmp_path, files)
    warden = _launch_with_cgroup(launch, tree)
    warden.put_program(probe, "probe")

    warden.start("/prog/probe", "sleep", "1")
    warden.wait_for_process("probe")
    _changed(tree / "memory.stat", "anon 1000000\nfile 500000000\nshmem 4096\n")
    _changed(tree / "memory.current", "600000000\n")

    assert warden.result()["cause"] == "exited"
