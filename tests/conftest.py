"""For all tests: when Python looks for garbage in cycles."""

import gc

import pytest

from api import collecting

# Modules stay: while hundreds of them are loaded, there is nothing to find.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """From here on as the service does: what tests leave behind is found, what is loaded is not."""
    gc.enable()
    collecting.relax()
