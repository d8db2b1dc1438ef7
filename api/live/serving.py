"""Lets streams go when the server is told to end.

A web server waits for open requests before it ends the application, and streams end by
themselves. So the signal that ends the server first reaches the hub, whoever started the server
and in however many processes.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from api.live.hub import Hub

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def drained_by_signals(hub: Hub) -> Iterator[None]:
    """Have clients told to come back as soon as a signal comes, then let it do what it did."""
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(hub.send_away)
        earlier = before[number]
        if callable(earlier):
            earlier(number, frame)
        elif earlier == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    try:
        for number in _SIGNALS:
            before[number] = signal.getsignal(number)
            signal.signal(number, told)
    except ValueError:
        # Not the main thread: whoever runs that one has the signals.
        before.clear()
    try:
        yield
    finally:
        for each, earlier in before.items():
            if signal.getsignal(each) is told:
                signal.signal(each, earlier)
