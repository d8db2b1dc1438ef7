"""The short run of what `make chaos` does for long."""

import pytest

from .run import Plan, run
from .stack import Kind


@pytest.mark.slow
@pytest.mark.long(60)
@pytest.mark.docker
async def test_nothing_is_lost() -> None:
    """Everything is killed at random; each submission is judged once, rightly, and told."""
    report = await run(
        Plan(kills=10, seed=1, pause_s=(0.2, 1.5), players=4, workers=2, between_s=1.0)
    )

    assert report.faults == [], "\n".join(report.lines())
    assert {each.kind for each in report.killed} == set(Kind)
