"""What an event records of how and from where something was handed in, if its rules say so.

A network is kept as a keyed hash, never as an address, and each event has a key of its own: two
people are seen to share one within an event, and nobody is followed from one event to the next.
It is what one router gives one household or classroom: a whole IPv4 address (a /24 of a provider
is 256 strangers) and the first 64 bits of an IPv6 address (the rest is a machine's, and changes).

All of it ends with its time and with the person.
"""

import hashlib
import hmac
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import CodeSubmission, DraftStretch, SubmissionTrace
from api.settings import Settings

_PURPOSE: Final = b"codebattle networks of events"
_HASH_BYTES: Final = 16
_NAME_BYTES: Final = 4


class Networks:
    """Makes the hashes; the key is the service's and not in the database."""

    def __init__(self, settings: Settings) -> None:
        secret = (settings.sealing_keys or (settings.auth_secret,))[0].get_secret_value()
        made = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.encode())
        self._key = made
        self._name = hashlib.sha256(made).hexdigest()[: 2 * _NAME_BYTES]

    def hashed(self, event_id: UUID | None, address: str) -> str | None:
        """Return what is stored of where a request comes from; None for what is no address.

        Without an event that wants to know, nothing is.
        """
        if event_id is None:
            return None
        try:
            found = ip_address(address)
        except ValueError:
            return None
        if isinstance(found, IPv6Address):
            mapped = found.ipv4_mapped
            kept = mapped.packed if mapped is not None else found.packed[:8]
        else:
            kept = found.packed
        made = hmac.digest(self._key, event_id.bytes + kept, "sha256")[:_HASH_BYTES]
        return f"{self._name}:{made.hex()}"


def same(one: str | None, other: str | None) -> bool | None:
    """Tell whether two hashes of one event are of one network; None where nobody can say.

    That is so where one was not recorded, or the service's secret was changed between them.
    """
    if one is None or other is None or one.partition(":")[0] != other.partition(":")[0]:
        return None
    return one == other


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Erase what was recorded of somebody; the caller commits."""
    own = select(CodeSubmission.id).where(CodeSubmission.user_id == user_id)
    await session.execute(delete(SubmissionTrace).where(SubmissionTrace.submission_id.in_(own)))
    await session.execute(delete(DraftStretch).where(DraftStretch.user_id == user_id))


async def prune(session: AsyncSession, *, days: float) -> None:
    """Erase what is older; the caller commits."""
    before = func.now() - timedelta(days=days)
    await session.execute(delete(SubmissionTrace).where(SubmissionTrace.recorded_at < before))
    await session.execute(
        # What was written last is no older than what was written first, and that has an index.
        delete(DraftStretch).where(DraftStretch.first_at < before, DraftStretch.last_at < before)
    )
