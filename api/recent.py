"""Answers that many ask for at the same moment: made once, given to all, soon made anew.

What is kept is the same for everybody it is given to; who may have it is decided before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

_AnswerT = TypeVar("_AnswerT")


@dataclass(slots=True)
class _Kept:
    """An answer, until when it is good, and who may make it anew."""

    until: float = float("-inf")
    answer: Any = None
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


class Recent:
    """Answers by their keys, each good for so long; the longest unused go when there are many.

    Of each key one is made at a time, and of all no more than `at_once`.
    """

    def __init__(
        self,
        *,
        kept_s: float,
        most: int,
        at_once: int = 64,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept_s = kept_s
        self._most = most
        self._clock = clock
        self._turns = asyncio.Semaphore(at_once)
        self._kept: dict[Hashable, _Kept] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[_AnswerT]]) -> _AnswerT:
        """Return the answer there is, or make it; one that cannot be made is not kept."""
        kept = self._kept.pop(key, None) or _Kept()
        # The last in order is the last that was used.
        self._kept[key] = kept
        self._let_go(kept)
        if self._clock() >= kept.until:
            async with kept.making:
                if self._clock() >= kept.until:
                    async with self._turns:
                        # It is as old as the moment at which making it began.
                        begun = self._clock()
                        kept.answer = await make()
                    kept.until = begun + self._kept_s
        return cast("_AnswerT", kept.answer)

    def _let_go(self, but: _Kept) -> None:
        """Drop what is no longer good, the longest unused first, and what is too much.

        Pages are large, and whoever asks for another one each time would have all of them kept.
        """
        now = self._clock()
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            over = now >= kept.until and not kept.making.locked() and kept is not but
            if not over and len(self._kept) <= self._most:
                return
            del self._kept[key]
