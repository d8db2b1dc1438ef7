"""The clock of an event: from the time of submitting to the time that scoring counts.

Removed intervals (pauses) do not count; extra time lets somebody submit for longer and changes
nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Time taken out of an event; `end` is None as long as the pause lasts."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When an event runs; `freeze` is how long before the end the public board stands still."""

    start: datetime
    duration: timedelta
    freeze: timedelta | None = None
    removed: Sequence[Interval] = ()

    def elapsed(self, moment: datetime) -> timedelta:
        """Return the event's time at a moment; negative before the start."""
        if not self.removed:
            return moment - self.start
        paused = timedelta()
        for start, end in self._pauses():
            until = moment if end is None else min(end, moment)
            paused += max(timedelta(), until - start)
        return moment - self.start - paused

    def elapsed_us(self, moment: datetime) -> int:
        """Return the same in microseconds."""
        return self.elapsed(moment) // MICROSECOND

    def moment(self, elapsed: timedelta) -> datetime | None:
        """Return when the event's time reaches `elapsed`, or None while a pause has no end."""
        at = self.start + elapsed
        for start, end in self._pauses():
            if at <= start:
                break
            if end is None:
                return None
            at += end - start
        return at

    @property
    def end(self) -> datetime | None:
        """When it ends for those without extra time, or None while a pause has no end."""
        return self.moment(self.duration)

    @property
    def freeze_us(self) -> int | None:
        """The event's time of the freeze in microseconds, or None without one."""
        if self.freeze is None:
            return None
        return max(timedelta(), self.duration - self.freeze) // MICROSECOND

    def paused(self, moment: datetime) -> bool:
        """Tell whether the event stands still."""
        return any(
            each.start <= moment and (each.end is None or moment < each.end)
            for each in self.removed
        )

    def open(self, moment: datetime, *, extra: timedelta = timedelta()) -> bool:
        """Tell whether somebody with so much extra time may submit then."""
        inside = timedelta() <= self.elapsed(moment) < self.duration + extra
        return inside and not self.paused(moment)

    def _pauses(self) -> Iterator[tuple[datetime, datetime | None]]:
        """Return the removed intervals since the start in order, those that overlap as one."""
        start: datetime | None = None
        end: datetime | None = None
        for each in sorted(self.removed, key=lambda interval: interval.start):
            if each.end is not None and each.end <= max(each.start, self.start):
                continue
            begins = max(each.start, self.start)
            if start is not None and end is not None and begins > end:
                yield start, end
                start = None
            if start is None:
                start, end = begins, each.end
            elif end is not None:
                end = None if each.end is None else max(end, each.end)
        if start is not None:
            yield start, end
