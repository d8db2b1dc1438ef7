"""What a draw takes: nothing that another event keeps hidden, and what is new to its players."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from api.db.base import new_id
from api.db.models import CodeProblem, CodeProblemVersion, Event, EventState, Visibility
from api.events.drawing import Candidate, Wish, draw
from api.wiring import Parts
from tests.api.conftest import PROBLEMS, Client, imported

TOPICS = {"topics": [{"count": 1}]}
Copies = Callable[..., Awaitable[None]]


@pytest.fixture
async def copies(app: FastAPI, parts: Parts) -> Copies:
    """Return a maker of problems: `copies(Visibility.HIDDEN, "a", "b")`."""
    del app
    first = await imported(parts, PROBLEMS / "hello", visibility=Visibility.HIDDEN)

    async def make(visibility: Visibility, *slugs: str) -> None:
        async with parts.sessions() as session:
            known = await session.get_one(CodeProblemVersion, first.version_id)
            columns = {each.key: getattr(known, each.key) for each in known.__table__.columns}
            for slug in slugs:
                problem = CodeProblem(id=new_id(), slug=slug, title=slug, visibility=visibility)
                session.add(problem)
                await session.flush()
                version = CodeProblemVersion(
                    **columns | {"id": new_id(), "problem_id": problem.id, "number": 1}
                )
                session.add(version)
                await session.flush()
                problem.current_version_id = version.id
            # The one that all are copies of is no candidate itself.
            await session.execute(
                update(CodeProblem)
                .where(CodeProblem.id == first.problem_id)
                .values(current_version_id=None)
            )
            await session.commit()

    return make


async def new_event(master: Client, slug: str, **more: Any) -> str:
    starts_at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    rules = {"slug": slug, "title": slug, "format": "icpc", "duration_s": 3600}
    made = await master.post("/v1/events", json=rules | {"starts_at": starts_at} | more)
    assert made.status_code == 201, made.text
    return str(made.headers["location"])


async def drawn(master: Client, url: str, **more: Any) -> list[str]:
    said = await master.post(f"{url}/problems/draw", json=TOPICS | more)
    assert said.status_code == 200, said.text
    return [each["slug"] for each in said.json()["items"]]


async def choose(master: Client, url: str, *slugs: str) -> None:
    items = [{"problem": slug} for slug in slugs]
    said = await master.put(f"{url}/problems", json={"items": items})
    assert said.status_code == 200, said.text


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (EventState.REQUESTED, True),
        (EventState.APPROVED, True),
        (EventState.LIVE, True),
        (EventState.FROZEN, True),
        (EventState.FINISHED, False),
        (EventState.FINALISED, False),
        (EventState.CANCELLED, False),
        (EventState.REJECTED, False),
    ],
)
async def test_what_another_event_keeps_hidden_is_not_drawn(
    copies: Copies, parts: Parts, master: Client, state: EventState, *, kept: bool
) -> None:
    await copies(Visibility.HIDDEN, "secret")
    finals, warm_up = await new_event(master, "finals"), await new_event(master, "warm-up")
    await choose(master, finals, "secret")
    # Who has it may draw it again, and people may choose it: two events can be halves of one.
    assert await drawn(master, finals, seed=1) == ["secret"]
    async with parts.sessions() as session:
        await session.execute(update(Event).where(Event.slug == "finals").values(state=state))
        await session.commit()
    if not kept:
        assert await drawn(master, warm_up) == ["secret"]
        return
    refused = await master.post(f"{warm_up}/problems/draw", json=TOPICS)
    assert refused.status_code == 409
    assert refused.json()["type"].endswith(":event-problems-too-few")
    assert "hidden ones that others are to have: 1" in refused.json()["detail"]
    await choose(master, warm_up, "secret")


async def test_what_everybody_may_see_is_drawn_twice_only_if_it_must(
    copies: Copies, master: Client
) -> None:
    names = [f"open-{number}" for number in range(6)]
    await copies(Visibility.PUBLIC, *names)
    first, second = await new_event(master, "first"), await new_event(master, "second")
    await choose(master, first, *names[:5])
    for seed in range(8):
        assert await drawn(master, second, seed=seed) == ["open-5"]
    two = {"topics": [{"count": 6}]}
    assert sorted(await drawn(master, second, **two)) == names


async def test_two_who_draw_at_once_do_not_get_the_same(copies: Copies, master: Client) -> None:
    names = {f"secret-{number}" for number in range(8)}
    await copies(Visibility.HIDDEN, *names)
    urls = [await new_event(master, f"event-{number}") for number in range(8)]
    got = await asyncio.gather(*(drawn(master, url, seed=7) for url in urls))
    assert sorted(slug for one in got for slug in one) == sorted(names)


async def test_how_many_topics_may_draw_is_said(copies: Copies, master: Client) -> None:
    """As many as an event may have, whoever asks for them how."""
    del copies
    many = {"topics": [{"count": 50}] * 26}
    url = await new_event(master, "autumn", topics=[{"count": 50}, {"count": 50}])
    asked = [
        await master.post(f"{url}/problems/draw", json=many),
        await master.patch(url, json=many),
        await master.post(
            "/v1/events",
            json={
                "slug": "b",
                "title": "B",
                "format": "icpc",
                "starts_at": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
                "duration_s": 3600,
            }
            | many,
        ),
    ]
    for each in asked:
        assert each.status_code == 422, each.text
        (wrong,) = each.json()["errors"]
        assert wrong["pointer"] == "/body/topics"
        assert "they ask for 1300 problems, and an event has at most 100" in wrong["detail"]


def test_the_order_of_candidates() -> None:
    """New to who plays before all, then in no other event, then chance by the seed."""
    cases: dict[str, dict[str, Any]] = {
        "new": {},
        "elsewhere": {"planned": True},
        "solved": {"solved_by": 1},
    }
    known = [
        Candidate(problem_id=new_id(), slug=slug, tags=frozenset(), difficulty=None, **more)
        for slug, more in cases.items()
    ]
    wish = Wish(count=2, points=Decimal(100))
    for seed in range(10):
        random.Random(seed).shuffle(known)
        got = {each.candidate.slug for each in draw(known, [wish], seed=seed)}
        assert got == {"new", "elsewhere"}
