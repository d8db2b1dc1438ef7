"""Tokens that we make up ourselves: long random words of which only a hash is kept.

They are as long as a key, so a plain hash is enough: there is nothing to guess.
"""

import hashlib
import secrets
from dataclasses import dataclass

PERSONAL = "cbp_"
REFRESH = "cbr_"
SHOWN_CHARS = 12
CHARS_MAX = 100
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A new token: told once, kept as a hash, shown as its first characters."""

    text: str

    def __repr__(self) -> str:
        """Keep the token out of logs and tracebacks."""
        return f"Minted({self.prefix}…)"

    @property
    def hash(self) -> str:
        """Return what is stored."""
        return digest(self.text)

    @property
    def prefix(self) -> str:
        """Return what lists show."""
        return self.text[:SHOWN_CHARS]


def mint(kind: str) -> Minted:
    """Return a new token; `kind` is its first characters."""
    return Minted(text=kind + secrets.token_urlsafe(_RANDOM_BYTES))


def digest(text: str) -> str:
    """Return the hash a token is found by."""
    return hashlib.sha256(text.encode()).hexdigest()
