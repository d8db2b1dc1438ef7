"""Hashes of networks: what they tell of each other, and what nobody can say."""

from types import SimpleNamespace
from uuid import UUID, uuid4

from api import traces
from api.settings import Settings
from api.similarity.recorded import Recorded

HOME, SCHOOL = "203.0.113.7", "198.51.100.9"


def test_an_event_and_a_secret_have_hashes_of_their_own(settings: Settings) -> None:
    """Nobody is followed from one event to the next, and a new secret makes all unknown."""
    event, other = uuid4(), uuid4()
    made = traces.Networks(settings)
    changed = settings.model_copy(update={"auth_secret": type(settings.auth_secret)("x" * 40)})
    anew = traces.Networks(changed)

    here = made.hashed(event, HOME)
    assert here == traces.Networks(settings).hashed(event, HOME)
    assert here is not None
    assert len(here) == 8 + 1 + 32
    assert made.hashed(other, HOME) != here
    assert traces.same(here, made.hashed(event, SCHOOL)) is False
    assert traces.same(here, anew.hashed(event, HOME)) is None
    assert made.hashed(event, "") is None


def test_of_two_events_nobody_can_say() -> None:
    """Their hashes have different keys, so that they differ says nothing."""
    ids = [uuid4(), uuid4()]

    def rows(*events: UUID) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(id=one, event_id=event, network=f"00000000:{one}", pasted=None)
            for one, event in zip(ids, events, strict=True)
        ]

    event = uuid4()
    assert Recorded(rows(event, event), {}).signals(*ids)["same_network"] is False
    assert Recorded(rows(event, uuid4()), {}).signals(*ids)["same_network"] is None
