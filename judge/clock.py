"""Elapsed time behind a port, so that whatever waits for time to pass can be tested at once."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells how much time has passed; says nothing about the date."""

    def seconds(self) -> float:
        """Return seconds since some fixed moment; never goes back."""


class SystemClock:
    """The machine's monotonic clock."""

    def seconds(self) -> float:
        """Return the monotonic clock's reading."""
        return time.monotonic()


class ManualClock:
    """Stands still until it is moved; for tests."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def seconds(self) -> float:
        """Return how far the clock was moved."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._seconds += seconds
