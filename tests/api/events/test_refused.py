"""What an event's state does not allow is refused with what it does allow, whoever asks how."""

import pytest

from api.db.models import EventState
from api.events.machine import RULES
from tests.api.conftest import Client
from tests.api.events.conftest import Arenas

START = [{"problem": "hello"}]


@pytest.mark.parametrize(
    ("state", "method", "path", "body"),
    [
        (EventState.APPROVED, "POST", "pause", {}),
        (EventState.LOBBY, "POST", "resume", {}),
        (EventState.FINISHED, "POST", "extend", {"seconds": 60}),
        (EventState.LIVE, "PUT", "problems", {"items": START}),
        (EventState.FROZEN, "POST", "problems/draw", {"topics": [{"count": 1}]}),
        (EventState.FINALISED, "POST", "acts/cancel", {}),
        (EventState.LIVE, "PATCH", "", {"title": "Other"}),
    ],
)
async def test_the_allowed_acts_are_named(
    arena: Arenas,
    master: Client,
    state: EventState,
    method: str,
    path: str,
    body: dict[str, object],
) -> None:
    made = await arena(state=state)
    address = f"/v1/events/{made.event_id}/{path}".removesuffix("/")
    refused = await master.request(method, address, json=body)
    assert refused.status_code == 409, refused.text
    assert refused.json()["type"].endswith(":event-state")
    allowed = [act.value for act, (_, sources) in RULES.items() if state in sources]
    assert refused.json()["allowed"] == allowed
