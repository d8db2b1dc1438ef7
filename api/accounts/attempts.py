"""How often somebody may try to sign in.

An attempt is counted before its password is looked at, so attempts at the same time cannot slip
past each other, and taken back when the password was right. Counts live in PostgreSQL: they hold
for all processes, and restarting one forgives nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import LoginWindow
from api.errors import TooManyError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    key: str
    attempts_max: int
    lasts: timedelta


def _windows(name: str | None, address: str) -> tuple[_Window, ...]:
    """Return what an attempt counts against: a class of pupils behind one address is normal."""
    short, long = timedelta(minutes=5), timedelta(hours=1)
    anybody = _Window(key=_key("address", address), attempts_max=100, lasts=short)
    if name is None:
        return (anybody,)
    folded = name.casefold()
    return (
        _Window(key=_key("pair", folded, address), attempts_max=10, lasts=short),
        anybody,
        _Window(key=_key("name", folded), attempts_max=200, lasts=long),
    )


def _key(kind: str, *parts: str) -> str:
    return f"{kind}:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


async def begin(session: AsyncSession, name: str | None, address: str) -> None:
    """Count an attempt and commit; raises `TooManyError` when there were too many."""
    now = datetime.now(UTC)
    waits: list[float] = []
    # Always in the same order, so that two attempts never wait for each other in a circle.
    for window in sorted(_windows(name, address), key=lambda each: each.key):
        fresh = LoginWindow.ends_at <= now
        statement = insert(LoginWindow).values(
            key=window.key, ends_at=now + window.lasts, attempts=1
        )
        attempts, ends_at = (
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=[LoginWindow.key],
                    set_={
                        "attempts": case((fresh, 1), else_=LoginWindow.attempts + 1),
                        "ends_at": case((fresh, now + window.lasts), else_=LoginWindow.ends_at),
                    },
                ).returning(LoginWindow.attempts, LoginWindow.ends_at)
            )
        ).one()
        if attempts > window.attempts_max:
            waits.append((ends_at - now).total_seconds())
    await session.commit()
    if waits:
        raise TooManyError("too many attempts to sign in", retry_after_s=max(waits))


async def succeeded(session: AsyncSession, name: str, address: str) -> None:
    """Take an attempt back: the password was right."""
    pair, *others = _windows(name, address)
    await session.execute(delete(LoginWindow).where(LoginWindow.key == pair.key))
    for key in sorted(each.key for each in others):
        await session.execute(
            update(LoginWindow)
            .where(LoginWindow.key == key)
            .values(attempts=func.greatest(LoginWindow.attempts - 1, 0))
        )


async def prune(session: AsyncSession) -> int:
    """Forget windows that are over; returns how many."""
    done = await session.execute(delete(LoginWindow).where(LoginWindow.ends_at < func.now()))
    return int(getattr(done, "rowcount", 0))
