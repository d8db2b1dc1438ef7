"""Before the start tick nothing that a player can ask for names a problem of the event."""

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.db.base import new_id
from api.db.models import EventState
from tests.api.conftest import Client
from tests.api.events.conftest import Arena, Arenas

COLLECTIONS = ("problems", "teams", "submissions", "judgements", "runs", "awards", "groups")


def _paths(app: FastAPI, made: Arena) -> list[str]:
    """Return every address there is to read something of an event."""
    names = {
        "event": str(made.event_id),
        "event_id": str(made.event_id),
        "contest_id": str(made.event_id),
        "room": str(made.room_id),
        "entry": str(new_id()),
        "problem": "A",
        "object_id": str(made.problem_id),
        "submission_id": str(new_id()),
    }
    paths = []
    for route in iter_route_contexts(app.routes):
        template = route.path or ""
        asked = any(f"{{{name}}}" in template for name in ("event", "event_id", "contest_id"))
        if asked and "GET" in (route.methods or ()):
            some = COLLECTIONS if "{collection}" in template else ("",)
            paths += [template.format(collection=each, **names) for each in some]
    return [f"{path}?stream=false" if path.endswith("event-feed") else path for path in paths]


async def _told(client: Client, paths: list[str]) -> dict[str, tuple[int, str]]:
    answers = {path: await client.get(path) for path in paths}
    return {path: (each.status_code, each.text) for path, each in answers.items()}


@pytest.mark.slow
async def test_no_canary_before_the_start(app: FastAPI, arena: Arenas, master: Client) -> None:
    """Neither title nor id, to nobody who plays or watches; the same addresses have them later."""
    made = await arena(state=EventState.LOBBY, started_at=None)
    paths = _paths(app, made)
    canaries = (str(made.problem_id), "Arena Greeting", "Welcome to the arena")

    for client in (made.client(made.ada), made.client()):
        for path, (_, body) in (await _told(client, paths)).items():
            answer = body.replace(path.partition("?")[0], "")
            assert not [each for each in canaries if each in answer], path
    jury = await _told(master, paths)
    await made.change(state=EventState.LIVE, started_at=(await made.event()).starts_at)
    live = await _told(made.client(made.ada), paths)

    assert len(paths) > 20
    assert not [path for path, (status, _) in (jury | live).items() if status >= 500]
    assert len([path for path, (_, body) in live.items() if "Arena Greeting" in body]) >= 3
