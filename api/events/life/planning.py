"""Planning an event: asking for one, and changing it before it starts."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, clocks
from api.auth import CurrentUser, Role
from api.db.models import Event, EventParticipant, EventState
from api.errors import ConflictError, FieldProblem, ForbiddenError, InvalidError
from api.events.life.schemas import Changes, NewEvent, Rules
from api.events.machine import allowed
from api.leaderboards import updating
from judge.errors import UsageError
from judge.scoring import make

# Of one person, waiting for an answer.
REQUESTS_MAX = 20
FAR = timedelta(days=5 * 366)
_chance = random.SystemRandom()
_OPEN = frozenset({EventState.REQUESTED, EventState.APPROVED})
_ASSIGNED = frozenset({EventState.ASSIGNED, EventState.LOBBY})
# What registration and rooms were made by, and what people were told is kept of them.
_SETTLED = frozenset(
    {
        *("topics", "seed", "individuals", "guilds_max", "guild_members_max", "room_entries"),
        *("assign_s", "format", "entries", "team_members_max", "record_writing", "record_network"),
    }
)


async def create(session: AsyncSession, user: CurrentUser, new: NewEvent) -> Event:
    """Make an event: a game master's is approved, a guild master's requested; not committed."""
    user.need(Role.GUILD_MASTER)
    jury = user.has(Role.GAME_MASTER)
    _need_no_seed(new.seed, jury=jury)
    if not jury:
        # One at a time, so that they can be counted.
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
            {"key": f"codebattle.requests:{user.id}"},
        )
        waiting = await session.scalar(
            select(func.count()).where(
                Event.requested_by == user.id, Event.state == EventState.REQUESTED
            )
        )
        if (waiting or 0) >= REQUESTS_MAX:
            raise ConflictError(
                f"{waiting} of your requests wait for an answer", slug="event-requests"
            )
    event = Event(
        slug=new.slug,
        state=EventState.APPROVED if jury else EventState.REQUESTED,
        requested_by=user.id,
        decided_by=user.id if jury else None,
        **_values(new, now=await clocks.now(session)),
    )
    session.add(event)
    try:
        await session.flush()
    except IntegrityError as error:
        raise ConflictError("there is an event with this slug", slug="event-exists") from error
    action = "event.created" if jury else "event.requested"
    audit.record(session, user, action, subject=("event", event.id), detail={"slug": event.slug})
    return event


async def change(session: AsyncSession, user: CurrentUser, known: Event, wanted: Changes) -> Event:
    """Change an event that has not started; the caller commits."""
    event = await updating.locked(session, known.id)
    jury = user.has(Role.GAME_MASTER)
    if not jury and event.requested_by != user.id:
        raise ForbiddenError("only game masters and who asked for it change an event")
    if not (event.state in _OPEN | _ASSIGNED if jury else event.state is EventState.REQUESTED):
        raise _refused(event, f"the event is {event.state.value}; it cannot be changed")
    _need_no_seed(wanted.seed, jury=jury)
    given = wanted.model_dump(mode="json", exclude_unset=True)
    if event.state in _ASSIGNED and (settled := sorted(_SETTLED & given.keys())):
        raise _refused(event, f"{', '.join(settled)}: rooms are assigned by it already")
    try:
        rules = Rules.model_validate(_rules(event) | given)
    except ValidationError as error:
        raise _invalid(error) from error
    before = _rules(event)
    if rules.entries is not event.entries:
        await _need_nobody(session, event)
    now = await clocks.now(session)
    for name, value in _values(rules, now=now, moved="starts_at" in given).items():
        setattr(event, name, value)
    await session.flush()
    after = _rules(event)
    changed = {name: after[name] for name in after if after[name] != before[name]}
    if changed:
        audit.record(
            session, user, "event.changed", subject=("event", event.id), detail={"changed": changed}
        )
    return event


def _need_no_seed(seed: int | None, *, jury: bool) -> None:
    """Raise for who would know what is drawn: whoever asks for an event may play there."""
    if seed is not None and not jury:
        raise ForbiddenError("only game masters choose the seed that problems are drawn by")


async def _need_nobody(session: AsyncSession, event: Event) -> None:
    taken = await session.scalar(select(func.count()).where(EventParticipant.event_id == event.id))
    if taken:
        raise ConflictError(
            f"entries: {taken} people are registered already",
            slug="event-entries",
            entries=event.entries.value,
        )


def _values(rules: Rules, *, now: datetime, moved: bool = True) -> dict[str, Any]:
    """Return the columns of an event by its rules; raises `InvalidError`."""
    try:
        make(rules.format, rules.options)
    except UsageError as error:
        raise InvalidError(str(error), slug="event-options") from error
    if moved and not now < rules.starts_at < now + FAR:
        raise InvalidError("starts_at: within the next five years", slug="event-time")
    values = rules.model_dump(mode="json", include=Rules.model_fields.keys() - {"starts_at"})
    values["entries"] = rules.entries
    values["starts_at"] = rules.starts_at.astimezone(UTC)
    if values["seed"] is None:
        values["seed"] = _chance.randrange(2**31)
    return values


def _rules(event: Event) -> dict[str, Any]:
    found = {name: getattr(event, name) for name in Rules.model_fields}
    return found | {"starts_at": event.starts_at.isoformat()}


def _refused(event: Event, detail: str) -> ConflictError:
    acts = [each.value for each in allowed(event.state)]
    return ConflictError(detail, slug="event-state", state=event.state.value, allowed=acts)


def _invalid(error: ValidationError) -> InvalidError:
    problems = [
        FieldProblem(
            pointer="/body/" + "/".join(str(part) for part in each["loc"]), detail=each["msg"]
        )
        for each in error.errors()
    ]
    detail = "; ".join(f"{each.pointer}: {each.detail}" for each in problems[:3])
    return InvalidError(detail, errors=problems)
