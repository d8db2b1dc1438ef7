"""The life of an event: which act leads from which state to which, and what the clock does.

Pure: callers lock the row, ask here, and store what comes out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from api.db.models import EventState as State
from judge.scoring.schedule import Schedule


class Act(StrEnum):
    """What people and the clock do to an event."""

    APPROVE = "approve"
    REJECT = "reject"
    ASSIGN = "assign"
    OPEN = "open"
    START = "start"
    FREEZE = "freeze"
    FINISH = "finish"
    THAW = "thaw"
    FINALISE = "finalise"
    CANCEL = "cancel"


_BEFORE = (State.APPROVED, State.ASSIGNED, State.LOBBY)
# To which state an act leads, and from which ones it may.
RULES: Mapping[Act, tuple[State, tuple[State, ...]]] = {
    Act.APPROVE: (State.APPROVED, (State.REQUESTED,)),
    Act.REJECT: (State.REJECTED, (State.REQUESTED,)),
    Act.ASSIGN: (State.ASSIGNED, (State.APPROVED,)),
    Act.OPEN: (State.LOBBY, (State.ASSIGNED,)),
    Act.START: (State.LIVE, (State.ASSIGNED, State.LOBBY)),
    Act.FREEZE: (State.FROZEN, (State.LIVE,)),
    Act.FINISH: (State.FINISHED, (State.LIVE, State.FROZEN)),
    Act.THAW: (State.THAWED, (State.FINISHED,)),
    Act.FINALISE: (State.FINALISED, (State.FINISHED, State.THAWED)),
    Act.CANCEL: (
        State.CANCELLED,
        (State.REQUESTED, *_BEFORE, State.LIVE, State.FROZEN, State.FINISHED, State.THAWED),
    ),
}
RUNNING = frozenset({State.LIVE, State.FROZEN})
OVER = frozenset({State.FINISHED, State.THAWED, State.FINALISED})
# Statements, submissions and boards exist from the start on.
STARTED = RUNNING | OVER
# Who takes part may still change.
ENROLLING = frozenset({State.APPROVED})


class IllegalActError(Exception):
    """An act that the state does not allow; `allowed` are those it does."""

    def __init__(self, act: Act, state: State) -> None:
        self.act, self.state, self.allowed = act, state, allowed(state)
        super().__init__(f"an event that is {state.value} cannot be acted on with {act.value}")


def allowed(state: State) -> tuple[Act, ...]:
    """Return the acts a state allows."""
    return tuple(act for act, (_, sources) in RULES.items() if state in sources)


def after(state: State, act: Act) -> State:
    """Return the state an act leads to; doing again what is done changes nothing.

    Raises `IllegalActError`.
    """
    target, sources = RULES[act]
    if state is target:
        return state
    if state not in sources:
        raise IllegalActError(act, state)
    return target


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When the clock acts on an event; `longest_extra` is the most extra time anybody has."""

    schedule: Schedule
    assign_before: timedelta
    lobby_before: timedelta
    longest_extra: timedelta = timedelta()
    auto_thaw: bool = False

    def due(self, state: State, now: datetime) -> Iterator[Act]:
        """Return what the clock has to do by now, in order; a late clock does it all."""
        for act, moment in self._moments():
            target, sources = RULES[act]
            if moment is None or moment > now:
                # What cannot happen yet holds up nothing that follows but by its own moment.
                continue
            if state in sources:
                state = target
                yield act

    def next_moment(self, state: State, now: datetime) -> datetime | None:
        """Return when the clock has to look again, or None when only people can act."""
        ahead = []
        for act, moment in self._moments():
            target, sources = RULES[act]
            if moment is not None and moment > now and state in sources:
                ahead.append(moment)
                state = target
        return min(ahead, default=None)

    def _moments(self) -> tuple[tuple[Act, datetime | None], ...]:
        start, ending = (
            self.schedule.start,
            self.schedule.moment(self.schedule.duration + self.longest_extra),
        )
        freeze = None
        if self.schedule.freeze is not None:
            freeze = self.schedule.moment(self.schedule.duration - self.schedule.freeze)
        return (
            (Act.ASSIGN, start - max(self.assign_before, self.lobby_before)),
            (Act.OPEN, start - self.lobby_before),
            (Act.START, start),
            (Act.FREEZE, freeze),
            (Act.FINISH, ending),
            (Act.THAW, ending if self.auto_thaw else None),
        )
