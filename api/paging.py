"""Keyset cursors: where the last page ended, opaque to clients and safe against any text."""

import base64
import binascii
import json
from typing import Annotated

from fastapi import Query

from api.errors import BadRequestError

PAGE_MAX = 100
PAGE_DEFAULT = 50

LimitParam = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Entries a page.")]
CursorParam = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before.")
]


def encode(*key: str) -> str:
    """Return the cursor after a row with this key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode(cursor: str, parts: int = 1) -> list[str]:
    """Return the key in a cursor; raises `BadRequestError` for one that we never gave."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        json.dumps(key, ensure_ascii=False).encode()  # half a character is no text
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
    if (
        not isinstance(key, list)
        or len(key) != parts
        or not all(isinstance(each, str) and "\0" not in each for each in key)
    ):
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return key
