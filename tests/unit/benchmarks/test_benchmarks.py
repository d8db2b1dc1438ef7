"""The benchmarks can be imported and count right; what they measure is for `make bench`."""

import importlib
import json
import os

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.figures import Figure, table
from benchmarks.measuring import (
    bare,
    descendants,
    median,
    peak_bytes,
    percentile,
    process_cpu,
    spread,
)
from benchmarks.submissions import SOURCES, bare_steps, cases, sources


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_measures(name: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{name}").measure)


def test_percentiles_lie_between_their_neighbours() -> None:
    assert percentile([4, 1, 3, 2, 5], 50) == 3
    assert percentile([1, 2], 50) == 1.5
    assert percentile([7], 95) == 7
    assert percentile(range(101), 95) == 95
    assert median([1, 9, 2]) == 2


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_spread_is_relative_to_the_median() -> None:
    assert spread([float(n) for n in range(100, 201)]) == pytest.approx(90 / 150)


def test_the_floor_counts_the_programs_time() -> None:
    sample = bare(["/bin/true"])
    assert sample.cpu > 0
    assert sample.wall > 0


def test_the_kernels_books_can_be_read() -> None:
    assert process_cpu(os.getpid()) > 0
    assert peak_bytes() > 1 << 20
    assert os.getpid() in descendants(os.getppid())


def test_a_bar_is_met_from_its_side() -> None:
    most = Figure(name="a", value=1.0, unit="ms", bound=1.0)
    least = Figure(name="b", value=0.89, unit="x", bound=0.9, at_least=True)
    assert most.met
    assert not least.met
    assert Figure(name="c", value=5, unit="").met
    assert Figure.from_json(json.loads(json.dumps(least.to_json()))) == least


def test_the_table_is_markdown() -> None:
    least = Figure(name="pace", value=0.891, unit="x", bound=0.9, at_least=True, note="why")
    assert table([least]).splitlines()[-1] == "| pace | ≥ 0.900 x | 0.891 x | **missed** | why |"


def test_submissions_are_new_to_every_cache() -> None:
    for language in SOURCES:
        assert sources(language, 1) != sources(language, 2)
        assert "{" not in "".join(bare_steps(language, ["/inputs/1.in"])[-1].argv)


def test_cases_are_the_same_every_time() -> None:
    assert cases(3) == cases(3)
    assert all(given and answer for given, answer in cases(20))
