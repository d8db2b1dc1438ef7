"""What endpoints say of themselves in the API's document, beside what FastAPI sees in their types.

`api.contract` adds what follows from an endpoint's parameters; this is for what does not.
"""

from typing import Any

from api.errors import MEDIA_TYPE, OF_STATUS

Responses = dict[int | str, dict[str, Any]]

PROBLEM = {"$ref": "#/components/schemas/ProblemDetails"}


def problems(*statuses: int) -> Responses:
    """Return the description of errors an endpoint can answer with."""
    return {
        status: {
            "description": str(OF_STATUS[status].__doc__).rstrip("."),
            "content": {MEDIA_TYPE: {"schema": PROBLEM}},
        }
        for status in statuses
    }


def located(status: int) -> Responses:
    """Return the description of a success that names what it made in `Location`."""
    return {status: {"headers": {"Location": {"$ref": "#/components/headers/Location"}}}}
