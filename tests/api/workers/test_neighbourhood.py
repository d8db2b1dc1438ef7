"""Workers of one machine: apart as long as there are CPUs, and known to live."""

import os
from pathlib import Path

import pytest

from api.workers.neighbourhood import Neighbourhood


def test_workers_take_free_cpus_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third finds none free and shares; what one had is free when it has ended."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    with Neighbourhood(tmp_path) as one, Neighbourhood(tmp_path) as two:
        assert one.cpus([0]) == [0]
        assert two.cpus([0, 1]) == [1, 2]
        with Neighbourhood(tmp_path) as three:
            assert three.cpus([0, 1]) == [0, 1]
    with Neighbourhood(tmp_path) as four:
        assert four.cpus([0, 1, 2, 0]) == [0, 1, 2, 0]


def test_a_worker_that_lives_says_so(tmp_path: Path) -> None:
    """Until its end, in a file of its own."""
    with Neighbourhood(tmp_path) as one:
        one.tell()
        (alive,) = (tmp_path / "alive").iterdir()
        one.tell()
    assert not alive.exists()
