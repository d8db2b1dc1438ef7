"""Whole boards made from a log for those who look back: dear, so everybody has a share of it.

One is made at a time and kept for a while for all who ask for the same one. Of those who wait each
has one before them at most, so nobody's list of wishes is served before another's first; and what
making it took is paid for by who asked, so nobody keeps a processor busy.
"""

import math
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from api.errors import TooManyError, UnavailableError
from api.limiting import Local
from api.recent import Recent

# What one turn pays for: of thirty a minute somebody has a quarter of one processor at most.
TURN_S = 0.5
WAITING_MAX = 64
WHAT = "looking back at boards"
_AnswerT = TypeVar("_AnswerT")


@dataclass(slots=True)
class _Look:
    """What somebody waits for, and with how many requests."""

    key: Hashable
    requests: int = 0


class Lookbacks:
    """Answers that are dear to make, given to all and paid for by who had them made.

    While somebody waits for one answer, another one is refused (429), and so is everybody's when
    too many wait (503). Those without a token are not told apart: they pay together.
    """

    def __init__(
        self, kept: Recent, turns: Local, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kept = kept
        self._turns = turns
        self._clock = clock
        self._looks: dict[Hashable, _Look] = {}

    async def get(
        self, who: UUID | None, key: Hashable, make: Callable[[], Awaitable[_AnswerT]]
    ) -> _AnswerT:
        """Return the answer there is, or make it when it is the caller's turn.

        They hold no connection meanwhile. Raises `TooManyError`, `UnavailableError`.
        """
        name = "everybody" if who is None else str(who)
        with self._place(key if who is None else who, key):
            self._turns.take(name, WHAT)

            async def paid() -> _AnswerT:
                begun = self._clock()
                try:
                    return await make()
                finally:
                    # The first one is paid for already.
                    more = math.ceil((self._clock() - begun) / TURN_S) - 1
                    self._turns.charge(name, max(0, more))

            return await self._kept.get(key, paid)

    @contextmanager
    def _place(self, name: Hashable, key: Hashable) -> Iterator[None]:
        look = self._looks.get(name)
        if look is None:
            if len(self._looks) >= WAITING_MAX:
                raise UnavailableError(f"{WHAT}: too many wait for theirs", retry_after_s=10)
            look = self._looks[name] = _Look(key)
        elif look.key != key:
            raise TooManyError(
                f"{WHAT}: one at a time; another one of yours is being made",
                retry_after_s=2,
                slug="too-many-waiting",
            )
        look.requests += 1
        try:
            yield
        finally:
            look.requests -= 1
            if not look.requests:
                del self._looks[name]
