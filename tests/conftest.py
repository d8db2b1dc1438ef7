"""For all tests: when Python looks for garbage in cycles, their order, the wait for images."""

import gc
import os
import time
from pathlib import Path

import pytest

from api import collecting

# Where `all.sh` says how the building of the images has ended, while that goes on beside tests.
BUILT = os.environ.get("CODEBATTLE_TEST_IMAGES_BUILT")
BUILT_S_MAX = 1800.0
POLL_S = 0.2

# Modules stay: while hundreds of them are loaded, there is nothing to find.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every process begin with some of the longest: at the end the others would wait for them.

    Each begins with its part of the list, and with nothing left takes from the end of another's.
    There is what needs images, which may not be there yet.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    longest = sorted((item for item in items if _seconds(item)), key=_seconds, reverse=True)
    others = [item for item in items if not _seconds(item)]
    lasts: list[pytest.Item] = []
    if processes > 1:
        lasts = [item for item in others if _needs_images(item)]
        others = [item for item in others if not _needs_images(item)]
    ordered: list[pytest.Item] = []
    for process in range(processes):
        # As xdist parts the list.
        size = (len(items) - len(ordered)) // (processes - process)
        first = longest[process::processes]
        last = lasts[len(lasts) * process // processes : len(lasts) * (process + 1) // processes]
        between = max(0, size - len(first) - len(last))
        ordered += [*first, *others[:between], *last]
        del others[:between]
    items[:] = ordered


def _needs_images(item: pytest.Item) -> bool:
    return item.get_closest_marker("docker") is not None


def _seconds(item: pytest.Item) -> float:
    """Return about how long a test takes that says so by `long(seconds)`; 0 for the others."""
    marker = item.get_closest_marker("long")
    return 0.0 if marker is None else float(marker.args[0])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let what needs the images wait for them."""
    if BUILT is None or not _needs_images(item):
        return
    deadline = time.monotonic() + BUILT_S_MAX
    while not Path(BUILT).exists() and time.monotonic() < deadline:
        time.sleep(POLL_S)
    assert Path(BUILT).read_text() == "0\n", "the images were not built"


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on as the service does: what tests leave behind is found, what is loaded is not."""
    gc.enable()
    collecting.relax()
