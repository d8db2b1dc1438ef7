"""For all tests: when Python looks for garbage in cycles, and which of them begin first."""

import gc

import pytest

from api import collecting

# Modules stay: while hundreds of them are loaded, there is nothing to find.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: at the end all workers but one would wait for them."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on as the service does: what tests leave behind is found, what is loaded is not."""
    gc.enable()
    collecting.relax()
