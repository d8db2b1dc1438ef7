"""What tells one wording of a request from another.

Whoever approves a request approves what they have read. Who asked may still change it meanwhile,
so both the reading and the approval name its revision.
"""

import hashlib
import json

from api.db.models import Event
from api.errors import ConflictError, InvalidError
from api.events.life.schemas import Rules


def revision(event: Event) -> str:
    """Return what changes with every change of what an event is to be."""
    named = {name: getattr(event, name) for name in ("slug", *sorted(Rules.model_fields))}
    text = json.dumps(named, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def need(event: Event, read: str | None) -> None:
    """Raise unless somebody has `read` the request as it is; its row is locked."""
    if read is None:
        raise InvalidError("name the revision of the request you read", slug="revision-missing")
    if read != revision(event):
        raise ConflictError(
            "the request was changed since you read it: read it again", slug="event-revision"
        )
