"""The event's clock: pauses taken out, extra time, ends and freezes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.scoring.schedule import Interval, Schedule

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def schedule(*pauses: tuple[float, float | None], freeze: float | None = None) -> Schedule:
    return Schedule(
        start=START,
        duration=timedelta(minutes=60),
        freeze=None if freeze is None else timedelta(minutes=freeze),
        removed=[Interval(start=at(a), end=None if b is None else at(b)) for a, b in pauses],
    )


@pytest.mark.parametrize(
    ("pauses", "minute", "elapsed"),
    [
        ((), 10, 10),
        ((), -5, -5),
        (((20, 30),), 10, 10),
        (((20, 30),), 25, 20),
        (((20, 30),), 40, 30),
        (((20, None),), 40, 20),
        (((20, 30), (25, 35)), 40, 25),
        (((20, 30), (30, 35)), 40, 25),
        (((-10, 5),), 10, 5),
        (((-10, -5),), 10, 10),
        (((30, 20),), 40, 40),
    ],
)
def test_elapsed(
    pauses: tuple[tuple[float, float | None], ...], minute: float, elapsed: float
) -> None:
    assert schedule(*pauses).elapsed(at(minute)) == timedelta(minutes=elapsed)


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ((), 60),
        (((20, 30),), 70),
        (((20, 30), (65, 70)), 75),
        (((60, 65),), 60),
        (((20, None),), None),
        (((80, None),), 60),
    ],
)
def test_end(pauses: tuple[tuple[float, float | None], ...], end: float | None) -> None:
    assert schedule(*pauses).end == (None if end is None else at(end))


def test_open_ends_with_the_duration_and_extra_time() -> None:
    plain = schedule((20, 30))
    assert [plain.open(at(m)) for m in (-1, 0, 19.9, 20, 29.9, 30, 69.9, 70)] == [
        *(False, True, True, False, False, True, True, False)
    ]
    assert plain.open(at(74), extra=timedelta(minutes=5))
    assert not plain.open(at(75), extra=timedelta(minutes=5))


def test_freeze_is_counted_from_the_end() -> None:
    assert schedule(freeze=20).freeze_us == 40 * 60_000_000
    assert schedule(freeze=90).freeze_us == 0
    assert schedule().freeze_us is None


_pauses = st.lists(
    st.tuples(st.integers(-30, 90), st.one_of(st.none(), st.integers(-30, 90))), max_size=4
)


@given(_pauses, st.integers(-60, 120), st.integers(0, 60))
def test_time_never_runs_backwards_and_moment_is_its_inverse(
    pauses: list[tuple[float, float | None]], minute: int, elapsed: int
) -> None:
    clock = schedule(*pauses)
    assert timedelta() <= clock.elapsed(at(minute + 1)) - clock.elapsed(at(minute))
    assert clock.elapsed(at(minute + 1)) - clock.elapsed(at(minute)) <= timedelta(minutes=1)
    moment = clock.moment(timedelta(minutes=elapsed))
    if moment is not None:
        assert clock.elapsed(moment) == timedelta(minutes=elapsed)
