"""The state machine of events: every state and every act."""

from itertools import product

import pytest

from api.db.models import EventState
from api.events.machine import RULES, Act, IllegalActError, after, allowed

# What each state allows, written out: the machine's own table turned the other way round.
ALLOWED = {
    "requested": {"approve", "reject", "cancel"},
    "rejected": set(),
    "approved": {"assign", "cancel"},
    "assigned": {"open", "start", "cancel"},
    "lobby": {"start", "cancel"},
    "live": {"freeze", "finish", "cancel"},
    "frozen": {"finish", "cancel"},
    "finished": {"thaw", "finalise", "cancel"},
    "thawed": {"finalise", "cancel"},
    "finalised": set(),
    "cancelled": set(),
}
LEADS_TO = {
    "approve": "approved",
    "reject": "rejected",
    "assign": "assigned",
    "open": "lobby",
    "start": "live",
    "freeze": "frozen",
    "finish": "finished",
    "thaw": "thawed",
    "finalise": "finalised",
    "cancel": "cancelled",
}


def test_every_state_and_act() -> None:
    """An act leads where the table says, again changes nothing, and all else is refused."""
    assert set(RULES) == set(Act)
    for state, act in product(EventState, Act):
        assert {each.value for each in allowed(state)} == ALLOWED[state.value]
        target = LEADS_TO[act.value]
        if act.value in ALLOWED[state.value] or state.value == target:
            assert after(state, act).value == target
        else:
            with pytest.raises(IllegalActError) as error:
                after(state, act)
            assert {each.value for each in error.value.allowed} == ALLOWED[state.value]
