"""What all of these need."""

import os
import shutil

import pytest

from tests.hostile.slots import missing


@pytest.fixture(autouse=True)
def needs() -> None:
    """Ask for what a second engine takes; without it a failure where CI says so."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        missing("a second Docker engine needs root and dockerd")
