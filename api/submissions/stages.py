"""Where the time of a judging goes: its stages, measured and traced.

    queue ─→ prepare ─→ compile ─→ run (a span for each case) ─→ store

Nothing of a test case leaves here but its place, its verdict and its time.
"""

import time
from typing import Final

from api import tracing
from api.metrics import JUDGING_SECONDS
from judge.judging import Progress

PREPARE: Final = "prepare"
COMPILE: Final = "compile"
RUN: Final = "run"
STORE: Final = "store"
TOTAL: Final = "total"


class Stages:
    """One judging on its way; it is in one stage at a time."""

    def __init__(self) -> None:
        self._began = self._since = time.monotonic()
        self._stage = ""
        self._span = self._case = tracing.Begun()

    def enter(self, stage: str) -> None:
        """Leave the stage it is in for the next."""
        self._leave()
        self._stage = stage
        self._span = tracing.begin(stage)

    def follow(self, progress: Progress) -> None:
        """Move on as the judge says."""
        if progress.stage == "compiling":
            self.enter(COMPILE)
        elif progress.stage == "running":
            if self._stage != RUN:
                self.enter(RUN)
            if progress.run is None:
                self._case = self._span.begin("case", index=progress.index)
            else:
                self._case.end(verdict=progress.run.verdict.value, cpu_ms=progress.run.cpu_ms)
                self._case = tracing.Begun()

    def close(self) -> None:
        """End, however it went."""
        self._leave()
        JUDGING_SECONDS.labels(TOTAL).observe(time.monotonic() - self._began)

    def _leave(self) -> None:
        now = time.monotonic()
        if self._stage:
            JUDGING_SECONDS.labels(self._stage).observe(now - self._since)
        self._case.end()
        self._span.end()
        self._case = self._span = tracing.Begun()
        self._since, self._stage = now, ""
