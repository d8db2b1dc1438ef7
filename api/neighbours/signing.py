"""Signatures of events in both directions, as Standard Webhooks draws them.

Signed are the message's id, the moment it was sent and the body, with HMAC-SHA256. A message may
carry several signatures and a receiver may hold several secrets: that is how secrets are replaced.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping

SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins, not one
SECRET_BYTES = 32
SECRET_BYTES_MIN = 24
SECRET_BYTES_MAX = 64
ID_CHARS_MAX = 200
SIGNATURES_MAX = 10
_VERSION = "v1"


class SignatureRefusedError(Exception):
    """A message that nobody with a secret of ours has sent just now."""


def new_secret() -> str:
    """Return a new secret in the form both sides write it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the key in a secret; raises `ValueError` for one that is none or too short."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        key = b""
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise ValueError(
            f"a secret is {SECRET_PREFIX} and {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes"
            " in base64"
        )
    return key


def headers(
    message_id: str, body: bytes, *, sent_at_s: int, secrets_held: Iterable[str]
) -> dict[str, str]:
    """Return the three headers of a message."""
    keys = [key_of(each) for each in secrets_held]
    signatures = [f"{_VERSION},{_sign(key, message_id, str(sent_at_s), body)}" for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_s),
        "webhook-signature": " ".join(signatures),
    }


def check(
    given: Mapping[str, str],
    body: bytes,
    *,
    now_s: float,
    tolerance_s: float,
    secrets_held: Iterable[str],
) -> str:
    """Return the id of a message that holds; raises `SignatureRefusedError` with the reason."""
    message_id = given.get("webhook-id", "")
    sent_at = given.get("webhook-timestamp", "")
    said = given.get("webhook-signature", "").split(" ")
    if not _plain(message_id, ID_CHARS_MAX) or "." in message_id:
        raise SignatureRefusedError("no usable webhook-id")
    if not (sent_at.isascii() and sent_at.isdecimal() and len(sent_at) <= 12):
        raise SignatureRefusedError("no usable webhook-timestamp")
    if len(said) > SIGNATURES_MAX:
        raise SignatureRefusedError("too many signatures")
    if abs(now_s - int(sent_at)) > tolerance_s:
        raise SignatureRefusedError("sent too long ago, or a clock is wrong")
    expected = [_sign(key_of(each), message_id, sent_at, body).encode() for each in secrets_held]
    given_now = [
        each.removeprefix(f"{_VERSION},").encode("utf-8", "replace")
        for each in said
        if each.startswith(f"{_VERSION},")
    ]
    # All pairs are compared, so that the time taken does not tell which secret came close.
    matches = [hmac.compare_digest(one, other) for one in expected for other in given_now]
    if not any(matches):
        raise SignatureRefusedError("no signature matches")
    return message_id


def _sign(key: bytes, message_id: str, sent_at: str, body: bytes) -> str:
    signed = f"{message_id}.{sent_at}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _plain(text: str, chars_max: int) -> bool:
    return 0 < len(text) <= chars_max and text.isascii() and text.isprintable()
