"""Fixtures: the binaries, built once, and wardens that run in namespaces of their own."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .wire import Warden, jail

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "sandboxes" / "warden"

Launch = Callable[..., Warden]


def _make(target: str, out: Path) -> Path:
    subprocess.run(["make", "-s", "-C", SOURCE, f"OUT={out}", target], check=True)
    return out


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("bwrap") is None:
        pytest.fail("bubblewrap is missing: install the package `bubblewrap`")
    return tmp_path_factory.mktemp("warden")


@pytest.fixture(scope="session")
def binary(build: Path) -> Path:
    return _make("all", build) / "warden"


@pytest.fixture(scope="session")
def sanitized(build: Path) -> Path:
    return _make("sanitize", build) / "warden-sanitize"


@pytest.fixture(scope="session")
def fuzzer(build: Path) -> Path:
    return _make("fuzz", build) / "warden-fuzz"


def _compile(name: str, out: Path) -> Path:
    program = out / name
    flags = ["-std=gnu17", "-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror"]
    sources = sorted((HERE / "programs").glob(f"{name}*.c"))
    subprocess.run(["cc", *flags, *sources, "-o", program], check=True)
    return program


@pytest.fixture(scope="session")
def probe(build: Path) -> Path:
    return _compile("probe", build)


@pytest.fixture(scope="session")
def syscalls(build: Path) -> Path:
    return _compile("syscalls", build)


@pytest.fixture
def launch(binary: Path) -> Iterator[Launch]:
    """Start wardens with the options of `jail`; all are closed at the end."""
    running: list[Warden] = []

    def start(*options: str, of: Path = binary, **place: object) -> Warden:
        warden = Warden(jail(of, *options, **place))  # type: ignore[arg-type]
        running.append(warden)
        warden.hello()
        return warden

    yield start
    for warden in running:
        if not warden.closed:
            warden.close()


@pytest.fixture
def warden(launch: Launch, probe: Path) -> Warden:
    """Start a fresh warden with the probe program at /prog/probe."""
    started = launch()
    started.put_program(probe, "probe")
    return started


@pytest.fixture
def single(launch: Launch, probe: Path) -> Warden:
    """Start the same without any other uid: what an unprivileged machine offers."""
    started = launch(single_uid=True)
    started.put_program(probe, "probe")
    return started
