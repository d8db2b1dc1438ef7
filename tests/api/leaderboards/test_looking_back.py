"""Looking back over HTTP: one's own turn, and nobody kept from reading the board as it is."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
from fastapi import FastAPI

from api.leaderboards import instants
from tests.api.conftest import ClientFor

from .conftest import Ground
from .test_reading import path, played

if TYPE_CHECKING:
    from sqlalchemy import QueuePool

    from api.wiring import Parts

__all__ = ["played"]


async def test_who_waits_to_look_back_keeps_no_connection(
    played: Ground, app: FastAPI, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One board is made at a time; meanwhile the others of one's own are refused, clearly."""
    parts: Parts = app.state.parts
    real, first, go = instants.board, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any, **named: Any) -> instants.Past:
        first.set()
        await go.wait()
        return await real(*given, **named)

    monkeypatch.setattr(instants, "board", slow)

    def then(second: int) -> str:
        return path(played, f"?at=2026-05-01T12:00:{second:02}Z")

    ada = client_for()
    looks = [asyncio.create_task(ada.get(then(0)))]
    async with asyncio.timeout(10):
        await first.wait()
    looks += [asyncio.create_task(client_for().get(then(n))) for n in range(1, 30)]
    refused = await ada.get(then(30))
    assert (refused.status_code, refused.json()["type"]) == (
        429,
        "urn:codebattle:error:too-many-waiting",
    )
    assert int(refused.headers["Retry-After"]) > 0
    # All of them wait by now, and the board as it is is read as ever.
    assert (await ada.get(path(played))).status_code == 200
    async with asyncio.timeout(10):
        while cast("QueuePool", parts.engine.pool).checkedout() > 1:
            await asyncio.sleep(0.01)
    go.set()
    assert [each.status_code for each in await asyncio.gather(*looks)] == [200] * 30
