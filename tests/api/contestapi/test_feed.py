"""The event feed over real connections: in order, nothing lost or doubled, whoever is cut off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from api.app import create_app
from api.contestapi import marking, streaming
from api.db.models import ContestFeed, EventState
from judge.images import ROOT
from judge.verdicts import Verdict
from tests.api.contestapi.conftest import BASE, World, Worlds
from tests.api.live_client import serving

FEED = f"{BASE}/contests/finals/event-feed"
PATIENCE_S = 30.0
Line = dict[str, Any]


class Reader:
    """A client that keeps what it is told, and its last token."""

    def __init__(self, url: str, world: World, who: int | str) -> None:
        token = world.token(who)
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._url = url
        self.lines: list[Line] = []
        self.blanks = 0
        self.token: str | None = None

    @asynccontextmanager
    async def connected(self, url: str | None = None) -> AsyncIterator[AsyncIterator[str]]:
        params = {} if self.token is None else {"since_token": self.token}
        async with (
            httpx.AsyncClient(headers=self._headers, timeout=PATIENCE_S) as client,
            client.stream("GET", f"{url or self._url}{FEED}", params=params) as response,
        ):
            assert response.status_code == 200, await response.aread()
            assert response.headers["content-type"] == "application/x-ndjson"
            yield response.aiter_lines()

    async def read(self, lines: AsyncIterator[str], *, until: Any = None, most: int = 0) -> None:
        """Read until something is told, or so many lines."""
        async with asyncio.timeout(PATIENCE_S):
            async for line in lines:
                if not line:
                    self.blanks += 1
                    if until is None and not most:
                        return
                    continue
                told = json.loads(line)
                self.lines.append(told)
                self.token = told["token"]
                most -= 1
                if most == 0 or (until is not None and until(told)):
                    return

    def last(self) -> dict[tuple[str, str | None], Any]:
        """Return the last state of every object that was told."""
        return {(each["type"], each["id"]): each["data"] for each in self.lines}


def judged(submission_id: Any, verdict: Verdict | None) -> Any:
    def told(line: Line) -> bool:
        data = line["data"] or {}
        wanted = verdict and verdict.value
        return (
            line["type"] == "judgements"
            and data.get("submission_id") == str(submission_id)
            and data.get("judgement_type_id") == wanted
        )

    return told


def state(name: str) -> Any:
    return lambda line: line["type"] == "state" and line["data"][name] is not None


@pytest.mark.slow
async def test_a_reader_that_is_cut_off_goes_on(world: Worlds) -> None:
    """After every few lines, in the middle of runs, and on another server: as if it never was."""
    made = await world()
    async with serving(create_app(made.settings)) as (url, _):
        whole, torn = Reader(url, made, "jury"), Reader(url, made, "jury")
        for minute in range(3):
            await made.judge(await made.submit(minute, 0, minute), Verdict.WA)
        async with whole.connected() as lines:
            await whole.read(lines, until=state("started"))
            while not torn.lines or torn.lines[-1]["type"] != "state":
                async with torn.connected() as cut:
                    await torn.read(cut, most=5, until=state("started"))
            for minute in range(3, 6):
                waiting = await made.submit(minute % 4, 1, minute)
                async with torn.connected() as cut:
                    await torn.read(cut, most=1)
                await made.judge(waiting, Verdict.AC)
            await whole.read(lines, until=judged(waiting, Verdict.AC))
            # How many lines that is differs: two changes between two readings are one line.
            while not any(map(judged(waiting, Verdict.AC), torn.lines)):
                async with torn.connected() as cut:
                    await torn.read(cut, most=2)
    names = [(each["type"], each["id"], each["token"]) for each in torn.lines]
    assert len(set(names)) == len(names)
    async with serving(create_app(made.settings)) as (other, _):
        late = await made.submit(0, 1, 9)
        for reader in (whole, torn):
            async with reader.connected(other) as lines:
                await reader.read(lines, until=lambda each: each["id"] == str(late))
        fresh = Reader(other, made, "jury")
        async with fresh.connected() as lines:
            await fresh.read(lines, until=state("started"))
    assert whole.last() == torn.last() == fresh.last()
    assert len([each for each in torn.lines if each["type"] == "runs"]) == 12


@pytest.mark.slow
async def test_hidden_verdicts_come_with_the_thaw(world: Worlds) -> None:
    """The team and the jury have them at once, the public when all is thawed, and once."""
    made = await world(freeze_s=4 * 3600 + 600, state=EventState.FROZEN)
    async with serving(create_app(made.settings)) as (url, _):
        readers = {who: Reader(url, made, who) for who in ("public", 1, "jury")}
        open_one, hidden = await made.submit(1, 0, 5), await made.submit(1, 1, 55)
        for submission_id in (open_one, hidden):
            await made.judge(submission_id, Verdict.AC)
        for who, reader in readers.items():
            async with reader.connected() as lines:
                await reader.read(lines, until=state("frozen"))
            told = [each for each in reader.lines if judged(hidden, Verdict.AC)(each)]
            assert bool(told) == (who != "public")
            assert any(judged(open_one, Verdict.AC)(each) for each in reader.lines)
        await made.change(
            state=EventState.FINALISED,
            finished_at=made.at(300),
            thawed_at=made.at(310),
            finalised_at=made.at(320),
        )
        for reader in readers.values():
            async with reader.connected() as lines:
                await reader.read(lines, until=state("end_of_updates"))
            assert len([each for each in reader.lines if judged(hidden, Verdict.AC)(each)]) == 1


@pytest.mark.slow
async def test_a_rejudged_verdict_takes_the_place_of_the_first(world: Worlds) -> None:
    """Who follows is told that the first judgement is gone; signs of life come in between."""
    made = await world()
    async with serving(create_app(made.settings)) as (url, _):
        reader = Reader(url, made, "public")
        submission_id = await made.submit(0, 0, 5)
        first = await made.judge(submission_id, Verdict.AC)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(streaming, "KEEPALIVE_S", 0.3)
            async with reader.connected() as lines:
                await reader.read(lines, until=state("started"))
                await reader.read(lines)
                await made.rejudge(submission_id, Verdict.TLE)
                await reader.read(lines, until=judged(submission_id, Verdict.TLE))
                if ("judgements", str(first)) in reader.last():
                    gone = ("judgements", str(first))
                    while reader.last()[gone] is not None:
                        await reader.read(lines, most=1)
        assert reader.blanks
        assert reader.last()["judgements", str(first)] is None


def test_silence_is_as_short_as_the_document_says() -> None:
    """Some clients give up after fifteen seconds of it, some proxies after sixty."""
    said = (ROOT / "docs" / "clics.md").read_text()
    assert f"when nothing was sent for {streaming.KEEPALIVE_S:g} seconds" in said
    assert f"empty lines come meanwhile, every {streaming.FIRST_S:g} seconds" in said
    assert streaming.FIRST_S < streaming.KEEPALIVE_S < 15


async def test_tokens_of_others_are_refused(world: Worlds) -> None:
    """Of another side, epoch or version, of the future, or made up: read it all again."""
    made = await world(state=EventState.LOBBY)
    epoch = (await marking.look(made.parts.sessions, made.event_id)).epoch + ".1"
    async with (
        serving(create_app(made.settings)) as (url, _),
        httpx.AsyncClient(timeout=PATIENCE_S) as client,
    ):
        for query in (
            *(f"since_token={each}_{epoch}" for each in ("j0", "p999999", "x", "p1-2", "p-1")),
            *("since_token=p0_000000000000.0", f"since_token=p0_{epoch}0", "since_token=p0"),
            *("since_token=", "since_id=42"),
        ):
            answer = await client.get(f"{url}{FEED}?{query}")
            assert answer.status_code == 400, query
            assert (answer.json()["code"], answer.json()["type"]) == (
                400,
                "urn:codebattle:error:bad-token",
            )
        again = await client.get(f"{url}{FEED}?since_token=p0_{epoch}&stream=false")
        assert again.status_code == 200


async def test_a_stream_ends_with_the_life_of_its_database(world: Worlds) -> None:
    """What comes next there may be numbered anew; who comes back with their token goes on."""
    made = await world()
    async with serving(create_app(made.settings)) as (url, _):
        reader = Reader(url, made, "public")
        async with reader.connected() as lines:
            await reader.read(lines, until=state("started"))
            # The look after the one it was told of.
            seen = int(str(reader.token).rpartition(".")[2])
            async with made.parts.sessions() as session, asyncio.timeout(PATIENCE_S):
                while await session.scalar(select(ContestFeed.looks)) == seen:
                    await asyncio.sleep(0.05)
                await session.execute(update(ContestFeed).values(place="another server"))
                await session.commit()
            told = len(reader.lines)
            await reader.read(lines, until=lambda _: True)
            assert len(reader.lines) == told
        late = await made.submit(0, 0, 3)
        async with reader.connected() as lines:
            await reader.read(lines, until=lambda each: each["id"] == str(late))
        assert [each["type"] for each in reader.lines[told:]] == ["submissions"]


async def test_a_contest_is_read_as_a_whole_once_a_minute_at_most(world: Worlds) -> None:
    """However many come and go; and what is new is there for each all the same."""
    made = await world()
    first = await marking.look(made.parts.sessions, made.event_id, wait=True)

    async def whole_at() -> Any:
        async with made.parts.sessions() as session:
            return await session.scalar(select(ContestFeed.looked_at_all))

    before = await whole_at()
    await made.submit(0, 0, 3)
    second = await marking.look(made.parts.sessions, made.event_id, wait=True)
    assert second.seq > first.seq
    assert await whole_at() == before
