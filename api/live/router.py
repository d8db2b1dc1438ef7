"""`/v1/stream`: everything a client follows, on one connection. `docs/live.md` is its manual."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from api.auth import CurrentUser, Scope
from api.deps import MaybeUserDep, PartsDep, UserDep
from api.documented import Responses, problems
from api.errors import BadRequestError, UnauthenticatedError, UnavailableError
from api.live import tickets
from api.live.following import Follower, State, StateError, refuse_missing
from api.live.history import Position
from api.live.schemas import TOPICS_MAX, NewTicket, Ticket, TopicName
from api.live.sse import StreamResponse
from api.live.state import DatabaseState
from api.live.updates import Topic
from api.wiring import Parts

router = APIRouter(prefix="/stream", tags=["live"])
Topics = Annotated[
    list[TopicName],
    Query(
        max_length=TOPICS_MAX,
        description="What to follow, repeated: submission:<id>, user:me, problem:<id>, job:<id>, "
        "event:<id>, room:<id>.",
    ),
]
Seen = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=100, description="The last id that was seen."),
]
SeenQuery = Annotated[
    str | None,
    Query(max_length=100, description="The same, for clients that cannot send headers."),
]
TicketQuery = Annotated[str | None, Query(min_length=1, max_length=100)]
_EXAMPLE = """\
id: 0c5b1f6e2a97-17
event: judged
data: {"topic": "user:5d0f…", "submission_id": "01a1fd94…", "state": "done", "verdict": "AC"}

"""
_EVENTS: Responses = {
    200: {
        "description": "Server-sent events until the client leaves or is told to reconnect.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


def state(parts: Parts) -> State:
    """Return where the state of topics is read."""
    return DatabaseState(parts.sessions)


@router.get(
    "",
    status_code=200,
    response_class=StreamResponse,
    responses=_EVENTS | problems(400, 403, 404, 429),
)
async def open_stream(
    parts: PartsDep,
    user: MaybeUserDep,
    topic: Topics = [],  # noqa: B006 - FastAPI copies it
    ticket: TicketQuery = None,
    last_event_id: SeenQuery = None,
    seen: Seen = None,
) -> Response:
    """Follow topics live. Send either a bearer token and topics, or a ticket."""
    if ticket is not None:
        if topic or user is not None:
            raise BadRequestError("a ticket brings its caller and topics along: send it alone")
        user, topics = await tickets.redeem(parts.redis, ticket)
    elif user is None:
        raise UnauthenticatedError("a bearer token or a stream ticket is needed")
    else:
        topics = _named(user, topic)
    user.need_scope(Scope.READ)
    if not topics:
        raise BadRequestError("say what to follow: ?topic=…", slug="topics-missing")
    position = Position.parse(seen or last_event_id)

    async def again(held: CurrentUser) -> CurrentUser:
        return await parts.verifier.again(held, parts.sessions)

    follower = Follower(parts.hub, state(parts), user, topics, position, again=again)
    await follower.open()
    return StreamResponse(follower)


@router.post("/tickets", status_code=201, responses=problems(404, 429))
async def issue_ticket(new: NewTicket, parts: PartsDep, user: UserDep) -> Ticket:
    """Return a ticket: good for one stream, soon, over these topics only."""
    user.need_scope(Scope.READ)
    topics = _named(user, new.topics)
    try:
        views = await state(parts).views(user, topics)
    except StateError as error:
        raise UnavailableError("the database does not answer", retry_after_s=2) from error
    refuse_missing(topics, views)
    ticket = await tickets.issue(parts.redis, user, topics)
    return Ticket(ticket=ticket, expires_in_s=tickets.LIFETIME_S, url=f"/v1/stream?ticket={ticket}")


def _named(user: CurrentUser, topics: list[str]) -> list[str]:
    mine = Topic.USER.of(user.id)
    return list(dict.fromkeys(mine if each == "user:me" else each for each in topics))
