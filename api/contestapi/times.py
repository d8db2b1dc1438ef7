"""Times as the Contest API writes them: always with milliseconds, never rounded up."""

from datetime import UTC, datetime, timedelta

_MS = timedelta(milliseconds=1)


def moment(at: datetime) -> str:
    """Return an absolute time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def maybe(at: datetime | None) -> str | None:
    """Return an absolute time, if there is one."""
    return None if at is None else moment(at)


def span(length: timedelta) -> str:
    """Return a relative time; hours are not bounded, and before the start it is negative."""
    ms = abs(length) // _MS
    sign = "-" if length < timedelta() and ms else ""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{seconds:02}.{ms:03}"


def seconds_up(microseconds: int) -> float:
    """Return seconds in whole milliseconds, rounded up as everywhere in the service."""
    return -(-microseconds // 1000) / 1000
