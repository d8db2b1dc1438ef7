"""Secrets of subscriptions as the database keeps them: sealed with a key that is not in it.

A copy of the database, a backup or a role that reads tables does not have them then. The first
key of the settings seals, all of them open, so keys are replaced as secrets are: add the new one
before the old one, and drop the old one when no subscription needs it any more.
"""

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.settings import Settings

PREFIX: Final = "sealed:"
_PURPOSE: Final = b"codebattle secrets of subscriptions"


class UnreadableSecretError(Exception):
    """A secret that was sealed with a key we do not have."""


class Sealer:
    """Seals and opens."""

    def __init__(self, *keys: str) -> None:
        self._keys = MultiFernet([Fernet(_derived(each)) for each in keys])

    def seal(self, secret: str) -> str:
        """Return what is stored."""
        return PREFIX + self._keys.encrypt(secret.encode()).decode("ascii")

    def open(self, stored: str) -> str:
        """Return the secret; one from before there were seals is stored as it is."""
        if not stored.startswith(PREFIX):
            return stored
        try:
            return self._keys.decrypt(stored.removeprefix(PREFIX)).decode()
        except InvalidToken as error:
            raise UnreadableSecretError("the secret was sealed with another key") from error


def sealer_from(settings: Settings) -> Sealer:
    """Return the sealer of these settings; without keys of its own it uses that of tokens."""
    chosen = settings.sealing_keys or (settings.auth_secret,)
    return Sealer(*(each.get_secret_value() for each in chosen))


def _derived(key: str) -> bytes:
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
    return base64.urlsafe_b64encode(made)
